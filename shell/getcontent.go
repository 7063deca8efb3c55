package shell

import (
	"strings"

	"hma/wire/psobject"
)

func getContent() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Get-Content", Synopsis: "Reads a file line by line.",
		Params: []psobject.Parameter{needed(at(0, named("Path", "any", "LiteralPath"))), named("TotalCount", "int", "First", "Head"), named("Tail", "int", "Last"), named("Raw", "switch"),
			{Name: "Encoding", Type: "string", Values: []string{"UTF8"}}}}, func(c *call) (*stage, error) {
		return &stage{end: func() error {
			for _, path := range c.list("Path") {
				if err := c.content(text(path)); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}}
}

func (c *call) content(path string) error {
	first, tail := c.number("TotalCount", -1), c.number("Tail", -1)
	var kept []string
	var whole strings.Builder
	n := int64(0)
	err := c.lines(path, func(line string) error {
		switch {
		case n == first:
			return errEnough
		case c.flag("Raw"):
			whole.WriteString(line + "\n")
		case tail >= 0:
			if kept = append(kept, line); int64(len(kept)) > tail {
				kept = kept[1:]
			}
		default:
			if err := c.out(line); err != nil {
				return err
			}
		}
		n++
		return nil
	})
	if err != nil && err != errEnough {
		return err
	}
	if c.flag("Raw") && whole.Len() > 0 {
		return c.out(whole.String())
	}
	for _, line := range kept {
		if err := c.out(line); err != nil {
			return err
		}
	}
	return nil
}
