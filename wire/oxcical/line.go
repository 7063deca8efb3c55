package oxcical

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"hma/wire/contentline"
)

// Limits of Read. What is past them is left out, and Calendar.Left says so.
const (
	MaxBytes = 16 << 20 // of a calendar; more is an error
	MaxDepth = 4
	MaxValue = 8 << 20 // bytes of one value
	maxLeft  = 1000    // lines of Calendar.Left
)

// limits bound what a calendar is made of. Those of ReadFile are as many as MaxBytes of
// what programs write can hold.
type limits struct{ components, properties int }

var (
	ofMessage = limits{2_000, 20_000}
	ofFile    = limits{200_000, 1_000_000}
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

// left gathers what a calendar has that is not among what was read of it, in words.
type left struct {
	lines []string
	more  int
}

func (l *left) add(format string, args ...any) {
	if len(l.lines) == maxLeft {
		l.more++
		return
	}
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// count adds what was left out so many times.
func (l *left) count(n int, what string) {
	if n > 0 {
		l.add("%d %s", n, what)
	}
}

func (l *left) words() []string {
	if l.more > 0 {
		return append(l.lines, fmt.Sprintf("and %d more", l.more))
	}
	return l.lines
}

// parse reads the components of a calendar: those named VCALENDAR, as one.
func parse(r io.Reader, most limits) (root *component, out *left, err error) {
	raw, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read calendar: %w", err)
	}
	if len(raw) > MaxBytes {
		return nil, nil, fmt.Errorf("calendar of more than %d bytes: %w", MaxBytes, ErrNoCalendar)
	}
	p := &parser{root: &component{}, most: most}
	p.stack = []*component{p.root}
	for line := range contentline.Lines(contentline.Decode(string(raw))) {
		p.line(line)
	}
	if len(p.root.children) == 0 {
		return nil, nil, ErrNoCalendar
	}
	p.end()
	root = p.root.children[0]
	for _, more := range p.root.children[1:] {
		root.children = append(root.children, more.children...)
	}
	return root, &p.left, nil
}

type parser struct {
	root       *component
	stack      []*component
	most       limits
	skip       int // components below the last of stack that are passed over
	components int
	properties int
	full       bool // a limit is passed: events are only counted

	left                          left
	noProperty, misplaced, beyond int
}

// line takes a content line.
func (p *parser) line(line string) {
	if p.full {
		const event = "BEGIN:VEVENT"
		if len(line) >= len(event) && strings.EqualFold(line[:len(event)], event) {
			p.beyond++
		}
		return
	}
	prop, ok := contentline.Parse(line)
	if !ok {
		p.noProperty++
		return
	}
	top := p.stack[len(p.stack)-1]
	switch prop.Name {
	case "BEGIN":
		name := strings.ToUpper(strings.TrimSpace(prop.Value))
		if p.components == p.most.components {
			p.fill(fmt.Sprintf("%d components", p.most.components))
			p.line(line)
			return
		}
		p.components++
		if p.skip > 0 || len(p.stack) > MaxDepth || len(p.stack) == 1 && name != "VCALENDAR" {
			p.skip++
			p.misplaced++
			return
		}
		c := &component{name: name}
		top.children = append(top.children, c)
		p.stack = append(p.stack, c)
	case "END":
		if p.skip > 0 {
			p.skip--
			return
		}
		name := strings.ToUpper(strings.TrimSpace(prop.Value))
		for i := len(p.stack) - 1; i > 0; i-- {
			if p.stack[i].name == name {
				for _, open := range p.stack[i+1:] {
					p.left.add("the end of %s", open)
				}
				p.stack = p.stack[:i]
				return
			}
		}
		p.misplaced++
	default:
		if p.skip > 0 || len(p.stack) == 1 {
			return
		}
		if p.properties == p.most.properties {
			p.fill(fmt.Sprintf("%d properties", p.most.properties))
			return
		}
		p.properties++
		if len(prop.Value) > MaxValue {
			p.left.add("%s of %s, which is longer than %d bytes", prop.Name, top, MaxValue)
			return
		}
		top.props = append(top.props, prop)
	}
}

// fill ends the reading at a limit.
func (p *parser) fill(most string) {
	p.full = true
	for _, open := range p.stack[min(2, len(p.stack)):] {
		p.left.add("the end of %s: there are more than %s", open, most)
	}
	p.stack = p.stack[:1]
}

// end tells what only the end of the text shows.
func (p *parser) end() {
	p.left.count(p.beyond, "events past the limit of what is read")
	for _, open := range p.stack[1:] {
		p.left.add("the end of %s: the text breaks off", open)
	}
	p.left.count(p.noProperty, "lines that are no properties")
	p.left.count(p.misplaced, "components or their ends where none belongs")
}

// String names a component for a person.
func (c *component) String() string {
	if c.name != "VEVENT" {
		return fmt.Sprintf("%.40s", c.name)
	}
	return fmt.Sprintf("event %.100q (%.100q)", c.text("UID"), c.text("SUMMARY"))
}
