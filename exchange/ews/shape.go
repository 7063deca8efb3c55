package ews

import (
	"cmp"
	"strconv"
	"strings"
	"sync"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// shape is an ItemShape made ready: what to read of an item and what to write.
// It is immutable and shared between requests.
type shape struct {
	props    []*itemProperty // in the order of the schema
	extended []extended
	headers  map[string]bool // of item:InternetMessageHeader, lower case
	entries  map[*entry]bool // of dictionaries
	bodyType string          // HTML, Text, or Best
	// of UniqueBody and NormalizedBody
	uniqueType, normalType string
	filter, block, blank   bool       // FilterHtmlContent, BlockExternalImages, AddBlankTargetToLinks
	maxBody                int        // letters, 0 without a limit
	want                   store.Want // without named properties that only the mailbox knows
	bodies                 bool
	listed                 bool // of FindItem
}

// shapeCache keeps compiled shapes: a client sends the same few for ever.
type shapeCache struct {
	mu     sync.Mutex
	shapes map[string]*shape
}

// maxShapes is how many shapes are kept before the cache starts anew.
const maxShapes = 256

// maxExtended is how many extended properties a shape names and how many properties an
// item is given at most: each is looked for among the others.
const maxExtended = 1000

// itemShape returns the shape that an ItemShape element asks for in a schema; listed
// leaves out what FindItem never gives.
func (d *Door) itemShape(e *soap.Element, v schema, listed bool) (*shape, error) {
	var key strings.Builder
	key.WriteString(strconv.Itoa(int(v)))
	key.WriteString(strconv.FormatBool(listed))
	canonical(&key, e)
	d.shapes.mu.Lock()
	s := d.shapes.shapes[key.String()]
	d.shapes.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := compileShape(e, v, listed)
	if err != nil {
		return nil, err
	}
	d.shapes.mu.Lock()
	defer d.shapes.mu.Unlock()
	if d.shapes.shapes == nil || len(d.shapes.shapes) >= maxShapes {
		d.shapes.shapes = make(map[string]*shape)
	}
	if key.Len() < 64<<10 {
		d.shapes.shapes[key.String()] = s
	}
	return s, nil
}

// canonical appends an unambiguous text of an element.
func canonical(b *strings.Builder, e *soap.Element) {
	b.WriteByte('<')
	b.WriteString(e.Name.Local)
	for _, a := range e.Attrs {
		b.WriteByte(' ')
		b.WriteString(a.Name.Local)
		b.WriteString(strconv.Quote(a.Value))
	}
	b.WriteString(strconv.Quote(e.Text))
	for _, c := range e.Children {
		canonical(b, c)
	}
	b.WriteByte('>')
}

func compileShape(e *soap.Element, v schema, listed bool) (*shape, error) {
	s := &shape{bodyType: "Best", listed: listed, entries: make(map[*entry]bool)}
	base := e.Child(soap.NSTypes, "BaseShape")
	if base == nil {
		return nil, invalid(e, "BaseShape is missing")
	}
	asked := map[*itemProperty]bool{itemByURI["item:ItemId"]: true}
	for _, p := range itemProperties {
		switch base.Text {
		case "IdOnly":
		case "Default":
			asked[p] = asked[p] || p.in&inDefault != 0 && p.since <= v
		case "AllProperties", "PcxPeopleSearch":
			asked[p] = asked[p] || p.in&notAll == 0 && p.since <= v
		default:
			return nil, invalid(base, "%q is no base shape", base.Text)
		}
	}
	for _, child := range e.Children {
		switch child.Name.Local {
		case "IncludeMimeContent":
			if v, _ := parseValue(mapi.Boolean, child.Text); v == true {
				asked[itemByURI["item:MimeContent"]] = true
			}
		case "BodyType", "UniqueBodyType", "NormalizedBodyType":
			if child.Text != "HTML" && child.Text != "Text" && child.Text != "Best" {
				return nil, invalid(child, "%q is no body type", child.Text)
			}
			*map[string]*string{"BodyType": &s.bodyType, "UniqueBodyType": &s.uniqueType, "NormalizedBodyType": &s.normalType}[child.Name.Local] = child.Text
		case "FilterHtmlContent", "BlockExternalImages", "AddBlankTargetToLinks", "ConvertHtmlCodePageToUTF8":
			v, ok := parseValue(mapi.Boolean, child.Text)
			if !ok {
				return nil, invalid(child, "%s is no Boolean", child.Name.Local)
			}
			// Every body is kept and told in UTF-8: there is nothing to convert.
			if to := map[string]*bool{"FilterHtmlContent": &s.filter, "BlockExternalImages": &s.block, "AddBlankTargetToLinks": &s.blank}[child.Name.Local]; to != nil {
				*to = v.(bool)
			}
		case "MaximumBodySize":
			n, err := strconv.Atoi(child.Text)
			if err != nil || n < 0 {
				return nil, invalid(child, "MaximumBodySize is no size")
			}
			s.maxBody = n
		case "AdditionalProperties":
			if err := s.additional(child, asked); err != nil {
				return nil, err
			}
		}
	}
	s.uniqueType, s.normalType = cmp.Or(s.uniqueType, s.bodyType), cmp.Or(s.normalType, s.bodyType)
	headers := itemByURI["item:InternetMessageHeaders"]
	if asked[headers] {
		s.headers = nil // all of them
	} else if s.headers != nil {
		asked[headers] = true
	}
	for _, p := range itemProperties {
		some := false
		for _, e := range p.entries {
			some = some || s.entries[e]
			s.entries[e] = s.entries[e] || asked[p]
		}
		asked[p] = asked[p] || some
		if asked[p] && !(listed && p.in&onlyGet != 0) {
			s.props = append(s.props, p)
			s.needs(p)
		}
	}
	return s, nil
}

func (s *shape) additional(e *soap.Element, asked map[*itemProperty]bool) error {
	for _, path := range e.Children {
		switch path.Name.Local {
		case "FieldURI":
			uri, _ := path.Attr("FieldURI")
			if p := itemByURI[uri]; p != nil {
				asked[p] = true
			} else if prefix, _, found := strings.Cut(uri, ":"); !found || !fieldPrefixes[prefix] {
				return invalid(path, "%q is no FieldURI", uri)
			}
		case "IndexedFieldURI":
			uri, _ := path.Attr("FieldURI")
			index, _ := path.Attr("FieldIndex")
			if uri == "item:InternetMessageHeader" && index != "" && !s.listed {
				if s.headers == nil {
					s.headers = make(map[string]bool)
				}
				s.headers[strings.ToLower(index)] = true
			} else if e := entryByPath[indexedPath{uri, index}]; e != nil {
				s.entries[e] = true
			} else if prefix, _, found := strings.Cut(uri, ":"); !found || !fieldPrefixes[prefix] {
				return invalid(path, "%q is no indexed FieldURI", uri)
			}
		case "ExtendedFieldURI":
			x, err := parseExtended(path)
			if err != nil {
				return err
			}
			if len(s.extended) == maxExtended {
				return invalid(path, "more than %d extended properties", maxExtended)
			}
			s.extended = append(s.extended, x)
			if x.name == (mapi.Name{}) {
				s.want.Tags = append(s.want.Tags, x.tag)
			}
		default:
			return invalid(path, "%s is no path to a property", path.Name.Local)
		}
	}
	return nil
}

// needs adds to what must be read what a property needs.
func (s *shape) needs(p *itemProperty) {
	if p.tag != 0 {
		s.want.Tags = append(s.want.Tags, p.tag)
	}
	if p.bit != 0 {
		s.want.Tags = append(s.want.Tags, mapi.PidTagMessageFlags)
	}
	s.want.Tags = append(s.want.Tags, p.also...)
	for _, e := range p.entries {
		if s.entries[e] {
			s.want.Tags = append(s.want.Tags, e.tag)
			s.want.Tags = append(s.want.Tags, e.also...)
		}
	}
	s.want.Recipients = s.want.Recipients || p.rcpt != 0
	s.want.Attachments = s.want.Attachments || p.in&wantAttached != 0
	s.want.MIME = s.want.MIME || p.in&wantMIME != 0
	if p.in&wantBody != 0 {
		s.bodies = true
		s.want.Tags = append(s.want.Tags, mapi.PidTagBody, mapi.PidTagHTML, mapi.PidTagNativeBody)
	}
}

// readItem is a shape in one mailbox: what to read there, and the tags of the
// shape's extended properties.
type readItem struct {
	*shape
	want store.Want
	tags []mapi.Tag
}

// reading finds the mailbox's numbers for a shape's named properties.
func (c *call) reading(s *shape) (*readItem, error) {
	tags, err := c.tags(s.extended, false)
	if err != nil {
		return nil, err
	}
	r := &readItem{shape: s, want: s.want, tags: tags}
	r.want.Tags = append(r.want.Tags[:len(r.want.Tags):len(r.want.Tags)], mapi.PidTagMessageClass)
	for _, tag := range tags {
		if tag.IsNamed() {
			r.want.Tags = append(r.want.Tags, tag)
		}
	}
	return r, nil
}

// readShape compiles the request's ItemShape for the caller's mailbox.
func (c *call) readShape(listed bool) (*readItem, error) {
	e, err := c.child("ItemShape")
	if err != nil {
		return nil, err
	}
	s, err := c.door.itemShape(e, c.schema, listed)
	if err != nil {
		return nil, err
	}
	return c.reading(s)
}
