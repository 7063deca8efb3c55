package shell

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"time"

	"hma/shell/parse"
	"hma/wire/psobject"
)

func convertToJSON() *cmdlet {
	return &cmdlet{psobject.Command{Name: "ConvertTo-Json", Synopsis: "Writes objects as JSON.",
		Params: []psobject.Parameter{named("Depth", "int"), named("Compress", "switch"), inputParameter}}, func(c *call) (*stage, error) {
		var items []any
		depth := c.number("Depth", 2)
		if depth > 100 {
			return nil, c.unbound(c.args["Depth"].at, c.name, "ParameterArgumentValidationError", "Cannot validate argument on parameter 'Depth'. The %d argument is greater than the maximum allowed range of 100.", depth)
		}
		return &stage{
			process: func(v any) error {
				items = append(items, v)
				return nil
			},
			end: func() error {
				if len(items) == 0 {
					return nil
				}
				w := jsonWriter{plain: c.flag("Compress")}
				v := any(items)
				if _, whole := c.args["InputObject"].value.([]any); len(items) == 1 && !whole {
					v = items[0]
				}
				w.value(v, depth, 0)
				if w.Len() > maxBytes {
					return c.failed("InvalidOperation", "InvalidOperationException", "TooLarge", "", "%s", tooLarge())
				}
				return c.out(w.String())
			},
		}, nil
	}}
}

// jsonWriter writes values with two blanks for each level, or without blanks when plain.
type jsonWriter struct {
	bytes.Buffer
	plain bool
}

func (w *jsonWriter) line(level int) {
	if !w.plain {
		w.WriteString("\n" + strings.Repeat("  ", level))
	}
}

// value writes v; what lies deeper than depth is its text.
func (w *jsonWriter) value(v any, depth int64, level int) {
	if w.Len() > maxBytes {
		return // the caller says so
	}
	switch v := v.(type) {
	case nil, nothing:
		w.WriteString("null")
	case bool, int64:
		w.WriteString(strings.ToLower(text(v)))
	case float64:
		if math.IsInf(v, 0) || math.IsNaN(v) {
			w.text(text(v))
			return
		}
		w.WriteString(text(v))
	case time.Time:
		w.text(v.UTC().Format(time.RFC3339Nano))
	case []any:
		if depth < 0 {
			w.text(within(v))
			return
		}
		w.list('[', ']', len(v), level, func(i int) { w.value(v[i], depth-1, level+1) })
	case *object:
		if depth < 0 {
			w.text(text(v))
			return
		}
		w.list('{', '}', len(v.properties), level, func(i int) { w.member(v.properties[i].name, v.properties[i].value, depth, level) })
	case *hash:
		if depth < 0 {
			w.text(text(v))
			return
		}
		w.list('{', '}', len(v.pairs), level, func(i int) { w.member(text(v.pairs[i].key), v.pairs[i].value, depth, level) })
	case *parse.Block, string, formatted:
		w.text(text(v))
	}
}

func (w *jsonWriter) member(name string, v any, depth int64, level int) {
	w.text(name)
	w.WriteByte(':')
	if !w.plain {
		w.WriteByte(' ')
	}
	w.value(v, depth-1, level+1)
}

func (w *jsonWriter) list(open, close byte, n, level int, item func(int)) {
	w.WriteByte(open)
	for i := range n {
		if i > 0 {
			w.WriteByte(',')
		}
		w.line(level + 1)
		item(i)
	}
	if n > 0 {
		w.line(level)
	}
	w.WriteByte(close)
}

func (w *jsonWriter) text(s string) {
	enc := json.NewEncoder(&w.Buffer)
	enc.SetEscapeHTML(false)
	if enc.Encode(s) == nil { // a string always encodes
		w.Truncate(w.Len() - 1)
	}
}
