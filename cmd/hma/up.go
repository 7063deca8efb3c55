package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hma/lab"
)

// drainTime is how long a stopping lab waits for requests in flight.
const drainTime = 10 * time.Second

// start is what demo and up have in common: the flags that say how a lab starts.
type start struct {
	ports       string
	healthy     bool
	cloud       string
	servers     []string
	tenants     int
	forest      bool
	bare        bool
	publicNames bool
	pushTo      []string
	clock       string
	snapshots   []string
	faults      []string
}

func (s *start) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.ports, "ports", "default", "`which` ports: default, or auto for free ones")
	cmd.Flags().BoolVar(&s.healthy, "healthy", false, "without the planted faults that check finds")
	cmd.Flags().StringVar(&s.cloud, "cloud", "", "`address` of the cloud half, for clients that insist on port 443 (127.0.0.2:443)")
	cmd.Flags().StringSliceVar(&s.servers, "servers", nil, "Exchange servers with their builds, `NAME=BUILD,...` (EX1=15.2.1544.11,EX2=15.2.986.5)")
	cmd.Flags().IntVar(&s.tenants, "tenants", 1, "how many tenants the organisation is in hybrid with")
	cmd.Flags().BoolVar(&s.forest, "forest", false, "a resource forest: the mailboxes are linked to accounts of another forest")
	cmd.Flags().BoolVar(&s.bare, "bare", false, "as it is before the Hybrid Configuration Wizard has run")
	cmd.Flags().BoolVar(&s.publicNames, "public-names", false, "internal URLs have the public name too, not localhost's")
	cmd.Flags().StringArrayVar(&s.pushTo, "push-to", nil, "an `ORIGIN` (https://HOST:PORT) to which EWS may send push notifications; may be repeated")
	cmd.Flags().StringVar(&s.clock, "clock", "", "start at another `time`: +90d, -2h, or 2027-03-01T08:00:00Z")
	cmd.Flags().StringArrayVar(&s.faults, "fault", nil, "suffer a `fault` from the start on, as hma fault set; may be repeated")
}

// lab starts a lab in the directory.
func (s *start) lab(ctx context.Context, a *app, dir string, fresh bool) (*lab.Lab, error) {
	if s.ports != "default" && s.ports != "auto" {
		return nil, usage("--ports %s: want default or auto", s.ports)
	}
	offset, err := parseClock(s.clock, now())
	if err != nil {
		return nil, err
	}
	o := lab.Options{Dir: dir, Clock: offset, Faults: s.faults, Fresh: fresh, Healthy: s.healthy, Tenants: s.tenants, Forest: s.forest, Bare: s.bare, PublicNames: s.publicNames, PushTo: s.pushTo,
		FreePorts: s.ports == "auto", Cloud: s.cloud, Log: a.log()}
	for _, text := range s.servers {
		name, build, ok := strings.Cut(text, "=")
		if !ok {
			build = lab.DefaultBuild
		}
		o.Servers = append(o.Servers, lab.Server{Name: name, Build: build})
	}
	if s.snapshots != nil {
		t, err := collectedTarget(s.snapshots)
		if err != nil {
			return nil, err
		}
		o.Snapshot = &t
	}
	l, err := lab.Start(ctx, o)
	if errors.Is(err, lab.ErrTopology) || errors.Is(err, lab.ErrClock) || errors.Is(err, lab.ErrSnapshot) || errors.Is(err, lab.ErrFault) || errors.Is(err, lab.ErrPushTo) {
		return nil, usage("%w", err)
	}
	return l, err
}

// stop closes a lab when its time has come; the command's context has ended then.
func stop(l *lab.Lab) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	return l.Close(ctx)
}

func (a *app) up() *cobra.Command {
	var s start
	cmd := &cobra.Command{
		Use:     "up",
		Short:   "Start a lab organisation in the foreground",
		GroupID: "lab",
		Long: `Starts the lab organisation contoso.com: a cloud tenant, two Exchange servers,
people with mail. Everything listens on loopback. endpoints.json in the data
directory appears when everything answers. Ctrl-C or SIGTERM stops it. With --snapshot
it is the organisation that the scripts of hma collect collected, to rehearse on.`,
		Example: "  hma up\n  hma up --data /tmp/rehearsal --snapshot exchange.json --snapshot graph.json\n  hma up --data /tmp/lab --ports auto --healthy\n  hma up --data /tmp/old --servers EX1=15.2.1544.11,EX2=15.2.986.5 --tenants 2",
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, other := range []string{"healthy", "servers", "tenants", "forest", "bare", "public-names"} {
				if s.snapshots != nil && cmd.Flags().Changed(other) {
					return usage("--snapshot says what the organisation is like: leave --%s out", other)
				}
			}
			began := time.Now()
			l, err := s.lab(cmd.Context(), a, a.data, false)
			if err != nil {
				return err
			}
			if a.json {
				ready := map[string]any{"version": 1, "ready": true, "milliseconds": time.Since(began).Milliseconds(), "endpoints": l.Endpoints}
				if l.Rehearsal != nil {
					ready["rehearsal"] = l.Rehearsal
				}
				err = printJSON(a.out, ready)
			} else {
				a.showLab(l, time.Since(began), s.faults...)
				if l.Rehearsal != nil {
					a.view.showRehearsal(l.Rehearsal)
				}
				if a.view.terminal {
					a.view.printf("\n")
					a.view.wrap(0, "Ctrl-C stops it. In another terminal: "+a.command("check"))
				}
			}
			if err == nil {
				<-cmd.Context().Done()
			}
			if closed := stop(l); err == nil {
				err = closed
			}
			return err
		},
	}
	s.flags(cmd)
	cmd.Flags().StringArrayVar(&s.snapshots, "snapshot", nil, "`FILE` that a script of hma collect wrote, once for each part: load that organisation")
	return cmd
}

// showLab prints what runs and where, and which faults it began with.
func (a *app) showLab(l *lab.Lab, took time.Duration, faults ...string) {
	v, e := a.view, &l.Endpoints
	made := "people, passwords and keys"
	if l.Rehearsal != nil {
		made = "passwords and keys"
	}
	v.printf("%s %s\n", styleTitle.Render("The lab organisation "+e.Domain+" is ready"), styleFaint.Render(fmt.Sprintf("(%d ms)", took.Milliseconds())))
	var domains []string
	for _, t := range e.Tenants {
		domains = append(domains, t.Domain)
	}
	rows := [][]string{{"cloud", e.Cloud, "tenant " + strings.Join(domains, ", ")}}
	for _, s := range e.Servers {
		rows = append(rows, []string{"server " + s.Name, s.URL, "Exchange " + s.Build})
	}
	rows = append(rows, []string{"mail in", e.LMTP, "LMTP"}, []string{"metrics", e.Metrics, "Prometheus"})
	if e.Clock != 0 {
		rows = append(rows, []string{"clock", clockText((&running{Endpoints: e}).now(), e.Clock), ""})
	}
	if len(faults) > 0 {
		rows = append(rows, []string{"faults", strings.Join(faults, " "), "hma fault list"})
	}
	v.table([]string{"What", "Where", ""}, rows)
	v.wrap(0, "It listens on loopback only; "+made+" are made up. Users and passwords: "+
		styleName.Render(shorten(a.data)+"/endpoints.json"))
}

// shorten writes a path below the home directory with ~.
func shorten(path string) string {
	home, err := os.UserHomeDir()
	if err == nil && home != "" && len(path) > len(home) && path[:len(home)] == home {
		return "~" + path[len(home):]
	}
	return path
}
