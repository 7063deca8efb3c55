package shell

import (
	"strings"

	"hma/wire/psobject"
)

func measureObject() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Measure-Object", Synopsis: "Counts objects, and computes with one of their properties.",
		Params: []psobject.Parameter{at(0, named("Property", "string")), named("Sum", "switch"), named("Average", "switch"), named("Maximum", "switch"),
			named("Minimum", "switch"), named("Line", "switch"), named("Word", "switch"), named("Character", "switch"), inputParameter}}, func(c *call) (*stage, error) {
		m := &measure{call: c}
		return &stage{process: m.process, end: m.end}, nil
	}}
}

// measure is one run of Measure-Object.
type measure struct {
	*call
	count                    int64
	sum                      float64
	least, most              any
	lines, words, characters int64
}

func (m *measure) process(v any) error {
	if m.has("Property") {
		v = member(v, m.string("Property"))
	}
	if v == nil {
		return nil
	}
	m.count++
	if m.flag("Line") || m.flag("Word") || m.flag("Character") {
		s := text(v)
		m.lines += int64(strings.Count(strings.TrimSuffix(s, "\n"), "\n") + 1)
		m.words += int64(len(strings.Fields(s)))
		m.characters += int64(len([]rune(s)))
		return nil
	}
	if m.flag("Sum") || m.flag("Average") {
		n, ok := number(v)
		if !ok {
			return m.complain(m.failed("InvalidType", "PSInvalidCastException", "NonNumericInputObject", text(v), "Input object \"%s\" is not numeric.", text(v)))
		}
		m.sum += float(n)
	}
	if m.most == nil || sortOrder(v, m.most, false) > 0 {
		m.most = v
	}
	if m.least == nil || sortOrder(v, m.least, false) < 0 {
		m.least = v
	}
	return nil
}

func (m *measure) end() error {
	if m.flag("Line") || m.flag("Word") || m.flag("Character") {
		o := &object{typ: "Microsoft.PowerShell.Commands.TextMeasureInfo"}
		for _, one := range []struct {
			flag, name string
			n          int64
		}{{"Line", "Lines", m.lines}, {"Word", "Words", m.words}, {"Character", "Characters", m.characters}} {
			var v any
			if m.flag(one.flag) {
				v = one.n
			}
			o.properties = append(o.properties, property{one.name, v})
		}
		o.properties = append(o.properties, property{"Property", nil})
		return m.out(o)
	}
	o := &object{typ: measureInfo, properties: []property{{"Count", m.count}, {"Average", nil}, {"Sum", nil}, {"Maximum", nil}, {"Minimum", nil}, {"Property", nil}}}
	if m.flag("Average") && m.count > 0 {
		o.find("Average").value = narrow(m.sum / float64(m.count))
	}
	if m.flag("Sum") {
		o.find("Sum").value = narrow(m.sum)
	}
	if m.flag("Maximum") {
		o.find("Maximum").value = m.most
	}
	if m.flag("Minimum") {
		o.find("Minimum").value = m.least
	}
	if m.has("Property") {
		o.find("Property").value = m.string("Property")
	}
	return m.out(o)
}

// narrow makes a whole number of a float that is one.
func narrow(f float64) any {
	if i := int64(f); float64(i) == f && f < 1<<53 && f > -1<<53 {
		return i
	}
	return f
}
