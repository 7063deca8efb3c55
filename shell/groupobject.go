package shell

import (
	"strings"

	"hma/wire/psobject"
)

func groupObject() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Group-Object", Synopsis: "Puts objects with the same values of properties together.",
		Params: []psobject.Parameter{at(0, named("Property", "any")), named("NoElement", "switch"), named("CaseSensitive", "switch"), inputParameter}}, func(c *call) (*stage, error) {
		columns, err := c.columns("Property")
		if err != nil {
			return nil, err
		}
		if columns == nil {
			columns = []column{{}}
		}
		type group struct {
			name  string
			items []any
		}
		var groups []*group
		byKey := make(map[string]*group)
		return &stage{
			process: func(v any) error {
				if v == nil {
					return nil
				}
				keys, err := c.keys(v, columns)
				if err != nil {
					return err
				}
				texts := make([]string, len(keys))
				for i, key := range keys {
					texts[i] = within(key)
				}
				key := strings.Join(texts, "\x00")
				if !c.flag("CaseSensitive") {
					key = strings.ToLower(key)
				}
				g := byKey[key]
				if g == nil {
					g = &group{name: strings.Join(texts, ", ")}
					byKey[key] = g
					groups = append(groups, g)
				}
				g.items = append(g.items, v)
				return nil
			},
			end: func() error {
				for _, g := range groups {
					o := &object{typ: groupInfo, properties: []property{{"Count", int64(len(g.items))}, {"Name", g.name}}}
					if c.flag("NoElement") {
						o.typ += "NoElement"
					} else {
						o.properties = append(o.properties, property{"Group", g.items})
					}
					if err := c.out(o); err != nil {
						return err
					}
				}
				return nil
			},
		}, nil
	}}
}
