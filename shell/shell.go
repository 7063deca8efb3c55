package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// Client runs cmdlets; client/adminapi has one.
type Client interface {
	Commands(ctx context.Context) ([]psobject.Command, error)
	// Invoke runs one cmdlet; a failed cmdlet is a *psobject.ErrorRecord beside its Result.
	Invoke(ctx context.Context, inv psobject.Invocation) (psobject.Result, error)
}

// Session is where a text runs and where its output goes.
type Session struct {
	Client Client
	Out    io.Writer
	Err    io.Writer // warnings and errors
	// Width is the console's width in characters; 0 means that lines are not broken.
	Width int
}

// Failure is the error of the statement at which a text stopped. It has been
// written to Session.Err already, with its place.
type Failure struct {
	Pos parse.Pos
	Err error // *parse.Error or *psobject.ErrorRecord
}

// Error returns the cause's text.
func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// Run parses the whole text first, and runs nothing when it is not understood; then it
// runs statement by statement and stops at the first error. What the text or a
// cmdlet is to blame for is a *Failure; that the server cannot be reached or the
// output not written is returned as it is, and nothing is written about it.
func Run(ctx context.Context, text string, s Session) error {
	script, err := parse.Parse(text)
	if bad, ok := errors.AsType[*parse.Error](err); ok {
		return s.fail(bad.Pos, err)
	}
	if err != nil {
		return err
	}
	if len(script.Statements) == 0 {
		return nil
	}
	for _, pl := range script.Statements {
		if err := checkFormats(pl); err != nil {
			return s.fail(err.Pos, err)
		}
	}
	commands, err := s.Client.Commands(ctx)
	if err != nil {
		return err
	}
	r := &runner{s, commands}
	for _, pl := range script.Statements {
		if err := r.pipeline(ctx, pl); err != nil {
			return err
		}
	}
	return nil
}

type runner struct {
	Session
	commands []psobject.Command
}

func (r *runner) command(name string) *psobject.Command {
	for i := range r.commands {
		if strings.EqualFold(r.commands[i].Name, name) {
			return &r.commands[i]
		}
	}
	return nil
}

// pipeline runs the cmdlets one after the other and formats what the last one puts out.
func (r *runner) pipeline(ctx context.Context, pl parse.Pipeline) error {
	var objects []psobject.Object
	for i, c := range pl.Commands {
		if f, ok := formats[strings.ToLower(c.Name)]; ok {
			properties, err := propertyList(c)
			if err != nil {
				return r.fail(err.Pos, err)
			}
			return r.write(f(objects, properties, r.Width))
		}
		if i > 0 && len(objects) == 0 {
			continue // nothing came: a cmdlet in the middle has nothing to do
		}
		inv := psobject.Invocation{Cmdlet: c.Name, Input: objects}
		if cmd := r.command(c.Name); cmd != nil {
			params, err := bind(cmd, c)
			if err != nil {
				return r.fail(err.Pos, err)
			}
			inv.Parameters = params
		} else {
			inv.Input = nil // the server says what there is to say about the name
		}
		res, err := r.Client.Invoke(ctx, inv)
		for _, w := range res.Warnings {
			fmt.Fprintln(r.Err, "WARNING: "+clean(w))
		}
		if _, refused := errors.AsType[*psobject.ErrorRecord](err); err != nil && !refused {
			return err
		}
		if err != nil {
			// What came before the error is output too.
			if i == len(pl.Commands)-1 {
				if werr := r.write(formatDefault(res.Output, r.Width)); werr != nil {
					return werr
				}
			}
			return r.fail(c.Pos, err)
		}
		objects = res.Output
	}
	return r.write(formatDefault(objects, r.Width))
}

func (r *runner) write(text string) error {
	if _, err := io.WriteString(r.Out, text); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}

// fail writes a parse error or an error record to Err in PowerShell's shape and returns it as a *Failure.
func (s *Session) fail(pos parse.Pos, err error) error {
	var name, message, info, id string
	if record, ok := errors.AsType[*psobject.ErrorRecord](err); ok {
		name, message = record.Cmdlet, record.Message
		info = fmt.Sprintf("%s: (%s:String) [%s], %s", record.Category, record.Target, record.Cmdlet, record.Reason)
		id = record.Reason + "," + record.Cmdlet
	} else if bad, ok := errors.AsType[*parse.Error](err); ok {
		name, message = "hma shell", bad.Message
		if bad.Hint != "" {
			message += ": " + bad.Hint
		}
	}
	fmt.Fprintf(s.Err, "%s : %s\nAt line:%d char:%d\n", clean(name), clean(message), pos.Line, pos.Column)
	if info != "" {
		fmt.Fprintf(s.Err, "    + CategoryInfo          : %s\n    + FullyQualifiedErrorId : %s\n", clean(info), clean(id))
	}
	return &Failure{pos, err}
}

// bind gives the arguments to the command's parameters: by full name, alias or the
// beginning of one name alone, and bare values by position.
func bind(cmd *psobject.Command, c parse.Command) ([]psobject.Property, *parse.Error) {
	var bound []psobject.Property
	taken := make(map[string]bool)
	give := func(p *psobject.Parameter, value any, at parse.Pos) *parse.Error {
		if taken[p.Name] {
			return &parse.Error{Pos: at, Message: fmt.Sprintf("-%s is given more than once", p.Name)}
		}
		taken[p.Name] = true
		bound = append(bound, psobject.Property{Name: p.Name, Value: value})
		return nil
	}
	var bare []parse.Argument
	for i := 0; i < len(c.Args); i++ {
		a := c.Args[i]
		if a.Parameter == "" {
			bare = append(bare, a)
			continue
		}
		p, err := parameter(cmd, a)
		if err != nil {
			return nil, err
		}
		value := a.Value
		switch {
		case value != nil:
		case p.Type == "switch":
			value = &parse.Value{Kind: parse.Bool, Bool: true}
		case i+1 < len(c.Args) && c.Args[i+1].Parameter == "":
			i++
			value = c.Args[i].Value
		default:
			return nil, &parse.Error{Pos: a.Pos, Message: fmt.Sprintf("a value is missing behind -%s", p.Name)}
		}
		if err := give(p, plain(value), a.Pos); err != nil {
			return nil, err
		}
	}
	for _, a := range bare {
		p := free(cmd, taken)
		if p == nil {
			return nil, &parse.Error{Pos: a.Pos, Message: fmt.Sprintf("%s takes no value %q here", cmd.Name, psobject.Text(plain(a.Value))), Hint: "name its parameter"}
		}
		if err := give(p, plain(a.Value), a.Pos); err != nil {
			return nil, err
		}
	}
	return bound, nil
}

func parameter(cmd *psobject.Command, a parse.Argument) (*psobject.Parameter, *parse.Error) {
	var hits []*psobject.Parameter
	for i := range cmd.Params {
		p := &cmd.Params[i]
		names := append([]string{p.Name}, p.Aliases...)
		if slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, a.Parameter) }) {
			return p, nil
		}
		if len(p.Name) >= len(a.Parameter) && strings.EqualFold(p.Name[:len(a.Parameter)], a.Parameter) {
			hits = append(hits, p)
		}
	}
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		var names []string
		for _, p := range cmd.Params {
			names = append(names, "-"+p.Name)
		}
		hint := "it has none"
		if len(names) > 0 {
			hint = "it has " + strings.Join(names, ", ")
		}
		return nil, &parse.Error{Pos: a.Pos, Message: fmt.Sprintf("%s has no parameter -%s", cmd.Name, a.Parameter), Hint: hint}
	}
	var names []string
	for _, p := range hits {
		names = append(names, "-"+p.Name)
	}
	return nil, &parse.Error{Pos: a.Pos, Message: fmt.Sprintf("-%s may mean %s", a.Parameter, strings.Join(names, " or "))}
}

// free returns the parameter with the lowest position that has no value yet.
func free(cmd *psobject.Command, taken map[string]bool) *psobject.Parameter {
	var best *psobject.Parameter
	for i := range cmd.Params {
		p := &cmd.Params[i]
		if p.Position != nil && !taken[p.Name] && (best == nil || *p.Position < *best.Position) {
			best = p
		}
	}
	return best
}

// plain turns a literal into a property's value.
func plain(v *parse.Value) any {
	switch v.Kind {
	case parse.Bool:
		return v.Bool
	case parse.Null:
		return nil
	case parse.List:
		list := make([]string, len(v.Items))
		for i, item := range v.Items {
			list[i] = item.Text
		}
		return list
	}
	return v.Text
}
