package cmdlet

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/wire/psobject"
)

// arguments are a call's bound parameters by their proper names. A parameter that was not given is absent.
type arguments map[string]any

func (a arguments) has(name string) bool { _, ok := a[name]; return ok }

func (a arguments) text(name string) string { s, _ := a[name].(string); return s }

func (a arguments) bool(name string) bool { b, _ := a[name].(bool); return b }

func (a arguments) time(name string) time.Time { t, _ := a[name].(time.Time); return t }

func (a arguments) strings(name string) []string { l, _ := a[name].([]string); return l }

// Short forms for the tables of parameters.
func param(name, typ string) psobject.Parameter { return psobject.Parameter{Name: name, Type: typ} }

func identity(mandatory bool) psobject.Parameter {
	return psobject.Parameter{Name: "Identity", Type: "string", Position: new(0), Pipeline: true, Mandatory: mandatory}
}

func required(name, typ string) psobject.Parameter {
	return psobject.Parameter{Name: name, Type: typ, Mandatory: true}
}

// confirm is in everything that changes something: scripts say -Confirm:$false. Nobody can be asked here.
var confirm = param("Confirm", "switch")

// withWhatIf gives every cmdlet that has -Confirm its -WhatIf, in all parameter sets.
func withWhatIf(list []*cmdlet) []*cmdlet {
	for _, c := range list {
		if !slices.ContainsFunc(c.Params, func(p psobject.Parameter) bool { return p.Name == confirm.Name }) {
			continue
		}
		c.Params = append(slices.Clip(c.Params), psobject.Parameter{Name: "WhatIf", Type: "switch", Aliases: []string{"wi"}})
		for name, set := range c.Sets {
			c.Sets[name] = append(slices.Clip(set), "WhatIf")
		}
	}
	return list
}

// bind checks the given parameters against the command's and converts their values.
func bind(cmd *psobject.Command, given []psobject.Property, input *psobject.Object) (arguments, error) {
	args := make(arguments, len(given))
	for _, g := range given {
		i := slices.IndexFunc(cmd.Params, func(p psobject.Parameter) bool {
			return strings.EqualFold(p.Name, g.Name) || slices.ContainsFunc(p.Aliases, func(a string) bool { return strings.EqualFold(a, g.Name) })
		})
		if i < 0 {
			return nil, &failure{fmt.Sprintf("A parameter cannot be found that matches parameter name '%s'.", g.Name), "InvalidArgument", "ParameterBindingException", g.Name}
		}
		p := &cmd.Params[i]
		if args.has(p.Name) {
			return nil, &failure{fmt.Sprintf("The parameter '%s' is given more than once.", p.Name), "InvalidArgument", "ParameterBindingException", p.Name}
		}
		value, err := convert(p, g.Value)
		if err != nil {
			return nil, err
		}
		if _, edit := value.(psobject.Edit); edit && !strings.HasPrefix(cmd.Name, "Set-") {
			return nil, invalid(p.Name, "@{Add=...; Remove=...} changes a list that is there; name the entries of '%s' themselves.", p.Name)
		}
		args[p.Name] = value
	}
	if input != nil {
		if err := bindInput(cmd, args, input); err != nil {
			return nil, err
		}
	}
	for _, p := range cmd.Params {
		if p.Mandatory && !args.has(p.Name) {
			return nil, &failure{fmt.Sprintf("The parameter '%s' is mandatory.", p.Name), "InvalidArgument", "ParameterBindingException", p.Name}
		}
	}
	if args.bool("Confirm") {
		return nil, invalid("Confirm", "Nobody can be asked here; leave -Confirm out.")
	}
	return args, inOneSet(cmd, args)
}

// bindInput binds the pipeline object: its GUID, which no renaming spoils, else its Identity or Name.
func bindInput(cmd *psobject.Command, args arguments, input *psobject.Object) error {
	i := slices.IndexFunc(cmd.Params, func(p psobject.Parameter) bool { return p.Pipeline })
	if i < 0 || args.has(cmd.Params[i].Name) {
		return &failure{"The input object cannot be bound to any parameter of the command.", "InvalidArgument", "ParameterBindingException", input.String("Identity")}
	}
	for _, name := range []string{"Guid", "ObjectGUID", "Identity", "Name"} {
		if v := input.String(name); v != "" {
			args[cmd.Params[i].Name] = v
			return nil
		}
	}
	return &failure{"The input object has neither Guid, Identity nor Name.", "InvalidArgument", "ParameterBindingException", ""}
}

// inOneSet refuses parameters that no single parameter set holds.
func inOneSet(cmd *psobject.Command, args arguments) error {
	if len(cmd.Sets) == 0 {
		return nil
	}
	for _, set := range cmd.Sets {
		fits := true
		for name := range args {
			fits = fits && slices.Contains(set, name)
		}
		if fits {
			return nil
		}
	}
	return &failure{"Parameter set cannot be resolved: these parameters cannot be used together.", "InvalidArgument", "ParameterBindingException", ""}
}

// convert brings a value to the parameter's type as PowerShell would, without guessing.
func convert(p *psobject.Parameter, value any) (any, error) {
	wrong := func(want string) error {
		return &failure{fmt.Sprintf("Cannot bind parameter '%s': '%s' is not %s.", p.Name, psobject.Text(value), want),
			"InvalidArgument", "ParameterBindingArgumentTransformationException", p.Name}
	}
	switch p.Type {
	case "bool", "switch":
		switch v := value.(type) {
		case bool:
			return v, nil
		case int64:
			return v != 0, nil
		case nil:
			if p.Nullable {
				return nil, nil
			}
		}
		return nil, wrong("a Boolean; use $true or $false")
	case "string":
		switch v := value.(type) {
		case nil:
			return "", nil
		case string:
			return oneOf(p, v)
		case int64, bool:
			return oneOf(p, psobject.Text(v))
		case []string:
			if len(v) == 1 {
				return oneOf(p, v[0])
			}
		}
		return nil, wrong("one text")
	case "strings":
		switch v := value.(type) {
		case nil:
			return []string{}, nil
		case string:
			value = []string{v}
		case int64:
			value = []string{strconv.FormatInt(v, 10)}
		case psobject.Edit:
			return convertEdit(p, v)
		}
		list, ok := value.([]string)
		if !ok || len(list) > maxValues {
			return nil, wrong("a list of texts")
		}
		return eachOneOf(p, list)
	case "int":
		switch v := value.(type) {
		case int64:
			return v, nil
		case string:
			if n, err := strconv.ParseInt(v, 10, 64); err == nil {
				return n, nil
			}
		}
		return nil, wrong("a number")
	case "datetime":
		switch v := value.(type) {
		case time.Time:
			return v, nil
		case string:
			for _, layout := range dateLayouts {
				if t, err := time.Parse(layout, v); err == nil {
					return t.UTC(), nil
				}
			}
		}
		return nil, wrong("a date and time")
	}
	return nil, wrong("of type " + p.Type)
}

// oneOf returns the allowed word in its proper spelling.
func oneOf(p *psobject.Parameter, s string) (string, error) {
	if len(p.Values) == 0 {
		return s, nil
	}
	for _, v := range p.Values {
		if strings.EqualFold(v, s) {
			return v, nil
		}
	}
	return "", &failure{fmt.Sprintf("Cannot bind parameter '%s': '%s' is not one of %s.", p.Name, s, strings.Join(p.Values, ", ")),
		"InvalidArgument", "ParameterBindingArgumentTransformationException", p.Name}
}

// dateLayouts are the forms of a date that PowerShell's invariant culture reads too; without a zone they are UTC.
var dateLayouts = []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02",
	"1/2/2006 3:04:05 PM", "1/2/2006 3:04 PM", "1/2/2006 15:04:05", "1/2/2006 15:04", "1/2/2006"}

// eachOneOf returns the entries in their proper spellings.
func eachOneOf(p *psobject.Parameter, list []string) ([]string, error) {
	out := make([]string, 0, len(list))
	for _, s := range list {
		s, err := oneOf(p, s)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// convertEdit checks @{Add=...; Remove=...}.
func convertEdit(p *psobject.Parameter, e psobject.Edit) (any, error) {
	if len(e.Add)+len(e.Remove) == 0 || len(e.Add)+len(e.Remove) > maxValues {
		return nil, invalid(p.Name, "'%s' names no entry to add or to remove, or too many.", p.Name)
	}
	for _, s := range e.Add {
		if containsFold(e.Remove, s) {
			return nil, invalid(p.Name, "'%s' would add and remove '%s' at once.", p.Name, s)
		}
	}
	add, err := eachOneOf(p, e.Add)
	if err != nil {
		return nil, err
	}
	remove, err := eachOneOf(p, e.Remove)
	return psobject.Edit{Add: add, Remove: remove}, err
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(have string) bool { return strings.EqualFold(have, s) })
}

// list returns what a multi-valued property becomes by its parameter: the given entries, which must
// not be fewer without -Force, or the old ones with an Edit applied. An entry to add that is there, and
// one to remove that is not, change nothing.
func (a arguments) list(identity, property string, old []string) ([]string, error) {
	e, ok := a[property].(psobject.Edit)
	if !ok {
		next := a.strings(property)
		return next, shrink(a, identity, property, old, next)
	}
	next := []string{}
	for _, s := range slices.Concat(old, e.Add) {
		if !containsFold(e.Remove, s) && !containsFold(next, s) {
			next = append(next, s)
		}
	}
	return next, nil
}

// shrink refuses to take entries out of a list without -Force, and says which.
func shrink(args arguments, identity, property string, old, next []string) error {
	var gone []string
	for _, s := range old {
		if !containsFold(next, s) {
			gone = append(gone, s)
		}
	}
	if len(gone) == 0 || args.bool("Force") {
		return nil
	}
	entries := "entry"
	if len(gone) > 1 {
		entries = "entries"
	}
	return &failure{fmt.Sprintf("%s of '%s' would lose %d %s: %s. Name them too to keep them, or add -Force to remove them.",
		property, identity, len(gone), entries, strings.Join(gone, ", ")), "InvalidOperation", "InvalidOperationException", identity}
}
