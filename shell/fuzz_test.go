package shell

import (
	"context"
	"io"
	"strings"
	"testing"
)

// counted is a context that ends after so many looks at it, so that no text runs for long.
type counted struct {
	context.Context
	left int
}

func (c *counted) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

// FuzzRun checks that no text makes the shell panic. Texts that could touch files are left out.
func FuzzRun(f *testing.F) {
	for _, test := range language {
		f.Add(test.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lower := strings.ToLower(text)
		for _, word := range []string{">", "file", "csv", "clixml", "tee", "content", "gc", "cat", "type", "sls", "string"} {
			if strings.Contains(lower, word) {
				return
			}
		}
		err := Run(&counted{t.Context(), 500}, text, Session{Client: &recorder{output: things}, Out: io.Discard, Err: io.Discard, Width: 40})
		if f, ok := err.(*Failure); ok && (f.Pos.Line < 1 || f.Pos.Column < 1) {
			t.Fatalf("%q: no place: %v", text, f)
		}
	})
}
