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
func (a *app) console(ctx context.Context, t *terminal, s *shell.Session) error {
	// Ctrl-C stops what runs, and not the shell: the process's own context, which ends with it, is not for here.
	ctx, stop := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGTERM)
	defer stop()
	interrupts := make(chan os.Signal, 1)
	signal.Notify(interrupts, os.Interrupt)
	defer signal.Stop(interrupts)

	h, err := openHistory(filepath.Join(a.data, "shell_history"))
	if err != nil {
		fmt.Fprintf(s.Err, "hma: the history is not kept: %v\n", err)
	}
	complete := func(text string) (int, []shell.Candidate) {
		ctx, cancel := context.WithTimeout(ctx, completionTime)
		defer cancel()
		return s.Complete(ctx, text)
	}
	var e *editor
	for text := ""; ; {
		if e == nil {
			e = t.editor()
			e.History = h
		}
		c := &completer{complete: complete, before: text, out: e, width: t.width}
		e.AutoCompleteCallback = c.key
		next := prompt
		if text != "" {
			next = morePrompt
		}
		e.SetBracketedPasteMode(true)
		line, pasted, err := e.line(ctx, next)
		e.SetBracketedPasteMode(false)
		switch {
		case errors.Is(err, errInterrupted): // the text is given up
			e, text = nil, ""
			continue
		case err == io.EOF, ctx.Err() != nil:
			return nil
		case err != nil:
			return unreachable(fmt.Errorf("read the terminal: %w", err))
		}
		// A pasted text waits for Enter, and one that is not whole for its other lines.
		if text += line; strings.TrimSpace(text) != "" && (pasted || shell.Incomplete(text)) {
			text += "\n"
			continue
		}
		s.Width = t.width()
		whole := text
		text = ""
		err = interruptible(ctx, interrupts, func(ctx context.Context) error { return s.Run(ctx, whole) })
		if e, ok := errors.AsType[shell.Exit](err); ok {
			return exit{e.Code, nil}
		}
		if _, shown := errors.AsType[*shell.Failure](err); err != nil && !shown && !errors.Is(err, context.Canceled) {
			fmt.Fprintf(s.Err, "hma: %v\n", err)
		}
	}
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

// completer answers the tab key: once it completes as far as there is no choice and shows what there is, and then it
// goes through the choices.
type completer struct {
	complete func(text string) (start int, list []shell.Candidate)
	before   string    // the text's lines before this one
	out      io.Writer // writes above the prompt
	width    func() int

	head, tail string // of the line around the word
	list       []shell.Candidate
	next       int    // of list
	shown      string // the line as the last tab left it; "" after any other key
}

// key is the editor's call for each key: line, and pos in bytes, are what it is to hold where ok is true.
func (c *completer) key(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		c.shown = ""
		return "", 0, false
	}
	if c.shown == "" || c.shown != line {
		return c.begin(line, pos)
	}
	found := c.list[c.next].Text
	c.next = (c.next + 1) % len(c.list)
	return c.put(found)
}

// begin looks for what fits.
func (c *completer) begin(line string, pos int) (string, int, bool) {
	start, list := c.complete(c.before + line[:pos])
	if start -= len(c.before); start < 0 || len(list) == 0 {
		return line, pos, true
	}
	word := line[start:pos]
	c.head, c.tail, c.list, c.next = line[:start], line[pos:], list, 0
	if len(list) == 1 {
		line, pos, _ = c.put(list[0].Text)
		c.shown = ""
		return line, pos, true
	}
	fmt.Fprint(c.out, menu(list, c.width()))
	if common := commonPrefix(list); len(common) > len(word) {
		word = common
	}
	return c.put(word)
}

// put makes the line with the word in its place.
func (c *completer) put(word string) (string, int, bool) {
	c.shown = c.head + word + c.tail
	return c.shown, len(c.head) + len(word), true
}

// commonPrefix is what all candidates begin with.
func commonPrefix(list []shell.Candidate) string {
	common := list[0].Text
	for _, c := range list[1:] {
		for !strings.HasPrefix(c.Text, common) {
			_, n := utf8.DecodeLastRuneInString(common)
			common = common[:len(common)-n]
		}
	}
	return common
}

// maxMenu is how many lines a menu has.
const maxMenu = 20

// menu lays candidates out one a line with their notes, or in columns without where they are many.
func menu(list []shell.Candidate, width int) string {
	widest := 0
	for _, c := range list {
		widest = max(widest, utf8.RuneCountInString(c.Shown))
	}
	across, noted := 1, list[0].Note != "" && len(list) <= maxMenu
	if !noted {
		across = max(1, (width+1)/(widest+2))
	}
	down := (len(list) + across - 1) / across
	var b strings.Builder
	for i := range min(down, maxMenu) {
		line := ""
		for j := i; j < len(list); j += down {
			line += fmt.Sprintf("%-*s  ", widest, list[j].Shown)
		}
		if noted {
			line += list[i].Note
		}
		line = strings.TrimRight(line, " ")
		if runes := []rune(line); len(runes) >= width && width > 4 {
			line = string(runes[:width-4]) + "..."
		}
		b.WriteString(line + "\n")
	}
	if down > maxMenu {
		fmt.Fprintf(&b, "and %d more\n", len(list)-maxMenu*across)
	}
	return b.String()
}
