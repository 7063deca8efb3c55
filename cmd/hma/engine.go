package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"hma/client/graph"
	"hma/hybrid/procedure"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/target"
	"hma/lab"
	"hma/wire/wellknown"
)

// engine returns the procedure over the lab that runs on the data directory.
func (a *app) engine(lockout []string) (*running, *procedure.Procedure, error) {
	r, err := a.running()
	if err != nil {
		return nil, nil, err
	}
	p, err := a.procedure(r, a.data, lockout)
	return r, p, err
}

func (a *app) procedure(r *running, data string, lockout []string) (*procedure.Procedure, error) {
	dir, err := filepath.Abs(data)
	if err != nil {
		return nil, usage("data directory: %w", err)
	}
	reader, err := r.user("")
	if err != nil {
		return nil, err
	}
	admin, err := r.administrator()
	if err != nil {
		return nil, err
	}
	directory, err := graph.New(r.Graph, r.mail.HTTP(), r.tokens(admin, wellknown.Graph))
	if err != nil {
		return nil, unreachable(err)
	}
	addresses := map[string]string{}
	for _, s := range r.Servers {
		addresses[s.Name] = "127.0.0.1:" + port(s.URL)
	}
	progress := func(e procedure.Event) { a.view.progress(e) }
	if a.json {
		progress = nil
	}
	socket := target.AdminAPI{Client: r.admin}
	return procedure.New(procedure.Options{
		Target:        target.Target{Cmdlets: socket, Graph: directory, Probe: r.mail, Files: target.GivenFiles{}, Lock: socket},
		Dir:           dir,
		Now:           now,
		Operator:      operator(),
		Addresses:     addresses,
		SignIn:        &procedure.SignIn{UPN: reader.UPN, Token: r.source(reader), Password: reader.Password},
		Prove:         r.prove,
		AcceptLockout: lockout,
		Progress:      progress,
	})
}

// administrator is the lab's administrator who can sign in through the cloud.
func (r *running) administrator() (lab.User, error) {
	for _, u := range r.Users {
		if u.Role == "admin" && u.Synced {
			return u, nil
		}
	}
	return lab.User{}, unreachable(errors.New("endpoints.json names no synchronised administrator"))
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
		token, err := r.mail.Password(ctx, r.authority(), resource, u.UPN, u.Password)
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

// prove signs one of the administrators in through the cloud's own pages, with
// the password that endpoints.json has, and returns who it was.
func (r *running) prove(ctx context.Context, administrators []facts.Person) (string, error) {
	var last error
	for _, person := range administrators {
		u, err := r.user(person.UPN)
		if err != nil {
			continue // not one of the lab's people
		}
		authority := r.authority()
		if _, err = r.mail.Code(ctx, authority, wellknown.Exchange, u.UPN, r.browser(u, authority.Redirect)); err == nil {
			return u.UPN, nil
		}
		last = err
	}
	if last == nil {
		last = errors.New("endpoints.json has the password of none of them")
	}
	return "", fmt.Errorf("sign an administrator in: %w", last)
}
