package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"hma/hybrid/procedure"
	"hma/lab"
)

func (a *app) demo() *cobra.Command {
	var s start
	var leave bool
	cmd := &cobra.Command{
		Use: "demo", Short: "Show the main job from beginning to end", GroupID: "lab",
		Long: `Starts a lab organisation, shows that modern authentication is not offered,
carries out the procedure, shows that it is, signs a user in as a mail client and
reads her inbox with the token that she was given. Then it stays up until Ctrl-C.
Without --data it uses a temporary folder, which goes with it.`,
		Example: "  hma demo\n  hma demo --exit --ports auto",
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir := a.data
			if !cmd.Flags().Changed("data") {
				temporary, err := os.MkdirTemp("", "hma-demo-")
				if err != nil {
					return unreachable(fmt.Errorf("make a temporary folder: %w", err))
				}
				defer os.RemoveAll(temporary)
				dir = filepath.Join(temporary, "data")
			}
			began := time.Now()
			l, err := s.lab(cmd.Context(), a, dir, true)
			if err != nil {
				return err
			}
			show := *a
			show.data, show.yes = dir, true
			if a.json {
				show.json, show.view = false, newView(discard{}, nil)
			}
			kept := a.view.terminal && !leave || cmd.Flags().Changed("data")
			err = show.demonstrate(cmd.Context(), l, time.Since(began), kept, a)
			if err == nil && !leave && a.view.terminal {
				a.view.printf("\n")
				a.view.wrap(0, "The lab stays up until Ctrl-C. In another terminal: "+show.command("check"))
				<-cmd.Context().Done()
			}
			return errors.Join(err, stop(l))
		},
	}
	s.flags(cmd)
	cmd.Flags().BoolVar(&leave, "exit", false, "stop at the end (without a terminal it always does)")
	return cmd
}

// demonstrate tells the whole story on the running lab. kept tells whether there
// will be a lab to roll back afterwards. The result as one JSON document goes to
// out's standard output when it wants JSON.
func (a *app) demonstrate(ctx context.Context, l *lab.Lab, took time.Duration, kept bool, out *app) error {
	v := a.view
	a.showLab(l, took)
	r, err := reach(&l.Endpoints)
	if err != nil {
		return err
	}
	p, err := a.procedure(r, a.data, nil)
	if err != nil {
		return err
	}

	v.title("1. Before: how clients sign in")
	before, err := p.Survey(ctx)
	if err != nil {
		return engineExit(err)
	}
	v.showSurvey(before)

	v.title("2. Check, plan, apply")
	run, err := a.enableRun(ctx, p)
	if err != nil {
		return err
	}

	v.title("3. After: every door verified")
	verified, err := p.Verify(ctx)
	if err != nil {
		return engineExit(err)
	}
	v.showVerification(verified)

	user, err := r.user("")
	if err != nil {
		return err
	}
	v.title("4. " + user.Name + " signs in as a mail client")
	connections, tokens, err := r.connections(ctx, user, nil)
	if err != nil {
		return signInExit(err)
	}
	v.showConnections(connections)
	inbox, err := r.inbox(ctx, connections, tokens, 8)
	if err != nil {
		return unreachable(err)
	}
	v.wrap(0, "Her newest mail, read over EWS with the token that she was given:")
	var rows [][]string
	for _, m := range inbox {
		rows = append(rows, []string{m.Received.Local().Format("Mon 2 Jan 15:04"), m.From, m.Subject})
	}
	v.table([]string{"Received", "From", "Subject"}, rows)

	if run != nil {
		v.title("5. The way back")
		if kept {
			v.wrap(0, a.command("rollback "+run.ID))
		} else {
			v.wrap(0, "hma rollback "+run.ID+" would take it back; this lab ends here and is not kept (--data DIR keeps one)")
		}
	}
	if out.json {
		if err := printJSON(out.out, map[string]any{"version": 1, "milliseconds": took.Milliseconds(), "before": before, "run": run,
			"verification": verified, "connections": connections, "inbox": inbox}); err != nil {
			return err
		}
	}
	if !verified.Passed {
		return exit{exitFound, nil}
	}
	return nil
}

// showSurvey prints how every door signs clients in, and whether it offers the cloud's sign-in.
func (v *view) showSurvey(s *procedure.Survey) {
	var rows [][]string
	for _, c := range s.Cells {
		offered := styleWarn.Render("not offered")
		for _, h := range c.Handshakes {
			if h.AuthorizationURI != "" || h.Redirect != "" {
				offered = styleGood.Render("offered")
			}
		}
		rows = append(rows, []string{string(c.Protocol), c.Server, authn(c.AuthN), offered})
	}
	v.table([]string{"Door", "Server", "AuthN", "Modern authentication"}, rows)
}
