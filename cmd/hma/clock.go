package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hma/lab"
)

func (a *app) clockCommand() *cobra.Command {
	var text string
	cmd := &cobra.Command{
		Use: "clock", Short: "Show or move the clock of the running lab", GroupID: "lab",
		Long: `Shows the one clock of both halves, or moves it: certificates end, tokens expire
and keys are due as they would then. TIME is how far it is to be from the machine's
clock (+90d, -2h, 0) or a time (RFC 3339); it runs on from there.`,
		Example: "  hma clock\n  hma clock --set +90d\n  hma clock --set 0",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("set") && text == "" {
				return usage("clock: --set wants a time: 0 is this machine's")
			}
			offset, err := parseClock(text, now())
			if err != nil {
				return err
			}
			r, err := a.running()
			if err != nil {
				return err
			}
			method, body := http.MethodGet, lab.Clock{}
			if cmd.Flags().Changed("set") {
				method, body.Offset = http.MethodPut, int64(offset/time.Second)
			}
			var c lab.Clock
			if err := r.ask(cmd.Context(), "clock", method, lab.ClockPath, body, &c); err != nil {
				return err
			}
			if a.json {
				return printJSON(a.out, c)
			}
			a.view.printf("%s\n", clockText(c.Now, c.Offset))
			return nil
		},
	}
	cmd.Flags().StringVar(&text, "set", "", "move it to `TIME`: +90d, -2h, 0, or 2027-03-01T08:00:00Z")
	return cmd
}

// clockText is a lab's time with how far it is from the machine's.
func clockText(at time.Time, offset int64) string {
	text := at.UTC().Format("2006-01-02 15:04:05Z")
	if offset == 0 {
		return text + ", as this machine"
	}
	way, d := "ahead of", time.Duration(offset)*time.Second
	if d < 0 {
		way = "behind"
	}
	days, rest := d.Abs()/day, d.Abs()%day
	var parts []string
	if days > 0 {
		parts = append(parts, count(int(days), "day"))
	}
	if rest > 0 {
		parts = append(parts, rest.String())
	}
	return fmt.Sprintf("%s, %s %s this machine", text, strings.Join(parts, " "), way)
}

const day = 24 * time.Hour

// maxClock bounds how far a clock is moved; a lab's authority ends before it.
const maxClock = 20 * 366 * day

var offsetDays = regexp.MustCompile(`^([+-]?)(?:([0-9]{1,4})d)?(.*)$`)

// parseClock reads TIME of --clock and of hma clock: the offset from the machine's clock, in days (d) and the units of Go
// (h, m, s), or a time by RFC 3339. "" is 0.
func parseClock(text string, machine time.Time) (time.Duration, error) {
	wrong := usage("clock %s: want +90d, -2h, +1d12h or a time like 2027-03-01T08:00:00Z, within 20 years", text)
	var offset time.Duration
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		offset = at.Sub(machine).Round(time.Second)
	} else if text != "" {
		m := offsetDays.FindStringSubmatch(text)
		days, _ := strconv.Atoi(m[2]) // four digits at most, or none
		offset = time.Duration(days) * day
		if m[2] == "" || m[3] != "" {
			rest, err := time.ParseDuration(m[3])
			if err != nil || strings.ContainsAny(m[3], "+-") {
				return 0, wrong
			}
			offset += rest
		}
		if m[1] == "-" {
			offset = -offset
		}
	}
	if offset.Abs() > maxClock {
		return 0, wrong
	}
	return offset, nil
}
