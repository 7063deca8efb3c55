package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"hma/client/adminapi"
	"hma/client/mail"
	"hma/lab"
)

// running is a lab that runs, as a command reaches it.
type running struct {
	*lab.Endpoints
	admin *adminapi.Client
	// mail trusts the lab's authority alone and finds the lab's names.
	mail *mail.Client
}

// running finds the lab that runs on the data directory.
func (a *app) running() (*running, error) {
	e, err := lab.ReadEndpoints(a.data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, unreachable(fmt.Errorf("no lab runs in %s: start it with hma up", a.data))
	}
	if err != nil {
		return nil, unreachable(err)
	}
	return reach(e)
}

func reach(e *lab.Endpoints) (*running, error) {
	ca, err := os.ReadFile(e.CA)
	if err != nil {
		return nil, unreachable(fmt.Errorf("read the lab's CA: %w", err))
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, unreachable(fmt.Errorf("read the lab's CA: no certificate in %s", e.CA))
	}
	r := &running{Endpoints: e, admin: adminapi.Dial(e.AdminSocket)}
	r.mail = mail.New(mail.Options{Roots: roots, Names: e.Names, Now: r.now})
	return r, nil
}

// now is the lab's time.
func (r *running) now() time.Time { return now().Add(time.Duration(r.Clock) * time.Second) }

// clock is the time to judge by: the lab's where one runs on the data directory, else the machine's.
func (a *app) clock() time.Time {
	e, err := lab.ReadEndpoints(a.data)
	if err != nil {
		return now()
	}
	return (&running{Endpoints: e}).now()
}

// user returns the lab's user with the name, or the first plain one for "", where there is none the first of all.
func (r *running) user(upn string) (lab.User, error) {
	for _, u := range r.Users {
		if strings.EqualFold(u.UPN, upn) || upn == "" && u.Role == "user" {
			return u, nil
		}
	}
	if upn == "" && len(r.Users) > 0 {
		return r.Users[0], nil
	}
	return lab.User{}, usage("the lab has no user %s: see the users in endpoints.json", upn)
}

// authority is where the people of the first tenant sign in with the lab's public client.
func (r *running) authority() mail.Authority { return r.authorityOf(lab.User{}) }

// tenantOf returns the id of the tenant that the user's account is in.
func (r *running) tenantOf(u lab.User) string {
	for _, t := range r.Tenants {
		if t.Domain == u.Tenant {
			return t.ID
		}
	}
	return r.Tenant.ID
}

// authorityOf is where the user signs in.
func (r *running) authorityOf(u lab.User) mail.Authority {
	base := r.Cloud + "/" + r.tenantOf(u) + "/oauth2/"
	return mail.Authority{Authorize: base + "authorize", Token: base + "token", DeviceCode: base + "devicecode",
		ClientID: r.Clients[0].ID, Redirect: r.Clients[0].Redirect}
}

// browser plays the browser of a lab user at the cloud's sign-in pages.
func (r *running) browser(u lab.User) *mail.Pages { return r.mail.Pages(r.Cloud, u.UPN, u.Password) }
