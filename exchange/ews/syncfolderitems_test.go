package ews

import (
	"regexp"
	"strings"
	"testing"

	"hma/exchange/store"
)

var syncStateText = regexp.MustCompile(`<m:SyncState>([^<]+)`)

// syncs asks for the changes of the inbox.
func (w *world) syncs(more, state string) string {
	w.t.Helper()
	if state != "" {
		state = `<m:SyncState>` + state + `</m:SyncState>`
	}
	ignore, scope := "", more
	if strings.HasPrefix(more, "<m:Ignore>") {
		ignore, scope = more, ""
	}
	_, answer := w.ask(wrap(`<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id="inbox"/></m:SyncFolderId>` +
		state + ignore + `<m:MaxChangesReturned>100</m:MaxChangesReturned>` + scope + `</m:SyncFolderItems>`))
	return answer
}

// TestSyncIgnore holds that what a client names in Ignore is not told of, neither that
// it came nor that it went, and that the state goes on over it.
func TestSyncIgnore(t *testing.T) {
	w := newWorld(t)
	w.deliver(plainMail)
	w.deliver(attachedMail)
	items := w.items(store.RoleInbox)
	first, second := items[0].ID.Encode(idKey), items[1].ID.Encode(idKey)
	ignore := func(ids ...string) string {
		return `<m:Ignore><t:ItemId Id="` + strings.Join(ids, `"/><t:ItemId Id="`) + `"/></m:Ignore>`
	}
	answer := w.syncs(ignore(first, "AAMkforged"), "")
	if strings.Count(answer, "<t:Create>") != 1 || strings.Contains(answer, first) || !strings.Contains(answer, second) {
		t.Errorf("one of two ignored: %s", answer)
	}
	state := syncStateText.FindStringSubmatch(answer)
	if state == nil {
		t.Fatal(answer)
	}
	if answer := w.syncs("", state[1]); strings.Contains(answer, "<t:Create>") || !strings.Contains(answer, "<m:IncludesLastItemInRange>true<") || !strings.Contains(answer, "<m:Changes></m:Changes>") {
		t.Errorf("the state did not go on: %s", answer)
	}
	for _, it := range items {
		if _, err := w.mailbox(w.anna).DeleteItem(t.Context(), it.ID, store.HardDelete); err != nil {
			t.Fatal(err)
		}
	}
	if answer := w.syncs(ignore(first), state[1]); strings.Count(answer, "<t:Delete>") != 1 || strings.Contains(answer, first) || !strings.Contains(answer, second) {
		t.Errorf("both gone: %s", answer)
	}
	if answer := w.syncs("", state[1]); strings.Count(answer, "<t:Delete>") != 2 {
		t.Errorf("both gone, none ignored: %s", answer)
	}
}

// TestSyncScope holds that associated items are told of when they are asked for.
func TestSyncScope(t *testing.T) {
	w := newWorld(t)
	w.deliver(plainMail)
	if _, err := w.mailbox(w.anna).CreateConfiguration(t.Context(), w.folder(store.RoleInbox), "View", nil); err != nil {
		t.Fatal(err)
	}
	for scope, want := range map[string]int{"": 1, "<m:SyncScope>NormalItems</m:SyncScope>": 1, "<m:SyncScope>NormalAndAssociatedItems</m:SyncScope>": 2} {
		if answer := w.syncs(scope, ""); strings.Count(answer, "<t:Create>") != want {
			t.Errorf("%s: want %d: %s", scope, want, answer)
		}
	}
	if answer := w.syncs("<m:SyncScope>AssociatedItems</m:SyncScope>", ""); !strings.Contains(answer, "ErrorSchemaValidation") {
		t.Errorf("a scope that is none: %s", answer)
	}
}
