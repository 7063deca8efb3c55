package ews

import (
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/exchange/addressbook"
	"hma/exchange/auth"
	"hma/exchange/calendar"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/soap"
)

var idKey = []byte("0123456789abcdef0123456789abcdef")

// world is a door with its store, transport and two people.
type world struct {
	t         testing.TB
	door      *Door
	db        *sqldb.DB
	store     *store.Store
	mail      *transport.Transport
	calendar  *calendar.Calendar
	anna, bob *org.Recipient
	carol     *org.Recipient // nil for none
	room      *org.Recipient // nil for none
	now       func() time.Time
	ahead     time.Duration // what the clock goes before by
	opts      Options
}

func person(n int, name, mailbox string) *org.Recipient {
	r := org.NewRecipient(strings.ToLower(name)+"@contoso.com", name)
	r.GUID = guid.MustParse(fmt.Sprintf("00000000-0000-4000-8000-00000000000%d", n))
	r.SID = fmt.Sprintf("S-1-5-21-1-2-3-%d", 1000+n)
	r.PrimarySMTP = r.UPN
	r.Addresses = []string{r.UPN}
	r.LegacyDN = "/o=Contoso/cn=" + name
	r.MailboxGUID = guid.MustParse(mailbox)
	r.Enabled, r.EwsEnabled = true, true
	return &r
}

func newWorld(t testing.TB) *world { return newWorldIn(t, sqldbtest.Memory(t)) }

func newWorldIn(t testing.TB, db *sqldb.DB) *world {
	t.Helper()
	clock := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	w := &world{t: t}
	w.now = func() time.Time { clock = clock.Add(time.Millisecond); return clock.Add(w.ahead) }
	w.anna = person(1, "Anna", "aaaaaaaa-0000-4000-8000-000000000001")
	w.bob = person(2, "Bob", "bbbbbbbb-0000-4000-8000-000000000002")
	w.db = db
	st, err := store.Open(t.Context(), w.db, store.Options{Now: w.now})
	if err != nil {
		t.Fatal(err)
	}
	w.store = st
	w.mail = transport.New(transport.Config{
		Store: st, Directory: w, Now: w.now, Host: "ex1.contoso.com", PostmasterAddress: "postmaster@contoso.com",
		MaySendAs: func(_ context.Context, sid, address string) (bool, error) {
			return len(w.people(func(r *org.Recipient) bool { return r.SID == sid && strings.EqualFold(address, r.PrimarySMTP) })) == 1, nil
		},
		Trust: func(ctx context.Context, sid, _ string) (t transport.Trust, err error) {
			if r, err := w.BySID(ctx, sid); err == nil {
				t.Own = r.PrimarySMTP
			}
			return t, nil
		},
		Person: func(ctx context.Context, sid string) (*transport.Mailbox, error) {
			r, err := w.BySID(ctx, sid)
			if err != nil {
				return nil, transport.ErrUnknownRecipient
			}
			return w.Mailbox(ctx, r.PrimarySMTP)
		},
		Delivered: func(ctx context.Context, d transport.Delivered) error { return w.calendar.Process(ctx, d) },
		Log:       slog.New(slog.DiscardHandler),
	})
	w.calendar = calendar.New(calendar.Config{Mail: w.mail, Now: w.now,
		Resource: func(_ context.Context, address string) (bool, error) {
			return w.room != nil && address == w.room.PrimarySMTP, nil
		}})
	w.opts = Options{Now: w.now, IDKey: idKey, People: w}
	d := newDirectory(w.anna, w.bob)
	w.opts.Book, w.opts.Groups = w.book(d), d
	w.opts.Photos = photos{w.bob.GUID: "bob's face", d.all[len(d.all)-1].GUID: "a face of somebody hidden"}
	w.door = New(st, w.mail, w.opts)
	return w
}

func (w *world) people(match func(r *org.Recipient) bool) []*org.Recipient {
	var out []*org.Recipient
	for _, r := range []*org.Recipient{w.anna, w.bob, w.carol, w.room} {
		if r != nil && match(r) {
			out = append(out, r)
		}
	}
	return out
}

func (w *world) BySMTP(_ context.Context, address string) ([]*org.Recipient, error) {
	return w.people(func(r *org.Recipient) bool { return strings.EqualFold(r.PrimarySMTP, address) }), nil
}

func (w *world) ByUPN(_ context.Context, upn string) ([]*org.Recipient, error) {
	return w.people(func(r *org.Recipient) bool { return strings.EqualFold(r.UPN, upn) }), nil
}

func (w *world) BySID(_ context.Context, sid string) (*org.Recipient, error) {
	for _, r := range w.people(func(r *org.Recipient) bool { return r.SID == sid }) {
		return r, nil
	}
	return nil, org.ErrNotFound
}

func (w *world) ByMailbox(_ context.Context, mailbox guid.GUID) (*org.Recipient, error) {
	for _, r := range w.people(func(r *org.Recipient) bool { return r.MailboxGUID == mailbox }) {
		return r, nil
	}
	return nil, org.ErrNotFound
}

func (w *world) Holds(_ context.Context, list []guid.GUID, who guid.GUID) (bool, error) {
	return slices.Contains(list, who), nil
}

func (w *world) Mailbox(ctx context.Context, address string) (*transport.Mailbox, error) {
	list, _ := w.BySMTP(ctx, address)
	if len(list) == 0 {
		return nil, transport.ErrUnknownRecipient
	}
	r := list[0]
	return &transport.Mailbox{GUID: r.MailboxGUID, Address: r.PrimarySMTP, Info: w.info(r)}, nil
}

func (w *world) Members(_ context.Context, address, _ string, _ int) ([]*transport.Mailbox, error) {
	if address != "sales@contoso.com" {
		return nil, fmt.Errorf("%s: %w", address, transport.ErrUnknownRecipient)
	}
	var boxes []*transport.Mailbox
	for _, r := range []*org.Recipient{w.anna, w.bob} {
		boxes = append(boxes, &transport.Mailbox{GUID: r.MailboxGUID, Address: r.PrimarySMTP, Info: w.info(r)})
	}
	return boxes, nil
}

func (w *world) Accepted(_ context.Context, domain string) (bool, error) {
	return domain == "contoso.com", nil
}

func (w *world) info(r *org.Recipient) store.MailboxInfo {
	return addressbook.MailboxInfo(r)
}

func (w *world) mailbox(r *org.Recipient) *store.Mailbox {
	w.t.Helper()
	m, err := w.store.OpenMailbox(w.t.Context(), r.MailboxGUID, w.info(r))
	if err != nil {
		w.t.Fatal(err)
	}
	return m
}

// deliver puts a message into Anna's inbox.
func (w *world) deliver(message string) {
	w.t.Helper()
	env := transport.Envelope{From: "bob@contoso.com", To: []string{"anna@contoso.com"}, Received: w.now()}
	results, err := w.mail.Deliver(w.t.Context(), env, strings.NewReader(strings.ReplaceAll(message, "\n", "\r\n")))
	if err != nil || results[0].Err != nil {
		w.t.Fatal(err, results)
	}
}

const plainMail = `From: Bob <bob@contoso.com>
To: Anna <anna@contoso.com>
Cc: "Carol, C." <carol@example.net>
Subject: Re: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Date: Sun, 01 Mar 2026 11:00:00 +0000
Message-ID: <plain@contoso.com>
In-Reply-To: <first@contoso.com>

Hello Anna,
1 < 2 & 3 > 2
`

const attachedMail = `From: Bob <bob@contoso.com>
To: anna@contoso.com
Subject: With files
Date: Sun, 01 Mar 2026 11:05:00 +0000
Message-ID: <files@contoso.com>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: text/html; charset=utf-8

<html><body><p>See <b>files</b></p></body></html>
--b
Content-Type: application/octet-stream; name=data.bin
Content-Disposition: attachment; filename=data.bin
Content-Transfer-Encoding: base64

AAECAwQF
--b
Content-Type: message/rfc822

From: carol@example.net
Subject: Inner

inner text
--b--
`

func (w *world) request(r *org.Recipient, body io.Reader) *clientaccess.Request {
	req := httptest.NewRequest("POST", "https://mail.contoso.com/EWS/Exchange.asmx", body)
	return &clientaccess.Request{Request: req.WithContext(context.Background()), ID: "test", Rest: "/Exchange.asmx",
		Snapshot: &org.Snapshot{Server: org.Server{Version: org.Version{15, 2, 1544, 11}}, AcceptedDomains: []string{"contoso.com"}},
		Identity: &auth.Identity{Recipient: r, AuthN: "Bearer*"}, Record: &clientaccess.Record{}}
}

// ask sends a document as Anna and returns status and answer.
func (w *world) ask(document string) (int, string) { return w.askAs(w.anna, document) }

// askAs is ask for somebody.
func (w *world) askAs(r *org.Recipient, document string) (int, string) {
	rec := httptest.NewRecorder()
	w.door.ServeDoor(rec, w.request(r, strings.NewReader(document)))
	if ct := rec.Header().Get("Content-Type"); ct != "text/xml; charset=utf-8" {
		w.t.Errorf("content type %q", ct)
	}
	return rec.Code, rec.Body.String()
}

func wrap(body string) string {
	return `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="` + soap.NSEnvelope + `" xmlns:m="` + soap.NSMessages + `" xmlns:t="` + soap.NSTypes +
		`"><s:Header><t:RequestServerVersion Version="Exchange2016"/></s:Header><s:Body>` + body + `</s:Body></s:Envelope>`
}

func (w *world) folder(role store.Role) store.FolderID {
	w.t.Helper()
	id, err := w.mailbox(w.anna).RoleID(role)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// items returns the inbox, newest first.
func (w *world) items(role store.Role) []*store.Item {
	w.t.Helper()
	page, err := w.mailbox(w.anna).List(w.t.Context(), store.Query{Folder: w.folder(role), Want: store.Want{All: true, Recipients: true, Attachments: true}})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Items
}

// server serves the door over TLS with fixed tokens, one for each person.
func (w *world) server() *httptest.Server {
	s := httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		token := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
		who := map[string]*org.Recipient{"anna": w.anna, "bob": w.bob}[token]
		rest := req.URL.Path[min(len("/EWS"), len(req.URL.Path)):]
		if who == nil {
			rw.Header().Set("WWW-Authenticate", "Bearer")
			rw.WriteHeader(http.StatusUnauthorized)
			return
		}
		r := w.request(who, nil)
		r.Request, r.Rest = req, rest
		w.door.ServeDoor(rw, r)
	}))
	w.t.Cleanup(s.Close)
	return s
}

// needExchangelib skips the test where python3-exchangelib is not installed, and fails it in the gate.
func needExchangelib(t *testing.T) {
	t.Helper()
	switch os.Getenv("HMA_WITNESS") {
	case "none":
		t.Skip("HMA_WITNESS=none leaves out the tests that drive installed clients")
	case "all":
		return // without it the script fails, and says so
	}
	if err := exec.Command("/usr/bin/python3", "-c", "import exchangelib").Run(); err != nil {
		t.Skip("python3-exchangelib is not installed (test/scripts/install.sh installs it): ", err)
	}
}

// TestExchangelib runs the witness against the door alone. The whole product, with a
// token endpoint, is put before it in test/witness.
func TestExchangelib(t *testing.T) {
	needExchangelib(t)
	w := newWorld(t)
	w.now = time.Now
	w.deliver(plainMail)
	w.deliver(attachedMail)
	s := w.server()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(ca, cert, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/usr/bin/python3", "../../test/witness/exchangelib/smoke.py")
	cmd.Env = append(os.Environ(), "HMA_EWS="+s.URL+"/EWS/Exchange.asmx", "HMA_USER=anna@contoso.com", "HMA_TOKEN=anna",
		"HMA_SMTP=anna@contoso.com", "HMA_OTHER=bob@contoso.com", "HMA_CA="+ca, "HMA_GROUP=sales@contoso.com", "HMA_ROOMS=rooms@contoso.com")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}
