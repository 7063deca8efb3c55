package procedure

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/client/graph"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/procedure/rule"
	"hma/hybrid/target"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

const (
	otherID  = "99999999-2222-3333-4444-555555555555"
	otherSTS = "EvoSts - 99999999-2222-3333-4444-555555555555"
)

// change is a property that a cmdlet shows otherwise: of the object with the name, or of all.
type change struct {
	cmdlet, object, property string
	value                    any
}

// healthy is an organisation in hybrid with two tenants in which everything is as it
// should be: enabled, with OAuth to Exchange Online by the dedicated application.
type healthy struct {
	*organisation
	changes  []change
	other    *organisation // the second tenant
	firewall string
	records  string
	now      time.Time
	// collected says when, as of a snapshot; healthy ones are asked themselves.
	collected []target.Collection
}

func newHealthy() *healthy {
	h := &healthy{organisation: newOrganisation(), other: newOrganisation(), now: noon,
		firewall: "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 443 -j ACCEPT\n", records: `{"msg":"request","authn":"Bearer*","user":"ada@contoso.com"}`}
	o := h.organisation
	o.delay, o.build = 0, "Version 15.2 (Build 2562.17)"
	o.auth = map[string]any{"IsDefaultAuthorizationEndpoint": true, "DomainName": []string{"contoso.onmicrosoft.com"}}
	o.org["OAuth2ClientProfileEnabled"] = true
	for _, d := range o.dirs {
		switch d.kind {
		case facts.Oab:
			h.both(d, "OAuthAuthentication", true)
		case facts.Owa, facts.Ecp:
			h.both(d, "OAuthAuthentication", true)
			h.both(d, "BasicAuthentication", false)
			h.both(d, "FormsAuthentication", false)
		case facts.Mapi:
			for _, list := range []string{"InternalAuthenticationMethods", "ExternalAuthenticationMethods"} {
				h.both(d, list, []string{"Ntlm", "OAuth", "Negotiate"})
			}
		}
	}
	o.sp.ServicePrincipalNames = append(o.sp.ServicePrincipalNames, "https://autodiscover.contoso.com")
	for _, host := range []string{"mail.contoso.com", "localhost:8443", "localhost:8444"} {
		o.sp.ReplyURLs = append(o.sp.ReplyURLs, "https://"+host+"/owa", "https://"+host+"/ecp")
	}
	h.other.sp = graph.ServicePrincipal{ID: "sp-2", AppID: wellknown.Exchange, ReplyURLs: slices.Clone(o.sp.ReplyURLs),
		ServicePrincipalNames: append(slices.Clone(o.sp.ServicePrincipalNames), "https://autodiscover.fabrikam.com/")}
	h.other.users = nil
	o.more = map[string][]psobject.Object{
		"Get-AcceptedDomain": {named("DomainName", "fabrikam.com"), named("DomainName", "contoso.mail.onmicrosoft.com")},
		"Get-AuthServer": {
			named("Name", otherSTS, "Type", "AzureAD", "Realm", otherID, "AuthorizationEndpoint", authorize, "AuthMetadataUrl", strings.Replace(metadata, tenantID, "fabrikam.onmicrosoft.com", 1),
				"Enabled", true, "CertificateStrings", []string{signing}, "IsDefaultAuthorizationEndpoint", false, "DomainName", []string{"fabrikam.onmicrosoft.com"}),
			named("Name", "ACS - 1", "Type", "MicrosoftACS", "Realm", tenantID, "Enabled", true),
			named("Name", "ACS - 2", "Type", "MicrosoftACS", "Realm", otherID, "Enabled", true)},
		"Get-IntraOrganizationConnector": {named("Name", "HybridIOC - 1", "Enabled", true, "DiscoveryEndpoint", "https://autodiscover-s.outlook.com/autodiscover/autodiscover.svc",
			"TargetAddressDomains", []string{"contoso.mail.onmicrosoft.com"})},
		"Get-SettingOverride": {named("Name", "EnableExchangeHybrid3PAppFeature", "ComponentName", "Global", "SectionName", "ExchangeOnpremAsThirdPartyAppId", "Parameters", []string{"Enabled=true"})},
	}
	raw, err := hex.DecodeString(thumbprint)
	if err != nil {
		panic(err)
	}
	for sts, tenant := range map[string]*organisation{evoSTS: o, otherSTS: h.other} {
		h.set("Get-AuthServer", sts, "ApplicationIdentifier", "11111111-aaaa-4aaa-8aaa-aaaaaaaaaaaa")
		tenant.app = &graph.Application{ID: "app", KeyCredentials: []graph.KeyCredential{{ID: "1", CustomIdentifier: raw, Ends: noon.AddDate(3, 0, 0)}}}
	}
	o.show = func(cmdlet string, x *psobject.Object) {
		for _, c := range h.changes {
			if c.cmdlet != cmdlet || c.object != "" && !slices.Contains([]string{x.String("Name"), x.String("Identity"), x.String("Guid")}, c.object) {
				continue
			}
			x.Properties = append(slices.DeleteFunc(x.Properties, func(p psobject.Property) bool { return p.Name == c.property }), psobject.Property{Name: c.property, Value: c.value})
		}
	}
	return h
}

func (h *healthy) set(cmdlet, object, property string, value any) {
	h.changes = append(h.changes, change{cmdlet, object, property, value})
}

func (h *healthy) both(d *directory, property string, value any) {
	d.ad[property], d.live[property] = value, value
}

func (h *healthy) override(component, section string) {
	h.more["Get-SettingOverride"] = append(h.more["Get-SettingOverride"], psobject.Object{Properties: []psobject.Property{{Name: "Name", Value: section},
		{Name: "ComponentName", Value: component}, {Name: "SectionName", Value: section}, {Name: "Parameters", Value: []string{"Enabled=true"}}}})
}

func (h *healthy) policy(switches ...string) {
	x := psobject.Object{Properties: []psobject.Property{{Name: "Name", Value: "Staged"}}}
	for _, s := range switches {
		x.Properties = append(x.Properties, psobject.Property{Name: s, Value: true})
	}
	h.more["Get-AuthenticationPolicy"] = []psobject.Object{x}
}

// second is the second tenant as Graph shows it.
type second struct{ *organisation }

func (s second) Organization(context.Context) (graph.Organization, error) {
	return graph.Organization{ID: otherID, VerifiedDomains: []graph.VerifiedDomain{{Name: "fabrikam.com", IsDefault: true}, {Name: "fabrikam.onmicrosoft.com", IsInitial: true}}}, nil
}

// ReadFile is the target's Files.
func (h *healthy) ReadFile(_ context.Context, name string) ([]byte, error) {
	return map[string][]byte{facts.FirewallFile: []byte(h.firewall), facts.RecordsFile: []byte(h.records)}[name], nil
}

// judge checks the organisation after an administrator has been seen to sign in.
func (h *healthy) judge(t *testing.T) []rule.Finding {
	t.Helper()
	p := h.engine(t, "")
	f, err := p.facts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.Proven = []string{"admin@contoso.com"}
	if err := p.answers(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	return rule.Judge(f, h.now)
}

// engine is the procedure over both tenants.
func (h *healthy) engine(t *testing.T, dir string) *Procedure {
	t.Helper()
	p := engine(t, h.organisation, dir)
	p.o.Now = func() time.Time {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.now
	}
	p.o.Target.Files, p.o.Target.Collected = h, h.collected
	p.o.Target.Tenants = append(p.o.Target.Tenants, target.Tenant{Name: "fabrikam.onmicrosoft.com", Graph: second{h.other}})
	return p
}

func without[T any](list []T, drop func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(list), drop)
}

// names takes a name from a tenant's list.
func forget(o *organisation, name string) {
	o.sp.ServicePrincipalNames = without(o.sp.ServicePrincipalNames, func(n string) bool { return strings.TrimSuffix(n, "/") == name })
}

func (h *healthy) drop(cmdlet, property string, value any) {
	h.more[cmdlet] = without(h.more[cmdlet], func(x psobject.Object) bool { v, _ := x.Get(property); return v == value })
}

// TestMutations: a healthy organisation gives no finding, and each property that is
// wrong is found by the rule that is meant for it and by no other. Where one wrong
// thing is two, the other rules are named. What a plan can repair its plan repairs.
func TestMutations(t *testing.T) {
	for _, x := range newHealthy().judge(t) {
		if x.Severity != rule.Note {
			t.Fatalf("a healthy organisation: %s %s %v", x.Rule, x.Summary, x.Evidence)
		}
	}
	mail := "https://mail.contoso.com"
	old := func(build string) func(*healthy) {
		return func(h *healthy) { h.build = "Version " + build }
	}
	type mutation struct {
		rules string // the rule that is meant, then those that the same wrong thing concerns too
		note  bool   // it says so as a note
		spoil func(*healthy)
	}
	mutations := map[string]mutation{
		// Names
		"host of an external URL": {"spn-list", false, func(h *healthy) { h.find(facts.WebServices, "EX2").external = "https://new.contoso.com/EWS" }},
		"name gone":               {"spn-list", false, func(h *healthy) { forget(h.organisation, mail) }},
		"name gone in one tenant": {"spn-list", false, func(h *healthy) { forget(h.other, mail) }},
		"other port":              {"spn-list", false, func(h *healthy) { h.find(facts.Mapi, "EX1").internal = mail + ":9443/mapi" }},
		"http URL":                {"spn-list", false, func(h *healthy) { h.find(facts.Oab, "EX1").internal = "http://mail.contoso.com/OAB" }},
		"SCP of another host":     {"spn-list", false, func(h *healthy) { h.scp["EX1"], h.scp["EX2"] = "https://ad.contoso.com/x", "https://ad.contoso.com/x" }},
		"name with a path alone": {"spn-list spn-duplicates", false, func(h *healthy) {
			forget(h.organisation, mail)
			h.sp.ServicePrincipalNames = append(h.sp.ServicePrincipalNames, mail+"/EWS")
		}},
		"Autodiscover of a domain":    {"autodiscover-names", false, func(h *healthy) { forget(h.other, "https://autodiscover.fabrikam.com") }},
		"name of another application": {"spn-held-elsewhere", false, func(h *healthy) { forget(h.organisation, mail); h.held = map[string]string{mail + "/": "Old gateway"} }},
		"name in two spellings": {"spn-duplicates", true, func(h *healthy) {
			h.sp.ServicePrincipalNames = append(h.sp.ServicePrincipalNames, "HTTPS://Mail.contoso.com:443")
		}},
		"name with http": {"spn-duplicates", true, func(h *healthy) {
			h.sp.ServicePrincipalNames = append(h.sp.ServicePrincipalNames, "http://mail.contoso.com/")
		}},
		"reply URL gone":          {"reply-urls", false, func(h *healthy) { h.sp.ReplyURLs = h.sp.ReplyURLs[:4] }},
		"reply URL with a slash":  {"reply-urls", false, func(h *healthy) { h.sp.ReplyURLs[1] += "/" }},
		"reply URL in capitals":   {"reply-urls", false, func(h *healthy) { h.sp.ReplyURLs[1] = mail + "/OWA" }},
		"reply URL in one tenant": {"reply-urls", false, func(h *healthy) { h.other.sp.ReplyURLs = nil }},
		"no external URL":         {"urls-present", true, func(h *healthy) { h.find(facts.ActiveSync, "EX1").external = "" }},
		"no URL":                  {"urls-present", false, func(h *healthy) { d := h.find(facts.WebServices, "EX1"); d.internal, d.external = "", "" }},
		"no SCP":                  {"autodiscover-scp", true, func(h *healthy) { h.scp["EX2"] = "" }},
		"SCPs differ":             {"autodiscover-scp", true, func(h *healthy) { h.scp["EX2"] = mail + "/Autodiscover/Autodiscover.xml" }},
		// Virtual directories
		"OAuth off EWS, running":    {"oauth-virtual-directories", false, func(h *healthy) { h.find(facts.WebServices, "EX1").live["OAuthAuthentication"] = false }},
		"OAuth off EWS, configured": {"oauth-virtual-directories", false, func(h *healthy) { h.find(facts.WebServices, "EX1").ad["OAuthAuthentication"] = false }},
		"OAuth off Autodiscover":    {"oauth-virtual-directories", false, func(h *healthy) { h.both(h.find(facts.Autodiscover, "EX2"), "OAuthAuthentication", false) }},
		"OAuth off OAB":             {"oauth-virtual-directories", false, func(h *healthy) { h.both(h.find(facts.Oab, "EX2"), "OAuthAuthentication", false) }},
		"OAuth off ActiveSync": {"oauth-virtual-directories", false, func(h *healthy) {
			h.both(h.find(facts.ActiveSync, "EX1"), "ExternalAuthenticationMethods", []string{"Basic"})
		}},
		"OAuth off MAPI": {"oauth-virtual-directories", false, func(h *healthy) {
			for _, list := range []string{"IISAuthenticationMethods", "InternalAuthenticationMethods", "ExternalAuthenticationMethods"} {
				h.both(h.find(facts.Mapi, "EX2"), list, []string{"Ntlm"})
			}
		}},
		"no OAB": {"oauth-virtual-directories", false, func(h *healthy) {
			h.dirs = without(h.dirs, func(d *directory) bool { return d.kind == facts.Oab && d.server == "EX2" })
		}},
		"Basic on EWS in IIS alone":    {"directory-drift", false, func(h *healthy) { h.find(facts.WebServices, "EX1").live["BasicAuthentication"] = true }},
		"Windows off OAB in IIS alone": {"directory-drift", false, func(h *healthy) { h.find(facts.Oab, "EX1").live["WindowsAuthentication"] = false }},
		"Basic on MAPI in IIS alone": {"directory-drift", false, func(h *healthy) {
			h.find(facts.Mapi, "EX1").live["IISAuthenticationMethods"] = []string{"Ntlm", "OAuth", "Negotiate", "Basic"}
		}},
		"Basic on OWA in AD alone": {"directory-drift", false, func(h *healthy) { h.find(facts.Owa, "EX1").ad["BasicAuthentication"] = true }},
		"MAPI's internal list": {"mapi-methods", false, func(h *healthy) {
			h.both(h.find(facts.Mapi, "EX1"), "InternalAuthenticationMethods", []string{"Ntlm", "Negotiate"})
		}},
		"MAPI's external list": {"mapi-methods", false, func(h *healthy) {
			h.both(h.find(facts.Mapi, "EX1"), "ExternalAuthenticationMethods", []string{"OAuth"})
		}},
		"client certificate": {"activesync-client-certificate", false, func(h *healthy) { h.set("Get-ActiveSyncVirtualDirectory", "", "ClientCertAuth", "Required") }},
		"Basic back on ECP":  {"owa-ecp-methods", false, func(h *healthy) { h.both(h.find(facts.Ecp, "EX1"), "BasicAuthentication", true) }},
		"OWA between":        {"owa-ecp-methods", false, func(h *healthy) { h.find(facts.Owa, "EX2").live["OAuthAuthentication"] = false }},
		"one server's ECP on passwords": {"owa-ecp-methods", false, func(h *healthy) {
			d := h.find(facts.Ecp, "EX2")
			h.both(d, "OAuthAuthentication", false)
			h.both(d, "FormsAuthentication", true)
		}},
		"application proxy, by header": {"application-proxy", false, func(h *healthy) { h.header = "X-Ms-Proxy-App-Id: 1\r\n" }},
		"SSL offloading, by redirection": {"ssl-offloading", false, func(h *healthy) {
			h.header = "Location: https://login.example/x?redirect_uri=http%3A%2F%2Fmail.contoso.com%2Fowa\r\n"
		}},
		"SSL offloading, by diagnostics": {"ssl-offloading", false, func(h *healthy) {
			h.header = "x-ms-diagnostics: 2000003;reason=\"Expected 'https://mail.contoso.com'. Actual 'http://mail.contoso.com'.\"\r\n"
		}},
		"application proxy, by name": {"application-proxy", false, func(h *healthy) {
			h.find(facts.Owa, "EX1").external = "https://owa-contoso.msappproxy.net/owa"
			for _, o := range []*organisation{h.organisation, h.other} {
				o.sp.ServicePrincipalNames = append(o.sp.ServicePrincipalNames, "https://owa-contoso.msappproxy.net/")
				o.sp.ReplyURLs = append(o.sp.ReplyURLs, "https://owa-contoso.msappproxy.net/owa")
			}
		}},
		// Trust
		"EvoSTS of a tenant disabled": {"evosts", false, func(h *healthy) { h.set("Get-AuthServer", otherSTS, "Enabled", false) }},
		"EvoSTS of a tenant missing":  {"evosts", false, func(h *healthy) { h.drop("Get-AuthServer", "Name", otherSTS) }},
		"EvoSTS left over": {"evosts", true, func(h *healthy) {
			h.more["Get-AuthServer"] = append(h.more["Get-AuthServer"], psobject.Object{Properties: []psobject.Property{{Name: "Name", Value: "EvoSTS"}, {Name: "Type", Value: "AzureAD"}, {Name: "Realm", Value: "x"}, {Name: "Enabled", Value: false}}})
		}},
		"metadata URL of the other tenant": {"evosts-metadata-url", false, func(h *healthy) { h.set("Get-AuthServer", otherSTS, "AuthMetadataUrl", metadata) }},
		"metadata URL of another kind": {"evosts-metadata-url", false, func(h *healthy) {
			h.set("Get-AuthServer", evoSTS, "AuthMetadataUrl", "https://login.example/"+tenantID+"/metadata/json/1")
		}},
		"metadata URL without https": {"evosts-metadata-url", false, func(h *healthy) {
			h.set("Get-AuthServer", evoSTS, "AuthMetadataUrl", strings.Replace(metadata, "https", "http", 1))
		}},
		"metadata does not come": {"evosts-metadata", false, func(h *healthy) { h.document = "<html>sign in to the proxy</html>" }},
		"no signing certificate": {"evosts-metadata", false, func(h *healthy) { h.set("Get-AuthServer", otherSTS, "CertificateStrings", []string{}) }},
		"keys rolled":            {"evosts-keys", false, func(h *healthy) { h.set("Get-AuthServer", evoSTS, "CertificateStrings", []string{"T0xE"}) }},
		"tenant of another cloud": {"same-cloud", false, func(h *healthy) {
			h.set("Get-AuthServer", otherSTS, "AuthorizationEndpoint", "https://login.chinacloudapi.cn/common/oauth2/authorize")
		}},
		"no default endpoint":   {"default-authorization-endpoint", false, func(h *healthy) { h.auth["IsDefaultAuthorizationEndpoint"] = false }},
		"two default endpoints": {"default-authorization-endpoint", false, func(h *healthy) { h.set("Get-AuthServer", otherSTS, "IsDefaultAuthorizationEndpoint", true) }},
		"default endpoint is ACS": {"default-authorization-endpoint", false, func(h *healthy) {
			h.auth["IsDefaultAuthorizationEndpoint"] = false
			h.set("Get-AuthServer", "ACS - 1", "IsDefaultAuthorizationEndpoint", true)
		}},
		"domain of a tenant":            {"domain-name", false, func(h *healthy) { h.set("Get-AuthServer", otherSTS, "DomainName", []string{}) }},
		"switch off":                    {"oauth2-client-profile", false, func(h *healthy) { h.org["OAuth2ClientProfileEnabled"] = false }},
		"certificate expired":           {"oauth-certificate", false, func(h *healthy) { h.expires = noon.AddDate(0, 0, -1) }},
		"certificate ends next week":    {"oauth-certificate", false, func(h *healthy) { h.expires = noon.AddDate(0, 0, 7) }},
		"certificate ends in 50 days":   {"oauth-certificate", true, func(h *healthy) { h.expires = noon.AddDate(0, 0, 50) }},
		"certificate not valid yet":     {"oauth-certificate", false, func(h *healthy) { h.set("Get-ExchangeCertificate", "", "NotBefore", noon.AddDate(0, 0, 1)) }},
		"certificate on no server":      {"oauth-certificate", false, func(h *healthy) { h.set("Get-AuthConfig", "", "CurrentCertificateThumbprint", "AB") }},
		"no certificate":                {"oauth-certificate", false, func(h *healthy) { h.set("Get-AuthConfig", "", "CurrentCertificateThumbprint", nil) }},
		"next certificate on no server": {"oauth-certificate-next", false, func(h *healthy) { h.set("Get-AuthConfig", "", "NextCertificateThumbprint", "AB") }},
		"next certificate too late": {"oauth-certificate-next", false, func(h *healthy) {
			h.set("Get-AuthConfig", "", "NextCertificateThumbprint", thumbprint)
			h.set("Get-AuthConfig", "", "NextCertificateEffectiveDate", h.expires.AddDate(0, 0, 1))
		}},
		"no OAuth with Exchange Online": {"oauth-exchange-online", false, func(h *healthy) {
			h.more["Get-IntraOrganizationConnector"] = nil
			h.drop("Get-AuthServer", "Type", "MicrosoftACS")
		}},
		"ACS disabled":                 {"acs", false, func(h *healthy) { h.set("Get-AuthServer", "ACS - 1", "Enabled", false) }},
		"ACS of a tenant missing":      {"acs", false, func(h *healthy) { h.drop("Get-AuthServer", "Name", "ACS - 2") }},
		"partner application disabled": {"partner-application", false, func(h *healthy) { h.set("Get-PartnerApplication", "Exchange Online", "Enabled", false) }},
		"partner application of another id": {"partner-application", false, func(h *healthy) {
			h.set("Get-PartnerApplication", "Exchange Online", "ApplicationIdentifier", wellknown.Graph)
		}},
		"connector disabled":      {"intra-organization-connector", false, func(h *healthy) { h.set("Get-IntraOrganizationConnector", "", "Enabled", false) }},
		"connector leads nowhere": {"intra-organization-connector", false, func(h *healthy) { h.set("Get-IntraOrganizationConnector", "", "DiscoveryEndpoint", "") }},
		"no connector":            {"intra-organization-connector", false, func(h *healthy) { h.more["Get-IntraOrganizationConnector"] = nil }},
		"certificate not uploaded": {"certificate-uploaded dedicated-hybrid-application", true, func(h *healthy) {
			h.more["Get-SettingOverride"] = nil
			h.set("Get-AuthServer", evoSTS, "ApplicationIdentifier", "")
			h.set("Get-AuthServer", otherSTS, "ApplicationIdentifier", "")
		}},
		"certificate not in the dedicated application":      {"certificate-uploaded", true, func(h *healthy) { h.app.KeyCredentials[0].CustomIdentifier = make([]byte, 20) }},
		"certificate ended in the dedicated application":    {"certificate-uploaded", true, func(h *healthy) { h.app.KeyCredentials[0].Ends = noon }},
		"dedicated application of the other tenant missing": {"certificate-uploaded", true, func(h *healthy) { h.other.app = nil }},
		"dedicated application, no override":                {"dedicated-hybrid-application", false, func(h *healthy) { h.more["Get-SettingOverride"] = nil }},
		"override for one server":                           {"dedicated-hybrid-application", false, func(h *healthy) { h.set("Get-SettingOverride", "", "Server", []string{"EX1"}) }},
		"override, no dedicated application": {"dedicated-hybrid-application", false, func(h *healthy) {
			for sts, tenant := range map[string]*organisation{evoSTS: h.organisation, otherSTS: h.other} {
				h.set("Get-AuthServer", sts, "ApplicationIdentifier", nil)
				tenant.sp.KeyCredentials = tenant.app.KeyCredentials
			}
		}},
		"key on the shared principal": {"shared-principal-keys", false, func(h *healthy) { h.sp.KeyCredentials = []graph.KeyCredential{{ID: "1"}} }},
		"clock ahead":                 {"clock", false, func(h *healthy) { h.date = noon.Add(6 * time.Minute) }},
		"clock behind":                {"clock", false, func(h *healthy) { h.date = noon.Add(-time.Hour) }},
		"a server answers 503": {"servers-answer application-proxy clock ssl-offloading", false, func(h *healthy) {
			h.meets = func(server string) int {
				if server == "EX1" {
					return 503
				}
				return 0
			}
		}},
		"servers answer late": {"servers-answer", true, func(h *healthy) {
			h.meets = func(string) int { h.now = h.now.Add(3 * time.Second); return 0 }
		}},
		"proxy on one server": {"outbound-proxy", false, func(h *healthy) {
			h.set("Get-ExchangeServer", "EX1", "InternetWebProxy", "http://proxy.contoso.com:8080")
		}},
		"Hybrid Agent": {"hybrid-agent", false, func(h *healthy) {
			h.set("Get-IntraOrganizationConnector", "", "TargetSharingEpr", "https://a.resource.mailboxmigration.his.msappproxy.net/EWS/Exchange.asmx")
		}},
		// Versions
		"2013 RTM":         {"build-hma build-owa-ecp end-of-support", false, old("15.0 (Build 516.32)")},
		"2016 CU7":         {"build-hma build-owa-ecp end-of-support", false, old("15.1 (Build 1261.35)")},
		"2019 CU6":         {"build-several-tenants build-owa-ecp end-of-support", false, old("15.2 (Build 659.4)")},
		"2019 CU13":        {"build-owa-ecp end-of-support", false, old("15.2 (Build 1258.12)")},
		"2019 CU14, April": {"end-of-support", true, old("15.2 (Build 1544.11)")},
		"one server newer": {"builds-uniform", true, func(h *healthy) {
			h.set("Get-ExchangeServer", "EX1", "AdminDisplayVersion", "Version 15.2 (Build 2562.20)")
		}},
		"policy on 2019 CU12":        {"build-policies build-owa-ecp end-of-support", false, func(h *healthy) { h.policy("BlockModernAuthMapi"); h.build = "Version 15.2 (Build 1118.7)" }},
		"MAPI over HTTP off":         {"mapi-http", false, func(h *healthy) { h.set("Get-OrganizationConfig", "", "MapiHttpEnabled", false) }},
		"MAPI over HTTP off for one": {"mapi-http-mailboxes", false, func(h *healthy) { h.set("Get-CASMailbox", "guid of ada", "MapiHttpEnabled", false) }},
		// People
		"cloud account disabled":    {"users-synchronised who-loses-access", false, func(h *healthy) { h.users[0].AccountEnabled = false }},
		"namesake in the cloud":     {"users-synchronised who-loses-access", false, func(h *healthy) { h.users[0].OnPremisesSyncEnabled = false }},
		"no cloud account":          {"users-synchronised who-loses-access", false, func(h *healthy) { h.users = h.users[1:] }},
		"administrator out of sync": {"administrators-synchronised who-loses-access", false, func(h *healthy) { h.users[1].AccountEnabled = false }},
		"address is not the name": {"upn-and-address", true, func(h *healthy) {
			h.set("Get-Mailbox", "guid of ada", "EmailAddresses", []string{"SMTP:a.lovelace@contoso.com"})
			h.set("Get-Mailbox", "guid of ada", "PrimarySmtpAddress", "a.lovelace@contoso.com")
		}},
		"name differs in the cloud": {"upn-and-address", true, func(h *healthy) {
			h.users[0].UserPrincipalName = "al@contoso.com"
			h.set("Get-Mailbox", "guid of ada", "EmailAddresses", []string{"SMTP:ada@contoso.com", "smtp:al@contoso.com"})
		}},
		"address of two": {"ambiguous-identities", false, func(h *healthy) {
			h.set("Get-Mailbox", "guid of admin", "EmailAddresses", []string{"SMTP:admin@contoso.com", "smtp:ada@contoso.com"})
		}},
		"linked mailbox": {"linked-mailboxes who-loses-access", false, func(h *healthy) {
			h.set("Get-User", "guid of ada", "RecipientTypeDetails", "LinkedMailbox")
			h.set("Get-User", "guid of ada", "UserAccountControl", "AccountDisabled, NormalAccount")
		}},
		"linked mailbox, override": {"linked-mailboxes", true, func(h *healthy) {
			h.set("Get-User", "guid of ada", "RecipientTypeDetails", "LinkedMailbox")
			h.override("OAuth", "OwaHMAFixForAfRfScenarios")
		}},
		"default policy blocks": {"modern-auth-blocked", true, func(h *healthy) {
			h.policy("BlockModernAuthMapi")
			h.set("Get-OrganizationConfig", "", "DefaultAuthenticationPolicy", "Staged")
		}},
		"somebody's policy": {"policy-users", true, func(h *healthy) {
			h.policy("BlockModernAuthActiveSync")
			h.set("Get-User", "guid of ada", "AuthenticationPolicy", "Staged")
		}},
		"policy blocks both ways": {"policy-contradiction", false, func(h *healthy) { h.policy("BlockModernAuthMapi", "BlockLegacyAuthMapi") }},
		"somebody has no way in": {"policy-contradiction who-loses-access", false, func(h *healthy) {
			h.policy("BlockModernAuthMapi", "BlockLegacyAuthMapi")
			h.set("Get-User", "guid of ada", "AuthenticationPolicy", "Staged")
		}},
		"passwords in the records": {"legacy-clients", true, func(h *healthy) {
			h.records += "\n" + `{"time":"2026-11-23T08:00:00Z","msg":"request","door":"ActiveSync","authn":"Basic","user":"ada@contoso.com","agent":"Apple-iPhone9C1/1401.403"}`
		}},
		"passwords in an HttpProxy log": {"legacy-clients", true, func(h *healthy) {
			h.records += "\n#Fields: DateTime,Protocol,AuthenticationType,AuthenticatedUser,UserAgent\n2026-11-23T08:00:00.123Z,Eas,Basic,CONTOSO\\ada,Apple-iPhone9C1/1401.403"
		}},
		"logs that could not be collected": {"legacy-clients", true, func(h *healthy) { h.records += "\n" + `{"msg":"missing","server":"EX2","problem":"Access is denied."}` }},
		"an old snapshot": {"snapshot-age", true, func(h *healthy) {
			h.collected = []target.Collection{{Part: target.PartExchange, At: h.now.AddDate(0, 0, -8)}}
		}},
		"a snapshot of some time":    {"snapshot-age", true, func(h *healthy) { h.collected = []target.Collection{{Part: target.PartExchange}} }},
		"application without rights": {"app-only-accounts", true, func(h *healthy) { h.set("Get-PartnerApplication", "", "LinkedAccount", nil) }},
		// Web and phones
		"download domains": {"download-domains", false, func(h *healthy) { h.set("Get-OrganizationConfig", "", "EnableDownloadDomains", true) }},
		"download domain is OWA's": {"download-domains", false, func(h *healthy) {
			h.set("Get-OrganizationConfig", "", "EnableDownloadDomains", true)
			h.override("OAuth", "OAuthIdentityCacheFixForDownloadDomains")
			h.set("Get-OwaVirtualDirectory", "", "ExternalDownloadHostName", "mail.contoso.com")
		}},
		"no consent":      {"client-consent", true, func(h *healthy) { h.consent = "Principal" }},
		"firewall closed": {"autodetect", false, func(h *healthy) { h.firewall = "*filter\n:INPUT DROP [0:0]\n" }},
		"firewall half open": {"autodetect", false, func(h *healthy) {
			h.firewall = "*filter\n:INPUT DROP [0:0]\n-A INPUT -s 52.125.128.0/20 -p tcp --dport 443 -j ACCEPT\n"
		}},
		"firewall export unreadable": {"autodetect", false, func(h *healthy) { h.firewall = "permit ip any any" }},
	}
	said := func(list []rule.Finding) map[string]rule.Finding {
		by := map[string]rule.Finding{}
		for _, x := range list {
			by[x.Rule+": "+x.Summary] = x
		}
		return by
	}
	before := said(newHealthy().judge(t))
	met := map[string]bool{"outside-hma": true}
	for name, m := range mutations {
		t.Run(name, func(t *testing.T) {
			h := newHealthy()
			m.spoil(h)
			rules := strings.Fields(m.rules)
			met[rules[0]] = true
			var found []string
			for summary, x := range said(h.judge(t)) {
				if _, was := before[summary]; was {
					continue
				}
				if !slices.Contains(found, x.Rule) {
					found = append(found, x.Rule)
				}
				if len(x.Evidence) == 0 || x.Why == "" || x.Repair == "" || x.Source == "" {
					t.Errorf("without evidence, reason or repair: %+v", x)
				}
				if x.Rule == rules[0] && (x.Severity == rule.Note) != m.note {
					t.Errorf("%s is a %s: %v", x.Summary, x.Severity, x.Evidence)
				}
			}
			slices.Sort(rules)
			slices.Sort(found)
			if !slices.Equal(found, rules) {
				t.Errorf("found by %v, want %v", found, rules)
			}
			repaired(t, h, m.rules, name)
		})
	}
	for _, r := range rule.All() {
		if !met[r.ID] && r.ID != "who-loses-access" {
			t.Errorf("no mutation is meant for %s", r.ID)
		}
	}
	if len(mutations) < 60 {
		t.Errorf("only %d mutations", len(mutations))
	}
}

// repairable are the rules whose faults a plan repairs.
var repairable = []string{"spn-list", "autodiscover-names", "reply-urls", "oauth-virtual-directories", "directory-drift", "owa-ecp-methods", "default-authorization-endpoint", "oauth2-client-profile"}

// notRepaired are the mutations of those rules that a plan leaves to somebody, with the reason.
var notRepaired = map[string]string{
	"two default endpoints": "somebody has to choose one", "default endpoint is ACS": "somebody has to know why",
	"no OAB": "a virtual directory has to be made", "http URL": "somebody has to choose a URL",
	"Basic on MAPI in IIS alone": "no cmdlet changes IIS", "Basic on EWS in IIS alone": "no cmdlet changes IIS", "Windows off OAB in IIS alone": "no cmdlet changes IIS",
}

// repaired applies the plan for a spoiled organisation, after which the rule that was meant is silent.
func repaired(t *testing.T, h *healthy, rules, name string) {
	t.Helper()
	meant, _, _ := strings.Cut(rules, " ")
	if !slices.Contains(repairable, meant) || notRepaired[name] != "" {
		return
	}
	p := h.engine(t, t.TempDir())
	plan, err := p.MakePlan(t.Context(), Choices{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Apply(t.Context(), plan); err != nil {
		t.Fatalf("repair it: %v", err)
	}
	for _, x := range h.judge(t) {
		if x.Rule == meant && x.Severity == rule.Fault {
			t.Errorf("repaired, and still %s %v", x.Summary, x.Evidence)
		}
	}
}

// Each source that cannot be read makes the rules that need it say so, and nobody else's judgement changes.
func TestUnreadSources(t *testing.T) {
	for _, cmdlet := range []string{"Get-IntraOrganizationConnector", "Get-PartnerApplication", "Get-SettingOverride", "Get-Mailbox", "Get-CASMailbox", "Get-AcceptedDomain"} {
		h := newHealthy()
		h.broken = func(name string) error {
			if name == cmdlet {
				return errors.New("not supported by this organisation")
			}
			return nil
		}
		n := 0
		for _, x := range h.judge(t) {
			switch x.Severity {
			case rule.NotChecked:
				n++
			case rule.Fault:
				t.Errorf("%s unread: %s %s", cmdlet, x.Rule, fmt.Sprint(x.Evidence))
			}
		}
		if n == 0 {
			t.Errorf("%s unread: nothing is not checked", cmdlet)
		}
	}
}
