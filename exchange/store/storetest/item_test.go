package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"hma/exchange/store"
	"hma/exchange/store/query"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/mapi"
)

func role(t testing.TB, m *store.Mailbox, r store.Role) store.FolderID {
	t.Helper()
	id, err := m.RoleID(r)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func create(t testing.TB, m *store.Mailbox, n store.NewItem) store.Stamp {
	t.Helper()
	stamp, err := m.CreateItem(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	return stamp
}

func mail(folder store.FolderID, subject string) store.NewItem {
	return store.NewItem{Folder: folder, Props: mapi.Bag{mapi.PidTagSubject: subject}}
}

func want(t testing.TB, err, kind error) {
	t.Helper()
	if !errors.Is(err, kind) {
		t.Errorf("got error %v, want %v", err, kind)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// checkCounters compares every kept counter with what it counts.
func checkCounters(t testing.TB, db *sqldb.DB) {
	t.Helper()
	for what, query := range map[string]string{
		"folder counters": `SELECT count(*) FROM folder f WHERE
			total <> (SELECT count(*) FROM item i WHERE i.mailbox = f.mailbox AND i.fid = f.fid AND assoc = 0) OR
			unread <> (SELECT count(*) FROM item i WHERE i.mailbox = f.mailbox AND i.fid = f.fid AND assoc = 0 AND is_read = 0) OR
			conversations <> (SELECT count(DISTINCT conversation_id) FROM item i WHERE i.mailbox = f.mailbox AND i.fid = f.fid AND assoc = 0 AND length(conversation_id) = 16) OR
			fai_count <> (SELECT count(*) FROM item i WHERE i.mailbox = f.mailbox AND i.fid = f.fid AND assoc = 1) OR
			deleted_count <> (SELECT count(*) FROM item i WHERE i.mailbox = f.mailbox AND i.deleted_from = f.fid) OR
			children <> (SELECT count(*) FROM folder c WHERE c.mailbox = f.mailbox AND c.parent_fid = f.fid) OR
			f.size <> (SELECT COALESCE(SUM(i.size), 0) FROM item i WHERE i.mailbox = f.mailbox AND i.fid = f.fid)`,
		"mailbox size":             `SELECT count(*) FROM mailbox m WHERE size <> (SELECT COALESCE(SUM(i.size), 0) FROM item i WHERE i.mailbox = m.id)`,
		"negative blob references": `SELECT count(*) FROM blob WHERE refs < 0`,
		"MIME references": `SELECT count(*) FROM item i WHERE mime_hash IS NOT NULL AND NOT EXISTS
			(SELECT 1 FROM blob b WHERE b.mailbox = i.mailbox AND b.hash = i.mime_hash AND b.refs > 0)`,
		"attachment references": `SELECT count(*) FROM attachment a WHERE blob_hash IS NOT NULL AND NOT EXISTS
			(SELECT 1 FROM blob b WHERE b.mailbox = a.mailbox AND b.hash = a.blob_hash AND b.refs > 0)`,
		"too few references": `SELECT count(*) FROM blob b WHERE refs <
			(SELECT count(*) FROM item i WHERE i.mailbox = b.mailbox AND i.mime_hash = b.hash) +
			(SELECT count(*) FROM attachment a WHERE a.mailbox = b.mailbox AND a.blob_hash = b.hash)`,
		"folders changed later than the mailbox": `SELECT count(*) FROM folder f JOIN mailbox m ON m.id = f.mailbox
			WHERE content_cn_max > last_cn OR read_cn_max > last_cn OR deleted_max > last_cn OR cn > last_cn OR last_cn >= next_counter`,
		"orphans": `SELECT (SELECT count(*) FROM attachment a WHERE NOT EXISTS (SELECT 1 FROM item i WHERE i.mailbox = a.mailbox AND i.id = a.item)) +
			(SELECT count(*) FROM recipient a WHERE NOT EXISTS (SELECT 1 FROM item i WHERE i.mailbox = a.mailbox AND i.id = a.item)) +
			(SELECT count(*) FROM chunk c WHERE NOT EXISTS (SELECT 1 FROM blob b WHERE b.mailbox = c.mailbox AND b.id = c.blob))`,
	} {
		var n int
		if err := db.QueryRow(t.Context(), query).Scan(&n); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if n != 0 {
			t.Errorf("%s: %d rows are wrong", what, n)
		}
	}
	checkMailboxes(t, db)
}

func TestItemRoundTrip(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		inbox := role(t, m, store.RoleInbox)
		long := strings.Repeat("<p>Grüße</p>\n", 1000)
		mime, err := m.WriteBlob(t.Context(), strings.NewReader("Subject: x\r\n\r\nbody"))
		ok(t, err)
		content, err := m.WriteBlob(t.Context(), strings.NewReader("file content"))
		ok(t, err)
		received := time.Date(2026, 2, 3, 4, 5, 6, 789000, time.UTC)
		stamp := create(t, m, store.NewItem{
			Folder: inbox, MIME: mime,
			Props: mapi.Bag{
				mapi.PidTagSubject: "RE: Ünïcode\x00 subject", mapi.PidTagBodyHTML: long, mapi.PidTagMessageDeliveryTime: received,
				mapi.PidNameKeywords: []string{"Red", "Blue"}, mapi.PidTagSentRepresentingName: "Zoë", mapi.PidTagFlagStatus: int32(2),
				mapi.PidTagMessageFlags: mapi.MsgFlagUnsent, mapi.PidTagInternetMessageID: "<a@b>",
			},
			Recipients:  []store.Recipient{{Type: mapi.RecipientTo, AddressType: "SMTP", SMTP: "a@x.test", Name: "Anna"}, {Type: mapi.RecipientCc, SMTP: "b@x.test", Props: mapi.Bag{mapi.PidTagComment: "c"}}, {Type: mapi.RecipientTo, SMTP: "c@x.test"}},
			Attachments: []store.Attachment{{Filename: "ä.txt", ContentType: "text/plain", Content: content, Rendering: -1}, {Filename: "hidden", Hidden: true, Inline: true, Content: content}},
		})
		if len(stamp.ChangeKey) != 22 || len(stamp.Attachments) != 2 {
			t.Errorf("stamp %+v", stamp)
		}
		it, err := m.Item(t.Context(), stamp.ID, store.Want{All: true, Recipients: true, Attachments: true})
		ok(t, err)
		for tag, v := range map[mapi.Tag]any{
			mapi.PidTagSubject: "RE: Ünïcode subject", mapi.PidTagNormalizedSubject: "Ünïcode subject", mapi.PidTagMessageClass: "IPM.Note",
			mapi.PidTagDisplayTo: "Anna; c@x.test", mapi.PidTagDisplayCc: "b@x.test", mapi.PidTagHasAttachments: true, mapi.PidTagRead: false,
			mapi.PidTagMessageFlags: mapi.MsgFlagUnsent | mapi.MsgFlagHasAttach, mapi.PidTagImportance: int32(1), mapi.PidTagFlagStatus: int32(2),
			mapi.PidTagInternetArticleNumber: int32(1),
		} {
			if got := it.Props[tag]; got != v {
				t.Errorf("property %s is %#v, want %#v", tag, got, v)
			}
		}
		if got := it.Props.Time(mapi.PidTagMessageDeliveryTime); !got.Equal(received) {
			t.Errorf("received %v", got)
		}
		if got := it.Props.Strings(mapi.PidNameKeywords); len(got) != 2 || got[0] != "Red" {
			t.Errorf("keywords %v", got)
		}
		if _, isBlob := it.Props[mapi.PidTagBodyHTML].(mapi.Blob); !isBlob {
			t.Error("a long value must be kept as a blob")
		}
		ok(t, m.Resolve(t.Context(), it.Props, 1<<20))
		if it.Props.String(mapi.PidTagBodyHTML) != long {
			t.Error("the long value came back different")
		}
		if len(it.Recipients) != 3 || it.Recipients[1].Props.String(mapi.PidTagComment) != "c" || it.Recipients[2].SMTP != "c@x.test" {
			t.Errorf("recipients %+v", it.Recipients)
		}
		if len(it.Attachments) != 2 || it.Attachments[0].Filename != "ä.txt" || !it.Attachments[1].Hidden || it.Attachments[0].Rendering != -1 {
			t.Errorf("attachments %+v", it.Attachments)
		}
		a, err := m.Attachment(t.Context(), it.Attachments[1].ID)
		ok(t, err)
		text, err := io.ReadAll(m.OpenBlob(t.Context(), a.Content))
		if err != nil || string(text) != "file content" {
			t.Errorf("content %q, %v", text, err)
		}
		few, err := m.Item(t.Context(), stamp.ID, store.Want{Tags: []mapi.Tag{mapi.PidTagSubject, mapi.PidNameKeywords}})
		ok(t, err)
		if len(few.Props) != 2 {
			t.Errorf("wanted two properties, got %v", few.Props)
		}
		f, err := m.Folder(t.Context(), inbox)
		ok(t, err)
		if f.Total != 1 || f.Unread != 1 || f.Size != it.Size || it.Size < mime.Size {
			t.Errorf("folder %+v, item size %d", f, it.Size)
		}
		checkCounters(t, db)
	})
}

func TestUpdate(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		first := create(t, m, mail(role(t, m, store.RoleDrafts), "one"))
		blob, err := m.WriteBlob(ctx, strings.NewReader("x"))
		ok(t, err)
		second, err := m.UpdateItem(ctx, first.ID, store.ItemUpdate{
			IfChangeKey: first.ChangeKey, Set: mapi.Bag{mapi.PidTagSubject: "FW: two", mapi.PidTagComment: "c"}, Read: new(true),
			Recipients: &[]store.Recipient{{Type: mapi.RecipientTo, Name: "Bob"}}, AddAttachments: []store.Attachment{{Content: blob}, {Content: blob}},
		})
		ok(t, err)
		if second.ID != first.ID || second.CN <= first.CN || bytes.Equal(second.ChangeKey, first.ChangeKey) || fmt.Sprint(second.Attachments) != "[0 1]" {
			t.Errorf("stamps %+v, %+v", first, second)
		}
		_, err = m.UpdateItem(ctx, first.ID, store.ItemUpdate{IfChangeKey: first.ChangeKey, Set: mapi.Bag{mapi.PidTagSubject: "three"}})
		want(t, err, store.ErrConflict)
		_, err = m.UpdateItem(ctx, first.ID, store.ItemUpdate{DeleteAttachments: []int32{7}})
		want(t, err, store.ErrNotFound)
		_, err = m.UpdateItem(ctx, first.ID, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagSubject: int32(3)}})
		want(t, err, store.ErrInvalid)
		third, err := m.UpdateItem(ctx, first.ID, store.ItemUpdate{DeleteAttachments: []int32{1}, Delete: []mapi.Tag{mapi.PidTagComment}, AddAttachments: []store.Attachment{{Content: blob}}})
		ok(t, err)
		if fmt.Sprint(third.Attachments) != "[2]" {
			t.Errorf("an attachment number was used again: %v", third.Attachments)
		}
		it, err := m.Item(ctx, first.ID, store.Want{All: true, Attachments: true, Recipients: true})
		ok(t, err)
		if it.Props.String(mapi.PidTagNormalizedSubject) != "two" || it.Props.String(mapi.PidTagDisplayTo) != "Bob" || !it.Read || it.Props[mapi.PidTagComment] != nil ||
			len(it.Attachments) != 2 || !it.Props.Bool(mapi.PidTagHasAttachments) {
			t.Errorf("item %+v", it)
		}
		before, err := mapi.ParsePCL(it.PCL)
		ok(t, err)
		if !before.Includes(mapi.PCL(nil).With(mapi.XID{Replica: m.DatabaseGUID(), Local: third.CN})) {
			t.Error("the change list does not include the last change")
		}
		unread, err := m.SetRead(ctx, first.ID, false)
		ok(t, err)
		again, err := m.Item(ctx, first.ID, store.Want{Tags: []mapi.Tag{mapi.PidTagMessageFlags}})
		ok(t, err)
		if !bytes.Equal(unread.ChangeKey, third.ChangeKey) || again.CN != third.CN || again.ReadCN <= again.CN || again.Read || again.Props.Int32(mapi.PidTagMessageFlags)&mapi.MsgFlagRead != 0 {
			t.Errorf("the read flag must take read_cn alone: %+v", again)
		}
		same, err := m.SetRead(ctx, first.ID, false)
		ok(t, err)
		last, err := m.LastChange(ctx)
		if err != nil || last != again.ReadCN || same.CN != third.CN {
			t.Errorf("setting what is set took number %d after %d", last, again.ReadCN)
		}
		checkCounters(t, db)
	})
}

func TestMoveAndDelete(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m, other := mailbox(t, s), mailbox(t, s)
		ctx := t.Context()
		inbox, archive, bin := role(t, m, store.RoleInbox), role(t, m, store.RoleArchive), role(t, m, store.RoleDeletedItems)
		rest := role(t, m, store.RoleRecoverableDeletions)
		old := create(t, m, mail(inbox, "travels"))
		before, err := m.Item(ctx, old.ID, store.Want{All: true})
		ok(t, err)
		moved, err := m.MoveItem(ctx, old.ID, archive)
		ok(t, err)
		if moved.ID.Row != old.ID.Row || moved.ID.Mid == old.ID.Mid || moved.Folder != archive {
			t.Errorf("moved %+v from %+v", moved, old)
		}
		_, err = m.Item(ctx, old.ID, store.Want{})
		want(t, err, store.ErrNotFound)
		_, err = m.MoveItem(ctx, old.ID, archive)
		want(t, err, store.ErrNotFound)
		_, err = other.Item(ctx, moved.ID, store.Want{})
		want(t, err, store.ErrNotFound)
		_, err = m.MoveItem(ctx, moved.ID, role(t, other, store.RoleInbox))
		want(t, err, store.ErrNotFound)
		it, err := m.Item(ctx, moved.ID, store.Want{All: true})
		ok(t, err)
		if it.CreatedCN != it.CN || it.CN <= old.CN || !bytes.Equal(it.Props.Bytes(mapi.PidTagSearchKey), before.Props.Bytes(mapi.PidTagSearchKey)) ||
			!it.Props.Time(mapi.PidTagLastModificationTime).Equal(before.Props.Time(mapi.PidTagLastModificationTime)) {
			t.Errorf("after the move %+v, before %+v", it, before)
		}
		var to, mid mapi.GlobCnt
		ok(t, db.QueryRow(ctx, "SELECT moved_to, moved_mid FROM tombstone WHERE fid = $1 AND mid = $2", inbox.Folder, old.ID.Mid).Scan(&to, &mid))
		if to != archive.Folder || mid != moved.ID.Mid {
			t.Errorf("the tombstone points to %d in folder %d", mid, to)
		}
		copied, err := m.CopyItem(ctx, moved.ID, inbox)
		ok(t, err)
		if copied.ID.Row == moved.ID.Row || copied.Folder != inbox {
			t.Errorf("copy %+v", copied)
		}
		binned, err := m.DeleteItem(ctx, moved.ID, store.ToDeletedItems)
		ok(t, err)
		soft, err := m.DeleteItem(ctx, binned.ID, store.ToDeletedItems)
		ok(t, err)
		if binned.Folder != bin || soft.Folder != rest {
			t.Errorf("deleted to %v, then %v", binned.Folder, soft.Folder)
		}
		page, err := m.List(ctx, store.Query{Folder: bin, View: store.SoftDeletedView, Want: store.Want{Tags: []mapi.Tag{mapi.PidTagSubject}}})
		ok(t, err)
		if page.Total != 1 || len(page.Items) != 1 || page.Items[0].ID != soft.ID || page.Items[0].Props.String(mapi.PidTagSubject) != "travels" {
			t.Errorf("soft-deleted view %+v", page)
		}
		checkCounters(t, db)
		back, err := m.MoveItem(ctx, soft.ID, inbox)
		ok(t, err)
		f, err := m.Folder(ctx, bin)
		if err != nil || f.Deleted != 0 {
			t.Errorf("recovered, but still counted: %+v, %v", f, err)
		}
		softAgain, err := m.DeleteItem(ctx, back.ID, store.SoftDelete)
		ok(t, err)
		gone, err := m.DeleteItem(ctx, softAgain.ID, store.SoftDelete)
		ok(t, err)
		if gone.ID != (store.ItemID{}) {
			t.Errorf("what is deleted from Recoverable Items is still at %+v", gone)
		}
		_, err = m.DeleteItem(ctx, copied.ID, store.HardDelete)
		ok(t, err)
		_, err = m.DeleteItem(ctx, copied.ID, store.HardDelete)
		want(t, err, store.ErrNotFound)
		checkCounters(t, db)
	})
}

func TestBlobs(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, clock := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		count := func(table string) (n int) {
			ok(t, db.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n))
			return n
		}
		random := rand.NewChaCha8([32]byte{1})
		for _, size := range []int{0, 1, store.ChunkSize - 1, store.ChunkSize, store.ChunkSize + 1, 5*store.ChunkSize + 7, 8 * store.ChunkSize} {
			data := make([]byte, size)
			random.Read(data)
			blob, err := m.WriteBlob(ctx, iotest.HalfReader(bytes.NewReader(data)))
			ok(t, err)
			chunks := count("chunk")
			twin, err := m.WriteBlob(ctx, bytes.NewReader(data))
			if err != nil || twin != blob || count("chunk") != chunks {
				t.Errorf("%d bytes again: %v, %v, %d chunks after %d", size, twin, err, count("chunk"), chunks)
			}
			got, err := io.ReadAll(iotest.OneByteReader(io.LimitReader(m.OpenBlob(ctx, blob), 10)))
			if err != nil || !bytes.Equal(got, data[:min(10, size)]) {
				t.Errorf("%d bytes, the first ten: %x, %v", size, got, err)
			}
			var buf bytes.Buffer
			if n, err := m.OpenBlob(ctx, blob).WriteTo(&buf); err != nil || n != int64(size) || !bytes.Equal(buf.Bytes(), data) {
				t.Errorf("%d bytes: wrote %d, %v", size, n, err)
			}
		}
		broken := errors.New("connection lost")
		_, err := m.CreateItem(ctx, store.NewItem{Folder: role(t, m, store.RoleInbox), Props: mapi.Bag{mapi.PidTagConversationID: make([]byte, 5000)}})
		want(t, err, store.ErrInvalid)
		_, err = m.WriteBlob(ctx, io.MultiReader(io.LimitReader(rand.NewChaCha8([32]byte{2}), 6*store.ChunkSize), iotest.ErrReader(broken)))
		want(t, err, broken)
		if n := count("blob WHERE hash IS NULL"); n != 0 {
			t.Errorf("%d blobs are left of what broke off", n)
		}
		_, err = m.CreateItem(ctx, store.NewItem{Folder: role(t, m, store.RoleInbox), MIME: mapi.Blob{Hash: [32]byte{9}, Size: 5}})
		want(t, err, store.ErrNotFound)

		keep, err := m.WriteBlob(ctx, strings.NewReader("kept"))
		ok(t, err)
		stamp := create(t, m, store.NewItem{Folder: role(t, m, store.RoleInbox), MIME: keep})
		twin, err := m.CopyItem(ctx, stamp.ID, role(t, m, store.RoleDrafts))
		ok(t, err)
		if swept, err := s.Sweep(ctx); err != nil || swept.Blobs != 0 {
			t.Errorf("swept %+v before the grace was over, %v", swept, err)
		}
		clock.Advance(25 * time.Hour)
		if swept, err := s.Sweep(ctx); err != nil || swept.Blobs == 0 || count("blob") != 1 || count("chunk") != 1 {
			t.Errorf("swept %+v, %v; %d blobs and %d chunks left", swept, err, count("blob"), count("chunk"))
		}
		_, err = m.DeleteItem(ctx, stamp.ID, store.HardDelete)
		ok(t, err)
		clock.Advance(25 * time.Hour)
		if _, err := s.Sweep(ctx); err != nil || count("blob") != 1 {
			t.Errorf("the copy's content was swept, %v", err)
		}
		checkCounters(t, db)
		_, err = m.DeleteItem(ctx, twin.ID, store.HardDelete)
		ok(t, err)
		clock.Advance(25 * time.Hour)
		if _, err := s.Sweep(ctx); err != nil || count("blob") != 0 || count("chunk") != 0 {
			t.Errorf("not swept, %v", err)
		}
		_, err = io.ReadAll(m.OpenBlob(ctx, keep))
		want(t, err, store.ErrNotFound)
	})
}

func TestContents(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		contents := store.Contents{}
		short, err := m.Gather(ctx, strings.NewReader("short"), contents)
		ok(t, err)
		empty := contents.Add(nil)
		long, err := m.Gather(ctx, strings.NewReader(strings.Repeat("long", store.ChunkSize)), contents)
		ok(t, err)
		if len(contents) != 2 {
			t.Errorf("%d contents wait for the item", len(contents))
		}
		twin, err := m.WriteBlob(ctx, strings.NewReader("short"))
		if err != nil || twin != short {
			t.Errorf("the same content is %v and %v, %v", short, twin, err)
		}
		n := store.NewItem{Folder: role(t, m, store.RoleInbox), MIME: long, Contents: contents, Attachments: []store.Attachment{{Content: short}, {Content: empty}}}
		stamp := create(t, m, n)
		create(t, m, n)
		more := store.Contents{}
		_, err = m.UpdateItem(ctx, stamp.ID, store.ItemUpdate{AddAttachments: []store.Attachment{{Content: more.Add([]byte("more"))}}, Contents: more})
		ok(t, err)
		it, err := m.Item(ctx, stamp.ID, store.Want{Attachments: true})
		ok(t, err)
		for i, text := range []string{"short", "", "more"} {
			if got, err := io.ReadAll(m.OpenBlob(ctx, it.Attachments[i].Content)); err != nil || string(got) != text {
				t.Errorf("attachment %d is %q, %v", i, got, err)
			}
		}
		n.Contents = store.Contents{}
		n.MIME = n.Contents.Add(make([]byte, store.ChunkSize+1))
		_, err = m.CreateItem(ctx, n)
		want(t, err, store.ErrInvalid)
		checkCounters(t, db)
	})
}

// TestLargeItem shows that an item of 50 MB passes through little memory.
func TestLargeItem(t *testing.T) {
	s, _ := Open(t, sqldbtest.Disk(t))
	m := mailbox(t, s)
	const size = 50 << 20
	var base, most uint64
	measure := func() uint64 {
		runtime.GC()
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		most = max(most, stats.HeapAlloc)
		return stats.HeapAlloc
	}
	base = measure()
	blob, err := m.WriteBlob(t.Context(), &gauge{Reader: io.LimitReader(rand.NewChaCha8([32]byte{5}), size), measure: measure})
	ok(t, err)
	stamp := create(t, m, store.NewItem{Folder: role(t, m, store.RoleInbox), MIME: blob})
	it, err := m.Item(t.Context(), stamp.ID, store.Want{All: true})
	ok(t, err)
	n, err := io.Copy(io.Discard, &gauge{Reader: m.OpenBlob(t.Context(), it.MIME), measure: measure})
	if err != nil || n != size || it.Size < size {
		t.Errorf("%d bytes, item of %d, %v", n, it.Size, err)
	}
	if grown := most - base; grown > 16<<20 {
		t.Errorf("%d bytes of heap for an item of %d", grown, size)
	}
}

// gauge measures the heap once for each 8 MB that pass.
type gauge struct {
	io.Reader
	measure func() uint64
	passed  int
}

func (g *gauge) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p)
	if (g.passed+n)>>23 != g.passed>>23 {
		g.measure()
	}
	g.passed += n
	return n, err
}

func TestConcurrentWriters(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		inbox := role(t, m, store.RoleInbox)
		done := make(chan struct{})
		var watch sync.WaitGroup
		seen := map[store.ItemID]bool{}
		replay := func(state store.SyncState) store.SyncState {
			for {
				page, err := m.SyncItems(t.Context(), inbox, state, 7, false)
				if err != nil {
					t.Error(err)
					return state
				}
				for _, c := range page.Changes {
					if c.Kind == store.Created {
						seen[c.ID] = true
					}
				}
				if state = page.State; !page.More {
					return state
				}
			}
		}
		var state store.SyncState
		watch.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					state = replay(state)
				}
			}
		})
		const writers, each = 50, 4
		stamps := make([][]store.Stamp, writers)
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				for j := range each {
					stamp, err := m.CreateItem(t.Context(), mail(inbox, fmt.Sprint(i, j)))
					if err != nil {
						t.Error(err)
						return
					}
					if j%2 == 1 {
						if _, err := m.SetRead(t.Context(), stamp.ID, true); err != nil {
							t.Error(err)
						}
					}
					stamps[i] = append(stamps[i], stamp)
				}
			})
		}
		wg.Wait()
		close(done)
		watch.Wait()
		replay(state)
		numbers := map[mapi.GlobCnt]bool{}
		for i := range stamps {
			for j, stamp := range stamps[i] {
				if j > 0 && stamp.CN <= stamps[i][j-1].CN {
					t.Error("a later write of one writer has a smaller number")
				}
				numbers[stamp.CN] = true
				if !seen[stamp.ID] {
					t.Errorf("a watcher never saw %v", stamp.ID)
				}
			}
		}
		if len(numbers) != writers*each {
			t.Errorf("%d numbers for %d items", len(numbers), writers*each)
		}
		checkCounters(t, db)
	})
}

func TestQuotaAndAccess(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		id := guid.New()
		_, err := s.FindMailbox(t.Context(), id)
		want(t, err, store.ErrNotFound)
		_, err = s.OpenMailbox(t.Context(), guid.Nil, store.MailboxInfo{})
		want(t, err, store.ErrInvalid)
		m, err := s.OpenMailbox(t.Context(), id, store.MailboxInfo{OwnerSID: Owner, Quota: 3000})
		ok(t, err)
		inbox := role(t, m, store.RoleInbox)
		var stamps []store.Stamp
		for err == nil {
			var stamp store.Stamp
			if stamp, err = m.CreateItem(t.Context(), mail(inbox, strings.Repeat("x", 500))); err == nil {
				stamps = append(stamps, stamp)
			}
		}
		want(t, err, store.ErrQuota)
		if len(stamps) != 2 {
			t.Errorf("%d items fit", len(stamps))
		}
		_, err = m.DeleteItem(t.Context(), stamps[0].ID, store.ToDeletedItems)
		ok(t, err)
		m, err = s.OpenMailbox(t.Context(), id, store.MailboxInfo{OwnerSID: Owner, Quota: 0})
		ok(t, err)
		create(t, m, mail(inbox, strings.Repeat("x", 5000)))
		if _, err := m.As(t.Context(), strings.ToLower(Owner)); err != nil {
			t.Error(err)
		}
		for _, sid := range []string{"", "S-1-5-21-1-2-3-1002"} {
			_, err := m.As(t.Context(), sid)
			want(t, err, store.ErrDenied)
		}
		ok(t, m.SetPermissions(t.Context(), inbox, []store.Permission{{Member: store.MemberDefault, Rights: store.RightFolderVisible}, {Member: "S-1-5-21-9", Rights: store.RightReadAny}}))
		for sid, rights := range map[string]store.Rights{Owner: store.AllRights, "S-1-5-21-9": store.RightReadAny, "S-1-5-21-8": store.RightFolderVisible} {
			if got, err := m.Rights(t.Context(), inbox, sid); err != nil || got != rights {
				t.Errorf("%s has %#x, %v", sid, got, err)
			}
		}
		want(t, m.SetPermissions(t.Context(), inbox, []store.Permission{{Member: ""}}), store.ErrInvalid)
		// What one part of a change is refused for undoes the others; a new folder with such permissions is not made.
		twice := []store.Permission{{Member: "S-1-5-21-8"}, {Member: "s-1-5-21-8"}}
		_, err = m.UpdateFolder(t.Context(), inbox, store.FolderUpdate{Name: new("In"), Permissions: &twice})
		want(t, err, store.ErrExists)
		if f, err := m.Folder(t.Context(), inbox); err != nil || f.Name == "In" {
			t.Errorf("%v, %v", f, err)
		}
		_, err = m.CreateFolder(t.Context(), store.NewFolder{Parent: inbox, Name: "Half", Permissions: &twice})
		want(t, err, store.ErrExists)
		made, err := m.CreateFolder(t.Context(), store.NewFolder{Parent: inbox, Name: "Half", Permissions: &[]store.Permission{{Member: "S-1-5-21-8", Rights: store.RightReadAny}}})
		ok(t, err)
		for sid, rights := range map[string]store.Rights{"S-1-5-21-9": 0, "S-1-5-21-8": store.RightReadAny} {
			if got, err := m.Rights(t.Context(), made.ID, sid); err != nil || got != rights {
				t.Errorf("%s has %#x in the new folder, %v", sid, got, err)
			}
		}
		checkCounters(t, db)
	})
}

func TestNamedProperties(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		names := []mapi.Name{{Set: mapi.PSPublicStrings, Text: "Color"}, {Set: mapi.PSPublicStrings, Text: "color"}, {Set: mapi.PSETIDCommon, LID: 0x9999},
			{Set: mapi.PSInternetHeaders, Text: "X-Thing"}, {Set: mapi.PSInternetHeaders, Text: "x-thing"}, {Set: mapi.PSPublicStrings, Text: "Keywords"}}
		if ids, err := m.NamedIDs(ctx, names, false); err != nil || fmt.Sprint(ids[:5]) != "[0 0 0 0 0]" {
			t.Errorf("before: %v, %v", ids, err)
		}
		ids, err := m.NamedIDs(ctx, names, true)
		ok(t, err)
		if ids[0] == ids[1] || ids[3] != ids[4] || ids[5] != mapi.PidNameKeywords.ID() || ids[0] < mapi.FirstMailboxName {
			t.Errorf("ids %#x", ids)
		}
		fresh, _ := Open(t, db)
		again, err := fresh.FindMailbox(ctx, m.GUID())
		ok(t, err)
		back, err := again.Names(ctx, append(ids, 0xFF00))
		ok(t, err)
		if back[0] != names[0] || back[2] != names[2] || back[4] != names[3] || back[6] != (mapi.Name{}) {
			t.Errorf("names %v", back)
		}
		if twice, err := again.NamedIDs(ctx, names, true); err != nil || fmt.Sprint(twice) != fmt.Sprint(ids) {
			t.Errorf("again %v, %v", twice, err)
		}
		_, err = m.NamedIDs(ctx, []mapi.Name{{Text: strings.Repeat("x", 300)}}, true)
		want(t, err, store.ErrInvalid)
	})
}

// TestAdoptedName holds that a value under a number of the mailbox's own is found
// under the number that its name was given in every mailbox since.
func TestAdoptedName(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		ctx := t.Context()
		ids, err := m.NamedIDs(ctx, []mapi.Name{{Set: mapi.PSPublicStrings, Text: "Colour"}, {Set: mapi.PSPublicStrings, Text: "Shape"}}, true)
		ok(t, err)
		own := func(id uint16) mapi.Tag { return mapi.Tag(id)<<16 | mapi.Tag(mapi.Unicode) }
		item := mail(role(t, m, store.RoleInbox), "old")
		item.Props[own(ids[0])], item.Props[own(ids[1])] = "red", "round"
		item.Recipients = []store.Recipient{{Type: mapi.RecipientTo, SMTP: "a@contoso.com", Props: mapi.Bag{own(ids[0]): "blue"}}}
		made, err := m.CreateItem(ctx, item)
		ok(t, err)
		// A program of later knows the first name.
		name, _ := mapi.WellKnownName(mapi.PidLidLocation.ID())
		ok(t, db.Write(ctx, func(tx *sqldb.Tx) error {
			_, err := tx.Exec("UPDATE named_prop SET set_guid = $1, kind = 0, lid = $2, name = '', name_key = '' WHERE propid = $3", name.Set.String(), int64(name.LID), int64(ids[0]))
			return err
		}))
		later, _ := Open(t, db)
		again, err := later.FindMailbox(ctx, m.GUID())
		ok(t, err)
		got, err := again.Item(ctx, made.ID, store.Want{All: true, Recipients: true})
		ok(t, err)
		_, _, old := got.Props.Find(own(ids[0]))
		if got.Props.String(mapi.PidLidLocation) != "red" || old || got.Props.String(own(ids[1])) != "round" || got.Recipients[0].Props.String(mapi.PidLidLocation) != "blue" {
			t.Errorf("%v, recipient %v", got.Props, got.Recipients[0].Props)
		}
		if names, err := again.Names(ctx, ids); err != nil || names[0] != (mapi.Name{}) || names[1].Text != "Shape" {
			t.Errorf("names %v, %v", names, err)
		}
	})
}

// TestRowLimit holds that what a list keeps in memory of an item is bounded.
func TestRowLimit(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		inbox := role(t, m, store.RoleInbox)
		for _, props := range []mapi.Bag{
			{mapi.PidTagSubject: strings.Repeat("s", 600<<10)},
			{mapi.PidNameKeywords: []string{strings.Repeat("k", 600<<10)}},
		} {
			_, err := m.CreateItem(t.Context(), store.NewItem{Folder: inbox, Props: props})
			want(t, err, store.ErrTooLarge)
		}
		many := mail(inbox, "to everybody")
		for range 20_000 {
			many.Recipients = append(many.Recipients, store.Recipient{Type: mapi.RecipientTo, SMTP: "somebody@contoso.com", Name: "Somebody of the whole company"})
		}
		stamp := create(t, m, many)
		it, err := m.Item(t.Context(), stamp.ID, store.Want{Tags: []mapi.Tag{mapi.PidTagDisplayTo}, Recipients: true})
		ok(t, err)
		if names := it.Props.String(mapi.PidTagDisplayTo); len(names) < 1000 || len(names) > 2000 || len(it.Recipients) != 20_000 {
			t.Errorf("%d bytes of names, %d recipients", len(names), len(it.Recipients))
		}
		checkCounters(t, db)
	})
}

// TestItems reads more items than one statement takes, with what is not there among
// them and their MIME forms along, short and long.
func TestItems(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m, other := mailbox(t, s), mailbox(t, s)
		ctx := t.Context()
		inbox, err := m.RoleID(store.RoleInbox)
		ok(t, err)
		texts := make([]string, 40)
		wanted := make([]store.ItemID, len(texts))
		for i := range texts {
			texts[i] = strings.Repeat(fmt.Sprint(i), 1+i*i*i)
			blob, err := m.WriteBlob(ctx, strings.NewReader(texts[i]))
			ok(t, err)
			n := store.NewItem{Folder: inbox, MIME: blob, Props: mapi.Bag{mapi.PidTagSubject: fmt.Sprint(i)}}
			for k := range i % 4 {
				n.Recipients = append(n.Recipients, store.Recipient{Type: mapi.RecipientTo, Name: fmt.Sprint(i, k)})
			}
			for k := range i % 3 {
				n.Attachments = append(n.Attachments, store.Attachment{Filename: fmt.Sprint(i, k), Content: blob})
			}
			stamp, err := m.CreateItem(ctx, n)
			ok(t, err)
			wanted[i] = stamp.ID
		}
		archive, err := m.RoleID(store.RoleArchive)
		ok(t, err)
		_, err = m.MoveItem(ctx, wanted[7], archive) // the id from before
		ok(t, err)
		wanted[9].Mailbox = other.GUID()
		wanted[11].Row = 1 << 40
		want := store.Want{Tags: []mapi.Tag{mapi.PidTagSubject}, Recipients: true, Attachments: true, MIME: true}
		items, err := m.Items(ctx, wanted, want)
		ok(t, err)
		for i, it := range items {
			if gone := i == 7 || i == 9 || i == 11; gone != (it == nil) {
				t.Errorf("item %d: %v", i, it)
			}
			if it == nil {
				continue
			}
			text, err := io.ReadAll(m.OpenMIME(ctx, it))
			ok(t, err)
			if it.ID != wanted[i] || it.Props.String(mapi.PidTagSubject) != fmt.Sprint(i) || string(text) != texts[i] {
				t.Errorf("item %d is %v %q with %d bytes of %d", i, it.ID, it.Props.String(mapi.PidTagSubject), len(text), len(texts[i]))
			}
			if len(it.Recipients) != i%4 || len(it.Attachments) != i%3 {
				t.Errorf("item %d has %d recipients and %d attachments", i, len(it.Recipients), len(it.Attachments))
			}
			alone, err := m.Item(ctx, wanted[i], want)
			ok(t, err)
			if !reflect.DeepEqual(it, alone) {
				t.Errorf("item %d is %+v, alone %+v", i, it, alone)
			}
		}
		page, err := m.List(ctx, store.Query{Folder: inbox, Want: want, Sort: []store.SortKey{{Tag: mapi.PidTagSubject}}, Limit: 100})
		ok(t, err)
		if len(page.Items) != len(texts)-1 {
			t.Errorf("%d items in the folder", len(page.Items))
		}
		for _, it := range page.Items {
			alone, err := m.Item(ctx, it.ID, want)
			ok(t, err)
			if !reflect.DeepEqual(it.Recipients, alone.Recipients) || !reflect.DeepEqual(it.Attachments, alone.Attachments) {
				t.Errorf("%v in a list has %v and %v", it.ID, it.Recipients, it.Attachments)
			}
		}
	})
}

// TestColumnTypes holds that a property with a column takes no value of another type,
// and says so: it is the client's fault.
func TestColumnTypes(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		inbox := role(t, m, store.RoleInbox)
		kept := create(t, m, mail(inbox, "kept"))
		values := map[mapi.Type]any{mapi.Unicode: "text", mapi.Binary: []byte("bytes"), mapi.Boolean: true, mapi.Time: time.Unix(1, 0), mapi.Integer32: int32(1),
			mapi.Floating64: 1.5, mapi.Integer64: int64(1) << 40, mapi.MultiUnicode: []string{"a"}, mapi.GUID: guid.GUID{1}}
		takes := map[query.Kind]mapi.Type{query.Text: mapi.Unicode, query.Int: mapi.Integer32, query.Bool: mapi.Boolean, query.Time: mapi.Time, query.Bytes: mapi.Binary}
		for _, c := range query.Columns {
			for typ, v := range values {
				kind := store.ErrInvalid
				if takes[c.Kind] == typ || c.Computed {
					kind = nil
				}
				tag := mapi.NewTag(c.Tag.ID(), typ)
				if _, err := m.CreateItem(t.Context(), store.NewItem{Folder: inbox, Props: mapi.Bag{tag: v}}); !errors.Is(err, kind) {
					t.Errorf("create with %s: %v, want %v", tag, err, kind)
				}
				if _, err := m.UpdateItem(t.Context(), kept.ID, store.ItemUpdate{Set: mapi.Bag{tag: v}}); !errors.Is(err, kind) {
					t.Errorf("update with %s: %v, want %v", tag, err, kind)
				}
			}
			for _, v := range []any{[]byte(nil), []byte{}, ""} {
				typ := mapi.Binary
				if _, text := v.(string); text {
					typ = mapi.Unicode
				}
				if takes[c.Kind] == typ && !c.Computed {
					tag := mapi.NewTag(c.Tag.ID(), typ)
					_, err := m.CreateItem(t.Context(), store.NewItem{Folder: inbox, Props: mapi.Bag{tag: v}})
					if err != nil {
						t.Errorf("create with %s of nothing (%#v): %v", tag, v, err)
					}
					_, err = m.UpdateItem(t.Context(), kept.ID, store.ItemUpdate{Set: mapi.Bag{tag: v}})
					if err != nil {
						t.Errorf("update with %s of nothing (%#v): %v", tag, v, err)
					}
				}
			}
			if _, err := m.UpdateItem(t.Context(), kept.ID, store.ItemUpdate{Delete: []mapi.Tag{c.Tag}}); (err != nil) != c.Computed {
				t.Errorf("delete %s: %v", c.Tag, err)
			}
		}
		checkCounters(t, db)
	})
}

// TestShortBlobs holds which contents are read together: many, and none that is long or gone.
func TestShortBlobs(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		m := mailbox(t, s)
		write := func(text string) mapi.Blob {
			blob, err := m.WriteBlob(t.Context(), strings.NewReader(text))
			ok(t, err)
			return blob
		}
		expected := store.Contents{}
		blobs := []mapi.Blob{{}, {Size: 5}, write(""), write(strings.Repeat("long", 20_000))} // nothing, one that is gone, an empty one, a long one
		for i := range 40 {
			text := fmt.Sprint("content ", i)
			blobs = append(blobs, write(text))
			expected[blobs[len(blobs)-1]] = []byte(text)
		}
		wrong := blobs[4]
		wrong.Size++
		got, err := m.ShortBlobs(t.Context(), append(blobs, blobs[5]))
		ok(t, err)
		if !reflect.DeepEqual(got, expected) {
			t.Errorf("%d contents, want %d", len(got), len(expected))
		}
		if got, err := m.ShortBlobs(t.Context(), []mapi.Blob{wrong}); err != nil || len(got) != 0 {
			t.Errorf("of another size: %v, %v", got, err)
		}
	})
}

// TestFoldsBounded holds that a row's folds count: one letter can fold to many.
func TestFoldsBounded(t *testing.T) {
	s, _ := Open(t, sqldbtest.Memory(t))
	m := mailbox(t, s)
	inbox := role(t, m, store.RoleInbox)
	create(t, m, mail(inbox, strings.Repeat("\uFDFA", 1000)))
	create(t, m, mail(inbox, strings.Repeat("x", 100_000)))
	_, err := m.CreateItem(t.Context(), mail(inbox, strings.Repeat("\uFDFA", 40_000)))
	want(t, err, store.ErrTooLarge)
}
