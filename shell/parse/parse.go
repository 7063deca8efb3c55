package parse

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is how many bytes a text may have.
const MaxText = 1 << 20

// MaxDepth is how deep brackets and signs may be nested.
const MaxDepth = 250

// Parse reads a whole text. The error is an *Error.
func Parse(text string) (*Script, error) {
	if len(text) > MaxText {
		return nil, &Error{Pos: Pos{1, 1}, Message: fmt.Sprintf("the text is longer than %d bytes", MaxText)}
	}
	if !utf8.ValidString(text) {
		return nil, &Error{Pos: Pos{1, 1}, Message: "the text is not UTF-8"}
	}
	script := &Script{Text: strings.TrimPrefix(text, "\ufeff")}
	p := &parser{script: script, pos: Pos{1, 1}}
	body, err := p.statements()
	if err != nil {
		return nil, err
	}
	if p.peek() != end {
		return nil, p.outside(fmt.Sprintf("nothing was opened that this %c would close", p.peek()))
	}
	script.Body = body
	return script, nil
}

// statements reads up to a closing bracket or the end.
func (p *parser) statements() ([]Statement, error) {
	var list []Statement
	for {
		if err := p.skip(true); err != nil {
			return nil, err
		}
		switch p.peek() {
		case end, ')', '}':
			return list, nil
		case ';':
			p.next()
			continue
		}
		s, err := p.statement()
		if err != nil {
			return nil, err
		}
		list = append(list, s)
		if err := p.skip(false); err != nil {
			return nil, err
		}
		switch p.peek() {
		case end, ')', '}', ';', '\n':
			continue
		}
		switch s.(type) {
		case *If, *ForEach:
			continue // a statement that ends in a block needs no separator
		}
		return nil, p.outside("the statement should end here")
	}
}

// block reads { statements }, after blanks and line ends.
func (p *parser) block() (*Block, error) {
	if err := p.skip(true); err != nil {
		return nil, err
	}
	if p.peek() != '{' {
		return nil, p.fail("a { is missing", "")
	}
	return p.bracketed(1, '}')
}

// bracketed reads statements between an opening of n characters and close.
func (p *parser) bracketed(n int, close rune) (*Block, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	at := p.start()
	p.take(n)
	body, err := p.statements()
	if err != nil {
		return nil, err
	}
	if p.peek() != close {
		return nil, p.fail(fmt.Sprintf("the %c that belongs to line %d, column %d is missing", close, at.Line, at.Column), "")
	}
	p.next()
	return &Block{p.done(at), body, p.script.Text}, nil
}

// unsupported are the words that begin statements of PowerShell that this shell does not have.
var unsupported = map[string]string{
	"while": "use foreach", "for": "use foreach", "do": "use foreach", "until": "use foreach", "switch": "use if and elseif",
	"function": "write the commands where they are needed", "filter": "write the commands where they are needed", "param": "", "begin": "", "process": "", "end": "",
	"try": "use -ErrorAction and $Error", "catch": "use -ErrorAction and $Error", "finally": "", "trap": "", "throw": "",
	"break": "use if, or Select-Object -First", "continue": "use if", "return": "", "class": "", "enum": "", "data": "", "using": "", "workflow": "", "dynamicparam": "",
}

func (p *parser) statement() (Statement, error) {
	if unicode.IsLetter(p.peek()) {
		word := p.lookName()
		q := *p
		q.take(utf8.RuneCountInString(word))
		if q.peek() != '-' && (delimits(q.peek()) || q.peek() == '(' || q.peek() == '{') {
			switch lower := strings.ToLower(word); lower {
			case "if":
				return p.ifStatement()
			case "foreach":
				return p.forEach()
			case "exit":
				return p.exit()
			case "else", "elseif":
				return nil, p.fail(lower+" without an if", "write } "+lower+" on the line of the closing bracket, or below it")
			default:
				if hint, ok := unsupported[lower]; ok {
					return nil, p.fail(fmt.Sprintf("the statement '%s' is not supported", lower), hint)
				}
			}
		}
	}
	at := p.start()
	var first Expr
	if p.startsExpression() {
		x, err := p.expression()
		if err != nil {
			return nil, err
		}
		if err := p.skip(false); err != nil {
			return nil, err
		}
		op := p.assignment()
		if op == "" {
			first = x
		} else {
			return p.assign(at, x, op)
		}
	}
	return p.pipeline(at, first)
}

// assignment returns the assignment operator that stands here, or "".
func (p *parser) assignment() string {
	for _, op := range []string{"=", "+=", "-=", "*=", "/=", "%="} {
		if p.has(op) && !p.has("==") {
			return op
		}
	}
	return ""
}

func (p *parser) assign(at Extent, target Expr, op string) (Statement, error) {
	switch t := target.(type) {
	case *Variable, *Member, *Index:
	case *List:
		return nil, p.fail("assigning to several variables at once is not supported", "write one assignment for each")
	default:
		return nil, p.failAt(t.At().Pos, "this cannot be assigned to", "only $variable, $variable.Member and $variable[index] can be")
	}
	p.take(len(op))
	if err := p.skip(true); err != nil {
		return nil, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if r := p.peek(); delimits(r) && r != ',' {
		return nil, p.outside("a value is missing behind " + op)
	}
	value, err := p.statement()
	if err != nil {
		return nil, err
	}
	return &Assign{p.done(at), target, op, value}, nil
}

// startsExpression tells whether a statement is an expression and not a command.
func (p *parser) startsExpression() bool {
	r := p.peek()
	return isDigit(r) || isDash(r) || isSingle(r) || isDouble(r) || strings.ContainsRune("$(@+!,[{", r) || r == '.' && isDigit(p.after())
}

func (p *parser) pipeline(at Extent, first Expr) (Statement, error) {
	pl := &Pipeline{First: first}
	if first == nil {
		c, err := p.command()
		if err != nil {
			return nil, err
		}
		pl.Commands = append(pl.Commands, c)
	}
	for p.peek() == '|' {
		p.next()
		if p.peek() == '|' {
			return nil, p.fail("|| is not supported", "write the statements one by one")
		}
		if err := p.skip(true); err != nil { // a pipe goes on in the next line
			return nil, err
		}
		if delimits(p.peek()) {
			return nil, p.fail("a command is missing behind |", "")
		}
		c, err := p.command()
		if err != nil {
			return nil, err
		}
		pl.Commands = append(pl.Commands, c)
	}
	if p.peek() == '&' {
		return nil, p.outside("& is not supported")
	}
	if p.peek() == '>' {
		p.next()
		if p.peek() == '>' {
			p.next()
			pl.Append = true
		}
		if p.peek() == '&' {
			return nil, p.outside("joining streams is not supported")
		}
		if err := p.skip(false); err != nil {
			return nil, err
		}
		file, err := p.argumentItem()
		if err != nil {
			return nil, err
		}
		pl.File = file
		if err := p.skip(false); err != nil {
			return nil, err
		}
		if r := p.peek(); r == '|' || r == '>' {
			return nil, p.fail("nothing may stand behind the file of >", "use Tee-Object to write a file in the middle of a pipeline")
		}
	}
	pl.Extent = p.done(at)
	return pl, nil
}

func (p *parser) ifStatement() (Statement, error) {
	s := &If{}
	at := p.start()
	p.name()
	for {
		condition, err := p.condition()
		if err != nil {
			return nil, err
		}
		body, err := p.block()
		if err != nil {
			return nil, err
		}
		s.Clauses = append(s.Clauses, Clause{condition, body})
		s.Extent = p.done(at)
		before := *p
		if err := p.skip(true); err != nil {
			return nil, err
		}
		switch strings.ToLower(p.lookName()) {
		case "elseif":
			p.name()
			continue
		case "else":
			p.name()
			s.Else, err = p.block()
			s.Extent = p.done(at)
			return s, err
		}
		*p = before
		return s, nil
	}
}

// condition reads ( statement ).
func (p *parser) condition() (Statement, error) {
	if err := p.skip(true); err != nil {
		return nil, err
	}
	if p.peek() != '(' {
		return nil, p.fail("a condition in parentheses is missing", "for example if ($x -eq 1) { }")
	}
	x, err := p.paren()
	if err != nil {
		return nil, err
	}
	return x.Body, nil
}

func (p *parser) forEach() (Statement, error) {
	at := p.start()
	p.name()
	if err := p.skip(true); err != nil {
		return nil, err
	}
	hint := "write foreach ($item in $list) { }; behind a pipe foreach is ForEach-Object"
	if p.peek() != '(' {
		return nil, p.fail("a ( is missing behind foreach", hint)
	}
	p.next()
	if err := p.skip(true); err != nil {
		return nil, err
	}
	if p.peek() != '$' {
		return nil, p.fail("a variable is missing behind foreach (", hint)
	}
	x, err := p.variable()
	if err != nil {
		return nil, err
	}
	v, ok := x.(*Variable)
	if !ok {
		return nil, p.failAt(at.Pos, "a variable is missing behind foreach (", hint)
	}
	if err := p.skip(true); err != nil {
		return nil, err
	}
	if !strings.EqualFold(p.lookName(), "in") {
		return nil, p.fail("the word in is missing", hint)
	}
	p.name()
	if err := p.skip(true); err != nil {
		return nil, err
	}
	if p.peek() == ')' {
		return nil, p.fail("a value is missing behind in", hint)
	}
	values, err := p.nested()
	if err != nil {
		return nil, err
	}
	if p.peek() != ')' {
		return nil, p.fail("the ) of foreach is missing", hint)
	}
	p.next()
	body, err := p.block()
	if err != nil {
		return nil, err
	}
	return &ForEach{p.done(at), v.Name, values, body}, nil
}

// exit reads the word and the exit code behind it, if there is one.
func (p *parser) exit() (Statement, error) {
	at := p.start()
	p.name()
	s := &Exit{Extent: p.done(at)}
	if err := p.skip(false); err != nil {
		return nil, err
	}
	if !p.startsExpression() {
		return s, nil
	}
	code, err := p.expression()
	s.Code, s.Extent = code, p.done(at)
	return s, err
}

// nested reads a statement inside brackets that begin a value, with the line ends behind it.
func (p *parser) nested() (Statement, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	s, err := p.statement()
	if err != nil {
		return nil, err
	}
	return s, p.skip(true)
}

func (p *parser) command() (*Command, error) {
	at := p.start()
	r := p.peek()
	var name string
	switch {
	case unicode.IsLetter(r):
		word, err := p.word()
		if err != nil {
			return nil, err
		}
		literal, ok := word.(*Literal)
		if !ok {
			return nil, p.failAt(at.Pos, "a command's name cannot be built from variables", "write the cmdlet's name")
		}
		name = strings.Map(func(r rune) rune {
			if isDash(r) {
				return '-'
			}
			return r
		}, literal.Value.(string))
	case (r == '?' || r == '%') && (delimits(p.after()) || p.after() == '{'):
		name = string(p.next())
	default:
		return nil, p.outside("a command begins with its name, for example Get-AuthServer")
	}
	c := &Command{Name: name}
	for {
		before := *p
		if err := p.skip(false); err != nil {
			return nil, err
		}
		switch r := p.peek(); r {
		case end, '\n', ';', '|', ')', '}', '>':
			c.Extent = before.done(at)
			return c, nil
		case '&':
			return nil, p.outside("& is not supported")
		}
		a, err := p.argument()
		if err != nil {
			return nil, err
		}
		c.Args = append(c.Args, a)
	}
}

func (p *parser) argument() (Argument, error) {
	at := p.start()
	a := Argument{}
	if r := p.after(); isDash(p.peek()) && (r == '_' || r == '?' || unicode.IsLetter(r)) {
		p.next()
		if r == '?' { // -? asks for help
			p.next()
			a.Parameter = "?"
		} else {
			a.Parameter = p.name()
		}
		if p.peek() != ':' {
			a.Extent = p.done(at)
			if !delimits(p.peek()) {
				return a, p.outside("a space is missing behind the parameter's name")
			}
			return a, nil
		}
		p.next()
		if err := p.skip(false); err != nil {
			return a, err
		}
	}
	v, err := p.argumentValue()
	a.Value, a.Extent = v, p.done(at)
	return a, err
}

// argumentValue reads one value, or several with commas between.
func (p *parser) argumentValue() (Expr, error) {
	at := p.start()
	v, err := p.argumentItem()
	if err != nil {
		return nil, err
	}
	var list []Expr
	for {
		before := *p
		if err := p.skip(false); err != nil {
			return nil, err
		}
		if p.peek() != ',' {
			*p = before
			break
		}
		p.next()
		if err := p.skip(true); err != nil { // a list goes on in the next line
			return nil, err
		}
		if list == nil {
			list = []Expr{v}
		}
		item, err := p.argumentItem()
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	if list == nil {
		return v, nil
	}
	return &List{p.done(at), list}, nil
}

// argumentItem reads one value in a command's arguments: a word needs no quotes there, and no operator is known.
func (p *parser) argumentItem() (Expr, error) {
	r := p.peek()
	after := p.after()
	switch {
	case isSingle(r), isDouble(r), r == '(', r == '@' && after != end && (after == '(' || after == '{' || isSingle(after) || isDouble(after)),
		r == '$' && startsVariable(after), r == '{':
		from := p.start()
		x, err := p.primary()
		if err != nil {
			return nil, err
		}
		if r == '{' && strings.EqualFold(p.script.Text[from.Start:p.off], "{GUID}") {
			p.note(p.done(from), "{GUID}")
		}
		if !delimits(p.peek()) {
			return nil, p.fail("something stands right behind the value", "put a space or a comma between, or everything into one pair of double quotes")
		}
		return x, nil
	case r == '<':
		return p.angled()
	}
	return p.word()
}
