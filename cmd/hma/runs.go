package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"hma/hybrid/journal"
	"hma/hybrid/procedure"
)

func (a *app) history() *cobra.Command {
	return &cobra.Command{
		Use: "history [RUN]", Short: "List the runs, newest first, or tell of one", GroupID: "procedure",
		Long: `Lists the runs, newest first. With a run it tells who did what and when: every
change with its values before and after and what became of it, who signed in before
OWA and ECP were touched, and each time that the run was resumed or taken back.`,
		Example: "  hma history\n  hma history 20240423-101500-abcd\n  hma history --json | jq -r '.runs[0].id'",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			// The journals are files: no lab need run.
			p, err := a.records()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				d, err := p.Details(args[0])
				if err != nil {
					return engineExit(err)
				}
				if a.json {
					return printJSON(a.out, d)
				}
				a.view.showDetails(d)
				return nil
			}
			h, err := p.History()
			if err != nil {
				return engineExit(err)
			}
			if a.json {
				return printJSON(a.out, h)
			}
			a.view.showHistory(h)
			return nil
		},
	}
}

// happened are the words for what a journal marks about a run as a whole.
var happened = map[journal.Kind]string{
	journal.Begin: "begun", journal.Resume: "resumed", journal.Proved: "signed in through the cloud:", journal.Accepted: "lock-out accepted of",
	journal.Failed: "failed:", journal.End: "applied", journal.Rollback: "taken back", journal.RolledBack: "done with taking back",
}

// showDetails prints one run.
func (v *view) showDetails(d *procedure.Details) {
	v.printf("run %s: %s\nplan %s\n", styleName.Render(d.Run.ID), outcome(d.Run.Outcome), d.Run.Plan)
	v.title("What happened")
	var rows [][]string
	for _, e := range d.Events {
		words, known := happened[journal.Kind(e.Kind)]
		if !known {
			continue // about one change, which is told below
		}
		if e.Change > 0 {
			words = fmt.Sprintf("change %d %s", e.Change, words)
		}
		if e.Part != nil {
			words += " in part: changes " + strings.Trim(fmt.Sprint(e.Part), "[]")
		}
		if e.Detail != "" {
			words += " " + e.Detail
		}
		rows = append(rows, []string{e.Time.UTC().Format("2006-01-02 15:04:05Z"), e.Operator, words})
	}
	v.table([]string{"When", "Who", "What"}, rows)
	v.title("Changes")
	for i, c := range d.Changes {
		state := d.Run.Changes[i].State
		style := styleFaint
		switch state {
		case "done", "already":
			style = styleGood
		case "intended", "left":
			style = styleWarn
		}
		v.hang(2, 6, fmt.Sprintf("%3d %s %s %s", c.Number, c.Action.Symbol(), c.Address, style.Render(state)))
		for _, s := range c.Settings {
			text := s.Property + " " + s.Before.String() + " -> " + s.After.String()
			if c.Cmdlet == "" {
				text = s.Property + " + " + strings.Join(s.After.Strings(), ", ")
			}
			v.hang(8, 10, styleFaint.Render(text))
		}
	}
}

// showDrift prints what has moved since a run.
func (v *view) showDrift(d *procedure.Drift) {
	if !d.Any() {
		v.wrap(0, styleGood.Render("nothing has moved")+" since run "+d.Run)
	}
	show := func(title string, moved []procedure.Moved) {
		if len(moved) == 0 {
			return
		}
		v.title(title)
		for _, m := range moved {
			number := ""
			if m.Change > 0 {
				number = fmt.Sprintf("change %d: ", m.Change)
			}
			v.hang(2, 6, styleBad.Render("x")+" "+number+m.Object+" "+m.Property+": "+quiet(m.Is)+styleFaint.Render(" (was "+quiet(m.Was)+")"))
		}
	}
	show("Changes of the run that no longer stand", d.Changes)
	show("What else has moved since it ended", d.Since)
	if !d.Known {
		v.wrap(0, styleFaint.Render("What else has moved is not known: the run was made by an older program, or its end could not be read."))
	}
}

// quiet is a value in a sentence.
func quiet(value string) string {
	if value == "" {
		return "nothing"
	}
	return value
}
