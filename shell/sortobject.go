package shell

import (
	"slices"

	"hma/wire/psobject"
)

func sortObject() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Sort-Object", Synopsis: "Sorts objects by properties.",
		Params: []psobject.Parameter{at(0, named("Property", "any")), named("Descending", "switch"), named("Unique", "switch"), named("CaseSensitive", "switch"), inputParameter}}, func(c *call) (*stage, error) {
		columns, err := c.columns("Property")
		if err != nil {
			return nil, err
		}
		if columns == nil {
			columns = []column{{}}
		}
		type row struct {
			item any
			keys []any
		}
		var rows []row
		return &stage{
			process: func(v any) error {
				if v == nil {
					return nil
				}
				keys, err := c.keys(v, columns)
				rows = append(rows, row{v, keys})
				return err
			},
			end: func() error {
				exact := c.flag("CaseSensitive")
				compare := func(a, b row) int {
					for i, one := range columns {
						if n := sortOrder(a.keys[i], b.keys[i], exact); n != 0 {
							if one.descending != c.flag("Descending") {
								return -n
							}
							return n
						}
					}
					return 0
				}
				slices.SortStableFunc(rows, compare)
				if c.flag("Unique") {
					rows = slices.CompactFunc(rows, func(a, b row) bool { return compare(a, b) == 0 })
				}
				for _, one := range rows {
					if err := c.out(one.item); err != nil {
						return err
					}
				}
				return nil
			},
		}, nil
	}}
}

// keys are an item's values of the columns; a column without a name is the item itself.
func (c *call) keys(v any, columns []column) ([]any, error) {
	keys := make([]any, len(columns))
	for i, one := range columns {
		if one.name == "" && one.block == nil {
			keys[i] = v
			continue
		}
		key, err := c.property(v, one)
		if err != nil {
			return nil, err
		}
		keys[i] = key
	}
	return keys, nil
}
