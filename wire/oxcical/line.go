package oxcical

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"hma/wire/contentline"
)

// Limits of Read. What is past them is left out, and Calendar.Damaged is set.
const (
	MaxBytes      = 16 << 20 // of a calendar; more is an error
	MaxProperties = 20_000   // of all components
	MaxComponents = 2_000
	MaxDepth      = 4
	MaxValue      = 8 << 20 // bytes of one value
)

// ErrNoCalendar is the error for what is no iCalendar at all.
var ErrNoCalendar = errors.New("not an iCalendar")

// component is a component of iCalendar (RFC 5545 3.6).
type component struct {
	name     string
	props    []property
	children []*component
}

// property is a content line.
type property = contentline.Property

// find returns the first property with a name, nil for none.
func (c *component) find(name string) *property {
	for i := range c.props {
		if c.props[i].Name == name {
			return &c.props[i]
		}
	}
	return nil
}

// all yields the properties with a name.
func (c *component) all(name string) func(yield func(*property) bool) {
	return func(yield func(*property) bool) {
		for i := range c.props {
			if c.props[i].Name == name && !yield(&c.props[i]) {
				return
			}
		}
	}
}

// raw returns the value of the first property with a name, without space around it.
func (c *component) raw(name string) string {
	if p := c.find(name); p != nil {
		return strings.TrimSpace(p.Value)
	}
	return ""
}

// text returns the text of the first property with a name.
func (c *component) text(name string) string {
	if p := c.find(name); p != nil {
		return p.Text()
	}
	return ""
}

// parse reads the components of a calendar: those named VCALENDAR, as one.
func parse(r io.Reader) (root *component, damaged bool, err error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, false, fmt.Errorf("read calendar: %w", err)
	}
	if len(raw) > MaxBytes {
		return nil, false, fmt.Errorf("calendar of more than %d bytes: %w", MaxBytes, ErrNoCalendar)
	}
	p := &parser{root: &component{}}
	p.stack = []*component{p.root}
	for line := range contentline.Lines(contentline.Decode(string(raw))) {
		if !p.line(line) {
			break
		}
	}
	if len(p.root.children) == 0 {
		return nil, false, ErrNoCalendar
	}
	root = p.root.children[0]
	for _, more := range p.root.children[1:] {
		root.children = append(root.children, more.children...)
	}
	return root, p.damaged || len(p.stack) != 1, nil
}

type parser struct {
	root       *component
	stack      []*component
	skip       int // components below the last of stack that are passed over
	components int
	properties int
	damaged    bool
}

// line takes a content line; false ends the reading.
func (p *parser) line(line string) bool {
	prop, ok := contentline.Parse(line)
	if !ok {
		p.damaged = true
		return true
	}
	top := p.stack[len(p.stack)-1]
	switch prop.Name {
	case "BEGIN":
		name := strings.ToUpper(strings.TrimSpace(prop.Value))
		if p.components++; p.components > MaxComponents {
			p.damaged = true
			return false
		}
		if p.skip > 0 || len(p.stack) > MaxDepth || len(p.stack) == 1 && name != "VCALENDAR" {
			p.skip++
			return true
		}
		c := &component{name: name}
		top.children = append(top.children, c)
		p.stack = append(p.stack, c)
	case "END":
		if p.skip > 0 {
			p.skip--
			return true
		}
		name := strings.ToUpper(strings.TrimSpace(prop.Value))
		for i := len(p.stack) - 1; i > 0; i-- {
			if p.stack[i].name == name {
				p.damaged = p.damaged || i != len(p.stack)-1
				p.stack = p.stack[:i]
				return true
			}
		}
		p.damaged = true
	default:
		if p.skip > 0 || len(p.stack) == 1 {
			return true
		}
		if p.properties++; p.properties > MaxProperties || len(prop.Value) > MaxValue {
			p.damaged = true
			return p.properties <= MaxProperties
		}
		top.props = append(top.props, prop)
	}
	return true
}
