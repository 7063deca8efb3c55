package shell

import "hma/wire/psobject"

func formatTableCmdlet() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Format-Table", Synopsis: "Shows objects one a line, a column for each property.",
		Params: []psobject.Parameter{at(0, named("Property", "any")), named("AutoSize", "switch", "Auto"), named("HideTableHeaders", "switch"),
			named("Wrap", "switch"), inputParameter}}, func(c *call) (*stage, error) {
		columns, err := c.columns("Property")
		if err != nil {
			return nil, err
		}
		t := &table{noHeader: c.flag("HideTableHeaders"), wrap: c.flag("Wrap")}
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
					if columns == nil {
						columns = defaultColumns(o)
					}
					properties, err := c.choose(o, columns, true)
					if err != nil {
						return err
					}
					t.add(properties)
				}
				return nil
			},
			end: func() error {
				if len(t.columns) == 0 {
					return nil
				}
				return c.out(formatted(c.formatTable(t, c.Width)))
			},
		}, nil
	}}
}
