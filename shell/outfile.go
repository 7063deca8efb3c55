package shell

import "hma/wire/psobject"

func outFile() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Out-File", Synopsis: "Writes what the console would show to a file, in UTF-8.",
		Params: []psobject.Parameter{needed(at(0, named("FilePath", "string", "Path"))), named("Append", "switch"), named("NoClobber", "switch"), named("Force", "switch"), named("Width", "int"),
			{Name: "Encoding", Type: "string", Values: []string{"UTF8"}}, inputParameter}}, func(c *call) (*stage, error) {
		f, err := c.create("FilePath", c.flag("Append"))
		if err != nil {
			return nil, err
		}
		file := &console{out: f, width: int(c.number("Width", int64(c.Width))), runner: c.runner, plain: true}
		c.later(func() { f.Close() })
		return &stage{process: file.put, end: func() error { return c.written(f, file.flush()) }}, nil
	}}
}
