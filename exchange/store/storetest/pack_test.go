package storetest

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/mapi"
)

func (o *office) packed(item store.NewItem) io.Reader {
	var out bytes.Buffer
	ok(o.t, o.whole.Pack(o.ctx, item, &out))
	return &out
}

// TestPack holds that a packed item is the item, in its own mailbox and in another
// one, where names have other numbers and nothing that it refers to was before.
func TestPack(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, clock := Open(t, db)
		ctx := t.Context()
		from := mailbox(t, s)
		other, err := s.OpenMailbox(ctx, guid.New(), store.MailboxInfo{OwnerSID: Owner, DisplayName: "Other"})
		ok(t, err)
		names := []mapi.Name{{Set: mapi.PSPublicStrings, Text: "one"}, {Set: mapi.PSETIDCommon, LID: 0x9999}}
		ids, err := from.NamedIDs(ctx, names, true)
		ok(t, err)
		_, err = other.NamedIDs(ctx, []mapi.Name{{Set: mapi.PSPublicStrings, Text: "other"}, names[1]}, true)
		ok(t, err)
		long, err := from.WriteBlob(ctx, strings.NewReader(strings.Repeat("long", store.ChunkSize)))
		ok(t, err)
		short, err := from.WriteBlob(ctx, strings.NewReader("short"))
		ok(t, err)
		mime, err := from.WriteBlob(ctx, strings.NewReader("From: x\r\n\r\n"))
		ok(t, err)
		item := mail(role(t, from, store.RoleInbox), "packed")
		item.MIME = mime
		item.Props[mapi.PidTagBody] = strings.Repeat("words ", 10_000)
		item.Props[mapi.PidNameKeywords] = []string{"red", "blue"}
		item.Props[mapi.NewTag(ids[0], mapi.Unicode)] = "named"
		item.Props[mapi.NewTag(ids[1], mapi.Integer32)] = int32(7)
		item.Recipients = []store.Recipient{{Type: mapi.RecipientBcc, AddressType: "SMTP", Address: "a@b", SMTP: "a@b", Name: "A", EntryID: []byte{1}, Props: mapi.Bag{mapi.PidTagComment: "r"}}}
		item.Attachments = []store.Attachment{
			{Method: mapi.AttachByValue, Filename: "a", ContentType: "b/c", ContentID: "d", Inline: true, Rendering: -1, Content: long, Props: mapi.Bag{mapi.NewTag(ids[0], mapi.Unicode): "n"}},
			{Method: mapi.AttachByValue, Hidden: true, Content: short, Props: mapi.Bag{}}, {Method: mapi.AttachByWebRef, Props: mapi.Bag{}}}
		id := create(t, from, item).ID
		whole := func(m *store.Mailbox, id store.ItemID) *store.Item {
			it, err := m.Item(ctx, id, store.Want{All: true, Recipients: true, Attachments: true})
			ok(t, err)
			return it
		}
		original := whole(from, id)
		var packed bytes.Buffer
		ok(t, from.Pack(ctx, original.Again(), &packed))
		clock.Advance(time.Hour)
		for _, m := range []*store.Mailbox{from, other} {
			n, err := m.Unpack(ctx, bytes.NewReader(packed.Bytes()))
			ok(t, err)
			n.Folder = role(t, m, store.RoleInbox)
			got := whole(m, create(t, m, n).ID)
			mine, err := m.NamedIDs(ctx, names, false)
			ok(t, err)
			want := mapi.Bag{}
			for tag, v := range original.Props {
				for i := range ids {
					if tag.ID() == ids[i] {
						tag = mapi.NewTag(mine[i], tag.Type())
					}
				}
				want[tag] = v
			}
			for _, tag := range []mapi.Tag{mapi.PidTagLastModificationTime, mapi.PidTagInternetArticleNumber} {
				delete(want, tag)
				delete(got.Props, tag)
			}
			if !reflect.DeepEqual(got.Props, want) {
				t.Errorf("properties %v, want %v", got.Props, want)
			}
			if got.Read != original.Read || got.MIME != original.MIME || got.Size != original.Size || !reflect.DeepEqual(got.Recipients, original.Recipients) {
				t.Errorf("%+v, want %+v", got, original)
			}
			for i, a := range got.Attachments {
				if a.Content != original.Attachments[i].Content || a.Filename != original.Attachments[i].Filename || a.Hidden != original.Attachments[i].Hidden || a.Method != original.Attachments[i].Method {
					t.Errorf("attachment %+v", a)
				}
				if !a.Content.IsZero() {
					data, err := io.ReadAll(m.OpenBlob(ctx, a.Content))
					ok(t, err)
					if int64(len(data)) != a.Content.Size {
						t.Errorf("%d bytes", len(data))
					}
				}
			}
			if n := got.Attachments[0].Props.String(mapi.NewTag(mine[0], mapi.Unicode)); n != "n" {
				t.Errorf("an attachment's named property is %q", n)
			}
			ok(t, m.Check(ctx, false, func(d store.Damage) { t.Errorf("%+v", d) }))
		}
		var content bytes.Buffer
		ok(t, store.Packed(bytes.NewReader(packed.Bytes()), short, &content))
		if content.String() != "short" {
			t.Errorf("content %q", content.String())
		}
		for _, at := range []int{0, 4, 10, packed.Len() / 2, packed.Len() - 40, packed.Len() - 1} {
			bad := bytes.Clone(packed.Bytes())
			bad[at] ^= 1
			for name, data := range map[string][]byte{"changed": bad, "cut": packed.Bytes()[:at], "longer": append(bytes.Clone(packed.Bytes()), 0)} {
				if _, err := other.Unpack(ctx, bytes.NewReader(data)); !errors.Is(err, store.ErrMalformedItem) {
					t.Errorf("%s at %d: %v", name, at, err)
				}
			}
		}
	})
}

// TestAlike holds that what is no mail is known again by the key that it keeps when
// it is packed or changed, in its own folder alone, and that copies are counted.
func TestAlike(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		s, _ := Open(t, db)
		ctx := t.Context()
		m := mailbox(t, s)
		contacts := role(t, m, store.RoleContacts)
		contact := mail(contacts, "somebody")
		contact.Props[mapi.PidTagMessageClass] = "IPM.Contact"
		id := create(t, m, contact).ID
		it, err := m.Item(ctx, id, store.Want{All: true, Recipients: true, Attachments: true})
		ok(t, err)
		var out bytes.Buffer
		ok(t, m.Pack(ctx, it.Again(), &out))
		_, err = m.UpdateItem(ctx, id, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagSubject: "changed"}})
		ok(t, err)
		again, err := m.Unpack(ctx, &out)
		ok(t, err)
		alike := func(folder store.FolderID, want int) {
			t.Helper()
			again.Folder = folder
			if n, err := m.Alike(ctx, again, false); err != nil || n != want {
				t.Errorf("%d are alike, error %v; want %d", n, err, want)
			}
		}
		alike(contacts, 1)
		alike(role(t, m, store.RoleTasks), 0)
		again.Folder = contacts
		create(t, m, again)
		alike(contacts, 2)
		again.Props = mapi.Bag{}
		alike(contacts, 0)
	})
}
