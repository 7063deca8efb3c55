package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"hma/client/mail"
	"hma/hybrid/procedure"
)

func (a *app) verify() *cobra.Command {
	var o outside
	var junit string
	cmd := &cobra.Command{
		Use: "verify", Short: "Shake hands with every door of every server, of the lab or at a URL", GroupID: "procedure",
		Long: `Asks every door of every server of the lab as a client would: it must offer the
cloud's sign-in, take a good token and refuse one for another audience; OWA and ECP
must send the browser to the cloud, refuse a forged answer, and let a user sign in.
With --json the bytes of every handshake are shown.

With --url it judges any server from outside, read-only, and needs no lab: TLS,
challenges, refusals, Autodiscover, where OWA and ECP send a browser. With --user
somebody signs in by device code at the cloud that the server names, and every door
is shown the token. --conformance lists every requirement with its clause.`,
		Example: "  hma verify\n  hma verify --json | jq -r '.rows[0].handshakes[0].response'\n  hma verify --url https://mail.example.org\n" +
			"  hma verify --url https://mail.example.org --user jane@example.org --junit hma.xml\n" +
			"  hma verify --url https://mail.example.org --via 10.0.0.11 --via 10.0.0.12\n  hma verify --url https://gateway.example.org/EWS/Exchange.asmx --conformance",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			if o.urls != nil {
				return a.verifyOutside(cmd.Context(), o, junit)
			}
			_, p, err := a.engine(nil)
			if err != nil {
				return err
			}
			v, err := p.Verify(cmd.Context())
			if err != nil {
				return engineExit(err)
			}
			if err := writeJUnit(junit, junitVerification(v)); err != nil {
				return err
			}
			return a.showVerification(v)
		},
	}
	o.flags(cmd)
	cmd.Flags().StringVar(&junit, "junit", "", "write the verdicts as JUnit XML to `FILE`")
	return cmd
}

// showVerification prints the before/after table; a row with a problem exits 1.
func (a *app) showVerification(v *procedure.Verification) error {
	if a.json {
		if err := printJSON(a.out, v); err != nil {
			return err
		}
	} else {
		a.view.showVerification(v)
	}
	if !v.Passed {
		return exit{exitFound, nil}
	}
	return nil
}

func (v *view) showVerification(t *procedure.Verification) {
	header := []string{"Door", "Server", "AuthN before", "AuthN now", "Result"}
	if t.Run == "" {
		header = []string{"Door", "Server", "AuthN", "Result"}
	}
	var rows [][]string
	handshakes, doors := 0, "every door"
	for _, r := range t.Rows {
		handshakes += len(r.Handshakes)
		result := styleGood.Render("verified")
		if len(r.Problems) > 0 {
			result = styleBad.Render("failed")
		} else if r.Later {
			result, doors = styleFaint.Render("not in the pilot"), "every door of the pilot"
		}
		row := []string{string(r.Protocol), r.Server, r.Before, authn(r.After), result}
		if t.Run == "" {
			row = append(row[:2], row[3:]...)
		}
		rows = append(rows, row)
	}
	v.table(header, rows)
	for _, r := range t.Rows {
		for _, problem := range r.Problems {
			v.hang(0, 2, fmt.Sprintf("%s %s on %s: %s", styleBad.Render("x"), r.Protocol, r.Server, problem))
		}
		for _, note := range r.Notes {
			v.hang(0, 2, fmt.Sprintf("%s %s on %s: %s", styleFaint.Render("i"), r.Protocol, r.Server, note))
		}
	}
	for _, note := range t.Notes {
		v.hang(0, 2, styleFaint.Render("i")+" "+note)
	}
	if t.Passed {
		v.wrap(0, styleGood.Render(fmt.Sprintf("%s verified by %d handshakes; hma verify --json shows their bytes", doors, handshakes)))
	}
}

func authn(name string) string {
	if name == mail.AuthNBearer || name == mail.AuthNOpenID {
		return styleGood.Render(name)
	}
	return styleWarn.Render(name)
}

func (a *app) enable() *cobra.Command {
	var c caution
	cmd := &cobra.Command{
		Use: "enable", Short: "Check, plan, ask, apply and verify in one go", GroupID: "procedure",
		Long: `Carries out the whole how-to: checks, shows the plan, asks, applies it with a
journal, and verifies every door by real handshakes. Exit code 0 when the
verification passes. A run that was cut off is resumed first.`,
		Example: "  hma enable\n  hma enable --yes",
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			_, p, err := a.engine(&c)
			if err != nil {
				return err
			}
			// One document on standard output: what the parts print is kept quiet with --json.
			quiet := *a
			quiet.json = false
			if a.json {
				quiet.view = newView(discard{}, nil)
			}
			if _, err := quiet.resume(ctx, p); err != nil {
				return err
			}
			run, err := quiet.enableRun(ctx, p)
			if err != nil {
				return err
			}
			v, err := p.Verify(ctx)
			if err != nil {
				return engineExit(err)
			}
			if a.json {
				out := map[string]any{"version": 1, "passed": v.Passed, "verification": v}
				if run != nil {
					out["run"] = run
				}
				if err := printJSON(a.out, out); err != nil {
					return err
				}
			} else {
				a.view.title("Verified")
				a.view.showVerification(v)
			}
			if !v.Passed {
				return exit{exitFound, nil}
			}
			return nil
		},
	}
	c.flags(cmd)
	return cmd
}

// enableRun checks, plans, asks and applies; the run is nil when nothing is to be changed.
func (a *app) enableRun(ctx context.Context, p *procedure.Procedure) (*procedure.Run, error) {
	report, err := p.Check(ctx)
	if err != nil {
		return nil, engineExit(err)
	}
	a.view.title("Check")
	a.view.showReport(report)
	plan, err := p.MakePlan(ctx, procedure.Choices{})
	if err != nil {
		return nil, engineExit(err)
	}
	if len(plan.Changes) == 0 && len(plan.Blocked) == 0 {
		a.view.printf("\nnothing to change: Hybrid Modern Authentication is enabled\n")
		return nil, nil
	}
	if _, err := p.SavePlan(plan); err != nil {
		return nil, engineExit(err)
	}
	a.view.title("Plan " + plan.ID)
	a.view.showPlan(plan)
	if err := a.ask(ctx, "Apply these changes?"); err != nil {
		return nil, err
	}
	a.view.title("Apply")
	return a.carryOut(ctx, p, plan)
}

// discard is a writer that keeps nothing.
type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
