package wizard

import (
	"context"
	"encoding/hex"
	"slices"
	"strings"

	"hma/client/graph"
	"hma/hybrid/procedure/facts"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

// partner enables Exchange Online as a partner application: the row without a realm, which is
// good for every tenant ("Configure OAuth authentication ...", step 2).
func (r *run) partner(ctx context.Context) error {
	list, err := r.get(ctx, "Get-PartnerApplication")
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(p psobject.Object) bool {
		return strings.EqualFold(p.String("ApplicationIdentifier"), wellknown.Exchange) && p.String("Realm") == ""
	})
	if i < 0 {
		return r.invoke(ctx, nil, "PartnerApplication 'Exchange Online'", Created, "New-PartnerApplication",
			with("Name", "Exchange Online"), with("ApplicationIdentifier", wellknown.Exchange), with("Enabled", true))
	}
	object := "PartnerApplication '" + list[i].String("Name") + "'"
	if list[i].Bool("Enabled") {
		r.keep(nil, object)
		return nil
	}
	return r.invoke(ctx, nil, object, Changed, "Set-PartnerApplication", with("Identity", list[i].String("Guid")), with("Enabled", true))
}

// authServer returns the tenant's AuthServer of the type, nil when there is none.
func (r *run) authServer(t *tenant, serverType string) *psobject.Object {
	for i, a := range r.found.authServers {
		if a.String("Type") == serverType && strings.EqualFold(a.String("Realm"), t.id) {
			return &r.found.authServers[i]
		}
	}
	return nil
}

// accessControl makes the AuthServer from which the organisation gets tokens for Exchange Online,
// for the domains of the tenant and the one of its mailboxes in the cloud.
func (r *run) accessControl(ctx context.Context, t *tenant) error {
	domains := append(slices.Clone(t.domains), t.coexistence())
	if !r.found.takesDomainName() {
		domains = nil
	}
	name := "ACS - " + t.organization
	if r.OldNames {
		name = "WindowsAzureACS"
	}
	have := r.authServer(t, "MicrosoftACS")
	if have == nil {
		return r.newAuthServer(ctx, t, name, t.AccessControl+"/"+t.id+"/metadata/json/1", domains)
	}
	lacking := slices.DeleteFunc(domains, func(d string) bool {
		return slices.ContainsFunc(have.Strings("DomainName"), func(h string) bool { return strings.EqualFold(h, d) })
	})
	return r.repair(ctx, t, have, lacking)
}

// evoSTS makes the AuthServer whose tokens Hybrid Modern Authentication is about. It is not made the
// default authorization endpoint: that is the administrator's decision (the how-to, "Enable HMA").
func (r *run) evoSTS(ctx context.Context, t *tenant) error {
	name := "EvoSts - " + t.organization
	if r.OldNames {
		name = "EvoSTS"
	}
	have := r.authServer(t, "AzureAD")
	if have == nil {
		return r.newAuthServer(ctx, t, name, t.Login+"/"+t.initial+"/federationmetadata/2007-06/federationmetadata.xml", nil, with("Type", "AzureAD"))
	}
	return r.repair(ctx, t, have, nil)
}

func (r *run) newAuthServer(ctx context.Context, t *tenant, name, url string, domains []string, more ...psobject.Property) error {
	parameters := append([]psobject.Property{with("Name", name), with("AuthMetadataUrl", url)}, more...)
	if len(domains) > 0 {
		parameters = append(parameters, with("DomainName", domains))
	}
	return r.invoke(ctx, t, "AuthServer '"+name+"'", Created, "New-AuthServer", parameters...)
}

// repair enables an AuthServer and gives it the domains that it lacks.
func (r *run) repair(ctx context.Context, t *tenant, have *psobject.Object, lacking []string) error {
	object := "AuthServer '" + have.String("Name") + "'"
	parameters := []psobject.Property{with("Identity", have.String("Name"))}
	if !have.Bool("Enabled") {
		parameters = append(parameters, with("Enabled", true))
	}
	if len(lacking) > 0 {
		parameters = append(parameters, with("DomainName", psobject.Edit{Add: lacking}))
	}
	if len(parameters) == 1 {
		r.keep(t, object)
		return nil
	}
	return r.invoke(ctx, t, object, Changed, "Set-AuthServer", parameters...)
}

// sharedPrincipal makes the OAuth certificate known at the principal of Exchange Online. Keys that are there stay.
func (r *run) sharedPrincipal(ctx context.Context, t *tenant) error {
	return r.upload(ctx, t, "service principal of Exchange Online", "/servicePrincipals/"+t.exchange.ID,
		func() ([]graph.KeyCredential, error) { return t.Graph.KeyCredentials(ctx, t.exchange.ID) },
		func(keys []graph.KeyCredential) error { return t.Graph.SetKeyCredentials(ctx, t.exchange.ID, keys) })
}

// upload adds the certificates that an object lacks to its keyCredentials.
func (r *run) upload(ctx context.Context, t *tenant, object, path string, read func() ([]graph.KeyCredential, error), replace func([]graph.KeyCredential) error) error {
	keys, err := read()
	if err != nil {
		return err
	}
	object = "OAuth certificate at the " + object
	lacking := missing(r.found.all, keys)
	if len(lacking) == 0 {
		r.keep(t, object)
		return nil
	}
	var names []string
	for _, c := range lacking {
		keys = append(keys, key(c))
		names = append(names, strings.ToUpper(hex.EncodeToString(c.thumbprint)))
	}
	return r.write(ctx, t, Step{Object: object, Action: Changed, Command: "PATCH " + path + " keyCredentials += " + strings.Join(names, ", ")},
		func() error { return replace(keys) })
}

func key(c certificate) graph.KeyCredential {
	return graph.KeyCredential{Key: c.der, CustomIdentifier: c.thumbprint, DisplayName: "CN=Microsoft Exchange Server Auth Certificate"}
}

// names registers the hosts of external EWS and Autodiscover URLs as names of the service principal. The
// internal ones and those of the other protocols are left to the administrator, as the wizard leaves them.
func (r *run) names(ctx context.Context, t *tenant) error {
	const object = "service principal names of Exchange Online"
	// The list is read anew: what was registered since this run began must not be lost.
	sp, err := t.Graph.ServicePrincipal(ctx, wellknown.Exchange)
	if err != nil {
		return err
	}
	lacking := slices.DeleteFunc(slices.Clone(r.found.external), func(n string) bool { return facts.Registered(sp.ServicePrincipalNames, n) })
	if len(lacking) == 0 {
		r.keep(t, object)
		return nil
	}
	return r.write(ctx, t, Step{Object: object, Action: Changed, Command: "PATCH /servicePrincipals/" + sp.ID + " servicePrincipalNames += " + strings.Join(lacking, ", ")},
		func() error {
			return t.Graph.SetServicePrincipalNames(ctx, sp.ID, slices.Concat(sp.ServicePrincipalNames, lacking))
		})
}

// connector makes the way to the mailboxes of the cloud.
func (r *run) connector(ctx context.Context, t *tenant) error {
	for _, c := range r.found.connectors {
		if !slices.ContainsFunc(c.Strings("TargetAddressDomains"), func(d string) bool { return strings.EqualFold(d, t.coexistence()) }) {
			continue
		}
		object := "IntraOrganizationConnector '" + c.String("Name") + "'"
		if c.Bool("Enabled") {
			r.keep(t, object)
			return nil
		}
		return r.invoke(ctx, t, object, Changed, "Set-IntraOrganizationConnector", with("Identity", c.String("Name")), with("Enabled", true))
	}
	name := "HybridIOC - " + t.organization
	return r.invoke(ctx, t, "IntraOrganizationConnector '"+name+"'", Created, "New-IntraOrganizationConnector", with("Name", name),
		with("DiscoveryEndpoint", t.Autodiscover+"/autodiscover/autodiscover.svc"), with("TargetAddressDomains", []string{t.coexistence()}), with("Enabled", true))
}

// features are what the wizard turns on by default and OAuth carries.
var features = []string{"FreeBusy", "MoveMailbox", "Mailtips", "MessageTracking", "OwaRedirection", "OnlineArchive", "SecureMail", "Photos"}

// hybrid records what the wizard was told.
func (r *run) hybrid(ctx context.Context, tenants []*tenant) error {
	const object = "HybridConfiguration"
	var domains []string
	for _, t := range tenants {
		domains = append(domains, t.domains...)
	}
	list, err := r.get(ctx, "Get-HybridConfiguration")
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return r.invoke(ctx, nil, object, Created, "New-HybridConfiguration", with("ReceivingTransportServers", r.found.servers),
			with("SendingTransportServers", r.found.servers), with("Domains", domains), with("Features", features))
	}
	have := list[0].Strings("Domains")
	lacking := slices.DeleteFunc(slices.Clone(domains), func(d string) bool {
		return slices.ContainsFunc(have, func(h string) bool { return strings.EqualFold(h, d) })
	})
	if len(lacking) == 0 {
		r.keep(nil, object)
		return nil
	}
	return r.invoke(ctx, nil, object, Changed, "Set-HybridConfiguration", with("Domains", psobject.Edit{Add: lacking}))
}
