package org

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// ServerConfig is what one running server holds of the organisation: its
// Snapshot, kept up with the version row.
type ServerConfig struct {
	o    *Organization
	name string

	current  atomic.Pointer[Snapshot]
	mu       sync.Mutex // one take-up at a time
	recorded int64      // version whose live row is written
	file     fileState  // of the web.config that was read
}

// Server makes the handle of the named server, takes the present configuration up
// and keeps it up until Close. An unknown name is ErrNotFound.
func (o *Organization) Server(ctx context.Context, name string) (*ServerConfig, error) {
	s := &ServerConfig{o: o, name: name}
	if err := s.Refresh(ctx); err != nil {
		return nil, err
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.servers[s] = true
	return s, nil
}

// Close ends the keeping up. The last Snapshot stays.
func (s *ServerConfig) Close() {
	s.o.mu.Lock()
	defer s.o.mu.Unlock()
	delete(s.o.servers, s)
}

// Snapshot returns the configuration that the server runs now; never nil.
func (s *ServerConfig) Snapshot() *Snapshot { return s.current.Load() }

func (s *ServerConfig) behind(version int64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.recorded < version
}

// Refresh takes the present configuration up at once, as a restart of the
// server's web service does, and records what the server runs now.
func (s *ServerConfig) Refresh(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.o.Configuration(ctx)
	if err != nil {
		return fmt.Errorf("take up configuration of %s: %w", s.name, err)
	}
	snap, err := c.Snapshot(s.name)
	if err != nil {
		return fmt.Errorf("take up configuration: %w", err)
	}
	snap.OwaSettings = s.readWebConfig()
	s.current.Store(snap)
	body, err := json.Marshal(snap.VirtualDirectories)
	if err != nil {
		return fmt.Errorf("record live values of %s: %w", s.name, err)
	}
	overrides, err := json.Marshal(snap.Overrides)
	if err != nil {
		return fmt.Errorf("record live values of %s: %w", s.name, err)
	}
	err = s.o.db.Write(ctx, func(tx *sqldb.Tx) error {
		_, err := tx.Exec(`INSERT INTO live (server, version, taken, body, overrides) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (server) DO UPDATE SET version = excluded.version, taken = excluded.taken, body = excluded.body,
				overrides = excluded.overrides`,
			snap.Server.GUID.String(), snap.Version, micros(s.o.opts.Now()), string(body), string(overrides))
		return err
	})
	if err != nil {
		return fmt.Errorf("record live values of %s: %w", s.name, err)
	}
	s.recorded = snap.Version
	return nil
}

// RefreshServer makes the named server take the present configuration up at
// once; "" means every server. A server that runs in another process is reached
// by moving the version row, and takes it up within its own pick-up time.
func (o *Organization) RefreshServer(ctx context.Context, name string) error {
	c, err := o.Configuration(ctx)
	if err != nil {
		return err
	}
	names := []string{}
	for _, s := range c.Servers {
		if name == "" || strings.EqualFold(s.Name, name) || strings.EqualFold(s.FQDN, name) {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return fmt.Errorf("server %q: %w", name, ErrNotFound)
	}
	handles := o.handles()
	for _, n := range names {
		i := slices.IndexFunc(handles, func(s *ServerConfig) bool { return strings.EqualFold(s.Snapshot().Server.Name, n) })
		if i < 0 {
			err := o.db.Write(ctx, func(tx *sqldb.Tx) error {
				_, err := tx.Exec("UPDATE version SET config = config + 1 WHERE id = 1")
				return err
			})
			if err != nil {
				return fmt.Errorf("refresh %s: %w", n, err)
			}
			continue
		}
		if err := handles[i].Refresh(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Snapshot returns the configuration as the named server would run it. It shares
// c's objects: c must not be changed afterwards. An unknown name is ErrNotFound.
func (c *Configuration) Snapshot(server string) (*Snapshot, error) {
	srv := c.Server(server)
	if srv == nil {
		return nil, fmt.Errorf("server %q: %w", server, ErrNotFound)
	}
	snap := &Snapshot{Version: c.Version, Org: c.Org, Server: *srv, AuthServers: c.AuthServers, Auth: c.Auth, Throttling: c.Throttling,
		Policies: make(map[guid.GUID]*AuthenticationPolicy), Hosts: make(map[string]bool)}
	for _, s := range c.Overrides {
		if s.appliesTo(srv) {
			snap.Overrides = append(snap.Overrides, s)
		}
	}
	for _, cert := range c.Certificates {
		if cert.Server == srv.Name {
			snap.Certificates = append(snap.Certificates, cert)
		}
	}
	for _, p := range c.Policies {
		snap.Policies[p.GUID] = p
	}
	for _, conn := range c.Connectors {
		if conn.Enabled {
			snap.Connectors = append(snap.Connectors, conn)
		}
	}
	for _, d := range c.AcceptedDomains {
		snap.AcceptedDomains = append(snap.AcceptedDomains, d.DomainName)
	}
	for _, s := range c.Services {
		if s.Server == srv.Name {
			snap.Service = *s
			addHost(snap.Hosts, s.AutoDiscoverServiceInternalURI)
		}
	}
	for _, vd := range c.VirtualDirectories {
		if vd.Server != srv.Name {
			continue
		}
		if d := c.drift(vd); d != nil {
			vd = vd.withIIS(&d.IIS)
		}
		snap.VirtualDirectories = append(snap.VirtualDirectories, vd)
		if vd.Kind != PowerShell && vd.Kind != Rpc { // neither takes a token
			addHost(snap.Hosts, vd.InternalURL)
			addHost(snap.Hosts, vd.ExternalURL)
		}
	}
	if vd := snap.VirtualDirectory(Owa); vd != nil && c.Org.EnableDownloadDomains {
		snap.DownloadHosts = make(map[string]bool)
		for _, name := range []string{vd.InternalDownloadHostName, vd.ExternalDownloadHostName} {
			// A host that serves more keeps nothing apart: it stays what it is.
			if host := PublicHost(name); host != "" && !snap.Hosts[host] {
				snap.DownloadHosts[host] = true
			}
		}
	}
	return snap, nil
}

// addHost adds the host of an https URL as Snapshot.Hosts has it; other text is left out.
func addHost(hosts map[string]bool, text string) {
	if host := urlHost(text); host != "" {
		hosts[host] = true
	}
}

// urlHost returns the host of an https URL as PublicHost writes it, "" of other text.
func urlHost(text string) string {
	u, err := url.Parse(text)
	if err != nil || !strings.EqualFold(u.Scheme, "https") || u.Hostname() == "" {
		return ""
	}
	return PublicHost(u.Host)
}
