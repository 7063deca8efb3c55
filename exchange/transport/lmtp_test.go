package transport

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"github.com/emersion/go-smtp"

	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
)

// serve starts LMTP on loopback; stop ends it and waits.
func serve(t *testing.T, p *post) (address string, stop func()) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- (&LMTP{Transport: p.Transport}).Serve(ctx, listener) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
	t.Cleanup(stop)
	return listener.Addr().String(), stop
}

func client(t *testing.T, address string) *smtp.Client {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	c := smtp.NewClientLMTP(conn)
	t.Cleanup(func() { c.Close() })
	return c
}

func code(err error) int {
	if err == nil {
		return 250
	}
	if reply, ok := errors.AsType[*smtp.SMTPError](err); ok {
		return reply.Code
	}
	return 0
}

func TestLMTP(t *testing.T) {
	p := newPost(t, sqldbtest.Disk(t))
	address, _ := serve(t, p)
	c := client(t, address)
	if err := c.Hello("there"); err != nil {
		t.Fatal(err)
	}
	if ok, _ := c.Extension("AUTH"); ok {
		t.Error("AUTH is offered")
	}
	if err := c.Mail("sender@example.org", nil); err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]int{"nobody@contoso.com": 550, "far@example.org": 550, "relay%example.org@contoso.com": 550} {
		if err := c.Rcpt(to, nil); code(err) != want {
			t.Errorf("%s: %v", to, err)
		}
	}
	for _, to := range []string{"ann@contoso.com", "BEN@contoso.com", "anna@contoso.com"} {
		if err := c.Rcpt(to, nil); err != nil {
			t.Fatal(err)
		}
	}
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, letter+".dot\r\n")
	answers, err := w.CloseWithLMTPResponse()
	if err != nil {
		t.Fatal(err)
	}
	if len(answers) != 3 || answers["ann@contoso.com"] == nil || answers["BEN@contoso.com"] == nil || answers["anna@contoso.com"] == nil {
		t.Errorf("answers %v", answers)
	}
	p.inbox("ann", 1)
	item := p.inbox("ben", 1)[0]
	if s := p.mime("ben", item.ID); !strings.HasPrefix(s, "Return-Path: <sender@example.org>\r\nReceived: ") || !strings.HasSuffix(s, letter+".dot\r\n") {
		t.Errorf("stored %q", s)
	}
}

// TestLMTPNotStored closes the database under a transaction: no recipient may be told that the message is there.
func TestLMTPNotStored(t *testing.T) {
	db, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	p := newPost(t, db)
	p.mailbox("ann")
	address, _ := serve(t, p)
	c := client(t, address)
	if err := c.Mail("sender@example.org", nil); err != nil {
		t.Fatal(err)
	}
	if err := c.Rcpt("ann@contoso.com", nil); err != nil {
		t.Fatal(err)
	}
	db.Close()
	w, err := c.Data()
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(w, letter)
	err = w.Close()
	if code(err) != 451 || strings.Contains(err.Error(), "database") {
		t.Errorf("answer %v, want 451 without internals", err)
	}
}

func TestLMTPLimits(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	address, stop := serve(t, p)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := bufio.NewReader(conn)
	expect := func(want string) {
		t.Helper()
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				t.Fatalf("want %s: %v", want, err)
			}
			if len(line) > 3 && line[3] == '-' {
				continue
			}
			if !strings.HasPrefix(line, want) {
				t.Errorf("got %q, want %s", line, want)
			}
			return
		}
	}
	say := func(line, want string) {
		t.Helper()
		fmt.Fprintf(conn, "%s\r\n", line)
		expect(want)
	}
	expect("220")
	say("EHLO x", "500")
	say("LHLO x", "250")
	say("AUTH PLAIN AGEAYg==", "5")
	say("MAIL FROM:<a@b> SIZE=99999999", "552")
	say("MAIL FROM:<a@b>", "250")
	say("RCPT TO:<ann@contoso.com>", "250")
	say("RSET", "250")
	say("DATA", "502")
	// An idle connection does not hold up the end.
	stop()
	if _, err := r.ReadByte(); err == nil {
		t.Error("connection is open after the end")
	}
}

func TestLMTPLoopbackOnly(t *testing.T) {
	listener, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := (&LMTP{Transport: New(Config{})}).Serve(t.Context(), listener); !errors.Is(err, ErrNotLoopback) {
		t.Errorf("serve on every address: %v", err)
	}
}

// TestLMTPFull holds the answer of a database without room: later, not never.
func TestLMTPFull(t *testing.T) {
	db := sqldbtest.Disk(t)
	p := newPost(t, db)
	address, _ := serve(t, p)
	c := client(t, address)
	send := func() error {
		return c.SendMail("carol@example.com", []string{"ann@contoso.com"}, strings.NewReader(crlf("Subject: x", "", strings.Repeat("words ", 10_000))))
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	if err := db.Statement(t.Context(), "PRAGMA max_page_count = 1"); err != nil { // the file's own length
		t.Fatal(err)
	}
	var err error
	for range 20 {
		if err = send(); err != nil {
			break
		}
	}
	var lmtp smtp.LMTPDataError
	if !errors.As(err, &lmtp) || lmtp["ann@contoso.com"].Code != 452 || lmtp["ann@contoso.com"].EnhancedCode != (smtp.EnhancedCode{4, 3, 1}) {
		t.Errorf("answered %v, want 452 4.3.1", err)
	}
	if err := db.Statement(t.Context(), "PRAGMA max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	if err := send(); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// TestLMTPBombs sends what is made to cost much over a connection: what is acknowledged is there to the
// last byte, and the connection takes the next message.
func TestLMTPBombs(t *testing.T) {
	p := newPost(t, sqldbtest.Disk(t))
	address, _ := serve(t, p)
	c := client(t, address)
	head := "Subject: bomb\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
	line := strings.Repeat("QUJD", 19) + "\r\n"
	bombs := []struct {
		name, head, piece string
		times             int
	}{
		{"10,000 parts", head, "--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n", 10_000},
		{"200 levels", "", "Content-Type: message/rfc822\r\n\r\n", 200},
		{"broken", head, "--b\r\nContent-Type: text/plain; charset=x\r\nContent-Transfer-Encoding: base64\r\n\r\n=?=?=\xff\r\n", 100},
		{"10 MB of base64", head + "--b\r\nContent-Type: a/b\r\nContent-Transfer-Encoding: base64\r\n\r\n", line, 10_000_000 / len(line)},
		{"and then", "Subject: x\r\n\r\n", "words\r\n", 1},
	}
	for i, b := range bombs {
		if err := c.Mail("x@example.org", nil); err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		if err := c.Rcpt("ann@contoso.com", nil); err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		w, err := c.Data()
		if err != nil {
			t.Fatal(err)
		}
		out := bufio.NewWriterSize(w, 64<<10)
		out.WriteString(b.head)
		for range b.times {
			out.WriteString(b.piece)
		}
		if err := out.Flush(); err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		if err := w.Close(); err != nil {
			t.Fatalf("%s: %v", b.name, err)
		}
		items := p.inbox("ann", i+1)
		size := int64(len(b.head) + b.times*len(b.piece))
		if got := items[0].MIME.Size - size; got < 0 || got > 500 { // the trace fields before it
			t.Errorf("%s: %d bytes of %d are stored", b.name, items[0].MIME.Size, size)
		}
	}
}
