package shell

import (
	"context"
	"os"
	"strings"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// runner runs the statements of one text.
type runner struct {
	*Session
	ctx        context.Context
	text       string // what the extents of the running statements lie in
	complained bool   // an error was put into $Error since the statement began
	depth      int    // of blocks that run in blocks
}

// maxCalls is how deep blocks may run in blocks; a block that runs itself ends there.
const maxCalls = 500

// emit takes one item of output. errEnough from it means that no more is wanted.
type emit func(v any) error

// statement runs one statement and puts its output out.
func (r *runner) statement(st parse.Statement, out emit) error {
	if err := r.ctx.Err(); err != nil {
		return err
	}
	switch st := st.(type) {
	case *parse.Pipeline:
		if st.File != nil {
			return r.redirected(st)
		}
		return r.pipeline(st, out)
	case *parse.Assign:
		return r.assign(st)
	case *parse.If:
		for _, clause := range st.Clauses {
			v, err := r.value(clause.Condition)
			if err != nil {
				return err
			}
			if truth(v) {
				return r.block(clause.Body, out)
			}
		}
		if st.Else != nil {
			return r.block(st.Else, out)
		}
	case *parse.Exit:
		return r.exit(st)
	case *parse.ForEach:
		v, err := r.value(st.Values)
		if err != nil {
			return err
		}
		if v == nil {
			return nil // no pass for $null (PowerShell 3 and later)
		}
		at := parse.Extent{Pos: st.Pos, Start: st.Start, End: st.Start}
		for _, item := range list(v) {
			if err := r.set(at, st.Variable, item); err != nil {
				return err
			}
			if err := r.block(st.Body, out); err != nil {
				return err
			}
		}
	}
	return nil
}

// exit ends the text with a code, 0 where none is given.
func (r *runner) exit(st *parse.Exit) error {
	if st.Code == nil {
		return Exit{}
	}
	v, err := r.eval(st.Code)
	if err != nil {
		return err
	}
	code, ok := whole(v)
	if !ok || code < 0 || code > 255 {
		return r.wrong(st.Code.At(), "InvalidExitCode", "An exit code is a whole number from 0 to 255, not \"%s\".", expanded(v))
	}
	return Exit{int(code)}
}

// block runs the statements of a block, whose extents may lie in an earlier text.
func (r *runner) block(b *parse.Block, out emit) error {
	if r.depth >= maxCalls {
		return r.wrong(b.Extent, "CallDepthOverflow", "The script failed due to call depth overflow.")
	}
	before := r.text
	r.text = b.Text
	r.depth++
	defer func() {
		r.text = before
		r.depth--
	}()
	for _, st := range b.Body {
		if err := r.statement(st, out); err != nil {
			return err
		}
	}
	return nil
}

// collect gathers what a function puts out.
func (r *runner) collect(run func(emit) error) ([]any, error) {
	var items []any
	err := run(func(v any) error {
		if len(items) >= maxItems {
			return problemf("More than %d objects came out of one statement.", maxItems)
		}
		items = append(items, v)
		return nil
	})
	return items, err
}

// value is what a statement gives as one value; an expression keeps its arrays as they are.
func (r *runner) value(st parse.Statement) (any, error) {
	v, err := r.rawValue(st)
	if v == (nothing{}) {
		v = nil
	}
	return v, err
}

// rawValue tells no output at all from $null.
func (r *runner) rawValue(st parse.Statement) (any, error) {
	if pl, ok := st.(*parse.Pipeline); ok && pl.First != nil && len(pl.Commands) == 0 && pl.File == nil {
		return r.raw(pl.First)
	}
	if a, ok := st.(*parse.Assign); ok { // where a value is wanted, an assignment is what it assigned
		if err := r.statement(st, nil); err != nil {
			return nil, err
		}
		return r.raw(a.Target)
	}
	items, err := r.collect(func(out emit) error { return r.statement(st, out) })
	if p, ok := err.(problem); ok {
		return nil, r.wrong(st.At(), "TooMuchOutput", "%s", p)
	}
	return single(items), err
}

func (r *runner) assign(a *parse.Assign) error {
	v, err := r.rawValue(a.Value)
	if err != nil {
		return err
	}
	if a.Op != "=" {
		before, err := r.eval(a.Target)
		if err != nil {
			return err
		}
		if v == (nothing{}) {
			v = nil
		}
		if v, err = arithmetic(a.Op[:1], before, v); err != nil {
			return r.wrong(a.At(), "InvalidOperation", "%s", err)
		}
	}
	switch target := a.Target.(type) {
	case *parse.Variable:
		return r.set(target.Extent, target.Name, v)
	case *parse.Member:
		return r.setMember(target, v)
	case *parse.Index:
		return r.setIndex(target, v)
	}
	return nil
}

// set gives a variable its value.
func (r *runner) set(at parse.Extent, name string, v any) error {
	lower := strings.ToLower(name)
	switch lower {
	case "null":
		return nil // what is given to $null is thrown away
	case "true", "false", "error", "?":
		return r.wrong(at, "VariableNotWritable", "Cannot overwrite variable %s because it is read-only or constant.", name)
	case "erroractionpreference":
		if _, ok := errorActions[strings.ToLower(text(v))]; !ok {
			return r.wrong(at, "RuntimeException", "Cannot set $ErrorActionPreference to '%s': it takes Stop, Continue, SilentlyContinue or Ignore.", text(v))
		}
	}
	r.state.variables[lower], r.state.spelled[lower] = v, name
	return nil
}

func (r *runner) setMember(m *parse.Member, v any) error {
	if v == (nothing{}) {
		v = nil
	}
	target, err := r.eval(m.Target)
	if err != nil {
		return err
	}
	name, err := r.eval(m.Name)
	if err != nil {
		return err
	}
	switch t := target.(type) {
	case *hash:
		t.set(text(name), v)
		return nil
	case *object:
		if p := t.find(text(name)); p != nil {
			p.value = v
			return nil
		}
	}
	return r.wrong(m.Extent, "PropertyNotFound", "The property '%s' cannot be found on this object. Verify that the property exists and can be set.", text(name))
}

func (r *runner) setIndex(x *parse.Index, v any) error {
	if v == (nothing{}) {
		v = nil
	}
	target, err := r.eval(x.Target)
	if err != nil {
		return err
	}
	index, err := r.eval(x.Index)
	if err != nil {
		return err
	}
	switch t := target.(type) {
	case *hash:
		if !keyable(index) {
			return r.wrong(x.Extent, "InvalidOperation", "A value of type %s cannot be the key of a hashtable.", typeName(index))
		}
		t.set(index, v)
		return nil
	case []any:
		i, ok := whole(index)
		if ok && i < 0 {
			i += int64(len(t))
		}
		if !ok || i < 0 || i >= int64(len(t)) {
			return r.wrong(x.Extent, "System.IndexOutOfRangeException", "Index was outside the bounds of the array.")
		}
		t[i] = v
		return nil
	}
	return r.wrong(x.Extent, "CannotIndex", "Unable to index into an object of type %s.", typeName(target))
}

func keyable(v any) bool {
	switch v.(type) {
	case string, bool, int64, float64:
		return true
	}
	return false
}

// redirected writes what a pipeline puts out to a file.
func (r *runner) redirected(pl *parse.Pipeline) error {
	name, err := r.eval(pl.File)
	if err != nil {
		return err
	}
	flags := os.O_TRUNC
	if pl.Append {
		flags = os.O_APPEND
	}
	f, err := os.OpenFile(text(name), os.O_WRONLY|os.O_CREATE|flags, 0o600)
	if err != nil {
		return r.fileFailure(pl.File.At(), "Out-File", err)
	}
	c := &console{out: f, width: r.Width, runner: r, plain: true}
	err = r.pipeline(pl, c.put)
	if werr := c.flush(); err == nil && werr != nil {
		err = r.fileFailure(pl.File.At(), "Out-File", werr)
	}
	if cerr := f.Close(); err == nil && cerr != nil {
		err = r.fileFailure(pl.File.At(), "Out-File", cerr)
	}
	return err
}

// fileFailure is the failure of reading or writing a file.
func (r *runner) fileFailure(at parse.Extent, cmdlet string, err error) *Failure {
	category := "WriteError"
	switch {
	case os.IsNotExist(err):
		category = "ObjectNotFound"
	case os.IsPermission(err):
		category = "PermissionDenied"
	}
	return r.fail(at, "", psobject.ErrorRecord{Message: err.Error(), Category: category, Reason: "IOException", Cmdlet: cmdlet})
}
