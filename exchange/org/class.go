package org

import (
	"encoding/json"
	"fmt"
	"slices"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// class is how the objects of one class lie in a Configuration and in their rows.
type class interface {
	// called is the class's name in the config table.
	called() string
	// add decodes a row into the Configuration.
	add(c *Configuration, body string, s Stamp) error
	// lend puts copies of from's objects, which may be changed, into to. With a GUID, a class with an object for every
	// server lends that one alone, and the others as they are.
	lend(from, to *Configuration, only guid.GUID)
	// write brings the rows from before to after. inPlace tells that every object of before is still there under
	// its name, and no other.
	write(tx *sqldb.Tx, before, after *Configuration, now int64) (changed, inPlace bool, err error)
}

// classes are all of them. Those with an object for every server have a clone and a same of their own: a
// change must not cost more because there are many.
var classes = []class{
	&classOf[OrganizationConfig]{name: classOrganization,
		get: func(c *Configuration) []*OrganizationConfig {
			if c.Org.Name == "" {
				return nil
			}
			return []*OrganizationConfig{&c.Org}
		},
		set: func(c *Configuration, list []*OrganizationConfig) {
			for _, x := range list {
				c.Org = *x
			}
		},
		id:    func(x *OrganizationConfig) *guid.GUID { return &x.GUID },
		label: func(x *OrganizationConfig) string { return x.Name },
		stamp: func(x *OrganizationConfig) *Stamp { return &x.Stamp }},
	&classOf[AuthConfig]{name: "authconfig",
		get: func(c *Configuration) []*AuthConfig {
			if c.Org.Name == "" {
				return nil
			}
			return []*AuthConfig{&c.Auth}
		},
		set: func(c *Configuration, list []*AuthConfig) {
			for _, x := range list {
				c.Auth = *x
			}
		},
		id:    func(x *AuthConfig) *guid.GUID { return &x.GUID },
		label: func(x *AuthConfig) string { return "Auth Configuration" },
		stamp: func(x *AuthConfig) *Stamp { return &x.Stamp }},
	&classOf[Server]{name: classServer,
		get:   func(c *Configuration) []*Server { return c.Servers },
		set:   func(c *Configuration, list []*Server) { c.Servers = list },
		id:    func(x *Server) *guid.GUID { return &x.GUID },
		label: func(x *Server) string { return x.Name },
		stamp: func(x *Server) *Stamp { return &x.Stamp },
		clone: func(*Server) {},
		same:  func(x, y *Server) bool { return *x == *y }},
	&classOf[ClientAccessService]{name: "clientaccessservice",
		get:   func(c *Configuration) []*ClientAccessService { return c.Services },
		set:   func(c *Configuration, list []*ClientAccessService) { c.Services = list },
		id:    func(x *ClientAccessService) *guid.GUID { return &x.GUID },
		label: func(x *ClientAccessService) string { return x.Server },
		stamp: func(x *ClientAccessService) *Stamp { return &x.Stamp },
		clone: (*ClientAccessService).clone, same: (*ClientAccessService).same},
	&classOf[VirtualDirectory]{name: classDirectory,
		get:   func(c *Configuration) []*VirtualDirectory { return c.VirtualDirectories },
		set:   func(c *Configuration, list []*VirtualDirectory) { c.VirtualDirectories = list },
		id:    func(x *VirtualDirectory) *guid.GUID { return &x.GUID },
		label: func(x *VirtualDirectory) string { return x.Identity() },
		stamp: func(x *VirtualDirectory) *Stamp { return &x.Stamp },
		clone: (*VirtualDirectory).clone, same: (*VirtualDirectory).same},
	&classOf[Certificate]{name: "certificate",
		get:   func(c *Configuration) []*Certificate { return c.Certificates },
		set:   func(c *Configuration, list []*Certificate) { c.Certificates = list },
		id:    func(x *Certificate) *guid.GUID { return &x.GUID },
		label: func(x *Certificate) string { return x.Server + `\` + x.Thumbprint },
		stamp: func(x *Certificate) *Stamp { return &x.Stamp },
		clone: (*Certificate).clone, same: (*Certificate).same},
	&classOf[AuthServer]{name: classAuthServer,
		get:   func(c *Configuration) []*AuthServer { return c.AuthServers },
		set:   func(c *Configuration, list []*AuthServer) { c.AuthServers = list },
		id:    func(x *AuthServer) *guid.GUID { return &x.GUID },
		label: func(x *AuthServer) string { return x.Name },
		stamp: func(x *AuthServer) *Stamp { return &x.Stamp }},
	&classOf[AuthenticationPolicy]{name: classPolicy,
		get:   func(c *Configuration) []*AuthenticationPolicy { return c.Policies },
		set:   func(c *Configuration, list []*AuthenticationPolicy) { c.Policies = list },
		id:    func(x *AuthenticationPolicy) *guid.GUID { return &x.GUID },
		label: func(x *AuthenticationPolicy) string { return x.Name },
		stamp: func(x *AuthenticationPolicy) *Stamp { return &x.Stamp }},
	&classOf[AcceptedDomain]{name: "accepteddomain",
		get:   func(c *Configuration) []*AcceptedDomain { return c.AcceptedDomains },
		set:   func(c *Configuration, list []*AcceptedDomain) { c.AcceptedDomains = list },
		id:    func(x *AcceptedDomain) *guid.GUID { return &x.GUID },
		label: func(x *AcceptedDomain) string { return x.DomainName },
		stamp: func(x *AcceptedDomain) *Stamp { return &x.Stamp }},
	&classOf[SettingOverride]{name: "settingoverride",
		get:   func(c *Configuration) []*SettingOverride { return c.Overrides },
		set:   func(c *Configuration, list []*SettingOverride) { c.Overrides = list },
		id:    func(x *SettingOverride) *guid.GUID { return &x.GUID },
		label: func(x *SettingOverride) string { return x.Name },
		stamp: func(x *SettingOverride) *Stamp { return &x.Stamp }},
	&classOf[PartnerApplication]{name: "partnerapplication",
		get:   func(c *Configuration) []*PartnerApplication { return c.Partners },
		set:   func(c *Configuration, list []*PartnerApplication) { c.Partners = list },
		id:    func(x *PartnerApplication) *guid.GUID { return &x.GUID },
		label: func(x *PartnerApplication) string { return x.Name },
		stamp: func(x *PartnerApplication) *Stamp { return &x.Stamp }},
	&classOf[IntraOrganizationConnector]{name: "intraorganizationconnector",
		get:   func(c *Configuration) []*IntraOrganizationConnector { return c.Connectors },
		set:   func(c *Configuration, list []*IntraOrganizationConnector) { c.Connectors = list },
		id:    func(x *IntraOrganizationConnector) *guid.GUID { return &x.GUID },
		label: func(x *IntraOrganizationConnector) string { return x.Name },
		stamp: func(x *IntraOrganizationConnector) *Stamp { return &x.Stamp }},
	&classOf[HybridConfiguration]{name: "hybridconfiguration",
		get: func(c *Configuration) []*HybridConfiguration { return c.Hybrids },
		set: func(c *Configuration, list []*HybridConfiguration) { c.Hybrids = list },
		// One name for all of them: there is room for one.
		id:    func(x *HybridConfiguration) *guid.GUID { return &x.GUID },
		label: func(*HybridConfiguration) string { return "Hybrid Configuration" },
		stamp: func(x *HybridConfiguration) *Stamp { return &x.Stamp }},
	&classOf[ManagementRoleAssignment]{name: "managementroleassignment",
		get:   func(c *Configuration) []*ManagementRoleAssignment { return c.Assignments },
		set:   func(c *Configuration, list []*ManagementRoleAssignment) { c.Assignments = list },
		id:    func(x *ManagementRoleAssignment) *guid.GUID { return &x.GUID },
		label: func(x *ManagementRoleAssignment) string { return x.Name },
		stamp: func(x *ManagementRoleAssignment) *Stamp { return &x.Stamp }},
	&classOf[MailboxDatabase]{name: "mailboxdatabase",
		get: func(c *Configuration) []*MailboxDatabase { return c.Databases },
		set: func(c *Configuration, list []*MailboxDatabase) { c.Databases = list },
		// One name for all of them: there is room for one.
		id:    func(x *MailboxDatabase) *guid.GUID { return &x.GUID },
		label: func(*MailboxDatabase) string { return "Mailbox Database" },
		stamp: func(x *MailboxDatabase) *Stamp { return &x.Stamp }},
	&classOf[ThrottlingPolicy]{name: "throttlingpolicy",
		get:   func(c *Configuration) []*ThrottlingPolicy { return c.Throttling },
		set:   func(c *Configuration, list []*ThrottlingPolicy) { c.Throttling = list },
		id:    func(x *ThrottlingPolicy) *guid.GUID { return &x.GUID },
		label: func(x *ThrottlingPolicy) string { return x.Name },
		stamp: func(x *ThrottlingPolicy) *Stamp { return &x.Stamp }},
	&classOf[Drift]{name: "drift",
		get:   func(c *Configuration) []*Drift { return c.Drifts },
		set:   func(c *Configuration, list []*Drift) { c.Drifts = list },
		id:    func(x *Drift) *guid.GUID { return &x.GUID },
		label: func(x *Drift) string { return x.VirtualDirectory.String() },
		stamp: func(x *Drift) *Stamp { return &x.Stamp }},
}

// The classes that statements and rules name.
const (
	classOrganization = "organization"
	classServer       = "server"
	classAuthServer   = "authserver"
	classDirectory    = "virtualdirectory"
	classPolicy       = "authenticationpolicy"
)

// classOf is a class of objects of the type T. A row's body is the object as JSON under its Go field
// names, which therefore must not change.
type classOf[T any] struct {
	name string
	get  func(*Configuration) []*T
	set  func(*Configuration, []*T)
	id   func(*T) *guid.GUID
	// label is the object's name: unique within the class, compared without case.
	label func(*T) string
	stamp func(*T) *Stamp
	// clone makes a copy its own that shares lists with the original, same compares two objects but for their
	// stamps; nil does both through JSON.
	clone func(*T)
	same  func(x, y *T) bool
}

func (k *classOf[T]) called() string { return k.name }

func (k *classOf[T]) add(c *Configuration, body string, s Stamp) error {
	x := new(T)
	if err := json.Unmarshal([]byte(body), x); err != nil {
		return fmt.Errorf("read configuration: %s: %w", k.name, err)
	}
	*k.stamp(x) = s
	k.set(c, append(k.get(c), x))
	return nil
}

func (k *classOf[T]) lend(from, to *Configuration, only guid.GUID) {
	list := k.get(from)
	if k.clone != nil && !only.IsNil() {
		lent := slices.Clone(list)
		for i, x := range list {
			if *k.id(x) == only {
				lent[i] = new(*x)
				k.clone(lent[i])
			}
		}
		k.set(to, lent)
		return
	}
	copies, lent := make([]T, len(list)), make([]*T, len(list))
	for i, x := range list {
		lent[i] = &copies[i]
		if k.clone != nil {
			copies[i] = *x
			k.clone(&copies[i])
			continue
		}
		if err := json.Unmarshal(k.body(x), &copies[i]); err != nil {
			panic("org: " + err.Error()) // it was read from JSON
		}
		*k.stamp(&copies[i]) = *k.stamp(x)
	}
	k.set(to, lent)
}

func (k *classOf[T]) body(x *T) []byte {
	body, err := json.Marshal(x)
	if err != nil {
		panic("org: " + err.Error()) // texts, numbers, lists and maps of these always encode
	}
	return body
}

func (k *classOf[T]) equal(x, y *T) bool {
	if k.same != nil {
		return k.same(x, y)
	}
	return string(k.body(x)) == string(k.body(y))
}

func (k *classOf[T]) write(tx *sqldb.Tx, before, after *Configuration, now int64) (changed, inPlace bool, err error) {
	old, list := k.get(before), k.get(after)
	inPlace = len(old) == len(list)
	var byGUID map[guid.GUID]*T
	for i, x := range list {
		id := k.id(x)
		var was *T
		if i < len(old) && byGUID == nil && *k.id(old[i]) == *id {
			was = old[i]
		} else {
			// Objects came, went or changed places: from here on each is found by its GUID.
			if inPlace = false; byGUID == nil {
				byGUID = make(map[guid.GUID]*T, len(old))
				for _, o := range old[min(i, len(old)):] {
					byGUID[*k.id(o)] = o
				}
			}
			was = byGUID[*id]
			delete(byGUID, *id)
		}
		if was == x || was != nil && k.equal(was, x) {
			continue
		}
		if id.IsNil() {
			*id = guid.New()
		}
		name, stamp := k.label(x), k.stamp(x)
		stamp.WhenChanged = fromMicros(now)
		if was == nil {
			stamp.WhenCreated = fromMicros(now)
			_, err = tx.Exec("INSERT INTO config (class, guid, name, body, created, changed) VALUES ($1, $2, $3, $4, $5, $6)",
				k.name, id.String(), asciiLower(name), string(k.body(x)), now, now)
		} else {
			inPlace = inPlace && k.label(was) == name
			_, err = tx.Exec("UPDATE config SET name = $1, body = $2, changed = $3 WHERE class = $4 AND guid = $5",
				asciiLower(name), string(k.body(x)), now, k.name, id.String())
		}
		if sqldb.IsUnique(err) {
			return false, false, fmt.Errorf("%s %q: %w", k.name, name, ErrExists)
		}
		if err != nil {
			return false, false, fmt.Errorf("write %s: %w", k.name, err)
		}
		changed = true
	}
	if byGUID == nil {
		for _, o := range old[min(len(list), len(old)):] {
			if err := k.remove(tx, o); err != nil {
				return false, false, err
			}
			changed = true
		}
	}
	for _, o := range byGUID {
		if err := k.remove(tx, o); err != nil {
			return false, false, err
		}
		changed = true
	}
	return changed, inPlace, nil
}

func (k *classOf[T]) remove(tx *sqldb.Tx, x *T) error {
	if _, err := tx.Exec("DELETE FROM config WHERE class = $1 AND guid = $2", k.name, k.id(x).String()); err != nil {
		return fmt.Errorf("remove %s: %w", k.name, err)
	}
	return nil
}

func (s *ClientAccessService) clone() {
	s.AutoDiscoverSiteScope = slices.Clone(s.AutoDiscoverSiteScope)
}

func (s *ClientAccessService) same(o *ClientAccessService) bool {
	return s.GUID == o.GUID && s.Server == o.Server && s.AutoDiscoverServiceInternalURI == o.AutoDiscoverServiceInternalURI &&
		slices.Equal(s.AutoDiscoverSiteScope, o.AutoDiscoverSiteScope)
}

func (c *Certificate) clone() {
	c.Services = slices.Clone(c.Services)
}

func (c *Certificate) same(o *Certificate) bool {
	return c.GUID == o.GUID && c.Server == o.Server && c.Thumbprint == o.Thumbprint && c.FriendlyName == o.FriendlyName &&
		slices.Equal(c.Services, o.Services) && slices.Equal(c.DER, o.DER)
}
