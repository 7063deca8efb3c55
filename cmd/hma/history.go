package main

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// maxHistory is how many lines the shell remembers.
const maxHistory = 1000

// history are the lines that were typed into the shell, oldest first, kept in a file, each in Go's quotes.
// It is a term.History.
type history struct {
	path  string
	lines []string
}

// openHistory reads a history; where its file cannot be read it is empty. A long file is written anew.
func openHistory(path string) (*history, error) {
	h := &history{path: path}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	defer f.Close()
	scan := bufio.NewScanner(f)
	scan.Buffer(nil, 2*maxScript)
	for scan.Scan() {
		if text, err := strconv.Unquote(scan.Text()); err == nil && !secret(text) {
			h.lines = append(h.lines, text)
		}
	}
	if err := scan.Err(); err != nil {
		return h, err
	}
	if len(h.lines) <= 2*maxHistory {
		return h, nil
	}
	h.lines = h.lines[len(h.lines)-maxHistory:]
	var all strings.Builder
	for _, text := range h.lines {
		all.WriteString(strconv.Quote(text) + "\n")
	}
	return h, os.WriteFile(path, []byte(all.String()), 0o600)
}

// secrets are the words beside which a secret stands: parameters in any abbreviation that nothing else has, secure
// strings, and a token as it is.
var secrets = regexp.MustCompile(`(?i)\s[-–—―](acc|pas|cred|clientsec)|securestring|connect-(mg)?graph\s.*[-–—―]a|password|eyJ[\w-]{8}`)

// secret tells whether a text may hold a secret.
func secret(text string) bool { return secrets.MatchString(text) }

// Add implements term.History: it keeps a line unless it may hold a secret or is the last one again. Where
// the file cannot be written the line is remembered all the same.
func (h *history) Add(line string) {
	line = strings.TrimSpace(line)
	if line == "" || secret(line) || len(h.lines) > 0 && h.lines[len(h.lines)-1] == line {
		return
	}
	h.lines = append(h.lines, line)
	f, err := os.OpenFile(h.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = f.WriteString(strconv.Quote(line) + "\n") // as above
}

// Len implements term.History.
func (h *history) Len() int { return len(h.lines) }

// At implements term.History: 0 is the newest.
func (h *history) At(i int) string { return h.lines[len(h.lines)-1-i] }
