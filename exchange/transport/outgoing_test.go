package transport

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

// sendLater sends what waits an hour from now.
func (p *post) sendLater() error {
	before := now
	defer func() { now = before }()
	now = now.Add(time.Hour)
	_, err := p.SendWaiting(p.t.Context())
	return err
}

// ill is a directory that does not answer about cleo while it is ill.
type ill struct {
	people
	is *bool
}

func (d ill) Mailbox(ctx context.Context, address string) (*Mailbox, error) {
	if *d.is && strings.HasPrefix(address, "cleo@") {
		return nil, errors.New("the directory does not answer")
	}
	return d.people.Mailbox(ctx, address)
}

// waiting returns what waits an hour from now, and leaves it.
func (p *post) waiting() []*store.Outgoing {
	p.t.Helper()
	before := now
	defer func() { now = before }()
	now = now.Add(time.Hour)
	list, _, err := p.cfg.Store.TakeOutgoing(p.t.Context(), 100)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, o := range list {
		if err := p.cfg.Store.PutOffOutgoing(p.t.Context(), o, before); err != nil {
			p.t.Fatal(err)
		}
	}
	return list
}

// TestOutgoingWaits holds that what cannot be sent now waits, that it goes out once
// when it can, and that what can never arrive waits for nothing.
func TestOutgoingWaits(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newPost(t, db)
		is := true
		p.cfg.Directory = ill{is: &is}
		p.rules("ben", do(sendOn(redirect, "cleo@contoso.com", "nobody@contoso.com", "far@example.org"), sendOn(mapi.ForwardAsAttachment, "ann@contoso.com")))
		p.deliver(letter, "ben@contoso.com")
		p.inbox("ben", 1)
		p.inbox("ann", 1)
		p.inbox("cleo", 0)
		if list := p.waiting(); len(list) != 1 || list[0].To != "cleo@contoso.com" || list[0].From != "ann@contoso.com" {
			t.Fatalf("waiting: %+v", list)
		}
		if err := p.sendLater(); err != nil { // still ill
			t.Fatal(err)
		}
		is = false
		p.inbox("cleo", 0)
		if err := p.sendLater(); err != nil {
			t.Fatal(err)
		}
		p.inbox("cleo", 0) // not before its time
		before := now
		defer func() { now = before }()
		now = now.Add(2 * time.Hour)
		if _, err := p.SendWaiting(t.Context()); err != nil {
			t.Fatal(err)
		}
		item := p.inbox("cleo", 1)[0]
		if raw := p.mime("cleo", item.ID); !strings.HasSuffix(raw, "\r\n"+loopField+": ben@contoso.com\r\n"+letter) {
			t.Errorf("arrived %q", raw)
		}
		if list := p.waiting(); len(list) != 0 {
			t.Errorf("waiting: %+v", list)
		}
		if _, err := p.SendWaiting(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.inbox("cleo", 1)
	})
}

// TestOutgoingGroup sends on to a group: its members get it, with what the owner may.
func TestOutgoingGroup(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	p.rules("ann", do(sendOn(redirect, "team@contoso.com")))
	p.deliver(letter, "ann@contoso.com")
	p.inbox("cleo", 0)
	if _, err := p.SendWaiting(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.inbox("cleo", 1)
	p.inbox("ben", 1)
	if list := p.waiting(); len(list) != 0 {
		t.Errorf("waiting: %+v", list)
	}
}

// TestOutgoingOof has the process die between the delivery and the reply: the reply
// goes out once all the same.
func TestOutgoingOof(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	p.oof("ben", away)
	is := true
	p.cfg.Directory = ill{is: &is}
	message := strings.ReplaceAll(letter, "ann@", "cleo@")
	if _, err := p.Deliver(t.Context(), Envelope{From: "cleo@contoso.com", To: []string{"ben@contoso.com"}}, strings.NewReader(message)); err != nil {
		t.Fatal(err)
	}
	p.inbox("cleo", 0)
	is = false
	for range 2 {
		if err := p.sendLater(); err != nil {
			t.Fatal(err)
		}
		p.inbox("cleo", 1)
	}
}
