package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// terminal reads lines from the person at a terminal.
type terminal struct {
	in    io.Reader
	out   io.Writer
	width func() int                         // in characters
	raw   func() (restore func(), err error) // while a line is read, keys come one by one
}

// terminal returns the one that people sit at, nil unless input and messages are a terminal's. It writes to the
// messages' end: standard output may go to a file.
func (a *app) terminal() *terminal {
	in, ok1 := a.in.(*os.File)
	out, ok2 := a.err.(*os.File)
	if !ok1 || !ok2 || !term.IsTerminal(int(in.Fd())) || !term.IsTerminal(int(out.Fd())) {
		return nil
	}
	return &terminal{in: in, out: out,
		width: func() int {
			if w, _, err := term.GetSize(int(out.Fd())); err == nil && w > 0 {
				return w
			}
			return a.view.width
		},
		raw: func() (func(), error) {
			state, err := term.MakeRaw(int(in.Fd()))
			return func() { _ = term.Restore(int(in.Fd()), state) }, err
		}}
}

// editor returns a line editor.
func (t *terminal) editor() *editor {
	keys := &keys{in: t.in}
	return &editor{Terminal: term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{keys, t.out}, ""), terminal: t, keys: keys}
}

// editor edits one line after the other.
type editor struct {
	*term.Terminal
	terminal *terminal
	keys     *keys
}

// errInterrupted is Ctrl-C at a line. Its editor is not to be used again.
var errInterrupted = errors.New("interrupted")

// line reads one line behind a prompt; pasted tells that more of a pasted text follows. Ctrl-D and the end of
// input are io.EOF, Ctrl-C is errInterrupted, and the end of ctx is its error.
func (e *editor) line(ctx context.Context, prompt string) (line string, pasted bool, err error) {
	restore, err := e.terminal.raw()
	if err != nil {
		return "", false, fmt.Errorf("read the terminal: %w", err)
	}
	defer restore()
	_ = e.SetSize(e.terminal.width(), 24) // it fails only where writing does
	e.SetPrompt(prompt)
	done := make(chan struct{})
	go func() {
		defer close(done)
		line, err = e.ReadLine()
	}()
	select {
	case <-ctx.Done(): // the process ends, and the reader with it
		return "", false, ctx.Err()
	case <-done:
	}
	switch {
	case err == term.ErrPasteIndicator:
		return line, true, nil
	case err == io.EOF && e.keys.last == ctrlC:
		fmt.Fprint(e.terminal.out, "^C\r\n")
		return "", false, errInterrupted
	case err == io.EOF:
		fmt.Fprint(e.terminal.out, "\r\n")
	}
	return line, false, err
}

const ctrlC = 3

// keys reads a byte at a time, so that what was typed behind a line's end is there for whoever reads next.
type keys struct {
	in   io.Reader
	last byte
}

func (k *keys) Read(p []byte) (int, error) {
	n, err := k.in.Read(p[:min(1, len(p))])
	if n > 0 {
		k.last = p[0]
	}
	return n, err
}
