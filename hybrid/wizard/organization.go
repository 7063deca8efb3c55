package wizard

import (
	"bytes"
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"hma/client/graph"
	"hma/hybrid/procedure/facts"
	"hma/wire/guid"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

// organization is what the cmdlets told before the first change.
type organization struct {
	guid        string
	domains     []string // accepted domains, the default one first
	servers     []string
	builds      []facts.Build
	authServers []psobject.Object
	connectors  []psobject.Object
	external    []string // https://host/ of external EWS and Autodiscover URLs
	// all are the OAuth certificates that the cloud has to know: the current one, and one that is staged.
	// own are the thumbprints of these and of the previous one.
	all []certificate
	own [][]byte
}

// certificate is an OAuth certificate, public part.
type certificate struct {
	thumbprint []byte
	der        []byte
}

func (r *run) read(ctx context.Context) error {
	f := &r.found
	config, err := r.get(ctx, "Get-OrganizationConfig")
	if err != nil {
		return err
	}
	if len(config) > 0 {
		f.guid = config[0].String("Guid")
	}
	domains, err := r.get(ctx, "Get-AcceptedDomain")
	if err != nil {
		return err
	}
	slices.SortStableFunc(domains, func(a, b psobject.Object) int {
		return strings.Compare(b.String("Default"), a.String("Default")) // True before False
	})
	for _, d := range domains {
		f.domains = append(f.domains, strings.ToLower(d.String("DomainName")))
	}
	servers, err := r.get(ctx, "Get-ExchangeServer")
	if err != nil {
		return err
	}
	for _, s := range servers {
		f.servers = append(f.servers, s.String("Name"))
		if build, ok := facts.ParseBuild(s.String("AdminDisplayVersion")); ok {
			f.builds = append(f.builds, build)
		}
	}
	if f.authServers, err = r.get(ctx, "Get-AuthServer"); err != nil {
		return err
	}
	if f.connectors, err = r.get(ctx, "Get-IntraOrganizationConnector"); err != nil {
		return err
	}
	for _, noun := range []string{"WebServices", "Autodiscover"} {
		list, err := r.get(ctx, "Get-"+noun+"VirtualDirectory", with("ADPropertiesOnly", true))
		if err != nil {
			return err
		}
		for _, vd := range list {
			if name := facts.Resource(vd.String("ExternalUrl")); name != "" && !slices.Contains(f.external, name) {
				f.external = append(f.external, name)
			}
		}
	}
	return r.readCertificates(ctx)
}

// readCertificates reads the OAuth certificates that AuthConfig names.
func (r *run) readCertificates(ctx context.Context) error {
	config, err := r.get(ctx, "Get-AuthConfig")
	if err != nil {
		return err
	}
	if len(config) == 0 || config[0].String("CurrentCertificateThumbprint") == "" {
		return fmt.Errorf("%w: the organisation has no OAuth certificate; make one with New-ExchangeCertificate and Set-AuthConfig", ErrInput)
	}
	for _, name := range []string{"CurrentCertificateThumbprint", "NextCertificateThumbprint", "PreviousCertificateThumbprint"} {
		text := config[0].String(name)
		thumbprint, err := hex.DecodeString(text)
		if text == "" || err != nil {
			continue
		}
		r.found.own = append(r.found.own, thumbprint)
		if name == "PreviousCertificateThumbprint" {
			continue
		}
		found, err := r.get(ctx, "Get-ExchangeCertificate", with("Thumbprint", text))
		if err != nil {
			return err
		}
		der, err := base64.StdEncoding.DecodeString(found[0].String("RawData"))
		if err != nil || len(der) == 0 {
			return fmt.Errorf("Get-ExchangeCertificate %s: its RawData is no certificate", text)
		}
		if found[0].String("Status") != "Valid" && len(r.found.all) == 0 {
			return fmt.Errorf("%w: the OAuth certificate %s is not in its validity; make another one with New-ExchangeCertificate and Set-AuthConfig", ErrInput, text)
		}
		r.found.all = append(r.found.all, certificate{thumbprint, der})
	}
	return nil
}

// takesDomainName tells whether New-AuthServer of some server has -DomainName.
func (f *organization) takesDomainName() bool {
	return slices.ContainsFunc(f.builds, facts.Build.TakesDomainName)
}

// tenant is a tenant with what is known of it.
type tenant struct {
	Tenant
	id      string
	initial string // contoso.onmicrosoft.com
	// domains are the organisation's accepted domains that the tenant has verified.
	domains []string
	// organization is the GUID of the organisation in the cloud, after which the objects are named.
	organization string
	exchange     graph.ServicePrincipal
}

// coexistence is the domain of mailboxes in the cloud, contoso.mail.onmicrosoft.com.
func (t *tenant) coexistence() string {
	name, rest, _ := strings.Cut(t.initial, ".")
	return name + ".mail." + rest
}

func (r *run) readTenant(ctx context.Context, t Tenant) (*tenant, error) {
	o, err := t.Graph.Organization(ctx)
	if err != nil {
		return nil, err
	}
	known := &tenant{Tenant: t, id: o.ID, initial: o.InitialDomain()}
	if known.initial == "" {
		return nil, fmt.Errorf("tenant %s: Graph lists no initial domain", o.ID)
	}
	for _, d := range r.found.domains {
		if slices.ContainsFunc(o.VerifiedDomains, func(v graph.VerifiedDomain) bool { return strings.EqualFold(v.Name, d) }) {
			known.domains = append(known.domains, d)
		}
	}
	if len(known.domains) == 0 {
		return nil, fmt.Errorf("%w: the tenant %s has verified none of the accepted domains: %s", ErrInput, known.initial, strings.Join(r.found.domains, ", "))
	}
	known.organization = r.organizationOf(known)
	known.exchange, err = t.Graph.ServicePrincipal(ctx, wellknown.Exchange)
	return known, err
}

// organizationOf returns the GUID by which objects of the tenant are named already, or else one
// that follows from the tenant's id, the same in every run: Exchange Online, which knows its own, is not asked.
func (r *run) organizationOf(t *tenant) string {
	var names []string
	for _, a := range r.found.authServers {
		if strings.EqualFold(a.String("Realm"), t.id) {
			names = append(names, a.String("Name"))
		}
	}
	for _, c := range r.found.connectors {
		if slices.Contains(c.Strings("TargetAddressDomains"), t.coexistence()) {
			names = append(names, c.String("Name"))
		}
	}
	for _, name := range names {
		if _, id, ok := strings.Cut(name, " - "); ok {
			if g, err := guid.Parse(id); err == nil {
				return g.String()
			}
		}
	}
	sum := sha256.Sum256([]byte("organization of " + strings.ToLower(t.id)))
	id := guid.GUID(sum[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // RFC 9562, version 8
	return id.String()
}

// holds tells whether a key is the certificate with the thumbprint.
func holds(k graph.KeyCredential, thumbprint []byte) bool {
	sum := sha1.Sum(k.Key)
	return bytes.Equal(k.CustomIdentifier, thumbprint) || len(k.Key) > 0 && bytes.Equal(sum[:], thumbprint)
}

// without leaves out the keys whose certificate is among the thumbprints.
func without(keys []graph.KeyCredential, thumbprints [][]byte) []graph.KeyCredential {
	return slices.DeleteFunc(slices.Clone(keys), func(k graph.KeyCredential) bool {
		return slices.ContainsFunc(thumbprints, func(thumbprint []byte) bool { return holds(k, thumbprint) })
	})
}

// missing are the certificates that no key holds.
func missing(all []certificate, keys []graph.KeyCredential) []certificate {
	return slices.DeleteFunc(slices.Clone(all), func(c certificate) bool {
		return slices.ContainsFunc(keys, func(k graph.KeyCredential) bool { return holds(k, c.thumbprint) })
	})
}
