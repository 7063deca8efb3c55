package shell

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"hma/wire/psobject"
)

// maxJSONDepth is how deep JSON may be nested.
const maxJSONDepth = 100

func convertFromJSON() *cmdlet {
	return &cmdlet{psobject.Command{Name: "ConvertFrom-Json", Synopsis: "Reads JSON into objects.",
		Params: []psobject.Parameter{at(0, inputParameter)}}, func(c *call) (*stage, error) {
		var b strings.Builder
		return &stage{
			process: func(v any) error {
				s := text(v)
				if b.Len()+len(s) > maxFile {
					return c.failed("InvalidArgument", "ArgumentException", "TooLarge", "", "The JSON is longer than %d bytes.", maxFile)
				}
				b.WriteString(s + "\n")
				return nil
			},
			end: func() error {
				if strings.TrimSpace(b.String()) == "" {
					return nil
				}
				d := json.NewDecoder(strings.NewReader(b.String()))
				d.UseNumber()
				v, err := readJSON(d, 0)
				if err == nil {
					if _, more := d.Token(); more != io.EOF {
						err = errors.New("something stands behind the value")
					}
				}
				if err != nil {
					return c.failed("InvalidArgument", "ArgumentException", "System.ArgumentException", "", "Invalid JSON, near character %d: %s", d.InputOffset(), err)
				}
				return each(v, c.out)
			},
		}, nil
	}}
}

// readJSON reads one value and keeps the order of its members.
func readJSON(d *json.Decoder, depth int) (any, error) {
	if depth > maxJSONDepth {
		return nil, fmt.Errorf("nested deeper than %d", maxJSONDepth)
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Number:
		if i, err := t.Int64(); err == nil {
			return i, nil
		}
		return t.Float64()
	case json.Delim:
		if t == '[' {
			items := []any{}
			for d.More() {
				v, err := readJSON(d, depth+1)
				if err != nil {
					return nil, err
				}
				items = append(items, v)
			}
			_, err := d.Token()
			return items, err
		}
		o := &object{typ: custom}
		seen := make(map[string]bool)
		for d.More() {
			key, err := d.Token()
			if err != nil {
				return nil, err
			}
			name := fmt.Sprint(key)
			if seen[strings.ToLower(name)] {
				return nil, fmt.Errorf("the key '%s' stands twice, upper and lower case being the same", name)
			}
			seen[strings.ToLower(name)] = true
			v, err := readJSON(d, depth+1)
			if err != nil {
				return nil, err
			}
			o.properties = append(o.properties, property{name, v})
		}
		_, err := d.Token()
		return o, err
	}
	return token, nil // a string, a Boolean or nil
}
