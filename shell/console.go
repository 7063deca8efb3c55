package shell

import (
	"fmt"
	"io"

	"hma/shell/parse"
)

// console writes what comes out of a statement: text line by line, objects as their default list or table.
type console struct {
	out    io.Writer
	width  int
	runner *runner
	plain  bool      // a file, which gets control characters as they are
	table  []*object // objects of one type that wait for their table's width
	listed bool      // a list was begun and wants its empty line
	depth  int       // of arrays in arrays
	err    error
}

func (c *console) put(v any) error {
	if err := c.runner.ctx.Err(); err != nil {
		return err
	}
	switch v := v.(type) {
	case nil, nothing:
		return nil
	case []any:
		if c.depth == maxNesting {
			return c.write("...\n")
		}
		c.depth++
		defer func() { c.depth-- }()
		for _, item := range v {
			if err := c.put(item); err != nil {
				return err
			}
		}
		return nil
	case *hash:
		for _, p := range v.pairs {
			if err := c.put(&object{typ: "System.Collections.DictionaryEntry", properties: []property{{"Name", p.key}, {"Value", p.value}}}); err != nil {
				return err
			}
		}
		return nil
	case *object:
		return c.object(v)
	case formatted:
		c.settle()
		return c.write(string(v))
	}
	c.settle()
	line := text(v)
	if b, ok := v.(*parse.Block); ok {
		line = text(b)
	}
	if !c.plain {
		line = clean(line)
	}
	return c.write(line + "\n")
}

func (c *console) object(o *object) error {
	if o.shown != "" {
		c.settle()
		return c.write(o.shown)
	}
	tabled := asTable(o)
	if len(c.table) > 0 {
		first := c.table[0]
		if first.typ == o.typ && (o.typ != memberDefinition || first.get("TypeName") == o.get("TypeName")) {
			tabled = true // what follows is laid out as the first one
		} else {
			c.settle()
		}
	}
	if !tabled {
		c.listed = true
		return c.write(c.runner.formatList(o.properties, c.width))
	}
	if c.listed {
		c.settle()
	}
	c.table = append(c.table, o)
	return c.err
}

// settle writes what waits.
func (c *console) settle() {
	if c.listed {
		c.listed = false
		c.write("\n")
	}
	if len(c.table) == 0 {
		return
	}
	objects := c.table
	c.table = nil
	if objects[0].typ == memberDefinition {
		c.write(fmt.Sprintf("\n\n   TypeName: %s\n", clean(text(objects[0].get("TypeName")))))
	}
	t := &table{}
	columns := defaultColumns(objects[0])
	call := &call{runner: c.runner}
	for _, o := range objects {
		properties, _ := call.choose(o, columns, true) // no block is among the default columns
		t.add(properties)
	}
	c.write(c.runner.formatTable(t, c.width))
}

// flush writes what waits and returns the first error of writing.
func (c *console) flush() error {
	c.settle()
	return c.err
}

func (c *console) write(text string) error {
	if c.err != nil {
		return c.err
	}
	if _, err := io.WriteString(c.out, text); err != nil {
		c.err = fmt.Errorf("write output: %w", err)
	}
	return c.err
}
