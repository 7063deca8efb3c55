package shell

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"hma/shell/parse"
)

// problem is what is wrong with an expression: one sentence for the administrator.
type problem string

func (p problem) Error() string { return string(p) }

func problemf(format string, args ...any) error { return problem(fmt.Sprintf(format, args...)) }

// Limits of what an expression may make.
const (
	maxItems = 1 << 20  // items of an array
	maxBytes = 16 << 20 // bytes of a text
)

// operate applies a binary operator. An error is one sentence for the administrator.
func (s *Session) operate(op string, exact bool, a, b any) (any, error) {
	switch op {
	case "+", "-", "*", "/", "%":
		return arithmetic(op, a, b)
	case "..":
		return spread(a, b)
	case "xor":
		return truth(a) != truth(b), nil
	case "join":
		w := rendering{left: maxBytes, invariant: true}
		w.items(list(a), expanded(b))
		if w.left <= 0 {
			return nil, tooLarge()
		}
		return w.String(), nil
	}
	switch op {
	case "contains", "notcontains":
		return has(a, b, exact) == (op == "contains"), nil
	case "in", "notin":
		return has(b, a, exact) == (op == "in"), nil
	}
	test, err := s.comparison(op, b, exact)
	if err != nil {
		return nil, err
	}
	items, many := a.([]any)
	if !many {
		return test(a)
	}
	found := []any{}
	for _, item := range items {
		ok, err := test(item)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, item)
		}
	}
	return found, nil
}

func tooLarge() error {
	return problemf("The result would be larger than %d items or %d bytes.", maxItems, maxBytes)
}

func has(items, v any, exact bool) bool {
	for _, item := range list(items) {
		if equal(item, v, exact) {
			return true
		}
	}
	return false
}

// comparison returns the test of one value against b.
func (s *Session) comparison(word string, b any, exact bool) (func(any) (bool, error), error) {
	switch word {
	case "eq", "ne":
		return func(a any) (bool, error) { return equal(a, b, exact) == (word == "eq"), nil }, nil
	case "like", "notlike":
		pattern := expanded(b)
		return func(a any) (bool, error) { return like(pattern, expanded(a), exact) == (word == "like"), nil }, nil
	case "match", "notmatch":
		re, err := pattern(expanded(b), exact)
		if err != nil {
			return nil, err
		}
		return func(a any) (bool, error) {
			groups := re.FindStringSubmatch(expanded(a))
			if groups != nil {
				matches := &hash{}
				for i, g := range groups {
					var key any = int64(i)
					if name := re.SubexpNames()[i]; name != "" {
						key = name
					}
					matches.set(key, g)
				}
				s.state.variables["matches"] = matches
			}
			return (groups != nil) == (word == "match"), nil
		}, nil
	}
	return func(a any) (bool, error) {
		n, err := order(a, b, exact)
		switch word {
		case "gt":
			return n > 0, err
		case "ge":
			return n >= 0, err
		case "lt":
			return n < 0, err
		}
		return n <= 0, err
	}, nil
}

// pattern compiles a regular expression; RE2 has no look-around and no back references, and says so.
func pattern(text string, exact bool) (*regexp.Regexp, error) {
	if !exact {
		text = "(?i)" + text
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, problemf("The regular expression '%s' is not understood: %s", strings.TrimPrefix(text, "(?i)"), strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return re, nil
}

// like matches PowerShell's wildcards: *, ?, [a-z] and ` before a character that means itself.
func like(pattern, name string, exact bool) bool {
	if !exact {
		pattern, name = strings.ToLower(pattern), strings.ToLower(name)
	}
	return wild(pattern, name)
}

// wild matches wildcards, in time proportional to the product of the lengths at worst.
func wild(pattern, name string) bool {
	p, n, star, mark := 0, 0, -1, 0
	for n < len(name) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, n
			p++
			continue
		}
		_, size := utf8.DecodeRuneInString(name[n:])
		if used := wildOne(pattern[p:], name[n:n+size]); used > 0 {
			p += used
			n += size
			continue
		}
		if star < 0 {
			return false
		}
		_, size = utf8.DecodeRuneInString(name[mark:])
		mark += size
		p, n = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// wildOne returns how many bytes of the pattern match the one character, 0 for none.
func wildOne(pattern, char string) int {
	if pattern == "" {
		return 0
	}
	switch pattern[0] {
	case '?':
		return 1
	case '`':
		if strings.HasPrefix(pattern[1:], char) {
			return 1 + len(char)
		}
		return 0
	case '[':
		if end := strings.IndexByte(pattern, ']'); end > 1 {
			r, _ := utf8.DecodeRuneInString(char)
			set := []rune(pattern[1:end])
			for i := 0; i < len(set); i++ {
				if i+2 < len(set) && set[i+1] == '-' {
					if set[i] <= r && r <= set[i+2] {
						return end + 1
					}
					i += 2
				} else if set[i] == r {
					return end + 1
				}
			}
			return 0
		}
	}
	if strings.HasPrefix(pattern, char) {
		return len(char)
	}
	return 0
}

func spread(a, b any) (any, error) {
	from, ok1 := whole(a)
	to, ok2 := whole(b)
	if !ok1 || !ok2 {
		return nil, problemf("A range goes from one whole number to another, not from \"%s\" to \"%s\".", expanded(a), expanded(b))
	}
	step := int64(1)
	if to < from {
		step = -1
	}
	if distance := (to - from) * step; distance < 0 || distance >= maxItems {
		return nil, tooLarge()
	}
	var items []any
	for i := from; i != to+step; i += step {
		items = append(items, i)
	}
	return items, nil
}

// whole converts a value to a whole number, rounding to the even one as .NET does.
func whole(v any) (int64, bool) {
	n, ok := number(v)
	if !ok {
		return 0, false
	}
	if i, ok := n.(int64); ok {
		return i, true
	}
	f := math.RoundToEven(n.(float64))
	if math.Abs(f) >= 1<<53 || math.IsNaN(f) {
		return 0, false
	}
	return int64(f), true
}

func arithmetic(op string, a, b any) (any, error) {
	if b == (nothing{}) {
		b = nil
	}
	switch x := a.(type) {
	case string:
		switch op {
		case "+":
			s := expanded(b)
			if len(x)+len(s) > maxBytes {
				return nil, tooLarge()
			}
			return x + s, nil
		case "*":
			n, ok := whole(b)
			if !ok || n < 0 {
				return nil, problemf("Cannot convert value \"%s\" to a count.", expanded(b))
			}
			if x != "" && n > int64(maxBytes/len(x)) {
				return nil, tooLarge()
			}
			return strings.Repeat(x, int(n)), nil
		}
	case []any:
		switch op {
		case "+":
			more := list(b)
			if len(x)+len(more) > maxItems {
				return nil, tooLarge()
			}
			return append(x[:len(x):len(x)], more...), nil
		case "*":
			n, ok := whole(b)
			if !ok || n < 0 || len(x) > 0 && n > int64(maxItems/len(x)) {
				return nil, tooLarge()
			}
			items := make([]any, 0, len(x)*int(n))
			for range n {
				items = append(items, x...)
			}
			return items, nil
		}
	case *hash:
		if more, ok := b.(*hash); ok && op == "+" {
			sum := &hash{}
			for _, p := range x.pairs {
				sum.set(p.key, p.value)
			}
			for _, p := range more.pairs {
				if _, ok := sum.get(p.key); ok {
					return nil, problemf("Item has already been added. Key in dictionary: '%s'", text(p.key))
				}
				sum.set(p.key, p.value)
			}
			return sum, nil
		}
	case nil, nothing:
		if op == "+" {
			return b, nil
		}
	}
	switch a.(type) {
	case nil, nothing, bool, string, int64, float64:
	default:
		return nil, problemf("A value of type %s has no operator %s.", typeName(a), op)
	}
	m, ok1 := number(a)
	n, ok2 := number(b)
	if !ok1 {
		return nil, notNumber(a)
	}
	if !ok2 {
		return nil, notNumber(b)
	}
	x, first := m.(int64)
	y, second := n.(int64)
	if first && second {
		if v, done, err := integers(op, x, y); done {
			return v, err
		}
	}
	f, g := float(m), float(n)
	switch op {
	case "+":
		return f + g, nil
	case "-":
		return f - g, nil
	case "*":
		return f * g, nil
	case "/":
		return f / g, nil
	}
	return math.Mod(f, g), nil
}

func notNumber(v any) error {
	return problemf("Cannot convert value \"%s\" to type \"System.Int32\". Error: \"Input string was not in a correct format.\"", expanded(v))
}

// integers computes with whole numbers; done is false where the result is not one.
func integers(op string, x, y int64) (v any, done bool, err error) {
	switch op {
	case "+":
		sum := x + y
		return sum, (sum > x) == (y > 0), nil
	case "-":
		difference := x - y
		return difference, (difference < x) == (y > 0), nil
	case "*":
		if x == 0 || y == 0 {
			return int64(0), true, nil
		}
		product := x * y
		return product, product/y == x && !(x == -1 && y == math.MinInt64) && !(y == -1 && x == math.MinInt64), nil
	}
	if y == 0 {
		return nil, true, problemf("Attempted to divide by zero.")
	}
	if y == -1 {
		return nil, false, nil
	}
	if op == "%" {
		return x % y, true, nil
	}
	return x / y, x%y == 0, nil
}

// typeName is the .NET name of a value's type.
func typeName(v any) string {
	switch v := v.(type) {
	case string, formatted:
		return "System.String"
	case bool:
		return "System.Boolean"
	case int64:
		if v == int64(int32(v)) {
			return "System.Int32"
		}
		return "System.Int64"
	case float64:
		return "System.Double"
	case []any:
		return "System.Object[]"
	case *object:
		return v.typ
	case *hash:
		return "System.Collections.Hashtable"
	case *parse.Block:
		return "System.Management.Automation.ScriptBlock"
	case nil, nothing:
		return "null"
	}
	return "System.DateTime"
}
