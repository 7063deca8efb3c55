package shell

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// cmdlet is a command that needs no server: its description, and what one run of it does.
type cmdlet struct {
	psobject.Command
	start func(c *call) (*stage, error)
}

// stage is one command of a running pipeline. process takes an item and may be nil where a
// command takes none; end runs when no more come.
type stage struct {
	process func(v any) error
	end     func() error
}

// call is one command of a pipeline with its arguments.
type call struct {
	*runner
	source   *parse.Command
	name     string
	args     map[string]argument // by the parameters' proper names
	bound    []string            // these names in the order in which they were bound
	out      emit
	piped    bool // something stands before it in the pipeline
	position int  // in the pipeline, from 1
	action   errorAction

	closers *[]func() // of the pipeline
}

// later runs f when the pipeline has ended, however it ended.
func (c *call) later(f func()) { *c.closers = append(*c.closers, f) }

// argument is a parameter's value and where it stands.
type argument struct {
	value any
	at    parse.Extent
}

func (c *call) has(name string) bool { _, ok := c.args[name]; return ok }

func (c *call) flag(name string) bool { return truth(c.args[name].value) }

func (c *call) string(name string) string { return expanded(c.args[name].value) }

func (c *call) list(name string) []any {
	if !c.has(name) {
		return nil
	}
	return list(c.args[name].value)
}

// number returns a whole number's parameter, or fallback.
func (c *call) number(name string, fallback int64) int64 {
	if n, ok := c.args[name].value.(int64); ok {
		return n
	}
	return fallback
}

// failed is the failure of a command that has begun.
func (c *call) failed(category, reason, id, target, format string, args ...any) *Failure {
	return c.fail(c.source.Extent, id+","+c.name, psobject.ErrorRecord{Message: fmt.Sprintf(format, args...), Category: category, Reason: reason, Target: target, Cmdlet: c.name})
}

// complain treats an error as -ErrorAction wants: the failure comes back only where it ends the statement.
func (c *call) complain(f *Failure) error {
	if c.has("ErrorVariable") {
		name := strings.ToLower(c.string("ErrorVariable"))
		items, _ := c.state.variables[name].([]any)
		c.state.variables[name] = append(items, f.object())
	}
	switch c.action {
	case carryOn:
		c.report(f)
	case silentlyContinue:
		c.remember(f)
	case ignore:
	default:
		return f
	}
	return nil
}

// errEnough is what a stage returns that wants no more input.
var errEnough = errors.New("no more input is wanted")

// enough carries errEnough to the pipeline that its stage belongs to.
type enough struct {
	owner *parse.Pipeline
	stage int
}

func (enough) Error() string { return errEnough.Error() }

// pipeline binds all its commands, then hands each item from command to command as it comes.
func (r *runner) pipeline(pl *parse.Pipeline, out emit) error {
	if len(pl.Commands) == 0 {
		v, err := r.raw(pl.First)
		if err != nil {
			return err
		}
		return each(v, out)
	}
	calls := make([]*call, len(pl.Commands))
	starts := make([]func(*call) (*stage, error), len(pl.Commands))
	before := 0 // pipeline elements before the first command
	if pl.First != nil {
		before = 1
	}
	for i, source := range pl.Commands {
		var err error
		calls[i], starts[i], err = r.prepare(source, before+i+1)
		if err != nil {
			return err
		}
		if err := r.checkFormat(calls, i); err != nil {
			return err
		}
	}
	var closers []func()
	defer func() {
		for _, f := range closers {
			f()
		}
	}()
	stages := make([]*stage, len(calls))
	next := out
	for i := len(calls) - 1; i >= 0; i-- {
		calls[i].out, calls[i].closers = calls[i].kept(next), &closers
		st, err := starts[i](calls[i])
		if err != nil {
			return err
		}
		stages[i] = st
		next = func(v any) error {
			if err := r.ctx.Err(); err != nil {
				return err
			}
			if st.process == nil {
				return calls[i].failed("InvalidArgument", "ParameterBindingException", "InputObjectNotBound", "", "The input object cannot be bound to any parameters for the command: %s takes no pipeline input.", calls[i].name)
			}
			err := st.process(v)
			if err == errEnough {
				return enough{pl, i}
			}
			return err
		}
	}
	from := 0
	if pl.First != nil {
		v, err := r.raw(pl.First)
		if err == nil {
			err = each(v, next)
		}
		if from, err = r.stopped(pl, from, err); err != nil {
			return err
		}
	} else if a, ok := calls[0].args["InputObject"]; ok {
		var err error
		if from, err = r.stopped(pl, from, each(a.value, next)); err != nil {
			return err
		}
	}
	for i := from; i < len(stages); {
		if stages[i].end == nil {
			i++
			continue
		}
		at, err := r.stopped(pl, i+1, stages[i].end())
		if err != nil {
			return err
		}
		i = max(at, i+1)
	}
	return nil
}

// stopped returns the stage to end next: from, or the one that wants no more.
func (r *runner) stopped(pl *parse.Pipeline, from int, err error) (int, error) {
	if e, ok := err.(enough); ok && e.owner == pl {
		return e.stage, nil
	}
	return from, err
}

// each puts the items of a value out.
func each(v any, out emit) error {
	for _, item := range list(v) {
		if err := out(item); err != nil {
			return err
		}
	}
	return nil
}

// kept is out, which also gathers for -OutVariable.
func (c *call) kept(out emit) emit {
	if !c.has("OutVariable") {
		return out
	}
	name := strings.ToLower(c.string("OutVariable"))
	c.state.variables[name] = []any{}
	return func(v any) error {
		items, _ := c.state.variables[name].([]any)
		c.state.variables[name] = append(items, v)
		return out(v)
	}
}

// prepare finds a command and binds its arguments.
func (r *runner) prepare(source *parse.Command, position int) (*call, func(*call) (*stage, error), error) {
	name := source.Name
	if full, ok := aliases[strings.ToLower(name)]; ok {
		name = full
	}
	c := &call{runner: r, source: source, name: name, position: position, piped: position > 1, action: r.preference()}
	local, ok := cmdlets[strings.ToLower(name)]
	if !ok {
		cmd, err := r.serverCommand(name)
		if err != nil {
			return nil, nil, err
		}
		if cmd == nil {
			start, err := c.unknown()
			return c, start, err
		}
		if c.asksForHelp() {
			return c, describe(*cmd), nil
		}
		return c, remote(cmd), c.bind(cmd, false)
	}
	c.name = local.Name
	if c.asksForHelp() {
		return c, describe(local.Command), nil
	}
	return c, local.start, c.bind(&local.Command, true)
}

// asksForHelp tells whether -? stands among the arguments.
func (c *call) asksForHelp() bool {
	return slices.ContainsFunc(c.source.Args, func(a parse.Argument) bool { return a.Parameter == "?" })
}

// describe is a command with -?: it shows its help and does nothing.
func describe(cmd psobject.Command) func(*call) (*stage, error) {
	return func(c *call) (*stage, error) {
		return &stage{process: func(any) error { return nil }, end: func() error { return c.out(formatted(c.help(cmd))) }}, nil
	}
}

// formats are the commands behind which only a file or nothing may come.
var formats = map[string]bool{"Format-List": true, "Format-Table": true}

// checkFormat refuses a formatting command that nothing comes to, and what cannot follow one.
func (r *runner) checkFormat(calls []*call, i int) error {
	c := calls[i]
	if formats[c.name] && !c.piped && !c.has("InputObject") && !c.asksForHelp() {
		return c.failed("InvalidOperation", "ParameterBindingException", "NoInput", "", "nothing comes to %s: pipe a cmdlet to it", c.source.Name)
	}
	if i > 0 && formats[calls[i-1].name] && !is(c.name, "Out-File", "Tee-Object") {
		return c.failed("InvalidOperation", "ParameterBindingException", "FormattedInput", "", "%s must be the last command of a pipeline, or come before Out-File or Tee-Object: %s would get its layout and no objects",
			calls[i-1].source.Name, c.source.Name)
	}
	return nil
}

// with runs a block with $_ set to an item.
func (r *runner) with(item any, b *parse.Block, out emit) error {
	before, had := r.state.variables["_"]
	r.state.variables["_"] = item
	defer func() {
		if had {
			r.state.variables["_"] = before
		} else {
			delete(r.state.variables, "_")
		}
	}()
	return r.block(b, out)
}

// of is what a block gives for an item as one value.
func (r *runner) of(item any, b *parse.Block) (any, error) {
	items, err := r.collect(func(out emit) error { return r.with(item, b, out) })
	if p, ok := err.(problem); ok {
		return nil, r.wrong(b.Extent, "TooMuchOutput", "%s", p)
	}
	v := single(items)
	if v == (nothing{}) {
		v = nil
	}
	return v, err
}
