package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"hma/shell"
)

// asker puts the shell's questions to the person at a terminal; it is a shell.Prompter.
type asker struct {
	in    io.Reader
	out   io.Writer // the terminal itself, even where standard output goes to a file
	width int
	raw   func() (restore func(), err error)
}

// prompter returns who answers the shell's questions: nil unless input and messages are a terminal's.
func (a *app) prompter() shell.Prompter {
	in, ok1 := a.in.(*os.File)
	out, ok2 := a.err.(*os.File)
	if !ok1 || !ok2 || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	return &asker{in: in, out: out, width: a.view.width, raw: func() (func(), error) {
		state, err := term.MakeRaw(int(in.Fd()))
		return func() { _ = term.Restore(int(in.Fd()), state) }, err
	}}
}

// Choose implements shell.Prompter. "?" explains the choices, and what is none of them is asked again.
func (a *asker) Choose(ctx context.Context, caption, message string, choices []shell.Choice, def int) (int, error) {
	fmt.Fprintf(a.out, "\n%s\n%s\n", caption, message)
	var line strings.Builder
	for _, c := range choices {
		fmt.Fprintf(&line, "[%s] %s  ", c.Key, c.Label)
	}
	fmt.Fprintf(&line, "[?] Help (default is \"%s\"): ", choices[def].Key)
	for {
		answer, err := a.line(ctx, line.String())
		if err != nil {
			return 0, err
		}
		answer = strings.TrimSpace(answer)
		if answer == "" {
			return def, nil
		}
		for i, c := range choices {
			if strings.EqualFold(answer, c.Key) || strings.EqualFold(answer, c.Label) {
				return i, nil
			}
		}
		if answer == "?" {
			for _, c := range choices {
				fmt.Fprintf(a.out, "%s - %s\n", c.Key, c.Help)
			}
		}
	}
}

// Value implements shell.Prompter.
func (a *asker) Value(ctx context.Context, parameter string) (string, error) {
	return a.line(ctx, parameter+": ")
}

// line reads one line behind a prompt. Ctrl-C, the end of input and the end of ctx are context.Canceled.
func (a *asker) line(ctx context.Context, prompt string) (string, error) {
	restore, err := a.raw()
	if err != nil {
		return "", fmt.Errorf("ask at the terminal: %w", err)
	}
	defer restore()
	t := term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{single{a.in}, a.out}, prompt)
	_ = t.SetSize(a.width, 24) // it fails only where writing does
	type read struct {
		line string
		err  error
	}
	done := make(chan read, 1)
	go func() {
		line, err := t.ReadLine()
		done <- read{line, err}
	}()
	select {
	case <-ctx.Done():
		return "", context.Canceled
	case r := <-done:
		if r.err == io.EOF {
			fmt.Fprint(a.out, "\r\n")
			return "", context.Canceled
		}
		return r.line, r.err
	}
}

// single reads a byte at a time, so that what was typed behind a line's end is there for the next reader.
type single struct{ io.Reader }

func (s single) Read(p []byte) (int, error) { return s.Reader.Read(p[:min(1, len(p))]) }
