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

// The classes of configuration objects, as the config table names them.
const (
	classOrganization     = "organization"
	classAuthConfig       = "authconfig"
	classServer           = "server"
	classService          = "clientaccessservice"
	classVirtualDirectory = "virtualdirectory"
	classAuthServer       = "authserver"
	classPolicy           = "authenticationpolicy"
	classDomain           = "accepteddomain"
	classCertificate      = "certificate"
	classOverride         = "settingoverride"
	classPartner          = "partnerapplication"
	classConnector        = "intraorganizationconnector"
	classHybrid           = "hybridconfiguration"
)

// entry is one object of a Configuration as its row sees it. The body is the
// object as JSON under its Go field names, which therefore must not change.
type entry struct {
	class string
	guid  *guid.GUID
	name  string // unique within the class, compared without case
	stamp *Stamp
	body  any
}

func (c *Configuration) entries() []entry {
	var list []entry
	if c.Org.Name != "" {
		list = append(list,
			entry{classOrganization, &c.Org.GUID, c.Org.Name, &c.Org.Stamp, &c.Org},
			entry{classAuthConfig, &c.Auth.GUID, "Auth Configuration", &c.Auth.Stamp, &c.Auth})
	}
	for _, x := range c.Servers {
		list = append(list, entry{classServer, &x.GUID, x.Name, &x.Stamp, x})
	}
	for _, x := range c.Services {
		list = append(list, entry{classService, &x.GUID, x.Server, &x.Stamp, x})
	}
	for _, x := range c.VirtualDirectories {
		list = append(list, entry{classVirtualDirectory, &x.GUID, x.Identity(), &x.Stamp, x})
	}
	for _, x := range c.AuthServers {
		list = append(list, entry{classAuthServer, &x.GUID, x.Name, &x.Stamp, x})
	}
	for _, x := range c.Policies {
		list = append(list, entry{classPolicy, &x.GUID, x.Name, &x.Stamp, x})
	}
	for _, x := range c.AcceptedDomains {
		list = append(list, entry{classDomain, &x.GUID, x.DomainName, &x.Stamp, x})
	}
	for _, x := range c.Certificates {
		list = append(list, entry{classCertificate, &x.GUID, x.Server + `\` + x.Thumbprint, &x.Stamp, x})
	}
	for _, x := range c.Overrides {
		list = append(list, entry{classOverride, &x.GUID, x.Name, &x.Stamp, x})
	}
	for _, x := range c.Partners {
		list = append(list, entry{classPartner, &x.GUID, x.Name, &x.Stamp, x})
	}
	for _, x := range c.Connectors {
		list = append(list, entry{classConnector, &x.GUID, x.Name, &x.Stamp, x})
	}
	for _, x := range c.Hybrids {
		// One name for all of them: there is room for one.
		list = append(list, entry{classHybrid, &x.GUID, "Hybrid Configuration", &x.Stamp, x})
	}
	return list
}

// add decodes a row into the list of its class.
func (c *Configuration) add(class, body string, created, changed time.Time) error {
	stamp := Stamp{created, changed}
	var err error
	switch class {
	case classOrganization:
		err = json.Unmarshal([]byte(body), &c.Org)
		c.Org.Stamp = stamp
	case classAuthConfig:
		err = json.Unmarshal([]byte(body), &c.Auth)
		c.Auth.Stamp = stamp
	case classServer:
		var x Server
		err = json.Unmarshal([]byte(body), &x)
		x.Stamp = stamp
		c.Servers = append(c.Servers, &x)
	case classService:
		var x ClientAccessService
		err = json.Unmarshal([]byte(body), &x)
		x.Stamp = stamp
		c.Services = append(c.Services, &x)
	case classVirtualDirectory:
		var x VirtualDirectory
		err = json.Unmarshal([]byte(body), &x)
		x.Stamp = stamp
		c.VirtualDirectories = append(c.VirtualDirectories, &x)
	case classAuthServer:
		var x AuthServer
		err = json.Unmarshal([]byte(body), &x)
		x.Stamp = stamp
		c.AuthServers = append(c.AuthServers, &x)
	case classPolicy:
		var x AuthenticationPolicy
		err = json.Unmarshal([]byte(body), &x)
		x.Stamp = stamp
		c.Policies = append(c.Policies, &x)
	case classDomain:
		var x AcceptedDomain
		err = json.Unmarshal([]byte(body), &x)
		x.Stamp = stamp
		c.AcceptedDomains = append(c.AcceptedDomains, &x)
	case classCertificate:
		var x Certificate
		err = json.Unmarshal([]byte(body), &x)
		x.Stamp = stamp
		c.Certificates = append(c.Certificates, &x)
	case classOverride:
		var x SettingOverride
		err = json.Unmarshal([]byte(body), &x)
		x.Stamp = stamp
		c.Overrides = append(c.Overrides, &x)
	case classPartner:
		var x PartnerApplication
		err = json.Unmarshal([]byte(body), &x)
		x.Stamp = stamp
		c.Partners = append(c.Partners, &x)
	case classConnector:
		var x IntraOrganizationConnector
		err = json.Unmarshal([]byte(body), &x)
		x.Stamp = stamp
		c.Connectors = append(c.Connectors, &x)
	case classHybrid:
		var x HybridConfiguration
		err = json.Unmarshal([]byte(body), &x)
		x.Stamp = stamp
		c.Hybrids = append(c.Hybrids, &x)
	default:
		return fmt.Errorf("read configuration: unknown class %q", class)
	}
	if err != nil {
		return fmt.Errorf("read configuration: %s: %w", class, err)
	}
	return nil
}

type rowKey struct {
	class string
	guid  guid.GUID
}

type row struct {
	name, body string
}

// load reads the whole configuration, and its rows as they stand.
func load(tx *sqldb.Tx) (*Configuration, map[rowKey]row, error) {
	c := &Configuration{}
	if err := tx.QueryRow("SELECT config FROM version WHERE id = 1").Scan(&c.Version); err != nil {
		return nil, nil, fmt.Errorf("read version: %w", err)
	}
	rows, err := tx.Query("SELECT class, guid, name, body, created, changed FROM config ORDER BY class, name")
	if err != nil {
		return nil, nil, fmt.Errorf("read configuration: %w", err)
	}
	stored := make(map[rowKey]row)
	defer rows.Close()
	for rows.Next() {
		var class, id string
		var r row
		var created, changed int64
		if err := rows.Scan(&class, &id, &r.name, &r.body, &created, &changed); err != nil {
			return nil, nil, fmt.Errorf("read configuration: %w", err)
		}
		g, err := guid.Parse(id)
		if err != nil {
			return nil, nil, fmt.Errorf("read configuration: %s: %w", class, err)
		}
		stored[rowKey{class, g}] = r
		if err := c.add(class, r.body, fromMicros(created), fromMicros(changed)); err != nil {
			return nil, nil, err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, nil, fmt.Errorf("read configuration: %w", err)
	}
	rows.Close()
	if err := c.loadFetched(tx); err != nil {
		return nil, nil, err
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
	return c, stored, nil
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

// Configuration reads the whole configuration as the directory holds it. The result is the caller's own.
func (o *Organization) Configuration(ctx context.Context) (*Configuration, error) {
	var c *Configuration
	err := o.db.View(ctx, func(tx *sqldb.Tx) (err error) {
		c, _, err = load(tx)
		return err
	})
	return c, err
}

// Change lets fn edit the configuration and writes what fn changed, added or
// dropped in one transaction, under a new version. It returns that version, and
// changed is false when fn left everything as it was (nothing is written then,
// and version is the present one). An error of fn rolls back and is returned as
// it is. fn may run more than once: it must start afresh each time and touch
// nothing but the Configuration. New objects get a GUID where they have none.
func (o *Organization) Change(ctx context.Context, fn func(*Configuration) error) (version int64, changed bool, err error) {
	return o.change(ctx, fn, true)
}

// Preview is Change without its effect: it tells whether fn would change something, and
// fails where Change would.
func (o *Organization) Preview(ctx context.Context, fn func(*Configuration) error) (changed bool, err error) {
	_, changed, err = o.change(ctx, fn, false)
	if errors.Is(err, errPreview) {
		return changed, nil
	}
	return false, err
}

// errPreview rolls a previewed change back.
var errPreview = errors.New("previewed")

// change is Change; without keep it ends in errPreview.
func (o *Organization) change(ctx context.Context, fn func(*Configuration) error, keep bool) (version int64, changed bool, err error) {
	var people int64
	err = o.db.Write(ctx, func(tx *sqldb.Tx) error {
		// First of all the version row: whoever changes something else at the same time waits here.
		if _, err := tx.Exec("UPDATE version SET config = config + 1 WHERE id = 1"); err != nil {
			return fmt.Errorf("move version: %w", err)
		}
		c, stored, err := load(tx)
		if err != nil {
			return err
		}
		version = c.Version
		if err := fn(c); err != nil {
			return err
		}
		classes, err := save(tx, c, stored, micros(o.opts.Now()))
		if err != nil {
			return err
		}
		if classes[classAuthServer] {
			_, err := tx.Exec("DELETE FROM metadata_fetched WHERE auth_server NOT IN (SELECT guid FROM config WHERE class = $1)", classAuthServer)
			if err != nil {
				return fmt.Errorf("remove metadata time: %w", err)
			}
		}
		if err := c.saveFetched(tx); err != nil {
			return err
		}
		people, changed = 0, len(classes) > 0
		if !keep {
			return errPreview
		}
		if !changed {
			// Nothing that a server runs is new: the version stays, a time of fetching may have moved.
			version--
			_, err := tx.Exec("UPDATE version SET config = $1 WHERE id = 1", version)
			return err
		}
		if classes[classPolicy] || classes[classOrganization] {
			// Policies, and which of them is the default, decide about people.
			if _, err := tx.Exec("UPDATE version SET people = people + 1 WHERE id = 1"); err != nil {
				return fmt.Errorf("move people version: %w", err)
			}
			return tx.QueryRow("SELECT people FROM version WHERE id = 1").Scan(&people)
		}
		return nil
	})
	if err != nil {
		return 0, changed && !keep, err
	}
	o.sawPeople(people)
	return version, changed, nil
}

// save writes the difference between c and the stored rows and returns the classes that it touched.
func save(tx *sqldb.Tx, c *Configuration, stored map[rowKey]row, now int64) (map[string]bool, error) {
	classes := make(map[string]bool)
	defaults := 0
	for _, a := range c.AuthServers {
		if a.IsDefaultAuthorizationEndpoint {
			defaults++
		}
	}
	if defaults > 1 {
		return nil, refuse("%d AuthServer objects would be the default authorization endpoint; only one may be.", defaults)
	}
	for _, vd := range c.VirtualDirectories {
		if vd.Kind == Mapi {
			// One list is set (Set-MapiVirtualDirectory -IISAuthenticationMethods); the other two show it.
			vd.InternalAuthenticationMethods, vd.ExternalAuthenticationMethods = vd.IISAuthenticationMethods, vd.IISAuthenticationMethods
		}
	}
	for _, e := range c.entries() {
		if e.guid.IsNil() {
			*e.guid = guid.New()
		}
		body, err := json.Marshal(e.body)
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", e.class, err)
		}
		key := rowKey{e.class, *e.guid}
		next := row{name: asciiLower(e.name), body: string(body)}
		old, exists := stored[key]
		delete(stored, key)
		switch {
		case !exists:
			e.stamp.WhenCreated, e.stamp.WhenChanged = fromMicros(now), fromMicros(now)
			_, err = tx.Exec("INSERT INTO config (class, guid, name, body, created, changed) VALUES ($1, $2, $3, $4, $5, $6)",
				e.class, e.guid.String(), next.name, next.body, now, now)
		case old != next:
			e.stamp.WhenChanged = fromMicros(now)
			_, err = tx.Exec("UPDATE config SET name = $1, body = $2, changed = $3 WHERE class = $4 AND guid = $5",
				next.name, next.body, now, e.class, e.guid.String())
		default:
			continue
		}
		if sqldb.IsUnique(err) {
			return nil, fmt.Errorf("%s %q: %w", e.class, e.name, ErrExists)
		}
		if err != nil {
			return nil, fmt.Errorf("write %s: %w", e.class, err)
		}
		classes[e.class] = true
	}
	for key := range stored {
		if _, err := tx.Exec("DELETE FROM config WHERE class = $1 AND guid = $2", key.class, key.guid.String()); err != nil {
			return nil, fmt.Errorf("remove %s: %w", key.class, err)
		}
		classes[key.class] = true
	}
	return classes, nil
}

// LiveVirtualDirectories returns the virtual directories with the values that
// their servers run, as these recorded them. Servers that have never run are not among them.
func (o *Organization) LiveVirtualDirectories(ctx context.Context) ([]*VirtualDirectory, error) {
	rows, err := o.db.Query(ctx, "SELECT body FROM live ORDER BY server")
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
