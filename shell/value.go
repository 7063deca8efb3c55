package shell

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// A value in the shell is nil, a string, bool, int64, float64, time.Time, []any,
// *object, *hash, *parse.Block (a script block) or formatted.

// object is an object with named properties in display order. Variables share it, as in PowerShell.
type object struct {
	typ        string
	properties []property
	shown      string // how the console shows it where that is neither list nor table
}

type property struct {
	name  string
	value any
}

func (o *object) find(name string) *property {
	for i := range o.properties {
		if strings.EqualFold(o.properties[i].name, name) {
			return &o.properties[i]
		}
	}
	return nil
}

func (o *object) get(name string) any {
	if p := o.find(name); p != nil {
		return p.value
	}
	return nil
}

// custom is the type of objects that are made in the shell.
const custom = "System.Management.Automation.PSCustomObject"

// hash is a hashtable; it keeps the order in which its keys came.
type hash struct {
	pairs []pair
	at    map[any]int
}

type pair struct{ key, value any }

func hashKey(key any) any {
	if s, ok := key.(string); ok {
		return strings.ToLower(s)
	}
	return key
}

func (h *hash) get(key any) (any, bool) {
	if i, ok := h.at[hashKey(key)]; ok {
		return h.pairs[i].value, true
	}
	return nil, false
}

func (h *hash) set(key, value any) {
	if h.at == nil {
		h.at = make(map[any]int)
	}
	if i, ok := h.at[hashKey(key)]; ok {
		h.pairs[i].value = value
		return
	}
	h.at[hashKey(key)] = len(h.pairs)
	h.pairs = append(h.pairs, pair{key, value})
}

// formatted is text that Format-List and Format-Table laid out: it goes to the console or a file and nowhere else.
type formatted string

// nothing is what a pipeline without output leaves in a variable: $null, but piped it is no object at all.
type nothing struct{}

// list returns a value as the items that a pipeline would see.
func list(v any) []any {
	switch v := v.(type) {
	case nothing:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// single is the value of a pipeline's output: nothing, the one item, or an array.
func single(items []any) any {
	switch len(items) {
	case 0:
		return nothing{}
	case 1:
		return items[0]
	}
	return items
}

// fromWire makes objects of the shell from those of a server.
func fromWire(objects []psobject.Object) []any {
	out := make([]any, len(objects))
	for i, o := range objects {
		made := &object{typ: o.Type, properties: make([]property, len(o.Properties))}
		for j, p := range o.Properties {
			made.properties[j] = property{p.Name, fromWireValue(p.Value)}
		}
		out[i] = made
	}
	return out
}

func fromWireValue(v any) any {
	texts, ok := v.([]string)
	if !ok {
		return v
	}
	items := make([]any, len(texts))
	for i, s := range texts {
		items[i] = s
	}
	return items
}

// toWire makes a value that travels: floats become text, arrays lists of texts, an object what names it.
func toWire(v any) (any, bool) {
	switch v := v.(type) {
	case nil, string, bool, int64, time.Time:
		return v, true
	case nothing:
		return nil, true
	case float64:
		return text(v), true
	case *object:
		return identity(v), true
	case []any:
		texts := make([]string, len(v))
		for i, item := range v {
			if _, nested := item.([]any); nested {
				return nil, false
			}
			one, ok := toWire(item)
			if !ok {
				return nil, false
			}
			texts[i] = psobject.Text(one)
		}
		return texts, true
	}
	return nil, false
}

// inputObject makes a pipeline's item travel; text stands for an object's Identity.
func inputObject(v any) (psobject.Object, bool) {
	o, ok := v.(*object)
	if !ok {
		one, ok := toWire(v)
		if _, nested := one.([]string); !ok || nested {
			return psobject.Object{}, false
		}
		return psobject.Object{Type: "System.String", Properties: []psobject.Property{{Name: "Identity", Value: psobject.Text(one)}}}, true
	}
	out := psobject.Object{Type: o.typ}
	for _, p := range o.properties {
		value, ok := toWire(p.value)
		if !ok {
			value = text(p.value)
		}
		out.Properties = append(out.Properties, psobject.Property{Name: p.name, Value: value})
	}
	return out, true
}

// identity returns what names an object to a cmdlet.
func identity(o *object) string {
	for _, name := range []string{"Guid", "ObjectGUID", "Identity", "Name"} {
		if s := text(o.get(name)); s != "" {
			return s
		}
	}
	return ""
}

// text returns a value as the console shows it.
func text(v any) string {
	w := rendering{left: maxBytes}
	w.value(v, true)
	return w.String()
}

// joined is the items' text with a separator between.
func joined(items []any, separator string) string {
	w := rendering{left: maxBytes}
	w.items(items, separator)
	return w.String()
}

// within is the text of a value inside another one: an array's items with blanks between.
func within(v any) string { return joined([]any{v}, "") }

// expanded is a value's text inside a string: arrays with blanks between, dates without a culture.
func expanded(v any) string {
	w := rendering{left: maxBytes, invariant: true}
	w.value(v, false)
	return w.String()
}

// rendering writes a value as text. Values may contain each other many times over and
// even themselves, so it writes no more than so many bytes and so deep.
type rendering struct {
	strings.Builder
	left, depth int
	invariant   bool // dates without a culture
}

func (w *rendering) put(s string) {
	if w.left -= len(s) + 1; w.left > 0 {
		w.WriteString(s)
	}
}

func (w *rendering) items(items []any, separator string) {
	for i, item := range items {
		if w.left <= 0 {
			return
		}
		if i > 0 {
			w.put(separator)
		}
		w.value(item, false)
	}
}

// maxNesting is how deep a value's text goes.
const maxNesting = 50

// value writes v; outermost tells that nothing is around it, where an array has brackets.
func (w *rendering) value(v any, outermost bool) {
	if w.depth++; w.depth > maxNesting {
		w.put("...")
		w.depth--
		return
	}
	defer func() { w.depth-- }()
	switch v := v.(type) {
	case nil, nothing:
	case float64:
		w.put(floatText(v))
	case formatted:
		w.put(string(v))
	case time.Time:
		if w.invariant {
			w.put(v.Format("01/02/2006 15:04:05"))
			return
		}
		w.put(psobject.Text(v))
	case []any:
		if !outermost {
			w.items(v, " ")
			return
		}
		w.put("{")
		w.items(v, ", ")
		w.put("}")
	case *object:
		w.object(v)
	case *hash:
		w.put("System.Collections.Hashtable")
	case *parse.Block:
		w.put(strings.TrimSuffix(strings.TrimPrefix(v.Text[v.Start:v.End], "{"), "}"))
	default:
		w.put(psobject.Text(v))
	}
}

// object writes what names an object, and all properties of one that was made in the shell.
func (w *rendering) object(o *object) {
	if exception, ok := o.get("Exception").(*object); ok && o.typ == errorRecord {
		w.value(exception.get("Message"), false)
		return
	}
	if o.typ != custom {
		for _, name := range []string{"Identity", "Name"} {
			if s, ok := o.get(name).(string); ok && s != "" {
				w.put(s)
				return
			}
		}
		w.put(o.typ)
		return
	}
	w.put("@{")
	for i, p := range o.properties {
		if w.left <= 0 {
			return
		}
		if i > 0 {
			w.put("; ")
		}
		w.put(p.name + "=")
		w.value(p.value, false)
	}
	w.put("}")
}

// floatText writes 15 digits, as .NET Framework does.
func floatText(f float64) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "∞"
	case math.IsInf(f, -1):
		return "-∞"
	}
	return strconv.FormatFloat(f, 'G', 15, 64)
}

// truth is a value as a condition: empty, zero and $null are false.
func truth(v any) bool {
	switch v := v.(type) {
	case nil, nothing:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case int64:
		return v != 0
	case float64:
		return v != 0
	case []any:
		if len(v) == 1 {
			return truth(v[0])
		}
		return len(v) > 0
	}
	return true
}

// number converts a value to an int64 or float64.
func number(v any) (any, bool) {
	switch v := v.(type) {
	case nil, nothing:
		return int64(0), true
	case int64, float64:
		return v, true
	case bool:
		if v {
			return int64(1), true
		}
		return int64(0), true
	case string:
		s := strings.TrimSpace(v)
		if s == "" {
			return int64(0), true
		}
		digits, negative := strings.CutPrefix(s, "-")
		if !negative {
			digits = strings.TrimPrefix(s, "+")
		}
		n, ok := parse.Number(digits)
		if !ok || !negative {
			return n, ok
		}
		if i, ok := n.(int64); ok {
			return -i, true
		}
		return -n.(float64), true
	}
	return nil, false
}

func float(v any) float64 {
	if i, ok := v.(int64); ok {
		return float64(i)
	}
	f, _ := v.(float64)
	return f
}

var dates = []string{"1/2/2006 3:04:05 PM", "1/2/2006 15:04:05", "1/2/2006 3:04 PM", "1/2/2006 15:04", "1/2/2006", time.RFC3339, "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02"}

func date(v any) (time.Time, bool) {
	switch v := v.(type) {
	case time.Time:
		return v, true
	case string:
		for _, layout := range dates {
			if t, err := time.Parse(layout, v); err == nil {
				return t, true
			}
		}
	}
	return time.Time{}, false
}

// equal is -eq between two single values: the left one's type decides.
func equal(a, b any, exact bool) bool {
	switch a := a.(type) {
	case nil, nothing:
		return b == nil || b == nothing{}
	case string:
		if b == nil {
			return false
		}
		if exact {
			return a == expanded(b)
		}
		return strings.EqualFold(a, expanded(b))
	case bool:
		return b != nil && a == truth(b)
	case int64, float64:
		if b == nil {
			return false
		}
		n, ok := number(b)
		return ok && compareNumbers(a, n) == 0
	case time.Time:
		t, ok := date(b)
		return ok && a.Equal(t)
	case *object:
		o, ok := b.(*object)
		return ok && a == o
	case *hash:
		h, ok := b.(*hash)
		return ok && a == h
	case *parse.Block:
		s, ok := b.(*parse.Block)
		return ok && a == s
	}
	return false
}

func compareNumbers(a, b any) int {
	x, first := a.(int64)
	y, second := b.(int64)
	if first && second {
		return compareOrdered(x, y)
	}
	return compareOrdered(float(a), float(b))
}

func compareOrdered[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// order compares two single values for -lt and its like; an error names what cannot be compared.
func order(a, b any, exact bool) (int, error) {
	switch a := a.(type) {
	case string:
		return compareText(a, expanded(b), exact), nil
	case time.Time:
		t, ok := date(b)
		if !ok {
			return 0, problemf("Could not compare \"%s\" to \"%s\": the second is no date and time.", expanded(a), expanded(b))
		}
		return a.Compare(t), nil
	case nil, nothing:
		switch n := b.(type) {
		case nil, nothing:
			return 0, nil
		case int64, float64:
			if float(n) < 0 {
				return 1, nil
			}
		}
		return -1, nil // $null is less than zero and than any text
	case bool, int64, float64:
		if b == nil {
			n, err := order(nil, a, exact)
			return -n, err
		}
		n, ok := number(b)
		if !ok {
			return 0, problemf("Could not compare \"%s\" to \"%s\": the second is no number.", expanded(a), expanded(b))
		}
		m, _ := number(a)
		return compareNumbers(m, n), nil
	}
	return 0, problemf("Cannot compare \"%s\" because it is not IComparable.", text(a))
}

func compareText(a, b string, exact bool) int {
	if folded := strings.Compare(strings.ToLower(a), strings.ToLower(b)); folded != 0 || !exact {
		return folded
	}
	return -strings.Compare(a, b) // lower case sorts before upper case
}

// sortOrder orders any two values: $null first, and what cannot be compared by its text.
func sortOrder(a, b any, exact bool) int {
	if (a == nil) != (b == nil) {
		if a == nil {
			return -1
		}
		return 1
	}
	if n, err := order(a, b, exact); err == nil {
		return n
	}
	return compareText(text(a), text(b), exact)
}

// member reads a property of a value: an array without it answers with its items' properties.
func member(v any, name string) any {
	switch v := v.(type) {
	case nil, nothing:
		if is(name, "Count", "Length") {
			return int64(0)
		}
		return nil
	case *object:
		if p := v.find(name); p != nil {
			return p.value
		}
	case *hash:
		if value, ok := v.get(name); ok {
			return value
		}
		switch strings.ToLower(name) {
		case "count":
			return int64(len(v.pairs))
		case "keys", "values":
			items := make([]any, len(v.pairs))
			for i, p := range v.pairs {
				items[i] = p.key
				if is(name, "values") {
					items[i] = p.value
				}
			}
			return items
		}
		return nil
	case []any:
		if is(name, "Count", "Length") {
			return int64(len(v))
		}
		var items []any
		for _, item := range v {
			if item == nil {
				continue
			}
			if o, ok := item.(*object); ok && o.find(name) == nil {
				continue
			}
			if _, nested := item.([]any); nested {
				continue // its Count is answered above, and deeper PowerShell does not look
			}
			if found := member(item, name); found != nil {
				items = append(items, list(found)...)
			} else if _, ok := item.(*object); ok {
				items = append(items, nil)
			}
		}
		if len(items) == 0 {
			return nil
		}
		return single(items)
	case string:
		if is(name, "Length") {
			return int64(len([]rune(v)))
		}
	case time.Time:
		switch strings.ToLower(name) {
		case "year":
			return int64(v.Year())
		case "month":
			return int64(v.Month())
		case "day":
			return int64(v.Day())
		case "hour":
			return int64(v.Hour())
		case "minute":
			return int64(v.Minute())
		case "second":
			return int64(v.Second())
		case "dayofweek":
			return v.Weekday().String()
		}
	}
	if is(name, "Count", "Length") {
		return int64(1)
	}
	return nil
}

func is(name string, names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}
