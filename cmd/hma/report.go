package main

import (
	"github.com/spf13/cobra"

	"hma/hybrid/journal"
	"hma/hybrid/procedure/facts"
	reports "hma/hybrid/report"
	"hma/hybrid/target"
)

func (a *app) report() *cobra.Command {
	var html bool
	var out, firewall, records string
	var from elsewhere
	cmd := &cobra.Command{
		Use: "report", Short: "Make one page of the verdict, the doors, names, people, certificates, plan and runs", GroupID: "procedure",
		Long: `Reads the organisation once and makes one self-contained page of it, for a browser
or a printer: no script, nothing loaded from anywhere. --json prints the same as data.
A report is no verdict: it ends with 0, or with 3 when something could not be read.`,
		Example: "  hma report --html > report.html\n  hma report --html --out report.html --snapshot exchange.json --snapshot graph.json\n  hma report --json | jq .counts",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if html == a.json {
				return usage("report: say --html or --json")
			}
			if a.json && out != "" {
				return usage("report: --out goes with --html; --json is printed")
			}
			given := target.GivenFiles{facts.FirewallFile: firewall, facts.RecordsFile: records}
			p, err := a.organisation(cmd.Context(), &from, &caution{prove: proveBrowser, given: given})
			if err != nil {
				return err
			}
			o, err := p.Overview(cmd.Context())
			if err != nil {
				return engineExit(err)
			}
			r := reports.Make(o)
			if a.json {
				err = printJSON(a.out, r)
			} else if err = a.writeReport(r, out); err == nil && out != "" {
				a.view.printf("%s\n", shorten(out))
			}
			if err == nil && r.Counts.NotChecked > 0 {
				err = exit{exitUnreachable, nil}
			}
			return err
		},
	}
	from.fileFlags(cmd)
	from.cloudFlags(cmd)
	from.tenantFlag(cmd)
	cmd.Flags().BoolVar(&html, "html", false, "the page")
	cmd.Flags().StringVar(&out, "out", "", "write the page to `FILE`")
	cmd.Flags().StringVar(&firewall, "firewall", "", "`FILE` with the firewall's rules: nft, iptables-save or Windows")
	cmd.Flags().StringVar(&records, "records", "", "`FILE` with the servers' request records, JSON lines")
	return cmd
}

func (a *app) writeReport(r *reports.Report, name string) error {
	page, err := r.HTML()
	if err != nil {
		return err
	}
	if name == "" {
		_, err = a.out.Write(page)
		return err
	}
	if err := journal.WriteFile(name, page); err != nil {
		return unreachable(err)
	}
	return nil
}
