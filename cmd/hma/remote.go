package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"hma/client/adminapi"
	"hma/client/mail"
	"hma/lab"
	"hma/wire/wellknown"
)

// remote is the server of another machine whose cmdlets a shell runs; without one it is the lab's.
type remote struct {
	server string // URL or host
	ca     string // file
	device bool
}

func (r *remote) flags(flags *pflag.FlagSet) {
	flags.StringVar(&r.server, "server", "", "`URL` of a mail server: run its cmdlets over the Admin API")
	flags.StringVar(&r.ca, "ca", "", "`file` of a certificate authority to trust besides the machine's own (with --server)")
	flags.BoolVar(&r.device, "device", false, "sign in with a code on another device (with --server)")
}

// remoteTimeout bounds one cmdlet at a server: a little more than the server gives it.
const remoteTimeout = 150 * time.Second

// cmdlets returns who runs the shell's cmdlets: the lab over its admin socket, or the remote server
// for an administrator who signs in at the cloud that the server names. local is the lab, nil when the
// server is none of the lab's.
func (a *app) cmdlets(ctx context.Context, r remote) (client *adminapi.Client, local *running, err error) {
	if r.server == "" {
		if r.ca != "" || r.device {
			return nil, nil, usage("shell: --ca and --device go with --server URL")
		}
		if local, err = a.running(); err != nil {
			return nil, nil, err
		}
		return local.admin, local, nil
	}
	origin, err := serverOrigin("--server", r.server)
	if err != nil {
		return nil, nil, err
	}
	if local, err = a.labOf(origin); err != nil {
		return nil, nil, err
	}
	opts := mail.Options{Timeout: remoteTimeout}
	if local != nil {
		opts.Names, opts.Now = local.Names, local.now
		if r.ca == "" {
			r.ca = local.CA
		}
	}
	if r.ca != "" {
		if opts.Roots, err = trust(r.ca); err != nil {
			return nil, nil, err
		}
	}
	web := mail.New(opts)
	where, err := adminapi.AskSignIn(ctx, origin, web.HTTP())
	if err != nil {
		return nil, nil, unreachable(err)
	}
	tenant := ""
	if len(where.Tenants) == 1 {
		tenant = where.Tenants[0]
	}
	authority, err := mail.AuthorityFrom(where.AuthorizationURI, tenant, wellknown.ExchangeShell, "http://localhost")
	if err != nil {
		return nil, nil, unreachable(err)
	}
	token, err := a.signIn(ctx, web, authority, origin, r.device, local)
	if err != nil {
		return nil, nil, err
	}
	return adminapi.New(origin, web.HTTP(), keep(web, authority, origin, token)), local, nil
}

// serverOrigin reads a flag's https://HOST[:PORT], or HOST[:PORT] alone.
func serverOrigin(flag, text string) (string, error) {
	if !strings.Contains(text, "://") {
		text = "https://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", usage("%s %s: want https://HOST or https://HOST:PORT", flag, text)
	}
	return "https://" + strings.ToLower(strings.TrimSuffix(u.Host, ":443")), nil
}

// labOf returns the running lab of the data directory when the server is one of its servers, else nil.
func (a *app) labOf(origin string) (*running, error) {
	e, err := lab.ReadEndpoints(a.data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, unreachable(err)
	}
	_, named := e.Names[strings.TrimPrefix(origin, "https://")]
	for _, s := range e.Servers {
		named = named || s.URL == origin
	}
	if !named {
		return nil, nil
	}
	return reach(e)
}

// trust returns the machine's authorities and those in the file.
func trust(file string) (*x509.CertPool, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, usage("--ca: %w", err)
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if !roots.AppendCertsFromPEM(data) {
		return nil, usage("--ca %s: no certificate in it", file)
	}
	return roots, nil
}

// signIn gets a token for the resource: by a code on another device, in the person's browser when there
// is a terminal, or else as the lab's synchronised administrator.
func (a *app) signIn(ctx context.Context, web *mail.Client, authority mail.Authority, resource string, device bool, local *running) (mail.Token, error) {
	show := func(message string) { fmt.Fprintln(a.err, strings.Map(printable, message)) }
	if device {
		token, err := web.DeviceCode(ctx, authority, resource, show)
		if err != nil {
			return mail.Token{}, signInExit(err)
		}
		return token, nil
	}
	if a.prompter() != nil {
		back, err := mail.NewLoopback(func(address string) {
			show("Sign in with the browser as an administrator. If none opens, open this address on this machine:\n" + address)
			if err := openBrowser(address); err != nil {
				show("No browser was opened: " + err.Error() + ". --device needs none here.")
			}
		})
		if err != nil {
			return mail.Token{}, unreachable(err)
		}
		defer back.Close()
		authority.Redirect = back.Redirect()
		token, err := web.Code(ctx, authority, resource, "", back.Browser)
		if err != nil {
			return mail.Token{}, signInExit(err)
		}
		return token, nil
	}
	if local != nil {
		u, err := local.administratorOf("")
		if err != nil {
			return mail.Token{}, err
		}
		token, err := web.Code(ctx, authority, resource, u.UPN, local.browser(u).Redirected)
		if err != nil {
			return mail.Token{}, signInExit(err)
		}
		show("Signed in as " + u.UPN + ", the lab's administrator, because there is no terminal to ask at.")
		return token, nil
	}
	return mail.Token{}, usage("shell --server: there is no terminal to sign in from: give --device")
}

// keep returns a source of tokens that renews the one it has a minute before its end.
func keep(web *mail.Client, authority mail.Authority, resource string, token mail.Token) func(context.Context) (string, error) {
	var mu sync.Mutex
	until := now().Add(token.Life)
	return func(ctx context.Context) (string, error) {
		mu.Lock()
		defer mu.Unlock()
		if token.Refresh == "" || now().Before(until.Add(-time.Minute)) {
			return token.Access, nil
		}
		next, err := web.Refresh(ctx, authority, resource, token.Refresh)
		if err != nil {
			return "", err
		}
		token, until = next, now().Add(next.Life)
		return token.Access, nil
	}
}
