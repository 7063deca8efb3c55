package main

import (
	"encoding/xml"
	"slices"
	"strings"
	"time"
	"unicode"

	"hma/hybrid/conformance"
	"hma/hybrid/journal"
	"hma/hybrid/procedure"
)

// The JUnit XML that CI systems read (as Ant and Surefire write it): a suite is a server, a case a door or a requirement.
type (
	junitSuites struct {
		XMLName  xml.Name     `xml:"testsuites"`
		Name     string       `xml:"name,attr"`
		Tests    int          `xml:"tests,attr"`
		Failures int          `xml:"failures,attr"`
		Skipped  int          `xml:"skipped,attr"`
		Suites   []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name     string      `xml:"name,attr"`
		Tests    int         `xml:"tests,attr"`
		Failures int         `xml:"failures,attr"`
		Skipped  int         `xml:"skipped,attr"`
		Time     string      `xml:"timestamp,attr"`
		Cases    []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Class   string        `xml:"classname,attr"`
		Name    string        `xml:"name,attr"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// add puts a case into the suite of the name.
func (j *junitSuites) add(suite string, at time.Time, c junitCase) {
	if n := len(j.Suites); n == 0 || j.Suites[n-1].Name != suite {
		j.Suites = append(j.Suites, junitSuite{Name: suite, Time: at.UTC().Format("2006-01-02T15:04:05")})
	}
	s := &j.Suites[len(j.Suites)-1]
	s.Cases = append(s.Cases, c)
	s.Tests++
	j.Tests++
	if c.Failure != nil {
		s.Failures++
		j.Failures++
	}
	if c.Skipped != nil {
		s.Skipped++
		j.Skipped++
	}
}

// junitVerification is a case for each door of the lab.
func junitVerification(v *procedure.Verification) *junitSuites {
	j := &junitSuites{Name: "hma verify"}
	for _, r := range v.Rows {
		c := junitCase{Class: r.Server, Name: string(r.Protocol), Out: strings.Join(append([]string{"AuthN " + r.After}, r.Notes...), "\n")}
		if len(r.Problems) > 0 {
			c.Failure = &junitMessage{r.Problems[0], strings.Join(r.Problems, "\n")}
		}
		j.add(r.Server, v.At, c)
	}
	return j
}

// junitConformance is a case for each requirement at each door. A Should that is not met is told and does not fail.
func junitConformance(r *conformance.Report) *junitSuites {
	j := &junitSuites{Name: "hma verify --url"}
	for i, s := range r.Sites {
		if slices.ContainsFunc(r.Sites[:i], func(earlier conformance.Site) bool { return earlier.Server == s.Server }) {
			continue // two doors of one server, each by its URL
		}
		reached := junitCase{Class: s.Server, Name: "answers"}
		if s.Unreached != "" {
			reached.Failure = &junitMessage{Message: s.Unreached}
		}
		j.add(s.Server, r.At, reached)
		for _, f := range r.Judgements {
			if f.Server != s.Server {
				continue
			}
			c := junitCase{Class: s.Server, Name: f.Requirement + " " + f.Expected}
			if f.Door != "" {
				c.Class += "." + f.Door
			}
			switch {
			case f.Outcome == conformance.NotTried:
				c.Skipped = &junitMessage{Message: f.Found}
			case f.Outcome == conformance.Fail && f.Level == conformance.Must:
				c.Failure = &junitMessage{"found " + f.Found, f.Clause + "\n" + f.Fix}
			case f.Outcome == conformance.Fail:
				c.Out = "should be so; found " + f.Found
			}
			j.add(s.Server, r.At, c)
		}
	}
	return j
}

// writeJUnit writes the document, which names people, to the file; none is written for "".
func writeJUnit(file string, j *junitSuites) error {
	if file == "" {
		return nil
	}
	text, err := xml.MarshalIndent(j, "", "  ")
	if err != nil {
		return err
	}
	if err := journal.WriteFile(file, append([]byte(xml.Header), append(text, '\n')...)); err != nil {
		return unreachable(err)
	}
	return nil
}

// oneLine makes foreign text fit for a line of a terminal: printable, at most 400 letters.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text[:min(len(text), 4096)])
	letters := []rune(strings.Join(strings.Fields(text), " "))
	return string(letters[:min(len(letters), 400)])
}
