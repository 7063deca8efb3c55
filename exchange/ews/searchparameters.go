package ews

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"sync"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// searchParametersURI is what a search folder looks for (MS-OXWSSRCH 2.2.4.31,
// SearchParametersType); FindFolder leaves it out.
const searchParametersURI = "folder:SearchParameters"

// searchParameters reads what a search folder is to look for. The mailbox learns the
// names of properties: an item can have them later.
func (c *call) searchParameters(e *soap.Element) (*store.Search, error) {
	s := &store.Search{}
	switch traversal, given := e.Attr("Traversal"); {
	case traversal == "Deep":
		s.Deep = true
	case given && traversal != "Shallow":
		return nil, invalid(e, "%q is no traversal", traversal)
	}
	where, bases := e.Child(soap.NSTypes, "Restriction"), e.Child(soap.NSTypes, "BaseFolderIds")
	if where == nil || bases == nil || len(bases.Children) == 0 {
		return nil, invalid(e, "Restriction or BaseFolderIds is missing")
	}
	if len(bases.Children) > store.MaxSearchBases {
		return nil, store.ErrTooComplex
	}
	if len(where.Children) != 1 {
		return nil, invalid(where, "Restriction must hold one search expression")
	}
	var err error
	if s.Where, err = (&restrictions{call: c, byURI: itemField, learn: true}).node(where.Children[0]); err != nil {
		return nil, err
	}
	for _, base := range bases.Children {
		id, err := c.folderID(base)
		if err != nil {
			return nil, err
		}
		s.Bases = append(s.Bases, id)
	}
	return s, nil
}

// writeSearchParameters writes what a search folder looks for, to those who may know it.
func (c *call) writeSearchParameters(f *store.Folder) error {
	if f.Kind != store.SearchFolder {
		return nil
	}
	box := c.box(f.ID)
	s, err := box.SearchOf(c.ctx, f.ID)
	if errors.Is(err, store.ErrDenied) {
		return nil
	}
	if err != nil {
		return err
	}
	traversal := "Shallow"
	if s.Deep {
		traversal = "Deep"
	}
	c.w.Start("t:SearchParameters", "Traversal", traversal)
	c.w.Start("t:Restriction")
	if err := (&conditionWriter{call: c, box: box}).write(s.Where); err != nil {
		return err
	}
	c.w.End("t:Restriction")
	c.w.Start("t:BaseFolderIds")
	for _, id := range s.Bases {
		c.w.Empty("t:FolderId", "Id", id.Encode(c.door.opts.IDKey))
	}
	c.w.End("t:BaseFolderIds")
	c.w.End("t:SearchParameters")
	return nil
}

// conditionWriter writes a restriction as the elements that restrictions reads.
type conditionWriter struct {
	*call
	box *store.Mailbox
}

// oneProperty is a restriction on one property as elements see it, whatever MAPI
// properties it is made of.
type oneProperty struct {
	field
	one mapi.Restriction // on the first of them
}

// knownPath is a path by which elements name properties.
type knownPath struct {
	uri, index string
	enum       []string
}

func (f field) key() string { return fmt.Sprint(f.tags, f.bit, f.rcpt) }

// knownPaths are the paths by the fields that they mean.
var knownPaths = sync.OnceValue(func() map[string]knownPath {
	paths := make(map[string]knownPath)
	add := func(f field, p knownPath) {
		if _, there := paths[f.key()]; !there { // Start of an event and of a task are one property
			paths[f.key()] = p
		}
	}
	for _, p := range itemProperties {
		if f, searched := itemField(p.uri); searched {
			add(f, knownPath{p.uri, "", p.enum})
		}
		for _, e := range p.entries {
			add(field{tags: []mapi.Tag{e.tag}}, knownPath{e.uri, e.key, nil})
		}
	}
	return paths
})

// onTag returns a restriction's property and the restriction on no property.
func onTag(r mapi.Restriction) (tag mapi.Tag, shape mapi.Restriction) {
	switch r := r.(type) {
	case mapi.Exist:
		return r.Tag, mapi.Exist{}
	case mapi.Property:
		tag, r.Tag = r.Tag, 0
		return tag, r
	case mapi.Content:
		tag, r.Tag = r.Tag, 0
		return tag, r
	case mapi.Bitmask:
		tag, r.Tag = r.Tag, 0
		return tag, r
	}
	return 0, nil
}

// onePropertyOf tells what one element a restriction is, if it is one.
func onePropertyOf(r mapi.Restriction) (oneProperty, bool) {
	switch v := r.(type) {
	case mapi.Or:
		c := oneProperty{}
		var same mapi.Restriction
		for i, part := range v {
			tag, shape := onTag(part)
			if shape == nil || i > 0 && !reflect.DeepEqual(shape, same) {
				return c, false
			}
			same = shape
			c.tags = append(c.tags, tag)
		}
		if len(v) < 2 {
			return c, false
		}
		c.one = v[0]
		return c, true
	case mapi.Sub:
		both, _ := v.Part.(mapi.And)
		if v.Object != mapi.Recipients || len(both) != 2 {
			return oneProperty{}, false
		}
		kind, _ := both[0].(mapi.Property)
		rcpt, _ := kind.Value.(int32)
		c, ok := onePropertyOf(both[1])
		c.rcpt = rcpt
		return c, ok && kind.Tag == mapi.PidTagRecipientType && kind.Op == mapi.EQ
	}
	tag, shape := onTag(r)
	return oneProperty{field{tags: []mapi.Tag{tag}}, r}, shape != nil
}

var errNoCondition = fmt.Errorf("a condition that no element tells: %w", store.ErrInvalid)

func (w *conditionWriter) write(r mapi.Restriction) error {
	if c, ok := onePropertyOf(r); ok {
		path, known := knownPaths()[c.key()]
		if known || len(c.tags) == 1 && c.rcpt == 0 {
			return w.condition(c, path)
		}
	}
	switch r := r.(type) {
	case mapi.And:
		return w.join("t:And", r...)
	case mapi.Or:
		return w.join("t:Or", r...)
	case mapi.Not:
		return w.join("t:Not", r.Part)
	case mapi.Compare:
		name := "t:" + relationName(r.Op)
		w.w.Start(name)
		if err := w.path(r.Left); err != nil {
			return err
		}
		w.w.Start("t:FieldURIOrConstant")
		if err := w.path(r.Right); err != nil {
			return err
		}
		w.w.End("t:FieldURIOrConstant")
		w.w.End(name)
		return nil
	}
	return errNoCondition
}

func (w *conditionWriter) join(element string, parts ...mapi.Restriction) error {
	if len(parts) == 0 {
		return errNoCondition
	}
	w.w.Start(element)
	for _, part := range parts {
		if err := w.write(part); err != nil {
			return err
		}
	}
	w.w.End(element)
	return nil
}

// condition writes the element of a condition on a property, known by a path or by its tag.
func (w *conditionWriter) condition(c oneProperty, path knownPath) error {
	name, value := "", func() {}
	constant := func(element string, text string) func() {
		return func() {
			w.w.Start(element)
			w.w.Empty("t:Constant", "Value", text)
			w.w.End(element)
		}
	}
	var attrs []string
	switch r := c.one.(type) {
	case mapi.Exist:
		name = "Exists"
	case mapi.Property:
		name = relationName(r.Op)
		value = constant("t:FieldURIOrConstant", constantText(r.Value, path.enum))
	case mapi.Content:
		name = "Contains"
		attrs = contains(r.Fuzzy)
		text, _ := r.Value.(string)
		if raw, ok := r.Value.([]byte); ok {
			text = string(raw)
		}
		value = func() { w.w.Empty("t:Constant", "Value", text) }
	case mapi.Bitmask:
		flag, known := knownPaths()[field{tags: []mapi.Tag{mapi.PidTagMessageFlags}, bit: int32(r.Mask)}.key()]
		if known && r.Tag == mapi.PidTagMessageFlags {
			name, path = relationName(mapi.EQ), flag
			value = constant("t:FieldURIOrConstant", strconv.FormatBool(!r.Zero))
			break
		}
		if !r.Zero {
			return w.join("t:Not", mapi.Bitmask{Zero: true, Tag: r.Tag, Mask: r.Mask})
		}
		name = "Excludes"
		value = func() { w.w.Empty("t:Bitmask", "Value", strconv.FormatUint(uint64(r.Mask), 10)) }
	}
	w.w.Start("t:"+name, attrs...)
	if path.uri == "" {
		if err := w.path(c.tags[0]); err != nil {
			return err
		}
	} else {
		w.known(path)
	}
	value()
	w.w.End("t:" + name)
	return nil
}

func (w *conditionWriter) known(path knownPath) {
	if path.index == "" {
		w.w.Empty("t:FieldURI", "FieldURI", path.uri)
	} else {
		w.w.Empty("t:IndexedFieldURI", "FieldURI", path.uri, "FieldIndex", path.index)
	}
}

// path writes the path to a MAPI property.
func (w *conditionWriter) path(tag mapi.Tag) error {
	if path, known := knownPaths()[field{tags: []mapi.Tag{tag}}.key()]; known {
		w.known(path)
		return nil
	}
	typ := ""
	for name, t := range extendedTypes {
		if t == tag.Type() {
			typ = name
		}
	}
	if typ == "" {
		return errNoCondition
	}
	if tag.ID() < 0x8000 {
		w.w.Empty("t:ExtendedFieldURI", "PropertyTag", "0x"+strconv.FormatUint(uint64(tag.ID()), 16), "PropertyType", typ)
		return nil
	}
	names, err := w.box.Names(w.ctx, []uint16{tag.ID()})
	if err != nil {
		return err
	}
	if names[0].Set == mapi.PSInternetHeaders && names[0].Text != "" {
		w.known(knownPath{"item:InternetMessageHeader", names[0].Text, nil})
		return nil
	}
	if names[0].Text == "" {
		w.w.Empty("t:ExtendedFieldURI", "PropertySetId", names[0].Set.String(), "PropertyId", strconv.FormatUint(uint64(names[0].LID), 10), "PropertyType", typ)
	} else {
		w.w.Empty("t:ExtendedFieldURI", "PropertySetId", names[0].Set.String(), "PropertyName", names[0].Text, "PropertyType", typ)
	}
	return nil
}

func relationName(op mapi.RelOp) string {
	for name, of := range relations {
		if of == op {
			return name
		}
	}
	return ""
}

// constantText is a value of a restriction, without a loss.
func constantText(v any, enum []string) string {
	if n, ok := v.(int32); ok && n >= 0 && int(n) < len(enum) {
		return enum[n]
	}
	if t, ok := v.(time.Time); ok {
		return t.UTC().Format(time.RFC3339Nano)
	}
	return text(v)
}

// contains returns the attributes of Contains for a fuzzy level.
func contains(fuzzy mapi.Fuzzy) []string {
	mode, how := "", ""
	for name, of := range containment {
		if of == fuzzy.Mode() {
			mode = name
		}
	}
	for name, of := range comparison {
		// Two names mean all three: the schema's is the shorter one.
		if of == fuzzy&^fuzzy.Mode() && (how == "" || len(name) < len(how)) {
			how = name
		}
	}
	return []string{"ContainmentMode", mode, "ContainmentComparison", how}
}
