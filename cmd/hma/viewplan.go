package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"hma/hybrid/procedure"
)

// heading is the part of the plan that a change belongs to.
func heading(c procedure.Change) string {
	switch c.Step {
	case procedure.StepSPN:
		return "Names for which the cloud issues tokens"
	case procedure.StepOAuth:
		return "OAuth on the virtual directories"
	case procedure.StepEndpoint:
		return "Where clients are sent to sign in"
	case procedure.StepPolicy:
		return "Who is offered modern authentication"
	case procedure.StepClientProfile:
		if c.Settings[0].After.V == false {
			return "Modern authentication is no longer offered"
		}
		return "Modern authentication is offered"
	case procedure.StepReplyURL:
		return "Where the cloud may send browsers back to"
	case procedure.StepBrowserOff, procedure.StepLegacyOn:
		return "OWA and ECP on " + c.Server + ": OAuth off, then other methods on"
	}
	return "OWA and ECP on " + c.Server + ": other methods off, then OAuth on"
}

// showPlan prints a plan as a diff, with whom it keeps out for a while or for good.
func (v *view) showPlan(p *procedure.Plan) {
	if whom := p.For(); whom != "" {
		v.hang(0, 2, styleTitle.Render("For")+" "+whom)
	}
	last := ""
	for _, c := range p.Changes {
		if part := heading(c); part != last {
			v.title(part)
			last = part
		}
		v.showChange(c)
	}
	if len(p.Losses) > 0 {
		v.title("Who loses access")
	}
	for _, l := range p.Losses {
		who := styleWarn.Render(l.Person)
		if l.Administrator {
			who += " (administrator)"
		}
		v.hang(2, 6, who+" loses "+strings.Join(l.Ways, ", ")+": "+l.Reason)
	}
	v.showLeft(p.Left)
	if len(p.Notes) > 0 {
		v.title("To know")
		v.showNotes(p)
	}
	for _, f := range p.Blocked {
		v.title("Blocked until this is repaired")
		v.showFinding(f)
	}
	v.printf("\n")
	v.wrap(0, changes(p)+"; nothing is removed from any list")
}

func (v *view) showNotes(p *procedure.Plan) {
	for _, n := range p.Notes {
		v.hang(2, 4, styleFaint.Render("i")+" "+sentence(n))
	}
}

// showNothing prints a plan without changes.
func (v *view) showNothing(p *procedure.Plan) {
	if whom := p.For(); whom != "" {
		v.wrap(0, "nothing to change for "+whom)
	} else {
		v.printf("nothing to change: Hybrid Modern Authentication is enabled\n")
	}
	v.showLeft(p.Left)
	v.showNotes(p)
}

// showLeft prints what a goal wants and the plan does not do, what has one reason together.
func (v *view) showLeft(left []procedure.Left) {
	if len(left) > 0 {
		v.title("Left as it is")
	}
	reason := ""
	for _, l := range left {
		if l.Reason != reason {
			v.hang(2, 4, styleFaint.Render("i")+" "+sentence(l.Reason))
			reason = l.Reason
		}
		line := styleName.Render(l.Address)
		if l.Property == "" {
			v.hang(6, 8, line)
			continue
		}
		line += " " + l.Property
		found, isList := l.Found.V.([]string)
		wanted, more := l.Wanted.V.([]string)
		if !isList && !more {
			v.hang(6, 8, line+" "+styleBad.Render(cmp.Or(l.Found.String(), "none"))+" "+styleFaint.Render("->")+" "+styleGood.Render(cmp.Or(l.Wanted.String(), "none")))
			continue
		}
		v.hang(6, 8, line)
		for _, e := range found {
			v.hang(8, 10, styleBad.Render("- "+e))
		}
		for _, e := range wanted {
			v.hang(8, 10, styleGood.Render("+ "+e))
		}
	}
}

// changes counts what a plan does, as in "3 changes: 1 to add, 2 to set".
func changes(p *procedure.Plan) string {
	var parts []string
	for _, a := range []procedure.Action{procedure.ActionCreate, procedure.ActionAdd, procedure.ActionSet} {
		n := 0
		for _, c := range p.Changes {
			if c.Action == a {
				n++
			}
		}
		if n > 0 {
			parts = append(parts, fmt.Sprintf("%d to %s", n, a))
		}
	}
	text := count(len(p.Changes), "change")
	if parts != nil {
		text += ": " + strings.Join(parts, ", ")
	}
	return text
}

// showChange prints one change. Properties that change alike share a line; what stays as it is is left out.
func (v *view) showChange(c procedure.Change) {
	v.hang(3-len(fmt.Sprint(c.Number)), 6, fmt.Sprintf("%d %s %s", c.Number, symbol(c.Action), styleName.Render(c.Address)))
	switch c.Action {
	case procedure.ActionCreate:
		v.hang(8, 10, styleGood.Render("+ "+c.Effect()))
	case procedure.ActionAdd:
		for _, s := range c.Settings {
			for _, entry := range s.After.Strings() {
				if !slices.Contains(s.Before.Strings(), entry) {
					v.hang(8, 10, s.Property+" "+styleGood.Render("+ "+entry))
				}
			}
		}
	default:
		var lines []string
		alike := map[string][]string{}
		for _, s := range c.Settings {
			before, after := s.Before.String(), s.After.String()
			if before == after {
				continue
			}
			line := styleBad.Render(cmp.Or(before, "none")) + " " + styleFaint.Render("->") + " " + styleGood.Render(cmp.Or(after, "none"))
			if alike[line] == nil {
				lines = append(lines, line)
			}
			alike[line] = append(alike[line], s.Property)
		}
		for _, line := range lines {
			v.hang(8, 10, strings.Join(alike[line], ", ")+" "+line)
		}
	}
	if c.Interruption != "" && c.Interruption != "none" {
		v.hang(8, 10, styleWarn.Render("keeps out")+" "+c.Affects)
	}
}

func symbol(a procedure.Action) string {
	if a == procedure.ActionSet {
		return styleWarn.Render(a.Symbol())
	}
	return styleGood.Render(a.Symbol())
}
