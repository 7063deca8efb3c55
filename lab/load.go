package lab

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

// load makes both halves of a snapshot's organisation.
func (b *build) load(ctx context.Context) error {
	s := b.snapshot
	if err := b.org.CreateOrganization(ctx, org.NewOrganization{Name: s.organizationName(ctx), Domain: s.domain}); err != nil {
		return err
	}
	for _, o := range s.servers {
		version, err := parseBuild(o.String("AdminDisplayVersion"))
		if err != nil {
			return err
		}
		fqdn := o.String("Fqdn")
		if fqdn == "" {
			fqdn = strings.ToLower(o.String("Name")) + "." + s.domain
		}
		if err := b.org.CreateServer(ctx, org.NewServer{Name: o.String("Name"), FQDN: fqdn, Version: version}); err != nil {
			return err
		}
	}
	thumbprints, err := b.loadCertificates(ctx)
	if err != nil {
		return err
	}
	if err := b.loadConfiguration(ctx, thumbprints); err != nil {
		return err
	}
	if err := b.loadPeople(ctx); err != nil {
		return err
	}
	if err := b.loadTenants(ctx, thumbprints); err != nil {
		return err
	}
	b.fetchKeys(ctx)
	return nil
}

// organizationName returns the organisation's name, which its configuration has and a snapshot may lack.
func (s *snapshot) organizationName(ctx context.Context) string {
	s.Organization = s.domains[0]
	for _, o := range s.get(ctx, "Get-OrganizationConfig") {
		if name := o.String("Name"); name != "" {
			s.Organization = name
		}
	}
	return s.Organization
}

// loadCertificates makes a certificate for each that AuthConfig names and a server has: under the same subject and
// dates, on the same servers, with a key of the lab. It returns the new thumbprint of each.
func (b *build) loadCertificates(ctx context.Context) (map[string]string, error) {
	s := b.snapshot
	named := map[string]bool{}
	for _, o := range s.get(ctx, "Get-AuthConfig") {
		for _, property := range []string{"CurrentCertificateThumbprint", "NextCertificateThumbprint"} {
			named[strings.ToUpper(o.String(property))] = true
		}
	}
	type certificate struct {
		from, until time.Time
		servers     []string
	}
	found := map[string]*certificate{}
	others := 0
	for _, server := range s.servers {
		name := server.String("Name")
		for _, o := range s.get(ctx, "Get-ExchangeCertificate", psobject.Property{Name: "Server", Value: name}) {
			thumbprint := strings.ToUpper(o.String("Thumbprint"))
			if !named[thumbprint] {
				others++
				continue
			}
			c := found[thumbprint]
			if c == nil {
				c = &certificate{}
				from, _ := o.Get("NotBefore")
				until, _ := o.Get("NotAfter")
				c.from, _ = from.(time.Time)
				c.until, _ = until.(time.Time)
				found[thumbprint] = c
			}
			c.servers = append(c.servers, name)
		}
	}
	if others > 0 {
		s.leave(fmt.Sprintf("%d other certificates of servers", others), "only the OAuth certificates are loaded: the lab has a certificate of its own for its names")
	}
	thumbprints := map[string]string{}
	for _, was := range slices.Sorted(maps.Keys(found)) {
		c := found[was]
		from, until, ok := validity(c.from, c.until)
		if !ok {
			s.leave("certificate "+was, noDates)
			continue
		}
		is, err := b.org.CreateCertificate(ctx, org.NewCertificate{Server: c.servers[0], Subject: org.OAuthCertificateSubject, FriendlyName: org.OAuthCertificateSubject,
			KeySize: 2048, Services: []string{"SMTP"}, NotBefore: from, NotAfter: until})
		if err != nil {
			return nil, err
		}
		if _, _, err := b.org.Change(ctx, func(cfg *org.Configuration) error {
			for _, server := range c.servers[1:] {
				other := *cfg.Certificate(is)
				other.GUID, other.Stamp, other.Server = guid.Nil, org.Stamp{}, server
				cfg.Certificates = append(cfg.Certificates, &other)
			}
			return nil
		}); err != nil {
			return nil, err
		}
		thumbprints[was] = is
		s.replace("OAuth certificate", "Thumbprint", was, is)
	}
	return thumbprints, nil
}

// noDates is why a certificate is left out.
const noDates = "no certificate has its dates"

// validity returns the dates of a certificate that was collected, five years up to its end, as
// Exchange's setup gives, where it has no beginning; false where no certificate can have them.
func validity(from, until time.Time) (time.Time, time.Time, bool) {
	if !from.Before(until) {
		from = until.AddDate(-5, 0, 0)
	}
	return from, until, from.Year() > 0 && until.Year() < 10_000 // what X.509 can say
}

// renamed returns the new thumbprint of a certificate; one that no server has stays as it is.
func renamed(thumbprints map[string]string, was string) string {
	if is, ok := thumbprints[strings.ToUpper(was)]; ok {
		return is
	}
	return was
}

// loadConfiguration writes the organisation's objects as the snapshot has them.
func (b *build) loadConfiguration(ctx context.Context, thumbprints map[string]string) error {
	s := b.snapshot
	// Read once: a change may run again.
	policies := s.get(ctx, "Get-AuthenticationPolicy")
	services := s.get(ctx, "Get-ClientAccessService")
	authServers := b.loadAuthServers(ctx)
	partners, partnersErr := s.partners(ctx)
	connectors := b.loadConnectors(ctx)
	overrides := s.overrides(ctx)
	directories := s.loadDirectories(ctx)
	organization, authConfig := s.get(ctx, "Get-OrganizationConfig"), s.get(ctx, "Get-AuthConfig")
	_, _, err := b.org.Change(ctx, func(c *org.Configuration) error {
		made := c.AcceptedDomains // the directory's own
		c.AcceptedDomains = nil
		for i, d := range s.domains {
			domain := &org.AcceptedDomain{DomainName: d}
			if j := slices.IndexFunc(made, func(a *org.AcceptedDomain) bool { return a.DomainName == d }); j >= 0 {
				domain = made[j]
			}
			domain.Default = i == 0
			c.AcceptedDomains = append(c.AcceptedDomains, domain)
		}
		for i := range s.people {
			if sid := s.people[i].SID; strings.HasPrefix(sid, "S-1-5-21-") {
				c.Org.DomainSID = sid[:strings.LastIndex(sid, "-")]
				break
			}
		}
		c.Policies = nil
		for _, o := range policies {
			c.Policies = append(c.Policies, policyOf(&o))
		}
		for _, o := range organization {
			c.Org.OAuth2ClientProfileEnabled, c.Org.MapiHttpEnabled, c.Org.EnableDownloadDomains =
				o.Bool("OAuth2ClientProfileEnabled"), o.Bool("MapiHttpEnabled"), o.Bool("EnableDownloadDomains")
			c.Org.DefaultAuthenticationPolicy = policyID(c, o.String("DefaultAuthenticationPolicy"))
		}
		for _, o := range authConfig {
			c.Auth.ServiceName = o.String("ServiceName")
			c.Auth.CurrentCertificateThumbprint = renamed(thumbprints, o.String("CurrentCertificateThumbprint"))
			c.Auth.NextCertificateThumbprint = renamed(thumbprints, o.String("NextCertificateThumbprint"))
			effective, _ := o.Get("NextCertificateEffectiveDate")
			c.Auth.NextCertificateEffectiveDate, _ = effective.(time.Time)
		}
		for _, o := range s.servers {
			c.Server(o.String("Name")).InternetWebProxy = o.String("InternetWebProxy")
		}
		for _, service := range c.Services {
			for _, o := range services {
				if strings.EqualFold(o.String("Name"), service.Server) {
					service.AutoDiscoverServiceInternalURI = o.String("AutoDiscoverServiceInternalUri")
				}
			}
		}
		c.AuthServers, c.Connectors, c.Overrides = authServers, connectors, overrides
		if partnersErr == nil {
			for _, p := range partners {
				if j := slices.IndexFunc(c.Partners, func(stock *org.PartnerApplication) bool { return strings.EqualFold(stock.Name, p.Name) }); j >= 0 {
					p.GUID = c.Partners[j].GUID
				}
			}
			c.Partners = partners
		}
		directories(c)
		return nil
	})
	return err
}

func policyOf(o *psobject.Object) *org.AuthenticationPolicy {
	p := &org.AuthenticationPolicy{GUID: guid.New(), Name: o.String("Name"), BlockLegacy: map[org.Protocol]bool{}, BlockModern: map[org.Protocol]bool{}}
	for _, property := range o.Properties {
		if property.Value != true {
			continue
		}
		if protocol, ok := strings.CutPrefix(property.Name, "BlockModernAuth"); ok {
			p.BlockModern[org.Protocol(protocol)] = true
		}
		if protocol, ok := strings.CutPrefix(property.Name, "BlockLegacyAuth"); ok {
			p.BlockLegacy[org.Protocol(protocol)] = true
		}
	}
	return p
}

func policyID(c *org.Configuration, name string) guid.GUID {
	for _, p := range c.Policies {
		if name != "" && strings.EqualFold(p.Name, name) {
			return p.GUID
		}
	}
	return guid.Nil
}

// here returns a URL of the cloud, or of another system that the organisation trusts, with the lab's cloud in the
// place of its host: a rehearsal speaks to nobody outside.
func (b *build) here(object, property, text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return text
	}
	is := b.origin + u.EscapedPath()
	b.snapshot.replace(object, property, text, is)
	return is
}

func (b *build) loadAuthServers(ctx context.Context) []*org.AuthServer {
	s := b.snapshot
	var all []*org.AuthServer
	standard := "" // the name of the default authorization endpoint
	for _, o := range s.get(ctx, "Get-AuthServer") {
		a := &org.AuthServer{GUID: guid.New(), Name: o.String("Name"), Type: o.String("Type"), Realm: o.String("Realm"), IssuerIdentifier: o.String("IssuerIdentifier"),
			ApplicationIdentifier: o.String("ApplicationIdentifier"), DomainName: o.Strings("DomainName"), Enabled: o.Bool("Enabled")}
		if err := a.SetMetadataURL(b.here(a.Name, "AuthMetadataUrl", o.String("AuthMetadataUrl"))); err != nil {
			s.leave("AuthServer "+a.Name, "%v", err)
			continue
		}
		if o.String("AuthorizationEndpoint") == "" {
			a.AuthorizationEndpoint = ""
		}
		switch {
		case !o.Bool("IsDefaultAuthorizationEndpoint"):
		case standard != "":
			s.leave("IsDefaultAuthorizationEndpoint of "+a.Name, "a lab has one default authorization endpoint: %s", standard)
		default:
			standard, a.IsDefaultAuthorizationEndpoint = a.Name, true
		}
		if len(o.Strings("CertificateStrings")) > 0 {
			b.keyed = append(b.keyed, a.Name)
		}
		all = append(all, a)
	}
	return all
}

// fetchKeys gives the AuthServers that had keys those of the lab's cloud.
func (b *build) fetchKeys(ctx context.Context) {
	for _, name := range b.keyed {
		_, err := cmdlets{b.roles}.Invoke(ctx, psobject.Invocation{Cmdlet: "Set-AuthServer",
			Parameters: []psobject.Property{{Name: "Identity", Value: name}, {Name: "RefreshAuthMetadata", Value: true}}})
		if err != nil {
			b.snapshot.leave("signing keys of "+name, "no tenant of the lab has its metadata document")
			continue
		}
		b.snapshot.replace(name, "CertificateStrings", "the real cloud's keys", "the keys of the lab's cloud")
	}
}

// partners returns the partner applications with what is not collected as a fresh organisation has it.
func (s *snapshot) partners(ctx context.Context) ([]*org.PartnerApplication, error) {
	res, err := s.target.Cmdlets.Invoke(ctx, psobject.Invocation{Cmdlet: "Get-PartnerApplication"})
	if err != nil {
		s.leave("partner applications", "%v: those of a fresh organisation are there", err)
		return nil, err
	}
	var all []*org.PartnerApplication
	for _, o := range res.Output {
		all = append(all, &org.PartnerApplication{GUID: guid.New(), Name: o.String("Name"), Enabled: o.Bool("Enabled"), ApplicationIdentifier: o.String("ApplicationIdentifier"),
			UseAuthServer: o.Bool("UseAuthServer"), LinkedAccount: o.String("LinkedAccount"), AppOnlyPermissions: o.Strings("AppOnlyPermissions"),
			ActAsPermissions: o.Strings("ActAsPermissions"), AcceptSecurityIdentifierInformation: strings.EqualFold(o.String("ApplicationIdentifier"), wellknown.Graph)})
	}
	return all, nil
}

func (b *build) loadConnectors(ctx context.Context) []*org.IntraOrganizationConnector {
	var all []*org.IntraOrganizationConnector
	for _, o := range b.snapshot.get(ctx, "Get-IntraOrganizationConnector") {
		name := o.String("Name")
		all = append(all, &org.IntraOrganizationConnector{GUID: guid.New(), Name: name, TargetAddressDomains: o.Strings("TargetAddressDomains"), Enabled: o.Bool("Enabled"),
			DiscoveryEndpoint: b.here(name, "DiscoveryEndpoint", o.String("DiscoveryEndpoint")), TargetSharingEpr: b.here(name, "TargetSharingEpr", o.String("TargetSharingEpr"))})
	}
	return all
}

func (s *snapshot) overrides(ctx context.Context) []*org.SettingOverride {
	var all []*org.SettingOverride
	for _, o := range s.get(ctx, "Get-SettingOverride") {
		x := &org.SettingOverride{GUID: guid.New(), Name: o.String("Name"), Component: o.String("ComponentName"), Section: o.String("SectionName"), Parameters: o.Strings("Parameters"),
			Server: o.Strings("Server"), Reason: "of the snapshot"}
		var err error
		for property, version := range map[string]*org.Version{"MinVersion": &x.MinVersion, "MaxVersion": &x.MaxVersion} {
			if text := o.String(property); text != "" {
				parsed, wrong := org.ParseVersion(text)
				*version, err = parsed, errors.Join(err, wrong)
			}
		}
		if err = errors.Join(err, x.Check()); err != nil {
			s.leave("setting override "+x.Name, "%v", err)
			continue
		}
		all = append(all, x)
	}
	return all
}

// loadDirectories returns what makes the stock virtual directories those of the snapshot: as the directory has them, and
// where a server runs something else, as drift in IIS.
func (s *snapshot) loadDirectories(ctx context.Context) func(*org.Configuration) {
	type pair struct{ ad, live *psobject.Object }
	shown := map[org.Kind]map[string]pair{}
	for _, kind := range kinds {
		shown[kind] = map[string]pair{}
		ad, live := s.directories(ctx, kind, true), s.directories(ctx, kind, false)
		if ad == nil {
			s.leave(string(kind)+" virtual directories", "not in the snapshot: stock ones are there")
			delete(shown, kind)
			continue
		}
		for i := range ad {
			server := strings.ToLower(ad[i].String("Server"))
			if shown[kind][server].ad != nil {
				s.leave(ad[i].String("Identity"), "a lab's server has one virtual directory of a kind")
				continue
			}
			p := pair{ad: &ad[i]}
			if j := slices.IndexFunc(live, func(o psobject.Object) bool { return strings.EqualFold(o.String("Identity"), ad[i].String("Identity")) }); j >= 0 {
				p.live = &live[j]
			}
			shown[kind][server] = p
			if iis := ad[i].Strings("IISAuthenticationMethods"); kind == org.Mapi &&
				!(sameMethods(iis, ad[i].Strings("InternalAuthenticationMethods")) && sameMethods(iis, ad[i].Strings("ExternalAuthenticationMethods"))) {
				s.leave("InternalAuthenticationMethods and ExternalAuthenticationMethods of "+ad[i].String("Identity"), "a lab's are those of IISAuthenticationMethods")
			}
		}
	}
	return func(c *org.Configuration) {
		for _, vd := range slices.Clone(c.VirtualDirectories) {
			of, collected := shown[vd.Kind]
			p := of[strings.ToLower(vd.Server)]
			switch {
			case !collected: // a kind without an OAuth door, or one that is missing
			case p.ad == nil:
				c.VirtualDirectories = slices.DeleteFunc(c.VirtualDirectories, func(other *org.VirtualDirectory) bool { return other == vd })
			default:
				fromDirectory(vd, p.ad, p.live)
				if p.live != nil {
					c.ChangeIIS(vd, func(iis *org.VirtualDirectory) { fromIIS(iis, p.live) })
				}
			}
		}
	}
}

func sameMethods(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func methodsOf(words []string) []org.Method {
	var all []org.Method
	for _, w := range words {
		all = append(all, org.Method(w))
	}
	return all
}

// fromDirectory sets what the directory has of a virtual directory. It keeps switches in the list of methods; what ActiveSync
// has switches for is IIS's alone.
func fromDirectory(vd *org.VirtualDirectory, ad, live *psobject.Object) {
	if _, name, ok := strings.Cut(ad.String("Identity"), `\`); ok {
		vd.Name = name
	}
	vd.InternalURL, vd.ExternalURL = ad.String("InternalUrl"), ad.String("ExternalUrl")
	vd.InternalDownloadHostName, vd.ExternalDownloadHostName = ad.String("InternalDownloadHostName"), ad.String("ExternalDownloadHostName")
	internal, external := methodsOf(ad.Strings("InternalAuthenticationMethods")), methodsOf(ad.Strings("ExternalAuthenticationMethods"))
	switch vd.Kind {
	case org.Mapi:
		vd.IISAuthenticationMethods = methodsOf(ad.Strings("IISAuthenticationMethods"))
	case org.ActiveSync:
		vd.InternalAuthenticationMethods, vd.ExternalAuthenticationMethods = internal, external
		if live != nil {
			fromIIS(vd, live)
			if vd.ClientCertAuth = live.String("ClientCertAuth"); vd.ClientCertAuth == "Ignore" {
				vd.ClientCertAuth = ""
			}
		}
	default:
		has := func(m org.Method) bool { return slices.Contains(internal, m) }
		vd.BasicAuthentication, vd.DigestAuthentication, vd.FormsAuthentication = has(org.MethodBasic), has(org.MethodDigest), has(org.MethodFba)
		vd.AdfsAuthentication, vd.OAuthAuthentication, vd.WSSecurityAuthentication = has(org.MethodAdfs), has(org.MethodOAuth), has(org.MethodWSSecurity)
		vd.WindowsAuthentication = has(org.MethodWindowsIntegrated) || has(org.MethodNtlm) || has(org.MethodNegotiate)
		if vd.Kind == org.Owa || vd.Kind == org.Ecp {
			vd.ExternalAuthenticationMethods = external
		}
	}
}

// fromIIS sets how a server runs a virtual directory.
func fromIIS(vd *org.VirtualDirectory, live *psobject.Object) {
	switch vd.Kind {
	case org.Mapi:
		vd.IISAuthenticationMethods = methodsOf(live.Strings("IISAuthenticationMethods"))
	case org.ActiveSync:
		vd.BasicAuthentication, vd.WindowsAuthentication = live.Bool("BasicAuthEnabled"), live.Bool("WindowsAuthEnabled")
	default:
		vd.BasicAuthentication, vd.DigestAuthentication, vd.FormsAuthentication = live.Bool("BasicAuthentication"), live.Bool("DigestAuthentication"), live.Bool("FormsAuthentication")
		vd.AdfsAuthentication, vd.OAuthAuthentication, vd.WindowsAuthentication = live.Bool("AdfsAuthentication"), live.Bool("OAuthAuthentication"), live.Bool("WindowsAuthentication")
	}
}

// loadPeople makes the people of the organisation.
func (b *build) loadPeople(ctx context.Context) error {
	s := b.snapshot
	c, err := b.org.Configuration(ctx)
	if err != nil {
		return err
	}
	var all []org.Recipient
	linked := 0
	for i := range s.people {
		p := &s.people[i]
		p.AuthenticationPolicy = policyID(c, p.policy)
		if p.MasterAccountSID != "" {
			linked++
		}
		all = append(all, p.Recipient)
	}
	refused, err := b.org.CreateRecipients(ctx, all, b.secrets.Users[0].Password)
	if err != nil {
		return err
	}
	s.People = len(all) - len(refused)
	for _, i := range slices.Sorted(maps.Keys(refused)) {
		s.leave("person "+all[i].UPN, "%v", refused[i])
	}
	if linked > 0 {
		s.replace(fmt.Sprintf("%d linked mailboxes", linked), "LinkedMasterAccount", "", linkedDomain+`\ and the account's name`)
	}
	return nil
}
