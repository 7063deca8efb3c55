package graph

import (
	"strings"
	"unicode/utf8"
)

// The $filter language (OData 4.01 URL Conventions 5.1.1), as far as directory
// objects have it:
//
//	filter  = and *( "or" and )
//	and     = term *( "and" term )
//	term    = "not" term | "(" filter ")" | call | path ("eq"|"ne") literal | path "/any(" v ":" inner ")"
//	call    = ("startsWith"|"endsWith") "(" path "," string ")"
//	literal = string | true | false | null | bare word
//
// Operators and property names may be in any case.

// Limits of a filter.
const (
	maxFilter      = 4 << 10
	maxFilterDepth = 16
	maxFilterTerms = 64
)

// filter is a compiled $filter.
type filter interface {
	match(object) (bool, error)
	// advanced tells whether Graph answers it only with ConsistencyLevel: eventual.
	advanced() bool
}

type logical struct {
	and         bool
	left, right filter
}

func (f logical) match(o object) (bool, error) {
	l, err := f.left.match(o)
	if err != nil {
		return false, err
	}
	// The right side is asked in any case: an unknown property is an error on every object.
	r, err := f.right.match(o)
	if f.and {
		return l && r, err
	}
	return l || r, err
}

func (f logical) advanced() bool { return f.left.advanced() || f.right.advanced() }

type negation struct{ inner filter }

func (f negation) match(o object) (bool, error) {
	ok, err := f.inner.match(o)
	return !ok, err
}

func (f negation) advanced() bool { return true }

// comparison holds a property against a literal; over any of a list's elements
// where each is set.
type comparison struct {
	path  string
	op    string // eq, ne, startswith, endswith
	value any    // string, bool or nil
	each  bool
}

func (f comparison) advanced() bool { return f.op == "ne" || f.op == "endswith" }

func (f comparison) match(o object) (bool, error) {
	p, ok := o.get(f.path)
	if !ok || strings.HasPrefix(f.path, "@") {
		return false, fail(400, "BadRequest", "Invalid filter clause: Could not find a property named '%s'.", clip(f.path))
	}
	if list, isList := p.value.([]string); isList || f.each {
		if !isList || !f.each {
			return false, badRequest("Invalid filter clause: any() belongs to collections, and '%s' is used the other way.", clip(f.path))
		}
		for _, element := range list {
			ok, err := f.compare(element)
			if ok || err != nil {
				return ok, err
			}
		}
		_, err := f.compare("")
		return false, err
	}
	return f.compare(p.value)
}

func (f comparison) compare(have any) (bool, error) {
	switch have := have.(type) {
	case string:
		want, ok := f.value.(string)
		if f.value == nil {
			return f.op == "ne", nil
		}
		if !ok {
			return false, badRequest("Invalid filter clause: a text is compared with something else.")
		}
		have, want = strings.ToLower(have), strings.ToLower(want) // directory text is compared without case
		switch f.op {
		case "startswith":
			return strings.HasPrefix(have, want), nil
		case "endswith":
			return strings.HasSuffix(have, want), nil
		}
		return (have == want) == (f.op == "eq"), nil
	case bool:
		want, ok := f.value.(bool)
		if f.value == nil {
			return f.op == "ne", nil
		}
		if !ok || f.op != "eq" && f.op != "ne" {
			return false, badRequest("Invalid filter clause: a truth value is compared with something else.")
		}
		return (have == want) == (f.op == "eq"), nil
	case nil:
		if f.value == nil {
			return f.op == "eq", nil
		}
		return f.op == "ne", nil
	}
	return false, unsupported("The property '%s' cannot be filtered by.", clip(f.path))
}

// equals returns the text that the filter demands a property to equal, for
// look-ups by index; the rest of the filter is still asked.
func equals(f filter, path string) (string, bool) {
	switch f := f.(type) {
	case comparison:
		value, ok := f.value.(string)
		return value, ok && f.op == "eq" && !f.each && strings.EqualFold(f.path, path)
	case logical:
		if f.and {
			if value, ok := equals(f.left, path); ok {
				return value, true
			}
			return equals(f.right, path)
		}
	}
	return "", false
}

// parseFilter compiles text; its errors are OData errors.
func parseFilter(text string) (filter, error) {
	if len(text) > maxFilter {
		return nil, badRequest("Invalid filter clause: longer than %d bytes.", maxFilter)
	}
	p := &filterParser{text: text}
	f, err := p.or(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.pos < len(p.text) {
		return nil, p.syntax()
	}
	return f, nil
}

type filterParser struct {
	text  string
	pos   int
	terms int
}

func (p *filterParser) syntax() error {
	return badRequest("Invalid filter clause: syntax error at position %d.", p.pos)
}

func (p *filterParser) space() {
	for p.pos < len(p.text) && (p.text[p.pos] == ' ' || p.text[p.pos] == '\t') {
		p.pos++
	}
}

func (p *filterParser) take(b byte) bool {
	p.space()
	if p.pos < len(p.text) && p.text[p.pos] == b {
		p.pos++
		return true
	}
	return false
}

// word reads a name; keywords are told apart by where they stand.
func (p *filterParser) word() string {
	p.space()
	start := p.pos
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == ':' && p.pos > start && digit(p.text[p.pos-1]) {
			p.pos++
			continue
		}
		break
	}
	return p.text[start:p.pos]
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// keyword takes the next word if it is the one wanted.
func (p *filterParser) keyword(want string) bool {
	start := p.pos
	if strings.EqualFold(p.word(), want) {
		return true
	}
	p.pos = start
	return false
}

func (p *filterParser) or(depth int) (filter, error) {
	left, err := p.and(depth)
	for err == nil && p.keyword("or") {
		var right filter
		right, err = p.and(depth)
		left = logical{left: left, right: right}
	}
	return left, err
}

func (p *filterParser) and(depth int) (filter, error) {
	left, err := p.term(depth)
	for err == nil && p.keyword("and") {
		var right filter
		right, err = p.term(depth)
		left = logical{and: true, left: left, right: right}
	}
	return left, err
}

func (p *filterParser) term(depth int) (filter, error) {
	if p.terms++; depth > maxFilterDepth || p.terms > maxFilterTerms {
		return nil, badRequest("Invalid filter clause: too deep or too long.")
	}
	if p.take('(') {
		f, err := p.or(depth + 1)
		if err == nil && !p.take(')') {
			err = p.syntax()
		}
		return f, err
	}
	if p.keyword("not") {
		inner, err := p.term(depth + 1)
		return negation{inner}, err
	}
	name := p.word()
	if name == "" {
		return nil, p.syntax()
	}
	switch lower := strings.ToLower(name); {
	case (lower == "startswith" || lower == "endswith") && p.take('('):
		return p.call(lower, "")
	case p.take('/'):
		return p.any(name)
	}
	return p.compare(name, false)
}

// call reads startsWith(path,'text') behind its parenthesis; variable is what stands for the element inside any().
func (p *filterParser) call(op, variable string) (filter, error) {
	path := p.word()
	if path == "" || !p.take(',') {
		return nil, p.syntax()
	}
	value, ok := p.quoted()
	if !ok || !p.take(')') || variable != "" && !strings.EqualFold(path, variable) {
		return nil, p.syntax()
	}
	return comparison{path: path, op: op, value: value}, nil
}

// any reads any(v:v eq 'text') behind its slash.
func (p *filterParser) any(path string) (filter, error) {
	if !p.keyword("any") || !p.take('(') {
		return nil, p.syntax()
	}
	variable := p.word()
	if variable == "" || !p.take(':') {
		return nil, p.syntax()
	}
	name := p.word()
	var inner filter
	var err error
	if lower := strings.ToLower(name); (lower == "startswith" || lower == "endswith") && p.take('(') {
		inner, err = p.call(lower, variable)
	} else if strings.EqualFold(name, variable) {
		inner, err = p.compare(path, true)
	} else {
		err = p.syntax()
	}
	if err != nil {
		return nil, err
	}
	if !p.take(')') {
		return nil, p.syntax()
	}
	c := inner.(comparison) // both ways above make one
	c.path, c.each = path, true
	return c, nil
}

func (p *filterParser) compare(path string, each bool) (filter, error) {
	op := strings.ToLower(p.word())
	if op != "eq" && op != "ne" {
		if op == "gt" || op == "ge" || op == "lt" || op == "le" || op == "in" || op == "has" {
			return nil, unsupported("The operator '%s' is not supported.", op)
		}
		return nil, p.syntax()
	}
	if value, ok := p.quoted(); ok {
		return comparison{path: path, op: op, value: value, each: each}, nil
	}
	start := p.pos
	switch word := p.word(); strings.ToLower(word) {
	case "":
		p.pos = start
		return nil, p.syntax()
	case "true", "false":
		return comparison{path: path, op: op, value: strings.EqualFold(word, "true"), each: each}, nil
	case "null":
		return comparison{path: path, op: op, each: each}, nil
	default:
		return comparison{path: path, op: op, value: word, each: each}, nil // a GUID or a date
	}
}

// quoted reads a string; a quote inside is doubled.
func (p *filterParser) quoted() (string, bool) {
	p.space()
	if p.pos >= len(p.text) || p.text[p.pos] != '\'' {
		return "", false
	}
	var value strings.Builder
	for i := p.pos + 1; i < len(p.text); {
		if p.text[i] == '\'' {
			if i+1 < len(p.text) && p.text[i+1] == '\'' {
				value.WriteByte('\'')
				i += 2
				continue
			}
			p.pos = i + 1
			return value.String(), true
		}
		_, size := utf8.DecodeRuneInString(p.text[i:])
		value.WriteString(p.text[i : i+size])
		i += size
	}
	return "", false
}
