package shell

import (
	"strings"

	"hma/wire/psobject"
)

func compareObject() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Compare-Object", Synopsis: "Shows what is in one of two lists only: <= in the first, => in the second.",
		Params: []psobject.Parameter{needed(at(0, named("ReferenceObject", "any"))), needed(at(1, named("DifferenceObject", "any"))), at(2, named("Property", "any")),
			named("IncludeEqual", "switch"), named("ExcludeDifferent", "switch"), named("CaseSensitive", "switch")}}, func(c *call) (*stage, error) {
		columns, err := c.columns("Property")
		if err != nil {
			return nil, err
		}
		return &stage{end: func() error { return c.compare(columns) }}, nil
	}}
}

// compare pairs the items of both lists, then puts out pairs, what only the second has, and what only the first has.
func (c *call) compare(columns []column) error {
	key := func(v any) (string, error) {
		s := text(v)
		if columns != nil {
			keys, err := c.keys(v, columns)
			if err != nil {
				return "", err
			}
			s = joined(keys, "\x00")
		}
		if !c.flag("CaseSensitive") {
			s = strings.ToLower(s)
		}
		return s, nil
	}
	reference, difference := c.list("ReferenceObject"), c.list("DifferenceObject")
	waiting := make(map[string][]int)
	for i, v := range reference {
		k, err := key(v)
		if err != nil {
			return err
		}
		waiting[k] = append(waiting[k], i)
	}
	paired := make([]bool, len(reference))
	var added []any
	for _, v := range difference {
		k, err := key(v)
		if err != nil {
			return err
		}
		if places := waiting[k]; len(places) > 0 {
			paired[places[0]] = true
			waiting[k] = places[1:]
		} else {
			added = append(added, v)
		}
	}
	put := func(v any, side string) error {
		o := &object{typ: custom}
		if columns == nil {
			o.properties = []property{{"InputObject", v}}
		} else {
			properties, err := c.choose(v, columns, true)
			if err != nil {
				return err
			}
			o.properties = properties
		}
		o.properties = append(o.properties, property{"SideIndicator", side})
		return c.out(o)
	}
	for i, v := range reference {
		if paired[i] && (c.flag("IncludeEqual") || c.flag("ExcludeDifferent")) {
			if err := put(v, "=="); err != nil {
				return err
			}
		}
	}
	if c.flag("ExcludeDifferent") {
		return nil
	}
	for _, v := range added {
		if err := put(v, "=>"); err != nil {
			return err
		}
	}
	for i, v := range reference {
		if !paired[i] {
			if err := put(v, "<="); err != nil {
				return err
			}
		}
	}
	return nil
}
