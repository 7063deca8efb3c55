package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/reeflective/readline"
	"golang.org/x/term"

	"hma/shell"
)

// The prompts are the Exchange Management Shell's.
const (
	prompt     = `[PS] C:\>`
	morePrompt = ">> "
)

// completionTime is how long a completion may ask the server.
const completionTime = 2 * time.Second

// console reads texts from a terminal and runs them until exit, Ctrl-D or SIGTERM. What goes wrong in a text never
// ends it. The error is an exit with the code of the statement exit.
func (a *app) console(ctx context.Context, s *shell.Session) error {
	// Ctrl-C stops what runs, and not the shell: the process's own context, which ends with it, is not for here.
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM)
	defer stop()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)

	rl := readline.NewShell()
	for option, value := range map[string]any{
		"completion-ignore-case": true, "enable-bracketed-paste": true, "bell-style": "none",
	} {
		rl.Config.Vars[option] = value
	}
	_ = rl.Config.Bind("emacs", "\t", "menu-complete", false) // it fails only for a keymap that is not there
	rl.Prompt.Primary(func() string { return prompt })
	rl.Prompt.Secondary(func() string { return morePrompt })
	rl.AcceptMultiline = func(line []rune) bool { return !shell.Incomplete(string(line)) }
	rl.Completer = func(line []rune, cursor int) readline.Completions {
		return a.completions(ctx, s, rl, string(line[:cursor]))
	}
	h, err := openHistory(filepath.Join(a.data, "shell_history"))
	if err != nil {
		fmt.Fprintf(s.Err, "hma: the history is not kept: %v\n", err)
	}
	rl.History.Add("history", h)
	defer context.AfterFunc(ctx, func() { // a Ctrl-C of ours ends the wait for a line
		rl.Keys.Feed(true, '\x03')
		rl.Keys.RequestRefresh()
	})()

	for ctx.Err() == nil {
		line, err := rl.Readline()
		switch {
		case errors.Is(err, readline.ErrInterrupt): // the line is cleared
			continue
		case err == io.EOF:
			return nil
		case err != nil:
			return unreachable(fmt.Errorf("read the terminal: %w", err))
		}
		if f, ok := a.out.(*os.File); ok {
			if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
				s.Width = w
			}
		}
		err = interruptible(ctx, interrupts, func(ctx context.Context) error { return s.Run(ctx, line) })
		if e, ok := errors.AsType[shell.Exit](err); ok {
			return exit{e.Code, nil}
		}
		if _, shown := errors.AsType[*shell.Failure](err); err != nil && !shown && !errors.Is(err, context.Canceled) {
			fmt.Fprintf(s.Err, "hma: %v\n", err)
		}
	}
	return nil
}

// interruptible runs f with a context that an interrupt ends.
func interruptible(ctx context.Context, interrupts <-chan os.Signal, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	select {
	case <-interrupts: // of an earlier run, which was over already
	default:
	}
	go func() {
		select {
		case <-interrupts:
			cancel()
		case <-ctx.Done():
		}
	}()
	return f(ctx)
}

// completions hands the shell's candidates to the line editor, which takes the word up to the last blank as what they
// must begin with.
func (a *app) completions(ctx context.Context, s *shell.Session, rl *readline.Shell, text string) readline.Completions {
	ctx, cancel := context.WithTimeout(ctx, completionTime)
	defer cancel()
	start, list := s.Complete(ctx, text)
	head, word := text[:start], text[start:]
	if len(list) == 0 || strings.ContainsFunc(word, func(r rune) bool { return r >= utf8.RuneSelf }) {
		return readline.Completions{}
	}
	if quote := list[0].Text[:1]; (quote == "'" || quote == `"`) && !strings.HasPrefix(word, quote) {
		// Quotes become necessary: the editor can only go on with what stands there, so the quote is put there.
		rl.Line().Insert(len([]rune(head)), []rune(quote)...)
		rl.Cursor().Inc()
		word = quote + word
	}
	values := make([]readline.Completion, len(list))
	for i, c := range list {
		values[i] = readline.Completion{Value: c.Text, Display: c.Shown, Description: c.Note}
	}
	out := readline.CompleteRaw(values).NoSort()
	if out.PREFIX = word; word == "" {
		blank := strings.LastIndexAny(head, " \t\n") + 1
		out = out.Prefix(head[blank:])
	}
	return out
}
