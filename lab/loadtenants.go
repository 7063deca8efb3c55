package lab

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"hma/client/graph"
	"hma/entra"
	"hma/wire/guid"
	"hma/wire/wellknown"
)

// loadTenants makes the tenants with their people and service principals.
func (b *build) loadTenants(ctx context.Context, thumbprints map[string]string) error {
	s := b.snapshot
	administrators := map[string]bool{} // by object id
	for i := range s.people {
		if p := &s.people[i]; p.Administrator && p.cloud != nil {
			administrators[p.cloud.ID] = true
		}
	}
	for i := range s.tenants {
		t := &s.tenants[i]
		n := entra.NewTenant{ID: t.ID, DisplayName: t.DisplayName, Initial: t.InitialDomain(), SyncEnabled: true}
		for _, d := range t.VerifiedDomains {
			switch {
			case d.IsDefault && !d.IsInitial:
				n.Domains = append([]string{d.Name}, n.Domains...)
			case !d.IsInitial:
				n.Domains = append(n.Domains, d.Name)
			}
		}
		id, err := b.entra.CreateTenant(ctx, n)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrSnapshot, err)
		}
		if err := b.loadPrincipals(ctx, id, t, thumbprints); err != nil {
			return err
		}
		if err := b.loadAccounts(ctx, id, t, administrators); err != nil {
			return err
		}
		if err := b.entra.RecordSync(ctx, id, b.now); err != nil {
			return err
		}
	}
	return nil
}

func (b *build) loadAccounts(ctx context.Context, tenant string, t *snapshotTenant, administrators map[string]bool) error {
	s := b.snapshot
	by := map[string]*snapshotPerson{}
	for i := range s.people {
		if p := &s.people[i]; p.cloud != nil {
			by[p.cloud.ID] = p
		}
	}
	var all []entra.User
	for _, u := range t.users {
		x := entra.User{ID: u.ID, Tenant: tenant, UPN: u.UserPrincipalName, DisplayName: u.DisplayName, Mail: u.Mail, Enabled: u.AccountEnabled,
			ImmutableID: u.OnPremisesImmutableID, OnPremSID: u.OnPremisesSecurityIdentifier, OnPremAccount: u.OnPremisesSamAccountName, SyncEnabled: u.OnPremisesSyncEnabled}
		if u.OnPremisesSyncEnabled {
			x.OnPremDomain, x.LastSync = s.domain, b.now
		}
		if p := by[u.ID]; p != nil {
			x.OnPremUPN, x.MailNickname = p.UPN, p.Alias
			for i, address := range p.Addresses {
				prefix := "smtp:"
				if i == 0 {
					prefix = "SMTP:"
				}
				x.ProxyAddresses = append(x.ProxyAddresses, prefix+address)
			}
		}
		if administrators[u.ID] {
			x.Roles = []string{entra.RoleGlobalAdministrator}
		}
		all = append(all, x)
	}
	for _, u := range b.secrets.Users {
		if _, home, _ := strings.Cut(u.UPN, "@"); u.Role == "operator" && home == t.InitialDomain() {
			all = append(all, entra.User{Tenant: tenant, UPN: u.UPN, DisplayName: u.Name, Enabled: true, Roles: []string{entra.RoleGlobalAdministrator}})
		}
	}
	refused, err := b.entra.CreateUsers(ctx, all, entra.Secret{Password: b.secrets.Users[0].Password})
	if err != nil {
		return err
	}
	s.Accounts += len(all) - len(refused)
	for _, i := range slices.Sorted(maps.Keys(refused)) {
		s.leave("account "+all[i].UPN, "%v", refused[i])
	}
	return nil
}

// loadPrincipals makes the tenant's service principals: Exchange's with the names, reply URLs and key credentials of the
// snapshot, those that hold a name of the organisation, the dedicated hybrid application, and the lab's own clients.
func (b *build) loadPrincipals(ctx context.Context, tenant string, t *snapshotTenant, thumbprints map[string]string) error {
	s := b.snapshot
	home := t.InitialDomain()
	own := wellknown.Exchange + "/" + strings.TrimPrefix(b.origin, "https://") // the cloud's own end of Exchange Online
	found, unread := t.graph.ServicePrincipal(ctx, wellknown.Exchange)
	id := "" // the scripts of a plan for the snapshot know the principal by it
	if g, err := guid.Parse(found.ID); err == nil {
		id = g.String()
	}
	if err := b.entra.SeedExchangeAs(ctx, tenant, id, []string{own}, nil); err != nil {
		return err
	}
	if err := b.entra.SeedGraph(ctx, tenant, b.origin, b.origin+"/"); err != nil {
		return err
	}
	if err := b.entra.SeedWellKnownClients(ctx, tenant); err != nil {
		return err
	}
	if err := b.clients(ctx, tenant); err != nil {
		return err
	}
	cloud, err := b.entra.Snapshot(ctx)
	if err != nil {
		return err
	}
	exchange := cloud.Tenant(tenant).Resource(wellknown.Exchange)
	if unread != nil {
		s.leave("Exchange service principal of "+home, "%v: it has the names of a fresh tenant", unread)
	} else {
		keys, err := b.loadKeys(ctx, home, found.KeyCredentials, thumbprints)
		if err != nil {
			return err
		}
		err = b.entra.UpdateServicePrincipal(ctx, tenant, exchange.ID, func(sp *entra.ServicePrincipal) error {
			sp.Names, sp.ReplyURLs, sp.KeyCredentials = found.ServicePrincipalNames, found.ReplyURLs, keys
			if !slices.Contains(sp.Names, own) {
				sp.Names = append(slices.Clone(sp.Names), own)
			}
			return nil
		})
		if err != nil {
			s.leave("names and reply URLs of the Exchange service principal of "+home, "%v: it has those of a fresh tenant", err)
		}
	}
	for _, sp := range s.holders(ctx, t) {
		_, err := b.entra.CreateApplication(ctx, entra.Application{Tenant: tenant, AppID: sp.AppID, DisplayName: sp.DisplayName,
			Names: slices.DeleteFunc(slices.Clone(sp.ServicePrincipalNames), func(name string) bool { return strings.EqualFold(name, sp.AppID) })})
		if err != nil {
			s.leave("service principal "+sp.DisplayName+" of "+home, "%v", err)
		}
	}
	if err := b.loadDedicated(ctx, tenant, t, thumbprints); err != nil {
		return err
	}
	grants, err := t.graph.Grants(ctx, wellknown.AppleAccounts)
	switch {
	case err != nil:
		s.leave("consent of "+home, "%v: everybody's consent to the usual clients is there", err)
	case !slices.ContainsFunc(grants, func(g graph.Grant) bool {
		return g.ConsentType == "AllPrincipals" && g.ResourceID == found.ID && strings.Contains(g.Scope, "EAS.AccessAsUser.All")
	}):
		return b.entra.Revoke(ctx, tenant, wellknown.AppleAccounts)
	}
	return nil
}

// loadDedicated makes the dedicated hybrid application that the tenant's EvoSTS object names. What it may do is not
// collected: it gets what Microsoft's script asks for.
func (b *build) loadDedicated(ctx context.Context, tenant string, t *snapshotTenant, thumbprints map[string]string) error {
	s := b.snapshot
	c, err := b.org.Configuration(ctx)
	if err != nil {
		return err
	}
	for _, a := range c.AuthServers {
		if a.ApplicationIdentifier == "" || !strings.EqualFold(a.Realm, tenant) {
			continue
		}
		found, _, err := t.graph.Application(ctx, a.ApplicationIdentifier)
		if err != nil {
			s.leave("dedicated hybrid application of "+t.InitialDomain(), "%v", err)
			continue
		}
		keys, err := b.loadKeys(ctx, found.DisplayName, found.KeyCredentials, thumbprints)
		if err != nil {
			return err
		}
		if _, err := b.entra.CreateApplication(ctx, entra.Application{Tenant: tenant, AppID: found.AppID, DisplayName: found.DisplayName, KeyCredentials: keys}); err != nil {
			s.leave("application "+found.DisplayName, "%v", err)
			continue
		}
		if err := b.entra.AssignRole(ctx, tenant, found.AppID, wellknown.Exchange, "full_access_as_app"); err != nil {
			return err
		}
		s.replace("application "+found.DisplayName, "appRoleAssignments", "", "full_access_as_app")
	}
	return nil
}

// loadKeys makes the key credentials: of the organisation's certificates anew, of others with a key that nobody has.
func (b *build) loadKeys(ctx context.Context, home string, found []graph.KeyCredential, thumbprints map[string]string) ([]entra.KeyCredential, error) {
	c, err := b.org.Configuration(ctx)
	if err != nil {
		return nil, err
	}
	var all []entra.KeyCredential
	var nobodys *rsa.PrivateKey
	for _, k := range found {
		var der []byte
		cert := c.Certificate(renamed(thumbprints, k.Thumbprint()))
		if cert != nil {
			der = cert.DER
		} else {
			if nobodys == nil {
				if nobodys, err = rsa.GenerateKey(rand.Reader, 2048); err != nil {
					return nil, err
				}
			}
			starts, ends, ok := validity(k.Starts, k.Ends)
			if !ok {
				b.snapshot.leave("key credential "+k.ID+" of "+home, noDates)
				continue
			}
			template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "of the snapshot"}, NotBefore: starts, NotAfter: ends}
			if der, err = x509.CreateCertificate(rand.Reader, template, template, nobodys.Public(), nobodys); err != nil {
				return nil, err
			}
		}
		key, err := entra.NewKeyCredential(der, k.DisplayName, time.Time{}, time.Time{})
		if err != nil {
			return nil, err
		}
		if _, parsed := guid.Parse(k.ID); parsed == nil {
			key.ID = k.ID
		}
		if cert == nil {
			if key.CustomID = k.CustomIdentifier; len(key.CustomID) == 0 {
				key.CustomID, _ = hex.DecodeString(k.Thumbprint())
			}
			b.snapshot.replace("key credential "+k.ID+" of "+home, "key", "", "one that nobody has")
		}
		if k.Starts.Before(k.Ends) {
			key.Starts, key.Ends = k.Starts, k.Ends // which the real cloud has taken, whatever the certificate says
		}
		all = append(all, key)
	}
	return all, nil
}
