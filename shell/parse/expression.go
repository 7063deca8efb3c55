package parse

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Binding strength of the operators (Windows PowerShell language specification 7): a
// greater number binds tighter. The comma binds tighter than all of them.
const (
	logical = iota + 1
	comparing
	additive
	multiplicative
	ranging
)

// word is an operator that is written as a word behind a dash.
type word struct {
	op       string
	strength int
	exact    bool
}

// operators are the words that may stand behind a dash between two values. Comparisons
// have two more forms: with i in front as without it, with c they tell upper from lower case.
var operators = map[string]word{"and": {"and", logical, false}, "or": {"or", logical, false}, "xor": {"xor", logical, false}, "join": {"join", comparing, false}}

func init() {
	for _, op := range []string{"eq", "ne", "gt", "ge", "lt", "le", "like", "notlike", "match", "notmatch", "contains", "notcontains", "in", "notin"} {
		operators[op], operators["i"+op], operators["c"+op] = word{op, comparing, false}, word{op, comparing, false}, word{op, comparing, true}
	}
}

// known are operators of PowerShell that this shell does not have.
var known = map[string]string{
	"is": "compare a property instead", "isnot": "compare a property instead", "as": "", "f": "use a text in double quotes with $( )",
	"replace": "", "creplace": "", "ireplace": "", "split": "", "csplit": "", "isplit": "", "band": "", "bor": "", "bxor": "", "bnot": "", "shl": "", "shr": "",
}

// operator looks at the operator that stands here and its length in characters. No operator is strength 0.
func (p *parser) operator() (op word, n int, err error) {
	r := p.peek()
	switch {
	case isDash(r):
		q := *p
		q.next()
		name := strings.ToLower(q.lookName())
		if name == "" || isDigit(rune(name[0])) {
			if q.peek() == '=' || isDash(q.peek()) {
				return word{}, 0, q.decrement(p.pos)
			}
			return word{"-", additive, false}, 1, nil
		}
		if op, ok := operators[name]; ok {
			return op, utf8.RuneCountInString(name) + 1, nil
		}
		if hint, ok := known[name]; ok {
			return word{}, 0, p.fail("the operator -"+name+" is not supported", hint)
		}
		return word{}, 0, p.fail(fmt.Sprintf("-%s is not an operator", name), "a parameter belongs to a command; operators are -eq, -ne, -gt, -ge, -lt, -le, -like, -match, -contains, -in, -join, -and, -or, -xor and their -not forms")
	case r == '+':
		if p.after() == '=' {
			return word{}, 0, nil
		}
		if p.after() == '+' {
			return word{}, 0, p.fail("++ is not supported", "write += 1")
		}
		return word{"+", additive, false}, 1, nil
	case r == '*' || r == '/' || r == '%':
		if p.after() == '=' {
			return word{}, 0, nil
		}
		return word{string(r), multiplicative, false}, 1, nil
	case p.has(".."):
		return word{"..", ranging, false}, 2, nil
	case p.has("=="):
		return word{}, 0, p.fail("== is not an operator", "use -eq")
	case p.has("!="):
		return word{}, 0, p.fail("!= is not an operator", "use -ne")
	}
	return word{}, 0, nil
}

// decrement tells -= (an assignment, no error) from -- (not supported).
func (p *parser) decrement(at Pos) error {
	if p.peek() == '=' {
		return nil
	}
	return p.failAt(at, "-- is not supported", "write -= 1")
}

func (p *parser) expression() (Expr, error) { return p.binary(logical) }

// binary reads operands joined by operators of at least the given strength, from left to right.
func (p *parser) binary(least int) (Expr, error) {
	at := p.start()
	left, err := p.list()
	if err != nil {
		return nil, err
	}
	for {
		before := *p
		if err := p.skip(false); err != nil {
			return nil, err
		}
		op, n, err := p.operator()
		if err != nil {
			return nil, err
		}
		if op.strength < least {
			*p = before
			return left, nil
		}
		p.take(n)
		if err := p.skip(true); err != nil { // an operator goes on in the next line
			return nil, err
		}
		if r := p.peek(); delimits(r) && r != ',' {
			return nil, p.fail("a value is missing behind the operator", "")
		}
		right, err := p.binary(op.strength + 1)
		if err != nil {
			return nil, err
		}
		left = &Binary{p.done(at), op.op, op.exact, left, right}
	}
}

// list reads values with commas between.
func (p *parser) list() (Expr, error) {
	at := p.start()
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	var items []Expr
	for {
		before := *p
		if err := p.skip(false); err != nil {
			return nil, err
		}
		if p.peek() != ',' {
			*p = before
			if items == nil {
				return x, nil
			}
			return &List{p.done(at), items}, nil
		}
		p.next()
		if err := p.skip(true); err != nil { // a list goes on in the next line
			return nil, err
		}
		if items == nil {
			items = []Expr{x}
		}
		item, err := p.unary()
		if err != nil {
			return nil, err
		}
		items = append(items, item)
	}
}

func (p *parser) unary() (Expr, error) {
	at := p.start()
	op := ""
	switch r := p.peek(); {
	case r == '!':
		op = "not"
		p.next()
	case r == ',':
		op = ","
		p.next()
	case r == '+' || isDash(r):
		q := *p
		q.next()
		switch word := strings.ToLower(q.lookName()); {
		case isDash(r) && (word == "not" || word == "join"):
			op = word
			p.take(1 + len(word))
		case q.peek() == r:
			return nil, p.fail(fmt.Sprintf("%c%c is not supported", r, r), "")
		case word != "" && !isDigit(rune(word[0])):
			hint, ok := known[word]
			if !ok {
				hint = "only -not, -join and a sign may stand before a value"
			}
			return nil, p.fail("-"+word+" cannot stand before a value", hint)
		case isDash(r):
			op = "-"
			p.next()
		default:
			op = "+"
			p.next()
		}
	default:
		return p.primary()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if err := p.skip(true); err != nil {
		return nil, err
	}
	x, err := p.unary()
	if err != nil {
		return nil, err
	}
	if op == "," {
		return &List{p.done(at), []Expr{x}}, nil
	}
	return &Unary{p.done(at), op, x}, nil
}

// primary reads one value with the members and elements behind it.
func (p *parser) primary() (Expr, error) {
	at := p.start()
	x, err := p.value()
	if err != nil {
		return nil, err
	}
	for {
		switch r := p.peek(); {
		case r == '.' && p.after() != '.':
			p.next()
			name, err := p.memberName()
			if err != nil {
				return nil, err
			}
			if p.peek() == '(' {
				return nil, p.fail("method calls are not supported", "only properties are: $object.Name")
			}
			x = &Member{p.done(at), x, name}
		case r == '[':
			p.next()
			if err := p.skip(true); err != nil {
				return nil, err
			}
			if err := p.enter(); err != nil {
				return nil, err
			}
			index, err := p.expression()
			p.leave()
			if err != nil {
				return nil, err
			}
			if err := p.skip(true); err != nil {
				return nil, err
			}
			if p.peek() != ']' {
				return nil, p.fail("the ] is missing", "")
			}
			p.next()
			x = &Index{p.done(at), x, index}
		case r == ':' && p.after() == ':':
			return nil, p.fail(":: is not supported", "types have no members here")
		default:
			return x, nil
		}
	}
}

func (p *parser) memberName() (Expr, error) {
	at := p.start()
	switch r := p.peek(); {
	case isSingle(r), isDouble(r):
		return p.quoted()
	case r == '$' && startsVariable(p.after()):
		return p.variable()
	case r == '(':
		return p.paren()
	case isName(r):
		name := p.name()
		return &Literal{p.done(at), name, true}, nil
	}
	return nil, p.fail("a property's name is missing behind the dot", "")
}

// value reads one value of an expression.
func (p *parser) value() (Expr, error) {
	at := p.start()
	r := p.peek()
	switch {
	case isSingle(r), isDouble(r):
		return p.quoted()
	case r == '$':
		if !startsVariable(p.after()) {
			return nil, p.fail("a variable's name is missing behind $", "")
		}
		return p.variable()
	case r == '(':
		return p.paren()
	case r == '{':
		block, err := p.block()
		if err != nil {
			return nil, err
		}
		return &ScriptBlock{block.Extent, block}, nil
	case r == '@':
		switch after := p.after(); {
		case after == '(':
			block, err := p.bracketed(2, ')')
			if err != nil {
				return nil, err
			}
			return &ArrayOf{block.Extent, block}, nil
		case after == '{':
			return p.hash()
		case after != end && (isSingle(after) || isDouble(after)):
			return p.hereString()
		}
		return nil, p.outside("@ cannot stand here")
	case isDigit(r), r == '.' && isDigit(p.after()):
		return p.number()
	case r == '[':
		return nil, p.outside("[ cannot stand here")
	case r == '<':
		return p.angled()
	case isName(r):
		return nil, p.failAt(at.Pos, fmt.Sprintf("'%.40s' is not a value", p.lookName()), "put text into quotes, a command into ( ), and a $ before a variable")
	}
	return nil, p.outside("a value is missing")
}

// paren reads ( statement ).
func (p *parser) paren() (*Paren, error) {
	at := p.start()
	p.next()
	if err := p.skip(true); err != nil {
		return nil, err
	}
	if p.peek() == ')' {
		return nil, p.fail("a value is missing between the parentheses", "an empty list is @()")
	}
	s, err := p.nested()
	if err != nil {
		return nil, err
	}
	if p.peek() != ')' {
		return nil, p.fail(fmt.Sprintf("the ) that belongs to line %d, column %d is missing", at.Line, at.Column), "several statements stand in $( )")
	}
	p.next()
	return &Paren{p.done(at), s}, nil
}

// hash reads @{ key = statement; ... }.
func (p *parser) hash() (Expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	at := p.start()
	p.take(2)
	h := &Hash{}
	for {
		if err := p.skip(true); err != nil {
			return nil, err
		}
		switch p.peek() {
		case ';':
			p.next()
			continue
		case '}':
			p.next()
			h.Extent = p.done(at)
			return h, nil
		}
		key, err := p.hashKey()
		if err != nil {
			return nil, err
		}
		if err := p.skip(false); err != nil {
			return nil, err
		}
		if p.peek() != '=' {
			return nil, p.fail("a = is missing behind the key", "entries are name = value with ; or a line end between")
		}
		p.next()
		if err := p.skip(true); err != nil {
			return nil, err
		}
		if r := p.peek(); delimits(r) && r != ',' {
			return nil, p.fail("a value is missing behind =", "")
		}
		value, err := p.statement()
		if err != nil {
			return nil, err
		}
		h.Pairs = append(h.Pairs, Pair{key, value})
		if err := p.skip(false); err != nil {
			return nil, err
		}
		if r := p.peek(); r != ';' && r != '\n' && r != '}' {
			return nil, p.fail("the entry should end here", "entries are name = value with ; or a line end between, and } closes them")
		}
	}
}

func (p *parser) hashKey() (Expr, error) {
	at := p.start()
	if r := p.peek(); isDigit(r) || !isName(r) {
		if delimits(r) || r == '=' {
			return nil, p.fail("a key is missing", "entries are name = value")
		}
		return p.primary()
	}
	name := p.name()
	return &Literal{p.done(at), name, true}, nil
}

// number reads a whole or a decimal number with PowerShell's multipliers.
func (p *parser) number() (Expr, error) {
	at := p.start()
	q := *p
	for r := q.peek(); isName(r) || r == '.' && isDigit(q.after()) || (isDash(r) || r == '+') && isExponent(p.script.Text[p.off:q.off]) && isDigit(q.after()); r = q.peek() {
		q.next()
	}
	text := p.script.Text[p.off:q.off]
	v, ok := Number(text)
	if !ok {
		return nil, p.fail(fmt.Sprintf("'%.40s' is not a number", text), "put text into quotes")
	}
	*p = q
	return &Literal{Extent: p.done(at), Value: v}, nil
}

// isExponent tells whether text is the front of a decimal number that ends in its e.
func isExponent(text string) bool {
	text = strings.ToLower(text)
	return strings.HasSuffix(text, "e") && !strings.HasPrefix(text, "0x")
}

// Number reads a number as PowerShell writes it: 5, 0x1F, 1.5, 2e3, each with kb, mb, gb, tb or pb.
// It is an int64 where it fits one, else a float64.
func Number(text string) (any, bool) {
	lower := strings.ToLower(text)
	factor := int64(1)
	for i, unit := range []string{"kb", "mb", "gb", "tb", "pb"} {
		if cut, ok := strings.CutSuffix(lower, unit); ok {
			lower, factor = cut, 1<<(10*(i+1))
		}
	}
	if strings.ContainsAny(lower, "_pin") || lower == "" {
		return nil, false // what strconv takes and PowerShell does not
	}
	if n, err := strconv.ParseInt(strings.TrimPrefix(lower, "0x"), base(lower), 64); err == nil {
		if product := n * factor; product/factor == n {
			return product, true
		}
		return float64(n) * float64(factor), true
	}
	if strings.Contains(lower, "x") {
		return nil, false
	}
	f, err := strconv.ParseFloat(lower, 64)
	if err != nil || math.IsInf(f, 0) {
		return nil, false
	}
	return f * float64(factor), true
}

func base(text string) int {
	if strings.HasPrefix(text, "0x") {
		return 16
	}
	return 10
}

// startsVariable tells whether a $ before r begins a variable or $( ).
func startsVariable(r rune) bool {
	return r == '(' || r == '{' || r == '?' || r == '^' || r == '$' || isName(r)
}

// variable reads $name, ${name} or $( ).
func (p *parser) variable() (Expr, error) {
	at := p.start()
	switch r := p.after(); {
	case r == '(':
		block, err := p.bracketed(2, ')')
		if err != nil {
			return nil, err
		}
		return &Sub{block.Extent, block}, nil
	case r == '?':
		p.take(2)
		return &Variable{p.done(at), "?"}, nil
	case r == '^' || r == '$':
		return nil, p.fail("$^ and $$ are not supported", "in double quotes, write `$ for the sign itself")
	case r == '{':
		p.take(2)
		from := p.off
		for p.peek() != '}' {
			if p.peek() == end || p.peek() == '\n' {
				return nil, p.failAt(at.Pos, "the variable's name does not end", "close it with }")
			}
			p.next()
		}
		name := p.script.Text[from:p.off]
		p.next()
		if name == "" || strings.ContainsAny(name, ":`{") {
			return nil, p.failAt(at.Pos, "this variable's name is not supported", "names are letters, digits and underscores, without a scope")
		}
		return &Variable{p.done(at), name}, nil
	}
	p.next()
	name := p.name()
	if r := p.after(); p.peek() == ':' && (isName(r) || r == ':') {
		return nil, p.failAt(at.Pos, fmt.Sprintf("$%s: is not supported", name), "variables have no scope and no drive here; in double quotes, write ${"+name+"} before a colon")
	}
	return &Variable{p.done(at), name}, nil
}
