package parse

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// end is what peek returns behind the last character.
const end rune = -1

// parser is a place in the text. A copy of it is a place to come back to.
type parser struct {
	script *Script
	off    int
	pos    Pos
	depth  int
}

func (p *parser) rest() string { return p.script.Text[p.off:] }

func (p *parser) peek() rune {
	if p.off >= len(p.script.Text) {
		return end
	}
	if b := p.script.Text[p.off]; b < utf8.RuneSelf {
		return rune(b)
	}
	r, _ := utf8.DecodeRuneInString(p.script.Text[p.off:])
	return r
}

// after returns the character behind the next one.
func (p *parser) after() rune {
	q := *p
	q.next()
	return q.peek()
}

func (p *parser) next() rune {
	r := p.peek()
	switch {
	case r == end:
		return end
	case r == '\n':
		p.pos = Pos{p.pos.Line + 1, 1}
	default:
		p.pos.Column++
	}
	p.off += utf8.RuneLen(r)
	return r
}

// take passes n characters.
func (p *parser) take(n int) {
	for range n {
		p.next()
	}
}

// has tells whether the text goes on with s.
func (p *parser) has(s string) bool { return strings.HasPrefix(p.rest(), s) }

// start is the extent of a node that begins here; done closes it.
func (p *parser) start() Extent { return Extent{Pos: p.pos, Start: p.off} }

func (p *parser) done(e Extent) Extent {
	e.End = p.off
	return e
}

func (p *parser) fail(message, hint string) error { return p.failAt(p.pos, message, hint) }

func (p *parser) failAt(at Pos, message, hint string) error {
	return &Error{Pos: at, Message: message, Hint: hint, Incomplete: p.peek() == end}
}

// enter counts a level of nesting; leave takes it back.
func (p *parser) enter() error {
	if p.depth++; p.depth > MaxDepth {
		return &Error{Pos: p.pos, Message: "this is nested too deep", Hint: "give a part of it to a variable first"}
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// skip passes blanks, comments and continued lines, and line ends too when lines is set.
func (p *parser) skip(lines bool) error {
	for {
		r := p.peek()
		switch {
		case r == '\n' && !lines:
			return nil
		case r == '#':
			for p.peek() != '\n' && p.peek() != end {
				p.next()
			}
		case r == '<' && p.has("<#"):
			at := p.pos
			for !p.has("#>") {
				if p.next() == end {
					return p.failAt(at, "the comment does not end", "close it with #>")
				}
			}
			p.take(2)
		case r == '`' && (p.has("`\n") || p.has("`\r\n")):
			for p.next() != '\n' {
			}
		case r == '`' && p.off == len(p.script.Text)-1:
			return &Error{p.pos, "nothing stands behind the `", "the line goes on in the next one", true}
		case r != end && unicode.IsSpace(r):
			p.next()
		default:
			return nil
		}
	}
}

// delimits tells whether a word ends here.
func delimits(r rune) bool {
	switch r {
	case end, ';', '|', ',', ')', '}', '>':
		return true
	}
	return unicode.IsSpace(r)
}

// isDash accepts what PowerShell takes as a dash (Windows PowerShell language specification 2.3.4).
func isDash(r rune) bool { return r == '-' || r == '–' || r == '—' || r == '―' }

// isSingle and isDouble accept the typographic quotes too (the same, 2.3.5.2).
func isSingle(r rune) bool { return r == '\'' || r == '‘' || r == '’' || r == '‚' || r == '‛' }

func isDouble(r rune) bool { return r == '"' || r == '“' || r == '”' || r == '„' }

func isName(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) }

func isDigit(r rune) bool { return r >= '0' && r <= '9' }

// name reads letters, digits and underscores.
func (p *parser) name() string {
	from := p.off
	for isName(p.peek()) {
		p.next()
	}
	return p.script.Text[from:p.off]
}

// lookName returns the name that stands here and does not pass it.
func (p *parser) lookName() string {
	q := *p
	return q.name()
}

// outside is the error for a character that begins something that is not supported.
func (p *parser) outside(message string) error {
	hint := ""
	switch p.peek() {
	case '(', ')':
		hint = "put a space before a value in parentheses, and close each one that was opened"
	case '{', '}':
		hint = "a script block stands where a value stands, and each { has its }"
	case '@':
		hint = "@( ), @{ } and here-strings are supported, splatting is not: name the parameters"
	case '&':
		hint = "calls with & are not supported: write the cmdlet's name"
	case '<':
		hint = "< is reserved: use quotes, or put the value in its place"
	case '>':
		hint = "only > and >> at the end of a pipeline are supported"
	case ',':
		hint = "a value is missing before the comma"
	case '=':
		hint = "only $variable, $variable.Member and $variable[index] can be assigned to"
	case '[':
		hint = "types and casts are not supported"
	case '|':
		hint = "a pipe stands between two commands"
	}
	return p.fail(message, hint)
}
