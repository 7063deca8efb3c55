package procedure

import (
	"fmt"
	"strings"

	"hma/hybrid/procedure/rule"
)

// Mark says what a piece of text means; whoever prints it chooses a colour.
type Mark string

// The marks.
const (
	Plain   Mark = ""
	Heading Mark = "heading"
	Added   Mark = "added"
	Changed Mark = "changed"
	Old     Mark = "old"
	Bad     Mark = "bad"
	Good    Mark = "good"
	Dim     Mark = "dim"
)

// Span is a piece of a line.
type Span struct {
	Text string
	Mark Mark
}

// Line is one line of a view.
type Line []Span

// Text joins lines without marks, for pipes and logs.
func Text(lines []Line) string {
	var b strings.Builder
	for _, l := range lines {
		for _, s := range l {
			b.WriteString(s.Text)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// View shows the plan as a diff.
func (p *Plan) View() []Line {
	if len(p.Changes) == 0 && len(p.Blocked) == 0 {
		return []Line{{{"nothing to change", Good}}}
	}
	lines := []Line{{{fmt.Sprintf("plan %s, %d changes", p.ID, len(p.Changes)), Heading}}}
	for _, c := range p.Changes {
		mark := Changed
		if c.Action == ActionAdd {
			mark = Added
		}
		lines = append(lines, Line{}, Line{{fmt.Sprintf("%3d %s ", c.Number, c.Action.Symbol()), mark}, {c.Address, Heading}})
		for _, s := range c.Settings {
			before, after := s.Before.Strings(), s.After.Strings()
			if after != nil {
				lines = append(lines, Line{{"      " + s.Property, Plain}})
				for _, entry := range before {
					lines = append(lines, Line{{"          " + entry, Dim}})
				}
				for _, entry := range after {
					if !subset([]string{entry}, before) {
						lines = append(lines, Line{{"        + " + entry, Added}})
					}
				}
				continue
			}
			if s.Before.equal(s.After) {
				continue
			}
			lines = append(lines, Line{{"      " + s.Property + ": ", Plain}, {s.Before.String(), Old}, {" -> ", Dim}, {s.After.String(), mark}})
		}
		lines = append(lines, Line{{"      why: " + c.Reason, Dim}}, Line{{"      affects: " + c.Affects, Dim}})
	}
	if len(p.Losing) > 0 {
		lines = append(lines, Line{}, Line{{"cannot sign in afterwards: " + strings.Join(p.Losing, ", "), Bad}})
	}
	for _, f := range p.Blocked {
		lines = append(lines, Line{}, Line{{"blocked: " + f.Summary, Bad}}, Line{{"  " + f.Repair, Plain}})
	}
	return lines
}

// View shows the findings, worst first, with their evidence.
func (r *Report) View() []Line {
	var lines []Line
	for _, s := range []rule.Severity{rule.NotChecked, rule.Fault, rule.Note} {
		for _, f := range r.Findings {
			if f.Severity != s {
				continue
			}
			mark := Bad
			if s == rule.Note {
				mark = Dim
			}
			lines = append(lines, Line{{string(s) + ": ", mark}, {f.Summary, Heading}, {" [" + f.Rule + "]", Dim}})
			for _, e := range f.Evidence {
				line := Line{{"    " + e.Object + " ", Plain}, {e.Property + " ", Dim}, {"found " + quoted(e.Found), Old}}
				if e.Wanted != "" {
					line = append(line, Span{", wanted " + e.Wanted, Plain})
				}
				lines = append(lines, line)
			}
			if s != rule.Note {
				lines = append(lines, Line{{"    why: " + f.Why, Dim}}, Line{{"    step: " + f.Repair, Plain}})
			}
		}
	}
	summary := fmt.Sprintf("%d rules: %d findings, %d notes, %d not checked", r.Rules, r.Count(rule.Fault), r.Count(rule.Note), r.Count(rule.NotChecked))
	mark := Good
	if r.Count(rule.Fault)+r.Count(rule.NotChecked) > 0 {
		mark = Bad
	}
	return append(lines, Line{{summary, mark}})
}

func quoted(s string) string {
	if s == "" {
		return "nothing"
	}
	return s
}
