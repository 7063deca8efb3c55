package lab

import (
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hma/exchange/ews"
	"hma/hybrid/target"
	"hma/internal/roles"
	"hma/internal/sealed"
)

// Options say how a lab starts. The zero value of everything but Dir is good.
type Options struct {
	// Dir is the data directory: absent, empty, or one that a lab made.
	Dir string
	// Fresh refuses a directory that a lab has used.
	Fresh bool
	// Healthy leaves out the missing SPN and the forgotten virtual directory. It
	// counts at the first start of a directory.
	Healthy bool
	// Servers are the Exchange servers; nil means EX1 and EX2 on DefaultBuild. Like what follows it
	// counts at the first start of a directory.
	Servers []Server
	// Tenants is how many tenants the organisation is in hybrid with, each with people of its own; 0 means 1.
	Tenants int
	// Forest makes the organisation the resource forest of an account forest: its mailboxes are linked ones.
	Forest bool
	// Bare leaves it as it is before the Hybrid Configuration Wizard has run: no AuthServer, nothing in the cloud but synchronised people.
	Bare bool
	// PublicNames gives internal URLs the public host instead of localhost's.
	PublicNames bool
	// Snapshot is what hma collect's scripts collected of an organisation, which is loaded into a new directory instead
	// of the lab's own; nil for that one.
	Snapshot *target.Target
	// FreePorts takes free ports instead of the default ones at the first start.
	FreePorts bool
	// Cloud is the address of the cloud half, host:port, instead of localhost's.
	// Some clients insist on port 443: 127.0.0.2:443 keeps it apart.
	Cloud string
	// Messages is how many messages the mailboxes get in all at the first start; 0 means 300.
	Messages int
	// PickUp is how soon a server runs a changed configuration; 0 means 200 ms.
	PickUp time.Duration
	Log    *slog.Logger
	// PushTo are the origins to which EWS may send push notifications.
	PushTo []string
	// Clock is how far the lab's one clock is ahead of Now at the start (behind it below 0), in whole seconds. It runs on from there.
	Clock time.Duration
	// Faults are what the lab suffers from the start on, once it is seeded, as SetFaults takes them.
	Faults []string
	// Now is the machine's clock; nil is time.Now.
	Now func() time.Time
}

// ErrPushTo is an entry of PushTo that is no origin.
var ErrPushTo = ews.ErrPushOrigin

// Lab is a running lab organisation.
type Lab struct {
	// Endpoints are what endpoints.json said at the start; its clock may have been moved since.
	Endpoints Endpoints
	Roles     *roles.Roles
	// Rehearsal tells what became of the snapshot that the directory was loaded with; nil for the lab's own organisation.
	Rehearsal *Rehearsal

	dir     *dir
	machine func() time.Time
	clock   atomic.Pointer[clock]
	ca      *authority
	hosts   []string // of the TLS certificate
	cert    atomic.Pointer[tls.Certificate]
	servers []Server
	faults  atomic.Pointer[[]fault] // those that stand
	// changing is held by whoever changes the running lab.
	changing sync.Mutex
}

// Banner is the line that every page of a lab shows.
const Banner = "This is a lab on this machine: its people, passwords and keys are made up."

// rehearsalBanner is that of a lab that was loaded with a snapshot, whose people are real.
const rehearsalBanner = "This is a rehearsal on this machine: its passwords and keys are made up, and the real organisation notices nothing."

// pickUp is how soon a lab's server runs a changed configuration.
const pickUp = 200 * time.Millisecond

// defaultMessages are spread over the inboxes and threads of all people.
const defaultMessages = 300

// passwordCost is bcrypt's for a lab: its passwords are made up and lie in its endpoints.json
// as they are, so that a slow hash would protect nothing.
const passwordCost = bcrypt.MinCost

// Start opens the data directory, fills it at the first start, listens on
// loopback and writes endpoints.json when everything answers. ErrForeign,
// ErrLocked and net errors tell why not; nothing is left running then.
func Start(ctx context.Context, o Options) (_ *Lab, err error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	d, chosen, err := openDir(o.Dir)
	if err != nil {
		return nil, err
	}
	l := &Lab{dir: d, machine: o.Now}
	defer func() {
		if err != nil {
			err = errors.Join(err, l.Close(context.WithoutCancel(ctx)))
		}
	}()
	if o.Fresh && chosen.Seeded {
		return nil, fmt.Errorf("data directory %s %w: give --data a new folder, or none for a temporary one", d.path, ErrUsed)
	}
	if err := d.checkRoom(); err != nil {
		return nil, err
	}
	if err := os.Remove(d.file(endpointsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("start lab: %w", err)
	}
	if o.Snapshot != nil && chosen.Seeded {
		return nil, fmt.Errorf("data directory %s %w: a snapshot is loaded into a new one; start this one without", d.path, ErrUsed)
	}
	var loaded *snapshot
	if !chosen.Seeded {
		if err := d.clear(); err != nil {
			return nil, err
		}
		chosen.Healthy = o.Healthy
		if o.Snapshot != nil {
			if loaded, err = readSnapshot(ctx, *o.Snapshot); err != nil {
				return nil, err
			}
			chosen.topology = loaded.topology()
		} else if chosen.topology, err = o.topology(); err != nil {
			return nil, err
		}
	}
	l.servers = chosen.servers()
	faults, err := l.parseFaults(o.Faults)
	if err != nil {
		return nil, err
	}
	listeners, err := listen(chosen, o)
	if err != nil {
		return nil, err
	}
	// Until a listener is handed over it is ours to close.
	defer func() {
		if err != nil {
			listeners.close()
		}
	}()
	// The marker goes in before anything that it makes ours.
	if err := d.save(chosen); err != nil {
		return nil, err
	}
	key, err := sealed.LoadOrCreate(d.file("key"))
	if err != nil {
		return nil, err
	}
	secrets, err := d.loadSecrets(key, &chosen.topology, loaded)
	if err != nil {
		return nil, err
	}
	if l.ca, err = loadAuthority(d, key, o.Now().Add(o.Clock)); err != nil {
		return nil, err
	}
	cloudHost, _, err := net.SplitHostPort(chosen.Cloud)
	if err != nil {
		return nil, fmt.Errorf("cloud address %q: %w", chosen.Cloud, err)
	}
	l.hosts = append([]string{"localhost", "127.0.0.1", "::1", cloudHost}, slices.Sorted(maps.Keys(chosen.hostNames()))...)
	if err := l.setClock(o.Clock); err != nil {
		return nil, err
	}
	origin := "https://" + strings.TrimSuffix(chosen.Cloud, ":443")
	banner := Banner
	if chosen.Rehearsed != nil {
		banner = rehearsalBanner
	}
	l.Roles, err = roles.Open(ctx, roles.Config{
		Entra: "sqlite:" + d.file("entra.db"), Org: "sqlite:" + d.file("org.db"), Mailbox: "sqlite:" + d.file("mailbox.db"),
		Key: key, Now: l.Now, Log: o.Log, PickUp: cmp.Or(o.PickUp, pickUp), InstallPath: d.file, Origin: origin, Roots: l.ca.pool(), MailHost: chosen.mailHost(), Lab: banner, Front: l.suffer, PushTo: o.PushTo, PasswordCost: passwordCost,
	})
	if err != nil {
		return nil, err
	}
	if err := l.Roles.ServeCloud(dropping{listeners.cloud, l}, l.certificate); err != nil {
		return nil, err
	}
	if !chosen.Seeded {
		messages := o.Messages
		if messages == 0 {
			messages = defaultMessages
		}
		b := &build{now: l.Now(), topology: chosen.topology, healthy: chosen.Healthy, origin: origin, hosts: chosen.Servers, secrets: secrets, messages: messages, roles: l.Roles, roots: l.ca.pool(), snapshot: loaded}
		if err := b.run(ctx); err != nil {
			return nil, fmt.Errorf("make the lab organisation: %w", err)
		}
		if loaded != nil {
			if err := d.saveRehearsal(&loaded.Rehearsal); err != nil {
				return nil, err
			}
		}
		chosen.Seeded = true
		if err := d.save(chosen); err != nil {
			return nil, err
		}
	}
	// A fault that stands meets the servers' start; one that happens meets servers that run.
	if err := l.setFaults(ctx, slices.DeleteFunc(slices.Clone(faults), fault.happens)); err != nil {
		return nil, err
	}
	for _, s := range l.servers {
		if err := l.Roles.ServeServer(ctx, s.Name, listeners.servers[s.Name], l.certificate); err != nil {
			return nil, err
		}
	}
	if err := l.setFaults(ctx, slices.DeleteFunc(faults, fault.stands)); err != nil {
		return nil, err
	}
	l.Roles.ServeLMTP(listeners.lmtp)
	l.Roles.ServeMetrics(listeners.metrics)
	if err := l.serveAdmin(); err != nil {
		return nil, err
	}
	if chosen.Rehearsed != nil {
		if l.Rehearsal, err = d.rehearsal(); err != nil {
			return nil, err
		}
	}
	l.Endpoints = endpoints(d, chosen, secrets, origin)
	l.Endpoints.Clock = l.clock.Load().seconds()
	if err := d.writeEndpoints(l.Endpoints); err != nil {
		return nil, err
	}
	return l, nil
}

// Close removes endpoints.json, finishes the requests in flight until ctx ends,
// and lets the directory go.
func (l *Lab) Close(ctx context.Context) error {
	var errs []error
	if err := os.Remove(l.dir.file(endpointsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, err)
	}
	if l.Roles != nil {
		errs = append(errs, l.Roles.Close(ctx))
	}
	if l.Endpoints.AdminSocket != "" {
		os.Remove(l.Endpoints.AdminSocket) // the listener has done it already unless it was cut off
	}
	return errors.Join(append(errs, l.dir.Close())...)
}

const endpointsFile = "endpoints.json"

func (d *dir) writeEndpoints(e Endpoints) error {
	text, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return fmt.Errorf("write endpoints: %w", err)
	}
	return d.replace(endpointsFile, append(text, '\n'))
}

// ReadEndpoints returns what a running lab in the data directory wrote. An error
// that is fs.ErrNotExist says that none is running there.
func ReadEndpoints(dir string) (*Endpoints, error) {
	text, err := os.ReadFile(filepath.Join(dir, endpointsFile))
	if err != nil {
		return nil, err
	}
	e := new(Endpoints)
	if err := json.Unmarshal(text, e); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(dir, endpointsFile), err)
	}
	if e.Version != 1 {
		return nil, fmt.Errorf("read %s: version %d is newer than this program", filepath.Join(dir, endpointsFile), e.Version)
	}
	// A lab that was killed leaves its file and its socket behind, and its process
	// number to a zombie or to somebody else: only who answers runs.
	conn, err := net.Dial("unix", e.AdminSocket)
	if errors.Is(err, syscall.ECONNREFUSED) {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, fmt.Errorf("reach the lab in %s: %w", dir, err)
	}
	return e, conn.Close()
}

func endpoints(d *dir, c *choices, s *secrets, origin string) Endpoints {
	e := Endpoints{
		Version: 1, PID: os.Getpid(), Cloud: origin, Graph: origin + "/v1.0", LMTP: c.LMTP, Metrics: "http://" + c.Metrics + roles.MetricsPath,
		CA: d.file("ca.pem"), Tenant: TenantEndpoint{s.Tenant.String(), c.inHybrid()[0].initial}, Domain: c.domain(),
		Names: map[string]string{}, Users: s.Users, Clients: s.Clients, AdminSocket: socketPath(d),
	}
	servers := c.servers()
	for _, server := range servers {
		e.Servers = append(e.Servers, ServerEndpoint{server.Name, "https://" + c.Servers[server.Name], server.Build})
	}
	for i, tenant := range c.inHybrid() {
		e.Tenants = append(e.Tenants, TenantEndpoint{s.tenant(i).String(), tenant.initial})
	}
	for host, server := range c.hostNames() {
		_, port, _ := net.SplitHostPort(c.Servers[server]) // it has been listened on
		e.Names[host] = "127.0.0.1:" + port
	}
	return e
}
