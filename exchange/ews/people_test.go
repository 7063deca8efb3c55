package ews

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"hma/exchange/addressbook"
	"hma/exchange/org"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
)

// directory is the organisation's address list: who is in it, and who is in which group.
type directory struct {
	all     []*org.Recipient
	members map[guid.GUID][]*org.Recipient
}

func (d *directory) RecipientsByGUID(_ context.Context, after guid.GUID, limit int) ([]*org.Recipient, error) {
	return pageOf(d.all, after, limit), nil
}

func (d *directory) Members(_ context.Context, group, after guid.GUID, limit int) ([]*org.Recipient, error) {
	return pageOf(d.members[group], after, limit), nil
}

func pageOf(list []*org.Recipient, after guid.GUID, limit int) (page []*org.Recipient) {
	for _, r := range slices.SortedFunc(slices.Values(list), func(a, b *org.Recipient) int { return bytes.Compare(a.GUID[:], b.GUID[:]) }) {
		if bytes.Compare(r.GUID[:], after[:]) > 0 && len(page) < limit {
			page = append(page, r)
		}
	}
	return page
}

// newDirectory knows Anna, Bob, a shared mailbox, two rooms in a room list, a group and somebody who is hidden.
func newDirectory(anna, bob *org.Recipient) *directory {
	n := byte(10)
	add := func(r org.Recipient) *org.Recipient {
		n++
		r.GUID, r.LegacyDN = guid.GUID{15: n}, "/o=Contoso/cn="+r.Alias
		return &r
	}
	info := add(org.NewMailbox(org.TypeShared, "info@contoso.com", "Info Desk"))
	danube, vltava := add(org.NewMailbox(org.TypeRoom, "danube@contoso.com", "Room Danube")), add(org.NewMailbox(org.TypeRoom, "vltava@contoso.com", "Room Vltava"))
	rooms, sales := add(org.NewGroup(org.TypeRoomList, "rooms@contoso.com", "Meeting Rooms")), add(org.NewGroup(org.TypeDistributionGroup, "sales@contoso.com", "Sales"))
	secret := add(org.NewGroup(org.TypeDistributionGroup, "secret@contoso.com", "Secret Sales"))
	hidden := add(org.NewRecipient("hidden@contoso.com", "Anna Hidden"))
	hidden.HiddenFromAddressLists, secret.HiddenFromAddressLists = true, true
	return &directory{[]*org.Recipient{anna, bob, info, danube, vltava, rooms, sales, secret, hidden}, map[guid.GUID][]*org.Recipient{
		rooms.GUID: {vltava, danube}, sales.GUID: {bob, anna, hidden, rooms, secret}, secret.GUID: {anna}}}
}

func (w *world) book(d *directory) *addressbook.Book {
	w.t.Helper()
	book, err := addressbook.Open(w.t.Context(), sqldbtest.Memory(w.t), d, w.now)
	if err != nil {
		w.t.Fatal(err)
	}
	return book
}

// say sends an operation as Anna, wants it to be done, and returns the answer.
func (w *world) say(body string) string {
	w.t.Helper()
	status, answer := w.ask(wrap(body))
	if status != http.StatusOK {
		w.t.Errorf("%.200s: status %d: %s", body, status, answer)
	}
	return answer
}

// texts are the contents of an element wherever it stands in an answer.
func texts(answer, element string) []string {
	var all []string
	for _, part := range strings.Split(answer, "<"+element+">")[1:] {
		text, _, _ := strings.Cut(part, "</"+element+">")
		all = append(all, text)
	}
	return all
}

func resolve(text, more string) string {
	return `<m:ResolveNames ReturnFullContactData="true"` + more + `><m:UnresolvedEntry>` + text + `</m:UnresolvedEntry></m:ResolveNames>`
}

func TestResolveNames(t *testing.T) {
	w := newWorld(t)
	w.say(`<m:CreateItem><m:Items>` +
		`<t:Contact><t:DisplayName>Zoë Ånström</t:DisplayName><t:GivenName>Zoë</t:GivenName><t:EmailAddresses><t:Entry Key="EmailAddress1">zoe@example.org</t:Entry><t:Entry Key="EmailAddress2">za@example.net</t:Entry></t:EmailAddresses></t:Contact>` +
		`<t:Contact><t:DisplayName>Bob (private)</t:DisplayName><t:EmailAddresses><t:Entry Key="EmailAddress1">BOB@contoso.com</t:Entry></t:EmailAddresses></t:Contact>` +
		`<t:Contact><t:DisplayName>Zed without address</t:DisplayName></t:Contact>` +
		`</m:Items></m:CreateItem>`)
	for _, c := range []struct {
		text, attrs string
		want        []string
	}{
		{"anna", "", []string{"anna@contoso.com"}},
		{"ROOM", "", []string{"rooms@contoso.com", "danube@contoso.com", "vltava@contoso.com"}},
		{"bob", "", []string{"bob@contoso.com"}}, // the contact has the same address
		{"bob", ` SearchScope="Contacts"`, []string{"BOB@contoso.com"}},
		{"bob", ` SearchScope="ContactsActiveDirectory"`, []string{"BOB@contoso.com"}},
		{"zoe", "", []string{"zoe@example.org"}},
		{"anstrom zoe", "", []string{"zoe@example.org"}},
		{"za@", "", []string{"za@example.net"}},
		{"smtp:za@example.net", "", []string{"za@example.net"}},
		{"SMTP:za@example", "", nil},
		{"smtp:Sales@contoso.com", "", []string{"sales@contoso.com"}},
		{"zoe", ` SearchScope="ActiveDirectory"`, nil},
		{"anna", ` SearchScope="Contacts"`, nil},
		{"hidden", "", nil}, {"hidden@contoso.com", "", nil}, {"smtp:hidden@contoso.com", "", nil}, {"smtp:secret@contoso.com", "", nil},
		{"*", "", nil}, {"%", "", nil}, {"a_na", "", nil}, {"/o=Contoso", "", nil}, {"' OR 1=1 --", "", nil}, {"zoe " + strings.Repeat("z", 65536), "", nil},
	} {
		answer := w.say(resolve(c.text, c.attrs))
		if got := texts(answer, "t:EmailAddress"); !slices.Equal(got, c.want) {
			t.Errorf("%.40q%s is %q, want %q", c.text, c.attrs, got, c.want)
		}
		code, class := "NoError", "Success"
		switch {
		case len(c.want) == 0:
			code, class = "ErrorNameResolutionNoResults", "Error"
		case len(c.want) > 1:
			code, class = "ErrorNameResolutionMultipleResults", "Warning"
		}
		if !strings.Contains(answer, `ResponseClass="`+class+`"`) || !strings.Contains(answer, "<m:ResponseCode>"+code+"<") {
			t.Errorf("%.40q%s: %s", c.text, c.attrs, answer)
		}
	}
	answer := w.say(resolve("zed", ""))
	if !strings.Contains(answer, "<t:MailboxType>Contact</t:MailboxType><t:ItemId Id=") || strings.Contains(answer, "<t:EmailAddress>") {
		t.Errorf("a contact without an address: %s", answer)
	}
	if got := strings.Count(w.say(`<m:ResolveNames ReturnFullContactData="false"><m:UnresolvedEntry>anna</m:UnresolvedEntry><m:UnresolvedEntry>nobody</m:UnresolvedEntry></m:ResolveNames>`), "<m:ResponseCode>"); got != 2 {
		t.Errorf("two entries have %d messages", got)
	}
	for _, body := range []string{
		`<m:ResolveNames ReturnFullContactData="true"><m:UnresolvedEntry/></m:ResolveNames>`, `<m:ResolveNames ReturnFullContactData="true"/>`,
		`<m:ResolveNames ReturnFullContactData="maybe"><m:UnresolvedEntry>a</m:UnresolvedEntry></m:ResolveNames>`,
		resolve("a", ` SearchScope="Everywhere"`), resolve("a", ` ContactDataShape="Round"`),
		`<m:ResolveNames ReturnFullContactData="true">` + strings.Repeat(`<m:UnresolvedEntry>a</m:UnresolvedEntry>`, 5000) + `</m:ResolveNames>`,
	} {
		if status, answer := w.ask(wrap(body)); status != http.StatusInternalServerError {
			t.Errorf("%.100s: %d %.300s", body, status, answer)
		}
	}
	// Folders to look in: another mailbox's is refused, and so is none.
	in := func(folder string) string {
		return w.say(`<m:ResolveNames ReturnFullContactData="false" SearchScope="Contacts"><m:ParentFolderIds>` + folder + `</m:ParentFolderIds><m:UnresolvedEntry>zoe</m:UnresolvedEntry></m:ResolveNames>`)
	}
	foreign, err := w.mailbox(w.bob).RoleID("contacts")
	if err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]string{
		`<t:DistinguishedFolderId Id="contacts"/>`:                                      "NoError",
		`<t:DistinguishedFolderId Id="inbox"/>`:                                         "ErrorNameResolutionNoResults",
		`<t:FolderId Id="` + foreign.Encode(idKey) + `"/>`:                              "ErrorAccessDenied",
		`<t:FolderId Id="nonsense"/>`:                                                   "ErrorInvalidIdMalformed",
		`<t:DistinguishedFolderId Id="nofolder"/>`:                                      "ErrorFolderNotFound",
		`<t:DistinguishedFolderId Id="inbox"/><t:DistinguishedFolderId Id="contacts"/>`: "NoError",
	} {
		if answer := in(folder); !strings.Contains(answer, "<m:ResponseCode>"+want+"<") {
			t.Errorf("in %s: %s", folder, answer)
		}
	}
}

// No more than a hundred are given for one entry, and it is said that there are more.
func TestResolveNamesIsBounded(t *testing.T) {
	w := newWorld(t)
	d := newDirectory(w.anna, w.bob)
	for n := range 150 {
		r := org.NewRecipient(fmt.Sprintf("pat%03d@contoso.com", n), fmt.Sprintf("Pat %03d", n))
		r.GUID, r.LegacyDN = guid.GUID{0: 1, 15: byte(n)}, "/o=Contoso/cn="+r.Alias
		d.all = append(d.all, &r)
	}
	w.opts.Book = w.book(d)
	w.door = New(w.store, w.mail, w.opts)
	answer := w.say(resolve("pat", ""))
	if n := strings.Count(answer, "<t:Resolution>"); n != 100 || !strings.Contains(answer, `TotalItemsInView="100" IncludesLastItemInRange="false"`) {
		t.Errorf("%d resolutions: %.600s", n, answer)
	}
}

func TestRooms(t *testing.T) {
	w := newWorld(t)
	if got := texts(w.say("<m:GetRoomLists/>"), "t:EmailAddress"); !slices.Equal(got, []string{"rooms@contoso.com"}) {
		t.Errorf("room lists are %q", got)
	}
	rooms := func(list string) string {
		return w.say(`<m:GetRooms><m:RoomList>` + list + `</m:RoomList></m:GetRooms>`)
	}
	if got := texts(rooms("<t:EmailAddress>Rooms@contoso.com</t:EmailAddress>"), "t:Name"); !slices.Equal(got, []string{"Room Danube", "Room Vltava"}) {
		t.Errorf("rooms are %q", got)
	}
	same := ""
	for _, list := range []string{"sales@contoso.com", "danube@contoso.com", "hidden@contoso.com", "nobody@contoso.com", "", strings.Repeat("x", 65536)} {
		answer := rooms("<t:EmailAddress>" + list + "</t:EmailAddress>")
		if same == "" {
			same = answer
		}
		if answer != same || !strings.Contains(answer, `<m:GetRoomsResponse ResponseClass="Error">`) || !strings.Contains(answer, "ErrorNameResolutionNoResults") {
			t.Errorf("%.50q: %s", list, answer)
		}
	}
	if status, answer := w.ask(wrap("<m:GetRooms/>")); status != http.StatusInternalServerError {
		t.Errorf("no list: %d %s", status, answer)
	}
}

func TestExpandDL(t *testing.T) {
	w := newWorld(t)
	expand := func(mailbox string) string {
		return w.say(`<m:ExpandDL><m:Mailbox>` + mailbox + `</m:Mailbox></m:ExpandDL>`)
	}
	answer := expand("<t:EmailAddress>SALES@contoso.com</t:EmailAddress>")
	if got := texts(answer, "t:EmailAddress"); !slices.Equal(got, []string{"anna@contoso.com", "bob@contoso.com", "rooms@contoso.com"}) {
		t.Errorf("members are %q", got)
	}
	if got := texts(answer, "t:MailboxType"); !slices.Equal(got, []string{"Mailbox", "Mailbox", "PublicDL"}) {
		t.Errorf("they are %q", got)
	}
	// What is no list, what nobody is and what is hidden are all the same.
	same := ""
	for _, mailbox := range []string{"anna@contoso.com", "nobody@contoso.com", "secret@contoso.com", "hidden@contoso.com", "", strings.Repeat("x", 65536)} {
		answer := expand("<t:EmailAddress>" + mailbox + "</t:EmailAddress>")
		if same == "" {
			same = answer
		}
		if answer != same || !strings.Contains(answer, "ErrorNameResolutionNoResults") {
			t.Errorf("%.50q: %s", mailbox, answer)
		}
	}
	if answer := expand("<t:Name>Sales</t:Name>"); !strings.Contains(answer, "ErrorNameResolutionNoResults") {
		t.Errorf("by name alone: %s", answer)
	}
}
