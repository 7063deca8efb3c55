package parse

import "strings"

// quoted reads a text in single or double quotes, the typographic ones included; a doubled quote stands for one.
func (p *parser) quoted() (Expr, error) {
	at := p.start()
	same, double := isSingle, isDouble(p.peek())
	if double {
		same = isDouble
	}
	p.next()
	parts := textParts{p: p}
	for {
		switch r := p.peek(); {
		case r == end:
			return nil, p.failAt(at.Pos, "the text in quotes does not end", "close it with the same kind of quote")
		case same(r):
			p.next()
			if !same(p.peek()) {
				return parts.expr(p.done(at)), nil
			}
			parts.WriteRune(p.next())
		case double:
			if err := parts.expand(); err != nil {
				return nil, err
			}
		default:
			parts.WriteRune(p.next())
		}
	}
}

// hereString reads @' or @" to the line that begins with the same quote and @.
func (p *parser) hereString() (Expr, error) {
	at := p.start()
	p.next()
	quote := p.next()
	double := isDouble(quote)
	same := isSingle
	if double {
		same = isDouble
	}
	for p.peek() == ' ' || p.peek() == '\t' || p.peek() == '\r' {
		p.next()
	}
	if p.peek() != '\n' {
		return nil, p.fail("the text of a here-string begins on the next line", "nothing may stand behind the @ and its quote")
	}
	p.next()
	parts := textParts{p: p}
	first := true
	for {
		q := *p
		atLine := first
		if q.peek() == '\r' {
			q.next()
		}
		if q.peek() == '\n' { // the last line's end is not part of the text
			q.next()
			atLine = true
		}
		if atLine && same(q.peek()) && q.after() == '@' {
			q.take(2)
			*p = q
			return parts.expr(p.done(at)), nil
		}
		first = false
		switch r := p.peek(); {
		case r == end:
			return nil, p.failAt(at.Pos, "the here-string does not end", "close it with the quote and @ at the beginning of a line")
		case double:
			if err := parts.expand(); err != nil {
				return nil, err
			}
		default:
			parts.WriteRune(p.next())
		}
	}
}

// textParts gathers text and what is expanded in it.
type textParts struct {
	strings.Builder
	p     *parser
	parts []Expr
}

// expand reads one character, escape, variable or $( ) of a text that expands.
func (t *textParts) expand() error {
	p := t.p
	switch r := p.peek(); {
	case r == '`':
		at := p.pos
		p.next()
		switch escaped := p.peek(); escaped {
		case end:
			return p.failAt(at, "nothing stands behind the `", "")
		case 'n':
			t.WriteByte('\n')
		case 't':
			t.WriteByte('\t')
		case 'r':
			t.WriteByte('\r')
		case '0', 'a', 'b', 'e', 'f', 'u', 'v':
			return p.fail("this escape is not supported", "use `n, `t, `r or the character itself")
		default:
			t.WriteRune(escaped)
		}
		p.next()
	case r == '$' && startsVariable(p.after()):
		x, err := p.variable()
		if err != nil {
			return err
		}
		t.flush(x.At())
		t.parts = append(t.parts, x)
	default:
		t.WriteRune(p.next())
	}
	return nil
}

func (t *textParts) flush(at Extent) {
	if t.Len() > 0 {
		t.parts = append(t.parts, &Literal{Extent: at, Value: t.String()})
		t.Reset()
	}
}

// expr returns a Literal for plain text, else an Expandable, and notes a placeholder in it.
func (t *textParts) expr(at Extent) Expr {
	if len(t.parts) == 0 {
		t.p.note(at, t.String())
		return &Literal{Extent: at, Value: t.String()}
	}
	t.flush(at)
	return &Expandable{at, t.parts}
}

// note records the placeholders of the how-to's commands where a text holds one.
func (p *parser) note(at Extent, text string) {
	if len(text) > 200 {
		return
	}
	for _, mark := range []string{"<GUID>", "{GUID}", "<computername>"} {
		if i := strings.Index(strings.ToUpper(text), strings.ToUpper(mark)); i >= 0 {
			p.script.Placeholders = append(p.script.Placeholders, Placeholder{at, mark})
			return
		}
	}
	if strings.EqualFold(text, "Tenant Domain") {
		p.script.Placeholders = append(p.script.Placeholders, Placeholder{at, "Tenant Domain"})
	}
	if strings.Contains(text, "//YourDomain") {
		p.script.Placeholders = append(p.script.Placeholders, Placeholder{at, "YourDomain"})
	}
}

// angled reads <word> where a value should stand: a placeholder, or nothing that PowerShell knows.
func (p *parser) angled() (Expr, error) {
	at := p.start()
	q := *p
	q.next()
	for n := 0; n < 40 && (isName(q.peek()) || q.peek() == ' ' || q.peek() == '-'); n++ {
		q.next()
	}
	if q.peek() != '>' || q.off == p.off+1 {
		return nil, p.outside("this character cannot stand here without quotes")
	}
	q.next()
	*p = q
	at = p.done(at)
	text := p.script.Text[at.Start:at.End]
	p.script.Placeholders = append(p.script.Placeholders, Placeholder{at, text})
	return &Literal{at, text, true}, nil
}

// word reads text without quotes, with variables in it.
func (p *parser) word() (Expr, error) {
	at := p.start()
	parts := textParts{p: p}
	for {
		r := p.peek()
		switch {
		case delimits(r):
			if p.off == at.Start {
				return nil, p.outside("a value is missing")
			}
			at = p.done(at)
			if r == '>' && strings.Trim(p.script.Text[at.Start:at.End], "0123456789*") == "" {
				return nil, p.failAt(at.Pos, "redirecting a numbered stream is not supported", "only > and >> are; put a space before them when the number is a value")
			}
			if len(parts.parts) == 0 {
				return &Literal{at, parts.String(), true}, nil
			}
			return parts.expr(at), nil
		case r == '`':
			p.next()
			if p.peek() == end {
				return nil, p.fail("nothing stands behind the `", "")
			}
			parts.WriteRune(p.next())
		case r == '$':
			if err := parts.expand(); err != nil {
				return nil, err
			}
		case isSingle(r), isDouble(r), r == '(', r == '{', r == '&', r == '<', r == '@' && p.off == at.Start:
			return nil, p.outside("this character cannot stand here without quotes")
		default:
			parts.WriteRune(p.next())
		}
	}
}
