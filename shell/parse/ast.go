package parse

import "fmt"

// Pos is a place in the text: line and column from 1, columns in characters.
type Pos struct {
	Line, Column int
}

// Extent is where a node stands: its first character, and the bytes Start to End of Script.Text.
type Extent struct {
	Pos
	Start, End int
}

// At returns the extent itself; it makes every node that embeds one a Node.
func (e Extent) At() Extent { return e }

// Node is a part of the tree with its place.
type Node interface{ At() Extent }

// Script is a parsed text.
type Script struct {
	// Text is what was parsed, without a byte order mark.
	Text string
	Body []Statement
	// Placeholders are the words of a manual that were pasted as they are.
	Placeholders []Placeholder
}

// Placeholder is a text that stands for a value, for example <computername>.
type Placeholder struct {
	Extent
	Text string
}

// Statement is a *Pipeline, *Assign, *If, *ForEach or *Exit.
type Statement interface {
	Node
	statement()
}

// Pipeline is an expression or nothing, the commands behind it, and the file that takes the output.
type Pipeline struct {
	Extent
	First    Expr // nil when a command comes first
	Commands []*Command
	File     Expr // nil without > or >>
	Append   bool // >>
}

// Assign gives the value that a statement puts out to a variable, member or element.
type Assign struct {
	Extent
	Target Expr   // *Variable, *Member or *Index
	Op     string // "=", "+=", "-=", "*=", "/=" or "%="
	Value  Statement
}

// If is if, elseif and else.
type If struct {
	Extent
	Clauses []Clause
	Else    *Block // nil without else
}

// Clause is one condition of an If with what follows from it.
type Clause struct {
	Condition Statement
	Body      *Block
}

// ForEach is the statement foreach ($variable in values) { }.
type ForEach struct {
	Extent
	Variable string
	Values   Statement
	Body     *Block
}

// Exit ends the whole text, and at a prompt the shell.
type Exit struct {
	Extent
	Code Expr // nil means 0
}

func (*Pipeline) statement() {}
func (*Assign) statement()   {}
func (*If) statement()       {}
func (*ForEach) statement()  {}
func (*Exit) statement()     {}

// Block is a list of statements in brackets, with the whole text that its extents belong to.
type Block struct {
	Extent
	Body []Statement
	Text string
}

// Command is a name and its arguments as they stand.
type Command struct {
	Extent
	Name string
	Args []Argument
}

// Argument is a parameter name, a value, or both where they are written with a colon (-Name:$true).
// Which value belongs to a parameter before it is decided by whoever knows the command's parameters.
type Argument struct {
	Extent
	Parameter string // without its dash; "" for a bare value
	Value     Expr   // nil for a name alone
}

// Expr is a *Literal, *Expandable, *Variable, *Member, *Index, *List, *ArrayOf, *Hash, *Paren, *Sub, *Script block, *Unary or *Binary.
type Expr interface {
	Node
	expr()
}

// Literal is a string, an int64 or a float64. Bare is text without quotes.
type Literal struct {
	Extent
	Value any
	Bare  bool
}

// Expandable is text with variables and $( ) in it; its parts are joined.
type Expandable struct {
	Extent
	Parts []Expr
}

// Variable is $name; the name is without its sign.
type Variable struct {
	Extent
	Name string
}

// Member is target.name.
type Member struct {
	Extent
	Target Expr
	Name   Expr
}

// Index is target[index].
type Index struct {
	Extent
	Target, Index Expr
}

// List is values with commas between, or one behind a comma.
type List struct {
	Extent
	Items []Expr
}

// ArrayOf is @( ): what the statements put out, always as an array.
type ArrayOf struct {
	Extent
	Body *Block
}

// Hash is @{ name = value }.
type Hash struct {
	Extent
	Pairs []Pair
}

// Pair is one entry of a Hash.
type Pair struct {
	Key   Expr
	Value Statement
}

// Paren is one statement in ( ).
type Paren struct {
	Extent
	Body Statement
}

// Sub is $( ).
type Sub struct {
	Extent
	Body *Block
}

// ScriptBlock is { } as a value.
type ScriptBlock struct {
	Extent
	Body *Block
}

// Unary is an operator before its operand: "not", "join", "-" or "+".
type Unary struct {
	Extent
	Op string
	X  Expr
}

// Binary is an operator between two operands: a sign, or a word without its dash in
// lower case ("eq"). Exact tells that it was written with a c in front: -ceq.
type Binary struct {
	Extent
	Op    string
	Exact bool
	L, R  Expr
}

func (*Literal) expr()     {}
func (*Expandable) expr()  {}
func (*Variable) expr()    {}
func (*Member) expr()      {}
func (*Index) expr()       {}
func (*List) expr()        {}
func (*ArrayOf) expr()     {}
func (*Hash) expr()        {}
func (*Paren) expr()       {}
func (*Sub) expr()         {}
func (*ScriptBlock) expr() {}
func (*Unary) expr()       {}
func (*Binary) expr()      {}

// Error is a text that is not understood, with its place and what to do instead.
type Error struct {
	Pos
	Message string
	Hint    string // may be ""
	// Incomplete tells that the text ended too early: at a prompt, more lines may follow.
	Incomplete bool
}

// Error returns line, column, message and hint.
func (e *Error) Error() string {
	text := fmt.Sprintf("line %d, column %d: %s", e.Line, e.Column, e.Message)
	if e.Hint != "" {
		text += " (" + e.Hint + ")"
	}
	return text
}
