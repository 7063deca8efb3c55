package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/emersion/go-smtp"

	"hma/exchange/store"
)

// LMTP takes mail by RFC 2033 on a listener: for this organisation's mailboxes
// only, at most MaxMessage bytes a message, without AUTH, one answer for each
// recipient and only after the store's write is durable.
type LMTP struct {
	Transport *Transport
	// AnyAddress lets Serve work on a listener that is not loopback.
	AnyAddress bool
}

const (
	lmtpConnections = 100
	lmtpIdle        = 5 * time.Minute // RFC 5321 4.5.3.2.7
	lmtpDrain       = 10 * time.Second
	// lmtpLine is the longest line that is taken; many programs do not keep to 998 bytes.
	lmtpLine = 1 << 20
)

// ErrNotLoopback is Serve's answer to a listener that others could reach.
var ErrNotLoopback = errors.New("lmtp listens on loopback only")

// Serve takes mail until the context ends. Then no new connection is taken, a
// transaction that has begun may end within ten seconds, and Serve returns nil
// with the listener closed.
func (l *LMTP) Serve(ctx context.Context, listener net.Listener) error {
	if !l.AnyAddress && !isLoopback(listener.Addr()) {
		listener.Close()
		return fmt.Errorf("%w, not on %s", ErrNotLoopback, listener.Addr())
	}
	t := l.Transport
	conns := &connections{Listener: listener, open: map[*connection]struct{}{}, slots: make(chan struct{}, lmtpConnections)}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{ctx: context.WithoutCancel(ctx), transport: t, conn: c.Conn().(*connection)}, nil
	}))
	server.LMTP = true
	server.Domain = t.cfg.Host
	server.MaxRecipients = MaxRecipients
	server.MaxMessageBytes = MaxMessage
	server.MaxLineLength = lmtpLine
	server.ReadTimeout, server.WriteTimeout = lmtpIdle, lmtpIdle
	server.ErrorLog = log.New(slogWriter{t.cfg.Log}, "", 0)
	stop := context.AfterFunc(ctx, func() {
		conns.drain()
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), lmtpDrain)
		defer cancel()
		server.Shutdown(bounded)
		listener.Close() // Shutdown does not know it yet when the end came before the start
		conns.closeAll()
	})
	err := server.Serve(conns)
	if stop() {
		// The listener failed; nobody asked to stop.
		conns.closeAll()
		return fmt.Errorf("lmtp: %w", err)
	}
	conns.wait()
	return nil
}

func isLoopback(a net.Addr) bool {
	switch a := a.(type) {
	case *net.TCPAddr:
		return a.IP.IsLoopback()
	case *net.UnixAddr:
		return true
	}
	return false
}

// session is one client's conversation.
type session struct {
	ctx       context.Context
	transport *Transport
	conn      *connection
	env       Envelope
}

var _ smtp.LMTPSession = (*session)(nil)

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if from != "" && !validAddress(from) {
		return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 1, 7}, Message: "not a valid address"}
	}
	s.conn.busy.Store(true)
	s.env.From = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if !validAddress(to) {
		return &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 1, 3}, Message: "not a valid address"}
	}
	accepted, err := s.transport.cfg.Directory.Accepted(s.ctx, domain(to))
	if err == nil && !accepted {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "no relay: this server takes mail for its own domains only"}
	}
	if err == nil {
		_, _, err = s.transport.receivers(s.ctx, to, "")
	}
	if err != nil {
		return s.answer(to, err)
	}
	s.env.To = append(s.env.To, to)
	return nil
}

// Data is never called: LMTPData is there.
func (s *session) Data(r io.Reader) error {
	return &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "LMTP only"}
}

func (s *session) LMTPData(r io.Reader, status smtp.StatusCollector) error {
	results, err := s.transport.Deliver(s.ctx, s.env, r)
	if err != nil {
		return s.answer("", err)
	}
	for _, result := range results {
		s.transport.logFailed(s.ctx, Result{Members: result.Members}) // for them there is no answer
		status.SetStatus(result.Recipient, s.answer(result.Recipient, result.Err))
	}
	return nil
}

// answer is the reply for a failure, nil for none. What is not the client's
// doing is logged and answered with "try again later".
func (s *session) answer(recipient string, err error) error {
	if err == nil {
		return nil
	}
	if reply, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return reply // of the reader: too much data
	}
	switch {
	case errors.Is(err, ErrMayNotSend):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "this group takes mail of its own organisation only"}
	case errors.Is(err, ErrTooMany):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 5, 3}, Message: "the group has too many members"}
	case errors.Is(err, ErrUnknownRecipient):
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "no mailbox with this address"}
	case errors.Is(err, ErrTooLarge), errors.Is(err, store.ErrTooLarge):
		return &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 3, 4}, Message: "message too large"}
	case errors.Is(err, smtp.ErrTooLongLine):
		// Permanent: the same message would fail again. The library ends the connection after it.
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "a line of the message is too long"}
	case errors.Is(err, store.ErrQuota):
		// Permanent: the sender is to know, and the queue before us not to fill up.
		return &smtp.SMTPError{Code: 552, EnhancedCode: smtp.EnhancedCode{5, 2, 2}, Message: "mailbox full"}
	case errors.Is(err, store.ErrFull):
		s.transport.cfg.Log.ErrorContext(s.ctx, "the mailbox database has no room", "error", err)
		return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "no room here, try again later"}
	}
	s.transport.cfg.Log.WarnContext(s.ctx, "lmtp delivery failed", "recipient", recipient, "error", err)
	return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "not stored, try again later"}
}

// Reset ends a transaction, after its answers are written.
func (s *session) Reset() {
	s.env = Envelope{}
	s.conn.idle()
}

func (s *session) Logout() error { return nil }

// connections is a listener that knows its connections, so that draining can end the idle ones.
type connections struct {
	net.Listener
	slots    chan struct{}
	mu       sync.Mutex
	open     map[*connection]struct{}
	draining atomic.Bool
	done     sync.WaitGroup
}

func (c *connections) Accept() (net.Conn, error) {
	c.slots <- struct{}{}
	conn, err := c.Listener.Accept()
	if err != nil {
		<-c.slots
		return nil, err
	}
	mine := &connection{Conn: conn, of: c}
	c.done.Add(1) // before closeAll can find it
	c.mu.Lock()
	c.open[mine] = struct{}{}
	c.mu.Unlock()
	if c.draining.Load() {
		mine.Close()
	}
	return mine, nil
}

// drain ends the connections that are between transactions.
func (c *connections) drain() {
	c.draining.Store(true)
	c.each(func(conn *connection) {
		if !conn.busy.Load() {
			conn.Close()
		}
	})
}

func (c *connections) closeAll() { c.each(func(conn *connection) { conn.Close() }) }

func (c *connections) wait() { c.done.Wait() }

func (c *connections) each(fn func(*connection)) {
	c.mu.Lock()
	var list []*connection
	for conn := range c.open {
		list = append(list, conn)
	}
	c.mu.Unlock()
	for _, conn := range list {
		fn(conn)
	}
}

// connection is one client's.
type connection struct {
	net.Conn
	of     *connections
	busy   atomic.Bool // a transaction has begun
	closed sync.Once
}

func (c *connection) idle() {
	c.busy.Store(false)
	if c.of.draining.Load() {
		c.Close()
	}
}

func (c *connection) Close() (err error) {
	c.closed.Do(func() {
		err = c.Conn.Close()
		c.of.mu.Lock()
		delete(c.of.open, c)
		c.of.mu.Unlock()
		<-c.of.slots
		c.of.done.Done()
	})
	return err
}

// slogWriter takes the library's lines into the log.
type slogWriter struct{ log *slog.Logger }

func (w slogWriter) Write(p []byte) (int, error) {
	w.log.Debug("lmtp", "message", string(p))
	return len(p), nil
}
