package org

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// Configuration is everything but people, as the directory holds it: the values
// that cmdlets set. What a server runs may be older (ServerConfig, LiveVirtualDirectories).
// Each list is ordered by name.
type Configuration struct {
	Version            int64
	Org                OrganizationConfig
	Auth               AuthConfig
	Servers            []*Server
	Services           []*ClientAccessService
	VirtualDirectories []*VirtualDirectory
	AuthServers        []*AuthServer
	Policies           []*AuthenticationPolicy
	AcceptedDomains    []*AcceptedDomain
	Certificates       []*Certificate
	Overrides          []*SettingOverride
	Partners           []*PartnerApplication
	Connectors         []*IntraOrganizationConnector
	Hybrids            []*HybridConfiguration // at most one
	Assignments        []*ManagementRoleAssignment
	Throttling         []*ThrottlingPolicy
	Databases          []*MailboxDatabase // at most one; see Database
	Drifts             []*Drift
}

// Server returns the server of the name, in any case, or nil.
func (c *Configuration) Server(name string) *Server {
	for _, s := range c.Servers {
		if strings.EqualFold(s.Name, name) || strings.EqualFold(s.FQDN, name) {
			return s
		}
	}
	return nil
}

// VirtualDirectory returns the server's virtual directory of the kind, or nil.
func (c *Configuration) VirtualDirectory(server string, kind Kind) *VirtualDirectory {
	for _, vd := range c.VirtualDirectories {
		if vd.Kind == kind && strings.EqualFold(vd.Server, server) {
			return vd
		}
	}
	return nil
}

// AuthServer returns the AuthServer with the GUID, or nil.
func (c *Configuration) AuthServer(id guid.GUID) *AuthServer {
	for _, a := range c.AuthServers {
		if a.GUID == id {
			return a
		}
	}
	return nil
}

// Policy returns the authentication policy with the GUID, or nil.
func (c *Configuration) Policy(id guid.GUID) *AuthenticationPolicy {
	for _, p := range c.Policies {
		if p.GUID == id {
			return p
		}
	}
	return nil
}

// windows tells whether any virtual directory takes NTLM, bare or inside Negotiate.
func (c *Configuration) windows() bool {
	return slices.ContainsFunc(c.VirtualDirectories, func(vd *VirtualDirectory) bool { return vd.Ntlm() || vd.Negotiate() })
}

// windows is Configuration.windows of the configuration that the transaction sees.
func (o *Organization) windows(tx *sqldb.Tx) (bool, error) {
	version, err := configVersion(tx)
	if err != nil {
		return false, err
	}
	c, err := o.at(tx, version)
	return err == nil && c.windows(), err
}

// load reads the whole configuration as the transaction sees it.
func load(tx *sqldb.Tx) (*Configuration, error) {
	c := &Configuration{}
	rows, err := tx.Query("SELECT class, body, created, changed FROM config ORDER BY class, name")
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, body string
		var created, changed int64
		if err := rows.Scan(&name, &body, &created, &changed); err != nil {
			return nil, fmt.Errorf("read configuration: %w", err)
		}
		i := slices.IndexFunc(classes, func(k class) bool { return k.called() == name })
		if i < 0 {
			return nil, fmt.Errorf("read configuration: unknown class %q", name)
		}
		if err := classes[i].add(c, body, Stamp{fromMicros(created), fromMicros(changed)}); err != nil {
			return nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	slices.SortStableFunc(c.AcceptedDomains, func(a, b *AcceptedDomain) int {
		switch {
		case a.Default && !b.Default:
			return -1
		case b.Default && !a.Default:
			return 1
		}
		return 0
	})
	return c, nil
}

// at returns the configuration of the version, to which the transaction sees the rows belong: the kept one, or
// else what the rows say. Nobody may change it. Only what was committed may be kept.
func (o *Organization) at(tx *sqldb.Tx, version int64) (*Configuration, error) {
	if kept := o.kept.Load(); kept != nil && kept.Version == version {
		return kept, nil
	}
	c, err := load(tx)
	if err == nil {
		c.Version = version
	}
	return c, err
}

// keep remembers a committed configuration unless a newer one is kept.
func (o *Organization) keep(c *Configuration) {
	for {
		old := o.kept.Load()
		if old != nil && old.Version >= c.Version || o.kept.CompareAndSwap(old, c) {
			return
		}
	}
}

// configVersion reads the configuration's version row.
func configVersion(tx *sqldb.Tx) (version int64, err error) {
	if err := tx.QueryRow("SELECT config FROM version WHERE id = 1").Scan(&version); err != nil {
		return 0, fmt.Errorf("read version: %w", err)
	}
	return version, nil
}

// loadFetched adds when each AuthServer's metadata was read.
func (c *Configuration) loadFetched(tx *sqldb.Tx) error {
	rows, err := tx.Query("SELECT auth_server, fetched FROM metadata_fetched")
	if err != nil {
		return fmt.Errorf("read configuration: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var at int64
		if err := rows.Scan(&id, &at); err != nil {
			return fmt.Errorf("read configuration: %w", err)
		}
		for _, a := range c.AuthServers {
			if a.GUID.String() == id {
				a.MetadataFetched = fromMicros(at)
			}
		}
	}
	return rows.Err()
}

// saveFetched writes when each AuthServer's metadata was read.
func (c *Configuration) saveFetched(tx *sqldb.Tx) error {
	for _, a := range c.AuthServers {
		if a.MetadataFetched.IsZero() {
			continue
		}
		_, err := tx.Exec(`INSERT INTO metadata_fetched (auth_server, fetched) VALUES ($1, $2)
			ON CONFLICT (auth_server) DO UPDATE SET fetched = excluded.fetched`, a.GUID.String(), micros(a.MetadataFetched))
		if err != nil {
			return fmt.Errorf("write metadata time: %w", err)
		}
	}
	return nil
}

// Configuration returns the whole configuration as the directory holds it. Its objects are shared with other
// readers and must not be changed; Change does that. While the version stands it is read from memory.
func (o *Organization) Configuration(ctx context.Context) (*Configuration, error) {
	var c Configuration
	err := o.db.View(ctx, func(tx *sqldb.Tx) error {
		version, err := configVersion(tx)
		if err != nil {
			return err
		}
		kept, err := o.at(tx, version)
		if err != nil {
			return err
		}
		o.keep(kept)
		// A fetch that found nothing new moves no version: its time is read apart, into copies.
		c = *kept
		c.AuthServers = make([]*AuthServer, len(kept.AuthServers))
		for i, a := range kept.AuthServers {
			c.AuthServers[i] = new(*a)
		}
		return c.loadFetched(tx)
	})
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// Change lets fn edit the configuration and writes what fn changed, added or
// dropped in one transaction, under a new version. It returns that version, and
// changed is false when fn left everything as it was (nothing is written then,
// and version is the present one). An error of fn rolls back and is returned as
// it is. fn may run more than once: it must start afresh each time and touch
// nothing but the Configuration. New objects get a GUID where they have none.
func (o *Organization) Change(ctx context.Context, fn func(*Configuration) error) (version int64, changed bool, err error) {
	return o.change(ctx, fn, guid.Nil, true)
}

// ChangeObject is Change for one object of a server (the server itself, its ClientAccessService, a virtual directory, a
// certificate) and whatever belongs to the organisation: fn must change no other object of a server. It costs the same
// however many servers there are.
func (o *Organization) ChangeObject(ctx context.Context, object guid.GUID, fn func(*Configuration) error) (version int64, changed bool, err error) {
	return o.change(ctx, fn, object, true)
}

// Preview is Change without its effect: it tells whether fn would change something, and
// fails where Change would.
func (o *Organization) Preview(ctx context.Context, fn func(*Configuration) error) (changed bool, err error) {
	_, changed, err = o.change(ctx, fn, guid.Nil, false)
	if errors.Is(err, errPreview) {
		return changed, nil
	}
	return false, err
}

// errPreview rolls a previewed change back.
var errPreview = errors.New("previewed")

// change is Change, or ChangeObject with an object; without apply it ends in errPreview.
func (o *Organization) change(ctx context.Context, fn func(*Configuration) error, object guid.GUID, apply bool) (version int64, changed bool, err error) {
	var people int64
	var next *Configuration // to be kept once it is committed
	err = o.db.Write(ctx, func(tx *sqldb.Tx) error {
		people, changed, next = 0, false, nil
		// First of all the version row: whoever changes something else at the same time waits here.
		if _, err := tx.Exec("UPDATE version SET config = config + 1 WHERE id = 1"); err != nil {
			return fmt.Errorf("move version: %w", err)
		}
		if version, err = configVersion(tx); err != nil {
			return err
		}
		before, err := o.at(tx, version-1)
		if err != nil {
			return err
		}
		c := &Configuration{Version: version}
		for _, k := range classes {
			k.lend(before, c, object)
		}
		if err := c.loadFetched(tx); err != nil {
			return err
		}
		if err := fn(c); err != nil {
			return err
		}
		if err := c.check(); err != nil {
			return err
		}
		written, inPlace, err := write(tx, before, c, micros(o.opts.Now()))
		if err != nil {
			return err
		}
		if slices.Contains(written, classAuthServer) {
			_, err := tx.Exec("DELETE FROM metadata_fetched WHERE auth_server NOT IN (SELECT guid FROM config WHERE class = $1)", classAuthServer)
			if err != nil {
				return fmt.Errorf("remove metadata time: %w", err)
			}
		}
		if err := c.saveFetched(tx); err != nil {
			return err
		}
		if slices.Contains(written, classDirectory) && !c.windows() {
			if _, err := tx.Exec("UPDATE person_password SET nt = NULL WHERE nt IS NOT NULL"); err != nil {
				return fmt.Errorf("erase NT hashes: %w", err)
			}
		}
		changed = len(written) > 0
		if !apply {
			return errPreview
		}
		if !changed {
			// Nothing that a server runs is new: the version stays, a time of fetching may have moved.
			version--
			_, err := tx.Exec("UPDATE version SET config = $1 WHERE id = 1", version)
			return err
		}
		if inPlace {
			next = c // else the order of a list may be another: it is read anew
		}
		if slices.Contains(written, classPolicy) || slices.Contains(written, classOrganization) {
			// Policies, and which of them is the default, decide about people.
			if _, err := tx.Exec("UPDATE version SET people = people + 1 WHERE id = 1"); err != nil {
				return fmt.Errorf("move people version: %w", err)
			}
			return tx.QueryRow("SELECT people FROM version WHERE id = 1").Scan(&people)
		}
		return nil
	})
	if err != nil {
		return 0, changed && !apply, err
	}
	if next != nil {
		o.keep(next)
	}
	o.sawPeople(people)
	return version, changed, nil
}

// check completes what was set and refuses what no configuration may be.
func (c *Configuration) check() error {
	defaults := 0
	for _, a := range c.AuthServers {
		if a.IsDefaultAuthorizationEndpoint {
			defaults++
		}
	}
	if defaults > 1 {
		return refuse("%d AuthServer objects would be the default authorization endpoint; only one may be.", defaults)
	}
	for _, vd := range c.VirtualDirectories {
		if vd.Kind == Mapi && !(slices.Equal(vd.InternalAuthenticationMethods, vd.IISAuthenticationMethods) && slices.Equal(vd.ExternalAuthenticationMethods, vd.IISAuthenticationMethods)) {
			// One list is set (Set-MapiVirtualDirectory -IISAuthenticationMethods); the other two show it.
			vd.InternalAuthenticationMethods, vd.ExternalAuthenticationMethods = vd.IISAuthenticationMethods, vd.IISAuthenticationMethods
		}
	}
	return c.checkThrottling()
}

// write brings the rows from before to after and returns the classes that it touched. inPlace tells that no object
// came, went or got another name.
func write(tx *sqldb.Tx, before, after *Configuration, now int64) (written []string, inPlace bool, err error) {
	inPlace = true
	for _, k := range classes {
		changed, same, err := k.write(tx, before, after, now)
		if err != nil {
			return nil, false, err
		}
		if changed {
			written = append(written, k.called())
		}
		inPlace = inPlace && same
	}
	return written, inPlace, nil
}

// LiveVirtualDirectories returns the virtual directories of the server with the values that it runs, as it
// recorded them; the nil GUID means those of all servers. A server that has never run has none.
func (o *Organization) LiveVirtualDirectories(ctx context.Context, server guid.GUID) ([]*VirtualDirectory, error) {
	query, args := "SELECT body FROM live ORDER BY server", []any(nil)
	if !server.IsNil() {
		query, args = "SELECT body FROM live WHERE server = $1", []any{server.String()}
	}
	rows, err := o.db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("read live values: %w", err)
	}
	defer rows.Close()
	var all []*VirtualDirectory
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("read live values: %w", err)
		}
		var list []*VirtualDirectory
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			return nil, fmt.Errorf("read live values: %w", err)
		}
		all = append(all, list...)
	}
	return all, rows.Err()
}

// liveVersion returns the oldest version that one of the named servers (all, when
// none is named) runs, and that server's name.
func (o *Organization) liveVersion(ctx context.Context, names []string) (version int64, server string, err error) {
	rows, err := o.db.Query(ctx, `SELECT coalesce(l.version, 0) AS v, c.name FROM config c
		LEFT JOIN live l ON l.server = c.guid WHERE c.class = $1 ORDER BY v, c.name`, classServer)
	if err != nil {
		return 0, "", fmt.Errorf("read live versions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(&version, &server); err != nil {
			return 0, "", fmt.Errorf("read live versions: %w", err)
		}
		if len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return asciiLower(n) == server }) {
			return version, server, nil
		}
	}
	if err := rows.Err(); err != nil {
		return 0, "", fmt.Errorf("read live versions: %w", err)
	}
	return 0, "", fmt.Errorf("read live versions: %w", ErrNotFound)
}

// WaitLive returns when the named servers, all when none is named, run the
// configuration of the version or a newer one, or with the context's error and the
// name of a server that does not.
func (o *Organization) WaitLive(ctx context.Context, version int64, servers ...string) error {
	tick := time.NewTicker(min(max(o.opts.PickUp/4, time.Millisecond), time.Second))
	defer tick.Stop()
	var live int64
	server := "unknown"
	for {
		v, name, err := o.liveVersion(ctx, servers)
		if err == nil {
			live, server = v, name
		} else if ctx.Err() == nil {
			return fmt.Errorf("wait for version %d: %w", version, err)
		}
		if live >= version {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for version %d: server %s runs %d: %w", version, server, live, context.Cause(ctx))
		}
	}
}

// asciiLower folds A to Z only. Names that decide about access are never folded
// further: two that differ in the cloud must not become one here.
func asciiLower(s string) string {
	for i := range len(s) {
		if 'A' <= s[i] && s[i] <= 'Z' {
			b := []byte(s)
			for j := i; j < len(b); j++ {
				if 'A' <= b[j] && b[j] <= 'Z' {
					b[j] += 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return s
}
