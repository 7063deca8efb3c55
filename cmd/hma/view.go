package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"unicode"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// stdio is what a command reads and writes; main passes the process's own, tests theirs.
type stdio struct {
	in  io.Reader
	out io.Writer
	err io.Writer
	env []string
}

// view prints for people: styled on a terminal, plain text otherwise.
type view struct {
	w        io.Writer // strips or reduces colour to what the terminal can do
	terminal bool
	width    int
	// live tells that lines of the terminal can be shown and erased again, and passing that the last one shows a status.
	live, passing bool
	// screen returns the terminal's size in cells as it is now; nil where there is none.
	screen func() (width, height int, err error)
}

func newView(out io.Writer, env []string) *view {
	w := colorprofile.NewWriter(out, env)
	v := &view{w: w, width: 100}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		v.terminal, v.live = true, w.Profile > colorprofile.NoTTY
		v.screen = func() (int, int, error) { return term.GetSize(int(f.Fd())) }
		if w, _, err := v.screen(); err == nil && w > 0 {
			v.width = w
		}
	}
	return v
}

// The palette, in the terminal's own sixteen colours so that it fits light and dark.
var (
	styleTitle = lipgloss.NewStyle().Bold(true)
	styleGood  = lipgloss.NewStyle().Foreground(lipgloss.Green)
	styleBad   = lipgloss.NewStyle().Foreground(lipgloss.Red)
	styleWarn  = lipgloss.NewStyle().Foreground(lipgloss.Yellow)
	styleFaint = lipgloss.NewStyle().Faint(true)
	styleName  = lipgloss.NewStyle().Foreground(lipgloss.Cyan)
)

func (v *view) printf(format string, args ...any) {
	v.clear()
	fmt.Fprint(v.w, harmless(fmt.Sprintf(format, args...)))
}

// palette are the sequences of the styles above (ECMA-48 SGR: bold, faint, colours).
var palette = regexp.MustCompile(`\x1b\[(?:[012]|3[1-6])?(?:;(?:[12]|3[1-6]))*m`)

// harmless is text without what a terminal might obey besides the palette: names in it come from files and clouds.
func harmless(text string) string {
	var b strings.Builder
	for text != "" {
		end, next := len(text), len(text)
		if at := palette.FindStringIndex(text); at != nil {
			end, next = at[0], at[1]
		}
		b.WriteString(strings.Map(func(r rune) rune {
			if r == '\n' || unicode.IsPrint(r) {
				return r
			}
			return ' '
		}, text[:end]))
		b.WriteString(text[end:next])
		text = text[next:]
	}
	return b.String()
}

// eraseLine goes back to the beginning of the line and erases it (ECMA-48 EL).
const eraseLine = "\r\x1b[K"

// status shows text on a terminal until something else is printed or shown.
func (v *view) status(text string) {
	if v.live {
		fmt.Fprint(v.w, eraseLine+ansi.Truncate(text, v.width-1, "…"))
		v.passing = true
	}
}

// clear takes the status away.
func (v *view) clear() {
	if v.passing {
		fmt.Fprint(v.w, eraseLine)
		v.passing = false
	}
}

// title prints a section heading with a blank line before it.
func (v *view) title(text string) {
	v.printf("\n")
	v.hang(0, 2, styleTitle.Render(text))
}

// wrap prints text indented by n blanks and broken at the view's width.
func (v *view) wrap(n int, text string) { v.hang(n, n, text) }

// hang prints text broken at the view's width, the first line indented by first
// blanks and the others by rest. A word that is longer than a line, such as a
// URL, stays whole.
func (v *view) hang(first, rest int, text string) { v.lead(strings.Repeat(" ", first), rest, text) }

// lead is hang with words in place of the first line's blanks.
func (v *view) lead(words string, rest int, text string) {
	width := min(v.width, 110)
	line, used := words, lipgloss.Width(words)
	empty := true
	for word := range strings.FieldsSeq(text) {
		w := lipgloss.Width(word)
		if !empty && used+1+w > width {
			v.printf("%s\n", line)
			line, used, empty = strings.Repeat(" ", rest), rest, true
		}
		if !empty {
			line, used = line+" ", used+1
		}
		line, used, empty = line+word, used+w, false
	}
	if !empty {
		v.printf("%s\n", line)
	}
}

// narrowest is how narrow the last column of a boxed table may get, in cells.
const narrowest = 20

// table prints rows under a header: boxed on a terminal, where the last column
// is broken when the terminal is narrow; aligned columns otherwise.
func (v *view) table(header []string, rows [][]string) {
	all := append([][]string{header}, rows...)
	if !v.terminal {
		v.columns(all)
		return
	}
	widths := columnWidths(all)
	last := len(widths) - 1
	frame := 3*len(widths) + 1
	for _, w := range widths[:last] {
		frame += w
	}
	if room := v.width - frame; room < widths[last] {
		if room < narrowest {
			v.columns(all)
			return
		}
		for _, row := range rows {
			row[last] = lipgloss.NewStyle().Width(room).Render(row[last])
		}
	}
	t := table.New().
		Border(lipgloss.RoundedBorder()).
		BorderStyle(styleFaint).
		StyleFunc(func(row, _ int) lipgloss.Style {
			style := lipgloss.NewStyle().Padding(0, 1)
			if row == table.HeaderRow {
				return style.Bold(true)
			}
			return style
		}).
		Headers(header...).
		Rows(rows...)
	v.printf("%s\n", t.Render())
}

// columnWidths are the widths of the widest cells.
func columnWidths(rows [][]string) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], lipgloss.Width(cell))
		}
	}
	return widths
}

// columns prints rows in aligned columns, two blanks apart; where a terminal is
// too narrow for that, one after the other.
func (v *view) columns(rows [][]string) {
	widths := columnWidths(rows)
	total := 2 * (len(widths) - 1)
	for _, w := range widths {
		total += w
	}
	for _, row := range rows {
		if v.terminal && total > v.width {
			v.hang(0, 4, strings.Join(row, " "))
			continue
		}
		line := ""
		for i, cell := range row {
			line += cell
			if i < len(row)-1 {
				line += strings.Repeat(" ", widths[i]-lipgloss.Width(cell)+2)
			}
		}
		v.printf("%s\n", strings.TrimRight(line, " "))
	}
}

// printJSON prints one JSON document.
func printJSON(w io.Writer, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(w, string(text))
	return err
}
