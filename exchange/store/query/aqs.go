package query

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"hma/wire/mapi"
)

// Limits of a query in words: its length, its levels of parentheses and its parts.
const (
	maxAQS      = 8 << 10
	maxAQSDepth = 16
	maxAQSParts = 100
)

// ParseAQS makes a restriction of a query in words (Advanced Query Syntax; MS-OXWSSRCH
// 2.2.3.15, QueryString), nil when it asks for nothing. Odd syntax is words like others. Days are
// those of now's zone. A query beyond the limits is ErrTooComplex.
//
// Words must all be there, at the beginning of words of any text; a quoted phrase as
// it is. OR, NOT and AND are words of the syntax in capitals, + and - stand before
// what must and must not be there, and a keyword with a colon says where to look.
func ParseAQS(text string, now time.Time) (mapi.Restriction, error) {
	if len(text) > maxAQS {
		return nil, ErrTooComplex
	}
	p := aqs{tokens: aqsTokens(Clean(text)), now: now}
	var all mapi.And
	for len(p.tokens) > 0 {
		if part := p.either(anywhere, 0); part != nil {
			all = append(all, part)
		}
		if len(p.tokens) > 0 {
			p.tokens = p.tokens[1:] // a parenthesis that closes nothing
		}
	}
	if p.parts > maxAQSParts {
		return nil, ErrTooComplex
	}
	r := joined(all)
	if r != nil && !mapi.WithinLimits(r) {
		return nil, ErrTooComplex
	}
	return r, nil
}

// aqsToken is a parenthesis, a word or a phrase.
type aqsToken struct {
	text   string
	quoted bool
	glued  bool // no space before it
}

// aqsTokens cuts a query. A keyword's colon ends a token and belongs to it.
func aqsTokens(text string) (list []aqsToken) {
	for len(text) > 0 {
		trimmed := strings.TrimLeftFunc(text, unicode.IsSpace)
		t := aqsToken{glued: len(trimmed) == len(text)}
		if text = trimmed; text == "" {
			break
		}
		switch text[0] {
		case '(', ')':
			t.text, text = text[:1], text[1:]
		case '"':
			end := strings.IndexByte(text[1:], '"')
			if end < 0 {
				t.text, text = text[1:], ""
			} else {
				t.text, text = text[1:1+end], text[end+2:]
			}
			t.quoted = true
		default:
			end := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(`()"`, r) })
			if end < 0 {
				end = len(text)
			}
			if colon := strings.IndexByte(text[:end], ':'); colon > 0 && aqsKeywords[keyword(text[:colon])] != nil {
				end = colon + 1
			}
			t.text, text = text[:end], text[end:]
		}
		list = append(list, t)
	}
	return list
}

// keyword returns a keyword as aqsKeywords has it, without a sign before it.
func keyword(text string) string { return strings.ToLower(strings.TrimLeft(text, "+-")) }

// look makes a condition of a word or phrase; nil when it is none.
type look func(p *aqs, word string, phrase bool) mapi.Restriction

type aqs struct {
	tokens []aqsToken
	now    time.Time
	parts  int
}

func (p *aqs) next(text string) bool {
	return len(p.tokens) > 0 && !p.tokens[0].quoted && p.tokens[0].text == text
}

// either reads parts of which one must hold, up to a closing parenthesis.
func (p *aqs) either(in look, depth int) mapi.Restriction {
	var one mapi.Or
	for {
		var all mapi.And
		for len(p.tokens) > 0 && !p.next("OR") && !p.next(")") {
			if part := p.part(in, depth); part != nil {
				all = append(all, part)
			}
		}
		if part := joined(all); part != nil {
			one = append(one, part)
		}
		if !p.next("OR") {
			break
		}
		p.tokens = p.tokens[1:]
	}
	switch len(one) {
	case 0:
		return nil
	case 1:
		return one[0]
	}
	return one
}

func joined(all mapi.And) mapi.Restriction {
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return all
}

// part reads a word, a phrase, a keyword with what follows it, or parentheses.
func (p *aqs) part(in look, depth int) mapi.Restriction {
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	if p.parts++; p.parts > maxAQSParts {
		p.tokens = nil
		return nil
	}
	if t.quoted {
		return in(p, t.text, true)
	}
	switch t.text {
	case "AND":
		return nil
	case "NOT":
		if len(p.tokens) == 0 || p.next(")") || p.next("OR") {
			return nil
		}
		return not(p.part(in, depth))
	case "(":
		if depth >= maxAQSDepth {
			return nil
		}
		part := p.either(in, depth+1)
		if p.next(")") {
			p.tokens = p.tokens[1:]
		}
		return part
	}
	word := t.text
	negative := false
	for word != "" && (word[0] == '+' || word[0] == '-') {
		negative = negative != (word[0] == '-')
		word = word[1:]
	}
	var part mapi.Restriction
	name, ends := strings.CutSuffix(word, ":")
	switch inside := aqsKeywords[keyword(name)]; {
	case word == "": // a sign of its own, or one before a phrase or parentheses
		if len(p.tokens) > 0 && p.tokens[0].glued && !p.next(")") {
			part = p.part(in, depth)
		}
	case ends && inside != nil:
		if len(p.tokens) > 0 && !p.next(")") {
			part = p.part(inside, depth)
		}
	default:
		part = in(p, word, false)
	}
	if negative {
		return not(part)
	}
	return part
}

func not(r mapi.Restriction) mapi.Restriction {
	if r == nil {
		return nil
	}
	return mapi.Not{Part: r}
}

// aqsKeywords say where to look.
var aqsKeywords map[string]look

func init() { // the functions refer to the table
	from := fields[1].tags
	to, cc, bcc := mapi.PidTagSearchRecipientEmailTo, mapi.PidTagSearchRecipientEmailCc, mapi.PidTagSearchRecipientEmailBcc
	aqsKeywords = map[string]look{
		"subject": within(mapi.PidTagSubject), "body": within(mapi.PidTagBody), "content": within(mapi.PidTagBody),
		"attachment": within(mapi.PidTagSearchAttachments), "attachments": within(mapi.PidTagSearchAttachments), "category": within(mapi.PidNameKeywords),
		"to": within(to), "cc": within(cc), "bcc": within(bcc), "from": within(from...),
		"participants": within(append([]mapi.Tag{to, cc, bcc}, from...)...),
		"received":     dates(mapi.PidTagMessageDeliveryTime), "sent": dates(mapi.PidTagClientSubmitTime),
		"size":          sizes,
		"hasattachment": flag(func(yes bool) mapi.Restriction { return equal(mapi.PidTagHasAttachments, yes) }),
		"isread":        flag(func(yes bool) mapi.Restriction { return equal(mapi.PidTagRead, yes) }),
		"isflagged": flag(func(yes bool) mapi.Restriction {
			flagged := equal(mapi.PidTagFlagStatus, int32(2)) // MS-OXOFLAG 2.2.1.1: followupFlagged
			if yes {
				return flagged
			}
			return mapi.Not{Part: flagged}
		}),
		"importance": choice(map[string]mapi.Restriction{"low": equal(mapi.PidTagImportance, int32(0)), "normal": equal(mapi.PidTagImportance, int32(1)),
			"medium": equal(mapi.PidTagImportance, int32(1)), "high": equal(mapi.PidTagImportance, int32(2))}),
		"kind": choice(map[string]mapi.Restriction{"contacts": class("IPM.Contact"), "docs": class("IPM.Document"), "email": class("IPM.Note"),
			"faxes": class("IPM.Note.Microsoft.Fax"), "im": class("IPM.Note.Microsoft.Conversation"), "journals": class("IPM.Activity"),
			"meetings": mapi.Or{class("IPM.Appointment"), class("IPM.Schedule.Meeting")}, "notes": class("IPM.StickyNote"), "posts": class("IPM.Post"),
			"rssfeeds": class("IPM.Post.RSS"), "tasks": class("IPM.Task"), "voicemail": class("IPM.Note.Microsoft.Voicemail")}),
	}
}

func equal(tag mapi.Tag, v any) mapi.Restriction {
	return mapi.Property{Op: mapi.EQ, Tag: tag, Value: v}
}

// class is a message class or one made from it.
func class(name string) mapi.Restriction {
	return mapi.Or{mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagMessageClass, Value: name},
		mapi.Content{Tag: mapi.PidTagMessageClass, Fuzzy: mapi.Prefix | mapi.IgnoreCase, Value: name + "."}}
}

// anywhere looks for a word in every text.
func anywhere(_ *aqs, word string, phrase bool) mapi.Restriction {
	return within(mapi.PidTagSearchAllIndexedProps)(nil, word, phrase)
}

// within looks for a word in one of some properties.
func within(tags ...mapi.Tag) look {
	return func(_ *aqs, word string, phrase bool) mapi.Restriction {
		c := mapi.Content{Fuzzy: mapi.PrefixOnWords | mapi.Loose, Value: strings.TrimRight(word, "*")}
		if phrase {
			c.Fuzzy, c.Value = mapi.PhraseMatch|mapi.Loose, strings.TrimSpace(word)
		}
		text := c.Value.(string)
		if !strings.ContainsFunc(Fold(text), wordRune) {
			return nil
		}
		var one mapi.Or
		for _, tag := range tags {
			c.Tag = tag
			one = append(one, c)
		}
		if len(one) == 1 {
			return one[0]
		}
		return one
	}
}

func flag(of func(yes bool) mapi.Restriction) look {
	return func(_ *aqs, word string, phrase bool) mapi.Restriction {
		switch strings.ToLower(word) {
		case "true", "yes", "1":
			return of(true)
		case "false", "no", "0":
			return of(false)
		}
		return anywhere(nil, word, phrase)
	}
}

// choice is a property of which the values have names.
func choice(of map[string]mapi.Restriction) look {
	return func(_ *aqs, word string, phrase bool) mapi.Restriction {
		if r := of[strings.ToLower(word)]; r != nil {
			return r
		}
		return anywhere(nil, word, phrase)
	}
}

// comparison takes what stands before a value: one of > >= < <= =, or a range with two dots.
func comparison(word string) (op, low, high string) {
	for _, op := range []string{">=", "<=", ">", "<", "="} {
		if rest, ok := strings.CutPrefix(word, op); ok {
			return op, rest, ""
		}
	}
	if low, high, ok := strings.Cut(word, ".."); ok {
		return "..", low, high
	}
	return "", word, ""
}

func sizes(_ *aqs, word string, phrase bool) mapi.Restriction {
	op, low, high := comparison(word)
	number := func(text string) (int32, bool) {
		text = strings.ToLower(text)
		factor := int64(1)
		for suffix, f := range map[string]int64{"kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30} {
			if rest, ok := strings.CutSuffix(text, suffix); ok {
				text, factor = rest, f
			}
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 0 {
			return 0, false
		}
		return int32(min(n*factor, 1<<31-1)), true
	}
	than := func(op mapi.RelOp, n int32) mapi.Restriction {
		return mapi.Property{Op: op, Tag: mapi.PidTagMessageSize, Value: n}
	}
	from, ok := number(low)
	if op == ".." {
		to, ok2 := number(high)
		if ok && ok2 {
			return mapi.And{than(mapi.GE, from), than(mapi.LE, to)}
		}
		ok = false
	}
	if !ok {
		return anywhere(nil, word, phrase)
	}
	return than(map[string]mapi.RelOp{">=": mapi.GE, "<=": mapi.LE, ">": mapi.GT, "<": mapi.LT, "=": mapi.EQ, "": mapi.EQ}[op], from)
}

// dates is a time property, compared with days and longer spans.
func dates(tag mapi.Tag) look {
	return func(p *aqs, word string, phrase bool) mapi.Restriction {
		op, low, high := comparison(word)
		if span := strings.ToLower(low); !phrase && op != ".." && len(p.tokens) > 0 && !p.tokens[0].quoted && spanWords[span] {
			low += " " + p.tokens[0].text
			p.tokens = p.tokens[1:]
		}
		before := func(t time.Time) mapi.Restriction { return mapi.Property{Op: mapi.LT, Tag: tag, Value: t} }
		from := func(t time.Time) mapi.Restriction { return mapi.Property{Op: mapi.GE, Tag: tag, Value: t} }
		begin, end, ok := span(low, p.now)
		if op == ".." {
			begin2, end2, ok2 := span(high, p.now)
			switch {
			case ok && ok2 && !begin2.Before(begin):
				return mapi.And{from(begin), before(end2)}
			case ok && high == "":
				return from(begin)
			case ok2 && low == "":
				return before(end2)
			}
			ok = false
		}
		if !ok {
			return anywhere(nil, low, phrase)
		}
		switch op {
		case ">":
			return from(end)
		case ">=":
			return from(begin)
		case "<":
			return before(begin)
		case "<=":
			return before(end)
		}
		return mapi.And{from(begin), before(end)}
	}
}

// spanWords begin the name of a span of two words.
var spanWords = map[string]bool{"this": true, "last": true, "past": true, "previous": true, "next": true, "coming": true}

// span returns the first moment of a day, week, month or year and the first behind
// it. Weeks begin on Sunday. A weekday or month without a year is the last one that
// has begun.
func span(text string, now time.Time) (begin, end time.Time, ok bool) {
	year, month, day := now.Date()
	at := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, now.Location()) }
	days := func(from, to int) (time.Time, time.Time, bool) {
		return at(year, month, day+from), at(year, month, day+to), true
	}
	text = strings.ToLower(strings.TrimSpace(text))
	switch text {
	case "":
		return begin, end, false
	case "today":
		return days(0, 1)
	case "yesterday":
		return days(-1, 0)
	case "tomorrow":
		return days(1, 2)
	}
	if which, what, two := strings.Cut(text, " "); two && spanWords[which] {
		n := map[string]int{"last": -1, "past": -1, "previous": -1, "next": 1, "coming": 1}[which]
		switch strings.TrimSpace(what) {
		case "week":
			sunday := 7*n - int(now.Weekday())
			return days(sunday, sunday+7)
		case "month":
			return at(year, month+time.Month(n), 1), at(year, month+time.Month(n)+1, 1), true
		case "year":
			return at(year+n, 1, 1), at(year+n+1, 1, 1), true
		}
		return begin, end, false
	}
	for d := time.Sunday; d <= time.Saturday; d++ {
		if named(text, d.String()) {
			back := (int(now.Weekday()) - int(d) + 7) % 7
			return days(-back, 1-back)
		}
	}
	for m := time.January; m <= time.December; m++ {
		if named(text, m.String()) {
			y := year
			if m > month {
				y--
			}
			return at(y, m, 1), at(y, m+1, 1), true
		}
	}
	if len(text) == 4 {
		if y, err := strconv.Atoi(text); err == nil && y >= 1601 {
			return at(y, 1, 1), at(y+1, 1, 1), true
		}
	}
	for _, layout := range []string{"1/2/2006", "2006-1-2", "1/2", "1/2/06"} {
		t, err := time.ParseInLocation(layout, text, now.Location())
		if err != nil {
			continue
		}
		if layout == "1/2" {
			t = at(year, t.Month(), t.Day())
		}
		return t, at(t.Year(), t.Month(), t.Day()+1), true
	}
	return begin, end, false
}

// named tells whether text is a name or its first three letters.
func named(text, name string) bool {
	name = strings.ToLower(name)
	return text == name || utf8.RuneCountInString(text) == 3 && strings.HasPrefix(name, text)
}
