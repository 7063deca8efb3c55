package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"hma/exchange/clientaccess"
	"hma/internal/roles"
)

func (a *app) top() *cobra.Command {
	var window, interval time.Duration
	var once bool
	cmd := &cobra.Command{
		Use: "top", Short: "Watch requests, users, doors and refusals of the running lab", GroupID: "lab",
		Long: `Shows what the front ends do: how many requests each door answers and how fast, on
which operations the time goes, who asks, what runs now, and why requests were refused.
On a terminal it is drawn anew until Ctrl-C; otherwise, and with --once, it is printed once.`,
		Example: "  hma top\n  hma top --window 5m --once\n  hma top --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if window <= 0 || window > time.Hour {
				return usage("--window %s: want more than 0 and at most 1h", window)
			}
			if interval < 100*time.Millisecond {
				return usage("--interval %s: want at least 100ms", interval)
			}
			r, err := a.running()
			if err != nil {
				return err
			}
			live := a.view.live && !once && !a.json
			if live {
				fmt.Fprint(a.view.w, otherScreen)
				defer fmt.Fprint(a.view.w, backScreen)
			}
			for {
				var load clientaccess.Load
				if err := r.ask(cmd.Context(), "top", http.MethodGet, roles.LoadPath+"?window="+window.String(), nil, &load); err != nil {
					if cmd.Context().Err() != nil {
						return nil // Ctrl-C
					}
					return err
				}
				if a.json {
					return printJSON(a.out, struct {
						Version int `json:"version"`
						clientaccess.Load
					}{1, load})
				}
				if !live {
					a.view.showLoad(&load, printedRows)
					return nil
				}
				a.view.redraw(func(v *view, height int) { v.showLoad(&load, max((height-11)/5, 2)) })
				if !pause(cmd.Context(), interval) {
					return nil
				}
			}
		},
	}
	cmd.Flags().DurationVar(&window, "window", time.Minute, "how far to look back, at most 1h")
	cmd.Flags().DurationVar(&interval, "interval", 2*time.Second, "how often to look, on a terminal")
	cmd.Flags().BoolVar(&once, "once", false, "print once, also on a terminal")
	return cmd
}

// pause waits, or returns false when the context ends first.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// Sequences of terminals (ECMA-48, xterm): the other screen, which leaves the
// scrolled lines alone, and back; to the top; clear to the end of line and screen.
const (
	otherScreen = "\x1b[?1049h"
	backScreen  = "\x1b[?1049l"
	home        = "\x1b[H"
	clearLine   = "\x1b[K"
	clearBelow  = "\x1b[J"
)

// redraw draws over what was drawn before, as much as the terminal's window takes.
func (v *view) redraw(draw func(v *view, height int)) {
	width, height, err := v.screen()
	if err != nil || width < 1 || height < 1 {
		width, height = v.width, 24
	}
	var drawn bytes.Buffer
	draw(&view{w: &drawn, terminal: true, width: width}, height)
	lines := strings.Split(strings.TrimSuffix(drawn.String(), "\n"), "\n")
	lines = lines[:min(len(lines), height)]
	for i := range lines {
		lines[i] = ansi.Truncate(lines[i], width, "…") + clearLine
	}
	fmt.Fprint(v.w, home+strings.Join(lines, "\n")+clearBelow)
}

// printedRows is how many rows each part has where there is room for all.
const printedRows = 8

// showLoad prints what goes on: five parts with a blank line, a header and at most the rows.
func (v *view) showLoad(l *clientaccess.Load, most int) {
	waiting := 0
	for _, r := range l.Running {
		if r.Waits {
			waiting++
		}
	}
	v.printf("%s %s\n", styleTitle.Render("hma top"), styleFaint.Render(fmt.Sprintf("%s   last %s: %s, %s; now %d running, %d of them waiting",
		l.At.Format("15:04:05"), seconds(l.Seconds), count(l.Total.Requests, "request"), fmt.Sprintf("%d refused, %d failed", l.Total.Refused, l.Total.Failed),
		l.InFlight, waiting)))
	groups := func(title string, list []clientaccess.Group) {
		if len(list) == 0 {
			return
		}
		rows := [][]string{}
		for _, g := range list[:min(len(list), most)] {
			rows = append(rows, []string{styleName.Render(g.Name), strconv.Itoa(g.Requests), perSecond(g.Requests, l.Seconds), seconds(g.Median), seconds(g.P95),
				seconds(g.Longest), warned(g.Refused), failed(g.Failed), size(g.Bytes)})
		}
		v.printf("\n")
		v.columns(append([][]string{{title, "requests", "per s", "median", "95 %", "longest", "refused", "failed", "sent"}}, rows...))
	}
	groups("Door", l.Doors)
	groups("Operation", l.Operations)
	groups("User", l.Users)
	if len(l.Refusals) > 0 {
		rows := [][]string{{"Refused", "", "times", "why"}}
		for _, r := range l.Refusals[:min(len(l.Refusals), most)] {
			rows = append(rows, []string{r.Door, strconv.Itoa(r.Status), strconv.Itoa(r.Requests), r.Reason})
		}
		v.printf("\n")
		v.columns(rows)
	}
	if len(l.Running) > 0 {
		rows := [][]string{{"Running", "", "user", "for", "request id"}}
		for _, r := range l.Running[:min(len(l.Running), most)] {
			what := r.Operation
			if r.Waits {
				what += styleFaint.Render(" (waits)")
			}
			rows = append(rows, []string{r.Server + " " + r.Door, what, r.User, seconds(r.Seconds), r.ID})
		}
		v.printf("\n")
		v.columns(rows)
	}
}

// seconds is a duration in the unit that reads best.
func seconds(s float64) string {
	switch {
	case s == 0:
		return "-"
	case s < 0.0001:
		return "< 0.1 ms"
	case s < 0.01:
		return strconv.FormatFloat(s*1000, 'f', 1, 64) + " ms"
	case s < 1:
		return strconv.FormatFloat(s*1000, 'f', 0, 64) + " ms"
	case s < 120:
		return strconv.FormatFloat(s, 'f', 1, 64) + " s"
	}
	return strconv.FormatFloat(s/60, 'f', 0, 64) + " min"
}

func perSecond(n int, s float64) string {
	if s <= 0 {
		return "-"
	}
	return strconv.FormatFloat(float64(n)/s, 'f', 1, 64)
}

func warned(n int) string {
	if n == 0 {
		return "-"
	}
	return styleWarn.Render(strconv.Itoa(n))
}

func failed(n int) string {
	if n == 0 {
		return "-"
	}
	return styleBad.Render(strconv.Itoa(n))
}

// size is bytes in the unit that reads best.
func size(n int64) string {
	for _, unit := range []string{"B", "KB", "MB"} {
		if n < 1000 {
			return fmt.Sprintf("%d %s", n, unit)
		}
		n /= 1000
	}
	return fmt.Sprintf("%d GB", n)
}
