package shell

import (
	"slices"
	"strings"
	"time"

	"hma/wire/psobject"
)

func getMember() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Get-Member", Synopsis: "Names the properties that objects have.",
		Params: []psobject.Parameter{at(0, named("Name", "any")), named("MemberType", "string"), inputParameter}}, func(c *call) (*stage, error) {
		seen := make(map[string]bool)
		return &stage{process: func(v any) error {
			typ := typeName(v)
			if v == nil || seen[typ] {
				return nil
			}
			seen[typ] = true
			return c.members(v, typ)
		}, end: func() error {
			if len(seen) > 0 {
				return nil
			}
			return c.complain(c.failed("CloseError", "InvalidOperationException", "NoObjectInGetMember", "", "You must specify an object for the Get-Member cmdlet."))
		}}, nil
	}}
}

func (c *call) members(v any, typ string) error {
	kind, ending := "Property", " {get;set;}"
	var properties []property
	switch v := v.(type) {
	case *object:
		properties = slices.Clone(v.properties)
		if v.typ == custom || strings.HasPrefix(v.typ, "Selected.") {
			kind = "NoteProperty"
		}
	case *hash:
		properties, ending = []property{{"Count", int64(0)}, {"Keys", []any{}}, {"Values", []any{}}}, " {get;}"
	case string:
		properties, ending = []property{{"Length", int64(0)}}, " {get;}"
	}
	slices.SortFunc(properties, func(a, b property) int { return compareText(a.name, b.name, false) })
	for _, p := range properties {
		if c.has("Name") && !slices.ContainsFunc(c.list("Name"), func(n any) bool { return like(text(n), p.name, false) }) {
			continue
		}
		if c.has("MemberType") && !is(c.string("MemberType"), kind, "Properties", "All") {
			continue
		}
		definition := shortType(p.value) + " " + p.name + ending
		if kind == "NoteProperty" {
			definition = shortType(p.value) + " " + p.name + "=" + within(p.value)
		}
		if err := c.out(&object{typ: memberDefinition, properties: []property{{"TypeName", typ}, {"Name", p.name}, {"MemberType", kind}, {"Definition", definition}}}); err != nil {
			return err
		}
	}
	return nil
}

// shortType is a type's name as Get-Member writes it.
func shortType(v any) string {
	switch v := v.(type) {
	case string:
		return "string"
	case bool:
		return "bool"
	case int64:
		return "long"
	case float64:
		return "double"
	case time.Time:
		return "datetime"
	case []any:
		return "Object[]"
	case *object:
		if v.typ == custom {
			return "PSCustomObject"
		}
		return v.typ
	case nil:
		return "object"
	}
	return typeName(v)
}
