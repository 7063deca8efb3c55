package shell

import "hma/wire/psobject"

func formatListCmdlet() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Format-List", Synopsis: "Shows objects one property a line.",
		Params: []psobject.Parameter{at(0, named("Property", "any")), inputParameter}}, func(c *call) (*stage, error) {
		columns, err := c.columns("Property")
		if err != nil {
			return nil, err
		}
		listed := false
		return &stage{
			process: func(v any) error {
				for _, v := range entries(v) {
					o, ok := v.(*object)
					if !ok {
						if err := c.out(formatted(clean(text(v)) + "\n")); err != nil {
							return err
						}
						continue
					}
					properties := o.properties
					if columns != nil {
						if properties, err = c.choose(o, columns, false); err != nil {
							return err
						}
					}
					if len(properties) == 0 {
						continue
					}
					listed = true
					if err := c.out(formatted(c.formatList(properties, c.Width))); err != nil {
						return err
					}
				}
				return nil
			},
			end: func() error {
				if !listed {
					return nil
				}
				return c.out(formatted("\n"))
			},
		}, nil
	}}
}

// entries are the objects that a value is laid out as: a hashtable is one for each key.
func entries(v any) []any {
	h, ok := v.(*hash)
	if !ok {
		return []any{v}
	}
	var out []any
	for _, p := range h.pairs {
		out = append(out, &object{typ: "System.Collections.DictionaryEntry", properties: []property{{"Name", p.key}, {"Value", p.value}}})
	}
	return out
}
