package ews

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxocntc"
)

var idAndKey = regexp.MustCompile(`<t:ItemId Id="([^"]+)" ChangeKey="([^"]+)"`)

// made creates an item and returns its id.
func (w *world) made(item string) string {
	w.t.Helper()
	found := idAndKey.FindStringSubmatch(w.say(`<m:CreateItem><m:Items>` + item + `</m:Items></m:CreateItem>`))
	if found == nil {
		w.t.Fatalf("not made: %s", item)
	}
	return found[1]
}

func (w *world) get(id, shape string) string {
	return w.say(`<m:GetItem><m:ItemShape>` + shape + `</m:ItemShape><m:ItemIds><t:ItemId Id="` + id + `"/></m:ItemIds></m:GetItem>`)
}

func (w *world) change(id, update string) string {
	return w.say(`<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange><t:ItemId Id="` + id + `"/><t:Updates>` + update + `</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
}

func memberOf(email, more string) string {
	return `<t:Member><t:Mailbox><t:EmailAddress>` + email + `</t:EmailAddress>` + more + `</t:Mailbox></t:Member>`
}

const membersPath = `<t:FieldURI FieldURI="distributionlist:Members"/>`

func TestDistributionList(t *testing.T) {
	w := newWorld(t)
	zoe := w.made(`<t:Contact><t:DisplayName>Zoë</t:DisplayName><t:EmailAddresses><t:Entry Key="EmailAddress1">zoe@example.org</t:Entry></t:EmailAddresses></t:Contact>`)
	inner := w.made(`<t:DistributionList><t:DisplayName>Inner</t:DisplayName></t:DistributionList>`)
	id := w.made(`<t:DistributionList><t:DisplayName>Friends</t:DisplayName><t:Members>` +
		memberOf("BOB@contoso.com", "") + memberOf("sales@contoso.com", `<t:RoutingType>SMTP</t:RoutingType><t:MailboxType>PublicDL</t:MailboxType>`) +
		`<t:Member><t:Mailbox><t:Name>Carol, C.</t:Name><t:EmailAddress>carol@example.net</t:EmailAddress><t:MailboxType>Mailbox</t:MailboxType></t:Mailbox></t:Member>` +
		memberOf("anna@contoso.com", `<t:MailboxType>OneOff</t:MailboxType>`) + memberOf("bob@contoso.com", "") +
		`<t:Member><t:Mailbox><t:ItemId Id="` + zoe + `"/></t:Mailbox></t:Member><t:Member><t:Mailbox><t:ItemId Id="` + inner + `"/></t:Mailbox></t:Member>` +
		`</t:Members></t:DistributionList>`)
	all := `<t:BaseShape>AllProperties</t:BaseShape>`
	answer := w.get(id, all)
	for element, want := range map[string][]string{
		"t:DisplayName": {"Friends"}, "t:Subject": {"Friends"}, "t:FileAs": {"Friends"}, "t:ContactSource": {"Store"}, "t:ItemClass": {"IPM.DistList"},
		"t:Name":         {"Bob", "Sales", "Carol, C.", "anna@contoso.com", "Zoë", "Inner"},
		"t:EmailAddress": {"bob@contoso.com", "sales@contoso.com", "carol@example.net", "anna@contoso.com", "zoe@example.org"},
		"t:MailboxType":  {"Mailbox", "PublicDL", "OneOff", "OneOff", "Contact", "PrivateDL"},
		"t:Status":       {"Normal", "Normal", "Normal", "Normal", "Normal", "Normal"},
	} {
		if got := texts(answer, element); !slices.Equal(got, want) {
			t.Errorf("%s is %q, want %q", element, got, want)
		}
	}
	// What Outlook reads is there too.
	for _, it := range w.items(store.RoleContacts) {
		if it.Props.String(mapi.PidTagDisplayName) != "Friends" {
			continue
		}
		entries, _ := it.Props[mapi.PidLidDistributionListMembers].([][]byte)
		if len(entries) != 6 || it.Props.Int32(mapi.PidLidDistributionListChecksum) != oxocntc.Checksum(entries) || it.Props.String(mapi.PidLidDistributionListName) != "Friends" {
			t.Errorf("the properties are %v", it.Props)
		}
		if m, err := oxocntc.Parse(entries[1], it.Props[mapi.PidLidDistributionListOneOffMembers].([][]byte)[1]); err != nil || oxocntc.DirectoryName(m.ID) != "/o=Contoso/cn=sales" {
			t.Errorf("the group is %+v, %v", m, err)
		}
	}

	expand := func(id string) string {
		return w.say(`<m:ExpandDL><m:Mailbox><t:ItemId Id="` + id + `"/></m:Mailbox></m:ExpandDL>`)
	}
	if got := texts(expand(id), "t:Name"); len(got) != 6 || got[5] != "Inner" {
		t.Errorf("expanded: %q", got)
	}
	if answer := expand(zoe); !strings.Contains(answer, "ErrorNameResolutionNoResults") {
		t.Errorf("a contact was expanded: %s", answer)
	}
	if answer := w.say(resolve("friends", "")); !strings.Contains(answer, `<t:MailboxType>PrivateDL</t:MailboxType><t:ItemId Id="`+id+`"`) {
		t.Errorf("resolved: %s", answer)
	}

	w.change(id, `<t:AppendToItemField>`+membersPath+`<t:DistributionList><t:Members>`+memberOf("new@example.net", "")+`</t:Members></t:DistributionList></t:AppendToItemField>`+
		`<t:SetItemField><t:FieldURI FieldURI="contacts:DisplayName"/><t:DistributionList><t:DisplayName>Old friends</t:DisplayName></t:DistributionList></t:SetItemField>`)
	answer = w.get(id, all)
	if got := texts(answer, "t:EmailAddress"); len(got) != 6 || got[5] != "new@example.net" {
		t.Errorf("after one more: %q", got)
	}
	key := regexp.MustCompile(`Member Key="([^"]+)"`).FindStringSubmatch(answer)[1]
	w.change(id, `<t:DeleteItemField><t:IndexedFieldURI FieldURI="distributionlist:Members:Member" FieldIndex="`+key+`"/></t:DeleteItemField>`)
	if got := texts(w.get(id, all), "t:EmailAddress"); len(got) != 5 || got[0] != "sales@contoso.com" {
		t.Errorf("after one less: %q", got)
	}
	w.change(id, `<t:SetItemField>`+membersPath+`<t:DistributionList><t:Members>`+memberOf("only@example.net", "")+`</t:Members></t:DistributionList></t:SetItemField>`)
	if got := texts(w.get(id, all), "t:EmailAddress"); !slices.Equal(got, []string{"only@example.net"}) {
		t.Errorf("set: %q", got)
	}
	w.change(id, `<t:DeleteItemField>`+membersPath+`</t:DeleteItemField>`)
	if answer := w.get(id, all); strings.Contains(answer, "Members") {
		t.Errorf("without members: %s", answer)
	}

	foreign, err := w.mailbox(w.bob).RoleID(store.RoleContacts)
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct{ members, code string }{
		"no mailbox":        {`<t:Member/>`, ""},
		"no address":        {`<t:Member><t:Mailbox><t:Name>x</t:Name></t:Mailbox></t:Member>`, "ErrorInvalidRecipients"},
		"a folder":          {`<t:Member><t:Mailbox><t:ItemId Id="` + foreign.Encode(idKey) + `"/></t:Mailbox></t:Member>`, "ErrorAccessDenied"},
		"a forged id":       {`<t:Member><t:Mailbox><t:ItemId Id="AAMkforged"/></t:Mailbox></t:Member>`, "ErrorInvalidIdMalformed"},
		"too many":          {manyMembers(maxMembers + 1), "ErrorInvalidOperation"},
		"a message as such": {`<t:Member><t:Mailbox><t:ItemId Id="` + w.made(`<t:PostItem><t:Subject>x</t:Subject></t:PostItem>`) + `"/></t:Mailbox></t:Member>`, "ErrorInvalidValueForProperty"},
	} {
		_, answer := w.ask(wrap(`<m:CreateItem><m:Items><t:DistributionList><t:DisplayName>Bad</t:DisplayName><t:Members>` + c.members + `</t:Members></t:DistributionList></m:Items></m:CreateItem>`))
		if !strings.Contains(answer, c.code) || strings.Contains(answer, "NoError") {
			t.Errorf("%s: %s", what, answer)
		}
	}
	big := w.made(`<t:DistributionList><t:DisplayName>Big</t:DisplayName><t:Members>` + manyMembers(maxMembers) + `</t:Members></t:DistributionList>`)
	if got := texts(expand(big), "t:EmailAddress"); len(got) != maxMembers {
		t.Errorf("a big list has %d members", len(got))
	}
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(memberOf("m"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+strings.Repeat("y", i/26)+"@example.net", ""))
	}
	return b.String()
}
