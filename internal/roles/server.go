package roles

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"

	"hma/exchange/activesync"
	"hma/exchange/adminapi"
	"hma/exchange/auth"
	"hma/exchange/auth/forms"
	"hma/exchange/auth/openid"
	"hma/exchange/auth/outbound"
	"hma/exchange/autodiscover"
	"hma/exchange/clientaccess"
	"hma/exchange/cmdlet"
	"hma/exchange/ecp"
	"hma/exchange/ews"
	"hma/exchange/mapihttp"
	"hma/exchange/oab"
	"hma/exchange/org"
	"hma/exchange/owa"
	"hma/wire/psobject"
)

// ServeServer answers on the listener as the named Exchange server: its front
// end with every door, and the Admin API for administrators with a token.
func (r *Roles) ServeServer(ctx context.Context, name string, l net.Listener, cert Certificate) error {
	if r.cfg.InstallPath != nil {
		if err := org.InstallWebConfig(r.cfg.InstallPath(name)); err != nil {
			return fmt.Errorf("start server %s: %w", name, err)
		}
	}
	config, err := r.Org.Server(ctx, name)
	if err != nil {
		return fmt.Errorf("start server %s: %w", name, err)
	}
	r.mu.Lock()
	r.fronts = append(r.fronts, config)
	r.mu.Unlock()
	r.keys.Do(func() { r.running.Go(func() { r.metadata.Run(r.ctx, config.Snapshot) }) })
	front := clientaccess.New(clientaccess.Options{
		Snapshots: config, Auth: r.auth, Now: r.cfg.Now, Log: r.log, Watch: r.watch,
		Healthy: func() bool { return r.unready() == "" },
		Doors: map[org.Kind]clientaccess.Door{
			org.Autodiscover: autodiscover.New(autodiscover.Options{Now: r.cfg.Now, People: r.Org, Log: r.log}),
			org.WebServices:  r.ews,
			org.ActiveSync:   activesync.New(),
			org.Mapi:         mapihttp.New(r.cfg.Now),
			org.Oab:          r.oab,
			org.Owa:          owa.New(r.signIn, r.forms, r.files, r.cfg.Lab),
			org.Ecp:          ecp.New(r.signIn, r.forms, r.cfg.Lab),
		},
	})
	admin := adminapi.New(r.cmdlets, adminapi.Options{Now: r.cfg.Now, Lease: &r.lease, Log: r.log,
		Identify: func(q *http.Request) (cmdlet.Caller, error) { return r.identify(config, q) },
		Challenge: func(w http.ResponseWriter, q *http.Request) {
			w.Header().Set("WWW-Authenticate", auth.AdminChallenge(config.Snapshot(), q.Header.Get("Authorization") != ""))
		}})
	// No ServeMux: it would redirect odd paths before the front end has seen and recorded them.
	handler := http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if strings.HasPrefix(q.URL.Path, "/adminapi/") {
			admin.ServeHTTP(w, q)
			return
		}
		front.ServeHTTP(w, q)
	})
	// HTTP/1.1 alone: Windows authentication hangs on a connection, which HTTP/2 shares between requests.
	r.serveHTTPS(config.Snapshot().Server.Name, l, cert, &http.Server{Handler: handler,
		ConnContext: func(ctx context.Context, _ net.Conn) context.Context { return auth.WithConnection(ctx) }}, "http/1.1")
	return nil
}

// RefreshKeys has the servers fetch the keys of the AuthServers of which that is due, as they do on schedule.
func (r *Roles) RefreshKeys(ctx context.Context) {
	r.mu.Lock()
	fronts := r.fronts
	r.mu.Unlock()
	if len(fronts) > 0 {
		r.metadata.RefreshDue(ctx, fronts[0].Snapshot())
	}
}

// adminScopes are the delegated permissions that let an administrator's token run
// cmdlets. user_impersonation is none of them: every mail client's token has it, and
// a mail client that an administrator uses must not administer.
var adminScopes = []string{"AdminApi.AccessAsUser.All", "Exchange.Manage"}

// adminDirectory stands for the Admin API before the validator: any delegated
// token for the server's host, whatever protocols the mailbox may use.
var adminDirectory = &org.VirtualDirectory{Kind: org.Autodiscover, OAuthAuthentication: true}

// identify admits a bearer token of an administrator to the Admin API, with one of
// adminScopes: a token that was given for reading mail runs no cmdlets.
func (r *Roles) identify(config *org.ServerConfig, q *http.Request) (cmdlet.Caller, error) {
	s := config.Snapshot()
	authorization := q.Header["Authorization"]
	if len(authorization) != 1 || len(authorization[0]) < 7 || !strings.EqualFold(authorization[0][:7], "Bearer ") {
		return cmdlet.Caller{}, adminapi.ErrUnauthorized
	}
	id, denial := r.auth.Authenticate(q.Context(), &auth.Facts{Snapshot: s, VirtualDirectory: adminDirectory,
		Authorization: authorization, Host: q.Host, Now: r.cfg.Now()})
	if denial != nil || id.Recipient == nil {
		return cmdlet.Caller{}, adminapi.ErrUnauthorized
	}
	scoped := slices.ContainsFunc(id.Scopes, func(scope string) bool {
		return slices.ContainsFunc(adminScopes, func(want string) bool { return strings.EqualFold(scope, want) })
	})
	client, _, _ := net.SplitHostPort(q.RemoteAddr)
	return cmdlet.Caller{Name: id.Recipient.UPN, Administrator: scoped && id.Recipient.In(org.OrganizationManagement),
		ViewOnly: scoped && id.Recipient.In(org.ViewOnlyManagement), Server: s.Server.Name, ClientIP: client}, nil
}

// ServeAdmin answers on the admin socket. more serves paths that are no part of
// the Admin API; nil serves none.
func (r *Roles) ServeAdmin(l net.Listener, more http.Handler) {
	mux := http.NewServeMux()
	mux.Handle("/adminapi/", adminapi.New(r.cmdlets, adminapi.Options{Identify: adminapi.SocketCaller, Now: r.cfg.Now, Lease: &r.lease, Log: r.log}))
	mux.HandleFunc("POST "+CheckPath, r.checkMail)
	mux.HandleFunc("GET "+LoadPath, r.showLoad)
	mux.HandleFunc("POST "+ImportPath, r.importMail)
	mux.HandleFunc("GET "+ExportPath, r.exportMail)
	mux.HandleFunc("POST "+BackupPath, r.backupMail)
	mux.HandleFunc("POST "+RestorePath, r.restoreMail)
	if more != nil {
		mux.Handle("/", more)
	}
	r.serve("admin socket", l, &http.Server{Handler: mux})
}

// Invoke runs a cmdlet of the organisation in this process, as an administrator of the name. A cmdlet's
// own error is its *psobject.ErrorRecord.
func (r *Roles) Invoke(ctx context.Context, caller string, call psobject.Invocation) (psobject.Result, error) {
	res := r.cmdlets.Run(ctx, cmdlet.Caller{Name: caller, Administrator: true}, call)
	if res.Error != nil {
		return res, res.Error
	}
	return res, nil
}

// fetcher is the cmdlets' view of auth.Metadata.
type fetcher struct{ *auth.Metadata }

func (f fetcher) FetchMetadata(ctx context.Context, url, serverType string) (cmdlet.Metadata, error) {
	issuer, realm, certs, err := f.Fetch(ctx, url, serverType)
	return cmdlet.Metadata{Issuer: issuer, Realm: realm, Certificates: certs}, err
}

// newExchange wires what all servers of the process share.
func (r *Roles) newExchange() {
	r.metadata = auth.NewMetadata(auth.MetadataOptions{Store: r.Org, Now: r.cfg.Now, Roots: r.cfg.Roots, Log: r.log})
	r.auth = auth.New(auth.Options{People: r.Org, Keys: r.metadata, Log: r.log})
	r.cmdlets = cmdlet.New(r.Org, cmdlet.Options{Now: r.cfg.Now, Fetch: fetcher{r.metadata}, Services: r.services, Usage: r.usage, Log: r.log,
		Outbound: outbound.New(outbound.Options{Keys: r.Org, Now: r.cfg.Now, Roots: r.cfg.Roots})})
	r.ews = ews.New(r.Store, r.Transport, ews.Options{Now: r.cfg.Now, IDKey: r.cfg.Key.Derive("ews ids", 32), People: r.Org, MayImpersonate: r.Org.MayImpersonate, Book: r.book, Groups: r.Org, Photos: r.Org, Log: r.log,
		Push: ews.PushOptions{To: r.cfg.PushTo, Roots: r.cfg.Roots}})
	r.oab = oab.New(r.book)
	r.files = owa.NewAttachments(owa.Options{Auth: r.auth, Store: r.Store, Key: r.cfg.Key, Now: r.cfg.Now, Log: r.log})
	r.signIn = openid.New(openid.Options{Auth: r.auth, Key: r.cfg.Key, Now: r.cfg.Now, Reaches: r.metadata.Reaches})
	r.forms = forms.New(forms.Options{Auth: r.auth, Key: r.cfg.Key, Now: r.cfg.Now})
}
