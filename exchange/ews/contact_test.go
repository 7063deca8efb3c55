package ews

import (
	"encoding/base64"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// TestContactInMAPI holds that a contact is kept in the properties where other
// clients look for it, an address of the mail system's own kind too.
func TestContactInMAPI(t *testing.T) {
	w := newWorld(t)
	_, answer := w.ask(create("SaveOnly", `<t:Contact><t:FileAsMapping>LastCommaFirst</t:FileAsMapping><t:DisplayName>Erika</t:DisplayName>
		<t:EmailAddresses><t:Entry Key="EmailAddress1" Name="E">e@example.org</t:Entry><t:Entry Key="EmailAddress2" RoutingType="EX">/o=x</t:Entry>
		<t:Entry Key="EmailAddress3"/></t:EmailAddresses>
		<t:PhysicalAddresses><t:Entry Key="Other"><t:State>BW</t:State></t:Entry></t:PhysicalAddresses><t:PostalAddressIndex>Other</t:PostalAddressIndex></t:Contact>`))
	contacts := w.folder(store.RoleContacts)
	page, err := w.mailbox(w.anna).List(t.Context(), store.Query{Folder: contacts, Want: store.Want{All: true, Recipients: true}})
	if err != nil || len(page.Items) != 1 {
		t.Fatalf("%v, %v: %s", page, err, answer)
	}
	got := page.Items[0].Props
	for tag, want := range map[mapi.Tag]any{
		mapi.PidTagMessageClass: "IPM.Contact", mapi.PidTagSubject: "Erika", mapi.PidTagNormalizedSubject: "Erika",
		mapi.PidLidFileUnderID: int32(0x8017), mapi.PidLidPostalAddressID: int32(3), mapi.PidTagOtherAddressStateOrProvince: "BW",
		mapi.PidLidEmail1EmailAddress: "e@example.org", mapi.PidLidEmail1DisplayName: "E", mapi.PidLidEmail1AddressType: "SMTP",
		mapi.PidLidEmail1OriginalDisplayName: "e@example.org",
		mapi.PidLidEmail1OriginalEntryID:     string(oxcmail.OneOff(oxcmail.Address{Name: "E", Email: "e@example.org"})),
		mapi.PidLidEmail2AddressType:         "EX", mapi.PidLidEmail2EmailAddress: "/o=x", mapi.PidLidEmail2OriginalEntryID: nil,
		mapi.PidLidEmail3EmailAddress: nil, mapi.PidLidEmail3AddressType: nil, mapi.PidTagSenderEmail: nil,
	} {
		v := got[tag]
		if b, is := v.([]byte); is {
			v = string(b)
		}
		if v != want {
			t.Errorf("%s is %v, want %v", tag, v, want)
		}
	}
	// A folder has no entries: a search for one by them is refused.
	_, answer = w.ask(wrap(`<m:FindFolder Traversal="Shallow"><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:Restriction><t:Exists>
		<t:IndexedFieldURI FieldURI="contacts:EmailAddress" FieldIndex="EmailAddress1"/></t:Exists></m:Restriction>
		<m:ParentFolderIds><t:DistinguishedFolderId Id="msgfolderroot"/></m:ParentFolderIds></m:FindFolder>`))
	if !strings.Contains(answer, "ErrorUnsupportedPathForQuery") {
		t.Error(answer)
	}
}

// TestVCard holds that a contact comes and goes as a vCard, its photo with it, and
// that the elements beside it win.
func TestVCard(t *testing.T) {
	w := newWorld(t)
	mime := func(text string) string {
		return `<t:MimeContent>` + base64.StdEncoding.EncodeToString([]byte(text)) + `</t:MimeContent>`
	}
	create := func(contact string) string {
		return `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Contact>` + contact + `</t:Contact></m:Items></m:CreateItem>`
	}
	card := "BEGIN:VCARD\r\nVERSION:3.0\r\nN:Mustermann;Erika;;;\r\nFN:Erika Mustermann\r\nORG:Contoso\\, Ltd.;Sales\r\nEMAIL:erika@example.org\r\n" +
		"TEL;TYPE=CELL:+49 170 1\r\nADR;TYPE=HOME:;;Heidestraße 17;Köln;;51147;Germany\r\nNOTE:one\\ntwo\r\nPHOTO;ENCODING=B;TYPE=JPEG:/9j/AAAA\r\nEND:VCARD\r\n"
	made := w.answered(create(mime(card) + `<t:JobTitle>Buyer</t:JobTitle>`))
	id := itemIDs.FindString(made)
	if got := w.answered(get(id, "contacts:EmailAddresses")); !strings.Contains(got, "erika@example.org</t:Entry>") {
		t.Error(got)
	}
	_, text, _ := strings.Cut(w.answered(get(id, "item:MimeContent")), `<t:MimeContent CharacterSet="UTF-8">`)
	text, _, _ = strings.Cut(text, "<")
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"N:Mustermann;Erika;;;", "ORG:Contoso\\, Ltd.;Sales", "TITLE:Buyer", "TEL;TYPE=CELL:+49 170 1", "ADR;TYPE=HOME:;;Heidestraße 17;Köln;;51147;Germany",
		"NOTE:one\\ntwo", "PHOTO;ENCODING=B;TYPE=JPEG:/9j/AAAA"} {
		if !strings.Contains(string(raw), want+"\r\n") {
			t.Errorf("%q is not in %s", want, raw)
		}
	}
	w.refused("ErrorMimeContentInvalid", create(mime("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n")))
}
