package store_test

import (
	"errors"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/mapi"
)

var key = []byte("0123456789abcdef0123456789abcdef")

func ids() []store.ID {
	box := guid.MustParse("01234567-89ab-cdef-0123-456789abcdef")
	item := store.ItemID{Mailbox: box, Row: 0x1234, Mid: mapi.MaxGlobCnt}
	return []store.ID{store.FolderID{Mailbox: box, Folder: 3}, item, store.AttachmentID{Item: item, Number: 7}, store.OccurrenceID{Item: item, Day: 155309},
		store.ConversationID{Mailbox: box, Conversation: [16]byte{1, 15: 255}}}
}

func TestIDs(t *testing.T) {
	for _, id := range ids() {
		text := id.Encode(key)
		if !strings.HasPrefix(text, "AAMk") || len(text) > 512 {
			t.Errorf("%v is %q", id, text)
		}
		if back, err := store.ParseID(key, text); err != nil || back != id {
			t.Errorf("%v came back as %v, %v", id, back, err)
		}
		for i := range text {
			forged := []byte(text)
			forged[i] = 'A' + (forged[i]+1)%26
			if back, err := store.ParseID(key, string(forged)); string(forged) != text && !errors.Is(err, store.ErrMalformedID) {
				t.Errorf("letter %d changed: %v, %v", i, back, err)
			}
		}
		for _, bad := range []string{"", text[:len(text)-4], text + "AAAA", strings.TrimRight(text, "="), text + "\n", " " + text, strings.Repeat("A", 70000)} {
			if bad == text {
				continue
			}
			if _, err := store.ParseID(key, bad); !errors.Is(err, store.ErrMalformedID) {
				t.Errorf("%.80q: %v", bad, err)
			}
		}
		if _, err := store.ParseID([]byte("another key"), text); !errors.Is(err, store.ErrMalformedID) {
			t.Errorf("under another key: %v", err)
		}
		if _, err := store.ParseSyncState(key, text); !errors.Is(err, store.ErrMalformedID) {
			t.Errorf("an id as a state: %v", err)
		}
	}
	state := store.SyncState{Scope: ids()[0].(store.FolderID), Tree: true, Epoch: 2, Since: 5}
	if _, err := store.ParseID(key, state.Encode(key)); !errors.Is(err, store.ErrMalformedID) {
		t.Errorf("a state as an id: %v", err)
	}
	if zero, err := store.ParseSyncState(key, ""); err != nil || zero != (store.SyncState{}) {
		t.Errorf("no state: %v, %v", zero, err)
	}
}

func FuzzParseID(f *testing.F) {
	for _, id := range ids() {
		f.Add(id.Encode(key))
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, err := store.ParseID(key, text)
		if err == nil && id.Encode(key) != text {
			t.Fatalf("%q is a second text of %v", text, id)
		}
		if err != nil && !errors.Is(err, store.ErrMalformedID) {
			t.Fatal(err)
		}
	})
}
