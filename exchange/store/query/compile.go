package query

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"hma/internal/sqldb"
	"hma/wire/mapi"
)

// ErrTooComplex is what Compile returns for a restriction beyond mapi.WithinLimits.
var ErrTooComplex = errors.New("restriction is too deep or has too many nodes")

// Condition is a compiled restriction.
type Condition struct {
	SQL  string // a boolean expression over the columns of the item table
	Args []any  // its parameters, from the number that Compile was given
	// Exact tells that SQL means the restriction; otherwise it selects too much
	// and Match must decide.
	Exact bool
}

// Compile makes SQL of a restriction; its first parameter has the number first.
func Compile(r mapi.Restriction, flavour sqldb.Flavour, first int) (Condition, error) {
	if !mapi.WithinLimits(r) {
		return Condition{}, ErrTooComplex
	}
	c := compiler{flavour: flavour, next: first, exact: true}
	sql := c.node(r, false)
	return Condition{SQL: sql, Args: c.args, Exact: c.exact}, nil
}

type compiler struct {
	flavour sqldb.Flavour
	next    int
	args    []any
	exact   bool
}

// node writes r, or its negation. Negations are pushed down to the leaves, so
// that a leaf which selects too much makes the whole select too much, never too little.
func (c *compiler) node(r mapi.Restriction, negated bool) string {
	switch r := r.(type) {
	case mapi.And:
		return c.join(r, negated, !negated)
	case mapi.Or:
		return c.join(r, negated, negated)
	case mapi.Not:
		return c.node(r.Part, !negated)
	}
	mark, next := len(c.args), c.next
	sql, exact := c.leaf(r)
	if !exact {
		c.exact = false
		if sql == "" || negated {
			c.args, c.next = c.args[:mark], next
			return "TRUE"
		}
	}
	if negated {
		return "(CASE WHEN " + sql + " THEN FALSE ELSE TRUE END)"
	}
	return sql
}

func (c *compiler) join(parts []mapi.Restriction, negated, and bool) string {
	if len(parts) == 0 {
		return boolean(and)
	}
	word := " OR "
	if and {
		word = " AND "
	}
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = c.node(part, negated)
	}
	return "(" + strings.Join(texts, word) + ")"
}

func boolean(b bool) string {
	if b {
		return "TRUE"
	}
	return "FALSE"
}

func (c *compiler) arg(v any) string {
	c.args = append(c.args, v)
	c.next++
	cast := ""
	if c.flavour == sqldb.PostgreSQL {
		switch v.(type) {
		case string:
			cast = "::text"
		case int64:
			cast = "::bigint"
		}
	}
	return fmt.Sprintf("$%d%s", c.next-1, cast)
}

// leaf returns a condition and whether it means r; "" when the columns tell nothing of it.
func (c *compiler) leaf(r mapi.Restriction) (sql string, exact bool) {
	switch r := r.(type) {
	case mapi.Exist:
		col, ok := Find(r.Tag)
		switch {
		case !ok:
			return "", false
		case col.Always:
			return "TRUE", true
		}
		return col.Name + " IS NOT NULL", true
	case mapi.Property:
		return c.property(r)
	case mapi.Compare:
		left, ok := Find(r.Left)
		right, ok2 := Find(r.Right)
		op := operators[r.Op]
		if !ok || !ok2 || left.Kind != right.Kind || op == "" {
			return "", false
		}
		if left.Kind == Text {
			return left.Fold + op + right.Fold, true
		}
		return left.Name + op + right.Name, true
	case mapi.Bitmask:
		col, ok := Find(r.Tag)
		if !ok || col.Kind != Int {
			return "", false
		}
		op := " <> 0"
		if r.Zero {
			op = " = 0"
		}
		return "(" + col.Name + " & " + c.arg(int64(r.Mask)) + ")" + op, true
	case mapi.Content:
		return c.content(r)
	}
	return "", false
}

var operators = map[mapi.RelOp]string{
	mapi.LT: " < ", mapi.LE: " <= ", mapi.GT: " > ", mapi.GE: " >= ", mapi.EQ: " = ", mapi.NE: " <> ",
}

func (c *compiler) property(r mapi.Property) (sql string, exact bool) {
	col, ok := Find(r.Tag)
	op := operators[r.Op]
	if !ok || op == "" {
		return "", false
	}
	switch v := r.Value.(type) {
	case string:
		if col.Kind != Text {
			return "FALSE", true
		}
		fold := Fold(Clean(v))
		if col.Tag == mapi.PidTagInternetMessageID && r.Op == mapi.EQ {
			// The hash has an index; the text decides.
			return "(internet_msg_id_hash = " + c.arg(Hash(fold)) + " AND " + col.Fold + " = " + c.arg(fold) + ")", true
		}
		return col.Fold + op + c.arg(fold), true
	case []byte:
		if col.Kind != Bytes {
			return "FALSE", true
		}
		if v == nil {
			v = []byte{}
		}
		return col.Name + op + c.arg(v), true
	case bool:
		if col.Kind != Bool {
			return "FALSE", true
		}
		n := int64(0)
		if v {
			n = 1
		}
		return col.Name + op + c.arg(n), true
	case time.Time:
		if col.Kind != Time {
			return "FALSE", true
		}
		return col.Name + op + c.arg(v.UnixMicro()), true
	}
	if n, ok := integer(r.Value); ok && col.Kind == Int {
		return col.Name + op + c.arg(n), true
	}
	return "FALSE", true
}

func (c *compiler) content(r mapi.Content) (sql string, exact bool) {
	col, ok := Find(r.Tag)
	if !ok {
		return "", false
	}
	text, ok := r.Value.(string)
	if !ok || col.Kind != Text {
		return "", false
	}
	name, text := col.Name, Clean(text)
	if r.Fuzzy.Folds() {
		name, text = col.Fold, Fold(text)
	}
	switch r.Fuzzy.Mode() {
	case mapi.FullString:
		return name + " = " + c.arg(text), true
	case mapi.Prefix:
		n := int64(utf8.RuneCountInString(text))
		return "substr(" + name + ", 1, " + fmt.Sprint(n) + ") = " + c.arg(text), true
	case mapi.Substring:
		return c.contains(name, text), true
	case mapi.PrefixOnWords, mapi.PhraseMatch:
		return c.contains(name, text), false // where words begin is for Match to say
	}
	return "", false
}

func (c *compiler) contains(name, text string) string {
	if c.flavour == sqldb.PostgreSQL {
		return "strpos(" + name + ", " + c.arg(text) + ") > 0"
	}
	return "instr(" + name + ", " + c.arg(text) + ") > 0"
}
