package ews

import (
	"os"
	"strings"
	"testing"
)

// TestPage holds the operations that doc/ews.md lists to those that are served.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../doc/ews.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "| Operation | Does |")
	table, _, found := strings.Cut(rest, "\n\n")
	if !found {
		t.Fatal("doc/ews.md has no table of operations")
	}
	listed := make(map[string]bool)
	for line := range strings.Lines(table) {
		if cells := strings.Split(line, "|"); len(cells) > 3 {
			for name := range strings.SplitSeq(cells[1], ",") {
				listed[strings.TrimSpace(name)] = true
			}
		}
	}
	for name, op := range operations {
		if served := op.serve != nil; served != listed[name] {
			t.Errorf("%s: served %v, listed %v", name, served, listed[name])
		}
	}
}
