package facts

import (
	"cmp"
	"crypto/sha1"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hma/client/graph"
	"hma/hybrid/target"
	"hma/wire/psobject"
)

// trust reads what servers trust each other by: partner applications, connectors
// and setting overrides; and the accepted domains.
func (r *reader) trust() {
	for _, o := range r.get(SourceDomains, "Get-AcceptedDomain") {
		r.f.Domains = append(r.f.Domains, strings.ToLower(o.String("DomainName")))
	}
	slices.Sort(r.f.Domains)
	for _, o := range r.get(SourcePartners, "Get-PartnerApplication") {
		r.f.Partners = append(r.f.Partners, Partner{o.String("Name"), strings.ToLower(o.String("ApplicationIdentifier")), o.Bool("Enabled"), o.Bool("UseAuthServer"),
			o.String("LinkedAccount"), o.Strings("AppOnlyPermissions"), o.Strings("ActAsPermissions")})
	}
	slices.SortFunc(r.f.Partners, func(a, b Partner) int { return cmp.Compare(a.Name, b.Name) })
	for _, o := range r.get(SourceConnectors, "Get-IntraOrganizationConnector") {
		r.f.Connectors = append(r.f.Connectors, Connector{o.String("Name"), o.Bool("Enabled"), o.Strings("TargetAddressDomains"),
			o.String("DiscoveryEndpoint"), o.String("TargetSharingEpr")})
	}
	slices.SortFunc(r.f.Connectors, func(a, b Connector) int { return cmp.Compare(a.Name, b.Name) })
	for _, o := range r.get(SourceOverrides, "Get-SettingOverride") {
		r.f.Overrides = append(r.f.Overrides, Override{o.String("Name"), o.String("ComponentName"), o.String("SectionName"), o.Strings("Parameters"),
			o.Strings("Server"), o.String("MinVersion"), o.String("MaxVersion")})
	}
	slices.SortFunc(r.f.Overrides, func(a, b Override) int { return cmp.Compare(a.Name, b.Name) })
}

// application reads the dedicated hybrid application that the tenant's EvoSTS object names.
func (r *reader) application(t target.Tenant, read *Tenant) {
	id := r.f.DedicatedApplication(read)
	if id == "" {
		return
	}
	app, found, err := t.Graph.Application(r.ctx, id)
	if err != nil {
		r.unread(SourceApplication, t.Name, err)
	} else if found {
		read.Application = &app
	}
}

// maxHolders bounds how many missing names a tenant is asked about, one question each.
const maxHolders = 50

// holders asks who has the names that Exchange's principal lacks: a name can be one object's only.
func (r *reader) holders(t target.Tenant, read *Tenant) {
	if read.Principal.ID == "" {
		return
	}
	for i, name := range r.f.MissingNames(read) {
		if i == maxHolders {
			r.unread(SourceNameOwners, t.Name, fmt.Errorf("more than %d names are missing", maxHolders))
			return
		}
		found, err := t.Graph.NameHolders(r.ctx, name)
		if err != nil {
			r.unread(SourceNameOwners, t.Name, err)
			return
		}
		for _, sp := range found {
			if sp.ID != read.Principal.ID {
				if read.HeldBy == nil {
					read.HeldBy = map[string]string{}
				}
				read.HeldBy[name] = cmp.Or(sp.DisplayName, sp.AppID)
			}
		}
	}
}

// phoneClients are clients of phones that are not Microsoft's, so that a tenant has to consent to them: name and application id.
var phoneClients = []struct{ name, appID string }{{"Apple Internet Accounts", "f8d98a96-0999-43f5-8af3-69971c7bb423"}}

// consent finds the clients of phones that the tenant has not consented to for everybody.
func (r *reader) consent(t target.Tenant, read *Tenant) {
	for _, c := range phoneClients {
		grants, err := t.Graph.Grants(r.ctx, c.appID)
		if err != nil {
			r.unread(SourceGrants, t.Name, err)
			continue
		}
		if !slices.ContainsFunc(grants, func(g graph.Grant) bool {
			return g.ConsentType == "AllPrincipals" && g.ResourceID == read.Principal.ID && strings.Contains(g.Scope, "EAS.AccessAsUser.All")
		}) {
			read.Unconsented = append(read.Unconsented, c.name)
		}
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

// mailbox takes over what the person's mailbox shows.
func (p *Person) mailbox(m *psobject.Object) {
	p.SMTP = strings.ToLower(m.String("PrimarySmtpAddress"))
	p.Linked = m.Bool("IsLinked") || m.String("RecipientTypeDetails") == "LinkedMailbox"
	for _, a := range m.Strings("EmailAddresses") {
		kind, address, ok := strings.Cut(a, ":")
		if !ok {
			kind, address = "smtp", a
		}
		if strings.EqualFold(kind, "smtp") {
			p.Addresses = append(p.Addresses, strings.ToLower(address))
		}
	}
	slices.Sort(p.Addresses)
}

// thumbprints returns the SHA-1 thumbprints of certificates in base64, in capitals and in order.
// What is no base64 is left out.
func thumbprints(certificates []string) []string {
	var all []string
	for _, text := range certificates {
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if err == nil && len(der) > 0 {
			all = append(all, fmt.Sprintf("%X", sha1.Sum(der)))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// signingKeys returns the thumbprints of the signing certificates in a federation
// metadata document (WS-Federation 1.2, section 3.1): those of its
// RoleDescriptors' KeyDescriptors with use="signing".
func signingKeys(document []byte) ([]string, error) {
	var d struct {
		Roles []struct {
			Keys []struct {
				Use          string   `xml:"use,attr"`
				Certificates []string `xml:"KeyInfo>X509Data>X509Certificate"`
			} `xml:"KeyDescriptor"`
		} `xml:"RoleDescriptor"`
	}
	if err := xml.Unmarshal(document, &d); err != nil {
		return nil, fmt.Errorf("is no federation metadata: %w", err)
	}
	var all []string
	for _, role := range d.Roles {
		for _, k := range role.Keys {
			if k.Use == "signing" {
				all = append(all, k.Certificates...)
			}
		}
	}
	keys := thumbprints(all)
	if keys == nil {
		return nil, errors.New("holds no signing certificate")
	}
	return keys, nil
}
