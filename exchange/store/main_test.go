package store

import (
	"fmt"
	"os"
	"testing"
)

// benchDir holds the data sets of the benchmarks for one run.
var benchDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hma-store-bench-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	benchDir = dir
	code := m.Run()
	for _, set := range benchSets {
		if set.m != nil {
			set.m.store.db.Close()
		}
	}
	os.RemoveAll(dir)
	os.Exit(code)
}
