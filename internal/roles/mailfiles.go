package roles

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/mailfile"
	"hma/wire/mapi"
)

// ExportPath is where the admin socket gives out a mailbox as files of mail: query
// mailbox (an address), folder (a distinguished name; all folders below the top
// without). ImportPath is where it takes such files in: query mailbox, folder
// (where a message that names none goes, default inbox), exact (1: what is there
// already is found by its bytes too). What goes over the wire, either way, is
// multipart/mixed: the header field MailFileHeader of each part holds a MailFile as
// JSON in base64, and the body is the message, or what is no mail in the form of its kind.
const (
	ExportPath     = "/mailbox/v1/export"
	ImportPath     = "/mailbox/v1/import"
	MailFileHeader = "Hma-Mail-File"
)

// MailFile is what a part says beside its body.
type MailFile struct {
	Name     string        `json:"name,omitempty"`   // for errors
	Source   int           `json:"source,omitempty"` // what is twice in one source is two messages, in two it is one
	Kind     mailfile.Kind `json:"kind,omitempty"`
	Folder   []string      `json:"folder,omitempty"` // names from the top of the mailbox; the Inbox is "Inbox"
	Only     bool          `json:"only,omitempty"`   // the folder itself, no message
	Sender   string        `json:"sender,omitempty"`
	Received time.Time
	Unread   bool `json:"unread,omitempty"`
	transport.Marks
	Error string     `json:"error,omitempty"` // why the item of Name is not here: there is no message
	End   *ExportEnd `json:"end,omitempty"`   // the last part, without which the answer broke off
}

// ExportEnd is the end of an export.
type ExportEnd struct {
	Messages int            `json:"messages"`
	Folders  int            `json:"folders"`
	Items    map[string]int `json:"items"` // what is no mail, by message class
	Error    string         `json:"error,omitempty"`
}

// ImportEnd is the answer at ImportPath.
type ImportEnd struct {
	Imported int          `json:"imported"`
	Present  int          `json:"present"` // were there already
	Folders  int          `json:"folders"` // made
	Failed   []FailedFile `json:"failed"`
	Error    string       `json:"error,omitempty"` // it stopped there
}

// FailedFile is what was not imported, or not exported.
type FailedFile struct {
	Name  string `json:"name"`
	Error string `json:"error"`
}

// Header returns the header of a part.
func (f MailFile) Header() (textproto.MIMEHeader, error) {
	text, err := json.Marshal(f)
	return textproto.MIMEHeader{MailFileHeader: {base64.StdEncoding.EncodeToString(text)}}, err
}

// ParseMailFile reads the header of a part.
func ParseMailFile(h textproto.MIMEHeader) (f MailFile, err error) {
	text, err := base64.StdEncoding.DecodeString(h.Get(MailFileHeader))
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		err = fmt.Errorf("%s of a part: %w", MailFileHeader, err)
	}
	return f, err
}

// mailClasses begin the message classes of what is sent and received (MS-OXOMSG,
// MS-OXORMMS, MS-OXOCAL 2.2.6, MS-OXOPOST): everything else is exported in a form of its own.
var mailClasses = []string{"IPM.NOTE", "REPORT.", "IPM.SCHEDULE.", "IPM.POST"}

func isMail(item *store.Item) bool {
	class := strings.ToUpper(item.Props.String(mapi.PidTagMessageClass))
	for _, prefix := range mailClasses {
		if strings.HasPrefix(class, prefix) {
			return true
		}
	}
	return !item.MIME.IsZero()
}

func (r *Roles) exportMail(w http.ResponseWriter, q *http.Request) {
	mailbox, status, err := r.mailboxOf(q)
	if err != nil {
		http.Error(w, err.Error(), status)
		return
	}
	role := cmp.Or(store.Role(strings.ToLower(q.URL.Query().Get("folder"))), store.RoleMsgFolderRoot)
	top, err := mailbox.Role(q.Context(), role)
	if err != nil {
		http.Error(w, "the mailbox has no folder "+string(role), http.StatusNotFound)
		return
	}
	http.NewResponseController(w).SetWriteDeadline(time.Time{}) // fails only where there is no connection
	e := &export{ctx: q.Context(), mailbox: mailbox, out: multipart.NewWriter(w), end: ExportEnd{Items: map[string]int{}}}
	w.Header().Set("Content-Type", "multipart/mixed; boundary="+e.out.Boundary())
	if err := e.run(top); err != nil {
		if e.inside {
			panic(http.ErrAbortHandler) // half a message must not look like a whole one
		}
		r.log.Error("export", "error", err)
		e.end.Error = "the mailbox could not be read: the server's log says why"
	}
	if header, err := (MailFile{End: &e.end}).Header(); err == nil {
		e.out.CreatePart(header)
	}
	e.out.Close() // whoever asked is gone when it fails
}

// export is one run.
type export struct {
	ctx     context.Context
	mailbox *store.Mailbox
	out     *multipart.Writer
	inside  bool         // a part has begun
	held    bytes.Buffer // an item that is not yet known to be whole
	end     ExportEnd
}

func (e *export) run(top *store.Folder) error {
	folders, err := e.mailbox.Folders(e.ctx, top.ID, true)
	if err != nil {
		return err
	}
	root, err := e.mailbox.RoleID(store.RoleMsgFolderRoot)
	if err != nil {
		return err
	}
	paths := map[store.FolderID][]string{root: nil}
	if top.ID != root {
		folders = append([]*store.Folder{top}, folders...)
		paths[top.Parent] = nil
	}
	for _, f := range folders {
		if f.Kind == store.SearchFolder {
			continue // what it has found lies in other folders
		}
		name := f.Name
		if f.Role == store.RoleInbox {
			name = inboxName
		}
		paths[f.ID] = append(append([]string{}, paths[f.Parent]...), name)
		if err := e.folder(f, paths[f.ID]); err != nil {
			return err
		}
	}
	return nil
}

// inboxName is the Inbox's name in a MailFile, whatever its owner calls it.
const inboxName = "Inbox"

// exportPage is how many items are looked at in one read.
const exportPage = 200

func (e *export) folder(f *store.Folder, path []string) error {
	if _, err := e.part(MailFile{Folder: path, Only: true}); err != nil {
		return err
	}
	e.inside = false
	e.end.Folders++
	want := store.Want{Tags: append([]mapi.Tag{mapi.PidTagMessageClass, mapi.PidTagSubject, mapi.PidTagMessageDeliveryTime, mapi.PidTagSentRepresentingSmtp, mapi.PidTagSentRepresentingEmail}, transport.MarkTags...)}
	for after := mapi.GlobCnt(0); ; {
		items, err := e.mailbox.ItemsAfter(e.ctx, f.ID, after, exportPage, want)
		apart := err != nil // one of them cannot be read: each is read by itself
		if apart {
			items, err = e.mailbox.ItemsAfter(e.ctx, f.ID, after, exportPage, store.Want{})
		}
		if err != nil {
			return err
		}
		for _, item := range items {
			after = item.CreatedCN
			if apart {
				whole, err := e.mailbox.Item(e.ctx, item.ID, want)
				if err != nil {
					if err := e.unreadable(item, path, err); err != nil {
						return err
					}
					continue
				}
				item = whole
			}
			if err := e.item(item, path); err != nil {
				return err
			}
		}
		if len(items) < exportPage {
			return nil
		}
	}
}

// unreadable tells of an item that cannot be read, unless it has gone meanwhile. The error
// ends the export.
func (e *export) unreadable(item *store.Item, path []string, why error) error {
	_, err := e.mailbox.Item(e.ctx, item.ID, store.Want{})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return errors.Join(why, err)
	}
	name := fmt.Sprintf("%s, item %d", strings.Join(path, "/"), item.ID.Row)
	if subject := item.Props.String(mapi.PidTagSubject); subject != "" {
		name += fmt.Sprintf(" (%q)", subject)
	}
	_, err = e.part(MailFile{Name: name, Folder: path, Error: strings.Join(strings.Fields(why.Error()), " ")})
	e.inside = false
	return err
}

// open returns an item in the form in which it is exported.
func (e *export) open(item *store.Item) (kind mailfile.Kind, r io.ReadCloser, err error) {
	class := strings.ToUpper(item.Props.String(mapi.PidTagMessageClass))
	is := func(name string) bool { return class == name || strings.HasPrefix(class, name+".") }
	var text io.Reader
	switch {
	case isMail(item):
		r, err = transport.OpenMIME(e.ctx, e.mailbox, item)
		return mailfile.Mail, r, err
	case is("IPM.APPOINTMENT"):
		kind = mailfile.Event
		text, err = transport.OpenEvent(e.ctx, e.mailbox, item.ID)
	case is("IPM.CONTACT"):
		kind = mailfile.Contact
		text, err = transport.OpenContact(e.ctx, e.mailbox, item.ID)
	default:
		whole, err := e.mailbox.Item(e.ctx, item.ID, store.Want{All: true, Recipients: true, Attachments: true})
		if err != nil {
			return kind, nil, err
		}
		out, in := io.Pipe()
		go func() { in.CloseWithError(e.mailbox.Pack(e.ctx, whole.Again(), in)) }()
		return mailfile.AnyOther, out, nil
	}
	return kind, io.NopCloser(text), err
}

// heldItem is how long an item may be to be held until it is known that all of it can be
// read. A longer one is read twice.
const heldItem = 1 << 20

// whole opens an item of which all could be read.
func (e *export) whole(item *store.Item) (mailfile.Kind, io.ReadCloser, error) {
	kind, r, err := e.open(item)
	if err != nil {
		return kind, nil, err
	}
	e.held.Reset()
	n, err := io.Copy(&e.held, io.LimitReader(r, heldItem+1))
	if err == nil && n > heldItem {
		_, err = io.Copy(io.Discard, r)
	}
	if err = errors.Join(err, r.Close()); err != nil || n <= heldItem {
		return kind, io.NopCloser(&e.held), err
	}
	return e.open(item)
}

// item writes one item, all of it or nothing. The error ends the export.
func (e *export) item(item *store.Item, path []string) error {
	kind, message, err := e.whole(item)
	if err != nil {
		return e.unreadable(item, path, err)
	}
	defer message.Close() // only read
	w, err := e.part(MailFile{Kind: kind, Folder: path, Unread: !item.Read, Marks: transport.MarksOf(item.Props), Received: item.Props.Time(mapi.PidTagMessageDeliveryTime),
		Sender: cmp.Or(item.Props.String(mapi.PidTagSentRepresentingSmtp), item.Props.String(mapi.PidTagSentRepresentingEmail))})
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, message); err != nil {
		return fmt.Errorf("%v: %w", item.ID, err)
	}
	e.inside = false
	if kind == mailfile.Mail {
		e.end.Messages++
	} else {
		e.end.Items[item.Props.String(mapi.PidTagMessageClass)]++
	}
	return nil
}

func (e *export) part(f MailFile) (io.Writer, error) {
	header, err := f.Header()
	if err != nil {
		return nil, err
	}
	e.inside = true
	return e.out.CreatePart(header)
}
