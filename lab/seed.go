package lab

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"hma/entra"
	"hma/exchange/org"
	"hma/internal/roles"
	"hma/internal/sealed"
	"hma/wire/guid"
	"hma/wire/wellknown"
)

// secrets are what the first start made up and later starts write into
// endpoints.json again. They lie sealed in the data directory.
type secrets struct {
	Tenant  guid.GUID   `json:"tenant"`
	Others  []guid.GUID `json:"tenants,omitempty"` // the tenants after the first one
	Users   []User      `json:"users"`
	Clients []Client    `json:"clients"`
}

// tenant returns the id of the i-th tenant.
func (s *secrets) tenant(i int) guid.GUID {
	if i == 0 {
		return s.Tenant
	}
	return s.Others[i-1]
}

const (
	secretsFile    = "lab.secrets"
	secretsPurpose = "lab secrets"
)

// The lab's own clients.
const (
	labClient     = "4d6bb1f0-0f4e-4d0b-9a39-6b1f4f3f7a01"
	serviceClient = "4d6bb1f0-0f4e-4d0b-9a39-6b1f4f3f7a02"
	webClient     = "4d6bb1f0-0f4e-4d0b-9a39-6b1f4f3f7a03"
)

func newSecrets(t *topology, of *snapshot) (*secrets, error) {
	s := &secrets{}
	for i, tenant := range t.inHybrid() {
		id := guid.New()
		if tenant.id != "" {
			var err error
			if id, err = guid.Parse(tenant.id); err != nil {
				return nil, fmt.Errorf("%w: the id of tenant %s: %w", ErrSnapshot, tenant.initial, err)
			}
		}
		if i == 0 {
			s.Tenant = id
		} else {
			s.Others = append(s.Others, id)
		}
	}
	if of != nil {
		s.Users = of.users(newPassword())
	}
	for _, p := range t.people() {
		role, home := "user", ""
		if p.admin {
			role = "admin"
		}
		if p.tenant > 0 {
			home = tenants[p.tenant].initial
		}
		s.Users = append(s.Users, User{UPN: p.upn(), Name: p.name, Password: newPassword(), Synced: !p.builtin, Role: role, Tenant: home})
	}
	s.Clients = []Client{
		{Name: "HMA lab client", ID: labClient, Redirect: "http://localhost"},
		{Name: "HMA lab service", ID: serviceClient, Secret: entra.NewSecret(), Redirect: "https://localhost/service"},
		{Name: "HMA lab web application", ID: webClient, Secret: entra.NewSecret(), Redirect: "http://localhost"},
	}
	return s, nil
}

// newPassword makes one of four kinds of characters and 60 random bits: it passes any policy and reads well.
func newPassword() string { return "Lab-" + rand.Text()[:12] + "1" }

// loadSecrets reads the secrets, or makes them for a first start, which may be that of a snapshot's organisation.
func (d *dir) loadSecrets(key *sealed.Key, t *topology, of *snapshot) (*secrets, error) {
	box, err := os.ReadFile(d.file(secretsFile))
	if errors.Is(err, fs.ErrNotExist) {
		s, err := newSecrets(t, of)
		if err != nil {
			return nil, err
		}
		plain, err := json.Marshal(s)
		if err != nil {
			return nil, err
		}
		return s, d.replace(secretsFile, key.Seal(secretsPurpose, plain))
	}
	if err != nil {
		return nil, fmt.Errorf("read the lab's secrets: %w", err)
	}
	plain, err := key.Open(secretsPurpose, box)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", d.file(secretsFile), err)
	}
	s := new(secrets)
	if err := json.Unmarshal(plain, s); err != nil {
		return nil, fmt.Errorf("read %s: %w", d.file(secretsFile), err)
	}
	return s, nil
}

// build is the organisation that the lab becomes at its first start.
type build struct {
	topology
	now     time.Time
	healthy bool
	origin  string            // of the cloud
	hosts   map[string]string // server name -> localhost:port
	secrets *secrets
	// messages is how many the mailboxes get in all.
	messages int
	roles    *roles.Roles
	roots    *x509.CertPool // by which the cloud is trusted

	entra *entra.Directory
	org   *org.Organization
	// accounts are the people's in the account forest, where there is one.
	accounts []account
	// snapshot is the organisation to be made instead of contoso.com, nil for that one, and keyed are its AuthServers
	// that had signing keys.
	snapshot *snapshot
	keyed    []string
}

// run makes both halves. What takes time (keys, password hashes) runs side by side.
func (b *build) run(ctx context.Context) error {
	b.entra, b.org = b.roles.Entra, b.roles.Org
	if b.snapshot != nil {
		return b.load(ctx)
	}
	recipients, err := b.onPremises(ctx)
	if err != nil {
		return err
	}
	if err := b.shared(ctx, recipients); err != nil {
		return err
	}
	objects, err := b.cloud(ctx, recipients)
	if err != nil {
		return err
	}
	// Synchronisation ties the person on premises to the cloud account.
	for i, r := range recipients {
		if objects[i] == "" {
			continue
		}
		if _, err := b.org.UpdateRecipient(ctx, r.GUID, func(r *org.Recipient) error {
			r.ImmutableID, r.ObjectID = b.anchor(i, r), objects[i]
			return nil
		}); err != nil {
			return err
		}
	}
	if !b.Bare {
		if err := b.wizard(ctx); err != nil {
			return err
		}
	}
	return b.mail(ctx, recipients)
}

// onPremises makes the servers, their virtual directories and the people, as a
// fresh Exchange 2019 has them before the Hybrid Configuration Wizard.
func (b *build) onPremises(ctx context.Context) ([]*org.Recipient, error) {
	if err := b.org.CreateOrganization(ctx, org.NewOrganization{Name: "Contoso", Domain: domain}); err != nil {
		return nil, err
	}
	for _, other := range b.inHybrid()[1:] {
		if err := b.org.CreateAcceptedDomain(ctx, other.domain); err != nil {
			return nil, err
		}
	}
	for _, s := range b.servers() {
		version, err := org.ParseVersion(s.Build)
		if err != nil {
			return nil, err
		}
		if err := b.org.CreateServer(ctx, org.NewServer{Name: s.Name, FQDN: strings.ToLower(s.Name) + "." + domain,
			Version: version, InternalHost: b.internalHost(s.Name), ExternalHost: mailHost, AutodiscoverHost: discoverHost}); err != nil {
			return nil, err
		}
	}
	_, _, err := b.org.Change(ctx, func(c *org.Configuration) error {
		servers := b.servers()
		for _, vd := range c.VirtualDirectories {
			if vd.Kind == org.Oab {
				// A planted fault: one virtual directory of one server was forgotten.
				vd.OAuthAuthentication = b.healthy || vd.Server != servers[len(servers)-1].Name
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	people := b.people()
	recipients := make([]*org.Recipient, len(people))
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		_, err := b.org.CreateOAuthCertificate(ctx, b.now.Add(-time.Hour), b.now.AddDate(5, 0, 0))
		return err
	})
	for i, p := range people {
		r := org.NewRecipient(p.upn(), p.name)
		r.GivenName, r.Surname = p.given, p.surname
		r.Administrator, r.CriticalSystemObject = p.admin, p.builtin
		r.HiddenFromAddressLists = p.builtin
		if b.Forest && !p.builtin {
			// The account here is there for the mailbox alone; its owner is another forest's.
			r.Enabled, r.LinkedMasterAccount, r.MasterAccountSID = false, accountForestNetBIOS+`\`+p.alias, b.account(i).sid
		}
		if recipients[i], err = b.org.CreateRecipient(ctx, r); err != nil {
			return nil, errors.Join(err, work.Wait())
		}
		work.Go(func() error { return b.org.SetPassword(ctx, recipients[i].GUID, b.secrets.Users[i].Password) })
	}
	return recipients, work.Wait()
}

// shared makes the mailboxes that are nobody's, and the groups. They have no part in signing in, and so no account in the cloud.
func (b *build) shared(ctx context.Context, recipients []*org.Recipient) error {
	byAlias := map[string]guid.GUID{}
	for _, r := range recipients {
		byAlias[r.Alias] = r.GUID
	}
	for _, m := range shared {
		r := org.NewMailbox(m.kind, m.alias+"@"+domain, m.name)
		if m.kind.Resource() {
			r.Resource.Capacity = m.capacity
		}
		byAlias[m.alias] = r.GUID
		if _, err := b.org.CreateRecipient(ctx, r); err != nil {
			return err
		}
	}
	for _, g := range groups {
		made, err := b.org.CreateRecipient(ctx, org.NewGroup(g.kind, g.alias+"@"+domain, g.name))
		if err != nil {
			return err
		}
		var members []guid.GUID
		for _, alias := range g.members {
			members = append(members, byAlias[alias])
		}
		if _, err := b.org.ChangeMembers(ctx, made.GUID, members, nil); err != nil {
			return err
		}
	}
	return nil
}

// cloud makes the tenants as synchronisation leaves them, with the names that the
// administrator has registered, and returns the object id of each recipient, "" for
// the one that is never synchronised.
func (b *build) cloud(ctx context.Context, recipients []*org.Recipient) ([]string, error) {
	var names []string
	for _, host := range b.discoverHosts()[1:] {
		names = append(names, "https://"+host+"/")
	}
	if !b.PublicNames {
		for _, s := range b.servers() {
			names = append(names, "https://"+b.hosts[s.Name]+"/")
		}
	}
	// Under this name servers find the cloud's own end of Exchange Online.
	names = append(names, wellknown.Exchange+"/"+strings.TrimPrefix(b.origin, "https://"))
	if b.healthy {
		// Without it the name is the first planted fault.
		names = append([]string{"https://" + discoverHost + "/"}, names...)
	}
	for i, t := range b.inHybrid() {
		id, err := b.entra.CreateTenant(ctx, entra.NewTenant{ID: b.secrets.tenant(i).String(), DisplayName: t.name,
			Initial: t.initial, Domains: []string{t.domain}, SyncEnabled: true})
		if err != nil {
			return nil, err
		}
		if err := b.entra.SeedExchange(ctx, id, names, nil); err != nil {
			return nil, err
		}
		if err := b.entra.SeedGraph(ctx, id, b.origin, b.origin+"/"); err != nil {
			return nil, err
		}
		if err := b.entra.SeedWellKnownClients(ctx, id); err != nil {
			return nil, err
		}
		if err := b.clients(ctx, id); err != nil {
			return nil, err
		}
	}
	objects := make([]string, len(recipients))
	for i, p := range b.people() {
		if p.builtin {
			continue
		}
		var err error
		if objects[i], err = b.synchronise(ctx, i, p, recipients[i]); err != nil {
			return nil, err
		}
	}
	for i := range b.inHybrid() {
		if err := b.entra.RecordSync(ctx, b.secrets.tenant(i).String(), b.now); err != nil {
			return nil, err
		}
	}
	return objects, nil
}

// synchronise makes the i-th person's cloud account of the one on premises, and returns its object id.
func (b *build) synchronise(ctx context.Context, i int, p member, r *org.Recipient) (string, error) {
	pph1, _, err := b.org.PasswordHash(ctx, r.GUID)
	if err != nil {
		return "", err
	}
	u := entra.User{Tenant: b.secrets.tenant(p.tenant).String(), UPN: r.UPN, DisplayName: r.DisplayName, GivenName: r.GivenName, Surname: r.Surname,
		Mail: r.PrimarySMTP, MailNickname: r.Alias, Enabled: true,
		ImmutableID: b.anchor(i, r), OnPremSID: r.SID, OnPremAccount: r.SAMAccount, OnPremDomain: domain, OnPremUPN: r.UPN,
		SyncEnabled: true, LastSync: b.now}
	if b.Forest {
		u.OnPremSID, u.OnPremDomain = r.MasterAccountSID, accountForest
	}
	for _, address := range r.Addresses {
		prefix := "smtp:"
		if address == r.PrimarySMTP {
			prefix = "SMTP:"
		}
		u.ProxyAddresses = append(u.ProxyAddresses, prefix+address)
	}
	if p.admin {
		u.Roles = []string{entra.RoleGlobalAdministrator}
	}
	return b.entra.CreateUser(ctx, u, entra.Secret{PPH1: pph1})
}

// clients registers the lab's own applications: a public one for everything, one
// that acts for itself, and a confidential one that signs people in.
func (b *build) clients(ctx context.Context, tenant string) error {
	exchange := []string{"user_impersonation", "EAS.AccessAsUser.All", "EWS.AccessAsUser.All", "MapiHttp.AccessAsUser.All", "Oab.AccessAsUser.All", "AdminApi.AccessAsUser.All"}
	graph := []string{"Application.ReadWrite.All", "Directory.Read.All", "User.Read.All", "User.Read", "Organization.Read.All", "Domain.Read.All", "openid", "profile", "email", "offline_access"}
	for i, c := range b.secrets.Clients {
		kind := entra.Native
		if c.Secret != "" {
			kind = entra.Web
		}
		app := entra.Application{Tenant: tenant, AppID: c.ID, DisplayName: c.Name, Public: c.Secret == "",
			Redirects: []entra.Redirect{{URI: c.Redirect, Type: kind}}, RefreshWindow: entra.DefaultRefreshWindow}
		if i == 0 {
			app.Redirects = append(app.Redirects, entra.Redirect{URI: b.origin + "/common/oauth2/nativeclient", Type: entra.Native})
		}
		if _, err := b.entra.CreateApplication(ctx, app); err != nil {
			return err
		}
		if c.Secret != "" {
			if err := b.entra.SetSecret(ctx, tenant, c.ID, c.Secret, b.now.AddDate(2, 0, 0)); err != nil {
				return err
			}
		}
		if c.ID == serviceClient {
			// Reading the directory is all it may: it shows a token without a user.
			if err := b.entra.AssignRole(ctx, tenant, c.ID, wellknown.Graph, "Application.Read.All"); err != nil {
				return err
			}
			continue
		}
		if err := b.entra.Consent(ctx, tenant, c.ID, wellknown.Exchange, "", exchange...); err != nil {
			return err
		}
		if err := b.entra.Consent(ctx, tenant, c.ID, wellknown.Graph, "", graph...); err != nil {
			return err
		}
	}
	return nil
}

// internalHost is the host of a server's internal URLs.
func (b *build) internalHost(server string) string {
	if b.PublicNames {
		return mailHost
	}
	return b.hosts[server]
}

// account is a person's account in the account forest of a resource forest.
type account struct {
	id  guid.GUID
	sid string
}

// account returns that of the i-th person, which is made when it is first asked for.
func (b *build) account(i int) account {
	if b.accounts == nil {
		var parts [3]uint32
		binary.Read(rand.Reader, binary.LittleEndian, &parts) // crypto/rand does not fail
		for n := range b.people() {
			b.accounts = append(b.accounts, account{guid.New(), fmt.Sprintf("S-1-5-21-%d-%d-%d-%d", parts[0], parts[1], parts[2], 1105+n)})
		}
	}
	return b.accounts[i]
}

// anchor is the immutable id of the i-th person: made of the account that the person signs in
// with, which in a resource forest is another than the mailbox's.
func (b *build) anchor(i int, r *org.Recipient) string {
	if b.Forest {
		return (&org.Recipient{GUID: b.account(i).id}).SourceAnchor()
	}
	return r.SourceAnchor()
}
