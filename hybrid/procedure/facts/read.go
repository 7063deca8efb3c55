package facts

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"hma/client/graph"
	"hma/hybrid/target"
	"hma/wire/guid"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

// The names under which Files is asked for a firewall export and for request records.
const (
	FirewallFile = "firewall"
	RecordsFile  = target.RecordsFile
)

// Read reads the facts of a target. It fails only when ctx ends: what could not
// be read stands in Facts.Unread.
func Read(ctx context.Context, t target.Target) (*Facts, error) {
	r := &reader{ctx: ctx, t: t, f: &Facts{Unreachable: map[string]string{}, Published: map[string][]string{}}}
	r.servers()
	r.directories()
	r.services()
	r.authServers()
	r.organization()
	r.trust()
	r.tenants()
	r.people()
	r.metadata()
	r.f.Firewall = r.file(SourceFirewall, FirewallFile)
	r.f.Records = r.records()
	r.f.Collected = t.Collected
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return r.f, nil
}

type reader struct {
	ctx context.Context
	t   target.Target
	f   *Facts
	// cloud are the users of each tenant that could be read.
	cloud []cloudUsers
}

func (r *reader) unread(s Source, object string, err error) {
	r.f.Unread = append(r.f.Unread, Unread{Source: s, Object: object, Problem: err.Error()})
}

// file returns a file that somebody gave, nil when nobody did.
func (r *reader) file(s Source, name string) []byte {
	if r.t.Files == nil {
		return nil
	}
	text, err := r.t.Files.ReadFile(r.ctx, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.unread(s, name, err)
	}
	return text
}

// get runs a Get cmdlet and notes a failure under the source.
func (r *reader) get(s Source, cmdlet string, params ...psobject.Property) []psobject.Object {
	if r.t.Cmdlets == nil {
		r.unread(s, cmdlet, target.ErrNoFace)
		return nil
	}
	res, err := r.t.Cmdlets.Invoke(r.ctx, psobject.Invocation{Cmdlet: cmdlet, Parameters: params})
	if err != nil {
		r.unread(s, cmdlet, err)
		return nil
	}
	return res.Output
}

// flag returns a Boolean property; one that the object does not show is unread, not False.
func (r *reader) flag(s Source, o *psobject.Object, name string) bool {
	v, _ := o.Get(name)
	b, ok := v.(bool)
	if !ok {
		r.unread(s, o.String("Name"), errors.New(name+" is not shown"))
	}
	return b
}

func (r *reader) servers() {
	for _, o := range r.get(SourceServers, "Get-ExchangeServer") {
		s := Server{Name: o.String("Name"), FQDN: o.String("Fqdn"), Proxy: o.String("InternetWebProxy")}
		build, ok := ParseBuild(o.String("AdminDisplayVersion"))
		if !ok {
			r.unread(SourceServers, s.Name, errors.New("AdminDisplayVersion is not a build number"))
		}
		s.Build = build
		r.f.Servers = append(r.f.Servers, s)
	}
	slices.SortFunc(r.f.Servers, func(a, b Server) int { return cmp.Compare(a.Name, b.Name) })
	for _, s := range r.f.Servers {
		for _, o := range r.get(SourceCertificates, "Get-ExchangeCertificate", psobject.Property{Name: "Server", Value: s.Name}) {
			c := Certificate{Server: s.Name, Thumbprint: strings.ToUpper(o.String("Thumbprint")), Status: o.String("Status")}
			before, _ := o.Get("NotBefore")
			after, _ := o.Get("NotAfter")
			c.NotBefore, _ = before.(time.Time)
			c.NotAfter, _ = after.(time.Time)
			r.f.Certificates = append(r.f.Certificates, c)
		}
	}
}

func methods(o *psobject.Object) Methods {
	return Methods{
		IIS: o.Strings("IISAuthenticationMethods"), Internal: o.Strings("InternalAuthenticationMethods"), External: o.Strings("ExternalAuthenticationMethods"),
		OAuth: o.Bool("OAuthAuthentication"), Basic: o.Bool("BasicAuthentication") || o.Bool("BasicAuthEnabled"), Digest: o.Bool("DigestAuthentication"),
		Windows: o.Bool("WindowsAuthentication") || o.Bool("WindowsAuthEnabled"), Forms: o.Bool("FormsAuthentication"), Adfs: o.Bool("AdfsAuthentication"),
	}
}

// switched sets the switches by the list: -ADPropertiesOnly shows every switch
// False, because switches are IIS's, and keeps the truth in the list.
func switched(m Methods) Methods {
	for property, on := range map[string]*bool{"OAuthAuthentication": &m.OAuth, "BasicAuthentication": &m.Basic, "DigestAuthentication": &m.Digest,
		"WindowsAuthentication": &m.Windows, "FormsAuthentication": &m.Forms, "AdfsAuthentication": &m.Adfs} {
		*on, _ = Listed(property, m.Internal)
	}
	return m
}

// methodOf are the words of InternalAuthenticationMethods for the switches of the
// virtual directories that have switches.
var methodOf = map[string]string{"OAuthAuthentication": "OAuth", "BasicAuthentication": "Basic", "DigestAuthentication": "Digest",
	"WindowsAuthentication": "WindowsIntegrated", "FormsAuthentication": "Fba", "AdfsAuthentication": "Adfs"}

// Listed tells whether the method of a switch is in the list of methods that the
// directory holds; ok is false when the property is no such switch.
func Listed(property string, methods []string) (on, ok bool) {
	method, ok := methodOf[property]
	return ok && contains(methods, method), ok
}

func (r *reader) directories() {
	for _, kind := range Kinds {
		noun := "Get-" + string(kind) + "VirtualDirectory"
		ad := r.get(SourceDirectories, noun, psobject.Property{Name: "ADPropertiesOnly", Value: true})
		live := r.get(SourceDirectories, noun)
		running := map[string]*psobject.Object{}
		for i := range live {
			running[strings.ToLower(live[i].String("Identity"))] = &live[i]
		}
		for i := range ad {
			o := &ad[i]
			d := Directory{Server: o.String("Server"), Kind: kind, Identity: o.String("Identity"),
				InternalURL: o.String("InternalUrl"), ExternalURL: o.String("ExternalUrl"), AD: methods(o),
				ExternalDownload: o.String("ExternalDownloadHostName"), InternalDownload: o.String("InternalDownloadHostName")}
			if now := running[strings.ToLower(d.Identity)]; now != nil {
				d.Live, d.ClientCertificate = methods(now), now.String("ClientCertAuth")
			} else {
				r.unread(SourceDirectories, d.Identity, errors.New("the server does not say what it runs"))
			}
			if kind != Mapi && kind != ActiveSync {
				d.AD = switched(d.AD)
			}
			r.f.Directories = append(r.f.Directories, d)
		}
	}
	order := func(k Kind) int { return slices.Index(Kinds, k) }
	slices.SortStableFunc(r.f.Directories, func(a, b Directory) int {
		return cmp.Or(cmp.Compare(a.Server, b.Server), cmp.Compare(order(a.Kind), order(b.Kind)))
	})
}

func (r *reader) services() {
	for _, o := range r.get(SourceServices, "Get-ClientAccessService") {
		r.f.Services = append(r.f.Services, Service{o.String("Name"), o.String("AutoDiscoverServiceInternalUri")})
	}
	slices.SortFunc(r.f.Services, func(a, b Service) int { return cmp.Compare(a.Server, b.Server) })
}

func (r *reader) authServers() {
	for _, o := range r.get(SourceAuthServers, "Get-AuthServer") {
		certificates := o.Strings("CertificateStrings")
		r.f.AuthServers = append(r.f.AuthServers, AuthServer{
			Name: o.String("Name"), Type: o.String("Type"), Realm: o.String("Realm"), IssuerIdentifier: o.String("IssuerIdentifier"),
			AuthorizationEndpoint: o.String("AuthorizationEndpoint"), AuthMetadataURL: o.String("AuthMetadataUrl"), DomainName: o.Strings("DomainName"),
			Enabled: o.Bool("Enabled"), IsDefaultAuthorizationEndpoint: o.Bool("IsDefaultAuthorizationEndpoint"), HasKeys: len(certificates) > 0,
			Keys: thumbprints(certificates), ApplicationIdentifier: o.String("ApplicationIdentifier"),
		})
	}
	slices.SortFunc(r.f.AuthServers, func(a, b AuthServer) int { return cmp.Compare(a.Name, b.Name) })
	for _, o := range r.get(SourceAuthConfig, "Get-AuthConfig") {
		r.f.Auth = AuthConfig{CurrentThumbprint: strings.ToUpper(o.String("CurrentCertificateThumbprint")), ServiceName: o.String("ServiceName"),
			NextThumbprint: strings.ToUpper(o.String("NextCertificateThumbprint"))}
		effective, _ := o.Get("NextCertificateEffectiveDate")
		r.f.Auth.NextEffective, _ = effective.(time.Time)
	}
}

func (r *reader) organization() {
	for _, o := range r.get(SourceOrganization, "Get-OrganizationConfig") {
		r.f.Organization = Organization{o.String("Name"), r.flag(SourceOrganization, &o, "OAuth2ClientProfileEnabled"),
			r.flag(SourceOrganization, &o, "MapiHttpEnabled"), o.String("DefaultAuthenticationPolicy"), o.Bool("EnableDownloadDomains")}
	}
	for _, o := range r.get(SourcePolicies, "Get-AuthenticationPolicy") {
		p := Policy{Name: o.String("Name")}
		for _, prop := range o.Properties {
			if prop.Value != true {
				continue
			}
			if protocol, ok := strings.CutPrefix(prop.Name, "BlockModernAuth"); ok {
				p.BlockModern = append(p.BlockModern, protocol)
			}
			if protocol, ok := strings.CutPrefix(prop.Name, "BlockLegacyAuth"); ok {
				p.BlockLegacy = append(p.BlockLegacy, protocol)
			}
		}
		r.f.Policies = append(r.f.Policies, p)
	}
	slices.SortFunc(r.f.Policies, func(a, b Policy) int { return cmp.Compare(a.Name, b.Name) })
}

func (r *reader) tenants() {
	if len(r.t.Tenants) == 0 {
		for _, s := range []Source{SourcePrincipal, SourceTenant, SourceUsers} {
			r.unread(s, "Graph", target.ErrNoFace)
		}
	}
	for _, t := range r.t.Tenants {
		read := Tenant{Name: t.Name}
		var err error
		if read.Principal, err = t.Graph.ServicePrincipal(r.ctx, wellknown.Exchange); err != nil {
			r.unread(SourcePrincipal, t.Name, err)
		}
		if read.Organization, err = t.Graph.Organization(r.ctx); err != nil {
			r.unread(SourceTenant, t.Name, err)
		}
		users, err := t.Graph.Users(r.ctx)
		if err != nil {
			r.unread(SourceUsers, t.Name, err)
		}
		r.cloud = append(r.cloud, index(t.Name, users))
		r.application(t, &read)
		r.holders(t, &read)
		r.consent(t, &read)
		r.f.Tenants = append(r.f.Tenants, read)
	}
}

func (r *reader) metadata() {
	for _, a := range r.f.AuthServers {
		if !a.Enabled || !a.EvoSTS() {
			continue
		}
		document, err := r.t.Document(r.ctx, a.AuthMetadataURL)
		if errors.Is(err, target.ErrNoFace) {
			r.f.Unread = append(r.f.Unread, Unread{SourceMetadata, a.AuthMetadataURL, err.Error(), true})
			continue
		}
		if err == nil {
			r.f.Published[a.Name], err = signingKeys(document)
		}
		if err != nil {
			r.f.Unreachable[a.Name] = err.Error()
		}
	}
}

// organizationManagement is the role group whose members may run every cmdlet.
const organizationManagement = "Organization Management"

// everybody lifts the limit of 1,000 that cmdlets for people have.
var everybody = psobject.Property{Name: "ResultSize", Value: "Unlimited"}

func (r *reader) people() {
	admins := map[string]bool{}
	for _, o := range r.get(SourceRoles, "Get-RoleGroupMember", psobject.Property{Name: "Identity", Value: organizationManagement}, everybody) {
		for _, key := range []string{"Guid", "Identity", "SamAccountName", "Name"} {
			if v := o.String(key); v != "" {
				admins[key+":"+strings.ToLower(v)] = true
				break // the surest that is shown: two people may share a name
			}
		}
	}
	mailboxes := byGUID(r.get(SourceMailboxes, "Get-Mailbox", everybody))
	protocols := byGUID(r.get(SourceProtocols, "Get-CASMailbox", everybody))
	for _, o := range r.get(SourcePeople, "Get-User", everybody) {
		p := Person{Name: cmp.Or(o.String("DisplayName"), o.String("Name")), Account: o.String("SamAccountName"), UPN: o.String("UserPrincipalName"), SID: o.String("Sid")}
		id := o.String("Guid")
		for _, key := range []string{"Guid", "Identity", "Name", "SamAccountName"} {
			if v := o.String(key); v != "" && admins[key+":"+strings.ToLower(v)] {
				p.Administrator = true
			}
		}
		kind := o.String("RecipientTypeDetails")
		if kind == "User" && !p.Administrator {
			continue // has no mailbox and administers nothing: OWA, ECP and mail are not his
		}
		if m := mailboxes[strings.ToLower(id)]; m != nil {
			kind = cmp.Or(kind, m.String("RecipientTypeDetails"))
			p.mailbox(m)
		}
		p.Linked = p.Linked || kind == "LinkedMailbox"
		if strings.Contains(o.String("UserAccountControl"), "AccountDisabled") && !p.Linked {
			continue // nobody's; a linked mailbox's account is disabled, and its owner another forest's
		}
		if p.Linked {
			p.SID = o.String("MasterAccountSid") // the owner's, where it is shown
		}
		p.Policy = o.String("AuthenticationPolicy")
		if m := protocols[strings.ToLower(id)]; m != nil {
			on, set := m.Get("MapiHttpEnabled")
			p.NoMapiHTTP = set && on == false
		}
		p.Critical = o.Bool("IsCriticalSystemObject") || wellKnownRID(p.SID)
		r.tie(&p, id)
		r.f.People = append(r.f.People, p)
	}
	slices.SortFunc(r.f.People, func(a, b Person) int {
		if a.Administrator != b.Administrator {
			if a.Administrator {
				return -1
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.UPN, b.UPN), cmp.Compare(a.Account, b.Account))
	})
}

// wellKnownRID tells whether a SID ends with a relative id of the directory's own
// accounts: 500 Administrator, 501 Guest, 502 krbtgt (MS-DTYP 2.4.2.4). Their
// isCriticalSystemObject is True, so synchronisation leaves them out.
func wellKnownRID(sid string) bool {
	return strings.HasPrefix(sid, "S-1-5-21-") && (strings.HasSuffix(sid, "-500") || strings.HasSuffix(sid, "-501") || strings.HasSuffix(sid, "-502"))
}

// cloudUsers are the people of one tenant.
type cloudUsers struct {
	tenant                    string
	bySID, byImmutable, byUPN map[string]*graph.User
}

func index(tenant string, users []graph.User) cloudUsers {
	c := cloudUsers{tenant, map[string]*graph.User{}, map[string]*graph.User{}, map[string]*graph.User{}}
	for i := range users {
		u := &users[i]
		if u.OnPremisesSecurityIdentifier != "" {
			c.bySID[strings.ToUpper(u.OnPremisesSecurityIdentifier)] = u
		}
		if u.OnPremisesImmutableID != "" {
			c.byImmutable[u.OnPremisesImmutableID] = u
		}
		c.byUPN[strings.ToLower(u.UserPrincipalName)] = u
	}
	return c
}

// find returns the person's account in the tenant: by SID, by immutable id (base64
// of the object GUID in its little-endian form, the source anchor), by UPN.
// namesake: it has the name and comes from another account.
func (c *cloudUsers) find(p *Person, id string) (u *graph.User, namesake bool) {
	if p.SID != "" {
		u = c.bySID[strings.ToUpper(p.SID)]
	}
	if g, err := guid.Parse(id); u == nil && err == nil {
		le := g.BytesLE()
		u = c.byImmutable[base64.StdEncoding.EncodeToString(le[:])]
	}
	if u == nil && p.UPN != "" {
		u = c.byUPN[strings.ToLower(p.UPN)]
		// Its tokens would carry the SID of the account that it does come from.
		namesake = u != nil && u.OnPremisesSecurityIdentifier != "" && p.SID != ""
	}
	return u, namesake
}

// tie finds the person's cloud account, in the first tenant that has one which may sign in.
func (r *reader) tie(p *Person, id string) {
	var u *graph.User
	var namesake bool
	for i := range r.cloud {
		found, other := r.cloud[i].find(p, id)
		if found == nil || u != nil && (other || !found.OnPremisesSyncEnabled || !found.AccountEnabled) {
			continue
		}
		u, namesake, p.Tenant = found, other, r.cloud[i].tenant
		if !other && u.OnPremisesSyncEnabled && u.AccountEnabled {
			break
		}
	}
	switch {
	case u == nil && p.Critical:
		p.Problem = "has no account in the tenant; isCriticalSystemObject keeps it out of synchronisation"
	case u == nil:
		p.Problem = "has no account in the tenant"
	case !u.OnPremisesSyncEnabled || namesake:
		p.Cloud, p.Problem = u.UserPrincipalName, "the account of that name in the tenant is not synchronised from this one"
	case !u.AccountEnabled:
		p.Cloud, p.Problem = u.UserPrincipalName, "the account in the tenant is disabled"
	default:
		p.Cloud, p.Synced = u.UserPrincipalName, true
	}
	if u != nil {
		p.CloudID = u.ID
	}
}
