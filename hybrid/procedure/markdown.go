package procedure

import (
	"cmp"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// Markdown writes the plan for people who decide about changes: what is changed,
// for whom, how long they are kept out, who loses access, and the way back.
func (p *Plan) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Hybrid Modern Authentication: plan %s\n\nMade %s", cell(p.ID), p.Made.UTC().Format(time.RFC3339))
	if whom := p.For(); whom != "" {
		fmt.Fprintf(&b, ", for %s", cell(whom))
	}
	fmt.Fprintf(&b, ", from the configuration with the hash `%.12s`.", p.Snapshot)
	if len(p.Collected) == 0 {
		b.WriteString(" It is refused when that has changed since.\n")
	} else {
		fmt.Fprintf(&b, " Read from collected files: %s. Its scripts look at each value before they change it.\n", strings.Join(p.Collected, ", "))
	}
	if len(p.Blocked) > 0 {
		b.WriteString("\n## Blocked until this is repaired\n\n")
		for _, f := range p.Blocked {
			fmt.Fprintf(&b, "- %s (%s): %s\n", cell(f.Summary), f.Rule, cell(f.Repair))
		}
	}
	b.WriteString("\n## Changes\n\n")
	if len(p.Changes) == 0 {
		b.WriteString("None.\n")
	} else {
		b.WriteString("| | What | Before | After | Why | Affects | Interruption | Way back |\n|---|---|---|---|---|---|---|---|\n")
	}
	for _, c := range p.Changes {
		var before, after []string
		if c.creation() {
			before, after = []string{"none"}, []string{"a new one that " + c.Effect()}
		}
		for _, s := range c.Settings {
			switch from, to := s.Before.String(), s.After.String(); {
			case c.creation():
			case c.Action == ActionAdd:
				after = append(after, s.Property+" + "+strings.Join(s.After.Strings(), ", "))
				if len(s.Before.Strings()) > 0 {
					before = append(before, s.Property+": "+from)
				}
			case from != to:
				before, after = append(before, s.Property+": "+cmp.Or(from, "none")), append(after, s.Property+": "+cmp.Or(to, "none"))
			}
		}
		back := "recorded values"
		if c.creation() {
			back = "removed, unless it applies to somebody"
		}
		if !c.Reversible {
			back = "none"
		}
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s | %s | %s | %s |\n", c.Number, cell(c.Address), cell(strings.Join(before, "; ")), cell(strings.Join(after, "; ")),
			cell(c.Reason), cell(c.Affects), cell(c.Interruption), back)
	}
	b.WriteString("\nNothing is removed from any list. ")
	if len(p.Collected) > 0 {
		b.WriteString("Each script step records what it found before it changes it.\n")
	} else {
		b.WriteString("Each change is in a journal before it is made, and read back after it.\n")
	}
	if len(p.Left) > 0 {
		fmt.Fprintf(&b, "\n## What %s wants and the plan leaves\n\n| What | Found | Wanted | Why |\n|---|---|---|---|\n", cell(p.Goal))
	}
	for _, l := range p.Left {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(strings.TrimSpace(l.Address+" "+l.Property)), cell(cmp.Or(l.Found.String(), "none")), cell(cmp.Or(l.Wanted.String(), "none")), cell(l.Reason))
	}
	if len(p.Notes) > 0 {
		b.WriteString("\n## To know\n\n")
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "- %s\n", cell(n))
	}
	b.WriteString("\n## Who loses access\n\n")
	if len(p.Losses) == 0 {
		b.WriteString("Nobody.\n")
	} else {
		b.WriteString("| Who | Loses | Why |\n|---|---|---|\n")
	}
	for _, l := range p.Losses {
		who := l.Person
		if l.Administrator {
			who += " (administrator)"
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", cell(who), strings.Join(l.Ways, ", "), cell(l.Reason))
	}
	b.WriteString("\n## Carried out, and taken back\n\n")
	if len(p.Collected) == 0 {
		b.WriteString("```\nhma apply " + p.ID + "\nhma verify\nhma rollback RUN\n```\n")
		return b.String()
	}
	b.WriteString("By the scripts that `hma plan --script` writes: apply.ps1, and undo.ps1 for the way back.\n")
	if _, err := p.Applicable(); err == nil {
		b.WriteString("The lists of the tenants also by `hma apply " + p.ID + " --cloud`, and back by `hma rollback RUN --cloud`.\n")
	}
	return b.String()
}

// cell is text that keeps a table's row whole, links to nothing, and says nothing to a terminal.
func cell(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	return strings.NewReplacer("|", "\\|", "<", "&lt;", "[", "&#91;").Replace(text)
}
