package shell

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"hma/wire/psobject"
)

func convertFromCSV() *cmdlet {
	return &cmdlet{psobject.Command{Name: "ConvertFrom-Csv", Synopsis: "Makes objects of lines of CSV, the first of which names the properties.",
		Params: []psobject.Parameter{at(0, inputParameter), at(1, named("Delimiter", "string"))}}, func(c *call) (*stage, error) {
		delimiter := ','
		if c.has("Delimiter") {
			one := []rune(c.string("Delimiter"))
			if len(one) != 1 || one[0] == '"' || one[0] == '\r' || one[0] == '\n' {
				return nil, c.unbound(c.args["Delimiter"].at, c.name, "CannotConvertArgumentNoMessage", "Cannot bind parameter 'Delimiter'. \"%s\" is not one character.", string(one))
			}
			delimiter = one[0]
		}
		var b strings.Builder
		return &stage{
			process: func(v any) error {
				line := text(v)
				if b.Len()+len(line) > maxFile {
					return c.failed("InvalidArgument", "ArgumentException", "TooLarge", "", "The CSV is longer than %d bytes.", maxFile)
				}
				if b.Len() > 0 || !strings.HasPrefix(line, "#TYPE ") {
					b.WriteString(line + "\n")
				}
				return nil
			},
			end: func() error {
				r := csv.NewReader(strings.NewReader(b.String()))
				r.Comma, r.LazyQuotes, r.FieldsPerRecord = delimiter, true, -1
				var names []string
				for {
					cells, err := r.Read()
					if errors.Is(err, io.EOF) {
						return nil
					}
					if err != nil {
						return c.failed("InvalidArgument", "ArgumentException", "InvalidCsv", "", "Invalid CSV: %s", err)
					}
					if names == nil {
						names = cells
						continue
					}
					o := &object{typ: custom}
					for i, name := range names {
						var value any
						if i < len(cells) {
							value = cells[i]
						}
						o.properties = append(o.properties, property{name, value})
					}
					if err := c.out(o); err != nil {
						return err
					}
				}
			},
		}, nil
	}}
}
