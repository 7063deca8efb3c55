package ews

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"hma/exchange/store"
)

func searchFolder(name, where string, attrs string, bases ...string) string {
	return `<t:SearchFolder><t:DisplayName>` + name + `</t:DisplayName>` + searchFor(where, attrs, bases...) + `</t:SearchFolder>`
}

func searchFor(where, attrs string, bases ...string) string {
	var ids strings.Builder
	for _, id := range bases {
		ids.WriteString(`<t:DistinguishedFolderId Id="` + id + `"/>`)
	}
	return `<t:SearchParameters` + attrs + `><t:Restriction>` + where + `</t:Restriction><t:BaseFolderIds>` + ids.String() + `</t:BaseFolderIds></t:SearchParameters>`
}

func createSearch(folder string) string {
	return `<m:CreateFolder><m:ParentFolderId><t:DistinguishedFolderId Id="searchfolders"/></m:ParentFolderId><m:Folders>` + folder + `</m:Folders></m:CreateFolder>`
}

func getFolderAll(id string) string {
	return `<m:GetFolder><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape><m:FolderIds><t:FolderId Id="` + id + `"/></m:FolderIds></m:GetFolder>`
}

var folderIDs = regexp.MustCompile(`<t:FolderId Id="([^"]+)" ChangeKey`)

func equalTo(uri, value string) string {
	return `<t:IsEqualTo><t:FieldURI FieldURI="` + uri + `"/><t:FieldURIOrConstant><t:Constant Value="` + value + `"/></t:FieldURIOrConstant></t:IsEqualTo>`
}

// TestSearchFolder goes the way of a client: it makes a search folder, reads its
// items, is told of a new one, changes what it looks for, and deletes it.
func TestSearchFolder(t *testing.T) {
	w := newWorld(t)
	w.deliver(plainMail)
	id := folderIDs.FindStringSubmatch(w.answered(createSearch(searchFolder("From Bob", equalTo("message:Sender", "bob@contoso.com"), ` Traversal="Deep"`, "inbox", "sentitems"))))[1]
	mailbox := w.mailbox(w.anna)
	parsed := w.id(id).(store.FolderID)

	folder := w.answered(getFolderAll(id))
	for _, part := range []string{"<t:SearchFolder>", "<t:DisplayName>From Bob</t:DisplayName>", "<t:TotalCount>1</t:TotalCount>", "<t:UnreadCount>1</t:UnreadCount>",
		`<t:SearchParameters Traversal="Deep"><t:Restriction>` + equalTo("message:Sender", "bob@contoso.com") + `</t:Restriction><t:BaseFolderIds><t:FolderId Id="` + w.folder(store.RoleInbox).Encode(idKey) + `"/>`} {
		if !strings.Contains(folder, part) {
			t.Errorf("GetFolder does not say %s:\n%s", part, folder)
		}
	}
	found := w.answered(`<m:FindFolder Traversal="Shallow"><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape><m:ParentFolderIds><t:DistinguishedFolderId Id="searchfolders"/></m:ParentFolderIds></m:FindFolder>`)
	if !strings.Contains(found, "<t:SearchFolder>") || strings.Contains(found, "SearchParameters") {
		t.Errorf("FindFolder: %s", found)
	}

	find := `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:ParentFolderId"/></t:AdditionalProperties></m:ItemShape>` +
		`<m:ParentFolderIds><t:FolderId Id="` + id + `"/></m:ParentFolderIds></m:FindItem>`
	if items := w.answered(find); strings.Count(items, "<t:Message>") != 1 || !strings.Contains(items, `<t:ParentFolderId Id="`+w.folder(store.RoleInbox).Encode(idKey)+`"`) || !strings.Contains(items, `TotalItemsInView="1"`) {
		t.Errorf("FindItem: %s", items)
	}

	subscription := w.answered(`<m:Subscribe><m:PullSubscriptionRequest><t:FolderIds><t:FolderId Id="` + id + `"/></t:FolderIds><t:EventTypes><t:EventType>CreatedEvent</t:EventType><t:EventType>DeletedEvent</t:EventType></t:EventTypes><t:Timeout>10</t:Timeout></m:PullSubscriptionRequest></m:Subscribe>`)
	w.deliver(plainMail)
	events := w.answered(`<m:GetEvents><m:SubscriptionId>` + regexp.MustCompile(`<m:SubscriptionId>([^<]+)`).FindStringSubmatch(subscription)[1] + `</m:SubscriptionId><m:Watermark>` +
		regexp.MustCompile(`<m:Watermark>([^<]+)`).FindStringSubmatch(subscription)[1] + `</m:Watermark></m:GetEvents>`)
	if strings.Count(events, "<t:CreatedEvent>") != 1 || !strings.Contains(events, `<t:ParentFolderId Id="`+id+`"`) {
		t.Errorf("GetEvents: %s", events)
	}

	w.answered(`<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id="` + id + `"/><t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:SearchParameters"/><t:SearchFolder>` +
		searchFor(equalTo("message:IsRead", "true"), "", "inbox") + `</t:SearchFolder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`)
	if items := w.answered(find); strings.Contains(items, "<t:Message>") {
		t.Errorf("another search still has: %s", items)
	}
	if _, err := mailbox.SetRead(t.Context(), w.items(store.RoleInbox)[0].ID, true); err != nil {
		t.Fatal(err)
	}
	if items := w.answered(find); strings.Count(items, "<t:Message>") != 1 {
		t.Errorf("a read message is not found: %s", items)
	}

	w.refused("ErrorCannotEmptyFolder", `<m:EmptyFolder DeleteType="HardDelete" DeleteSubFolders="true"><m:FolderIds><t:FolderId Id="`+id+`"/></m:FolderIds></m:EmptyFolder>`)
	w.refused("ErrorInvalidOperation", `<m:CreateItem MessageDisposition="SaveOnly"><m:SavedItemFolderId><t:FolderId Id="`+id+`"/></m:SavedItemFolderId><m:Items><t:Message/></m:Items></m:CreateItem>`)
	w.refused("ErrorInvalidOperation", `<m:FindConversation><m:IndexedPageItemView MaxEntriesReturned="5" Offset="0" BasePoint="Beginning"/><m:ParentFolderId><t:FolderId Id="`+id+`"/></m:ParentFolderId></m:FindConversation>`)
	w.answered(`<m:DeleteFolder DeleteType="MoveToDeletedItems"><m:FolderIds><t:FolderId Id="` + id + `"/></m:FolderIds></m:DeleteFolder>`)
	if _, err := mailbox.Folder(t.Context(), parsed); err == nil || len(w.items(store.RoleInbox)) != 2 {
		t.Errorf("after the deletion: %v, %d items in the inbox", err, len(w.items(store.RoleInbox)))
	}
}

// TestRuleToSearchFolder holds that a message is not lost when a rule moves it into a search folder.
func TestRuleToSearchFolder(t *testing.T) {
	w := newWorld(t)
	id := folderIDs.FindStringSubmatch(w.answered(createSearch(searchFolder("Unread", equalTo("message:IsRead", "false"), "", "inbox"))))[1]
	_, answer := w.ask(updateRules(createRule(ruleXML("one", 1, `<t:Actions><t:MoveToFolder><t:FolderId Id="`+id+`"/></t:MoveToFolder></t:Actions>`))))
	w.deliver(plainMail)
	if n := len(w.items(store.RoleInbox)); n != 1 {
		t.Errorf("%d messages in the inbox, want 1; the rule was answered %s", n, answer)
	}
}

// TestSearchFolderRefused holds what is no search folder.
func TestSearchFolderRefused(t *testing.T) {
	w := newWorld(t)
	unread := equalTo("message:IsRead", "false")
	bobs, err := w.mailbox(w.bob).RoleID(store.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, folder, code string }{
		{"no parameters", `<t:SearchFolder><t:DisplayName>x</t:DisplayName></t:SearchFolder>`, "ErrorFolderSavePropertyError"},
		{"a plain folder with parameters", strings.ReplaceAll(searchFolder("x", unread, "", "inbox"), "t:SearchFolder>", "t:Folder>"), "ErrorFolderSavePropertyError"},
		{"no base", searchFolder("x", unread, ""), "ErrorSchemaValidation"},
		{"no such base", searchFolder("x", unread, "", "nonsense"), "ErrorFolderNotFound"},
		{"many bases", searchFolder("x", unread, "", strings.Split(strings.Repeat("inbox ", 101), " ")...), "ErrorRestrictionTooComplex"},
		{"another's folder", strings.Replace(searchFolder("x", unread, "", "inbox"), `<t:DistinguishedFolderId Id="inbox"/>`, `<t:FolderId Id="`+bobs.Encode(idKey)+`"/>`, 1), "ErrorAccessDenied"},
		{"no such property", searchFolder("x", equalTo("item:MimeContent", "x"), "", "inbox"), "ErrorUnsupportedPathForQuery"},
		{"long", searchFolder("x", "<t:Or>"+strings.Repeat(unread, 300)+"</t:Or>", "", "inbox"), "ErrorRestrictionTooComplex"},
		{"traversal", searchFolder("x", unread, ` Traversal="Around"`, "inbox"), "ErrorSchemaValidation"},
		{"no condition", searchFolder("x", "", "", "inbox"), "ErrorSchemaValidation"},
	} {
		_, answer := w.ask(wrap(createSearch(c.folder)))
		if !strings.Contains(answer, c.code+"<") || strings.Contains(answer, "Success") {
			t.Errorf("%s: want %s: %s", c.name, c.code, answer)
		}
	}
}

// TestSearchParameters holds that a condition comes back as one that means the same,
// for every property that has one and every kind of expression.
func TestSearchParameters(t *testing.T) {
	w := newWorld(t)
	conditions := []string{
		`<t:IsNotEqualTo><t:FieldURI FieldURI="item:Importance"/><t:FieldURIOrConstant><t:Constant Value="High"/></t:FieldURIOrConstant></t:IsNotEqualTo>`,
		`<t:IsLessThan><t:FieldURI FieldURI="item:DateTimeReceived"/><t:FieldURIOrConstant><t:Constant Value="2026-01-02T03:04:05.678Z"/></t:FieldURIOrConstant></t:IsLessThan>`,
		`<t:IsGreaterThanOrEqualTo><t:FieldURI FieldURI="item:Size"/><t:FieldURIOrConstant><t:Constant Value="1000"/></t:FieldURIOrConstant></t:IsGreaterThanOrEqualTo>`,
		`<t:IsLessThanOrEqualTo><t:FieldURI FieldURI="item:DateTimeSent"/><t:FieldURIOrConstant><t:FieldURI FieldURI="item:DateTimeReceived"/></t:FieldURIOrConstant></t:IsLessThanOrEqualTo>`,
		`<t:IsNotEqualTo><t:FieldURI FieldURI="item:Categories"/><t:FieldURIOrConstant><t:Constant Value="Red &amp; &lt;Blue&gt;"/></t:FieldURIOrConstant></t:IsNotEqualTo>`,
		`<t:Excludes><t:ExtendedFieldURI PropertyTag="0xe17" PropertyType="Integer"/><t:Bitmask Value="0x10"/></t:Excludes>`,
		equalTo("item:IsDraft", "true"),
		`<t:Not>` + equalTo("item:IsDraft", "false") + `</t:Not>`,
		`<t:And>` + equalTo("item:Subject", "x") + `<t:Or>` + equalTo("message:ToRecipients", "bob@contoso.com") + equalTo("message:From", "Anna") + `</t:Or></t:And>`,
		`<t:Or>` + equalTo("item:Subject", "x") + equalTo("message:InternetMessageId", "x") + `</t:Or>`,
		`<t:IsEqualTo><t:IndexedFieldURI FieldURI="contacts:EmailAddress" FieldIndex="EmailAddress1"/><t:FieldURIOrConstant><t:Constant Value="a@b"/></t:FieldURIOrConstant></t:IsEqualTo>`,
		`<t:IsEqualTo><t:IndexedFieldURI FieldURI="item:InternetMessageHeader" FieldIndex="X-Thing"/><t:FieldURIOrConstant><t:Constant Value="1"/></t:FieldURIOrConstant></t:IsEqualTo>`,
		`<t:Exists><t:ExtendedFieldURI DistinguishedPropertySetId="PublicStrings" PropertyName="Colour" PropertyType="String"/></t:Exists>`,
		`<t:Exists><t:ExtendedFieldURI PropertySetId="c7a4569b-f7ae-4dc2-9279-a8fe2f3caf89" PropertyId="7" PropertyType="BinaryArray"/></t:Exists>`,
		`<t:IsEqualTo><t:ExtendedFieldURI PropertyTag="0x37" PropertyType="String"/><t:FieldURIOrConstant><t:Constant Value="x"/></t:FieldURIOrConstant></t:IsEqualTo>`,
	}
	for mode := range containment {
		for how := range comparison {
			conditions = append(conditions, fmt.Sprintf(`<t:Contains ContainmentMode="%s" ContainmentComparison="%s"><t:FieldURI FieldURI="item:Subject"/><t:Constant Value="x"/></t:Contains>`, mode, how))
		}
	}
	for _, p := range itemProperties {
		if _, searched := itemField(p.uri); searched {
			conditions = append(conditions, `<t:Exists><t:FieldURI FieldURI="`+p.uri+`"/></t:Exists>`)
		}
	}
	id := folderIDs.FindStringSubmatch(w.answered(createSearch(searchFolder("x", equalTo("item:Subject", "x"), "", "drafts"))))[1]
	set := func(where string) (told string, meant *store.Search) {
		t.Helper()
		w.answered(`<m:UpdateFolder><m:FolderChanges><t:FolderChange><t:FolderId Id="` + id + `"/><t:Updates><t:SetFolderField><t:FieldURI FieldURI="folder:SearchParameters"/><t:SearchFolder>` +
			searchFor(where, "", "drafts") + `</t:SearchFolder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges></m:UpdateFolder>`)
		meant, err := w.mailbox(w.anna).SearchOf(t.Context(), w.id(id).(store.FolderID))
		if err != nil {
			t.Fatal(err)
		}
		answer := w.answered(getFolderAll(id))
		_, rest, _ := strings.Cut(answer, "<t:Restriction>")
		told, _, found := strings.Cut(rest, "</t:Restriction>")
		if !found {
			t.Fatalf("%s: %s", where, answer)
		}
		return told, meant
	}
	for _, where := range conditions {
		told, meant := set(where)
		if again, means := set(told); !reflect.DeepEqual(meant, means) || again != told {
			t.Errorf("%s is told as\n%s, and that as\n%s", where, told, again)
		}
	}
}
