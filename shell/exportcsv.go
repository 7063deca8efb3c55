package shell

import (
	"bufio"
	"os"
	"strings"

	"hma/wire/psobject"
)

func exportCSV() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Export-Csv", Synopsis: "Writes objects to a CSV file, with the first one's properties as columns.",
		Params: []psobject.Parameter{needed(at(0, named("Path", "string"))), at(1, named("Delimiter", "string")), named("NoTypeInformation", "switch", "NTI"), named("NoClobber", "switch"), named("Force", "switch"),
			{Name: "Encoding", Type: "string", Values: []string{"UTF8"}}, inputParameter}}, func(c *call) (*stage, error) {
		delimiter := ","
		if c.has("Delimiter") {
			if delimiter = c.string("Delimiter"); len([]rune(delimiter)) != 1 {
				return nil, c.unbound(c.args["Delimiter"].at, c.name, "CannotConvertArgumentNoMessage", "Cannot bind parameter 'Delimiter'. \"%s\" is not one character.", delimiter)
			}
		}
		var f *os.File
		var w *bufio.Writer
		var columns []string
		c.later(func() {
			if f != nil {
				f.Close()
			}
		})
		row := func(cells []string) {
			for i, cell := range cells {
				if i > 0 {
					w.WriteString(delimiter)
				}
				w.WriteString(`"` + strings.ReplaceAll(cell, `"`, `""`) + `"`)
			}
			w.WriteString("\n")
		}
		open := func(o *object) (err error) {
			if f, err = c.create("Path", false); err != nil {
				return err
			}
			w = bufio.NewWriter(f)
			if o != nil && !c.flag("NoTypeInformation") {
				w.WriteString("#TYPE " + o.typ + "\n")
			}
			return nil
		}
		return &stage{
			process: func(v any) error {
				if _, laidOut := v.(formatted); laidOut {
					return c.failed("InvalidArgument", "ParameterBindingException", "FormattedInput", "", "What Format-List and Format-Table lay out cannot be exported: use Select-Object.")
				}
				o, ok := v.(*object)
				if !ok {
					o = &object{typ: typeName(v), properties: []property{{"Length", member(v, "Length")}}}
				}
				if f == nil {
					if err := open(o); err != nil {
						return err
					}
					for _, p := range o.properties {
						columns = append(columns, p.name)
					}
					row(columns)
				}
				cells := make([]string, len(columns))
				for i, name := range columns {
					cells[i] = csvText(o.get(name))
				}
				row(cells)
				return nil
			},
			end: func() error {
				if f == nil {
					if err := open(nil); err != nil {
						return err
					}
				}
				return c.written(f, w.Flush())
			},
		}, nil
	}}
}

// csvText is a cell: the entries of a list with commas between.
func csvText(v any) string {
	if items, ok := v.([]any); ok {
		return joined(items, ", ")
	}
	return text(v)
}
