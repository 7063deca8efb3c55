package parse

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Pos is a place in the text: line and column from 1, columns in characters.
type Pos struct {
	Line, Column int
}

// Script is a parsed text.
type Script struct {
	Statements []Pipeline
}

// Pipeline is one statement: commands joined by |.
type Pipeline struct {
	Pos
	Commands []Command
}

// Command is a name and its arguments as they stand.
type Command struct {
	Pos
	Name string
	Args []Argument
}

// Argument is a parameter name, a value, or both where they are written with a colon (-Name:$true).
// Which value belongs to a parameter before it is decided by whoever knows the command's parameters.
type Argument struct {
	Pos
	Parameter string // without its dash; "" for a bare value
	Value     *Value
}

// Kind tells what a Value is.
type Kind int

// The kinds of value.
const (
	Text Kind = iota
	Bool
	Null
	List
)

// Value is a literal.
type Value struct {
	Pos
	Kind  Kind
	Text  string
	Bool  bool
	Items []Value // of a List: Text, Bool and Null only
}

// Error is a text that is not understood, with its place and what to do instead.
type Error struct {
	Pos
	Message string
	Hint    string // may be ""
}

// Error returns line, column, message and hint.
func (e *Error) Error() string {
	text := fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}

// MaxText is how many bytes a text may have.
const MaxText = 1 << 20

// Parse reads a whole text. The error is an *Error.
func Parse(text string) (*Script, error) {
	if len(text) > MaxText {
		return nil, &Error{Pos{1, 1}, fmt.Sprintf("the text is longer than %d bytes", MaxText), ""}
	}
	if !utf8.ValidString(text) {
		return nil, &Error{Pos{1, 1}, "the text is not UTF-8", ""}
	}
	p := &parser{rest: strings.TrimPrefix(text, "\ufeff"), pos: Pos{1, 1}}
	script := &Script{}
	for {
		if err := p.skip(true); err != nil {
			return nil, err
		}
		switch p.peek() {
		case end:
			return script, nil
		case ';':
			p.next()
			continue
		}
		pipeline, err := p.pipeline()
		if err != nil {
			return nil, err
		}
		script.Statements = append(script.Statements, pipeline)
	}
}

// end is what peek returns behind the last character.
const end rune = -1

type parser struct {
	rest string
	pos  Pos
}

func (p *parser) peek() rune {
	if p.rest == "" {
		return end
	}
	r, _ := utf8.DecodeRuneInString(p.rest)
	return r
}

func (p *parser) next() rune {
	if p.rest == "" {
		return end
	}
	r, n := utf8.DecodeRuneInString(p.rest)
	p.rest = p.rest[n:]
	if r == '\n' {
		p.pos = Pos{p.pos.Line + 1, 1}
	} else {
		p.pos.Column++
	}
	return r
}

func (p *parser) fail(message, hint string) error { return &Error{p.pos, message, hint} }

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
		case strings.HasPrefix(p.rest, "<#"):
			at := p.pos
			for !strings.HasPrefix(p.rest, "#>") {
				if p.next() == end {
					return &Error{at, "the comment does not end", "close it with #>"}
				}
			}
			p.next()
			p.next()
		case strings.HasPrefix(p.rest, "`\n"), strings.HasPrefix(p.rest, "`\r\n"):
			for p.next() != '\n' {
			}
		case r != end && unicode.IsSpace(r):
			p.next()
		default:
			return nil
		}
	}
}

func (p *parser) pipeline() (Pipeline, error) {
	pl := Pipeline{Pos: p.pos}
	for {
		c, err := p.command()
		if err != nil {
			return pl, err
		}
		pl.Commands = append(pl.Commands, c)
		if p.peek() != '|' {
			return pl, nil
		}
		p.next()
		if p.peek() == '|' {
			return pl, p.fail("|| is not supported", "write the statements one by one")
		}
		if err := p.skip(true); err != nil { // a pipe goes on in the next line
			return pl, err
		}
		if r := p.peek(); r == end || r == ';' {
			return pl, p.fail("a command is missing behind |", "")
		}
	}
}

func (p *parser) command() (Command, error) {
	c := Command{Pos: p.pos}
	switch r := p.peek(); {
	case r == '$':
		return c, p.fail("variables and assignments are not supported", "write the value where it is used")
	case unicode.IsLetter(r):
	default:
		return c, p.outside("a command begins with its name, for example Get-AuthServer")
	}
	name, err := p.word()
	if err != nil {
		return c, err
	}
	c.Name = strings.Map(func(r rune) rune {
		if isDash(r) {
			return '-'
		}
		return r
	}, name)
	for {
		if err := p.skip(false); err != nil {
			return c, err
		}
		switch p.peek() {
		case end, '\n', ';', '|':
			return c, nil
		}
		a, err := p.argument()
		if err != nil {
			return c, err
		}
		c.Args = append(c.Args, a)
	}
}

func (p *parser) argument() (Argument, error) {
	a := Argument{Pos: p.pos}
	if isDash(p.peek()) && p.startsParameter() {
		p.next()
		var name strings.Builder
		for r := p.peek(); r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r); r = p.peek() {
			name.WriteRune(p.next())
		}
		a.Parameter = name.String()
		if p.peek() != ':' {
			if r := p.peek(); !delimits(r) && r != ',' {
				return a, p.outside("a space is missing behind the parameter's name")
			}
			return a, nil
		}
		p.next()
		if err := p.skip(false); err != nil {
			return a, err
		}
	}
	v, err := p.value()
	if err != nil {
		return a, err
	}
	a.Value = &v
	return a, nil
}

// startsParameter tells whether a letter stands behind the dash.
func (p *parser) startsParameter() bool {
	_, n := utf8.DecodeRuneInString(p.rest)
	r, _ := utf8.DecodeRuneInString(p.rest[n:])
	return r == '_' || unicode.IsLetter(r)
}

// value reads one literal, or several with commas between.
func (p *parser) value() (Value, error) {
	v, err := p.literal()
	if err != nil {
		return v, err
	}
	list := Value{Pos: v.Pos, Kind: List, Items: []Value{v}}
	for {
		before := *p
		if err := p.skip(false); err != nil {
			return v, err
		}
		if p.peek() != ',' {
			*p = before
			break
		}
		p.next()
		if err := p.skip(true); err != nil { // a list goes on in the next line
			return v, err
		}
		item, err := p.literal()
		if err != nil {
			return v, err
		}
		list.Items = append(list.Items, item)
	}
	if len(list.Items) == 1 {
		return v, nil
	}
	return list, nil
}

func (p *parser) literal() (Value, error) {
	v := Value{Pos: p.pos}
	switch r := p.peek(); {
	case isSingle(r), isDouble(r):
		text, err := p.quoted()
		v.Text = text
		if err == nil && !delimits(p.peek()) && p.peek() != ',' {
			return v, p.fail("something stands right behind the closing quote", "put a space or a comma between, or everything into one pair of quotes")
		}
		return v, err
	case r == '$':
		for word, set := range map[string]func(){
			"$true":  func() { v.Kind, v.Bool, v.Text = Bool, true, "True" },
			"$false": func() { v.Kind, v.Text = Bool, "False" },
			"$null":  func() { v.Kind = Null },
		} {
			if len(p.rest) >= len(word) && strings.EqualFold(p.rest[:len(word)], word) {
				after, _ := utf8.DecodeRuneInString(p.rest[len(word):])
				if len(p.rest) == len(word) || delimits(after) || after == ',' {
					for range word {
						p.next()
					}
					set()
					return v, nil
				}
			}
		}
		return v, p.fail("variables are not supported", "only $true, $false and $null are; write the value where it is used")
	}
	text, err := p.word()
	v.Text = text
	return v, err
}

// word reads text without quotes.
func (p *parser) word() (string, error) {
	var b strings.Builder
	for {
		r := p.peek()
		switch {
		case delimits(r) || r == ',':
			if b.Len() == 0 {
				return "", p.outside("a value is missing")
			}
			return b.String(), nil
		case r == '`':
			p.next()
			if p.peek() == end {
				return "", p.fail("nothing stands behind the `", "")
			}
			b.WriteRune(p.next())
		case isSingle(r), isDouble(r), strings.ContainsRune("(){}@$&<>", r):
			return "", p.outside("this character cannot stand here without quotes")
		default:
			b.WriteRune(p.next())
		}
	}
}

// quoted reads a text in single or double quotes, the typographic ones included; a doubled quote stands for one.
func (p *parser) quoted() (string, error) {
	at := p.pos
	same := isSingle
	double := isDouble(p.peek())
	if double {
		same = isDouble
	}
	p.next()
	var b strings.Builder
	for {
		r := p.peek()
		switch {
		case r == end:
			return "", &Error{at, "the text in quotes does not end", "close it with the same kind of quote"}
		case same(r):
			p.next()
			if !same(p.peek()) {
				return b.String(), nil
			}
			b.WriteRune(p.next())
		case double && r == '`':
			p.next()
			escaped := p.peek()
			if escaped == end {
				continue
			}
			p.next()
			switch escaped {
			case 'n':
				escaped = '\n'
			case 't':
				escaped = '\t'
			case 'r':
				escaped = '\r'
			case '0', 'a', 'b', 'e', 'f', 'u', 'v':
				return "", p.fail("this escape is not supported", "use `n, `t, `r or the character itself")
			}
			b.WriteRune(escaped)
		case double && r == '$' && p.expands():
			return "", p.fail("variables in double quotes are not supported", "use single quotes, or `$ for the sign itself")
		default:
			b.WriteRune(p.next())
		}
	}
}

// expands tells whether PowerShell would put a variable or an expression here.
func (p *parser) expands() bool {
	r, _ := utf8.DecodeRuneInString(p.rest[1:])
	return r == '(' || r == '{' || r == '_' || r == '?' || r == '$' || r == '^' || r == ':' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// outside is the error for a character that begins something that is not supported.
func (p *parser) outside(message string) error {
	hint := ""
	switch r := p.peek(); r {
	case '(', ')':
		hint = "expressions in parentheses are not supported: write the list with commas"
	case '{', '}':
		hint = "script blocks are not supported: pipe to fl or ft and name the properties"
	case '@':
		hint = "@( ) and @{ } are not supported: write the list with commas"
	case '$':
		hint = "only $true, $false and $null are supported"
	case '&':
		hint = "calls with & are not supported: write the cmdlet's name"
	case '<', '>':
		hint = "redirection is not supported: redirect the output of hma shell itself, or use quotes"
	case ',':
		hint = "a value is missing before the comma"
	case '=':
		hint = "assignments are not supported"
	}
	return p.fail(message, hint)
}

// delimits tells whether a word ends here; a comma ends one too where lists may stand.
func delimits(r rune) bool {
	return r == end || r == ';' || r == '|' || unicode.IsSpace(r)
}

// isDash accepts what PowerShell takes as a parameter's dash (Windows PowerShell language specification 2.3.4).
func isDash(r rune) bool { return r == '-' || r == '–' || r == '—' || r == '―' }

// isSingle and isDouble accept the typographic quotes too (the same, 2.3.5.2).
func isSingle(r rune) bool { return r == '\'' || r == '‘' || r == '’' || r == '‚' || r == '‛' }

func isDouble(r rune) bool { return r == '"' || r == '“' || r == '”' || r == '„' }
