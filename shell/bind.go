package shell

import (
	"fmt"
	"slices"
	"strings"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// common are the parameters that every command has. A cmdlet's own come first where an abbreviation fits both.
var common = []psobject.Parameter{
	{Name: "ErrorAction", Type: "string", Aliases: []string{"ea"}, Values: []string{"Stop", "Continue", "SilentlyContinue", "Ignore"}},
	{Name: "ErrorVariable", Type: "string", Aliases: []string{"ev"}},
	{Name: "OutVariable", Type: "string", Aliases: []string{"ov"}},
	{Name: "Verbose", Type: "switch", Aliases: []string{"vb"}},
	{Name: "WarningAction", Type: "string", Aliases: []string{"wa"}, Values: []string{"Continue", "SilentlyContinue", "Ignore"}},
}

// actionNumbers are the numbers of System.Management.Automation.ActionPreference, which scripts write for short.
var actionNumbers = map[string]string{"0": "SilentlyContinue", "1": "Stop", "2": "Continue", "4": "Ignore"}

func isCommon(name string) bool {
	return slices.ContainsFunc(common, func(p psobject.Parameter) bool { return p.Name == name })
}

// bind gives the arguments to the command's parameters: by full name, alias or the
// beginning of one name alone, and bare values by position. convert brings the
// values to the parameters' types; a server does that itself.
func (c *call) bind(cmd *psobject.Command, convert bool) error {
	c.args = make(map[string]argument)
	give := func(p *psobject.Parameter, x parse.Expr, at parse.Extent) error {
		if _, twice := c.args[p.Name]; twice {
			return c.unbound(at, c.name, "ParameterAlreadyBound", "Cannot bind parameter because parameter '%s' is specified more than once.", p.Name)
		}
		var v any = true
		if x != nil {
			var err error
			if v, err = c.eval(x); err != nil {
				return err
			}
		}
		if convert || isCommon(p.Name) {
			var err error
			if v, err = c.fit(p, x, v, at); err != nil {
				return err
			}
		}
		c.args[p.Name] = argument{v, at}
		c.bound = append(c.bound, p.Name)
		return nil
	}
	var bare []parse.Argument
	args := c.source.Args
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a.Parameter == "" {
			bare = append(bare, a)
			continue
		}
		p, err := c.parameter(cmd, a)
		if err != nil {
			return err
		}
		value := a.Value
		switch {
		case value != nil || p.Type == "switch":
		case i+1 < len(args) && args[i+1].Parameter == "":
			i++
			value = args[i].Value
		default:
			return c.unbound(a.Extent, c.name, "MissingArgument", "Missing an argument for parameter '%s': a value is missing behind -%s.", p.Name, p.Name)
		}
		if err := give(p, value, a.Extent); err != nil {
			return err
		}
	}
	for _, a := range bare {
		p := c.free(cmd)
		if p == nil {
			shown := c.runner.text[a.Start:a.End]
			if literal, ok := a.Value.(*parse.Literal); ok {
				shown = text(literal.Value)
			}
			return c.unbound(a.Extent, c.name, "PositionalParameterNotFound", "A positional parameter cannot be found that accepts argument '%s': %s takes no value %q here, name its parameter.", shown, c.name, shown)
		}
		if err := give(p, a.Value, a.Extent); err != nil {
			return err
		}
	}
	if a, ok := c.args["ErrorAction"]; ok {
		c.action = errorActions[strings.ToLower(text(a.value))]
	}
	if c.has("ErrorVariable") {
		c.state.variables[strings.ToLower(c.string("ErrorVariable"))] = []any{}
	}
	var missing []psobject.Parameter
	var names []string
	for _, p := range cmd.Params {
		if p.Mandatory && !c.has(p.Name) && !(p.Pipeline && c.piped) {
			missing = append(missing, p)
			names = append(names, p.Name)
		}
	}
	switch {
	case missing == nil:
		return nil
	case c.Ask != nil:
		return c.supply(cmd, missing)
	case convert:
		return c.unbound(c.source.Extent, c.name, "MissingMandatoryParameter", "Cannot process command because of one or more missing mandatory parameters: %s.", strings.Join(names, " "))
	}
	return nil // the server says so itself
}

// parameter finds the parameter that an argument names.
func (c *call) parameter(cmd *psobject.Command, a parse.Argument) (*psobject.Parameter, error) {
	for _, params := range [][]psobject.Parameter{cmd.Params, common} {
		var hits []*psobject.Parameter
		for i := range params {
			p := &params[i]
			if is(a.Parameter, append([]string{p.Name}, p.Aliases...)...) {
				return p, nil
			}
			if len(p.Name) >= len(a.Parameter) && strings.EqualFold(p.Name[:len(a.Parameter)], a.Parameter) {
				hits = append(hits, p)
			}
		}
		if len(hits) == 1 {
			return hits[0], nil
		}
		if len(hits) > 1 {
			var names []string
			for _, p := range hits {
				names = append(names, "-"+p.Name)
			}
			return nil, c.unbound(a.Extent, c.name, "AmbiguousParameter", "Parameter cannot be processed because the parameter name '%s' is ambiguous: -%s may mean %s.", a.Parameter, a.Parameter, strings.Join(names, " or "))
		}
	}
	hint := "it has none"
	var names []string
	for _, p := range cmd.Params {
		names = append(names, "-"+p.Name)
	}
	switch {
	case is(a.Parameter, "WhatIf", "wi"):
		hint = "nothing can be tried without doing it there"
	case len(names) > 0:
		hint = "it has " + strings.Join(names, ", ")
	}
	return nil, c.unbound(a.Extent, c.name, "NamedParameterNotFound", "A parameter cannot be found that matches parameter name '%s': %s has no parameter -%s, %s.", a.Parameter, c.name, a.Parameter, hint)
}

// free returns the parameter with the lowest position that has no value yet.
func (c *call) free(cmd *psobject.Command) *psobject.Parameter {
	var best *psobject.Parameter
	for i := range cmd.Params {
		p := &cmd.Params[i]
		if p.Position != nil && !c.has(p.Name) && (best == nil || *p.Position < *best.Position) {
			best = p
		}
	}
	return best
}

// fit brings a value to the type of a parameter of this shell. Its types are those of
// psobject.Parameter, and "any", "list" (of anything) and "script".
func (c *call) fit(p *psobject.Parameter, x parse.Expr, v any, at parse.Extent) (any, error) {
	cannot := func(want string) error {
		return c.unbound(at, c.name, "CannotConvertArgumentNoMessage", "Cannot bind parameter '%s'. Cannot convert value \"%s\" to %s.", p.Name, text(v), want)
	}
	switch p.Type {
	case "switch", "bool":
		if _, ok := v.(bool); !ok {
			return nil, cannot("type \"System.Boolean\": use $true or $false")
		}
	case "string":
		switch v.(type) {
		case []any, *hash:
			return nil, cannot("type \"System.String\"")
		}
		s := expanded(v)
		if len(p.Values) > 0 {
			if word, ok := actionNumbers[s]; ok && p.Name == "ErrorAction" {
				s = word
			}
			i := slices.IndexFunc(p.Values, func(allowed string) bool { return strings.EqualFold(allowed, s) })
			if i < 0 {
				return nil, cannot("one of " + strings.Join(p.Values, ", "))
			}
			s = p.Values[i]
		}
		return s, nil
	case "int":
		n, ok := whole(v)
		if !ok || v == nil {
			return nil, cannot("type \"System.Int32\"")
		}
		if n < 0 {
			return nil, c.unbound(at, c.name, "ParameterArgumentValidationError", "Cannot validate argument on parameter '%s'. The %d argument is less than the minimum allowed range of 0.", p.Name, n)
		}
		return n, nil
	case "script":
		if _, ok := v.(*parse.Block); !ok {
			return nil, cannot("a script block: write it in { }")
		}
	case "any":
		if literal, ok := x.(*parse.Literal); ok && literal.Bare {
			if n, ok := parse.Number(text(v)); ok {
				return n, nil
			}
		}
	}
	return v, nil
}

// remote is a cmdlet of the server: it runs once, or for all that came through the pipeline.
func remote(cmd *psobject.Command) func(*call) (*stage, error) {
	return func(c *call) (*stage, error) { return c.remote(cmd) }
}

func (c *call) remote(cmd *psobject.Command) (*stage, error) {
	inv := psobject.Invocation{Cmdlet: c.source.Name}
	for _, p := range c.bound {
		if isCommon(p) || p == "Confirm" && c.Ask != nil {
			continue
		}
		a := c.args[p]
		value, ok := toWire(a.value)
		if h, is := a.value.(*hash); is {
			value, ok = edit(h)
		}
		if !ok {
			return nil, c.unbound(a.at, c.name, "CannotConvertArgument", "Cannot bind parameter '%s'. This value of type %s cannot be sent to the server: give text, a number, a Boolean, a list of texts or @{Add=...; Remove=...}.", p, typeName(a.value))
		}
		inv.Parameters = append(inv.Parameters, psobject.Property{Name: p, Value: value})
	}
	var input []psobject.Object
	ask := c.confirmation(cmd)
	flush := func() error {
		call := inv
		call.Input, input = input, nil
		if !ask.wanted && !(c.flag("Verbose") && takes(cmd, "WhatIf") && !c.flag("WhatIf")) {
			return c.invoke(call)
		}
		would, err := c.would(call)
		if record, refused := err.(*psobject.ErrorRecord); refused {
			return c.complain(c.fail(c.source.Extent, "", *record))
		}
		if err != nil {
			return err
		}
		if ask.wanted {
			if yes, err := c.confirmed(&ask, would); err != nil || !yes {
				return err
			}
		}
		if c.flag("Verbose") {
			for _, line := range would {
				fmt.Fprintln(c.Err, "VERBOSE: "+clean(line))
			}
		}
		return c.invoke(call)
	}
	return &stage{
		process: func(v any) error {
			o, ok := inputObject(v)
			if !ok {
				return c.complain(c.failed("InvalidArgument", "ParameterBindingException", "InputObjectNotBound", typeName(v), "The input object cannot be bound to any parameters for the command: a value of type %s cannot be sent to the server.", typeName(v)))
			}
			input = append(input, o)
			if len(input) == batch || c.action != stop || ask.wanted {
				return flush()
			}
			return nil
		},
		end: func() error {
			if c.piped && len(input) == 0 {
				return nil // nothing came: there is nothing to do
			}
			return flush()
		},
	}, nil
}

// edit makes @{Add=...; Remove=...} travel.
func edit(h *hash) (any, bool) {
	var e psobject.Edit
	for _, p := range h.pairs {
		var entries []string
		for _, item := range list(p.value) {
			entry, ok := toWire(item)
			if _, nested := entry.([]string); !ok || nested {
				return nil, false
			}
			entries = append(entries, psobject.Text(entry))
		}
		switch {
		case is(text(p.key), "Add"):
			e.Add = entries
		case is(text(p.key), "Remove"):
			e.Remove = entries
		default:
			return nil, false
		}
	}
	return e, true
}

// batch is how many objects go to the server at once.
const batch = 1000

func (c *call) invoke(inv psobject.Invocation) error {
	res, err := c.Client.Invoke(c.ctx, inv)
	if !c.has("WarningAction") || c.string("WarningAction") == "Continue" {
		for _, w := range res.Warnings {
			fmt.Fprintln(c.Err, "WARNING: "+clean(w))
		}
	}
	for _, line := range res.WhatIf {
		fmt.Fprintln(c.Out, clean(line))
	}
	record, refused := err.(*psobject.ErrorRecord)
	if err != nil && !refused {
		return err
	}
	for _, o := range fromWire(res.Output) { // what came before an error is output too
		if err := c.out(o); err != nil {
			return err
		}
	}
	if refused {
		return c.complain(c.fail(c.source.Extent, "", *record))
	}
	return nil
}

// unknown lets the server say what there is to say about a name, before anything of the pipeline runs.
func (c *call) unknown() (func(*call) (*stage, error), error) {
	res, err := c.Client.Invoke(c.ctx, psobject.Invocation{Cmdlet: c.source.Name})
	if record, ok := err.(*psobject.ErrorRecord); ok {
		return nil, c.fail(c.source.Extent, "", *record)
	}
	return func(c *call) (*stage, error) {
		return &stage{end: func() error { return each(any(fromWire(res.Output)), c.out) }}, nil
	}, err
}
