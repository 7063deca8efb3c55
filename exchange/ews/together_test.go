package ews

import (
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// TestTogether holds that an operation on many items reads several with one question,
// tells of each what there is, in order, and of one that is gone that it is.
func TestTogether(t *testing.T) {
	w := newWorld(t)
	const n = 3*itemsTogether + 5
	items := make([]store.NewItem, n)
	for i := range items {
		items[i] = store.NewItem{Folder: w.folder(store.RoleInbox), Props: mapi.Bag{mapi.PidTagSubject: fmt.Sprintf("Subject %d.", i)},
			Recipients: []store.Recipient{{Type: mapi.RecipientTo, AddressType: "SMTP", SMTP: fmt.Sprintf("to%d@contoso.com", i)}}}
	}
	stamps, err := w.mailbox(w.anna).CreateItems(t.Context(), items)
	if err != nil {
		t.Fatal(err)
	}
	const gone = itemsTogether + 3
	ids, subjects := "", []string{}
	for i, stamp := range stamps {
		ids += `<t:ItemId Id="` + stamp.ID.Encode(idKey) + `"/>`
		if i != gone {
			subjects = append(subjects, fmt.Sprintf("Subject %d.", i))
		}
	}
	if _, err := w.mailbox(w.anna).DeleteItem(t.Context(), stamps[gone].ID, store.HardDelete); err != nil {
		t.Fatal(err)
	}
	const shape = `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Subject"/><t:FieldURI FieldURI="message:ToRecipients"/></t:AdditionalProperties></m:ItemShape>`
	ask := func(body string, most int) string {
		t.Helper()
		cost := sqldb.NewCost(w.now)
		r, rec := w.request(w.anna, strings.NewReader(wrap(body))), httptest.NewRecorder()
		r.Request = r.WithContext(sqldb.WithCost(r.Context(), cost))
		w.door.ServeDoor(rec, r)
		if reads := cost.Spent().Reads; reads > most {
			t.Errorf("%d reads for %d items, want at most %d: %s", reads, n, most, body[:40])
		}
		return rec.Body.String()
	}
	told := regexp.MustCompile(`Subject \d+\.`)

	answer := ask(`<m:GetItem>`+shape+`<m:ItemIds>`+ids+`</m:ItemIds></m:GetItem>`, 8)
	if got := told.FindAllString(answer, -1); !slices.Equal(got, subjects) || strings.Count(answer, "to7@contoso.com") != 1 || strings.Count(answer, "ErrorItemNotFound") != 1 {
		t.Errorf("GetItem tells %q, %s", got, answer)
	}
	messages := strings.Split(answer, "<m:GetItemResponseMessage ")[1:]
	if len(messages) != n || !strings.Contains(messages[gone], "ErrorItemNotFound") {
		t.Errorf("%d messages, that of what is gone: %s", len(messages), messages[min(gone, len(messages)-1)])
	}

	answer = ask(`<m:SyncFolderItems>`+shape+`<m:SyncFolderId><t:DistinguishedFolderId Id="inbox"/></m:SyncFolderId><m:MaxChangesReturned>100</m:MaxChangesReturned></m:SyncFolderItems>`, 8)
	slices.Reverse(subjects) // the newest first
	if got := told.FindAllString(answer, -1); !slices.Equal(got, subjects) || strings.Count(answer, "to7@contoso.com") != 1 || strings.Count(answer, "<t:Create>") != n-1 {
		t.Errorf("SyncFolderItems tells %q, %s", got, answer)
	}

	answer = ask(`<m:ExportItems><m:ItemIds>`+ids+`</m:ItemIds></m:ExportItems>`, 8)
	if strings.Count(answer, "<m:Data>") != n-1 || strings.Count(answer, "ErrorItemNotFound") != 1 {
		t.Errorf("ExportItems: %s", answer)
	}
}
