package transport

import (
	"context"
	"errors"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/internal/sqldb/sqldbtest"
)

// TestTrusted holds whose name stands in From and in Sender when Ann sends as Ben,
// on behalf of Cleo, and both at once.
func TestTrusted(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	p.cfg.Trust = func(_ context.Context, sid, address string) (Trust, error) {
		if sid != "S-1-5-21-ann" {
			return Trust{}, nil
		}
		return Trust{SendAs: strings.EqualFold(address, "ben@contoso.com"), OnBehalf: address == "cleo@contoso.com", Own: "ann@contoso.com"}, nil
	}
	for _, c := range []struct{ name, sid, fields, sender, back string }{
		{"as somebody", "ann", "From: ben@contoso.com", "", "ben@contoso.com"},
		{"as somebody, by a client that says who sends", "ann", "From: Ben@contoso.com|Sender: Ann@contoso.com", "", "Ben@contoso.com"},
		{"on behalf", "ann", "From: cleo@contoso.com", "ann@contoso.com", "ann@contoso.com"},
		{"on behalf, by a client that says so", "ann", "From: cleo@contoso.com|Sender: ann@contoso.com", "ann@contoso.com", "ann@contoso.com"},
		{"on behalf, in a sender's name", "ann", "From: cleo@contoso.com|Sender: cleo@contoso.com", "denied", ""},
		{"on behalf, sent as another", "ann", "From: cleo@contoso.com|Sender: ben@contoso.com", "ben@contoso.com", "ben@contoso.com"},
		{"two authors", "ann", "From: cleo@contoso.com, ann@contoso.com|Sender: ann@contoso.com", "ann@contoso.com", "ann@contoso.com"},
		{"somebody else", "ben", "From: cleo@contoso.com", "denied", ""},
		{"outside", "ann", "From: boss@example.org", "denied", ""},
	} {
		before := len(p.items("cleo", "inbox"))
		message := strings.ReplaceAll(c.fields, "|", "\r\n") + "\r\nTo: cleo@contoso.com\r\n\r\nx\r\n"
		_, err := p.Submit(t.Context(), Submission{Mailbox: p.mailbox(c.sid), SID: "S-1-5-21-" + c.sid, Message: strings.NewReader(message)})
		list := p.items("cleo", "inbox")
		if c.sender == "denied" {
			if !errors.Is(err, ErrSendAsDenied) || len(list) != before {
				t.Errorf("%s: %v, %d messages", c.name, err, len(list)-before)
			}
			continue
		}
		if err != nil || len(list) != before+1 {
			t.Errorf("%s: %v, %d messages", c.name, err, len(list)-before)
			continue
		}
		raw := p.mime("cleo", list[0].ID)
		sender := ""
		for line := range strings.Lines(raw) {
			if v, ok := strings.CutPrefix(line, "Sender: "); ok {
				sender = strings.Trim(strings.TrimSpace(v), "<>")
			}
		}
		if !strings.EqualFold(sender, c.sender) || !strings.Contains(strings.ToLower(raw), "return-path: <"+strings.ToLower(c.back)+">") {
			t.Errorf("%s: sender %q, want %q:\n%s", c.name, sender, c.sender, raw)
		}
		for _, it := range list {
			if _, err := p.mailbox("cleo").DeleteItem(t.Context(), it.ID, 2); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestDelegateSends lets Ann write on behalf of Ben while she is his delegate, and not as him.
func TestDelegateSends(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	p.cfg.Trust = func(context.Context, string, string) (Trust, error) { return Trust{Own: "ann@contoso.com"}, nil }
	send := func(fields string) error {
		_, err := p.Submit(t.Context(), Submission{Mailbox: p.mailbox("ann"), SID: "S-1-5-21-ann", Message: strings.NewReader(fields + "\r\nTo: cleo@contoso.com\r\n\r\nx\r\n")})
		return err
	}
	for i, list := range [][]store.Delegate{nil, {{SID: "S-1-5-21-cleo"}}, {{SID: "S-1-5-21-ANN"}}, nil} {
		if err := p.mailbox("ben").UpdateDelegates(t.Context(), func(d *store.Delegates) error { d.List = list; return nil }); err != nil {
			t.Fatal(err)
		}
		before := len(p.items("cleo", "inbox"))
		err := send("From: ben@contoso.com")
		got := p.items("cleo", "inbox")
		if i != 2 {
			if !errors.Is(err, ErrSendAsDenied) || len(got) != before {
				t.Errorf("delegates %v: %v", list, err)
			}
			continue
		}
		if err != nil || len(got) != before+1 || !strings.Contains(p.mime("cleo", got[0].ID), "Sender: <ann@contoso.com>") {
			t.Errorf("a delegate: %v, %d messages", err, len(got)-before)
		}
		if err := send("From: ben@contoso.com\r\nSender: ben@contoso.com"); !errors.Is(err, ErrSendAsDenied) {
			t.Errorf("a delegate as the owner: %v", err)
		}
	}
}
