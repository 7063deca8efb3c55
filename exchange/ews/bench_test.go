package ews

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
)

// BenchmarkFlat runs what must cost the same however many items a folder has.
func BenchmarkFlat(b *testing.B) {
	for _, items := range []int{100, 10_000, 100_000} {
		w := newWorld(b)
		mailbox, inbox := w.mailbox(w.anna), w.folder(store.RoleInbox)
		var last store.Stamp
		for done := 0; done < items; done += 100 {
			batch := make([]store.NewItem, 100)
			for i := range batch {
				batch[i] = store.NewItem{Folder: inbox, Props: mapi.Bag{
					mapi.PidTagSubject:             fmt.Sprintf("Subject %d", done+i),
					mapi.PidTagBody:                "text",
					mapi.PidTagMessageDeliveryTime: time.Date(2026, 1, 1, 0, 0, done+i, 0, time.UTC),
				}}
			}
			stamps, err := mailbox.CreateItems(b.Context(), batch)
			if err != nil {
				b.Fatal(err)
			}
			last = stamps[len(stamps)-1]
		}
		state := store.SyncState{}
		for more := true; more; {
			changes, err := mailbox.SyncItems(b.Context(), inbox, state, store.MaxChanges, false)
			if err != nil {
				b.Fatal(err)
			}
			state, more = changes.State, changes.More
		}
		for name, request := range map[string]string{
			"FindItem": `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned="50" Offset="0" BasePoint="Beginning"/>` +
				`<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>`,
			"GetItem": `<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ItemIds><t:ItemId Id="` + last.ID.Encode(idKey) + `"/></m:ItemIds></m:GetItem>`,
			"SyncNoChange": `<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id="inbox"/></m:SyncFolderId><m:SyncState>` +
				state.Encode(idKey) + `</m:SyncState><m:MaxChangesReturned>100</m:MaxChangesReturned></m:SyncFolderItems>`,
		} {
			document := wrap(request)
			b.Run(fmt.Sprintf("%s/%d", name, items), func(b *testing.B) {
				for b.Loop() {
					if _, answer := w.ask(document); !strings.Contains(answer, "NoError") {
						b.Fatal(answer)
					}
				}
			})
		}
	}
}
