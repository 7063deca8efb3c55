package shell

import (
	"hma/shell/parse"
	"hma/wire/psobject"
)

func forEachObject() *cmdlet {
	return &cmdlet{psobject.Command{Name: "ForEach-Object", Synopsis: "Runs a script block for each object, with the object in $_, or reads a property.",
		Params: []psobject.Parameter{needed(at(0, named("Process", "any", "MemberName"))), named("Begin", "script"), named("End", "script"), inputParameter}}, func(c *call) (*stage, error) {
		run := func(v any) error { return each(member(v, c.string("Process")), c.out) }
		if b, ok := c.args["Process"].value.(*parse.Block); ok {
			run = func(v any) error { return c.with(v, b, c.out) }
		}
		begun := false
		begin := func() error {
			b, ok := c.args["Begin"].value.(*parse.Block)
			if begun || !ok {
				return nil
			}
			begun = true
			return c.block(b, c.out)
		}
		return &stage{
			process: func(v any) error {
				if err := begin(); err != nil {
					return err
				}
				return run(v)
			},
			end: func() error {
				if err := begin(); err != nil {
					return err
				}
				if b, ok := c.args["End"].value.(*parse.Block); ok {
					return c.block(b, c.out)
				}
				return nil
			},
		}, nil
	}}
}
