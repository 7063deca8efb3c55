package ews

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"hma/exchange/store"
)

// as makes a request one of a version; "" leaves the header out.
func as(version, document string) string {
	const header = `<t:RequestServerVersion Version="Exchange2016"/>`
	if version == "" {
		return strings.Replace(document, header, "", 1)
	}
	return strings.Replace(document, header, strings.Replace(header, "Exchange2016", version, 1), 1)
}

// TestSchemaVersions reads one message, one contact and one event whole in four versions
// of the schema: what is newer than the version is in none of the answers.
func TestSchemaVersions(t *testing.T) {
	w := newWorld(t)
	w.deliver(attachedMail)
	for _, file := range []string{"40-createitem-contact", "60-createitem-event"} {
		body, err := os.ReadFile("testdata/" + file + ".request.xml")
		if err != nil {
			t.Fatal(err)
		}
		w.ask(wrap(strings.TrimSpace(string(body))))
	}
	var ids strings.Builder
	for _, role := range []store.Role{store.RoleInbox, store.RoleContacts, store.RoleCalendar} {
		list := w.items(role)
		if len(list) == 0 {
			t.Fatal("nothing in", role)
		}
		ids.WriteString(`<t:ItemId Id="` + list[0].ID.Encode(idKey) + `"/>`)
	}
	request := wrap(`<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds>` + ids.String() + `</m:ItemIds></m:GetItem>`)
	_, newest := w.ask(request)
	for _, version := range []string{"Exchange2007_SP1", "Exchange2010_SP2", "Exchange2013", "Exchange2016"} {
		_, answer := w.ask(as(version, request))
		golden := "testdata/schema/" + version + ".golden.xml"
		got := normal(answer)
		if *update {
			if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil || got != string(want) {
			t.Errorf("answer differs from %s (%v):\n%s", golden, err, got)
		}
		for _, p := range itemProperties {
			if p.since > schemaOf(version) && strings.Contains(answer, "<t:"+p.element+">") {
				t.Errorf("%s of %v is in an answer of %s", p.uri, p.since, version)
			}
		}
	}
	for _, version := range []string{"", "Exchange2019", "V2017_07_11"} {
		if _, answer := w.ask(as(version, request)); answer != newest {
			t.Errorf("version %q is not answered as the newest", version)
		}
	}
}

// TestNewerThanSchema holds that what the version of a request does not have is told
// with the code at which a client asks again as a later one, and nothing is done.
func TestNewerThanSchema(t *testing.T) {
	w := newWorld(t)
	w.deliver(plainMail)
	inbox := `<t:DistinguishedFolderId Id="inbox"/>`
	find := func(inner string) string {
		return `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>` + inner + `<m:ParentFolderIds>` + inbox + `</m:ParentFolderIds></m:FindItem>`
	}
	get := func(shape string) string {
		return w.fill(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>` + shape + `</m:ItemShape><m:ItemIds><t:ItemId Id="{item0}"/></m:ItemIds></m:GetItem>`)
	}
	field := func(uri string) string {
		return get(`<t:AdditionalProperties><t:FieldURI FieldURI="` + uri + `"/></t:AdditionalProperties>`)
	}
	for _, c := range []struct{ name, older, newer, body string }{
		{"operation", "Exchange2010_SP2", "Exchange2013", `<m:MarkAllItemsAsRead><m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>true</m:SuppressReadReceipts><m:FolderIds>` + inbox + `</m:FolderIds></m:MarkAllItemsAsRead>`},
		{"operation of 2010", "Exchange2007_SP1", "Exchange2010", `<m:GetRoomLists/>`},
		{"property", "Exchange2010_SP2", "Exchange2013", field("item:Preview")},
		{"property of 2010", "Exchange2007", "Exchange2010", field("item:UniqueBody")},
		{"property of service pack 2", "Exchange2010_SP1", "Exchange2010_SP2", field("item:StoreEntryId")},
		{"shape", "Exchange2010", "Exchange2013", get(`<t:MaximumBodySize>10</t:MaximumBodySize>`)},
		{"filter", "Exchange2007_SP1", "Exchange2010", get(`<t:FilterHtmlContent>true</t:FilterHtmlContent>`)},
		{"order", "Exchange2007_SP1", "Exchange2016", find(`<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:RetentionDate"/></t:FieldOrder></m:SortOrder>`)},
		{"words", "Exchange2007_SP1", "Exchange2010", find(`<m:QueryString>budget</m:QueryString>`)},
		{"folder", "Exchange2010", "Exchange2010_SP1", strings.Replace(getInbox, "inbox", "recoverableitemsdeletions", 1)},
		{"folder property", "Exchange2010_SP2", "Exchange2013", strings.Replace(getInbox, "</t:BaseShape>", `</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="folder:DistinguishedFolderId"/></t:AdditionalProperties>`, 1)},
		{"associated items", "Exchange2007_SP1", "Exchange2010", strings.Replace(find(""), "Shallow", "Associated", 1)},
		{"new item", "Exchange2010_SP2", "Exchange2013", `<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:Message><t:Subject>x</t:Subject><t:Flag><t:FlagStatus>Flagged</t:FlagStatus></t:Flag></t:Message></m:Items></m:CreateItem>`},
		{"receipts", "Exchange2010_SP2", "Exchange2013", w.fill(`<m:DeleteItem DeleteType="MoveToDeletedItems" SuppressReadReceipts="true"><m:ItemIds><t:ItemId Id="{item0}"/></m:ItemIds></m:DeleteItem>`)},
	} {
		drafts := len(w.items(store.RoleDrafts))
		status, answer := w.ask(as(c.older, wrap(c.body)))
		if status != http.StatusInternalServerError || !strings.Contains(answer, "<faultcode>t:ErrorIncorrectSchemaVersion</faultcode>") {
			t.Errorf("%s as %s: status %d\n%s", c.name, c.older, status, answer)
		}
		if len(w.items(store.RoleDrafts)) != drafts {
			t.Errorf("%s as %s made an item", c.name, c.older)
		}
		if _, answer := w.ask(as(c.newer, wrap(c.body))); strings.Contains(answer, "ErrorIncorrectSchemaVersion") || strings.Contains(answer, "ErrorSchemaValidation") {
			t.Errorf("%s as %s:\n%s", c.name, c.newer, answer)
		}
	}
}

// TestSchemaOf holds which schema a name of a version means.
func TestSchemaOf(t *testing.T) {
	for name, want := range map[string]schema{
		"Exchange2007": exchange2007, "Exchange2007_SP1": exchange2007, "Exchange2010": exchange2010, "Exchange2010_SP1": exchange2010SP1,
		"Exchange2010_SP2": exchange2010SP2, "Exchange2010_SP3": exchange2010SP2, "Exchange2013": exchange2013, "Exchange2013_SP1": exchange2013SP1,
		"Exchange2015": exchange2016, "Exchange2016": exchange2016, "Exchange2019": exchange2016, "V2015_10_05": exchange2016, "V2018_01_08": exchange2016,
	} {
		if got := schemaOf(name); !validVersion(name) || got != want {
			t.Errorf("%s is schema %d, want %d", name, got, want)
		}
	}
}
