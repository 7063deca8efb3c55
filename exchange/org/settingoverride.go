package org

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/wire/guid"
)

// SettingOverride turns a setting of a component on or off without a new build (New-SettingOverride).
type SettingOverride struct {
	Stamp
	GUID      guid.GUID
	Name      string
	Component string
	Section   string
	// Parameters are name=value, for example "Enabled=true".
	Parameters []string
	Reason     string
	ModifiedBy string
	// Server are the short names that it is for, * and ? being wildcards; empty means all servers.
	Server []string
	// MinVersion and MaxVersion are the oldest and the newest build that it is for; the zero Version is no limit.
	MinVersion Version
	MaxVersion Version
}

// settings are the sections that servers of this organisation know, by component.
var settings = map[string][]string{
	"OAuth":  {"OAuthIdentityCacheFixForDownloadDomains", "OwaHMAFixForAfRfScenarios", "KeepADFSHeadersOnTokenExpiry"},
	"Global": {"ExchangeOnpremAsThirdPartyAppId"},
}

// Known tells whether servers know the setting that is overridden.
func (s *SettingOverride) Known() bool {
	for component, sections := range settings {
		if strings.EqualFold(component, s.Component) {
			return slices.ContainsFunc(sections, func(section string) bool { return strings.EqualFold(section, s.Section) })
		}
	}
	return false
}

// Check refuses an override without its mandatory parts, with a parameter that is not
// name=value or is there twice, with a server pattern that cannot be read, and a MaxVersion older than MinVersion.
func (s *SettingOverride) Check() error {
	if strings.TrimSpace(s.Name) == "" || len(s.Name) > 64 {
		return refuse("The name of a setting override has 1 to 64 characters.")
	}
	if s.Component == "" || s.Section == "" || s.Reason == "" || len(s.Parameters) == 0 {
		return refuse("A setting override needs a component, a section, parameters and a reason.")
	}
	seen := make(map[string]bool)
	for _, p := range s.Parameters {
		name, _, ok := strings.Cut(p, "=")
		if name = asciiLower(strings.TrimSpace(name)); !ok || name == "" {
			return refuse("'%s' is no parameter; write name=value, for example Enabled=true.", p)
		}
		if seen[name] {
			return refuse("The parameter '%s' is given more than once.", name)
		}
		seen[name] = true
	}
	for _, pattern := range s.Server {
		if pattern == "" || strings.ContainsAny(pattern, `[]\/`) {
			return refuse("'%s' is no server name; * and ? are wildcards.", pattern)
		}
	}
	if s.MaxVersion != (Version{}) && s.MaxVersion.Less(s.MinVersion) {
		return refuse("MaxVersion %s is older than MinVersion %s.", s.MaxVersion, s.MinVersion)
	}
	return nil
}

// appliesTo tells whether the override is for the server.
func (s *SettingOverride) appliesTo(srv *Server) bool {
	if srv.Version.Less(s.MinVersion) || s.MaxVersion != (Version{}) && s.MaxVersion.Less(srv.Version) {
		return false
	}
	return len(s.Server) == 0 || slices.ContainsFunc(s.Server, func(pattern string) bool {
		ok, err := path.Match(asciiLower(pattern), asciiLower(srv.Name))
		return err == nil && ok
	})
}

// OverrideValues are the parameters of a section's overrides, names in lower case.
type OverrideValues map[string]string

// Enabled tells whether Enabled is true. It is false where there is no override.
func (v OverrideValues) Enabled() bool { return strings.EqualFold(v["enabled"], "true") }

// Override returns what the overrides that this server runs say about a section of a component. Of two
// overrides of one section, the one whose name is later in the alphabet wins.
func (s *Snapshot) Override(component, section string) OverrideValues {
	values := make(OverrideValues)
	for _, o := range s.Overrides {
		if !strings.EqualFold(o.Component, component) || !strings.EqualFold(o.Section, section) {
			continue
		}
		for _, p := range o.Parameters {
			name, value, _ := strings.Cut(p, "=")
			values[asciiLower(strings.TrimSpace(name))] = strings.TrimSpace(value)
		}
	}
	return values
}

// LiveOverrides are the setting overrides that a server runs, and when it took them up.
type LiveOverrides struct {
	Taken     time.Time
	Overrides []*SettingOverride
}

// LiveOverrides returns what each server runs by its GUID. Servers that have never run are not among them.
func (o *Organization) LiveOverrides(ctx context.Context) (map[guid.GUID]LiveOverrides, error) {
	rows, err := o.db.Query(ctx, "SELECT server, taken, overrides FROM live")
	if err != nil {
		return nil, fmt.Errorf("read live overrides: %w", err)
	}
	defer rows.Close()
	all := make(map[guid.GUID]LiveOverrides)
	for rows.Next() {
		var id, body string
		var taken int64
		if err := rows.Scan(&id, &taken, &body); err != nil {
			return nil, fmt.Errorf("read live overrides: %w", err)
		}
		server, err := guid.Parse(id)
		if err != nil {
			return nil, fmt.Errorf("read live overrides: %w", err)
		}
		live := LiveOverrides{Taken: fromMicros(taken)}
		if err := json.Unmarshal([]byte(body), &live.Overrides); err != nil {
			return nil, fmt.Errorf("read live overrides: %w", err)
		}
		all[server] = live
	}
	return all, rows.Err()
}

// ParseVersion reads the dotted form of a build, 15.2.1544.11.
func ParseVersion(text string) (Version, error) {
	var v Version
	parts := strings.Split(text, ".")
	if len(parts) != len(v) {
		return v, refuse("'%s' is no build; write it as 15.2.1544.11.", text)
	}
	for i, p := range parts {
		n, err := strconv.ParseUint(p, 10, 16)
		if err != nil {
			return Version{}, refuse("'%s' is no build; write it as 15.2.1544.11.", text)
		}
		v[i] = int(n)
	}
	return v, nil
}
