package shell

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"

	"hma/wire/psobject"
)

func selectString() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Select-String", Synopsis: "Finds the lines of a text or a file that match a pattern.",
		Params: []psobject.Parameter{needed(at(0, named("Pattern", "any"))), at(1, named("Path", "any", "LiteralPath")), named("SimpleMatch", "switch"), named("CaseSensitive", "switch"),
			named("NotMatch", "switch"), named("Quiet", "switch"), inputParameter}}, func(c *call) (*stage, error) {
		var patterns []*regexp.Regexp
		for _, p := range c.list("Pattern") {
			s := expanded(p)
			if c.flag("SimpleMatch") {
				s = regexp.QuoteMeta(s)
			}
			re, err := pattern(s, c.flag("CaseSensitive"))
			if err != nil {
				return nil, c.unbound(c.args["Pattern"].at, c.name, "InvalidRegex", "%s", err)
			}
			patterns = append(patterns, re)
		}
		s := &search{call: c, patterns: patterns}
		return &stage{process: func(v any) error {
			s.number++
			return s.line("InputStream", text(v))
		}, end: s.end}, nil
	}}
}

// search is one run of Select-String.
type search struct {
	*call
	patterns []*regexp.Regexp
	number   int64 // of the line
	found    bool
}

func (s *search) line(path, line string) error {
	for _, re := range s.patterns {
		if re.MatchString(line) == s.flag("NotMatch") {
			continue
		}
		s.found = true
		if s.flag("Quiet") {
			return nil
		}
		name, shown := path, clean(line)+"\n"
		if path != "InputStream" {
			name = filepath.Base(path)
			shown = fmt.Sprintf("%s:%d:%s", clean(path), s.number, shown)
		}
		return s.out(&object{typ: matchInfo, shown: shown, properties: []property{{"LineNumber", s.number}, {"Line", line}, {"Filename", name}, {"Path", path},
			{"Pattern", strings.TrimPrefix(re.String(), "(?i)")}}})
	}
	return nil
}

func (s *search) end() error {
	for _, path := range s.list("Path") {
		s.number = 0
		err := s.lines(text(path), func(line string) error {
			s.number++
			return s.line(text(path), line)
		})
		if err != nil {
			return err
		}
	}
	if s.flag("Quiet") {
		return s.out(s.found)
	}
	return nil
}
