package main

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	"hma/hybrid/procedure"
)

// engineExit gives the procedure's errors their exit codes.
func engineExit(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.As(err, new(exit)):
		return err
	case errors.Is(err, procedure.ErrNoPlan), errors.Is(err, procedure.ErrNoRun), errors.Is(err, procedure.ErrInvalid),
		errors.Is(err, procedure.ErrStale), errors.Is(err, procedure.ErrBlocked), errors.Is(err, procedure.ErrLockout),
		errors.Is(err, procedure.ErrMoved), errors.Is(err, procedure.ErrLater), errors.Is(err, procedure.ErrStands), errors.Is(err, procedure.ErrUnfinished), errors.Is(err, procedure.ErrCollected), errors.Is(err, procedure.ErrChoice):
		return exit{exitUsage, err}
	}
	return unreachable(err)
}

// records is the procedure over the plans and journals of the data directory alone.
func (a *app) records() (*procedure.Procedure, error) {
	dir, err := filepath.Abs(a.data)
	if err != nil {
		return nil, usage("data directory: %w", err)
	}
	return procedure.New(procedure.Options{Dir: dir, Now: now})
}

// operator is who runs the command, for the journal.
func operator() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil {
		name += "@" + host
	}
	return name
}

// command is a command to type, for the same data directory and cloud.
func (a *app) command(text string) string {
	if a.cloud != "" && !strings.Contains(text, "--cloud") {
		text += a.cloud + " --write"
	}
	if a.data != defaultData {
		text = "--data " + shorten(a.data) + " " + text
	}
	return styleName.Render("hma " + text)
}

// ask returns nil when the operator agrees. Without a terminal --yes must be given.
func (a *app) ask(ctx context.Context, question string) error {
	if a.yes {
		return nil
	}
	if !a.view.terminal || a.json {
		return usage("this changes the organisation: say --yes, or run it in a terminal")
	}
	a.view.printf("\n%s [y/N] ", styleTitle.Render(question))
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.in).ReadString('\n') // what cannot be read is no agreement
		answer <- strings.ToLower(strings.TrimSpace(line))
	}()
	select {
	case text := <-answer:
		if text == "y" || text == "yes" {
			return nil
		}
	case <-ctx.Done(): // Ctrl-C at the question
		a.view.printf("\n")
	}
	return exit{exitUsage, errors.New("declined: nothing was changed")}
}
