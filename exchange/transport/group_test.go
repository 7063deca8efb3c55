package transport

import (
	"context"
	"errors"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/mapi"
)

// A message to groups and people comes once to each mailbox behind them.
func TestDeliverToGroups(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newPost(t, db)
		env := Envelope{From: "ann@contoso.com",
			To: []string{"ben@contoso.com", "ALL@contoso.com", "open@contoso.com", "empty@contoso.com", "full@contoso.com", "crowd@contoso.com", "none@contoso.com"}}
		results, err := p.Deliver(t.Context(), env, strings.NewReader(letter))
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range []error{nil, nil, nil, nil, store.ErrQuota, ErrTooMany, ErrUnknownRecipient} {
			if !errors.Is(results[i].Err, want) || want == nil && results[i].Err != nil {
				t.Errorf("%s: %v, want %v", results[i].Recipient, results[i].Err, want)
			}
		}
		if m := results[1].Members; len(m) != 1 || m[0].Recipient != "full@contoso.com" || !errors.Is(m[0].Err, store.ErrQuota) {
			t.Errorf("members of all who got nothing: %+v", m)
		}
		for _, i := range []int{0, 2, 3, 4} {
			if len(results[i].Members) != 0 {
				t.Errorf("%s: %+v", results[i].Recipient, results[i].Members)
			}
		}
		for _, name := range []string{"ann", "ben", "cleo"} {
			p.inbox(name, 1)
		}
		// Who did not sign in may not write to the team; nobody there sees it.
		env.To = []string{"team@contoso.com", "cleo@contoso.com"}
		results, err = p.Deliver(t.Context(), env, strings.NewReader(letter))
		if err != nil || !errors.Is(results[0].Err, ErrMayNotSend) || results[1].Err != nil {
			t.Errorf("a stranger's letter: %+v, %v", results, err)
		}
		p.inbox("ben", 1)
		p.inbox("cleo", 2)
	})
}

// half is a directory that gives cleo a mailbox which cannot be opened while it is ill.
type half struct {
	people
	is *bool
}

func (d half) box(b *Mailbox) *Mailbox {
	if *d.is && b.Address == "cleo@contoso.com" {
		b.GUID = guid.GUID{}
	}
	return b
}

func (d half) Mailbox(ctx context.Context, address string) (*Mailbox, error) {
	b, err := d.people.Mailbox(ctx, address)
	if err == nil {
		b = d.box(b)
	}
	return b, err
}

func (d half) Members(ctx context.Context, address, sid string, limit int) ([]*Mailbox, error) {
	list, err := d.people.Members(ctx, address, sid, limit)
	for _, b := range list {
		d.box(b)
	}
	return list, err
}

// A member of a group whose mailbox fails while others get the message has it later, once;
// whoever is named beside the group is not left to that: for them the message comes again.
func TestDeliverToGroupLater(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newPost(t, db)
		is := true
		p.cfg.Directory = half{is: &is}
		env := Envelope{From: "ann@contoso.com", To: []string{"all@contoso.com", "cleo@contoso.com"}}
		results, err := p.Deliver(t.Context(), env, strings.NewReader(letter))
		if err != nil || results[0].Err != nil || len(results[0].Members) != 2 || results[1].Err == nil {
			t.Fatalf("%+v, %v", results, err)
		}
		if list := p.waiting(); len(list) != 0 {
			t.Fatalf("waiting: %+v", list)
		}
		env.To = env.To[:1]
		results, err = p.Deliver(t.Context(), env, strings.NewReader(letter))
		if err != nil || results[0].Err != nil || len(results[0].Members) != 1 || results[0].Members[0].Recipient != "full@contoso.com" {
			t.Fatalf("%+v, %v", results, err)
		}
		if list := p.waiting(); len(list) != 1 || list[0].To != "cleo@contoso.com" || list[0].From != "ann@contoso.com" {
			t.Fatalf("waiting: %+v", list)
		}
		is = false
		p.inbox("ben", 2)
		for range 2 {
			if err := p.sendLater(); err != nil {
				t.Fatal(err)
			}
			item := p.inbox("cleo", 1)[0]
			if raw := p.mime("cleo", item.ID); strings.Count(raw, "Received:") != 1 || !strings.HasSuffix(raw, "\r\n"+letter) {
				t.Errorf("arrived %q", raw)
			}
		}
	})
}

// Reports name each member who did not get the message, and why a group did not take it.
func TestSubmitToGroups(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	letter := strings.Replace(letter, "To: Ben <ben@contoso.com>", "To: Team: team@contoso.com;, crowd@contoso.com", 1)
	receipt, err := p.Submit(t.Context(), Submission{Mailbox: p.mailbox("ann"), SID: "S-1-5-21-ann", Message: strings.NewReader(letter), To: []string{"team@contoso.com", "crowd@contoso.com", "TEAM@contoso.com"}})
	if err != nil || len(receipt.Results) != 2 || receipt.Results[0].Err != nil || !errors.Is(receipt.Results[1].Err, ErrTooMany) {
		t.Fatalf("%+v, %v", receipt, err)
	}
	p.inbox("ben", 1)
	var text string
	for _, report := range p.inbox("ann", 2) {
		text += p.mime("ann", report.ID)
		if got := report.Props.String(mapi.PidTagSubject); got != "Undeliverable: Grüße" {
			t.Errorf("the report is %q", got)
		}
	}
	if list := p.waiting(); len(list) != 0 {
		t.Errorf("waiting: %+v", list)
	}
	for _, want := range []string{"rfc822; full@contoso.com", "5.2.2", "rfc822; crowd@contoso.com", "5.5.3"} {
		if !strings.Contains(text, want) {
			t.Errorf("the report has no %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "rfc822; team@contoso.com") || strings.Contains(text, "rfc822; ben@contoso.com") {
		t.Errorf("the report names somebody who has the message:\n%s", text)
	}
}

// One report names all to whom a message could not be delivered, and they wait for nothing.
func TestSubmitReportsTogether(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	_, err := p.Submit(t.Context(), Submission{Mailbox: p.mailbox("ann"), SID: "S-1-5-21-ann", Message: strings.NewReader(letter),
		To: []string{"full@contoso.com", "ben@contoso.com", "stuffed@contoso.com"}})
	if err != nil {
		t.Fatal(err)
	}
	p.inbox("ben", 1)
	text := p.mime("ann", p.inbox("ann", 1)[0].ID)
	if !strings.Contains(text, "rfc822; full@contoso.com") || !strings.Contains(text, "rfc822; stuffed@contoso.com") || strings.Contains(text, "rfc822; ben@contoso.com") {
		t.Errorf("the report:\n%s", text)
	}
	if list := p.waiting(); len(list) != 0 {
		t.Errorf("waiting: %+v", list)
	}
}

// Groups take mail over LMTP only when they take it from outside, and are answered once for all their members.
func TestLMTPToGroups(t *testing.T) {
	p := newPost(t, sqldbtest.Disk(t))
	address, _ := serve(t, p)
	c := client(t, address)
	if err := c.Mail("ann@contoso.com", nil); err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]int{"team@contoso.com": 550, "crowd@contoso.com": 550, "open@contoso.com": 250, "empty@contoso.com": 250} {
		if err := c.Rcpt(to, nil); code(err) != want {
			t.Errorf("%s: %v, want %d", to, err, want)
		}
	}
	w, err := c.Data()
	if err == nil {
		_, err = w.Write([]byte(letter))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("not taken: %v", err)
	}
	p.inbox("ann", 1)
	p.inbox("ben", 1)
	p.inbox("cleo", 0)
}
