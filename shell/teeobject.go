package shell

import (
	"strings"

	"hma/wire/psobject"
)

func teeObject() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Tee-Object", Synopsis: "Keeps what passes through in a file or a variable.",
		Params: []psobject.Parameter{at(0, named("FilePath", "string", "Path")), named("Variable", "string"), named("Append", "switch"), inputParameter}}, func(c *call) (*stage, error) {
		if c.has("FilePath") == c.has("Variable") {
			return nil, c.unbound(c.source.Extent, c.name, "AmbiguousParameterSet", "Parameter set cannot be resolved: give either -FilePath or -Variable.")
		}
		if c.has("Variable") {
			var items []any
			if c.flag("Append") {
				items = append(items, list(c.variable(c.string("Variable")))...)
			}
			return &stage{process: func(v any) error {
				items = append(items, v)
				return c.out(v)
			}, end: func() error {
				return c.set(c.args["Variable"].at, strings.TrimSpace(c.string("Variable")), single(items))
			}}, nil
		}
		f, err := c.create("FilePath", c.flag("Append"))
		if err != nil {
			return nil, err
		}
		file := &console{out: f, width: c.Width, runner: c.runner, plain: true}
		c.later(func() { f.Close() })
		return &stage{process: func(v any) error {
			if err := file.put(v); err != nil {
				return c.fileFailure(c.source.Extent, c.name, err)
			}
			return c.out(v)
		}, end: func() error { return c.written(f, file.flush()) }}, nil
	}}
}
