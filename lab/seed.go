package lab

import (
	"context"
	"crypto/rand"
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
	Tenant  guid.GUID `json:"tenant"`
	Users   []User    `json:"users"`
	Clients []Client  `json:"clients"`
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

func newSecrets() *secrets {
	s := &secrets{Tenant: guid.New()}
	for _, p := range people {
		role := "user"
		if p.admin {
			role = "admin"
		}
		// Four kinds of characters and 60 random bits: it passes any policy and reads well.
		s.Users = append(s.Users, User{UPN: p.alias + "@" + domain, Name: p.name, Password: "Lab-" + rand.Text()[:12] + "1", Synced: !p.builtin, Role: role})
	}
	s.Clients = []Client{
		{Name: "HMA lab client", ID: labClient, Redirect: "http://localhost"},
		{Name: "HMA lab service", ID: serviceClient, Secret: entra.NewSecret(), Redirect: "https://localhost/service"},
		{Name: "HMA lab web application", ID: webClient, Secret: entra.NewSecret(), Redirect: "http://localhost"},
	}
	return s
}

func (d *dir) loadSecrets(key *sealed.Key) (*secrets, error) {
	box, err := os.ReadFile(d.file(secretsFile))
	if errors.Is(err, fs.ErrNotExist) {
		s := newSecrets()
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
	now     time.Time
	healthy bool
	origin  string            // of the cloud
	hosts   map[string]string // server name -> localhost:port
	secrets *secrets
	// messages is how many the mailboxes get in all.
	messages int
	roles    *roles.Roles

	entra *entra.Directory
	org   *org.Organization
}

// run makes both halves. What takes time (keys, password hashes) runs side by side.
func (b *build) run(ctx context.Context) error {
	b.entra, b.org = b.roles.Entra, b.roles.Org
	recipients, err := b.onPremises(ctx)
	if err != nil {
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
			r.ImmutableID, r.ObjectID = r.SourceAnchor(), objects[i]
			return nil
		}); err != nil {
			return err
		}
	}
	if err := b.trust(ctx); err != nil {
		return err
	}
	return b.mail(ctx, recipients)
}

// trust makes the AuthServer objects that the Hybrid Configuration Wizard makes,
// named by the cloud organisation's GUID, and reads their metadata.
func (b *build) trust(ctx context.Context) error {
	organization := guid.New()
	for _, n := range []org.NewAuthServer{
		{Name: "EvoSts - " + organization.String(), Type: org.AzureAD, Enabled: true,
			AuthMetadataURL: b.origin + "/" + tenantDomain + "/federationmetadata/2007-06/federationmetadata.xml"},
	} {
		if err := b.roles.AddAuthServer(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// onPremises makes the servers, their virtual directories and the people, as a
// fresh Exchange 2019 has them before the Hybrid Configuration Wizard.
func (b *build) onPremises(ctx context.Context) ([]*org.Recipient, error) {
	if err := b.org.CreateOrganization(ctx, org.NewOrganization{Name: "Contoso", Domain: domain}); err != nil {
		return nil, err
	}
	for _, name := range serverNames {
		if err := b.org.CreateServer(ctx, org.NewServer{Name: name, FQDN: strings.ToLower(name) + "." + domain,
			Version: org.Version{15, 2, 1544, 11}, InternalHost: b.hosts[name], ExternalHost: mailHost, AutodiscoverHost: discoverHost}); err != nil {
			return nil, err
		}
	}
	// Basic beside the stock methods on EWS and MAPI: something to sign in with before the tokens come.
	_, _, err := b.org.Change(ctx, func(c *org.Configuration) error {
		for _, vd := range c.VirtualDirectories {
			switch vd.Kind {
			case org.WebServices:
				vd.BasicAuthentication = true
			case org.Mapi:
				vd.IISAuthenticationMethods = append(vd.IISAuthenticationMethods, org.MethodBasic)
			case org.Oab:
				// A planted fault: one virtual directory of one server was forgotten.
				vd.OAuthAuthentication = b.healthy || vd.Server != serverNames[1]
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	recipients := make([]*org.Recipient, len(people))
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error {
		_, err := b.org.CreateOAuthCertificate(ctx, b.now.Add(-time.Hour), b.now.AddDate(5, 0, 0))
		return err
	})
	for i, p := range people {
		r := org.NewRecipient(p.alias+"@"+domain, p.name)
		r.GivenName, r.Surname = p.given, p.surname
		r.Administrator, r.CriticalSystemObject = p.admin, p.builtin
		r.HiddenFromAddressLists = p.builtin
		if recipients[i], err = b.org.CreateRecipient(ctx, r); err != nil {
			return nil, errors.Join(err, work.Wait())
		}
		work.Go(func() error { return b.org.SetPassword(ctx, recipients[i].GUID, b.secrets.Users[i].Password) })
	}
	return recipients, work.Wait()
}

// cloud makes the tenant as synchronisation and the Hybrid Configuration Wizard
// leave it, and returns the object id of each recipient, "" for the one that is
// never synchronised.
func (b *build) cloud(ctx context.Context, recipients []*org.Recipient) ([]string, error) {
	tenant, err := b.entra.CreateTenant(ctx, entra.NewTenant{ID: b.secrets.Tenant.String(), DisplayName: "Contoso",
		Initial: tenantDomain, Domains: []string{domain}, SyncEnabled: true})
	if err != nil {
		return nil, err
	}
	names := []string{"https://" + mailHost + "/"}
	for _, name := range serverNames {
		names = append(names, "https://"+b.hosts[name]+"/")
	}
	if b.healthy {
		// Without it the name is the first planted fault.
		names = append([]string{"https://" + discoverHost + "/"}, names...)
	}
	if err := b.entra.SeedExchange(ctx, tenant, names, nil); err != nil {
		return nil, err
	}
	if err := b.entra.SeedGraph(ctx, tenant, b.origin, b.origin+"/"); err != nil {
		return nil, err
	}
	if err := b.entra.SeedWellKnownClients(ctx, tenant); err != nil {
		return nil, err
	}
	if err := b.clients(ctx, tenant); err != nil {
		return nil, err
	}
	objects := make([]string, len(recipients))
	for i, r := range recipients {
		if people[i].builtin {
			continue
		}
		pph1, _, err := b.org.PasswordHash(ctx, r.GUID)
		if err != nil {
			return nil, err
		}
		u := entra.User{Tenant: tenant, UPN: r.UPN, DisplayName: r.DisplayName, GivenName: r.GivenName, Surname: r.Surname,
			Mail: r.PrimarySMTP, MailNickname: r.Alias, Enabled: true,
			ImmutableID: r.SourceAnchor(), OnPremSID: r.SID, OnPremAccount: r.SAMAccount, OnPremDomain: domain, OnPremUPN: r.UPN,
			SyncEnabled: true, LastSync: b.now}
		for _, address := range r.Addresses {
			prefix := "smtp:"
			if address == r.PrimarySMTP {
				prefix = "SMTP:"
			}
			u.ProxyAddresses = append(u.ProxyAddresses, prefix+address)
		}
		if people[i].admin {
			u.Roles = []string{entra.RoleGlobalAdministrator}
		}
		if objects[i], err = b.entra.CreateUser(ctx, u, entra.Secret{PPH1: pph1}); err != nil {
			return nil, err
		}
	}
	return objects, b.entra.RecordSync(ctx, tenant, b.now)
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
