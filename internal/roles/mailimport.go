package roles

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"time"

	"hma/exchange/calendar"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/mailfile"
	"hma/wire/mapi"
)

// Limits of what an import holds in memory before it is written.
const (
	importBatch = 100
	importBytes = 4 << 20
	maxFailed   = 1000 // failures that are told one by one
)

// errFailures ends an import of what is mostly no mail.
var errFailures = fmt.Errorf("more than %d failures", maxFailed)

func (r *Roles) importMail(w http.ResponseWriter, q *http.Request) {
	mailbox, status, err := r.mailboxOf(q)
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	role := cmp.Or(store.Role(strings.ToLower(q.URL.Query().Get("folder"))), store.RoleInbox)
	folder, err := mailbox.Role(q.Context(), role)
	if err != nil {
		http.Error(w, "the mailbox has no folder "+string(role)+": want inbox, sentitems, drafts ...", http.StatusNotFound)
		return
	}
	kind, params, err := mime.ParseMediaType(q.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/mixed" {
		http.Error(w, "want multipart/mixed", http.StatusUnsupportedMediaType)
		return
	}
	// It takes as long as it takes, and whoever sends can leave.
	http.NewResponseController(w).SetReadDeadline(time.Time{})
	in := &importRun{ctx: q.Context(), transport: r.Transport, mailbox: mailbox, into: folder.ID, address: q.URL.Query().Get("mailbox"), now: r.cfg.Now(), exact: q.URL.Query().Get("exact") == "1",
		folders: map[string]store.FolderID{}, seen: map[uint64]sightings{}, seed: maphash.MakeSeed(), end: ImportEnd{Failed: []FailedFile{}}}
	if err := in.run(multipart.NewReader(q.Body, params["boundary"])); err != nil {
		r.log.Error("import", "error", err)
		in.end.Error = "it stopped: the server's log says why"
		if errors.Is(err, store.ErrQuota) {
			in.end.Error = "the mailbox is full"
		}
		if errors.Is(err, store.ErrFull) {
			in.end.Error = "there is no room on the disk: nothing more was stored"
		}
		if errors.Is(err, errFailures) {
			in.end.Error = "it stopped: " + errFailures.Error()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(in.end) // whoever asked is gone when it fails
}

// importRun is one run.
type importRun struct {
	ctx       context.Context
	transport *transport.Transport
	mailbox   *store.Mailbox
	into      store.FolderID // of messages that name no folder
	address   string         // of the mailbox
	now       time.Time
	exact     bool
	folders   map[string]store.FolderID // by path
	seen      map[uint64]sightings
	seed      maphash.Seed
	source    int
	pending   []prepared
	size      int
	end       ImportEnd
}

// sightings are how often this source has had the same message in a folder, and how
// often it has written it: of a message that is twice in the source and once in
// the mailbox, one is missing.
type sightings struct{ met, written int32 }

type prepared struct {
	name string
	key  uint64
	item store.NewItem
}

func (in *importRun) run(parts *multipart.Reader) error {
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return in.flush()
		}
		if err != nil {
			return errors.Join(fmt.Errorf("read messages: %w", err), in.flush())
		}
		f, err := ParseMailFile(part.Header)
		if err != nil {
			return errors.Join(err, in.flush())
		}
		if err := in.message(f, part); err != nil {
			return errors.Join(err, in.flush())
		}
	}
}

// message takes one message. The error ends the run.
func (in *importRun) message(f MailFile, r io.Reader) error {
	if f.Source != in.source {
		if err := in.flush(); err != nil {
			return err
		}
		in.source = f.Source
		clear(in.seen)
	}
	folder, err := in.folder(f.Folder)
	if errors.Is(err, store.ErrInvalid) {
		return in.tell(f.Name, "its folder can have no such name or place")
	}
	if err != nil {
		return in.failed(f.Name, err)
	}
	if f.Only {
		return nil
	}
	if f.Kind != mailfile.Mail {
		return in.other(f, folder, r)
	}
	item, err := in.transport.Imported(in.ctx, in.mailbox, folder, r, transport.ImportOptions{Unread: f.Unread, Received: f.Received, Marks: f.Marks})
	if err != nil {
		return in.failed(f.Name, err)
	}
	return in.add(f.Name, item)
}

// other takes what is no mail. It is known by its search key, which an export keeps;
// where the file has none the file's hash is one, so that the same file is left out
// the next time. An event is known by its own id.
func (in *importRun) other(f MailFile, folder store.FolderID, r io.Reader) error {
	hash := sha256.New()
	items, left, err := in.items(f.Kind, io.TeeReader(r, hash))
	if err == nil {
		_, err = io.Copy(hash, r) // what nobody wanted to read
	}
	if err != nil {
		return in.failed(f.Name, err)
	}
	for i, item := range items {
		if id := item.Props.Bytes(mapi.PidLidCleanGlobalObjectID); f.Kind == mailfile.Event && id != nil {
			same, err := in.mailbox.ByGlobalObjectID(in.ctx, folder, id, store.Want{})
			if err != nil {
				return err
			}
			if len(same) > 0 {
				in.end.Present++
				continue
			}
		}
		item.Folder = folder
		if len(item.Props.Bytes(mapi.PidTagSearchKey)) == 0 {
			key := sha256.Sum256(fmt.Appendf(hash.Sum(nil), ".%d", i))
			item.Props[mapi.PidTagSearchKey] = key[:16]
		}
		if err := in.add(f.Name, item); err != nil {
			return err
		}
	}
	for _, words := range left {
		if err := in.tell(f.Name, words); err != nil {
			return err
		}
	}
	return nil
}

// items reads a file of what is no mail. left is in words what of the file is in none of them.
func (in *importRun) items(kind mailfile.Kind, r io.Reader) (items []store.NewItem, left []string, err error) {
	switch kind {
	case mailfile.Event:
		all, left, err := transport.PrepareEvents(in.ctx, in.mailbox, r, in.address)
		for _, item := range all {
			item.Read = true
			when, err := calendar.WhenOf(item.Props)
			if err == nil {
				err = calendar.Prepare(&item, when, in.now)
			}
			if err != nil {
				left = append(left, fmt.Sprintf("event (%.100q): %v", item.Props.String(mapi.PidTagSubject), err))
				continue
			}
			items = append(items, item)
		}
		return items, left, err
	case mailfile.Contact:
		item, err := transport.PrepareContact(in.ctx, in.mailbox, r)
		item.Read = true
		return []store.NewItem{item}, nil, err
	case mailfile.AnyOther:
		item, err := in.mailbox.Unpack(in.ctx, r)
		return []store.NewItem{item}, nil, err
	}
	return nil, nil, fmt.Errorf("kind %q is not known", kind)
}

// add has an item written with the next, unless it is in its folder already. The error ends the run.
func (in *importRun) add(name string, item store.NewItem) error {
	key := in.key(item)
	s := in.seen[key]
	s.met++
	in.seen[key] = s
	there, err := in.mailbox.Alike(in.ctx, item, in.exact)
	if err != nil {
		return err
	}
	if there-int(s.written) >= int(s.met) {
		in.end.Present++
		return nil
	}
	in.pending = append(in.pending, prepared{name, key, item})
	for _, content := range item.Contents {
		in.size += len(content)
	}
	if len(in.pending) >= importBatch || in.size >= importBytes {
		return in.flush()
	}
	return nil
}

// key names an item in its folder, as Alike finds it.
func (in *importRun) key(item store.NewItem) uint64 {
	var b bytes.Buffer
	binary.Write(&b, binary.BigEndian, uint64(item.Folder.Folder))
	id := item.Props.String(mapi.PidTagInternetMessageID)
	switch {
	case item.MIME.IsZero():
		b.Write(item.Props.Bytes(mapi.PidTagSearchKey))
		return maphash.Bytes(in.seed, b.Bytes())
	case id == "":
		binary.Write(&b, binary.BigEndian, item.Props.Time(mapi.PidTagMessageDeliveryTime).UnixMicro())
	}
	b.WriteString(strings.ToLower(id))
	if id == "" || in.exact {
		b.Write(item.MIME.Hash[:])
	}
	return maphash.Bytes(in.seed, b.Bytes())
}

// flush writes what is pending, together or, when one is refused, one by one.
func (in *importRun) flush() error {
	pending := in.pending
	in.pending, in.size = nil, 0
	if len(pending) == 0 {
		return nil
	}
	items := make([]store.NewItem, len(pending))
	for i, p := range pending {
		items[i] = p.item
	}
	if _, err := in.mailbox.CreateItems(in.ctx, items); err == nil {
		for _, p := range pending {
			in.written(p)
		}
		return nil
	}
	for _, p := range pending {
		if _, err := in.mailbox.CreateItem(in.ctx, p.item); err == nil {
			in.written(p)
		} else if err := in.failed(p.name, err); err != nil {
			return err
		}
	}
	return nil
}

func (in *importRun) written(p prepared) {
	s := in.seen[p.key]
	s.written++
	in.seen[p.key] = s
	in.end.Imported++
}

// failed notes a message that is not one, or too large; anything else ends the run.
func (in *importRun) failed(name string, err error) error {
	words := ""
	switch {
	case errors.Is(err, transport.ErrTooLarge), errors.Is(err, store.ErrTooLarge):
		words = "it is larger than 64 MB, or a calendar than 16 MB"
	case errors.Is(err, store.ErrQuota), errors.Is(err, store.ErrFull), errors.Is(err, io.ErrUnexpectedEOF), in.ctx.Err() != nil:
		return err
	default:
		words = "it could not be read or stored: " + strings.Join(strings.Fields(err.Error()), " ")
	}
	return in.tell(name, words)
}

// tell notes what was not imported. The error ends the run.
func (in *importRun) tell(name, words string) error {
	if len(in.end.Failed) == maxFailed {
		return fmt.Errorf("%w, the last one %s: %s", errFailures, name, words)
	}
	in.end.Failed = append(in.end.Failed, FailedFile{name, words})
	return nil
}

// folder finds or makes the folder of a path.
func (in *importRun) folder(path []string) (store.FolderID, error) {
	if len(path) == 0 {
		return in.into, nil
	}
	key := strings.Join(path, "\x00")
	if id, ok := in.folders[key]; ok {
		return id, nil
	}
	name := path[len(path)-1]
	var id store.FolderID
	if len(path) == 1 && strings.EqualFold(name, inboxName) {
		var err error
		if id, err = in.mailbox.RoleID(store.RoleInbox); err != nil {
			return id, err
		}
	} else {
		parent, err := in.mailbox.RoleID(store.RoleMsgFolderRoot)
		if len(path) > 1 && err == nil {
			parent, err = in.folder(path[:len(path)-1])
		}
		if err != nil {
			return id, err
		}
		var made bool
		if id, made, err = in.mailbox.EnsureFolder(in.ctx, store.NewFolder{Parent: parent, Name: name}); err != nil {
			return id, err
		}
		if made {
			in.end.Folders++
		}
	}
	in.folders[key] = id
	return id, nil
}
