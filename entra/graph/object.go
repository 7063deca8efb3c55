package graph

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
)

// object is an entity with its properties in order. A value is a string, bool,
// nil, time, list of strings, or something that marshals and is not filtered by.
type object []property

type property struct {
	name  string
	value any
}

// get finds a property by name in any case: the how-to's commands write "AppId".
func (o object) get(name string) (property, bool) {
	for _, p := range o {
		if strings.EqualFold(p.name, name) {
			return p, true
		}
	}
	return property{}, false
}

// with returns the object with another value of one property.
func (o object) with(name string, value any) object {
	o = slices.Clone(o)
	for i, p := range o {
		if p.name == name {
			o[i].value = value
		}
	}
	return o
}

// MarshalJSON writes the properties in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('{')
	for i, p := range o {
		if i > 0 {
			out.WriteByte(',')
		}
		name, err := json.Marshal(p.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(p.value)
		if err != nil {
			return nil, err
		}
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}

// project keeps the selected properties; an unknown name is an error.
func (o object) project(selected []string) (object, error) {
	if len(selected) == 0 {
		return o, nil
	}
	var kept object
	for _, name := range selected {
		p, ok := o.get(name)
		if !ok {
			return nil, fail(400, "BadRequest", "Parsing OData Select and Expand failed: Could not find a property named '%s'.", clip(name))
		}
		if _, twice := kept.get(name); !twice {
			kept = append(kept, p)
		}
	}
	return kept, nil
}

// optional is a text property that is null when there is none.
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func optionalTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// texts is a list that is never null.
func texts(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func (s *service) context(req *request, set string, single bool) string {
	c := s.origin + "/v1.0/$metadata#" + set
	if len(req.options.selected) > 0 {
		c += "(" + strings.Join(req.options.selected, ",") + ")"
	}
	if single {
		c += "/$entity"
	}
	return c
}

// one is the answer with a single entity.
func (s *service) one(req *request, set string, o object) (*answer, error) {
	o, err := o.project(req.options.selected)
	if err != nil {
		return nil, err
	}
	return &answer{200, append(object{{"@odata.context", s.context(req, set, true)}}, o...)}, nil
}

// page is the answer with a collection; after is where the next page begins, empty at the end.
func (s *service) page(req *request, set string, all []object, after string, count int) (*answer, error) {
	values := make([]object, 0, len(all))
	for _, o := range all {
		o, err := o.project(req.options.selected)
		if err != nil {
			return nil, err
		}
		values = append(values, o)
	}
	out := object{{"@odata.context", s.context(req, set, false)}}
	if count >= 0 {
		out = append(out, property{"@odata.count", count})
	}
	if after != "" {
		q := req.http.URL.Query()
		for name := range q {
			if strings.EqualFold(name, "$skiptoken") {
				q.Del(name)
			}
		}
		q.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(after)))
		next := url.URL{Path: req.http.URL.Path, RawQuery: q.Encode()}
		out = append(out, property{"@odata.nextLink", s.origin + next.String()})
	}
	return &answer{200, append(out, property{"value", values})}, nil
}

// after reads where a page begins.
func (req *request) after() (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(req.options.skipToken)
	if err != nil || !plain(string(raw)) {
		return "", badRequest("The skip token is not valid.")
	}
	return string(raw), nil
}

// listed answers with a collection that is at hand as a whole, in a fixed
// order; the page token is the id of the last object shown.
func (s *service) listed(req *request, set string, all []object) (*answer, error) {
	match, err := req.predicate(all)
	if err != nil {
		return nil, err
	}
	if req.options.count && !req.advanced {
		return nil, unsupported("$count needs the header ConsistencyLevel: eventual.")
	}
	after, err := req.after()
	if err != nil {
		return nil, err
	}
	begun := after == ""
	var shown []object
	next, count := "", 0
	for _, o := range all {
		ok, err := match(o)
		if err != nil {
			return nil, err
		}
		id, _ := o[0].value.(string)
		if ok {
			count++
			switch {
			case begun && len(shown) < req.options.top:
				shown = append(shown, o)
			case begun && next == "":
				next, _ = shown[len(shown)-1][0].value.(string)
			}
		}
		if id == after {
			begun = true
		}
	}
	if !req.options.count {
		count = -1
	}
	return s.page(req, set, shown, next, count)
}

// predicate compiles $filter. Where there are objects, an unknown property is
// found before the first of them is looked at.
func (req *request) predicate(all []object) (func(object) (bool, error), error) {
	if req.options.filter == "" {
		return func(object) (bool, error) { return true, nil }, nil
	}
	f, err := parseFilter(req.options.filter)
	if err != nil {
		return nil, err
	}
	if f.advanced() && !req.advanced {
		return nil, unsupported("The filter needs the header ConsistencyLevel: eventual and $count=true.")
	}
	if len(all) > 0 {
		if _, err := f.match(all[0]); err != nil {
			return nil, err
		}
	}
	return f.match, nil
}
