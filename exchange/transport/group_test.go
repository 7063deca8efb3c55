package transport

import (
	"errors"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

// A message to groups and people comes once to each mailbox behind them.
func TestDeliverToGroups(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newPost(t, db)
		env := Envelope{From: "ann@contoso.com", SID: "S-1-5-21-ann",
			To: []string{"ben@contoso.com", "TEAM@contoso.com", "open@contoso.com", "empty@contoso.com", "full@contoso.com", "crowd@contoso.com", "none@contoso.com"}}
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
			t.Errorf("members of the team who got nothing: %+v", m)
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
		env.SID, env.To = "", []string{"team@contoso.com", "cleo@contoso.com"}
		results, err = p.Deliver(t.Context(), env, strings.NewReader(letter))
		if err != nil || !errors.Is(results[0].Err, ErrMayNotSend) || results[1].Err != nil {
			t.Errorf("a stranger's letter: %+v, %v", results, err)
		}
		p.inbox("ben", 1)
		p.inbox("cleo", 2)
	})
}

// Reports name each member who did not get the message, and why a group did not take it.
func TestSubmitToGroups(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	letter := strings.Replace(letter, "To: Ben <ben@contoso.com>", "To: Team: team@contoso.com;, crowd@contoso.com", 1)
	receipt, err := p.Submit(t.Context(), Submission{Mailbox: p.mailbox("ann"), SID: "S-1-5-21-ann", Message: strings.NewReader(letter), To: []string{"team@contoso.com", "crowd@contoso.com"}})
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
