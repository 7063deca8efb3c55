package ews

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hma/exchange/addressbook"
	"hma/exchange/calendar"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/guid"
	"hma/wire/soap"
)

// People looks up the person that an address, a name or a SID of a request means.
// *org.Organization is one.
type People interface {
	// BySMTP returns everybody with the primary or secondary SMTP address; more than one decides nothing.
	BySMTP(ctx context.Context, address string) ([]*org.Recipient, error)
	// ByUPN returns everybody with the user principal name.
	ByUPN(ctx context.Context, upn string) ([]*org.Recipient, error)
	// BySID returns the person with the SID, org.ErrNotFound when there is none.
	BySID(ctx context.Context, sid string) (*org.Recipient, error)
	// ByMailbox returns the owner of the mailbox, org.ErrNotFound when there is none.
	ByMailbox(ctx context.Context, mailbox guid.GUID) (*org.Recipient, error)
	// Holds tells whether somebody is one of a list of trustees, or a member of a group that is.
	Holds(ctx context.Context, list []guid.GUID, who guid.GUID) (bool, error)
}

// Options are what the wiring gives beside the store and transport.
type Options struct {
	// Now is the clock; it must be set.
	Now func() time.Time
	// IDKey seals the ids and synchronisation states that clients hold. It must be
	// the same on every server and after every start.
	IDKey []byte
	// People must be set.
	People People
	// MayImpersonate tells whether an application that acts for itself, or else a caller, may
	// open the mailbox of somebody as its owner. Nil refuses all of them.
	MayImpersonate func(ctx context.Context, application string, caller, whom *org.Recipient) (bool, error)
	// Book is the organisation's address list, Groups where the members of its groups come from; nil for none.
	Book   *addressbook.Book
	Groups addressbook.Groups
	// Photos is where people's photos come from; nil for none.
	Photos Photos
	// Push says to whom push notifications may go; the zero value is nobody.
	Push PushOptions
	// Log gets the failures that a client is only told of as internal errors; nil drops them.
	Log *slog.Logger
}

// Door is the EWS door. It serves any number of servers at the same time.
type Door struct {
	store    *store.Store
	mail     *transport.Transport
	calendar *calendar.Calendar
	opts     Options
	shapes   shapeCache
	streams  streams
	running  running
	pushes   *pushes
}

// New returns the door.
func New(st *store.Store, mail *transport.Transport, opts Options) *Door {
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Door{store: st, mail: mail, calendar: calendar.New(calendar.Config{Mail: mail, Now: opts.Now}), opts: opts, pushes: newPushes(opts.Push)}
}

// Limits of a request: a long one only where it can carry mail.
const (
	maxBody = 2 << 20
	// maxMail is for the longest message, in base64 with line ends.
	maxMail = 90 << 20
	// maxUpload is for an item that was exported, which has the message and its attachments besides.
	maxUpload = 160 << 20
	// maxDrained is how much of a refused body is read and dropped, so that the
	// client reads its answer and can go on with the connection.
	maxDrained = 128 << 20
	// maxIDs is how many ids one request may name.
	maxIDs = 5000
	// requestTime ends a request that takes too long. One that carries much, either way,
	// has that time again from each paceBytes of it on, and paceTime more for each so far:
	// it is for the work as well as for the way.
	requestTime = 60 * time.Second
	paceTime    = 3 * time.Second
	paceBytes   = 1 << 20
)

// schemaVersion is what Exchange 2016 and later say of their schema; clients that
// find it go on with the version they asked for.
const schemaVersion = "V2017_07_11"

// ServeDoor answers one request under /EWS.
func (d *Door) ServeDoor(w http.ResponseWriter, r *clientaccess.Request) {
	switch {
	case (r.Method == http.MethodGet || r.Method == http.MethodHead) && strings.EqualFold(r.Rest, photoPath):
		d.servePhoto(w, r)
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		serveInfo(w, r)
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
	case !strings.EqualFold(r.Rest, "/Exchange.asmx"):
		http.NotFound(w, r.Request)
	default:
		d.serveSOAP(w, r)
	}
}

// serveInfo answers the GET with which some clients look whether the door is
// there; DavMail asks for the service's description.
func serveInfo(w http.ResponseWriter, r *clientaccess.Request) {
	if !strings.EqualFold(r.Rest, "/Exchange.asmx") && !strings.EqualFold(r.Rest, "/Services.wsdl") {
		http.NotFound(w, r.Request)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	io.WriteString(w, "Exchange Web Services\n")
}

// serveSOAP reads an envelope, runs its operation and sees to it that every way
// out is a complete SOAP answer.
func (d *Door) serveSOAP(w http.ResponseWriter, r *clientaccess.Request) {
	c := d.begin(w, r)
	defer c.release()
	err := c.serve()
	if err == nil && c.then != nil {
		// It may wait for an hour: what is on the stack here is kept for as long.
		err = c.then()
	}
	c.settle(err)
}

// begin returns the call of a request, with the time that it may take.
func (d *Door) begin(w http.ResponseWriter, r *clientaccess.Request) *call {
	ctx, stop := context.WithCancelCause(r.Context())
	pace := &pace{timer: time.AfterFunc(requestTime, func() { stop(context.DeadlineExceeded) })}
	answer := &response{dst: w, pace: pace}
	return &call{door: d, ctx: ctx, timed: ctx, stop: stop, request: r, body: &paced{r: r.Body, pace: pace}, w: soap.NewWriter(answer), answer: answer,
		version: serverVersion(r.Snapshot), schema: exchange2016}
}

// release gives back what the call holds.
func (c *call) release() {
	if c.leave != nil {
		c.leave()
	}
	c.w.Release()
	c.answer.pace.timer.Stop()
	c.stop(nil)
}

// settle sends what is left of the answer, or the fault that an error is.
func (c *call) settle(err error) {
	out, r := c.w, c.request
	if err == nil {
		if !out.Flushed() {
			c.answer.dst.Header().Set("Content-Length", strconv.FormatInt(out.Mark(), 10)) // chunks cost more
		}
		err = out.Flush()
	}
	if err == nil {
		return
	}
	err = errors.Join(err, context.Cause(c.timed)) // its time is over
	if out.Flushed() {
		// Half an answer cannot be taken back; ending the connection is the only
		// way to tell the client that it is no whole one.
		c.door.opts.Log.Error("ews answer broken off", "request", r.ID, "operation", r.Record.Operation, "error", err)
		panic(http.ErrAbortHandler)
	}
	fault := c.door.fault(r, err)
	c.answer.status = http.StatusInternalServerError
	if fault.Code == codeForbidden {
		c.answer.status = http.StatusForbidden
	}
	out.Cut(0)
	out.Begin(c.version)
	out.Fault(fault)
	out.Finish()
	if err := out.Flush(); err != nil {
		return
	}
	io.CopyN(io.Discard, r.Body, maxDrained)
}

// response sets the status and the one spelling of the content type that every
// client understands before the first byte.
type response struct {
	dst     http.ResponseWriter
	pace    *pace
	status  int
	started bool
}

func (a *response) Write(p []byte) (int, error) {
	if !a.started {
		a.started = true
		a.dst.Header().Set("Content-Type", "text/xml; charset=utf-8")
		if a.status != 0 {
			a.dst.WriteHeader(a.status)
		}
	}
	n, err := a.dst.Write(p)
	a.pace.moved(n)
	return n, err
}

// pace gives a request more time for what it carries, either way.
type pace struct {
	timer *time.Timer
	bytes int // since it was given more
	more  time.Duration
}

func (p *pace) moved(n int) {
	if p.bytes += n; p.bytes >= paceBytes {
		p.bytes = 0
		p.more += paceTime
		p.timer.Reset(requestTime + p.more)
	}
}

// paced is a body that is read at a pace.
type paced struct {
	r    io.Reader
	pace *pace
}

// Read implements io.Reader.
func (p *paced) Read(b []byte) (int, error) {
	n, err := p.r.Read(b)
	p.pace.moved(n)
	return n, err
}

func serverVersion(s *org.Snapshot) soap.ServerVersion {
	v := s.Server.Version
	return soap.ServerVersion{Major: v[0], Minor: v[1], MajorBuild: v[2], MinorBuild: v[3], Version: schemaVersion}
}

// fault makes a fault of whatever ended a request before its answer began.
func (d *Door) fault(r *clientaccess.Request, err error) *soap.Fault {
	if f, ok := errors.AsType[*soap.Fault](err); ok {
		return f
	}
	if s, ok := errors.AsType[*soap.SyntaxError](err); ok {
		return schemaFault(s.Line, s.Column, s.Reason)
	}
	code, text := d.codeOf(r, err)
	return &soap.Fault{Code: code, Message: text}
}

func schemaFault(line, position int, violation string) *soap.Fault {
	return &soap.Fault{Code: "ErrorSchemaValidation", Message: "The request failed schema validation: " + violation,
		Line: line, Position: position, Violation: violation}
}

// invalid is the fault for an element of a request that breaks the schema.
func invalid(e *soap.Element, format string, args ...any) *soap.Fault {
	return schemaFault(e.Line, e.Column, fmt.Sprintf(format, args...))
}
