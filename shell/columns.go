package shell

import (
	"strings"

	"hma/shell/parse"
)

// column is one item of -Property: a name or wildcard of properties, or a calculated property.
type column struct {
	name       string // a wildcard where block is nil and label is ""
	label      string // of a calculated property
	block      *parse.Block
	descending bool // Sort-Object
}

// columns reads a -Property argument: names, wildcards, script blocks and hashtables.
func (c *call) columns(parameter string) ([]column, error) {
	var columns []column
	for _, item := range c.list(parameter) {
		one := column{}
		switch item := item.(type) {
		case *parse.Block:
			one.block, one.label = item, strings.TrimSpace(text(item))
		case *hash:
			if err := c.calculated(item, &one, c.args[parameter].at); err != nil {
				return nil, err
			}
		case string, int64, float64:
			one.name = text(item)
		default:
			return nil, c.unbound(c.args[parameter].at, c.name, "DictionaryKeyUnknownType", "Cannot convert %s to one of the following types {System.String, System.Management.Automation.ScriptBlock, Hashtable}.", typeName(item))
		}
		columns = append(columns, one)
	}
	return columns, nil
}

// calculated reads @{Name=...; Expression={...}}.
func (c *call) calculated(h *hash, one *column, at parse.Extent) error {
	found := false
	for _, p := range h.pairs {
		key := strings.ToLower(text(p.key))
		switch {
		case key != "" && (strings.HasPrefix("name", key) || strings.HasPrefix("label", key)):
			one.label = text(p.value)
		case key != "" && strings.HasPrefix("expression", key):
			found = true
			switch x := p.value.(type) {
			case *parse.Block:
				one.block = x
			default:
				one.name = text(x)
			}
		case key == "descending" && is(c.name, "Sort-Object"):
			one.descending = truth(p.value)
		case key == "ascending" && is(c.name, "Sort-Object"):
			one.descending = !truth(p.value)
		default:
			return c.unbound(at, c.name, "DictionaryKeyIllegal", "The %s key is not valid here: a calculated property has Name and Expression.", text(p.key))
		}
	}
	if !found {
		return c.unbound(at, c.name, "DictionaryKeyMissing", "The hashtable has no key Expression.")
	}
	if one.label == "" {
		one.label = one.name
		if one.block != nil {
			one.label = strings.TrimSpace(text(one.block))
		}
	}
	return nil
}

// choose returns the properties of o that the columns select: in their order, and
// within a wildcard in the object's own; each once. With all, a name that o does not have is there with $null.
func (c *call) choose(v any, columns []column, all bool) ([]property, error) {
	o, _ := v.(*object)
	if o == nil {
		o = &object{}
		if s, ok := v.(string); ok {
			o.properties = []property{{"Length", int64(len([]rune(s)))}}
		}
	}
	var chosen []property
	seen := make(map[string]bool)
	put := func(name string, value any) {
		if !seen[strings.ToLower(name)] {
			seen[strings.ToLower(name)] = true
			chosen = append(chosen, property{name, value})
		}
	}
	for _, one := range columns {
		switch {
		case one.block != nil:
			value, err := c.of(v, one.block)
			if err != nil {
				return nil, err
			}
			put(one.label, value)
		case one.label != "":
			put(one.label, member(v, one.name))
		default:
			found := false
			for _, p := range o.properties {
				if like(one.name, p.name, false) {
					found = true
					put(p.name, p.value)
				}
			}
			if !found && all && !strings.ContainsAny(one.name, "*?[") {
				put(one.name, member(v, one.name))
			}
		}
	}
	return chosen, nil
}

// property is one column's value of an item.
func (c *call) property(v any, one column) (any, error) {
	if one.block != nil {
		return c.of(v, one.block)
	}
	return member(v, one.name), nil
}
