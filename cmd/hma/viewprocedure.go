package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/rule"
)

// marks stand before a finding.
var marks = map[rule.Severity]string{
	rule.Fault:      styleBad.Render("x"),
	rule.NotChecked: styleWarn.Render("?"),
	rule.Note:       styleFaint.Render("i"),
}

// showReport prints what a check found, faults first.
func (v *view) showReport(r *procedure.Report) {
	for _, c := range r.Collected {
		if !c.At.IsZero() {
			v.printf("%s part collected %s, judged as of %s\n", cmp.Or(c.Tenant, c.Part), c.At.Format("2006-01-02 15:04Z"), r.At.Format("2006-01-02 15:04Z"))
		}
	}
	for _, severity := range []rule.Severity{rule.Fault, rule.NotChecked, rule.Note} {
		if r.Count(severity) == 0 {
			continue
		}
		v.title(map[rule.Severity]string{rule.Fault: "Findings", rule.NotChecked: "Not checked", rule.Note: "Notes"}[severity])
		var pending, ungiven []string
		for _, f := range r.Findings {
			switch {
			case f.Severity != severity:
			case f.Kind == rule.Pending:
				pending = append(pending, f.Rule)
			case f.Kind == rule.NotGiven:
				ungiven = append(ungiven, f.Rule)
			default:
				v.showFinding(f)
			}
		}
		v.showRules("Not enabled yet, which the plan does", pending)
		v.showRules("Not checked, since what they read was not given", ungiven)
	}
	v.printf("\n%s\n", summary(r))
}

// showRules prints notes that say one thing as one line.
func (v *view) showRules(what string, ids []string) {
	if ids != nil {
		v.hang(0, 2, marks[rule.Note]+" "+what+": "+strings.Join(ids, ", "))
	}
}

// maxEvidence is how much evidence of a note is shown; --json has all.
const maxEvidence = 2

func (v *view) showFinding(f rule.Finding) {
	v.hang(0, 2, marks[f.Severity]+" "+sentence(f.Summary)+" "+styleFaint.Render("["+f.Rule+"]"))
	for i, e := range f.Evidence {
		if f.Severity == rule.Note && i == maxEvidence {
			v.wrap(4, styleFaint.Render(fmt.Sprintf("and %d more", len(f.Evidence)-i)))
			break
		}
		line := styleName.Render(e.Object)
		if e.Property != "" {
			line += " " + e.Property
		}
		if e.Found != "" {
			line += ": " + e.Found
		}
		if e.Wanted != "" {
			line += styleFaint.Render(" (wanted: ") + e.Wanted + styleFaint.Render(")")
		}
		v.hang(4, 6, line)
	}
	if f.Severity != rule.Note {
		v.hang(2, 6, styleFaint.Render("why")+" "+sentence(f.Why))
		v.hang(2, 6, styleFaint.Render("fix")+" "+sentence(f.Repair))
		for _, command := range f.Commands {
			v.hang(6, 8, styleName.Render(command))
		}
	}
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	first := text[:1]
	if !strings.ContainsAny(strings.SplitN(text, " ", 2)[0], "/@\\") { // not a URL, an address or an identity
		first = strings.ToUpper(first)
	}
	text = first + text[1:]
	if !strings.HasSuffix(text, ".") && !strings.HasSuffix(text, "?") {
		text += "."
	}
	return text
}

func summary(r *procedure.Report) string {
	faults, unread, notes := r.Count(rule.Fault), r.Count(rule.NotChecked), r.Count(rule.Note)
	text := fmt.Sprintf("%d rules: %s, %s", r.Rules, count(faults, "finding"), count(notes, "note"))
	if unread > 0 {
		text += fmt.Sprintf(", %d not checked", unread)
	}
	style := styleGood
	if faults > 0 {
		style = styleBad
	} else if unread > 0 {
		style = styleWarn
	}
	return style.Render(text)
}

func count(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// progress prints one line for each change; what is being waited for shows on a terminal meanwhile.
func (v *view) progress(e procedure.Event) {
	number := styleFaint.Render(fmt.Sprintf("%d/%d", e.Number, e.Total))
	indent := 2 + len(fmt.Sprint(e.Total)) - len(fmt.Sprint(e.Number))
	what := ""
	if e.Change != nil {
		what = e.Change.Address
		var names []string
		for _, s := range e.Change.Settings {
			if s.Before.String() != s.After.String() {
				names = append(names, s.Property)
			}
		}
		if e.Change.Action == procedure.ActionCreate {
			names = nil
		}
		what += " " + styleFaint.Render(strings.Join(names, ", "))
	}
	line := func(word string) { v.hang(indent, 8, number+" "+word+" "+what) }
	switch e.Phase {
	case procedure.PhaseDone:
		line(styleGood.Render("done"))
	case procedure.PhaseAlready:
		line(styleFaint.Render("was so"))
	case procedure.PhaseFailed:
		what += ": " + e.Detail
		line(styleBad.Render("FAILED"))
	case procedure.PhaseUndone:
		line(styleGood.Render("restored"))
	case procedure.PhaseLeft:
		what += ": " + e.Detail
		line(styleWarn.Render("left"))
	case procedure.PhaseProving:
		v.wrap(2, styleFaint.Render("sign-in")+" "+e.Detail)
	case procedure.PhaseSurvey:
		v.status("  asking " + e.Detail)
	case procedure.PhaseStarting:
		v.status("  " + number + " reading " + what)
	case procedure.PhaseWaiting:
		v.status("  " + number + " waiting for " + what)
	}
}

// showHistory prints the runs, newest first.
func (v *view) showHistory(h *procedure.History) {
	if len(h.Runs) == 0 {
		v.printf("nothing has been applied here\n")
		return
	}
	var rows [][]string
	for _, r := range h.Runs {
		ended := ""
		if r.Ended != nil {
			ended = r.Ended.UTC().Format("2006-01-02 15:04:05Z")
			if day := r.Started.UTC().Format(time.DateOnly); strings.HasPrefix(ended, day) {
				ended = strings.TrimSpace(ended[len(day):])
			}
		}
		rows = append(rows, []string{r.ID, r.Started.UTC().Format("2006-01-02 15:04:05Z"), ended, r.Operator, outcome(r.Outcome), fmt.Sprint(len(r.Changes))})
	}
	v.table([]string{"Run", "Started", "Ended", "Operator", "Outcome", "Changes"}, rows)
}

func outcome(o procedure.Outcome) string {
	switch o {
	case procedure.OutcomeApplied:
		return styleGood.Render(string(o))
	case procedure.OutcomeRolledBack, procedure.OutcomeRolledBackInPart:
		return styleFaint.Render(string(o))
	}
	return styleBad.Render(string(o))
}
