package ews

import (
	"slices"
	"strconv"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// field is a path of a restriction or an order, in the caller's mailbox. A field
// without tags is one that no item can have.
type field struct {
	tags []mapi.Tag // alternatives: one of them must match
	enum []string
	bit  int32 // a Boolean made of a bit of PidTagMessageFlags
	rcpt int32 // in the recipient table
}

// never holds for no item.
var never = mapi.Or{}

// restrictions compiles restrictions over the properties that find knows.
type restrictions struct {
	*call
	byURI func(uri string) (field, bool)
	learn bool // names that the mailbox does not know
	nodes int
	depth int
}

// itemField returns what a restriction on items looks at for a FieldURI.
func itemField(uri string) (field, bool) {
	p := itemByURI[uri]
	if p == nil || p.in&noSearch != 0 {
		return field{}, false
	}
	f := field{enum: p.enum, bit: p.bit, rcpt: p.rcpt}
	switch {
	case p.rcpt != 0:
		f.tags = []mapi.Tag{mapi.PidTagDisplayName, mapi.PidTagSmtpAddress}
	case p.bit != 0:
		f.tags = []mapi.Tag{mapi.PidTagMessageFlags}
	case p.tag != 0:
		f.tags = []mapi.Tag{p.tag}
	default:
		f.tags = slices.Clone(p.also)
		for _, e := range p.entries {
			f.tags = append(f.tags, e.tag)
		}
	}
	return f, true
}

// restriction compiles the Restriction element e, nil for none.
func (c *call) restriction(e *soap.Element, byURI func(string) (field, bool)) (mapi.Restriction, error) {
	if e == nil {
		return nil, nil
	}
	if len(e.Children) != 1 {
		return nil, invalid(e, "Restriction must hold one search expression")
	}
	return (&restrictions{call: c, byURI: byURI}).node(e.Children[0])
}

func (r *restrictions) node(e *soap.Element) (mapi.Restriction, error) {
	// The limits are those of mapi.WithinLimits, kept here too so that nothing grows past them.
	if r.nodes++; r.nodes > mapi.MaxRestrictionNodes || r.depth > mapi.MaxRestrictionDepth {
		return nil, store.ErrTooComplex
	}
	r.depth++
	defer func() { r.depth-- }()
	switch e.Name.Local {
	case "And", "Or":
		parts := make([]mapi.Restriction, 0, len(e.Children))
		for _, child := range e.Children {
			part, err := r.node(child)
			if err != nil {
				return nil, err
			}
			parts = append(parts, part)
		}
		if len(parts) == 0 {
			return nil, invalid(e, "%s is empty", e.Name.Local)
		}
		if e.Name.Local == "And" {
			return mapi.And(parts), nil
		}
		return mapi.Or(parts), nil
	case "Not":
		if len(e.Children) != 1 {
			return nil, invalid(e, "Not must hold one search expression")
		}
		part, err := r.node(e.Children[0])
		return mapi.Not{Part: part}, err
	case "Exists":
		return r.exists(e)
	case "Contains":
		return r.contains(e)
	case "Excludes":
		return r.excludes(e)
	}
	if op, ok := relations[e.Name.Local]; ok {
		return r.relation(e, op)
	}
	return nil, invalid(e, "%s is no search expression", e.Name.Local)
}

var relations = map[string]mapi.RelOp{
	"IsEqualTo": mapi.EQ, "IsNotEqualTo": mapi.NE, "IsLessThan": mapi.LT, "IsLessThanOrEqualTo": mapi.LE,
	"IsGreaterThan": mapi.GT, "IsGreaterThanOrEqualTo": mapi.GE,
}

// path reads the path that is the first child of an expression.
func (r *restrictions) path(e *soap.Element) (field, error) {
	if len(e.Children) == 0 {
		return field{}, invalid(e, "%s names no property", e.Name.Local)
	}
	return r.field(e.Children[0], r.byURI, r.learn)
}

// field reads a path to a property. With learn the mailbox gives a name that it does not know a number.
func (c *call) field(e *soap.Element, byURI func(string) (field, bool), learn bool) (field, error) {
	var x extended
	switch e.Name.Local {
	case "FieldURI":
		uri, _ := e.Attr("FieldURI")
		f, ok := byURI(uri)
		if !ok {
			return f, errPathForQuery
		}
		return f, nil
	case "IndexedFieldURI":
		uri, _ := e.Attr("FieldURI")
		index, _ := e.Attr("FieldIndex")
		if e := entryByPath[indexedPath{uri, index}]; e != nil {
			if _, known := byURI(e.of.uri); known {
				return field{tags: []mapi.Tag{e.tag}}, nil
			}
		}
		if uri != "item:InternetMessageHeader" || index == "" {
			return field{}, errPathForQuery
		}
		x = extended{name: mapi.Name{Set: mapi.PSInternetHeaders, Text: index}, tag: mapi.NewTag(0, mapi.Unicode)}
	case "ExtendedFieldURI":
		var err error
		if x, err = parseExtended(e); err != nil {
			return field{}, err
		}
	default:
		return field{}, invalid(e, "%s is no path to a property", e.Name.Local)
	}
	tags, err := c.tags([]extended{x}, learn)
	if err != nil || tags[0] == 0 {
		return field{}, err
	}
	return field{tags: tags}, nil
}

// anyOf makes a condition on one property one on the field: one of its
// properties must match, in one recipient where it is a list of them.
func (f field) anyOf(condition func(tag mapi.Tag) mapi.Restriction) mapi.Restriction {
	var parts mapi.Or
	for _, tag := range f.tags {
		parts = append(parts, condition(tag))
	}
	var one mapi.Restriction = parts
	if len(parts) == 1 {
		one = parts[0]
	}
	if f.rcpt != 0 {
		one = mapi.Sub{Object: mapi.Recipients, Part: mapi.And{
			mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagRecipientType, Value: f.rcpt}, one}}
	}
	return one
}

func (r *restrictions) exists(e *soap.Element) (mapi.Restriction, error) {
	f, err := r.path(e)
	if err != nil {
		return nil, err
	}
	return f.anyOf(func(tag mapi.Tag) mapi.Restriction { return mapi.Exist{Tag: tag} }), nil
}

func (r *restrictions) relation(e *soap.Element, op mapi.RelOp) (mapi.Restriction, error) {
	f, err := r.path(e)
	if err != nil {
		return nil, err
	}
	right := e.Child(soap.NSTypes, "FieldURIOrConstant")
	if right == nil || len(right.Children) != 1 {
		return nil, invalid(e, "%s must hold one FieldURIOrConstant", e.Name.Local)
	}
	if right.Children[0].Name.Local != "Constant" {
		other, err := r.field(right.Children[0], r.byURI, r.learn)
		if err != nil {
			return nil, err
		}
		if len(f.tags) == 0 || len(other.tags) == 0 {
			return never, nil
		}
		if f.bit != 0 || other.bit != 0 || f.rcpt != 0 || other.rcpt != 0 || len(f.tags) > 1 || len(other.tags) > 1 {
			return nil, errPathForQuery
		}
		return mapi.Compare{Op: op, Left: f.tags[0], Right: other.tags[0]}, nil
	}
	constant, _ := right.Children[0].Attr("Value")
	if f.bit != 0 {
		return f.flag(op, constant)
	}
	return f.compare(op, constant)
}

// flag compares a bit of PidTagMessageFlags with a Boolean.
func (f field) flag(op mapi.RelOp, constant string) (mapi.Restriction, error) {
	v, ok := parseValue(mapi.Boolean, constant)
	if !ok || op != mapi.EQ && op != mapi.NE {
		return nil, errPropertyValue
	}
	set := v.(bool) == (op == mapi.EQ)
	return mapi.Bitmask{Zero: !set, Tag: mapi.PidTagMessageFlags, Mask: uint32(f.bit)}, nil
}

func (f field) compare(op mapi.RelOp, constant string) (mapi.Restriction, error) {
	// What differs from a constant differs in every value of a list and every
	// way to name a person.
	negate := op == mapi.NE && (len(f.tags) != 1 || f.rcpt != 0 || f.tags[0].Type().IsMulti())
	if negate {
		op = mapi.EQ
	}
	bad := false
	result := f.anyOf(func(tag mapi.Tag) mapi.Restriction {
		v, ok := f.constant(tag, constant)
		bad = bad || !ok
		return mapi.Property{Op: op, Tag: tag, Value: v}
	})
	if bad {
		return nil, errPropertyValue
	}
	if negate {
		return mapi.Not{Part: result}, nil
	}
	return result, nil
}

func (f field) constant(tag mapi.Tag, text string) (any, bool) {
	for i, word := range f.enum {
		if word == text {
			return int32(i), true
		}
	}
	return parseValue(tag.Type().Single(), text)
}

var containment = map[string]mapi.Fuzzy{
	"FullString": mapi.FullString, "Prefixed": mapi.Prefix, "Substring": mapi.Substring,
	"PrefixOnWords": mapi.PrefixOnWords, "ExactPhrase": mapi.PhraseMatch,
}

var comparison = map[string]mapi.Fuzzy{
	"Exact": 0, "IgnoreCase": mapi.IgnoreCase, "IgnoreNonSpacingCharacters": mapi.IgnoreNonSpace, "Loose": mapi.Loose,
	"IgnoreCaseAndNonSpacingCharacters": mapi.IgnoreCase | mapi.IgnoreNonSpace, "LooseAndIgnoreCase": mapi.Loose | mapi.IgnoreCase,
	"LooseAndIgnoreNonSpace":                mapi.Loose | mapi.IgnoreNonSpace,
	"LooseAndIgnoreCaseAndIgnoreNonSpace":   mapi.Loose | mapi.IgnoreCase | mapi.IgnoreNonSpace,
	"LooseAndIgnoreCaseAndIgnoreNonSpacing": mapi.Loose | mapi.IgnoreCase | mapi.IgnoreNonSpace,
}

func (r *restrictions) contains(e *soap.Element) (mapi.Restriction, error) {
	f, err := r.path(e)
	if err != nil {
		return nil, err
	}
	constant := e.Child(soap.NSTypes, "Constant")
	if constant == nil {
		return nil, invalid(e, "Contains has no Constant")
	}
	value, _ := constant.Attr("Value")
	mode, given := e.Attr("ContainmentMode")
	fuzzy, known := containment[mode]
	if given && !known {
		return nil, invalid(e, "%q is no containment mode", mode)
	}
	how, given := e.Attr("ContainmentComparison")
	folds, known := comparison[how]
	if given && !known {
		return nil, invalid(e, "%q is no containment comparison", how)
	}
	for _, tag := range f.tags {
		if single := tag.Type().Single(); !single.IsString() && single != mapi.Binary {
			return nil, errPathForQuery
		}
	}
	return f.anyOf(func(tag mapi.Tag) mapi.Restriction {
		var v any = value
		if tag.Type().Single() == mapi.Binary {
			v = []byte(value)
		}
		return mapi.Content{Tag: tag, Fuzzy: fuzzy | folds, Value: v}
	}), nil
}

func (r *restrictions) excludes(e *soap.Element) (mapi.Restriction, error) {
	f, err := r.path(e)
	if err != nil {
		return nil, err
	}
	mask := e.Child(soap.NSTypes, "Bitmask")
	if mask == nil {
		return nil, invalid(e, "Excludes has no Bitmask")
	}
	text, _ := mask.Attr("Value")
	bits, err := strconv.ParseUint(text, 0, 32)
	if err != nil {
		return nil, errPropertyValue
	}
	for _, tag := range f.tags {
		if tag.Type() != mapi.Integer32 {
			return nil, errPathForQuery
		}
	}
	return f.anyOf(func(tag mapi.Tag) mapi.Restriction { return mapi.Bitmask{Zero: true, Tag: tag, Mask: uint32(bits)} }), nil
}

// sortTag reads a path to what items are ordered or grouped by: an author's name, of a
// list its first value.
func (c *call) sortTag(e *soap.Element) (mapi.Tag, error) {
	f, err := c.field(e, itemField, false)
	if err == errPathForQuery || err == nil && (len(f.tags) == 0 || f.rcpt != 0 || f.bit != 0) {
		err = errPathForSort
	}
	if err != nil {
		return 0, err
	}
	return f.tags[0], nil
}

// order reads a SortOrder, nil for none.
func (c *call) order(e *soap.Element) ([]store.SortKey, error) {
	if e == nil {
		return nil, nil
	}
	var keys []store.SortKey
	for _, o := range e.Children {
		direction, _ := o.Attr("Order")
		if o.Name.Local != "FieldOrder" || len(o.Children) != 1 || direction != "Ascending" && direction != "Descending" {
			return nil, invalid(o, "malformed field order")
		}
		tag, err := c.sortTag(o.Children[0])
		if err != nil {
			return nil, err
		}
		keys = append(keys, store.SortKey{Tag: tag, Desc: direction == "Descending"})
	}
	if len(keys) == 0 {
		return nil, invalid(e, "SortOrder is empty")
	}
	return keys, nil
}
