package transport

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// rules gives a mailbox rules, in their order.
func (p *post) rules(name string, rules ...*store.Rule) {
	p.t.Helper()
	m := p.mailbox(name)
	inbox, err := m.RoleID(store.RoleInbox)
	if err != nil {
		p.t.Fatal(err)
	}
	for i, r := range rules {
		r.Sequence = int32(i + 1)
		r.State |= store.RuleEnabled
		if r.Condition == nil {
			r.Condition = mapi.And{}
		}
	}
	if err := m.UpdateRules(p.t.Context(), inbox, func([]*store.Rule) ([]*store.Rule, error) { return rules, nil }); err != nil {
		p.t.Fatal(err)
	}
}

func subjectHas(word string) mapi.Restriction {
	return mapi.Content{Tag: mapi.PidTagSubject, Fuzzy: mapi.Substring | mapi.IgnoreCase, Value: word}
}

func do(actions ...mapi.Action) *store.Rule { return &store.Rule{Actions: actions} }

func sendOn(flavor uint32, to ...string) mapi.Action {
	a := mapi.Action{Type: mapi.ActionForward, Flavor: flavor}
	for _, address := range to {
		a.Recipients = append(a.Recipients, mapi.Bag{mapi.PidTagSmtpAddress: address})
	}
	return a
}

const redirect = mapi.ForwardPreserveSender | mapi.ForwardNoChange

func (p *post) deliver(message string, to ...string) []Result {
	p.t.Helper()
	results, err := p.Deliver(p.t.Context(), Envelope{From: "ann@contoso.com", To: to}, strings.NewReader(message))
	if err != nil {
		p.t.Fatal(err)
	}
	for _, r := range results {
		if r.Err != nil {
			p.t.Fatalf("%s: %v", r.Recipient, r.Err)
		}
	}
	return results
}

// places counts a mailbox's messages in each folder that has some.
func (p *post) places(name string) string {
	p.t.Helper()
	m := p.mailbox(name)
	root, err := m.RoleID(store.RoleRoot)
	if err != nil {
		p.t.Fatal(err)
	}
	folders, err := m.Folders(p.t.Context(), root, true)
	if err != nil {
		p.t.Fatal(err)
	}
	var list []string
	for _, f := range folders {
		if f.Total > 0 {
			list = append(list, fmt.Sprintf("%s %d", f.Name, f.Total))
		}
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

func TestRulePlaces(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		p := newPost(t, db)
		ben := p.mailbox("ben")
		folder := func(role store.Role) mapi.GlobCnt {
			id, err := ben.RoleID(role)
			if err != nil {
				t.Fatal(err)
			}
			return id.Folder
		}
		move := func(role store.Role) mapi.Action { return mapi.Action{Type: mapi.ActionMove, Folder: folder(role)} }
		copyTo := func(role store.Role) mapi.Action { return mapi.Action{Type: mapi.ActionCopy, Folder: folder(role)} }
		exit := func(r *store.Rule) *store.Rule { r.State |= store.RuleExitLevel; return r }
		only := func(c mapi.Restriction, r *store.Rule) *store.Rule { r.Condition = c; return r }
		tagged := mapi.Action{Type: mapi.ActionTag, Tag: mapi.PidTagImportance, Value: int32(2)}
		for _, c := range []struct {
			name  string
			rules []*store.Rule
			want  string
		}{
			{"none", nil, "Inbox 1"},
			{"move", []*store.Rule{do(move(store.RoleArchive))}, "Archive 1"},
			{"copy", []*store.Rule{do(copyTo(store.RoleArchive))}, "Archive 1, Inbox 1"},
			{"move and copy", []*store.Rule{do(copyTo(store.RoleNotes), move(store.RoleArchive))}, "Archive 1, Notes 1"},
			{"first move counts", []*store.Rule{do(move(store.RoleArchive)), do(move(store.RoleNotes))}, "Archive 1"},
			{"delete", []*store.Rule{do(move(store.RoleDeletedItems))}, "Deleted Items 1"},
			{"delete for good", []*store.Rule{do(mapi.Action{Type: mapi.ActionDelete})}, ""},
			{"delete for good and copy", []*store.Rule{do(mapi.Action{Type: mapi.ActionDelete}), do(copyTo(store.RoleArchive))}, "Archive 1"},
			{"exit", []*store.Rule{exit(do(tagged)), do(move(store.RoleArchive))}, "Inbox 1"},
			{"exit of one that does not apply", []*store.Rule{exit(only(subjectHas("other"), do(tagged))), do(move(store.RoleArchive))}, "Archive 1"},
			{"condition", []*store.Rule{only(subjectHas("gruSSE"), do(move(store.RoleArchive)))}, "Inbox 1"},
			{"condition without accents", []*store.Rule{only(subjectHas("GRUß"), do(move(store.RoleArchive)))}, "Archive 1"},
			{"exception", []*store.Rule{only(mapi.And{subjectHas("gr"), mapi.Not{Part: mapi.Or{subjectHas("ße")}}}, do(move(store.RoleArchive)))}, "Inbox 1"},
			{"to me", []*store.Rule{only(mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagMessageToMe, Value: true}, do(move(store.RoleArchive)))}, "Archive 1"},
			{"cc me", []*store.Rule{only(mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagMessageCcMe, Value: true}, do(move(store.RoleArchive)))}, "Inbox 1"},
			{"recipient", []*store.Rule{only(mapi.Sub{Object: mapi.Recipients, Part: mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagSmtpAddress, Value: "CLEO@contoso.com"}}, do(move(store.RoleArchive)))}, "Archive 1"},
			{"attachment", []*store.Rule{only(mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagHasAttachments, Value: true}, do(move(store.RoleArchive)))}, "Archive 1"},
			{"folder that is not there", []*store.Rule{do(mapi.Action{Type: mapi.ActionMove, Folder: 9999}), do(tagged)}, "Inbox 1"},
			{"folder elsewhere", []*store.Rule{do(mapi.Action{Type: mapi.ActionMove, Data: []byte{0, 0, 0, 0, 0}})}, "Inbox 1"},
			{"value that the store refuses", []*store.Rule{do(mapi.Action{Type: mapi.ActionTag, Tag: mapi.PidTagImportance.WithType(mapi.Unicode), Value: "x"}, move(store.RoleArchive))}, "Inbox 1"},
			{"out of office only", []*store.Rule{{State: store.RuleOnlyWhenOof, Actions: []mapi.Action{move(store.RoleArchive)}}}, "Inbox 1"},
		} {
			for _, role := range []store.Role{store.RoleInbox, store.RoleArchive, store.RoleNotes, store.RoleDeletedItems} {
				id, _ := ben.RoleID(role)
				if err := ben.EmptyFolder(t.Context(), id, store.HardDelete, false); err != nil {
					t.Fatal(err)
				}
			}
			p.rules("ben", c.rules...)
			p.deliver(letter, "ben@contoso.com")
			if got := p.places("ben"); got != c.want {
				t.Errorf("%s: message in %q, want %q", c.name, got, c.want)
			}
		}
		if err := ben.Check(t.Context(), false, func(d store.Damage) { t.Errorf("check: %v", d) }); err != nil {
			t.Error(err)
		}
	})
}

func TestRuleMarks(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	p.rules("ben",
		do(mapi.Action{Type: mapi.ActionMarkAsRead}, mapi.Action{Type: mapi.ActionTag, Tag: mapi.PidTagImportance, Value: int32(2)}),
		do(mapi.Action{Type: mapi.ActionTag, Tag: mapi.PidNameKeywords, Value: []string{"red"}}),
		do(mapi.Action{Type: mapi.ActionTag, Tag: mapi.PidNameKeywords, Value: []string{"Red", "blue"}}))
	p.deliver("Keywords: old\r\n"+letter, "ben@contoso.com")
	item := p.inbox("ben", 1)[0]
	if words := strings.Join(item.Props.Strings(mapi.PidNameKeywords), " "); !item.Read || item.Props.Int32(mapi.PidTagImportance) != 2 || words != "old red blue" {
		t.Errorf("read %v, importance %d, categories %s", item.Read, item.Props.Int32(mapi.PidTagImportance), words)
	}
	if s := p.mime("ben", item.ID); !strings.HasSuffix(s, letter) {
		t.Errorf("a rule changed the message as it came: %q", s)
	}
}

// TestRuleFails holds that a rule whose folder is gone is marked, and not run again.
func TestRuleFails(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	ben := p.mailbox("ben")
	inbox, _ := ben.RoleID(store.RoleInbox)
	root, _ := ben.RoleID(store.RoleMsgFolderRoot)
	folder, err := ben.CreateFolder(t.Context(), store.NewFolder{Parent: root, Name: "Work"})
	if err != nil {
		t.Fatal(err)
	}
	p.rules("ben", do(mapi.Action{Type: mapi.ActionMove, Folder: folder.ID.Folder}))
	p.deliver(letter, "ben@contoso.com")
	if err := ben.DeleteFolder(t.Context(), folder.ID, store.HardDelete); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		p.deliver(letter, "ben@contoso.com")
	}
	p.inbox("ben", 2)
	rules, err := ben.Rules(t.Context(), inbox)
	if err != nil || len(rules) != 1 || rules[0].State&store.RuleInError == 0 {
		t.Errorf("rules %+v, %v", rules, err)
	}
}

// TestRuleQuota holds that a message which fits without its copies is not refused for them.
func TestRuleQuota(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	ben := p.mailbox("ben")
	archive, _ := ben.RoleID(store.RoleArchive)
	p.rules("ben", do(mapi.Action{Type: mapi.ActionCopy, Folder: archive.Folder}))
	p.deliver(letter, "ben@contoso.com")
	usage, err := ben.Usage(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b := box("ben")
	b.Info.Quota = usage.Size + usage.Size/2 + 100
	full, err := p.cfg.Store.OpenMailbox(t.Context(), b.GUID, b.Info)
	if err != nil {
		t.Fatal(err)
	}
	s, err := stage(t.Context(), full, strings.NewReader(letter))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.deliverInto(t.Context(), full, "ben@contoso.com", s, arrival{at: now}); err != nil {
		t.Fatal(err)
	}
	if got := p.places("ben"); got != "Archive 1, Inbox 2" {
		t.Errorf("messages in %s", got)
	}
}

func TestRuleForwards(t *testing.T) {
	for _, c := range []struct {
		name   string
		flavor uint32
		rest   []mapi.Action
		check  func(t *testing.T, p *post, item *store.Item, raw string)
	}{
		{"redirect", redirect, nil, func(t *testing.T, p *post, item *store.Item, raw string) {
			if want := "Return-Path: <ann@contoso.com>\r\nReceived: by ex1.contoso.com; Mon, 23 Nov 2026 09:30:00 +0000\r\n" + loopField + ": ben@contoso.com\r\n" + letter; raw != want {
				t.Errorf("got %q", raw)
			}
			if !item.Props.Bool(mapi.PidTagAutoForwarded) {
				t.Error("not marked as forwarded")
			}
		}},
		{"forward", 0, nil, func(t *testing.T, p *post, item *store.Item, raw string) {
			if item.Props.String(mapi.PidTagSubject) != "FW: Grüße" || item.Props.String(mapi.PidTagSentRepresentingEmail) != "ben@contoso.com" {
				t.Errorf("subject %q from %s", item.Props.String(mapi.PidTagSubject), item.Props.String(mapi.PidTagSentRepresentingEmail))
			}
			body := item.Props.String(mapi.PidTagBody)
			for _, want := range []string{"From: Ann <ann@contoso.com>\r\n", "Subject: Grüße\r\n", "Hello"} {
				if !strings.Contains(body, want) {
					t.Errorf("body lacks %q: %q", want, body)
				}
			}
			if len(item.Attachments) != 1 || item.Attachments[0].Filename != "x.csv" || !strings.Contains(raw, "Auto-Submitted: auto-generated\r\n") || !strings.HasPrefix(raw, "Return-Path: <ben@contoso.com>") {
				t.Errorf("attachments %+v in %q", item.Attachments, raw)
			}
		}},
		{"forward what is deleted", 0, []mapi.Action{{Type: mapi.ActionDelete}}, func(t *testing.T, p *post, item *store.Item, raw string) {
			if len(item.Attachments) != 1 || p.places("ben") != "" {
				t.Errorf("attachments %+v; in ben's mailbox %s", item.Attachments, p.places("ben"))
			}
		}},
		{"forward as attachment", mapi.ForwardAsAttachment, nil, func(t *testing.T, p *post, item *store.Item, raw string) {
			if len(item.Attachments) != 1 || item.Attachments[0].Method != mapi.AttachEmbedded || !strings.Contains(raw, letter) {
				t.Errorf("attachments %+v in %q", item.Attachments, raw)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newPost(t, sqldbtest.Memory(t))
			p.rules("ben", do(append(c.rest, sendOn(c.flavor, "cleo@contoso.com", "far@example.org", "nobody@contoso.com"))...))
			p.deliver(letter, "ben@contoso.com")
			item := p.inbox("cleo", 1)[0]
			c.check(t, p, item, p.mime("cleo", item.ID))
		})
	}
}

// TestRuleLoop has two mailboxes that send everything to each other.
func TestRuleLoop(t *testing.T) {
	for _, flavor := range []uint32{0, redirect, mapi.ForwardAsAttachment} {
		p := newPost(t, sqldbtest.Memory(t))
		p.rules("ben", do(sendOn(flavor, "cleo@contoso.com", "ben@contoso.com")))
		p.rules("cleo", do(sendOn(flavor, "ben@contoso.com")))
		p.deliver(letter, "ben@contoso.com")
		p.inbox("ben", 2) // the message, and the one that ben sends himself
		p.inbox("cleo", 1)
	}
}

// TestRuleBomb has as many rules as a folder can have, each with strings that never
// match, over a long message, and each would send it on.
func TestRuleBomb(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	var rules []*store.Rule
	for i := range store.MaxRules {
		r := do(sendOn(redirect, "cleo@contoso.com"), sendOn(0, fmt.Sprintf("%d@contoso.com", i)))
		if i%2 == 0 {
			r.Condition = mapi.Or{mapi.Content{Tag: mapi.PidTagBody, Fuzzy: mapi.Substring | mapi.IgnoreCase, Value: strings.Repeat("ä", 9) + "b"},
				mapi.Content{Tag: mapi.PidTagTransportMessageHeaders, Fuzzy: mapi.Substring | mapi.IgnoreCase, Value: strings.Repeat("x", 10)}}
		}
		rules = append(rules, r)
	}
	p.rules("ben", rules...)
	before := time.Now()
	p.deliver(crlf("From: ann@contoso.com", "To: ben@contoso.com", "Subject: bomb", "Content-Type: text/plain; charset=utf-8", "", strings.Repeat(strings.Repeat("ä", 400)+"\r\n", 1000)), "ben@contoso.com")
	if took := time.Since(before); took > 20*time.Second {
		t.Errorf("delivery took %v", took)
	}
	p.inbox("ben", 1)
	p.inbox("cleo", 1)
}

// A text that is too long to be held is what rules look at, too: its beginning.
func TestRuleLongText(t *testing.T) {
	p := newPost(t, sqldbtest.Memory(t))
	archive, err := p.mailbox("ben").RoleID(store.RoleArchive)
	if err != nil {
		t.Fatal(err)
	}
	move := do(mapi.Action{Type: mapi.ActionMove, Folder: archive.Folder})
	move.Condition = mapi.Content{Tag: mapi.PidTagBody, Fuzzy: mapi.Substring | mapi.IgnoreCase, Value: "invoice"}
	p.rules("ben", move)
	long := strings.Repeat("A line of text.\r\n", oxcmail.MaxHeld/17+1)
	p.deliver("Subject: one\r\n\r\nInvoice\r\n"+long, "ben@contoso.com")
	p.deliver("Subject: two\r\n\r\n"+long, "ben@contoso.com")
	if got := p.places("ben"); got != "Archive 1, Inbox 1" {
		t.Errorf("the messages are in %s", got)
	}
}
