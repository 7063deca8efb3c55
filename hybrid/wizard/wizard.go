package wizard

import (
	"context"
	"errors"
	"fmt"

	"hma/client/graph"
	"hma/hybrid/target"
	"hma/wire/psobject"
)

// Graph is what the wizard reads and writes in a tenant; *graph.Client does.
type Graph interface {
	Organization(ctx context.Context) (graph.Organization, error)
	ServicePrincipal(ctx context.Context, appID string) (graph.ServicePrincipal, error)
	SetServicePrincipalNames(ctx context.Context, id string, names []string) error
	KeyCredentials(ctx context.Context, id string) ([]graph.KeyCredential, error)
	SetKeyCredentials(ctx context.Context, id string, keys []graph.KeyCredential) error
	Application(ctx context.Context, name string) (graph.Application, bool, error)
	CreateApplication(ctx context.Context, a graph.Application) (graph.Application, error)
	ApplicationKeys(ctx context.Context, id string) ([]graph.KeyCredential, error)
	SetApplicationKeys(ctx context.Context, id string, keys []graph.KeyCredential) error
	CreateServicePrincipal(ctx context.Context, appID string) (graph.ServicePrincipal, error)
	AppRoles(ctx context.Context, id string) ([]graph.RoleAssignment, error)
	AssignAppRole(ctx context.Context, principalID, resourceID, roleID string) error
}

var _ Graph = (*graph.Client)(nil)

// Tenant is a tenant to be in hybrid with. The three origins are https://host without a slash.
type Tenant struct {
	Graph Graph
	// Login is where people sign in: https://login.windows.net.
	Login string
	// AccessControl is where servers get tokens: https://accounts.accesscontrol.windows.net.
	AccessControl string
	// Autodiscover is where Exchange Online answers for the tenant: https://autodiscover-s.outlook.com.
	Autodiscover string
}

// Options say what a run does.
type Options struct {
	Cmdlets target.Cmdlets
	// Lock is taken for the time of the run; nil where nobody else can be there.
	Lock target.Lock
	// Operator is who holds the lock.
	Operator string
	Tenants  []Tenant
	// OldNames names new AuthServer objects as wizards before 2020 did: EvoSTS and WindowsAzureACS.
	OldNames bool
	// DedicatedApp puts the certificate to an application of the organisation's own instead of the
	// principal that all tenants share.
	DedicatedApp bool
	// CleanUp takes the organisation's certificates away from the shared principal. It goes with DedicatedApp.
	CleanUp bool
	// DryRun reads everything and changes nothing.
	DryRun bool
	// Progress is told each step when it is done; nil is not.
	Progress func(Step)
}

// What a step did, or in a dry run would do.
const (
	Created   = "created"
	Changed   = "changed"
	Removed   = "removed"
	Unchanged = "unchanged"
)

// Step is one object that the wizard looks after.
type Step struct {
	Tenant string `json:"tenant,omitempty"` // initial domain, "" for the organisation as a whole
	Object string `json:"object"`           // for example AuthServer 'EvoSts - GUID'
	Action string `json:"action"`           // created, changed, removed, unchanged
	// Command is the cmdlet, as one types it, or the Graph request; "" where nothing was to be done.
	Command string `json:"command,omitempty"`
}

// Report is what a run did. It is version 1 of hma wizard --json.
type Report struct {
	Version int    `json:"version"`
	DryRun  bool   `json:"dryRun"`
	Changes int    `json:"changes"`
	Steps   []Step `json:"steps"`
}

// ErrInput is a run that this organisation cannot have.
var ErrInput = errors.New("the wizard cannot do that here")

// ErrLost says that the lock was lost during the run.
var ErrLost = errors.New("the lock on the organisation was lost: run the wizard again")

// Run brings the organisation and its tenants to where the wizard leaves them. The report holds what was
// done also when an error ends the run; another run goes on from there, but takes no dedicated
// application that EvoSTS does not name. *target.HeldError says who has the lock.
func Run(ctx context.Context, o Options) (*Report, error) {
	r := &run{Options: o, report: &Report{Version: 1, DryRun: o.DryRun, Steps: []Step{}}}
	if o.OldNames && len(o.Tenants) > 1 {
		return r.report, fmt.Errorf("%w: the old names have room for one tenant", ErrInput)
	}
	if o.CleanUp && !o.DedicatedApp {
		return r.report, fmt.Errorf("%w: the shared principal is cleaned up only where a dedicated application takes its place", ErrInput)
	}
	if o.Lock != nil && !o.DryRun {
		lease, err := o.Lock.Acquire(ctx, o.Operator)
		if err != nil {
			return r.report, err
		}
		defer lease.Release()
		r.lost = lease.Lost()
	}
	if err := r.read(ctx); err != nil {
		return r.report, err
	}
	if o.DedicatedApp {
		if err := r.checkBuilds(); err != nil {
			return r.report, err
		}
	}
	if err := r.partner(ctx); err != nil {
		return r.report, err
	}
	var tenants []*tenant
	for _, t := range o.Tenants {
		known, err := r.readTenant(ctx, t)
		if err != nil {
			return r.report, err
		}
		tenants = append(tenants, known)
	}
	steps := []func(context.Context, *tenant) error{r.accessControl, r.evoSTS, r.sharedPrincipal, r.names, r.connector}
	if o.DedicatedApp {
		steps = []func(context.Context, *tenant) error{r.accessControl, r.evoSTS, r.dedicated, r.names, r.connector}
	}
	for _, t := range tenants {
		for _, step := range steps {
			if err := step(ctx, t); err != nil {
				return r.report, err
			}
		}
	}
	if o.DedicatedApp {
		if err := r.override(ctx); err != nil {
			return r.report, err
		}
	}
	if o.CleanUp {
		for _, t := range tenants {
			if err := r.cleanUp(ctx, t); err != nil {
				return r.report, err
			}
		}
	}
	return r.report, r.hybrid(ctx, tenants)
}

// run is one run.
type run struct {
	Options
	report *Report
	lost   <-chan struct{}
	found  organization
}

// get runs a cmdlet that only reads.
func (r *run) get(ctx context.Context, cmdlet string, parameters ...psobject.Property) ([]psobject.Object, error) {
	res, err := r.Cmdlets.Invoke(ctx, psobject.Invocation{Cmdlet: cmdlet, Parameters: parameters})
	return res.Output, err
}

// keep records that an object is as it should be.
func (r *run) keep(t *tenant, object string) { r.done(t, Step{Object: object, Action: Unchanged}) }

// invoke runs a cmdlet that changes the object, unless this is a dry run.
func (r *run) invoke(ctx context.Context, t *tenant, object, action, cmdlet string, parameters ...psobject.Property) error {
	call := psobject.Invocation{Cmdlet: cmdlet, Parameters: parameters}
	return r.write(ctx, t, Step{Object: object, Action: action, Command: Text(call)}, func() error {
		_, err := r.Cmdlets.Invoke(ctx, call)
		return err
	})
}

// write makes a change, unless this is a dry run, and records it.
func (r *run) write(ctx context.Context, t *tenant, step Step, change func() error) error {
	select {
	case <-r.lost: // nil blocks: there is no lease
		return ErrLost
	case <-ctx.Done():
		return ctx.Err()
	default:
	}
	if !r.DryRun {
		if err := change(); err != nil {
			return fmt.Errorf("%s: %w", step.Object, err)
		}
	}
	r.report.Changes++
	r.done(t, step)
	return nil
}

func (r *run) done(t *tenant, step Step) {
	if t != nil {
		step.Tenant = t.initial
	}
	r.report.Steps = append(r.report.Steps, step)
	if r.Progress != nil {
		r.Progress(step)
	}
}
