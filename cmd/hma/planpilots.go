package main

import (
	"fmt"
	"io"
	"os"
	"strings"
)

// maxPilots bounds a file of pilots.
const maxPilots = 1 << 20

// pilots are the people that --pilot names: @FILE stands for the names in a file. Who gives
// the flag has to name somebody.
func pilots(given []string) ([]string, error) {
	var names []string
	for _, name := range given {
		file, ok := strings.CutPrefix(strings.TrimSpace(name), "@")
		if !ok {
			names = append(names, strings.TrimSpace(name))
			continue
		}
		listed, err := pilotsOf(file)
		if err != nil {
			return nil, usage("--pilot: %w", err)
		}
		names = append(names, listed...)
	}
	if given != nil && strings.Join(names, "") == "" {
		return nil, usage("--pilot names nobody")
	}
	return names, nil
}

// pilotsOf are the names in a file, one a line; a line that begins with # is a comment.
func pilotsOf(file string) ([]string, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxPilots+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxPilots {
		return nil, fmt.Errorf("%s is longer than %d bytes", file, maxPilots)
	}
	var names []string
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			names = append(names, line)
		}
	}
	return names, nil
}
