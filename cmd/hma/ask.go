package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"hma/shell"
)

// asker puts the shell's questions to the person at a terminal; it is a shell.Prompter.
type asker struct{ *terminal }

// prompter returns who answers the shell's questions: nil where nobody sits.
func (a *app) prompter() shell.Prompter {
	if t := a.terminal(); t != nil {
		return asker{t}
	}
	return nil
}

// Choose implements shell.Prompter. "?" explains the choices, and what is none of them is asked again.
func (a asker) Choose(ctx context.Context, caption, message string, choices []shell.Choice, def int) (int, error) {
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
func (a asker) Value(ctx context.Context, parameter string) (string, error) {
	return a.line(ctx, parameter+": ")
}

// line reads one answer. Where none comes it is context.Canceled.
func (a asker) line(ctx context.Context, prompt string) (string, error) {
	line, _, err := a.editor().line(ctx, prompt)
	if err == io.EOF || errors.Is(err, errInterrupted) {
		err = context.Canceled
	}
	return line, err
}
