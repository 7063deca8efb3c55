package main

import (
	"context"

	"github.com/spf13/cobra"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/target"
)

func (a *app) check() *cobra.Command {
	var firewall, records, since string
	var from elsewhere
	cmd := &cobra.Command{
		Use: "check", Short: "Say what stands in the way of Hybrid Modern Authentication", GroupID: "procedure",
		Long: `Runs every rule of the how-to over the organisation and its tenant. Findings are
faults to repair; notes are good to know. Exit code 0 without findings, 1 with
findings, 3 when something could not be read. With --snapshot it judges an
organisation that hma cannot reach, by the files of the scripts of hma collect, and
with --cloud by its tenants themselves, which are only read. With --since it says what
has moved since a run, and 1 tells that something has.`,
		Example: "  hma check\n  hma check --snapshot exchange.json --snapshot graph.json\n  hma check --cloud microsoft --snapshot exchange.json --data contoso\n  hma check --since 20240423-101500-abcd\n  hma check --firewall rules.txt --records requests.jsonl\n  hma check --json | jq '.findings[].rule'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			given := target.GivenFiles{facts.FirewallFile: firewall, facts.RecordsFile: records}
			p, err := a.organisation(cmd.Context(), &from, &caution{prove: proveBrowser, given: given})
			if err != nil {
				return err
			}
			if since != "" {
				return a.drift(cmd.Context(), p, since)
			}
			report, err := p.Check(cmd.Context())
			if err != nil {
				return engineExit(err)
			}
			if a.json {
				err = printJSON(a.out, report)
			} else {
				a.view.showReport(report)
			}
			if err != nil {
				return err
			}
			return checkExit(report)
		},
	}
	from.fileFlags(cmd)
	from.cloudFlags(cmd)
	from.tenantFlag(cmd)
	cmd.Flags().StringVar(&since, "since", "", "say what has moved since the `RUN`, instead of running the rules")
	cmd.Flags().StringVar(&firewall, "firewall", "", "`FILE` with the firewall's rules: nft, iptables-save or Windows")
	cmd.Flags().StringVar(&records, "records", "", "`FILE` with the servers' request records: JSON lines or HttpProxy logs")
	return cmd
}

// drift tells what has moved since a run: exit code 1 when anything has.
func (a *app) drift(ctx context.Context, p *procedure.Procedure, run string) error {
	d, err := p.Drift(ctx, run)
	if err != nil {
		return engineExit(err)
	}
	if a.json {
		err = printJSON(a.out, d)
	} else {
		a.view.showDrift(d)
	}
	if err == nil && d.Any() {
		err = exit{exitFound, nil}
	}
	return err
}

// checkExit: not checked wins over found.
func checkExit(r *procedure.Report) error {
	switch {
	case r.Count(rule.NotChecked) > 0:
		return exit{exitUnreachable, nil}
	case r.Count(rule.Fault) > 0:
		return exit{exitFound, nil}
	}
	return nil
}
