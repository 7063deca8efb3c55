package main

import (
	"context"
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"hma/client/graph"
	"hma/hybrid/target"
	"hma/hybrid/wizard"
	"hma/wire/wellknown"
)

func (a *app) wizard() *cobra.Command {
	var o wizard.Options
	var names, tenant string
	cmd := &cobra.Command{
		Use: "wizard", Short: "Do what the Hybrid Configuration Wizard does for OAuth", GroupID: "procedure",
		Long: `Makes what Hybrid Modern Authentication stands on, for each tenant: the AuthServer
objects, the enabled partner application, the OAuth certificate in the cloud, the
external names, the connector and the hybrid configuration. What is there stays; a
second run changes nothing. It turns nothing on: that is hma enable.`,
		Example: "  hma wizard --dry-run\n  hma wizard --yes --tenant contoso.onmicrosoft.com\n  hma wizard --dedicated-app --clean-up",
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch names {
			case "current":
			case "old":
				o.OldNames = true
			default:
				return usage("--naming %s: want current or old", names)
			}
			r, err := a.running()
			if err != nil {
				return err
			}
			socket := target.AdminAPI{Client: r.admin}
			o.Cmdlets, o.Lock, o.Operator = socket, socket, operator()
			if o.Tenants, err = r.hybridTenants(tenant); err != nil {
				return err
			}
			return a.runWizard(cmd.Context(), o)
		},
	}
	cmd.Flags().StringVar(&tenant, "tenant", "", "the one `tenant` to do, by id or domain (default all)")
	cmd.Flags().StringVar(&names, "naming", "current", "`how` AuthServer objects are named: current (EvoSts - GUID) or old (EvoSTS)")
	cmd.Flags().BoolVar(&o.DedicatedApp, "dedicated-app", false, "put the OAuth certificate to an application of the organisation's own")
	cmd.Flags().BoolVar(&o.CleanUp, "clean-up", false, "with --dedicated-app: take its certificates away from the shared principal")
	cmd.Flags().BoolVar(&o.DryRun, "dry-run", false, "say what would be done, and do nothing")
	return cmd
}

// runWizard shows what there is to do, asks, and does it.
func (a *app) runWizard(ctx context.Context, o wizard.Options) error {
	real := !o.DryRun
	o.DryRun = true
	report, err := wizard.Run(ctx, o)
	if err != nil {
		return wizardExit(err)
	}
	if real && report.Changes > 0 {
		if !a.json {
			a.view.showWizard(report)
		}
		if err := a.ask(ctx, "Make these changes?"); err != nil {
			return err
		}
		o.DryRun = false
		if !a.json {
			o.Progress = a.view.showWizardStep
		}
		report, err = wizard.Run(ctx, o)
	} else if real {
		report.DryRun = false // there was nothing to do, and nothing is done
	}
	if a.json {
		if printed := printJSON(a.out, report); err == nil {
			err = printed
		}
		return wizardExit(err)
	}
	if err != nil {
		return wizardExit(err)
	}
	if o.DryRun {
		a.view.showWizard(report)
	}
	if report.Changes == 0 {
		a.view.wrap(0, "nothing to change: the organisation is as the wizard leaves it")
	} else if !o.DryRun {
		a.view.wrap(0, count(report.Changes, "change")+" made")
	}
	return nil
}

func wizardExit(err error) error {
	if errors.Is(err, wizard.ErrInput) {
		return exit{exitUsage, err}
	}
	return engineExit(err)
}

// showWizard prints the steps of a report.
func (v *view) showWizard(r *wizard.Report) {
	for _, s := range r.Steps {
		v.showWizardStep(s)
	}
}

func (v *view) showWizardStep(s wizard.Step) {
	object := s.Object
	if s.Tenant != "" {
		object += styleFaint.Render(" of " + s.Tenant)
	}
	if s.Action == wizard.Unchanged {
		v.hang(0, 2, styleFaint.Render("= ")+object)
		return
	}
	v.hang(0, 2, styleGood.Render("+ ")+object)
	v.hang(4, 6, styleName.Render(s.Command))
}

// hybridTenants are the lab's tenants for the wizard: all, or the one of the id or domain.
func (r *running) hybridTenants(name string) ([]wizard.Tenant, error) {
	var list []wizard.Tenant
	for _, t := range r.Tenants {
		if name != "" && !strings.EqualFold(name, t.ID) && !strings.EqualFold(name, t.Domain) {
			continue
		}
		admin, err := r.administratorOf(t.ID)
		if err != nil {
			return nil, err
		}
		directory, err := graph.New(r.Graph, r.mail.HTTP(), r.tokens(admin, wellknown.Graph))
		if err != nil {
			return nil, unreachable(err)
		}
		list = append(list, wizard.Tenant{Graph: directory, Login: r.Cloud, AccessControl: r.Cloud, Autodiscover: r.Cloud})
	}
	if len(list) == 0 {
		return nil, usage("the lab has no tenant %s: see the tenants in endpoints.json", name)
	}
	return list, nil
}
