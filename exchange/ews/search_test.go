package ews

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/wire/mapi"
)

var foundSubject = regexp.MustCompile(`<t:Subject>(.*?)</t:Subject>`)

// find sends FindItem on the inbox with some of its elements and returns the subjects, or the code of the failure.
func (w *world) find(elements string) []string {
	w.t.Helper()
	_, answer := w.ask(wrap(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` +
		`<t:FieldURI FieldURI="item:Subject"/></t:AdditionalProperties></m:ItemShape>` + elements + `</m:FindItem>`))
	if code := regexp.MustCompile(`ResponseCode[^>]*>(Error\w+)`).FindStringSubmatch(answer); code != nil {
		return []string{code[1]}
	}
	var subjects []string
	for _, m := range foundSubject.FindAllStringSubmatch(answer, -1) {
		subjects = append(subjects, m[1])
	}
	return subjects
}

const inInbox = `<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds>`

func TestQueryString(t *testing.T) {
	w := newWorld(t)
	for i, words := range []string{"apples and pears", "pears alone", "nothing of it"} {
		w.deliver(fmt.Sprintf("From: Bob <bob@contoso.com>\nTo: Anna <anna@contoso.com>, list@contoso.com\nSubject: Order %d\nDate: Sun, 01 Mar 2026 11:00:00 +0000\n\nThis is %s.\n", i, words))
	}
	w.deliver(attachedMail)
	for range 2 { // before and after it is indexed
		for query, want := range map[string]string{
			"pears":                  "Order 1,Order 0",
			"PEAR":                   "Order 1,Order 0",
			"ears":                   "",
			`"and pears"`:            "Order 0",
			"pears -apples":          "Order 1",
			"apples OR nothing":      "Order 2,Order 0",
			"subject:order":          "Order 2,Order 1,Order 0",
			"from:bob body:alone":    "Order 1",
			"to:list":                "Order 2,Order 1,Order 0",
			"cc:list":                "",
			"attachment:data":        "With files",
			"hasattachment:true":     "With files",
			"received:today":         "With files,Order 2,Order 1,Order 0",
			"received:yesterday":     "",
			"kind:email isread:true": "",
			`a" OR "b`:               "",
			"":                       "With files,Order 2,Order 1,Order 0",
			"color:blue":             "",
			strings.Repeat("(", 300): "ErrorRestrictionTooComplex",
		} {
			text := strings.NewReplacer("&", "&amp;", "<", "&lt;", `"`, "&quot;").Replace(query)
			if got := strings.Join(w.find(inInbox+"<m:QueryString>"+text+"</m:QueryString>"), ","); got != want {
				t.Errorf("%q: %s, want %s", query, got, want)
			}
		}
		for n := 1; n > 0; {
			var err error
			if n, err = w.store.Index(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	both := w.find(`<m:Restriction><t:Exists><t:FieldURI FieldURI="item:Subject"/></t:Exists></m:Restriction>` + inInbox + "<m:QueryString>a</m:QueryString>")
	if !slices.Equal(both, []string{"ErrorSchemaValidation"}) {
		t.Errorf("with a restriction: %v", both)
	}
}

// TestQueryStringRows holds that an answer to a query in words has at most 250 rows.
func TestQueryStringRows(t *testing.T) {
	w := newWorld(t)
	var items []store.NewItem
	for range 260 {
		items = append(items, subjectItem(w.folder(store.RoleInbox), "same words"))
	}
	if _, err := w.mailbox(w.anna).CreateItems(t.Context(), items); err != nil {
		t.Fatal(err)
	}
	if n := len(w.find(inInbox + "<m:QueryString>same</m:QueryString>")); n != 250 {
		t.Errorf("%d rows", n)
	}
	if n := len(w.find(`<m:IndexedPageItemView Offset="250" BasePoint="Beginning" MaxEntriesReturned="500"/>` + inInbox + "<m:QueryString>same</m:QueryString>")); n != 10 {
		t.Errorf("%d rows on the next page", n)
	}
}

func subjectItem(folder store.FolderID, subject string) store.NewItem {
	return store.NewItem{Folder: folder, Props: mapi.Bag{mapi.PidTagSubject: subject}}
}
