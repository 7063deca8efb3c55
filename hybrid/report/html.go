package report

import (
	"cmp"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
	"hma/internal/page"
)

//go:embed report.css
var style string

//go:embed report.html
var content string

var template = page.MustParse(content)

// Frame is what surrounds the report's page, for whoever serves it: its title and its own style.
func (r *Report) Frame() page.Frame {
	return page.Frame{Title: "Hybrid Modern Authentication of " + r.Organization, Product: "HMA report", Style: style}
}

// HTML returns the report as one self-contained page: no script, nothing loaded from anywhere.
func (r *Report) HTML() ([]byte, error) { return template.File(r.Frame(), r.view()) }

// maxNamed is how many of what is alike is named before the rest is only counted.
const maxNamed = 6

// view is the report with what only the page needs.
type view struct {
	*Report
	Kinds    []string
	Timeline *timeline
}

func (r *Report) view() view {
	v := view{Report: r, Timeline: r.timeline()}
	for _, k := range facts.Kinds {
		v.Kinds = append(v.Kinds, string(k.Protocol()))
	}
	return v
}

// Few are the first of what is alike, and More is how many are not among them.
func (d DoorRow) Few() []string { return few(d.Servers) }

// More is how many servers Few leaves out.
func (d DoorRow) More() int { return len(d.Servers) - len(d.Few()) }

// Few are the first of the names.
func (n NameRow) Few() []string { return few(n.Names) }

// More is how many names Few leaves out.
func (n NameRow) More() int { return len(n.Names) - len(n.Few()) }

func few(list []string) []string { return list[:min(len(list), maxNamed)] }

// words are the signs and words of states: a colour never stands alone.
var words = map[string][2]string{
	"on": {"●", "tokens"}, "off": {"○", "passwords"}, "both": {"◐", "both"}, "differs": {"≠", "differs"}, "none": {"–", "none"},
	"registered": {"✓", "known"}, "twice": {"✓", "known, twice"}, "missing": {"✗", "missing"}, "held": {"✗", "held by another"}, "other": {"–", "not needed"}, "unknown": {"?", "not known"},
}

// Sign is the state's sign.
func (d Door) Sign() string { return words[d.State][0] }

// Word is the state's word.
func (d Door) Word() string { return words[d.State][1] }

// Cell is one tenant's state of a row of names.
type Cell struct{ State, Sign, Word string }

// Cells are the states with their signs and words.
func (n NameRow) Cells() []Cell {
	var all []Cell
	for _, s := range n.States {
		all = append(all, Cell{s, words[s][0], words[s][1]})
	}
	return all
}

// Day is the certificate's end.
func (c Certificate) Day() string { return c.NotAfter.UTC().Format(time.DateOnly) }

// Where says on how many servers it lies, and on which it does not.
func (c Certificate) Where() string {
	text := "on " + plural(len(c.Servers), "server")
	if c.Lacking == nil {
		return text
	}
	text += ", not on " + strings.Join(few(c.Lacking), ", ")
	if more := len(c.Lacking) - maxNamed; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}

// Short is the beginning of the thumbprint.
func (c Certificate) Short() string {
	if len(c.Thumbprint) <= 8 {
		return c.Thumbprint
	}
	return c.Thumbprint[:8] + "…"
}

// Says is the state in words.
func (c Certificate) Says() string {
	return map[string]string{"valid": "valid", "soon": "ends within 60 days", "ended": "has ended", "early": "not valid yet"}[c.State]
}

// group are findings of one rule with the same repair, so that their reason stands once.
type group struct {
	rule.Finding
	Findings []rule.Finding
}

// Groups are the findings in their order, those that follow each other and are repaired alike together.
func (v view) Groups() []group {
	var all []group
	for _, x := range v.Findings {
		if n := len(all); n > 0 && all[n-1].Rule == x.Rule && all[n-1].Why == x.Why && all[n-1].Repair == x.Repair {
			all[n-1].Findings = append(all[n-1].Findings, x)
			continue
		}
		all = append(all, group{x, []rule.Finding{x}})
	}
	return all
}

// unchecked are rules that could not judge for the same reasons.
type unchecked struct {
	Rules   []rule.Finding
	Reasons []string
}

// Unchecked are the rules that could not judge, those with the same reasons together, in the order of the first.
func (v view) Unchecked() []unchecked {
	var all []unchecked
	for _, x := range v.NotChecked {
		var reasons []string
		for _, e := range x.Evidence {
			if text := strings.TrimSpace(e.Object + ": " + e.Found); !slices.Contains(reasons, text) {
				reasons = append(reasons, text)
			}
		}
		i := slices.IndexFunc(all, func(u unchecked) bool { return slices.Equal(u.Reasons, reasons) })
		if i < 0 {
			i = len(all)
			all = append(all, unchecked{Reasons: reasons})
		}
		all[i].Rules = append(all[i].Rules, x)
	}
	return all
}

// NotGiven are the notes of what nobody gave to be judged.
func (v view) NotGiven() []rule.Finding {
	var all []rule.Finding
	for _, x := range v.Notes {
		if x.Kind == rule.NotGiven {
			all = append(all, x)
		}
	}
	return all
}

// coming is the rule that tells who still comes with a password.
const coming = "legacy-clients"

// Coming are who still comes with a password, by the request records.
func (v view) Coming() []rule.Evidence {
	for _, x := range v.Notes {
		if x.Rule == coming && x.Kind != rule.NotGiven {
			return x.Evidence
		}
	}
	return nil
}

// Unrecorded tells that no, or not all, request records could be judged.
func (v view) Unrecorded() bool {
	ofComing := func(x rule.Finding) bool { return x.Rule == coming }
	return slices.ContainsFunc(v.NotGiven(), ofComing) || slices.ContainsFunc(v.NotChecked, ofComing)
}

// Unfollowed tells that no certificate follows the current one.
func (v view) Unfollowed() bool {
	return !slices.ContainsFunc(v.Certificates, func(c Certificate) bool { return c.Use == "next" })
}

// Values are the values that a change moves, in words.
func (v view) Values(c procedure.Change) []string {
	if c.Action == procedure.ActionCreate {
		return []string{"a new one that " + c.Effect()}
	}
	var all []string
	for _, s := range c.Settings {
		if c.Cmdlet != "" && s.Before.String() == s.After.String() {
			continue // set with the others, and the same already
		}
		if c.Cmdlet == "" {
			all = append(all, s.Property+" + "+strings.Join(s.After.Strings(), ", "))
		} else {
			all = append(all, s.Property+": "+cmp.Or(s.Before.String(), "none")+" → "+cmp.Or(s.After.String(), "none"))
		}
	}
	return all
}

// Host is a name without its scheme: all have the same.
func (v view) Host(name string) string {
	return strings.TrimSuffix(strings.TrimPrefix(name, "https://"), "/")
}

// Time is a time of the report in words.
func (v view) Time(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// timeline is the drawing of the certificates' time.
type timeline struct {
	Width, Height int
	Bars          []bar
	Today         int
	Window        int // width of the 60 days after today
	Years         []mark
	Text          string // for who cannot see it
}

type bar struct {
	Certificate
	X, Y, Width int
}

type mark struct {
	X    int
	Year int
}

const (
	drawn  = 720 // width of the drawing
	lane   = 44  // height of a certificate's lane
	margin = 8
)

// timeline draws the certificates between the earliest beginning and the latest end; nil without any.
func (r *Report) timeline() *timeline {
	if len(r.Certificates) == 0 {
		return nil
	}
	from, to := r.At.AddDate(0, -1, 0), r.At.AddDate(0, 3, 0)
	for _, c := range r.Certificates {
		if c.NotBefore.Before(from) {
			from = c.NotBefore
		}
		if c.NotAfter.After(to) {
			to = c.NotAfter
		}
	}
	at := func(t time.Time) int {
		share := float64(t.Sub(from)) / float64(to.Sub(from))
		return margin + int(share*float64(drawn-2*margin))
	}
	t := &timeline{Width: drawn, Height: lane*len(r.Certificates) + 44, Today: at(r.At)}
	t.Window = at(r.At.Add(soon)) - t.Today
	for year := from.UTC().Year() + 1; year <= to.UTC().Year(); year++ {
		x := at(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC))
		if len(t.Years) == 0 || x-t.Years[len(t.Years)-1].X > 40 {
			t.Years = append(t.Years, mark{x, year})
		}
	}
	var said []string
	for i, c := range r.Certificates {
		x := at(c.NotBefore)
		t.Bars = append(t.Bars, bar{c, x, lane*i + 24, max(at(c.NotAfter)-x, 2)})
		said = append(said, fmt.Sprintf("the %s certificate ends on %s", c.Use, c.Day()))
	}
	t.Text = "Time of the OAuth certificates: " + strings.Join(said, "; ")
	return t
}

// Label stands above a bar, so that it stays inside of the drawing.
func (b bar) Label() int { return min(b.X+4, drawn-360) }

// LabelY is the baseline of the label.
func (b bar) LabelY() int { return b.Y - 6 }
