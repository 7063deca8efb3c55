package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// Client runs cmdlets; client/adminapi has one.
type Client interface {
	Commands(ctx context.Context) ([]psobject.Command, error)
	// Invoke runs one cmdlet; a failed cmdlet is a *psobject.ErrorRecord beside its Result.
	Invoke(ctx context.Context, inv psobject.Invocation) (psobject.Result, error)
}

// Prompter asks the person at a terminal. An error means that no answer came (Ctrl-C,
// end of input); the command that asked ends with it.
type Prompter interface {
	// Choose shows caption, message and the choices in PowerShell's way ("[Y] Yes  [A] Yes to All ...
	// (default is "Y")") and returns the index of the one taken; an empty line takes choices[def].
	Choose(ctx context.Context, caption, message string, choices []Choice, def int) (int, error)
	// Value asks for the value of one parameter ("Name: "). "" is an answer.
	Value(ctx context.Context, parameter string) (string, error)
}

// Choice is one answer that Choose offers.
type Choice struct {
	Key   string // what is typed, for example "A"
	Label string // for example "Yes to All"
	Help  string // shown for "?"
}

// Session is where texts run and where their output goes. Variables live as long as
// it does. It is not for concurrent use, and not to be copied after its first Run.
type Session struct {
	Client Client
	Out    io.Writer
	Err    io.Writer // warnings and errors
	// Width is the console's width in characters; 0 means that lines are not broken.
	Width int
	// Ask puts questions to the person at the terminal: -Confirm, a mandatory parameter that is
	// missing, Add, Replace or Cancel. nil where nobody can be asked.
	Ask Prompter
	// Graph is what the Graph cmdlets reach; nil is Microsoft's cloud, and nothing is kept.
	Graph *Graph
	// Now is the clock of Get-Date; nil is the machine's.
	Now func() time.Time

	state *state
}

// state is what a session keeps from one text to the next.
type state struct {
	variables map[string]any
	spelled   map[string]string  // the variables' names as they were written
	errors    []any              // $Error, the newest first
	ok        bool               // $?
	commands  []psobject.Command // the server's, nil before they are needed
	graph     graphState
}

// Exit is what Run returns when the statement exit ended the text.
type Exit struct {
	Code int // 0 to 255
}

// Error names the code.
func (e Exit) Error() string { return fmt.Sprintf("exit %d", e.Code) }

// Run runs one text in a session of its own; see Session.Run.
func Run(ctx context.Context, text string, s Session) error { return s.Run(ctx, text) }

// Run parses the whole text first, and runs nothing when it is not understood; then it
// runs statement by statement and stops at the first error that -ErrorAction and
// $ErrorActionPreference do not let pass. What the text or a
// cmdlet is to blame for is a *Failure; that the server cannot be reached, the
// output not written or ctx ended is returned as it is, and nothing is written about it.
// The statement exit returns an Exit.
func (s *Session) Run(ctx context.Context, text string) error {
	s.begin()
	script, err := parse.Parse(text)
	r := &runner{Session: s, ctx: ctx}
	if bad, ok := errors.AsType[*parse.Error](err); ok {
		r.text = strings.TrimPrefix(text, "\ufeff")
		f := &Failure{Pos: bad.Pos, Err: bad, text: r.text}
		r.report(f)
		return f
	}
	if err != nil {
		return err
	}
	r.text = script.Text
	if len(script.Placeholders) > 0 {
		return r.placeholder(script.Placeholders[0])
	}
	for _, st := range script.Body {
		c := &console{out: s.Out, width: s.Width, runner: r}
		err := r.statement(st, c.put)
		if werr := c.flush(); werr != nil {
			return werr
		}
		s.state.ok = err == nil && !r.complained
		f, ok := errors.AsType[*Failure](err)
		if err != nil && !ok {
			return err
		}
		if !ok {
			r.complained = false
			continue
		}
		switch r.preference() {
		case silentlyContinue:
			r.remember(f)
		case ignore:
		case carryOn:
			r.report(f)
		default:
			r.report(f)
			return f
		}
		r.complained = false
	}
	return nil
}

func (s *Session) begin() {
	if s.state == nil {
		s.state = &state{variables: make(map[string]any), spelled: make(map[string]string), ok: true}
	}
}

// Incomplete tells whether a text ended before its last statement did, so that at a prompt more lines may follow.
func Incomplete(text string) bool {
	_, err := parse.Parse(text)
	bad, ok := errors.AsType[*parse.Error](err)
	return ok && bad.Incomplete
}

// serverCommand returns the server's cmdlet of the name in any case, nil where it has none.
func (r *runner) serverCommand(name string) (*psobject.Command, error) {
	if r.state.commands == nil {
		commands, err := r.Client.Commands(r.ctx)
		if err != nil {
			return nil, err
		}
		r.state.commands = commands
	}
	for i := range r.state.commands {
		if strings.EqualFold(r.state.commands[i].Name, name) {
			return &r.state.commands[i], nil
		}
	}
	return nil, nil
}
