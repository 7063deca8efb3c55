package main

import (
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"hma/lab"
)

func (a *app) fault() *cobra.Command {
	cmd := &cobra.Command{
		Use: "fault", Short: "Have the running lab suffer faults", GroupID: "lab",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	change := func(method string) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, faults []string) error {
			r, err := a.running()
			if err != nil {
				return err
			}
			var list lab.FaultList
			if err := r.ask(cmd.Context(), "lab", method, lab.FaultsPath, lab.FaultChange{Faults: faults}, &list); err != nil {
				return err
			}
			if a.json {
				return printJSON(a.out, list)
			}
			a.view.showFaults(&list)
			return nil
		}
	}
	cmd.AddCommand(&cobra.Command{
		Use: "list", Short: "List the faults that a lab can suffer, and those that stand",
		RunE: change(http.MethodGet),
	}, &cobra.Command{
		Use: "set FAULT...", Short: "Have the lab suffer faults",
		Long: `A fault is a name of hma fault list with what it takes: slow:EX1=5s. Some stand until
they are cleared or the lab ends; others happen once, and what ends them is the repair
that hma check names.`,
		Example: "  hma fault set cloud-down\n  hma fault set slow:EX1=5s 503:EX2\n  hma fault set iis-drift:EX2/oab",
		Args:    cobra.MinimumNArgs(1),
		RunE:    change(http.MethodPost),
	}, &cobra.Command{
		Use: "clear [FAULT...]", Short: "End faults that stand, all of them without a name",
		Example: "  hma fault clear\n  hma fault clear slow:EX1",
		Args:    cobra.ArbitraryArgs,
		RunE:    change(http.MethodDelete),
	})
	return cmd
}

// showFaults prints the kinds, and those that stand.
func (v *view) showFaults(list *lab.FaultList) {
	var rows [][]string
	for _, k := range list.Faults {
		stands := "-"
		if len(k.On) > 0 {
			stands = styleWarn.Render(strings.Join(k.On, " "))
		}
		rows = append(rows, []string{k.Name + k.Takes, stands, k.Does})
	}
	v.table([]string{"Fault", "Stands", "What happens"}, rows)
}
