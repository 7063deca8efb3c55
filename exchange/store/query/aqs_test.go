package query

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hma/wire/mapi"
)

// shown writes a restriction briefly, with words for what AQS makes.
func shown(r mapi.Restriction) string {
	list := func(word string, parts []mapi.Restriction) string {
		var texts []string
		for _, part := range parts {
			texts = append(texts, shown(part))
		}
		return "(" + strings.Join(texts, word) + ")"
	}
	names := map[mapi.Tag]string{mapi.PidTagSearchAllIndexedProps: "", mapi.PidTagSubject: "subject", mapi.PidTagBody: "body", mapi.PidTagSearchAttachments: "attachment",
		mapi.PidTagSearchRecipientEmailTo: "to", mapi.PidTagSearchRecipientEmailCc: "cc", mapi.PidTagSearchRecipientEmailBcc: "bcc", mapi.PidNameKeywords: "category",
		mapi.PidTagSentRepresentingName: "from", mapi.PidTagMessageDeliveryTime: "received", mapi.PidTagClientSubmitTime: "sent", mapi.PidTagMessageSize: "size",
		mapi.PidTagImportance: "importance", mapi.PidTagRead: "read", mapi.PidTagHasAttachments: "attached", mapi.PidTagFlagStatus: "flag", mapi.PidTagMessageClass: "class"}
	switch r := r.(type) {
	case nil:
		return "-"
	case mapi.And:
		return list(" & ", r)
	case mapi.Or:
		if first, ok := r[0].(mapi.Content); ok && first.Tag == mapi.PidTagSentRepresentingName && len(r) == 6 {
			return shown(r[0])
		}
		return list(" | ", r)
	case mapi.Not:
		return "!" + shown(r.Part)
	case mapi.Content:
		if r.Fuzzy.Mode() == mapi.PhraseMatch {
			return fmt.Sprintf("%s=%q", names[r.Tag], r.Value)
		}
		return fmt.Sprintf("%s~%s", names[r.Tag], r.Value)
	case mapi.Property:
		if t, ok := r.Value.(time.Time); ok {
			return names[r.Tag] + operators[r.Op] + t.Format("2006-01-02")
		}
		return fmt.Sprint(names[r.Tag], operators[r.Op], r.Value)
	}
	return fmt.Sprintf("%T", r)
}

// TestParseAQS holds the table of ews.md 6.2: what is documented of the syntax, and that
// anything else is words.
func TestParseAQS(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	now := time.Date(2026, 11, 26, 0, 30, 0, 0, zone) // a Thursday; in UTC still Wednesday
	for text, want := range map[string]string{
		"":                            "-",
		"  ":                          "-",
		"budget":                      "~budget",
		"big budget":                  "(~big & ~budget)",
		"big AND budget":              "(~big & ~budget)",
		"big OR budget":               "(~big | ~budget)",
		"a b OR c d":                  "((~a & ~b) | (~c & ~d))",
		"a (b OR c)":                  "(~a & (~b | ~c))",
		"a or b":                      "(~a & ~or & ~b)",
		"NOT a":                       "!~a",
		"a NOT b":                     "(~a & !~b)",
		"+a -b":                       "(~a & !~b)",
		`-"a b"`:                      `!="a b"`,
		"-(a OR b)":                   "!(~a | ~b)",
		`"the exact phrase"`:          `="the exact phrase"`,
		`"open end`:                   `="open end"`,
		"subject:budget":              "subject~budget",
		"Subject:Budget":              "subject~Budget",
		`subject:"big budget" x`:      `(subject="big budget" & ~x)`,
		"subject:(a OR b)":            "(subject~a | subject~b)",
		"subject:(a b) c":             "((subject~a & subject~b) & ~c)",
		"-subject:a":                  "!subject~a",
		"NOT subject:a b":             "(!subject~a & ~b)",
		"subject:bud*":                "subject~bud",
		"body:x content:y":            "(body~x & body~y)",
		"attachment:report.pdf":       "attachment~report.pdf",
		"to:alice cc:bob bcc:carol":   "(to~alice & cc~bob & bcc~carol)",
		"from:alice@contoso.com":      "from~alice@contoso.com",
		"category:blue":               "category~blue",
		"importance:High":             "importance = 2",
		"hasattachment:TRUE":          "attached = true",
		"isread:false":                "read = false",
		"isflagged:true":              "flag = 2",
		"isflagged:no":                "!flag = 2",
		"kind:tasks":                  "(class = IPM.Task | class~IPM.Task.)",
		"size:>5000":                  "size > 5000",
		"size:7000..8000":             "(size >= 7000 & size <= 8000)",
		"size:<=2KB":                  "size <= 2048",
		"received:today":              "(received >= 2026-11-26 & received < 2026-11-27)",
		"received:yesterday":          "(received >= 2026-11-25 & received < 2026-11-26)",
		"sent:tomorrow":               "(sent >= 2026-11-27 & sent < 2026-11-28)",
		"received:this week":          "(received >= 2026-11-22 & received < 2026-11-29)",
		"received:last week budget":   "((received >= 2026-11-15 & received < 2026-11-22) & ~budget)",
		`received:"next month"`:       "(received >= 2026-12-01 & received < 2027-01-01)",
		"received:past month":         "(received >= 2026-10-01 & received < 2026-11-01)",
		"received:coming year":        "(received >= 2027-01-01 & received < 2028-01-01)",
		"received:monday":             "(received >= 2026-11-23 & received < 2026-11-24)",
		"received:thursday":           "(received >= 2026-11-26 & received < 2026-11-27)",
		"received:january":            "(received >= 2026-01-01 & received < 2026-02-01)",
		"received:december":           "(received >= 2025-12-01 & received < 2026-01-01)",
		"received:11/5/2025":          "(received >= 2025-11-05 & received < 2025-11-06)",
		"received:11/5":               "(received >= 2026-11-05 & received < 2026-11-06)",
		"received:>11/5/2025":         "received >= 2025-11-06",
		"received:>=11/5/2025":        "received >= 2025-11-05",
		"received:<11/5/2025":         "received < 2025-11-05",
		"received:<=11/5/2025":        "received < 2025-11-06",
		"received:11/1/2025..11/5/25": "(received >= 2025-11-01 & received < 2025-11-06)",
		"received:2024":               "(received >= 2024-01-01 & received < 2025-01-01)",
		"received:(today OR monday)":  "((received >= 2026-11-26 & received < 2026-11-27) | (received >= 2026-11-23 & received < 2026-11-24))",
		// What is no syntax is words.
		"color:blue":         "~color:blue",
		"received:sometimes": "~sometimes",
		"received:13/45":     "~13/45",
		"importance:odd":     "~odd",
		"size:big":           "~big",
		"subject:":           "-",
		"NOT":                "-",
		"OR":                 "-",
		"a OR":               "~a",
		"OR a":               "~a",
		"AND":                "-",
		"((a":                "~a",
		"a))) b":             "(~a & ~b)",
		")(":                 "-",
		"- a":                "~a",
		"--a":                "~a",
		"???":                "-",
		`"" x`:               "~x",
		"http://x.test/a":    "~http://x.test/a",
		"a'; DROP TABLE b":   "(~a'; & ~DROP & ~TABLE & ~b)",
	} {
		r, err := ParseAQS(text, now)
		if got := shown(r); err != nil || got != want {
			t.Errorf("%s: %s, want %s (%v)", text, got, want, err)
		}
	}
	r, err := ParseAQS("participants:bob", now)
	if or, ok := r.(mapi.Or); !ok || len(or) != 9 || err != nil {
		t.Errorf("participants: %v, %v", r, err)
	}
	if r, _ := ParseAQS("received:today", now); r.(mapi.And)[0].(mapi.Property).Value.(time.Time).UTC().Hour() != 23 {
		t.Error("today is not that of the zone")
	}
	for _, text := range []string{strings.Repeat("a ", 101), strings.Repeat("a", maxAQS+1), strings.Repeat("from:a ", 60)} {
		if _, err := ParseAQS(text, now); !errors.Is(err, ErrTooComplex) {
			t.Errorf("%.20s...: %v", text, err)
		}
	}
	if _, err := ParseAQS(strings.Repeat("(", 90)+"a", now); err != nil {
		t.Errorf("parentheses: %v", err)
	}
}

// FuzzParseAQS holds that any text is a query, within the limits of restrictions.
func FuzzParseAQS(f *testing.F) {
	for _, text := range []string{"a OR (b -c) NOT subject:\"x y\"", "received:last week", "size:7..8 kind:email", "from:(a OR b) received:>=11/5", "-((a:b", "received:last"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := ParseAQS(text, time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC))
		if err != nil && !errors.Is(err, ErrTooComplex) || err == nil && r != nil && !mapi.WithinLimits(r) {
			t.Fatalf("%q: %v, %v", text, r, err)
		}
		if r != nil {
			Match(r, Object{Props: mapi.Bag{mapi.PidTagSubject: text}})
			Ask(r)
		}
	})
}
