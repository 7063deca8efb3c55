package roles

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"hma/entra"
	"hma/exchange/addressbook"
	"hma/exchange/adminapi"
	"hma/exchange/auth"
	"hma/exchange/auth/forms"
	"hma/exchange/auth/openid"
	"hma/exchange/calendar"
	"hma/exchange/clientaccess"
	"hma/exchange/cmdlet"
	"hma/exchange/ews"
	"hma/exchange/oab"
	"hma/exchange/org"
	"hma/exchange/owa"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/sealed"
	"hma/internal/sqldb"
)

// Config is what one process runs.
type Config struct {
	// Entra, Org and Mailbox are the three databases' URLs, as sqldb.Open reads them.
	Entra, Org, Mailbox string
	// Key seals secrets at rest.
	Key *sealed.Key
	// Now is the one clock of both halves.
	Now func() time.Time
	Log *slog.Logger
	// PickUp is how long a server may take to run a changed configuration.
	PickUp time.Duration
	// InstallPath returns the folder that is a server's ExchangeInstallPath; nil means that none has one.
	InstallPath func(server string) string
	// Origin is the cloud's public origin, for example https://localhost:9443.
	Origin string
	// Roots are the authorities that a server trusts when it fetches metadata.
	Roots *x509.CertPool
	// PasswordCost is bcrypt's cost of both halves' passwords; 0 means 10.
	PasswordCost int
	// MailHost is the servers' name in mail headers, for example mail.contoso.com.
	MailHost string
	// Lab is the line that says this is a lab, shown on every page; "" in production.
	Lab string
	// PushTo are the origins to which EWS may send push notifications, for example https://listener.contoso.com; none without one.
	PushTo []string
	// Slow is from which duration on a request is logged with what took the time; 0 is clientaccess.DefaultSlow.
	Slow time.Duration
	// Front stands before the handler of each TLS listener, named cloud or as the server: a lab's faults. nil in production.
	Front func(listener string, next http.Handler) http.Handler
}

// Roles are both halves, opened and wired. Close ends them.
type Roles struct {
	Entra     *entra.Directory
	Org       *org.Organization
	Store     *store.Store
	Transport *transport.Transport
	calendar  *calendar.Calendar

	cfg      Config
	log      *slog.Logger
	dbs      []*sqldb.DB
	book     *addressbook.Book
	metadata *auth.Metadata
	auth     *auth.Authenticator
	cmdlets  *cmdlet.Registry
	lease    adminapi.Lease
	ews      *ews.Door
	oab      *oab.Door
	signIn   *openid.SignIn
	forms    *forms.SignIn
	files    *owa.Attachments
	registry *prometheus.Registry
	watch    *clientaccess.Watch

	ctx      context.Context // ends when draining is over: what outlives a request hangs on it
	cancel   context.CancelFunc
	mu       sync.Mutex
	servers  []*http.Server
	serving  map[string]int // how many listeners are up, by name of what they serve
	fronts   []*org.ServerConfig
	running  sync.WaitGroup
	draining atomic.Bool
	ready    readiness
	keys     sync.Once // starts the schedule of key refreshes with the first server
}

// Open opens and migrates the databases and wires the packages. Nothing listens yet.
func Open(ctx context.Context, cfg Config) (*Roles, error) {
	r := &Roles{cfg: cfg, log: cfg.Log}
	r.ctx, r.cancel = context.WithCancel(context.WithoutCancel(ctx))
	if err := r.open(ctx); err != nil {
		r.Close(ctx)
		return nil, err
	}
	return r, nil
}

func (r *Roles) open(ctx context.Context) error {
	if err := (ews.PushOptions{To: r.cfg.PushTo}).Check(); err != nil {
		return err
	}
	var dbs [3]*sqldb.DB
	for i, url := range []string{r.cfg.Entra, r.cfg.Org, r.cfg.Mailbox} {
		db, err := sqldb.Open(ctx, url)
		if err != nil {
			return err
		}
		dbs[i] = db
		r.dbs = append(r.dbs, db)
	}
	var err error
	if r.Entra, err = entra.Open(ctx, dbs[0], entra.Options{Now: r.cfg.Now, Key: r.cfg.Key, Log: r.log, PasswordCost: r.cfg.PasswordCost}); err != nil {
		return err
	}
	if r.Org, err = org.Open(ctx, dbs[1], org.Options{Now: r.cfg.Now, Key: r.cfg.Key, Log: r.log, PickUp: r.cfg.PickUp,
		PasswordCost: r.cfg.PasswordCost, InstallPath: r.cfg.InstallPath}); err != nil {
		return err
	}
	if r.Store, err = store.Open(ctx, dbs[2], store.Options{Now: r.cfg.Now}); err != nil {
		return err
	}
	if r.book, err = addressbook.Open(ctx, dbs[1], r.Org, r.cfg.Now); err != nil {
		return err
	}
	r.Transport = transport.New(transport.Config{
		Store: r.Store, Directory: directory{r.Org}, MaySendAs: r.maySendAs, Trust: r.trust, Person: directory{r.Org}.person, Now: r.cfg.Now,
		Host: r.cfg.MailHost, PostmasterAddress: "postmaster@" + r.cfg.MailHost, Log: r.log,
		Delivered: func(ctx context.Context, d transport.Delivered) error { return r.calendar.Process(ctx, d) },
	})
	r.calendar = calendar.New(calendar.Config{Mail: r.Transport, Resource: r.isResource, Now: r.cfg.Now})
	r.newMetrics()
	r.newExchange()
	r.running.Go(r.sweep)
	r.running.Go(func() { r.Transport.KeepSending(r.ctx) })
	r.running.Go(func() { r.ews.KeepPushing(r.ctx) })
	r.running.Go(func() {
		r.Store.KeepIndex(r.ctx, func(err error) { r.log.Error("search index", "error", err) })
	})
	return nil
}

// sweepEvery is how often the store looks for what nothing refers to any more.
const sweepEvery = time.Hour

func (r *Roles) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-r.ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := r.Store.Sweep(r.ctx); err != nil && r.ctx.Err() == nil {
			r.log.Error("sweep", "error", err)
		}
		if err := r.warnFull(r.ctx); err != nil && r.ctx.Err() == nil {
			r.log.Error("quota warnings", "error", err)
		}
	}
}

// warnFull tells the owners of mailboxes that are nearly full.
func (r *Roles) warnFull(ctx context.Context) error {
	list, err := r.Store.ToWarn(ctx)
	if err != nil {
		return err
	}
	for _, id := range list {
		owner, err := r.Org.ByMailbox(ctx, id)
		if errors.Is(err, org.ErrNotFound) {
			continue // the mailbox of somebody who is no more
		}
		var mailbox *store.Mailbox
		if err == nil {
			mailbox, err = r.Store.OpenMailbox(ctx, id, addressbook.MailboxInfo(owner))
		}
		if err == nil {
			err = r.Transport.WarnQuota(ctx, mailbox, owner.PrimarySMTP)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Close drains: no new connections, requests in flight are finished until ctx
// ends, then databases close.
func (r *Roles) Close(ctx context.Context) error {
	r.draining.Store(true)
	r.mu.Lock()
	servers := r.servers
	r.mu.Unlock()
	var errs []error
	var drain sync.WaitGroup
	for _, s := range servers {
		drain.Go(func() {
			if s.Shutdown(ctx) != nil {
				s.Close() // out of patience: what is still open is cut
			}
		})
	}
	drain.Wait()
	r.cancel()
	r.running.Wait()
	if r.Org != nil {
		r.Org.Close()
	}
	for _, db := range r.dbs {
		if err := db.Close(); err != nil {
			errs = append(errs, fmt.Errorf("close database: %w", err))
		}
	}
	return errors.Join(errs...)
}
