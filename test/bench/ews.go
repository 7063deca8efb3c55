package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"hma/exchange/addressbook"
	"hma/exchange/auth"
	"hma/exchange/clientaccess"
	"hma/exchange/ews"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/mapi"
)

const ewsTime = 40 * time.Millisecond // of a turn

// folderSizes are the items of the folders that are compared.
var folderSizes = []int{100, 10_000, 100_000}

// questions are what clients ask all day.
var questions = []struct {
	id      string
	request func(*mailDoor) string
	want    string                // every answer has it
	before  func(*mailDoor) error // what happens before each question and is not measured; nil is nothing
}{
	{"ews.finditem.flatness", func(*mailDoor) string { return findNewest }, `TotalItemsInView="`, nil},
	{"ews.getitem.flatness", (*mailDoor).nextItem, "<t:Body ", nil},
	{"ews.sync.nochange.flatness", func(d *mailDoor) string { return d.sync }, "<m:Changes></m:Changes>", nil},
	{"ews.search.flatness", (*mailDoor).nextSearch, `TotalItemsInView="1"`, nil},
	{"ews.conversation.flatness", func(*mailDoor) string { return findConversations }, "<m:TotalConversationsInView>", (*mailDoor).change},
}

// dataSet names what fill writes: it must change with it.
const dataSet = "3"

// clock is the time in the data sets.
var clock = time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)

var idKey = []byte("0123456789abcdef0123456789abcdef")

// webServices measures whether a folder's size shows in what clients do all day.
func webServices(ctx context.Context, b *bench) error {
	var doors []*mailDoor
	var names []string
	sizes := folderSizes
	if b.items > 0 {
		sizes = append(slices.Clone(sizes), b.items)
	}
	for _, n := range sizes {
		d, err := openDoor(ctx, b, n)
		if err != nil {
			return err
		}
		defer d.db.Close()
		doors = append(doors, d)
		names = append(names, fmt.Sprint(n))
	}
	for _, m := range questions {
		f, err := flatness(m.id, atMost(1.3), names, func(i int) (float64, error) {
			d := doors[i]
			ask := func() error { return d.call(m.request(d), m.want) }
			if m.before == nil {
				return perOp(ewsTime, ask)
			}
			return perOpAfter(ewsTime, func() error { return m.before(d) }, ask)
		})
		if err := b.print(f, err); err != nil {
			return err
		}
	}
	return nil
}

// mailDoor is the EWS door of one filled mailbox.
type mailDoor struct {
	db       *sqldb.DB
	door     *ews.Door
	snapshot *org.Snapshot
	owner    *org.Recipient
	items    int
	ids      []string // of items all over the folder
	next     int
	sync     string // the request that synchronises from the newest state
	mailbox  *store.Mailbox
	changing store.ItemID // the item that change changes
	icon     int32
	answer   bytes.Buffer
}

// nobody is a directory without people: nothing is sent here.
type nobody struct{}

func (nobody) BySMTP(context.Context, string) ([]*org.Recipient, error) { return nil, nil }
func (nobody) ByUPN(context.Context, string) ([]*org.Recipient, error)  { return nil, nil }
func (nobody) BySID(context.Context, string) (*org.Recipient, error)    { return nil, org.ErrNotFound }
func (nobody) ByMailbox(context.Context, guid.GUID) (*org.Recipient, error) {
	return nil, org.ErrNotFound
}
func (nobody) Holds(context.Context, []guid.GUID, guid.GUID) (bool, error) { return false, nil }
func (nobody) Members(context.Context, string, string, int) ([]*transport.Mailbox, error) {
	return nil, transport.ErrUnknownRecipient
}

func (nobody) Accepted(context.Context, string) (bool, error) { return false, nil }
func (nobody) Mailbox(context.Context, string) (*transport.Mailbox, error) {
	return nil, transport.ErrUnknownRecipient
}

func openDoor(ctx context.Context, b *bench, items int) (*mailDoor, error) {
	now := func() time.Time { return clock }
	db, err := openDataSet(ctx, b, items)
	if err != nil {
		return nil, err
	}
	owner := mailOwner()
	d := &mailDoor{db: db, owner: &owner, items: items, snapshot: &org.Snapshot{Version: 1, Server: org.Server{Name: "EX1", Version: org.Version{15, 2, 1544, 9}}}}
	err = func() error {
		st, err := store.Open(ctx, db, store.Options{Now: now})
		if err != nil {
			return err
		}
		mail := transport.New(transport.Config{Store: st, Directory: nobody{}, Now: now, Host: "ex1.contoso.com", PostmasterAddress: "postmaster@contoso.com",
			MaySendAs: func(context.Context, string, string) (bool, error) { return false, nil }})
		d.door = ews.New(st, mail, ews.Options{Now: now, IDKey: idKey, People: nobody{}})
		mailbox, inbox, err := openInbox(ctx, st)
		if err != nil {
			return err
		}
		d.mailbox = mailbox
		const sampled = 1000
		for at := 0; at < items; at += max(1, items/sampled) {
			page, err := mailbox.List(ctx, store.Query{Folder: inbox, Offset: at, Limit: 1})
			if err != nil {
				return err
			}
			for _, item := range page.Items {
				d.ids, d.changing = append(d.ids, item.ID.Encode(idKey)), item.ID
			}
		}
		return d.catchUp()
	}()
	if err != nil {
		db.Close()
		return nil, err
	}
	return d, nil
}

func mailOwner() org.Recipient {
	r := org.NewRecipient("anna@contoso.com", "Anna")
	r.GUID = guid.MustParse("00000000-0000-4000-8000-000000000001")
	r.MailboxGUID = guid.MustParse("aaaaaaaa-0000-4000-8000-000000000001")
	r.SID, r.LegacyDN, r.PrimarySMTP = "S-1-5-21-1-2-3-1001", "/o=Contoso/cn=Anna", r.UPN
	r.Enabled, r.EwsEnabled = true, true
	return r
}

func openInbox(ctx context.Context, st *store.Store) (*store.Mailbox, store.FolderID, error) {
	r := mailOwner()
	m, err := st.OpenMailbox(ctx, r.MailboxGUID, addressbook.MailboxInfo(&r))
	if err != nil {
		return nil, store.FolderID{}, err
	}
	inbox, err := m.RoleID(store.RoleInbox)
	return m, inbox, err
}

// call sends a request to the door and looks whether the answer is what it should be.
func (d *mailDoor) call(body, want string) error {
	r, err := http.NewRequest(http.MethodPost, "https://mail.contoso.com/EWS/Exchange.asmx", strings.NewReader(body))
	if err != nil {
		return err
	}
	d.answer.Reset()
	d.door.ServeDoor(writer{http.Header{}, &d.answer}, &clientaccess.Request{Request: r, ID: "bench", Snapshot: d.snapshot, Rest: "/Exchange.asmx",
		Identity: &auth.Identity{Recipient: d.owner, AuthN: "Bearer*"}, Record: &clientaccess.Record{}})
	if !bytes.Contains(d.answer.Bytes(), []byte("NoError")) || !bytes.Contains(d.answer.Bytes(), []byte(want)) {
		return fmt.Errorf("answer without %s: %.800s", want, d.answer.Bytes())
	}
	return nil
}

// writer is a response kept in memory.
type writer struct {
	header http.Header
	io.Writer
}

func (w writer) Header() http.Header { return w.header }
func (w writer) WriteHeader(int)     {}

// nextItem asks for another item each time.
func (d *mailDoor) nextItem() string {
	// A step that shares no factor with the number of ids visits them all.
	d.next = (d.next + 617) % len(d.ids)
	return fmt.Sprintf(getItem, d.ids[d.next])
}

// nextSearch looks for another subject each time, which one item has.
func (d *mailDoor) nextSearch() string {
	d.next = (d.next + 617) % d.items
	return fmt.Sprintf(searchRequest, fmt.Sprintf("Subject %d of", subject(d.next)))
}

// change gives an item another icon: something in the folder is not what it was, in nothing that another figure looks at.
func (d *mailDoor) change() error {
	d.icon++
	_, err := d.mailbox.UpdateItem(context.Background(), d.changing, store.ItemUpdate{Set: mapi.Bag{mapi.PidTagIconIndex: d.icon}})
	return err
}

var syncState = regexp.MustCompile(`<m:SyncState>([^<]*)</m:SyncState>`)

// catchUp synchronises until there is nothing new and keeps the state.
func (d *mailDoor) catchUp() error {
	for state := ""; ; {
		d.sync = fmt.Sprintf(syncItems, state)
		if err := d.call(d.sync, "SyncState"); err != nil {
			return err
		}
		found := syncState.FindSubmatch(d.answer.Bytes())
		if found == nil {
			return errors.New("no state in the answer to SyncFolderItems")
		}
		state = string(found[1])
		if bytes.Contains(d.answer.Bytes(), []byte("<m:IncludesLastItemInRange>true<")) {
			d.sync = fmt.Sprintf(syncItems, "<m:SyncState>"+state+"</m:SyncState>")
			return nil
		}
		state = "<m:SyncState>" + state + "</m:SyncState>"
	}
}

const envelope = `<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">
<s:Header><t:RequestServerVersion Version="Exchange2016"/></s:Header><s:Body>`

const end = `</s:Body></s:Envelope>`

// findNewest is the list that a mail client shows first.
const findNewest = envelope + `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>
<t:FieldURI FieldURI="item:Subject"/><t:FieldURI FieldURI="item:DateTimeReceived"/><t:FieldURI FieldURI="message:From"/><t:FieldURI FieldURI="message:IsRead"/><t:FieldURI FieldURI="item:HasAttachments"/>
</t:AdditionalProperties></m:ItemShape><m:IndexedPageItemView MaxEntriesReturned="50" Offset="0" BasePoint="Beginning"/>
<m:SortOrder><t:FieldOrder Order="Descending"><t:FieldURI FieldURI="item:DateTimeReceived"/></t:FieldOrder></m:SortOrder>
<m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>` + end

// findConversations is the same list by conversations.
const findConversations = envelope + `<m:FindConversation><m:IndexedPageItemView MaxEntriesReturned="20" Offset="0" BasePoint="Beginning"/>
<m:ParentFolderId><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderId></m:FindConversation>` + end

const getItem = envelope + `<m:GetItem><m:ItemShape><t:BaseShape>Default</t:BaseShape><t:BodyType>Text</t:BodyType></m:ItemShape>
<m:ItemIds><t:ItemId Id="%s"/></m:ItemIds></m:GetItem>` + end

const syncItems = envelope + `<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape>
<m:SyncFolderId><t:DistinguishedFolderId Id="inbox"/></m:SyncFolderId>%s<m:MaxChangesReturned>512</m:MaxChangesReturned></m:SyncFolderItems>` + end

// openDataSet opens the kept database with a folder of that many items.
func openDataSet(ctx context.Context, b *bench, items int) (*sqldb.DB, error) {
	return b.kept(ctx, fmt.Sprintf("mailbox-%d", items), "data set "+dataSet, fmt.Sprintf("folder of %d items", items),
		func(db *sqldb.DB) error { return fill(ctx, db, items) })
}

// kept opens a database of the cache, and has it filled when there is none of the
// version or the store's tables have changed since. what names it for people.
func (b *bench) kept(ctx context.Context, file, version, what string, fill func(*sqldb.DB) error) (*sqldb.DB, error) {
	name := filepath.Join(b.cache, file)
	want, err := storeTables(ctx)
	if err != nil {
		return nil, err
	}
	want = version + "\n" + want
	if have, err := os.ReadFile(name + ".made"); err == nil && string(have) == want {
		return sqldb.Open(ctx, "sqlite:"+name+".db")
	}
	for _, suffix := range []string{".made", ".db", ".db-wal", ".db-shm"} {
		if err := os.Remove(name + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
	}
	start := time.Now()
	db, err := sqldb.Open(ctx, "sqlite:"+name+".db")
	if err != nil {
		return nil, err
	}
	if err := fill(db); err != nil {
		db.Close()
		return nil, fmt.Errorf("make a %s: %w", what, err)
	}
	fmt.Fprintf(b.text, "       made a %s in %.0f s\n", what, time.Since(start).Seconds())
	// Last: what was broken off is made again.
	if err := os.WriteFile(name+".made", []byte(want), 0o644); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// storeTables returns the definitions of the store's tables and indexes.
func storeTables(ctx context.Context) (string, error) {
	db, err := sqldb.Open(ctx, "sqlite::memory:")
	if err != nil {
		return "", err
	}
	defer db.Close()
	if _, err := store.Open(ctx, db, store.Options{Now: time.Now}); err != nil {
		return "", err
	}
	rows, err := db.Query(ctx, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var text strings.Builder
	for rows.Next() {
		var sql string
		if err := rows.Scan(&sql); err != nil {
			return "", err
		}
		text.WriteString(sql + "\n")
	}
	return text.String(), rows.Err()
}

// subject is the number in the subject of message i: each has another, in no order.
func subject(i int) int { return i * 7919 % 1_000_003 }

// fill puts that many messages into the Inbox.
func fill(ctx context.Context, db *sqldb.DB, n int) error {
	st, err := store.Open(ctx, db, store.Options{Now: func() time.Time { return clock }})
	if err != nil {
		return err
	}
	m, inbox, err := openInbox(ctx, st)
	if err != nil {
		return err
	}
	body := strings.Repeat("The figures of the quarter are in the table below. ", 20)
	const step = 500
	for from := 0; from < n; from += step {
		items := make([]store.NewItem, min(step, n-from))
		for i := range items {
			k := subject(from + i)
			items[i] = store.NewItem{Folder: inbox, Read: k%3 == 0,
				Props: mapi.Bag{
					mapi.PidTagSubject: fmt.Sprintf("Subject %d of the quarter", k), mapi.PidTagSentRepresentingName: fmt.Sprintf("Sender %d", k%97),
					mapi.PidTagSentRepresentingEmail: fmt.Sprintf("sender%d@contoso.com", k%97), mapi.PidTagInternetMessageID: fmt.Sprintf("<%d@contoso.com>", k),
					mapi.PidTagMessageDeliveryTime: clock.Add(time.Duration(k) * time.Second), mapi.PidTagBody: body,
					mapi.PidTagConversationTopic: fmt.Sprintf("Subject %d of the quarter", k-k%3), mapi.PidTagConversationID: fmt.Appendf(nil, "talk%012d", k/3),
				},
				Recipients: []store.Recipient{{Type: mapi.RecipientTo, AddressType: "SMTP", Address: "anna@contoso.com", SMTP: "anna@contoso.com", Name: "Anna"}},
			}
		}
		if _, err := m.CreateItems(ctx, items); err != nil {
			return err
		}
	}
	return indexAll(ctx, st)
}
