package shell

import (
	"slices"

	"hma/wire/psobject"
)

func selectObject() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Select-Object", Synopsis: "Chooses properties of objects, or some of the objects.",
		Params: []psobject.Parameter{at(0, named("Property", "any")), named("ExcludeProperty", "any"), named("ExpandProperty", "string"), named("First", "int"),
			named("Last", "int"), named("Skip", "int"), named("Unique", "switch"), inputParameter}}, func(c *call) (*stage, error) {
		columns, err := c.columns("Property")
		if err != nil {
			return nil, err
		}
		if c.has("ExcludeProperty") && columns == nil {
			columns = []column{{name: "*"}}
		}
		if c.has("First") && c.has("Last") {
			return nil, c.unbound(c.args["Last"].at, c.name, "AmbiguousParameterSet", "-First and -Last cannot be used together here: select twice.")
		}
		s := &selection{call: c, columns: columns, skip: c.number("Skip", 0), first: c.number("First", -1), last: c.number("Last", -1)}
		return &stage{process: s.process, end: s.end}, nil
	}}
}

// selection is one run of Select-Object.
type selection struct {
	*call
	columns           []column
	skip, first, last int64
	put               int64
	kept              []any // the last ones, or what was put out when -Unique asks for it
}

func (s *selection) process(v any) error {
	switch {
	case s.last >= 0:
		s.kept = append(s.kept, v)
		if int64(len(s.kept)) > s.last+s.skip {
			s.kept = s.kept[1:]
		}
		return nil
	case s.first == 0:
		return errEnough
	case s.skip > 0:
		s.skip--
		return nil
	}
	if err := s.choose1(v); err != nil {
		return err
	}
	if s.put++; s.put == s.first {
		return errEnough
	}
	return nil
}

func (s *selection) end() error {
	if s.last < 0 {
		return nil
	}
	items := s.kept
	s.kept = nil
	for _, v := range items[:max(0, len(items)-int(s.skip))] {
		if err := s.choose1(v); err != nil {
			return err
		}
	}
	return nil
}

// choose1 puts one item out with the properties that were asked for.
func (s *selection) choose1(v any) error {
	out := []any{v}
	if s.columns != nil {
		properties, err := s.choose(v, s.columns, true)
		if err != nil {
			return err
		}
		made := &object{typ: custom}
		if o, ok := v.(*object); ok && o.typ != custom {
			made.typ = "Selected." + o.typ
		}
		for _, p := range properties {
			if !slices.ContainsFunc(s.list("ExcludeProperty"), func(x any) bool { return like(text(x), p.name, false) }) {
				made.properties = append(made.properties, p)
			}
		}
		out = []any{made}
	}
	if s.has("ExpandProperty") {
		name := s.string("ExpandProperty")
		found := ""
		if o, ok := v.(*object); ok {
			for _, p := range o.properties {
				if like(name, p.name, false) {
					if found != "" {
						return s.complain(s.failed("InvalidArgument", "PSArgumentException", "MutlipleExpandProperties", identity(o), "Multiple properties cannot be expanded: %s fits %s and %s.", name, found, p.name))
					}
					found = p.name
				}
			}
		}
		value := member(v, name)
		if found != "" {
			value = member(v, found)
		} else if value == nil {
			return s.complain(s.failed("InvalidArgument", "PSArgumentException", "ExpandPropertyNotFound", text(v), "Property \"%s\" cannot be found.", name))
		}
		out = list(value)
	}
	for _, one := range out {
		if s.flag("Unique") {
			if slices.ContainsFunc(s.kept, func(k any) bool { return alike(k, one) }) {
				continue
			}
			s.kept = append(s.kept, one)
		}
		if err := s.out(one); err != nil {
			return err
		}
	}
	return nil
}

// alike tells whether two items are the same: in their text, letter by letter, or in all properties.
func alike(a, b any) bool {
	o, ok1 := a.(*object)
	p, ok2 := b.(*object)
	if !ok1 || !ok2 {
		return ok1 == ok2 && text(a) == text(b)
	}
	return slices.EqualFunc(o.properties, p.properties, func(x, y property) bool { return x.name == y.name && text(x.value) == text(y.value) })
}
