package ews

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func findPeopleIn(folder, text string, offset, limit int) string {
	body := `<m:FindPeople><m:PersonaShape><t:BaseShape>Default</t:BaseShape></m:PersonaShape><m:IndexedPageItemView MaxEntriesReturned="` + strconv.Itoa(limit) + `" Offset="` + strconv.Itoa(offset) + `" BasePoint="Beginning"/>`
	if folder != "" {
		body += `<m:ParentFolderId><t:DistinguishedFolderId Id="` + folder + `"/></m:ParentFolderId>`
	}
	if text != "" {
		body += `<m:QueryString>` + text + `</m:QueryString>`
	}
	return body + `</m:FindPeople>`
}

func TestFindPeople(t *testing.T) {
	w := newWorld(t)
	zoe := w.made(`<t:Contact><t:DisplayName>Zoë Ånström</t:DisplayName><t:GivenName>Zoë</t:GivenName><t:CompanyName>Fabrikam</t:CompanyName><t:EmailAddresses><t:Entry Key="EmailAddress1">zoe@example.org</t:Entry><t:Entry Key="EmailAddress2">za@example.net</t:Entry></t:EmailAddresses><t:JobTitle>Head</t:JobTitle></t:Contact>`)
	w.made(`<t:DistributionList><t:DisplayName>Room lovers</t:DisplayName></t:DistributionList>`)
	w.made(`<t:Contact><t:DisplayName>Alone</t:DisplayName></t:Contact>`)
	for _, c := range []struct {
		folder, text  string
		offset, limit int
		names         []string
		total         string
	}{
		{"directory", "", 0, 3, []string{"Anna", "Bob", "Info Desk"}, "7"},
		{"directory", "", 5, 3, []string{"Room Vltava", "Sales"}, "7"},
		{"directory", "", 50, 3, nil, "7"},
		{"directory", "room", 1, 1, []string{"Room Danube"}, "3"},
		{"directory", "hidden", 0, 9, nil, "0"},
		{"contacts", "", 0, 9, []string{"Alone", "Room lovers", "Zoë Ånström"}, "3"},
		{"contacts", "", 1, 1, []string{"Room lovers"}, "3"},
		{"contacts", "ZOE", 0, 9, []string{"Zoë Ånström"}, "1"},
		{"contacts", "za@", 0, 9, []string{"Zoë Ånström"}, "1"},
		{"contacts", "*", 0, 9, nil, "0"},
		{"contacts", strings.Repeat("x", 65536), 0, 9, nil, "0"},
		{"", "room", 0, 9, []string{"Meeting Rooms", "Room Danube", "Room Vltava", "Room lovers"}, "4"},
		{"", "room", 2, 1, []string{"Room Vltava"}, "4"},
		{"", "room", 3, 5, []string{"Room lovers"}, "4"},
		{"", "room", 0, 2, []string{"Meeting Rooms", "Room Danube"}, "4"},
		{"", "nobody", 0, 2, nil, "0"},
	} {
		answer := w.say(findPeopleIn(c.folder, c.text, c.offset, c.limit))
		if got := texts(answer, "t:DisplayName"); !slices.Equal(got, c.names) {
			t.Errorf("%s %.40q from %d: %q, want %q", c.folder, c.text, c.offset, got, c.names)
		}
		if got := texts(answer, "m:TotalNumberOfPeopleInView"); !slices.Equal(got, []string{c.total}) {
			t.Errorf("%s %.40q: %q in all, want %s", c.folder, c.text, got, c.total)
		}
	}
	answer := w.say(findPeopleIn("directory", "rooms@contoso.com", 0, 9) /* a list */)
	if !strings.Contains(answer, "<t:PersonaType>DistributionList</t:PersonaType>") || !strings.Contains(answer, "<t:MailboxType>PublicDL</t:MailboxType>") {
		t.Errorf("a room list: %s", answer)
	}

	get := func(id string) string { return w.say(`<m:GetPersona><m:PersonaId Id="` + id + `"/></m:GetPersona>`) }
	answer = get(zoe)
	for element, want := range map[string][]string{"t:Title": {"Head"}, "t:CompanyName": {"Fabrikam"}, "t:GivenName": {"Zoë"}, "t:IsWritable": {"true"}, "t:PersonaType": {"Person"}} {
		if got := texts(answer, element); !slices.Equal(got, want) {
			t.Errorf("%s is %q", element, got)
		}
	}
	if n := strings.Count(answer, "<t:Address>"); n != 2 {
		t.Errorf("%d addresses", n)
	}
	_, rest, _ := strings.Cut(w.say(findPeopleIn("directory", "danube", 0, 1)), `<t:PersonaId Id="`)
	danube, _, _ := strings.Cut(rest, `"`)
	if answer := get(danube); !strings.Contains(answer, "<t:PersonaType>Room</t:PersonaType>") || !strings.Contains(answer, "<t:EmailAddress>danube@contoso.com<") {
		t.Errorf("a room: %s", answer)
	}
	foreign, err := w.mailbox(w.bob).RoleID("contacts")
	if err != nil {
		t.Fatal(err)
	}
	message := w.made(`<t:PostItem><t:Subject>x</t:Subject></t:PostItem>`)
	hidden := personaOfHidden(w)
	for id, code := range map[string]string{"": "ErrorInvalidIdEmpty", "nonsense": "ErrorInvalidIdMalformed", foreign.Encode(idKey): "ErrorAccessDenied", message: "ErrorItemNotFound",
		w.folder("contacts").Encode(idKey): "ErrorInvalidId", hidden: "ErrorItemNotFound", "AQAAAAAAAAAAAAAAAAAAAAA=": "ErrorItemNotFound"} {
		if answer := get(id); !strings.Contains(answer, `<m:GetPersonaResponseMessage ResponseClass="Error">`) || !strings.Contains(answer, "<m:ResponseCode>"+code+"<") {
			t.Errorf("%q: %s, want %s", id, answer, code)
		}
	}
	for _, body := range []string{
		`<m:FindPeople><m:PersonaShape/><m:QueryString>a</m:QueryString></m:FindPeople>`,
		`<m:FindPeople><m:PersonaShape><t:BaseShape>Default</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Subject"/></t:AdditionalProperties></m:PersonaShape></m:FindPeople>`,
		`<m:FindPeople><m:IndexedPageItemView MaxEntriesReturned="-1" Offset="0" BasePoint="Beginning"/><m:QueryString>a</m:QueryString></m:FindPeople>`,
		`<m:FindPeople><m:ParentFolderId/></m:FindPeople>`, `<m:GetPersona/>`,
	} {
		if status, answer := w.ask(wrap(body)); status != http.StatusInternalServerError {
			t.Errorf("%s: %d %s", body, status, answer)
		}
	}
	for _, body := range []string{`<m:FindPeople/>`, `<m:FindPeople><m:Restriction/><m:QueryString>a</m:QueryString></m:FindPeople>`} {
		if answer := w.say(body); !strings.Contains(answer, "ErrorInvalidOperation") {
			t.Errorf("%s: %s", body, answer)
		}
	}
	if answer := w.say(`<m:FindPeople><m:ParentFolderId><t:FolderId Id="` + foreign.Encode(idKey) + `"/></m:ParentFolderId></m:FindPeople>`); !strings.Contains(answer, "ErrorAccessDenied") {
		t.Errorf("another's contacts: %s", answer)
	}
}

func TestGetSearchableMailboxes(t *testing.T) {
	w := newWorld(t)
	ask := func(more string) string {
		return w.say("<m:GetSearchableMailboxes>" + more + "</m:GetSearchableMailboxes>")
	}
	if answer := ask(""); !strings.Contains(answer, "ErrorAccessDenied") || strings.Contains(answer, "contoso.com") {
		t.Errorf("somebody who administers nothing: %s", answer)
	}
	w.anna.Administrator = true
	for more, want := range map[string][]string{
		"": {"anna@contoso.com", "bob@contoso.com", "info@contoso.com", "rooms@contoso.com", "danube@contoso.com", "vltava@contoso.com", "sales@contoso.com"},
		"<m:SearchFilter>room d</m:SearchFilter><m:ExpandGroupMembership>false</m:ExpandGroupMembership>": {"danube@contoso.com"},
		"<m:SearchFilter>hidden</m:SearchFilter>":                                                         nil,
		"<m:SearchFilter>sales</m:SearchFilter>":                                                          {"sales@contoso.com"},
		"<m:SearchFilter>sales</m:SearchFilter><m:ExpandGroupMembership>true</m:ExpandGroupMembership>":   {"anna@contoso.com", "bob@contoso.com"},
	} {
		if got := texts(ask(more), "t:PrimarySmtpAddress"); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", more, got, want)
		}
	}
}

// personaOfHidden is the id that somebody who is hidden from address lists would have.
func personaOfHidden(w *world) string {
	d := newDirectory(w.anna, w.bob)
	hidden := *d.all[len(d.all)-1]
	hidden.HiddenFromAddressLists = false
	d.all = append(d.all[:len(d.all)-1], &hidden)
	list, err := w.book(d).List(w.t.Context())
	if err != nil || list.ByGUID(hidden.GUID) == nil {
		w.t.Fatal(err)
	}
	return personaOfEntry(list.ByGUID(hidden.GUID)).id
}
