package transport

import (
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/exchange/store/query"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
)

func (p *post) oof(name string, o store.Oof) {
	p.t.Helper()
	if err := p.mailbox(name).SetOof(p.t.Context(), o); err != nil {
		p.t.Fatal(err)
	}
}

var away = store.Oof{State: store.OofEnabled, Audience: store.OofKnown,
	Internal: store.OofReply{Text: "<html><body><p>Bin <b>weg</b></p></body></html>", Language: "de-DE"}, External: store.OofReply{Text: "Away"}}

func TestOofReply(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newPost(t, db)
		p.oof("ben", away)
		p.deliver(letter, "ben@contoso.com")
		p.inbox("ben", 1)
		reply := p.inbox("ann", 1)[0]
		if s := reply.Props.String(mapi.PidTagSubject); s != "Automatic reply: Grüße" {
			t.Errorf("subject %q", s)
		}
		if body := reply.Props.String(mapi.PidTagBody); strings.TrimSpace(body) != "Bin weg" {
			t.Errorf("body %q", body)
		}
		raw := p.mime("ann", reply.ID)
		for _, want := range []string{"Return-Path: <>\r\n", "Auto-Submitted: auto-replied\r\n", "X-Auto-Response-Suppress: All\r\n", "Content-Language: de-DE\r\n",
			"In-Reply-To: <1@contoso.com>\r\n", "References: <1@contoso.com>\r\n", "To: <ann@contoso.com>\r\n", "From: \"ben\" <ben@contoso.com>\r\n", "<b>weg</b>"} {
			if !strings.Contains(raw, want) {
				t.Errorf("reply lacks %q:\n%s", want, raw)
			}
		}
		p.deliver(letter, "ben@contoso.com")
		p.inbox("ann", 1) // once for a sender
		p.oof("ben", store.Oof{})
		p.oof("ben", away)
		p.deliver(letter, "ben@contoso.com")
		p.inbox("ann", 2) // again in a new period
	})
}

// TestOofTwo has two people out of office write to each other.
func TestOofTwo(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	p.oof("ben", away)
	p.oof("ann", away)
	p.deliver(letter, "ben@contoso.com")
	p.inbox("ann", 1)
	p.inbox("ben", 1)
}

func TestOofNot(t *testing.T) {
	later := away
	later.State, later.Start, later.End = store.OofScheduled, now.Add(time.Hour), now.Add(2*time.Hour)
	over := away
	over.State, over.Start, over.End = store.OofScheduled, now.Add(-2*time.Hour), now
	empty := away
	empty.Internal.Text = "<html><body><p> </p></body></html>"
	with := func(field string) string { return field + "\r\n" + letter }
	for _, c := range []struct {
		name, from, message string
		settings            store.Oof
	}{
		{"disabled", "ann@contoso.com", letter, store.Oof{}},
		{"later", "ann@contoso.com", letter, later},
		{"over", "ann@contoso.com", letter, over},
		{"nothing to say", "ann@contoso.com", letter, empty},
		{"null sender", "", letter, away},
		{"oneself", "Ben@contoso.com", letter, away},
		{"daemon", "mailer-daemon@contoso.com", letter, away},
		{"list owner", "owner-team@contoso.com", letter, away},
		{"bounces", "team-bounces@contoso.com", letter, away},
		{"blind copy", "ann@contoso.com", strings.Replace(letter, "ben@contoso.com", "all@contoso.com", 1), away},
		{"list", "ann@contoso.com", with("List-Id: <x.contoso.com>"), away},
		{"list post", "ann@contoso.com", with("list-post: <mailto:x@contoso.com>"), away},
		{"bulk", "ann@contoso.com", with("Precedence: Bulk"), away},
		{"program", "ann@contoso.com", with("Auto-Submitted: auto-generated (by x)"), away},
		{"reply of a program", "ann@contoso.com", with("auto-submitted: auto-replied; owner=x"), away},
		{"not wanted", "ann@contoso.com", with("X-Auto-Response-Suppress: DR, OOF"), away},
		{"not wanted at all", "ann@contoso.com", with("X-Auto-Response-Suppress: All"), away},
		{"by a rule", "ann@contoso.com", with(loopField + ": cleo@contoso.com"), away},
		{"report", "ann@contoso.com", crlf("From: ann@contoso.com", "To: ben@contoso.com", "Content-Type: multipart/report; report-type=delivery-status; boundary=b", "",
			"--b", "", "x", "--b", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; x", "", "Action: failed", "--b--"), away},
	} {
		p := newPost(t, sqldbtest.Memory(t))
		p.oof("ben", c.settings)
		if _, err := p.Deliver(t.Context(), Envelope{From: c.from, To: []string{"ben@contoso.com"}}, strings.NewReader(c.message)); err != nil {
			t.Fatal(err)
		}
		p.inbox("ben", 1)
		p.inbox("ann", 0)
	}
	// Auto-Submitted: no is what people may say.
	p := newPost(t, sqldbtest.Memory(t))
	p.oof("ben", away)
	p.deliver(with("Auto-Submitted: no")+"", "ben@contoso.com")
	p.inbox("ann", 1)
}

// TestOofJunk holds that what a rule takes for junk or deletes is not answered.
func TestOofJunk(t *testing.T) {
	for _, role := range []store.Role{store.RoleJunkEmail, ""} {
		p := newPost(t, sqldbtest.Memory(t))
		p.oof("ben", away)
		action := mapi.Action{Type: mapi.ActionDelete}
		if role != "" {
			junk, _ := p.mailbox("ben").RoleID(role)
			action = mapi.Action{Type: mapi.ActionMove, Folder: junk.Folder}
		}
		p.rules("ben", do(action))
		p.deliver(letter, "ben@contoso.com")
		p.inbox("ann", 0)
	}
}

// TestOofOutside holds what senders of other organisations are told; there is no way
// to them, so the choice alone can be seen.
func TestOofOutside(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	ben := p.mailbox("ben")
	contacts, _ := ben.RoleID(store.RoleContacts)
	if _, err := ben.CreateItem(t.Context(), store.NewItem{Folder: contacts, Props: mapi.Bag{mapi.PidTagMessageClass: "IPM.Contact", mapi.PidLidEmail2EmailAddress: "Friend@example.org"}}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		audience store.OofAudience
		from     string
		want     string
	}{
		{store.OofNobody, "friend@example.org", ""},
		{store.OofKnown, "friend@example.org", "Away"},
		{store.OofKnown, "stranger@example.org", ""},
		{store.OofEverybody, "stranger@example.org", "Away"},
		{store.OofNobody, "ann@contoso.com", away.Internal.Text},
	} {
		settings := away
		settings.Audience = c.audience
		d := &delivery{Transport: p.Transport, mailbox: ben, arrival: arrival{from: c.from}}
		if got, err := d.oofReply(t.Context(), settings); err != nil || got.Text != c.want {
			t.Errorf("audience %d, %s: told %q, %v", c.audience, c.from, got.Text, err)
		}
	}
}

func TestTip(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	planned := away
	planned.State, planned.Start, planned.End = store.OofScheduled, now.Add(-time.Hour), now.Add(time.Hour)
	p.oof("ben", planned)
	for address, want := range map[string]Tip{
		"ben@contoso.com":    {OutOfOffice: away.Internal, Start: planned.Start, End: planned.End},
		"ann@contoso.com":    {},
		"nobody@contoso.com": {Invalid: true},
		"no address":         {Invalid: true},
		"team@contoso.com":   {Members: 3},
		"crowd@contoso.com":  {Members: MaxMembers},
		"far@example.org":    {Outside: true},
	} {
		if got, err := p.Tip(t.Context(), address, "S-1-5-21-ann"); err != nil || got != want {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
	}
	if got, err := p.Tip(t.Context(), "team@contoso.com", ""); err != nil || got != (Tip{Restricted: true}) {
		t.Errorf("a group that does not take the mail: %+v, %v", got, err)
	}
}

// TestOofGroup holds that who gets a message as a member of a group does not answer it.
func TestOofGroup(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	p.oof("ben", away)
	p.deliver(strings.Replace(letter, "ben@contoso.com", "open@contoso.com", 1), "open@contoso.com")
	p.inbox("ben", 1)
	p.inbox("ann", 1) // the message alone
}

// TestKnownContactByIndex: the search index can be asked for a contact's address.
func TestKnownContactByIndex(t *testing.T) {
	if hits, _ := query.Ask(hasAddress("greta@example.com")); hits == nil {
		t.Error("every contact is looked at")
	}
}
