package shell

import (
	"strings"

	"hma/shell/parse"
)

// eval gives an expression's value.
func (r *runner) eval(x parse.Expr) (any, error) {
	v, err := r.raw(x)
	if v == (nothing{}) {
		v = nil
	}
	return v, err
}

// raw tells no output at all from $null.
func (r *runner) raw(x parse.Expr) (any, error) {
	switch x := x.(type) {
	case *parse.Literal:
		return x.Value, nil
	case *parse.Expandable:
		return r.expand(x)
	case *parse.Variable:
		return r.variable(x.Name), nil
	case *parse.Member, *parse.Index:
		return r.chain(x)
	case *parse.List:
		items := make([]any, len(x.Items))
		for i, item := range x.Items {
			v, err := r.eval(item)
			if err != nil {
				return nil, err
			}
			items[i] = v
		}
		return items, nil
	case *parse.ArrayOf:
		return r.array(x)
	case *parse.Hash:
		return r.hashtable(x)
	case *parse.Paren:
		return r.rawValue(x.Body)
	case *parse.Sub:
		items, err := r.collect(func(out emit) error { return r.block(x.Body, out) })
		if p, ok := err.(problem); ok {
			return nil, r.wrong(x.Extent, "TooMuchOutput", "%s", p)
		}
		return single(items), err
	case *parse.ScriptBlock:
		return x.Body, nil
	case *parse.Unary:
		return r.unary(x)
	case *parse.Binary:
		return r.binary(x)
	}
	return nil, nil
}

func (r *runner) variable(name string) any {
	switch lower := strings.ToLower(name); lower {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	case "error":
		return r.state.errors
	case "?":
		return r.state.ok
	case "psitem":
		return r.state.variables["_"]
	case "erroractionpreference":
		if v, ok := r.state.variables[lower]; ok {
			return v
		}
		return "Stop"
	default:
		return r.state.variables[lower]
	}
}

func (r *runner) expand(x *parse.Expandable) (any, error) {
	var b strings.Builder
	for _, part := range x.Parts {
		v, err := r.eval(part)
		if err != nil {
			return nil, err
		}
		s := expanded(v)
		if b.Len()+len(s) > maxBytes {
			return nil, r.wrong(x.Extent, "TooMuchOutput", "%s", tooLarge())
		}
		b.WriteString(s)
	}
	return b.String(), nil
}

// array is @( ): statements that are one array give that array, all others what they put out.
func (r *runner) array(x *parse.ArrayOf) (any, error) {
	items, err := r.collect(func(out emit) error { return r.block(x.Body, out) })
	if p, ok := err.(problem); ok {
		return nil, r.wrong(x.Extent, "TooMuchOutput", "%s", p)
	}
	if items == nil {
		items = []any{}
	}
	return items, err
}

func (r *runner) hashtable(x *parse.Hash) (any, error) {
	h := &hash{}
	for _, p := range x.Pairs {
		key, err := r.eval(p.Key)
		if err != nil {
			return nil, err
		}
		if !keyable(key) {
			return nil, r.wrong(p.Key.At(), "InvalidOperation", "A value of type %s cannot be the key of a hashtable.", typeName(key))
		}
		if _, twice := h.get(key); twice {
			return nil, r.wrong(p.Key.At(), "DuplicateKeyInHashLiteral", "Duplicate keys '%s' are not allowed in hash literals.", text(key))
		}
		v, err := r.value(p.Value)
		if err != nil {
			return nil, err
		}
		h.set(key, v)
	}
	return h, nil
}

// chain follows members and elements from the innermost value outwards, however many they are.
func (r *runner) chain(x parse.Expr) (any, error) {
	var steps []parse.Expr
	for {
		switch step := x.(type) {
		case *parse.Member:
			steps = append(steps, step)
			x = step.Target
			continue
		case *parse.Index:
			steps = append(steps, step)
			x = step.Target
			continue
		}
		break
	}
	v, err := r.eval(x)
	for i := len(steps) - 1; i >= 0 && err == nil; i-- {
		switch step := steps[i].(type) {
		case *parse.Member:
			var name any
			if name, err = r.eval(step.Name); err == nil {
				v = member(v, text(name))
			}
		case *parse.Index:
			v, err = r.element(v, step)
		}
		if v == (nothing{}) {
			v = nil
		}
	}
	return v, err
}

func (r *runner) element(target any, x *parse.Index) (any, error) {
	index, err := r.eval(x.Index)
	if err != nil {
		return nil, err
	}
	if target == nil {
		return nil, r.wrong(x.Extent, "NullArray", "Cannot index into a null array.")
	}
	if h, ok := target.(*hash); ok {
		if !keyable(index) {
			return nil, nil
		}
		v, _ := h.get(index)
		return v, nil
	}
	if s, ok := target.(string); ok {
		var chars []any
		for _, c := range s {
			chars = append(chars, string(c))
		}
		target = chars
	}
	items, ok := target.([]any)
	if !ok {
		items = []any{target}
	}
	many, ok := index.([]any)
	if !ok {
		many = []any{index}
	}
	var found []any
	for _, one := range many {
		i, valid := whole(one)
		if !valid {
			return nil, r.wrong(x.Extent, "InvalidCast", "Cannot convert value \"%s\" to an index.", expanded(one))
		}
		if i < 0 {
			i += int64(len(items))
		}
		if i >= 0 && i < int64(len(items)) {
			found = append(found, items[i])
		}
	}
	if ok {
		return found, nil
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found[0], nil
}

func (r *runner) unary(x *parse.Unary) (any, error) {
	v, err := r.eval(x.X)
	if err != nil {
		return nil, err
	}
	switch x.Op {
	case "not":
		return !truth(v), nil
	case "join":
		v, err = r.operate("join", false, v, "")
	default:
		v, err = arithmetic(x.Op, int64(0), v)
	}
	if err != nil {
		return nil, r.wrong(x.Extent, "InvalidOperation", "%s", err)
	}
	return v, nil
}

// binary works a chain of operators off from the left, however many they are.
func (r *runner) binary(x *parse.Binary) (any, error) {
	var steps []*parse.Binary
	var first parse.Expr = x
	for {
		b, ok := first.(*parse.Binary)
		if !ok {
			break
		}
		steps = append(steps, b)
		first = b.L
	}
	v, err := r.eval(first)
	for i := len(steps) - 1; i >= 0 && err == nil; i-- {
		v, err = r.step(v, steps[i])
	}
	return v, err
}

func (r *runner) step(left any, x *parse.Binary) (any, error) {
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	switch {
	case x.Op == "and" && !truth(left):
		return false, nil
	case x.Op == "or" && truth(left):
		return true, nil
	}
	right, err := r.eval(x.R)
	if err != nil {
		return nil, err
	}
	if x.Op == "and" || x.Op == "or" {
		return truth(right), nil
	}
	v, err := r.operate(x.Op, x.Exact, left, right)
	if err != nil {
		return nil, r.wrong(x.At(), "InvalidOperation", "%s", err)
	}
	return v, nil
}
