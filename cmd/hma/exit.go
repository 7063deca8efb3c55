package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"hma/lab"
)

// Exit codes: the contract with scripts.
const (
	exitOK          = 0 // done, or nothing found
	exitFound       = 1 // the check found something, verification failed, a client was refused
	exitUsage       = 2 // wrong usage or bad input
	exitUnreachable = 3 // could not reach, read or do it
)

// exit is an error with the exit code that it stands for. A nil err prints nothing.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string {
	if e.err == nil {
		return fmt.Sprintf("exit %d", e.code)
	}
	return e.err.Error()
}

func (e exit) Unwrap() error { return e.err }

// usage is an exit for wrong usage.
func usage(format string, args ...any) error {
	return exit{exitUsage, fmt.Errorf(format, args...)}
}

// unreachable is an exit for what could not be reached, read or done.
func unreachable(err error) error { return exit{exitUnreachable, err} }

// report prints err as one line (or one JSON object) and returns the exit code.
func report(io stdio, asJSON bool, err error) int {
	if err == nil {
		return exitOK
	}
	code := exitUnreachable
	if e, ok := errors.AsType[exit](err); ok {
		code = e.code
		if e.err == nil {
			return code
		}
		err = e.err
	} else if errors.Is(err, lab.ErrForeign) || errors.Is(err, lab.ErrUsed) || errors.Is(err, lab.ErrAddress) {
		code = exitUsage
	} else if errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	line := strings.Join(strings.Fields(err.Error()), " ")
	if asJSON {
		text, _ := json.Marshal(map[string]any{"version": 1, "error": line, "exit": code}) // strings and ints always marshal
		fmt.Fprintln(io.out, string(text))
		return code
	}
	fmt.Fprintln(io.err, "hma: "+line)
	return code
}
