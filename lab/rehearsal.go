package lab

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"

	"hma/client/graph"
	"hma/exchange/org"
	"hma/hybrid/target"
	"hma/wire/guid"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

// ErrSnapshot is a snapshot that no lab can be made of.
var ErrSnapshot = errors.New("nothing to rehearse on")

// maxRehearsed is how many servers a snapshot's organisation has at most.
const maxRehearsed = 100

// Rehearsal tells what became of the snapshot that a lab was loaded with.
type Rehearsal struct {
	Organization string `json:"organization"`
	Servers      int    `json:"servers"`
	Tenants      int    `json:"tenants"`
	People       int    `json:"people"`   // on premises
	Accounts     int    `json:"accounts"` // in the cloud
	// Collected says when the parts were.
	Collected []target.Collection `json:"collected"`
	// Replaced are values that the lab has others for, and LeftOut what it does not have at all.
	Replaced []Replaced `json:"replaced"`
	LeftOut  []LeftOut  `json:"left_out"`
}

// Replaced is a value of the snapshot that is another one in the lab. Was is "" where the snapshot has none.
type Replaced struct {
	Object   string `json:"object"`
	Property string `json:"property"`
	Was      string `json:"was,omitempty"`
	Is       string `json:"is"`
}

// LeftOut is something of the snapshot that the lab does not have.
type LeftOut struct {
	Object string `json:"object"`
	Why    string `json:"why"`
}

func (r *Rehearsal) replace(object, property, was, is string) {
	r.Replaced = append(r.Replaced, Replaced{object, property, was, is})
}

func (r *Rehearsal) leave(object, format string, args ...any) {
	r.LeftOut = append(r.LeftOut, LeftOut{object, fmt.Sprintf(format, args...)})
}

// rehearsed is what later starts must know of the organisation that a lab was loaded with.
type rehearsed struct {
	Domain  string           `json:"domain"` // the default accepted domain
	Tenants []TenantEndpoint `json:"tenants"`
	// Hosts are the names of the organisation's URLs with the server that answers under them.
	Hosts map[string]string `json:"hosts"`
}

// snapshot is the organisation that a snapshot holds, as it was read.
type snapshot struct {
	Rehearsal
	target  target.Target
	servers []psobject.Object
	domain  string   // the directory's
	domains []string // accepted ones, the default first
	hosts   map[string]string
	tenants []snapshotTenant
	people  []snapshotPerson
}

// snapshotTenant is one tenant with a Graph part.
type snapshotTenant struct {
	graph target.Graph
	graph.Organization
	users []graph.User
}

// snapshotPerson is somebody of the organisation with the account in the cloud, where there is one.
type snapshotPerson struct {
	org.Recipient
	policy string // by name
	linked bool   // the mailbox is shown as a linked one
	tenant int    // of the account, in snapshot.tenants
	cloud  *graph.User
}

// readSnapshot reads what the lab is to be made of. ErrSnapshot: the servers, the people or a tenant are missing, or
// are more than a lab can be.
func readSnapshot(ctx context.Context, t target.Target) (*snapshot, error) {
	s := &snapshot{target: t}
	s.Collected, s.Replaced, s.LeftOut = t.Collected, []Replaced{}, []LeftOut{}
	if t.Cmdlets == nil || len(t.Tenants) == 0 {
		return nil, fmt.Errorf("%w: a rehearsal needs both parts, of hma collect exchange and of hma collect graph", ErrSnapshot)
	}
	if err := s.readTenants(ctx); err != nil {
		return nil, err
	}
	if err := s.readServers(ctx); err != nil {
		return nil, err
	}
	s.readHosts(ctx)
	if err := s.readPeople(ctx); err != nil {
		return nil, err
	}
	if t.Files != nil {
		if _, err := t.Files.ReadFile(ctx, target.RecordsFile); err == nil {
			s.leave("request records", "a check of the files says who came with what; the lab's servers write their own")
		}
	}
	return s, ctx.Err()
}

// get runs a reading cmdlet of the snapshot. What is not in it is left out, and the answer is empty.
func (s *snapshot) get(ctx context.Context, cmdlet string, params ...psobject.Property) []psobject.Object {
	res, err := s.target.Cmdlets.Invoke(ctx, psobject.Invocation{Cmdlet: cmdlet, Parameters: params})
	if err != nil {
		s.leave(cmdlet, "%v", err)
	}
	return res.Output
}

func (s *snapshot) readTenants(ctx context.Context) error {
	for _, t := range s.target.Tenants {
		o, err := t.Graph.Organization(ctx)
		if err == nil && (o.InitialDomain() == "" || o.ID == "") {
			err = errors.New("has no id or no initial domain")
		}
		if slices.ContainsFunc(s.tenants, func(other snapshotTenant) bool { return strings.EqualFold(other.ID, o.ID) }) {
			err = errors.New("another part is of the same tenant")
		}
		if err != nil {
			s.leave("tenant "+t.Name, "%v", err)
			continue
		}
		users, err := t.Graph.Users(ctx)
		if err != nil {
			s.leave("people of "+t.Name, "%v", err)
		}
		s.tenants = append(s.tenants, snapshotTenant{t.Graph, o, users})
	}
	if len(s.tenants) == 0 {
		return fmt.Errorf("%w: no tenant could be read", ErrSnapshot)
	}
	s.Tenants = len(s.tenants)
	return nil
}

func (s *snapshot) readServers(ctx context.Context) error {
	res, err := s.target.Cmdlets.Invoke(ctx, psobject.Invocation{Cmdlet: "Get-ExchangeServer"})
	if err != nil {
		return fmt.Errorf("%w: Get-ExchangeServer: %w", ErrSnapshot, err)
	}
	for _, o := range res.Output {
		if name := o.String("Name"); !serverName.MatchString(name) {
			s.leave("server "+name, "its name is no server's name")
		} else if s.serverNamed(name) != "" {
			s.leave("server "+name, "another one has its name")
		} else if _, err := parseBuild(o.String("AdminDisplayVersion")); err != nil {
			s.leave("server "+name, "%v", err)
		} else {
			s.servers = append(s.servers, o)
		}
	}
	if s.Servers = len(s.servers); s.Servers == 0 || s.Servers > maxRehearsed {
		return fmt.Errorf("%w: %d servers; a lab has 1 to %d", ErrSnapshot, s.Servers, maxRehearsed)
	}
	for _, o := range s.get(ctx, "Get-AcceptedDomain") {
		if d := strings.ToLower(o.String("DomainName")); o.Bool("Default") {
			s.domains = append([]string{d}, s.domains...)
		} else {
			s.domains = append(s.domains, d)
		}
	}
	_, s.domain, _ = strings.Cut(strings.ToLower(s.servers[0].String("Fqdn")), ".")
	if s.domain == "" && len(s.domains) > 0 {
		s.domain = s.domains[0]
	}
	if s.domain == "" {
		return fmt.Errorf("%w: neither a server's FQDN nor an accepted domain names a domain", ErrSnapshot)
	}
	if len(s.domains) == 0 {
		s.domains = []string{s.domain}
	}
	return nil
}

var displayed = regexp.MustCompile(`^Version (\d+)\.(\d+) \(Build (\d+)\.(\d+)\)$`)

// parseBuild reads AdminDisplayVersion, Version 15.2 (Build 1544.11), as a build of Exchange Server 2013 or later.
func parseBuild(text string) (org.Version, error) {
	v, err := org.ParseVersion(displayed.ReplaceAllString(text, "$1.$2.$3.$4"))
	if err == nil && v[0] != 15 {
		err = fmt.Errorf("'%s' is no build of Exchange Server 2013 or later", text)
	}
	return v, err
}

var hostName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$`)

// readHosts finds the names under which servers are reached, and for each the first server that has it.
func (s *snapshot) readHosts(ctx context.Context) {
	s.hosts = map[string]string{}
	add := func(server, host string) {
		server, host = s.serverNamed(server), strings.ToLower(host)
		switch {
		case server == "" || host == "" || host == "localhost" || s.hosts[host] != "":
		case net.ParseIP(host) == nil && (!hostName.MatchString(host) || len(host) > 253):
			s.leave("host "+host, "is no name that a certificate can have")
		default:
			s.hosts[host] = server
		}
	}
	ofURL := func(server, text string) {
		if u, err := url.Parse(strings.TrimSpace(text)); err == nil {
			add(server, u.Hostname())
		}
	}
	for _, o := range s.get(ctx, "Get-ClientAccessService") {
		ofURL(o.String("Name"), o.String("AutoDiscoverServiceInternalUri"))
	}
	for _, kind := range kinds {
		for _, o := range s.directories(ctx, kind, true) {
			server := o.String("Server")
			ofURL(server, o.String("InternalUrl"))
			ofURL(server, o.String("ExternalUrl"))
			for _, download := range []string{"InternalDownloadHostName", "ExternalDownloadHostName"} {
				add(server, strings.TrimPrefix(o.String(download), "https://"))
			}
		}
	}
	for _, d := range s.domains {
		add(s.servers[0].String("Name"), "autodiscover."+d)
	}
}

// serverNamed returns the name of a server as it is written where the server is shown, "" of none.
func (s *snapshot) serverNamed(name string) string {
	for _, o := range s.servers {
		if strings.EqualFold(o.String("Name"), name) {
			return o.String("Name")
		}
	}
	return ""
}

// kinds are those that are collected.
var kinds = []org.Kind{org.Autodiscover, org.Mapi, org.WebServices, org.ActiveSync, org.Oab, org.Owa, org.Ecp}

// directories returns the virtual directories of a kind as the directory has them, or as the servers run them. What
// is not in the snapshot is said by load.
func (s *snapshot) directories(ctx context.Context, kind org.Kind, ad bool) []psobject.Object {
	call := psobject.Invocation{Cmdlet: "Get-" + string(kind) + "VirtualDirectory"}
	if ad {
		call.Parameters = []psobject.Property{{Name: "ADPropertiesOnly", Value: true}}
	}
	res, _ := s.target.Cmdlets.Invoke(ctx, call)
	return res.Output
}

// everybody lifts the limit of cmdlets for people.
var everybody = psobject.Property{Name: "ResultSize", Value: "Unlimited"}

func (s *snapshot) readPeople(ctx context.Context) error {
	res, err := s.target.Cmdlets.Invoke(ctx, psobject.Invocation{Cmdlet: "Get-User", Parameters: []psobject.Property{everybody}})
	if err != nil {
		return fmt.Errorf("%w: Get-User: %w", ErrSnapshot, err)
	}
	administrators := map[string]bool{}
	for _, o := range s.get(ctx, "Get-RoleGroupMember", psobject.Property{Name: "Identity", Value: "Organization Management"}, everybody) {
		administrators[cmp.Or(strings.ToLower(o.String("Guid")), o.String("Identity"))] = true
	}
	mailboxes := byGUID(s.get(ctx, "Get-Mailbox", everybody))
	protocols := byGUID(s.get(ctx, "Get-CASMailbox", everybody))
	cloud := s.accounts()
	masters := 0 // owners of linked mailboxes whose SID is not shown
	for _, o := range res.Output {
		id := strings.ToLower(o.String("Guid"))
		p := newPerson(&o, mailboxes[id])
		p.Administrator = administrators[id] || administrators[o.String("Identity")]
		if m := protocols[id]; m != nil {
			if on, set := m.Get("MapiHttpEnabled"); set {
				if on, ok := on.(bool); ok {
					p.MapiHTTPEnabled = &on
				}
			}
		}
		cloud.tie(&p)
		if p.linked {
			p.LinkedMasterAccount = linkedDomain + `\` + p.SAMAccount
			if p.MasterAccountSID == "" {
				masters++
				p.MasterAccountSID = fmt.Sprintf("S-1-5-21-0-0-0-%d", masters)
				if p.cloud != nil {
					p.MasterAccountSID = p.cloud.OnPremisesSecurityIdentifier
				}
			}
		}
		s.people = append(s.people, p)
	}
	if masters > 0 {
		s.replace(fmt.Sprintf("%d linked mailboxes", masters), "MasterAccountSid", "", "that of the account of the same name in the tenant, or a made-up one")
	}
	return nil
}

// linkedDomain stands for the NetBIOS name of the account forest, which is not collected.
const linkedDomain = "ACCOUNTS"

// newPerson makes a person of what Get-User shows and, where it is there, Get-Mailbox.
func newPerson(o, mailbox *psobject.Object) snapshotPerson {
	upn := o.String("UserPrincipalName")
	p := snapshotPerson{Recipient: org.NewRecipient(upn, cmp.Or(o.String("DisplayName"), o.String("Name"))), policy: o.String("AuthenticationPolicy")}
	if id, err := guid.Parse(o.String("Guid")); err == nil {
		p.GUID = id
	}
	p.SID, p.SAMAccount = o.String("Sid"), o.String("SamAccountName")
	p.Enabled = !strings.Contains(o.String("UserAccountControl"), "AccountDisabled")
	p.CriticalSystemObject = o.Bool("IsCriticalSystemObject")
	kind := o.String("RecipientTypeDetails")
	if !strings.HasSuffix(kind, "Mailbox") && mailbox == nil {
		p.MailboxGUID, p.PrimarySMTP, p.Addresses, p.HiddenFromAddressLists = guid.Nil, "", nil, true
		return p
	}
	if mailbox != nil {
		kind = cmp.Or(mailbox.String("RecipientTypeDetails"), kind)
		p.linked = mailbox.Bool("IsLinked")
		p.PrimarySMTP, p.Addresses = mailbox.String("PrimarySmtpAddress"), nil
		for _, a := range mailbox.Strings("EmailAddresses") {
			prefix, address, ok := strings.Cut(a, ":")
			if !ok {
				prefix, address = "smtp", a
			}
			if strings.EqualFold(prefix, "smtp") && address != "" {
				p.Addresses = append(p.Addresses, address)
			}
		}
		if local, _, ok := strings.Cut(p.PrimarySMTP, "@"); ok {
			p.Alias = local
		}
	}
	if p.linked = p.linked || kind == "LinkedMailbox"; p.linked {
		p.MasterAccountSID = o.String("MasterAccountSid")
	}
	// One whose account is on is somebody's to sign in as, whatever it is called.
	if t := org.RecipientType(kind); !p.Enabled && !p.linked && (t == org.TypeShared || t.Resource()) {
		p.SetType(t)
	}
	return p
}

// accounts are the people of all tenants by what ties them to somebody on premises.
type accounts struct {
	bySID, byAnchor, byName map[string]cloudAccount
}

type cloudAccount struct {
	tenant int
	user   *graph.User
}

func (s *snapshot) accounts() accounts {
	a := accounts{map[string]cloudAccount{}, map[string]cloudAccount{}, map[string]cloudAccount{}}
	for i := range s.tenants {
		for j := range s.tenants[i].users {
			u := &s.tenants[i].users[j]
			if !u.OnPremisesSyncEnabled {
				continue
			}
			if u.OnPremisesSecurityIdentifier != "" {
				a.bySID[strings.ToUpper(u.OnPremisesSecurityIdentifier)] = cloudAccount{i, u}
			}
			if u.OnPremisesImmutableID != "" {
				a.byAnchor[u.OnPremisesImmutableID] = cloudAccount{i, u}
			}
			a.byName[strings.ToLower(u.UserPrincipalName)] = cloudAccount{i, u}
		}
	}
	return a
}

// tie finds the account that synchronisation made of the person: by the SID of who signs in, or by the source anchor; of the
// owner of a linked mailbox whose SID is not shown, by the name.
func (a accounts) tie(p *snapshotPerson) {
	sid := p.SID
	if p.linked {
		sid = p.MasterAccountSID
	}
	found, ok := a.bySID[strings.ToUpper(sid)]
	if !ok {
		found, ok = a.byAnchor[p.SourceAnchor()]
	}
	if !ok && p.linked && sid == "" {
		found, ok = a.byName[strings.ToLower(p.UPN)]
	}
	if ok {
		p.cloud, p.tenant, p.ImmutableID, p.ObjectID = found.user, found.tenant, found.user.OnPremisesImmutableID, found.user.ID
	}
}

// byGUID returns objects by their Guid in small letters.
func byGUID(list []psobject.Object) map[string]*psobject.Object {
	by := make(map[string]*psobject.Object, len(list))
	for i := range list {
		by[strings.ToLower(list[i].String("Guid"))] = &list[i]
	}
	return by
}

// topology is what a lab of the snapshot is like.
func (s *snapshot) topology() topology {
	t := topology{Rehearsed: &rehearsed{Domain: s.domains[0], Hosts: s.hosts}}
	for _, o := range s.servers {
		build, _ := parseBuild(o.String("AdminDisplayVersion")) // was read before
		t.Builds = append(t.Builds, Server{o.String("Name"), build.String()})
	}
	for i := range s.tenants {
		t.Rehearsed.Tenants = append(t.Rehearsed.Tenants, TenantEndpoint{s.tenants[i].ID, s.tenants[i].InitialDomain()})
	}
	return t
}

// operator is the name of the lab's own account in a tenant where no administrator of the organisation is synchronised.
const operator = "hma-lab-operator"

// users are the people who can sign in, with the password that they all have: those whom a client would try first
// come first. A tenant without an administrator of its own gets the lab's operator.
func (s *snapshot) users(password string) []User {
	var all []User
	rank := map[string]int{}
	administered := map[int]bool{}
	for i := range s.people {
		p := &s.people[i]
		if !p.Active() || p.MailboxGUID.IsNil() && !p.Administrator {
			continue
		}
		u := User{UPN: p.UPN, Name: p.DisplayName, Password: password, Role: "user"}
		if p.Administrator {
			u.Role = "admin"
		}
		if p.cloud != nil && p.cloud.AccountEnabled {
			u.UPN, u.Synced = p.cloud.UserPrincipalName, true
			if p.tenant > 0 {
				u.Tenant = s.tenants[p.tenant].InitialDomain()
			}
			administered[p.tenant] = administered[p.tenant] || p.Administrator
		}
		switch {
		case !u.Synced:
			rank[u.UPN] = 2
		case p.policy != "" || !strings.EqualFold(u.UPN, p.PrimarySMTP):
			rank[u.UPN] = 1
		}
		all = append(all, u)
	}
	slices.SortStableFunc(all, func(a, b User) int { return cmp.Compare(rank[a.UPN], rank[b.UPN]) })
	for i := range s.tenants {
		if !administered[i] {
			u := User{UPN: operator + "@" + s.tenants[i].InitialDomain(), Name: "HMA lab operator", Password: password, Role: "operator"}
			if i > 0 {
				u.Tenant = s.tenants[i].InitialDomain()
			}
			all = append(all, u)
		}
	}
	return all
}

// holders are the service principals besides Exchange's that have a name of one of the organisation's hosts.
func (s *snapshot) holders(ctx context.Context, t *snapshotTenant) []graph.ServicePrincipal {
	var all []graph.ServicePrincipal
	for _, host := range slices.Sorted(maps.Keys(s.hosts)) {
		found, err := t.graph.NameHolders(ctx, "https://"+host+"/")
		if err != nil {
			s.leave("service principals of "+t.InitialDomain(), "%v", err)
			return nil
		}
		for _, sp := range found {
			if sp.AppID != wellknown.Exchange && !slices.ContainsFunc(all, func(other graph.ServicePrincipal) bool { return other.AppID == sp.AppID }) {
				all = append(all, sp)
			}
		}
	}
	return all
}

const rehearsalFile = "rehearsal.json"

// saveRehearsal keeps what was loaded for later starts.
func (d *dir) saveRehearsal(r *Rehearsal) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return d.replace(rehearsalFile, append(text, '\n'))
}

// rehearsal reads what saveRehearsal kept.
func (d *dir) rehearsal() (*Rehearsal, error) {
	text, err := os.ReadFile(d.file(rehearsalFile))
	if err != nil {
		return nil, fmt.Errorf("read what was loaded: %w", err)
	}
	r := new(Rehearsal)
	if err := json.Unmarshal(text, r); err != nil {
		return nil, fmt.Errorf("read %s: %w", d.file(rehearsalFile), err)
	}
	return r, nil
}
