package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"hma/client/graph"
	"hma/client/mail"
	"hma/hybrid/procedure"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/target"
	"hma/lab"
	"hma/wire/wellknown"
)

// caution is what a command that changes the organisation is told about its administrators.
type caution struct {
	lockout []string
	prove   string
	// given are files that only a check reads.
	given target.GivenFiles
}

// The ways of --prove.
const (
	proveBrowser = "browser"
	proveDevice  = "device"
)

func (c *caution) flags(cmd *cobra.Command) {
	cmd.Flags().StringSliceVar(&c.lockout, "accept-lockout", nil, "`NAME` of an administrator who may lose access to OWA and ECP unproven")
	cmd.Flags().StringVar(&c.prove, "prove", proveBrowser, "`how` an administrator signs in: browser (lab's password) or device")
}

// engine returns the procedure over the lab that runs on the data directory. A
// command that proves nobody gives no caution.
func (a *app) engine(c *caution) (*running, *procedure.Procedure, error) {
	if c != nil && c.prove != proveBrowser && c.prove != proveDevice {
		return nil, nil, usage("--prove %s: want browser or device", c.prove)
	}
	r, err := a.running()
	if err != nil {
		return nil, nil, err
	}
	p, err := a.procedure(r, a.data, c)
	return r, p, err
}

func (a *app) procedure(r *running, data string, c *caution) (*procedure.Procedure, error) {
	if c == nil {
		c = &caution{prove: proveBrowser}
	}
	dir, err := filepath.Abs(data)
	if err != nil {
		return nil, usage("data directory: %w", err)
	}
	reader, err := r.user("")
	if err != nil {
		return nil, err
	}
	tenants, err := r.tenants()
	if err != nil {
		return nil, err
	}
	addresses := map[string]string{}
	for _, s := range r.Servers {
		addresses[s.Name] = "127.0.0.1:" + port(s.URL)
	}
	progress := func(e procedure.Event) { a.view.progress(e) }
	if a.json {
		progress = nil
	}
	reads := &procedure.SignIn{UPN: reader.UPN, Token: r.source(reader), Password: reader.Password}
	if reader.Password != "" {
		reads.Browser = r.browser(reader).Posted
	}
	socket := target.AdminAPI{Client: r.admin}
	return procedure.New(procedure.Options{
		Target:    target.Target{Cmdlets: socket, Tenants: tenants, Probe: r.mail, Files: c.given, Lock: socket},
		Dir:       dir,
		Now:       r.now,
		Operator:  operator(),
		Addresses: addresses,
		SignIn:    reads,
		Prove: func(ctx context.Context, administrators []facts.Person) (string, error) {
			return r.prove(ctx, c.prove, administrators, func(message string) { fmt.Fprintln(a.err, strings.Map(printable, message)) })
		},
		AcceptLockout: c.lockout,
		Progress:      progress,
	})
}

// tenants are the lab's tenants, each asked as its own administrator.
func (r *running) tenants() ([]target.Tenant, error) {
	var all []target.Tenant
	for i, t := range r.Tenants {
		admin, err := r.administrator(t, i == 0)
		if err != nil {
			return nil, err
		}
		g, err := graph.New(r.Graph, r.mail.HTTP(), r.tokens(admin, wellknown.Graph))
		if err != nil {
			return nil, unreachable(err)
		}
		all = append(all, target.Tenant{Name: t.Domain, Graph: g})
	}
	return all, nil
}

// administrator is the tenant's administrator who can sign in through the cloud; who names no tenant is of the first.
func (r *running) administrator(t lab.TenantEndpoint, first bool) (lab.User, error) {
	for _, u := range r.Users {
		if u.Administers() && (u.Tenant == t.Domain || first && u.Tenant == "") {
			return u, nil
		}
	}
	return lab.User{}, unreachable(fmt.Errorf("endpoints.json names no synchronised administrator of %s", t.Domain))
}

// source returns a function that signs the user in for a resource, and keeps a
// token for as long as this command runs: one is good for longer than that.
func (r *running) source(u lab.User) func(context.Context, string) (string, error) {
	var mu sync.Mutex
	kept := map[string]string{}
	return func(ctx context.Context, resource string) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if token := kept[resource]; token != "" {
			return token, nil
		}
		token, err := r.mail.Password(ctx, r.authorityOf(u), resource, u.UPN, u.Password)
		if err != nil {
			return "", err
		}
		kept[resource] = token.Access
		return token.Access, nil
	}
}

func (r *running) tokens(u lab.User, resource string) func(context.Context) (string, error) {
	source := r.source(u)
	return func(ctx context.Context) (string, error) { return source(ctx, resource) }
}

// prove has one of the administrators sign in through the cloud and returns his
// Cloud name: by the cloud's own pages, with a password that endpoints.json has,
// else by a device code, whose sentence show is given.
func (r *running) prove(ctx context.Context, how string, administrators []facts.Person, show func(message string)) (string, error) {
	var last error
	for _, person := range administrators {
		u, err := r.user(person.Cloud)
		if err != nil || u.Password == "" || how == proveDevice {
			continue
		}
		token, err := r.mail.Code(ctx, r.authorityOf(u), wellknown.Exchange, u.UPN, r.browser(u).Redirected)
		if err == nil {
			return r.whose(token, administrators)
		}
		last = err
	}
	if last != nil {
		return "", fmt.Errorf("sign an administrator in: %w", last)
	}
	token, err := r.mail.DeviceCode(ctx, r.authority(), wellknown.Exchange, show)
	if err != nil {
		return "", fmt.Errorf("sign an administrator in by device code: %w", err)
	}
	return r.whose(token, administrators)
}

// whose returns the Cloud name of the administrator that the token is for, who is
// known by the object id: a name may have been another's.
func (r *running) whose(token mail.Token, administrators []facts.Person) (string, error) {
	who, err := token.Person(r.Clients[0].ID)
	if err != nil {
		return "", err
	}
	if !strings.EqualFold(who.Tenant, r.Tenant.ID) && !slices.ContainsFunc(r.Tenants, func(t lab.TenantEndpoint) bool { return strings.EqualFold(t.ID, who.Tenant) }) {
		return "", fmt.Errorf("%s signed in, who is of another tenant", who.UPN)
	}
	for _, person := range administrators {
		if strings.EqualFold(person.CloudID, who.ObjectID) {
			return person.Cloud, nil
		}
	}
	return "", fmt.Errorf("%s signed in, who is none of the administrators asked for", who.UPN)
}
