package owa

import (
	"context"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"
	"unicode"

	"hma/exchange/addressbook"
	"hma/exchange/auth"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/page"
	"hma/internal/sealed"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// Options are what attachments need from the wiring; all are required but Log.
type Options struct {
	Auth  *auth.Authenticator
	Store *store.Store
	Key   *sealed.Key // seals the links
	Now   func() time.Time
	// Log takes what no request record can say; nil discards it.
	Log *slog.Logger
}

// Attachments lists the newest messages that have attachments and serves these under links that are sealed for one
// attachment, person and host. The host may be another than OWA's (OrganizationConfig.EnableDownloadDomains): no
// session reaches it, the link alone decides.
type Attachments struct {
	Options
}

// NewAttachments returns the attachments of all mailboxes of the store.
func NewAttachments(o Options) *Attachments {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Attachments{o}
}

const (
	// linkLife is how long a link of the page is good.
	linkLife = 15 * time.Minute
	// maxListed is how many messages the page shows.
	maxListed = 10
	// maxLink bounds the token of a link in bytes.
	maxLink = 4 << 10
	purpose = "owa attachment"
)

// link is what the token of a link holds, sealed.
type link struct {
	Mailbox guid.GUID    `json:"mbx"`
	Row     mapi.GlobCnt `json:"row"`
	Mid     mapi.GlobCnt `json:"mid"`
	Number  int32        `json:"num"`
	SID     string       `json:"sid"`
	Issuer  string       `json:"iss,omitempty"` // "" for somebody who signed in by a password
	AuthN   string       `json:"authn"`         // as the page was opened, for the record
	Host    string       `json:"host"`
	Expires int64        `json:"exp"` // Unix seconds
}

// message is one of the page's list.
type message struct {
	Received      time.Time
	From, Subject string
	Files         []file
}

type file struct{ Name, URL string }

// list returns the newest messages of the person's inbox that have attachments, with links for the request's host.
func (a *Attachments) list(r *clientaccess.Request) ([]message, error) {
	person := r.Identity.Recipient
	if person.MailboxGUID.IsNil() {
		return nil, nil
	}
	mailbox, err := a.open(r.Context(), person)
	if err != nil {
		return nil, err
	}
	inbox, err := mailbox.RoleID(store.RoleInbox)
	if err != nil {
		return nil, err
	}
	found, err := mailbox.List(r.Context(), store.Query{Folder: inbox, Limit: maxListed,
		Where: mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagHasAttachments, Value: true},
		Want:  store.Want{Tags: []mapi.Tag{mapi.PidTagSubject, mapi.PidTagSentRepresentingName, mapi.PidTagMessageDeliveryTime}, Attachments: true}})
	if err != nil {
		return nil, err
	}
	host := r.Snapshot.DownloadHost(r.Host)
	origin := "https://" + host
	if host == "" {
		host, origin = org.PublicHost(r.Host), ""
	}
	var messages []message
	for _, item := range found.Items {
		m := message{Received: item.Props.Time(mapi.PidTagMessageDeliveryTime), From: item.Props.String(mapi.PidTagSentRepresentingName),
			Subject: item.Props.String(mapi.PidTagSubject)}
		for _, at := range item.Attachments {
			if at.Hidden || at.Inline {
				continue
			}
			token, err := json.Marshal(link{item.ID.Mailbox, item.ID.Row, item.ID.Mid, at.ID.Number, person.SID, r.Identity.Issuer, r.Identity.AuthN, host, a.Now().Add(linkLife).Unix()})
			if err != nil {
				return nil, err
			}
			name := filename(&at)
			m.Files = append(m.Files, file{name, origin + r.VirtualDirectory.Path + attachmentsPath + "/" + url.PathEscape(name) +
				"?token=" + base64.RawURLEncoding.EncodeToString(a.Key.Seal(purpose, token))})
		}
		messages = append(messages, m)
	}
	return messages, nil
}

func (a *Attachments) open(ctx context.Context, p *org.Recipient) (*store.Mailbox, error) {
	mailbox, err := a.Store.OpenMailbox(ctx, p.MailboxGUID, addressbook.MailboxInfo(p))
	if err != nil {
		return nil, err
	}
	return mailbox.As(ctx, p.SID)
}

// filename is the attachment's name without what a file system or a header could take for something else.
func filename(a *store.Attachment) string {
	name := strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) || strings.ContainsRune(`/\:*?"<>|`, c) {
			return '_'
		}
		return c
	}, strings.ToValidUTF8(a.Filename, "_"))
	if len(name) > 200 {
		name = strings.ToValidUTF8(name[:200], "")
	}
	if name = strings.Trim(name, ". "); name == "" {
		name = "attachment"
	}
	if a.Method == mapi.AttachEmbedded && !strings.EqualFold(path.Ext(name), ".eml") {
		name += ".eml"
	}
	return name
}

// attachmentsPath is where attachments lie below the virtual directory, as the front end knows it.
const attachmentsPath = clientaccess.AttachmentsPath

// refusal is why a link serves nothing: what the page says, and what the record does.
type refusal struct {
	status       int
	text, reason string
}

func (e *refusal) Error() string { return e.reason }

//go:embed refused.html
var refusedText string

var refused = page.MustParse(refusedText)

// serve answers a link.
func (a *Attachments) serve(w http.ResponseWriter, r *clientaccess.Request, frame page.Frame) {
	r.Record.Begin("GetAttachment", false)
	at, mailbox, err := a.find(r)
	if err != nil {
		e, ok := errors.AsType[*refusal](err)
		if !ok {
			a.Log.Error("attachment not read", "id", r.ID, "error", err)
			e = &refusal{http.StatusServiceUnavailable, "The mailbox could not be read.", "mailbox not read"}
		}
		r.Record.Reason = e.reason
		frame.Title, frame.Narrow = "Download failed", true
		_ = refused.Write(w, e.status, frame, struct{ Text, ID string }{e.text, r.ID}) // nobody left to tell
		return
	}
	h := w.Header()
	kind := at.ContentType
	if at.Method == mapi.AttachEmbedded {
		kind = "message/rfc822"
	} else if _, _, err := mime.ParseMediaType(kind); err != nil {
		kind = "application/octet-stream"
	}
	h.Set("Content-Type", kind)
	packed := at.Method == mapi.AttachEmbedded && at.ContentType == store.PackedType
	if !packed { // how long its MIME form gets nobody knows before it is written
		h.Set("Content-Length", strconv.FormatInt(at.Content.Size, 10))
	}
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": filename(at)}))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead || at.Content.IsZero() {
		return
	}
	open := func() io.ReadCloser { return io.NopCloser(mailbox.OpenBlob(r.Context(), at.Content)) }
	content := open()
	if packed {
		content, err = transport.OpenPacked(r.Context(), mailbox, open)
	}
	if err == nil {
		defer content.Close()
		_, err = io.Copy(w, content)
	}
	if err != nil {
		panic(http.ErrAbortHandler) // no half file may look whole
	}
}

// find returns the attachment that the request's link is for, or a refusal.
func (a *Attachments) find(r *clientaccess.Request) (*store.Attachment, *store.Mailbox, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return nil, nil, &refusal{http.StatusMethodNotAllowed, "This address is for downloading only.", "method not allowed"}
	}
	host := org.PublicHost(r.Host)
	l, ok := a.read(r.URL.Query().Get("token"))
	if !ok || l.Host != host {
		return nil, nil, &refusal{http.StatusForbidden, "This link is not valid.", "link does not open, or is for another host"}
	}
	if a.Now().Unix() >= l.Expires {
		return nil, nil, &refusal{http.StatusForbidden, "This link has expired. Open the page anew.", "link has expired"}
	}
	if r.VirtualDirectory.OAuth() && r.Snapshot.DownloadHosts[host] && !r.Snapshot.Override("OAuth", "OAuthIdentityCacheFixForDownloadDomains").Enabled() {
		// How-to, "Steps to enable ... OWA and ECP", step 8: without it the second host does not know who signed in.
		return nil, nil, &refusal{http.StatusUnauthorized, "This server does not know you under the name from which attachments are downloaded.",
			"download domain: needs the override OAuth/OAuthIdentityCacheFixForDownloadDomains"}
	}
	id, denial := a.Auth.Session(r.Context(), &auth.Facts{Snapshot: r.Snapshot, VirtualDirectory: r.VirtualDirectory, Host: r.Host, Now: a.Now()}, l.SID, l.Issuer)
	if denial != nil {
		return nil, nil, &refusal{denial.Status, "You cannot download this with the account that you signed in with.", denial.Reason}
	}
	id.AuthN = l.AuthN
	if r.Identity = id; id.Recipient.MailboxGUID != l.Mailbox {
		return nil, nil, &refusal{http.StatusForbidden, "This link is not valid.", "link is for another mailbox"}
	}
	mailbox, err := a.open(r.Context(), id.Recipient)
	if err != nil {
		return nil, nil, err
	}
	at, err := mailbox.Attachment(r.Context(), store.AttachmentID{Item: store.ItemID{Mailbox: l.Mailbox, Row: l.Row, Mid: l.Mid}, Number: l.Number})
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, &refusal{http.StatusNotFound, "The message is no longer where it was.", "attachment not found"}
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read attachment: %w", err)
	}
	return at, mailbox, nil
}

func (a *Attachments) read(text string) (l link, ok bool) {
	if len(text) > maxLink {
		return link{}, false
	}
	box, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return link{}, false
	}
	plain, err := a.Key.Open(purpose, box)
	if err != nil || json.Unmarshal(plain, &l) != nil {
		return link{}, false
	}
	return l, true
}
