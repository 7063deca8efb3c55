package parse

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Place is what stands before a cursor, as far as an unfinished text tells.
type Place struct {
	// Pipeline are the names of the commands before this one in its pipeline; "" is an expression.
	Pipeline []string
	// Command is the name of the command whose argument stands here; "" where a command or a value may begin.
	Command string
	// Args are the arguments of Command before the word.
	Args []Before
	// Joined tells that a comma stands before the word: it is one more item of the value before it.
	Joined bool
	// Expression tells that a value stands before the word, so that an operator may follow.
	Expression bool
	// Word is the unfinished word at the cursor without its quote, and Start is where it begins with its quote.
	Word  string
	Start int
	// Quote is the open quote that the word stands in, 0 for none.
	Quote rune
}

// Before is one argument before a cursor.
type Before struct {
	Parameter string // without its dash; "" for a value
	Colon     bool   // the parameter takes what follows as its value, even a switch
	Joined    bool   // a comma stands before the value
}

// Look reads a text up to its end, where the cursor is. Unlike Parse it takes every text, and guesses rather than fails.
func Look(text string) Place {
	p := &looker{text: text}
	for !p.ended {
		p.body(0)
	}
	return p.place
}

// nowhere is a place where nothing can be completed: in a comment, or too deep in brackets.
func nowhere(text string) Place { return Place{Start: len(text), Quote: '#'} }

// looker is a walk through a text to its end.
type looker struct {
	text  string
	i     int
	depth int
	place Place
	ended bool // the end was reached, and place says what stands there
}

// found is one word before the cursor.
type found struct {
	text   string
	value  bool // it is no name of a command
	joined bool
	colon  bool // of a parameter, which takes the next word as its value
}

func (p *looker) peek() (rune, int) {
	if p.i >= len(p.text) {
		return end, 0
	}
	return utf8.DecodeRuneInString(p.text[p.i:])
}

func (p *looker) has(s string) bool { return strings.HasPrefix(p.text[p.i:], s) }

// past goes behind the next s, or to the end.
func (p *looker) past(s string) {
	n := strings.Index(p.text[p.i:], s)
	if n < 0 {
		p.i = len(p.text)
		return
	}
	p.i += n + len(s)
}

// body reads statements up to the bracket that closes open, which is ( { [ or # for a hashtable; 0 is the whole text.
func (p *looker) body(open rune) {
	if p.depth++; p.depth > MaxDepth {
		p.ended = true
		p.place = nowhere(p.text)
		return
	}
	defer func() { p.depth-- }()
	var pipeline []string
	var words []found
	joined := false
	for !p.ended {
		r, n := p.peek()
		switch {
		case r == end:
			p.end(pipeline, words, joined, "", p.i, 0)
		case r == '\n' || r == ';':
			if p.i += n; r == ';' || len(words) > 0 && !joined {
				pipeline, words, joined = nil, nil, false
			}
		case unicode.IsSpace(r):
			p.i += n
		case p.has("`\n"), p.has("`\r\n"):
			p.past("\n")
		case p.has("<#"):
			p.past("#>")
		case r == '#':
			if p.past("\n"); p.i < len(p.text) {
				p.i-- // the line's end ends its statement too
			} else if !strings.HasSuffix(p.text, "\n") {
				p.ended = true
				p.place = nowhere(p.text)
			}
		case r == '|':
			p.i += n
			name := ""
			if len(words) > 0 && !words[0].value {
				name = words[0].text
			}
			pipeline, words, joined = append(pipeline, name), nil, false
		case r == ',':
			p.i += n
			joined = true
		case r == ')' || r == '}' || r == ']' || r == '>':
			p.i += n
			if r != '>' && open != 0 {
				return
			}
		case r == '=' && (open == '#' || len(words) > 0 && words[0].value):
			p.i += n
			pipeline, words, joined = nil, nil, false
		default:
			w := p.word(pipeline, words, joined, open == '#' || len(words) > 0 && words[0].value)
			if words, joined = append(words, w), false; len(words) == 2 && words[0].value && strings.EqualFold(w.text, "in") {
				words = nil // foreach ($x in
			}
		}
	}
}

// word reads one word; its end at the cursor ends the walk. assigns tells that = ends it.
func (p *looker) word(pipeline []string, words []found, joined, assigns bool) found {
	start := p.i
	first, n := p.peek()
	w := found{value: !unicode.IsLetter(first) && first != '?' && first != '%', joined: joined}
	assigns = assigns || first == '$'
	parameter := isDash(first) && len(words) > 0
	var text strings.Builder
	if first == '@' { // @' and @" begin a here-string
		if q, _ := utf8.DecodeRuneInString(p.text[p.i+n:]); isSingle(q) || isDouble(q) {
			p.i += n
			p.here(q)
			return w
		}
	}
	for !p.ended {
		r, n := p.peek()
		switch {
		case r == end:
			p.end(pipeline, words, joined, text.String(), start, 0)
		case isSingle(r), isDouble(r):
			p.i += n
			p.quoted(r, &text, func() { p.end(pipeline, words, joined, text.String(), start, r) })
		case r == '`':
			p.i += n
			if r, n = p.peek(); r != end {
				text.WriteRune(r)
				p.i += n
			}
		case r == '(' || r == '{' || r == '[':
			from := p.i
			p.i += n
			if r == '{' && strings.HasSuffix(p.text[:from], "@") {
				r = '#'
			}
			p.body(r)
			if p.ended {
				break
			}
			text.WriteString(p.text[from:p.i])
			if r == '{' {
				w.text = text.String()
				return w // a block ends its word
			}
		case r == ':' && parameter:
			p.i += n
			w.text, w.colon = text.String(), true
			return w
		case delimits(r), r == ']', r == '=' && assigns:
			w.text = text.String()
			return w
		default:
			text.WriteRune(r)
			p.i += n
		}
	}
	return w
}

// quoted reads the rest of a text in quotes; open is called where the cursor stands in it.
func (p *looker) quoted(quote rune, text *strings.Builder, open func()) {
	same := isSingle
	if isDouble(quote) {
		same = isDouble
	}
	for !p.ended {
		r, n := p.peek()
		switch {
		case r == end:
			if p.variable(quote); !p.ended {
				open()
			}
		case same(r):
			p.i += n
			if again, n := p.peek(); same(again) {
				text.WriteRune(again)
				p.i += n
				continue
			}
			return
		case r == '`' && isDouble(quote):
			p.i += n
			if r, n := p.peek(); r != end {
				text.WriteRune(r)
				p.i += n
			}
		case p.has("$(") && isDouble(quote):
			from := p.i
			p.i += 2
			if p.body('('); !p.ended {
				text.WriteString(p.text[from:p.i])
			}
		default:
			text.WriteRune(r)
			p.i += n
		}
	}
}

// variable ends the walk where the cursor stands in a variable's name inside double quotes.
func (p *looker) variable(quote rune) {
	head := strings.TrimRightFunc(p.text, isName)
	if isDouble(quote) && strings.HasSuffix(head, "$") && !strings.HasSuffix(head, "`$") {
		p.ended = true
		p.place = Place{Word: p.text[len(head)-1:], Start: len(head) - 1}
	}
}

// here passes a here-string; nothing but a variable is completed in one.
func (p *looker) here(quote rune) {
	same := isSingle
	if isDouble(quote) {
		same = isDouble
	}
	for p.i < len(p.text) {
		p.past("\n")
		if q, n := p.peek(); same(q) && strings.HasPrefix(p.text[p.i+n:], "@") {
			p.i += n + 1
			return
		}
	}
	if p.variable(quote); !p.ended {
		p.ended = true
		p.place = Place{Start: len(p.text), Quote: quote}
	}
}

// end says what stands at the cursor.
func (p *looker) end(pipeline []string, words []found, joined bool, word string, start int, quote rune) {
	p.ended = true
	p.place = Place{Pipeline: pipeline, Word: word, Start: start, Quote: quote, Joined: joined}
	if len(words) == 0 {
		return
	}
	if words[0].value {
		p.place.Expression = !joined
		return
	}
	p.place.Command = words[0].text
	for _, w := range words[1:] {
		b := Before{Joined: w.joined, Colon: w.colon}
		if dash, n := utf8.DecodeRuneInString(w.text); isDash(dash) {
			if r, _ := utf8.DecodeRuneInString(w.text[n:]); r == '_' || r == '?' || unicode.IsLetter(r) {
				b.Parameter = w.text[n:]
			}
		}
		p.place.Args = append(p.place.Args, b)
	}
}
