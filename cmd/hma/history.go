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

// maxHistory is how many texts the shell remembers.
const maxHistory = 1000

// history are the texts that were typed into the shell, oldest first, kept in a file with one text in Go's quotes a line.
// It is a readline.History.
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

// Write implements readline.History: it keeps a text unless it may hold a secret or is the last one again.
func (h *history) Write(text string) (int, error) {
	text = strings.TrimSpace(text)
	if text == "" || secret(text) || len(h.lines) > 0 && h.lines[len(h.lines)-1] == text {
		return len(h.lines), nil
	}
	h.lines = append(h.lines, text)
	f, err := os.OpenFile(h.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return len(h.lines), err
	}
	_, err = f.WriteString(strconv.Quote(text) + "\n")
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return len(h.lines), err
}

// GetLine implements readline.History.
func (h *history) GetLine(i int) (string, error) {
	if i < 0 || i >= len(h.lines) {
		return "", errors.New("no such line")
	}
	return h.lines[i], nil
}

// Len implements readline.History.
func (h *history) Len() int { return len(h.lines) }

// Dump implements readline.History.
func (h *history) Dump() any { return h.lines }
