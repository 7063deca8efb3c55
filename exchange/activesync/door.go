package activesync

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"hma/exchange/clientaccess"
	"hma/wire/wbxml"
)

// Door is the ActiveSync door. It holds no state and serves any number of servers.
type Door struct{}

// New returns the door.
func New() *Door { return &Door{} }

// contentType is that of documents in both directions (MS-ASHTTP 2.2.1.1.2.2).
const contentType = "application/vnd.ms-sync.wbxml"

// Limits of a request document.
const maxRequest = 256 << 10

var limits = wbxml.Limits{Depth: 16, Elements: 4096}

// statusInvalidWBXML is common to all commands (MS-ASCMD 2.2.2).
const statusInvalidWBXML = "102"

// ServeDoor answers one request to /Microsoft-Server-ActiveSync.
func (d *Door) ServeDoor(w http.ResponseWriter, r *clientaccess.Request) {
	h := w.Header()
	h.Set("Cache-Control", "private")
	h.Set("MS-Server-ActiveSync", fmt.Sprintf("%d.%d", r.Snapshot.Server.Version[0], r.Snapshot.Server.Version[1]))
	if r.Rest != "" && r.Rest != "/" {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	// Only a person with a mailbox has devices; the front end has checked who it is.
	if r.Identity == nil || r.Identity.Recipient == nil || !r.Identity.Recipient.ActiveSyncEnabled || r.Identity.Recipient.MailboxGUID.IsNil() {
		r.Record.Reason = "not enabled for ActiveSync"
		w.WriteHeader(http.StatusForbidden)
		return
	}
	switch r.Method {
	case http.MethodOptions:
		r.Record.Begin("OPTIONS", false)
		options(w)
	case http.MethodPost:
		d.post(w, r)
	default:
		h.Set("Allow", "OPTIONS, POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

// options lists versions and commands (MS-ASHTTP 2.2.3).
func options(w http.ResponseWriter) {
	var names []string
	for _, c := range commands {
		if c.handle != nil {
			names = append(names, c.name)
		}
	}
	h := w.Header()
	h.Set("Allow", "OPTIONS, POST")
	h.Set("MS-ASProtocolVersions", strings.Join(versions, ","))
	h.Set("MS-ASProtocolCommands", strings.Join(names, ","))
	w.WriteHeader(http.StatusOK)
}

func (d *Door) post(w http.ResponseWriter, r *clientaccess.Request) {
	q, err := ParseQuery(r.URL.RawQuery, r.Header)
	if err != nil {
		refuse(w, r, http.StatusBadRequest, err.Error())
		return
	}
	if !slices.Contains(versions, q.Version) {
		w.Header().Set("X-MS-RP", strings.Join(versions, ",")) // the client asks OPTIONS again
		refuse(w, r, http.StatusBadRequest, "protocol version not served")
		return
	}
	i := slices.IndexFunc(commands[:], func(c command) bool { return c.name == q.Command })
	if i < 0 {
		refuse(w, r, http.StatusNotImplemented, "unknown command")
		return
	}
	c := commands[i]
	r.Record.Begin(c.name, false)
	if c.handle == nil {
		refuse(w, r, http.StatusNotImplemented, "command not implemented")
		return
	}
	request, err := readDocument(r)
	switch {
	case errors.Is(err, wbxml.ErrSyntax):
		r.Record.Reason = err.Error()
		writeDocument(w, c.bad(statusInvalidWBXML))
	case err != nil:
		refuse(w, r, http.StatusBadRequest, err.Error())
	default:
		writeDocument(w, c.handle(r, q, request))
	}
}

func refuse(w http.ResponseWriter, r *clientaccess.Request, status int, reason string) {
	r.Record.Reason = reason
	w.WriteHeader(status)
}

// readDocument reads the request's document; an empty body is nil. A body of
// another type or beyond maxRequest is an error of its own, a document that
// cannot be decoded a wbxml.ErrSyntax.
func readDocument(r *clientaccess.Request) (*wbxml.Element, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest+1))
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	if len(body) == 0 {
		return nil, nil
	}
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || t != contentType && t != "application/vnd.ms-sync" {
		return nil, errors.New("read request: not " + contentType)
	}
	if len(body) > maxRequest {
		return nil, fmt.Errorf("read request: more than %d bytes", maxRequest)
	}
	return wbxml.Decode(body, limits)
}

func writeDocument(w http.ResponseWriter, answer *wbxml.Element) {
	if answer == nil {
		w.WriteHeader(http.StatusOK)
		return
	}
	w.Header().Set("Content-Type", contentType)
	w.Write(wbxml.Encode(answer))
}
