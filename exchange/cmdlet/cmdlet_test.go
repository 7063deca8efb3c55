package cmdlet_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hma/exchange/cmdlet"
	"hma/exchange/org"
	"hma/internal/sealed"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/psobject"
)

var start = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

var admin = cmdlet.Caller{Name: "admin@contoso.com", Administrator: true}

// fetcher answers every metadata document but one.
type fetcher struct{ calls int }

func (f *fetcher) FetchMetadata(_ context.Context, url, _ string) (cmdlet.Metadata, error) {
	f.calls++
	if strings.Contains(url, "unreachable") {
		return cmdlet.Metadata{}, fmt.Errorf("dial %s: secret detail", url)
	}
	return cmdlet.Metadata{Issuer: "https://sts/t/", Realm: "t", Certificates: []string{"MII="}}, nil
}

// lab is an organisation with two servers that run, and its cmdlets.
type lab struct {
	*testing.T
	org   *org.Organization
	reg   *cmdlet.Registry
	fetch fetcher
	open  func() *org.Organization
	db    *sqldb.DB
}

// reopen opens the organisation again, as a program of today does with the data of an older one.
func (l *lab) reopen() {
	l.Helper()
	l.org.Close()
	l.org = l.open()
	l.reg = cmdlet.New(l.org, cmdlet.Options{Now: func() time.Time { return start }, Fetch: &l.fetch})
}

func newLab(t *testing.T) *lab {
	t.Helper()
	l := &lab{T: t}
	now := func() time.Time { return start }
	db, key := sqldbtest.Memory(t), sealed.New()
	l.db = db
	l.open = func() *org.Organization {
		o, err := org.Open(t.Context(), db, org.Options{Now: now, PickUp: time.Hour, Key: key, PasswordCost: bcrypt.MinCost})
		l.must(err)
		t.Cleanup(o.Close)
		return o
	}
	l.org = l.open()
	l.must(l.org.CreateOrganization(t.Context(), org.NewOrganization{Name: "Contoso", Domain: "contoso.com"}))
	for i, version := range []org.Version{org.MinimumSignIn, {15, 2, 1544, 9}} {
		name := fmt.Sprintf("EX%d", i+1)
		l.must(l.org.CreateServer(t.Context(), org.NewServer{Name: name, FQDN: strings.ToLower(name) + ".contoso.com", Version: version}))
	}
	for _, p := range []org.Recipient{org.NewRecipient("anna@contoso.com", "Anna"), org.NewRecipient("bob@contoso.com", "Bob"), org.NewRecipient("administrator@contoso.com", "Administrator")} {
		p.CriticalSystemObject = p.DisplayName == "Administrator"
		p.Administrator = p.CriticalSystemObject
		if !p.Administrator {
			p.ImmutableID, p.ObjectID = p.SourceAnchor(), p.GUID.String()
		}
		_, err := l.org.CreateRecipient(t.Context(), p)
		l.must(err)
	}
	for i := range 2 {
		s, err := l.org.Server(t.Context(), fmt.Sprintf("EX%d", i+1))
		l.must(err)
		t.Cleanup(s.Close)
	}
	l.reg = cmdlet.New(l.org, cmdlet.Options{Now: now, Fetch: &l.fetch})
	return l
}

func (l *lab) must(err error) {
	l.Helper()
	if err != nil {
		l.Fatal(err)
	}
}

// run takes name and value in turn.
func (l *lab) run(name string, args ...any) psobject.Result {
	l.Helper()
	inv := psobject.Invocation{Cmdlet: name}
	for i := 0; i < len(args); i += 2 {
		inv.Parameters = append(inv.Parameters, psobject.Property{Name: args[i].(string), Value: args[i+1]})
	}
	return l.reg.Run(l.Context(), admin, inv)
}

func (l *lab) ok(name string, args ...any) psobject.Result {
	l.Helper()
	res := l.run(name, args...)
	if res.Error != nil {
		l.Fatalf("%s %v: %v", name, args, res.Error)
	}
	return res
}

// refused wants an error of the category whose message holds the text.
func (l *lab) refused(category, text, name string, args ...any) {
	l.Helper()
	res := l.run(name, args...)
	if res.Error == nil {
		l.Errorf("%s %v was done; want: %s", name, args, text)
	} else if res.Error.Category != category || !strings.Contains(res.Error.Message, text) {
		l.Errorf("%s %v: %s: %s; want %s: ...%s...", name, args, res.Error.Category, res.Error.Message, category, text)
	}
}

func names(o psobject.Object) []string {
	var list []string
	for _, p := range o.Properties {
		list = append(list, p.Name)
	}
	return list
}

func TestCommandsAreComplete(t *testing.T) {
	l := newLab(t)
	seen := map[string]bool{}
	for _, c := range l.reg.Commands() {
		if c.Synopsis == "" || c.Asks == "" || seen[strings.ToLower(c.Name)] {
			t.Errorf("%s has no synopsis, names no reason, or is there twice", c.Name)
		}
		seen[strings.ToLower(c.Name)] = true
		for set, params := range c.Sets {
			for _, p := range params {
				if !slices.ContainsFunc(c.Params, func(q psobject.Parameter) bool { return q.Name == p }) {
					t.Errorf("%s: the set %s has %s, which is no parameter", c.Name, set, p)
				}
			}
		}
	}
	for _, want := range []string{"get-mapivirtualdirectory", "set-ecpvirtualdirectory", "restart-service", "get-rolegroupmember"} {
		if !seen[want] {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestUnknownNamesAndCallers(t *testing.T) {
	l := newLab(t)
	l.refused("NotImplemented", "not supported", "get-mailboxserver")
	l.refused("ObjectNotFound", "not recognized", "Get-Nothing")
	l.refused("InvalidArgument", "matches parameter name 'Nope'", "Get-AuthServer", "Nope", true)
	l.refused("InvalidArgument", "mandatory", "Set-AuthServer", "Enabled", true)
	l.refused("InvalidArgument", "not a Boolean", "Set-OrganizationConfig", "OAuth2ClientProfileEnabled", "True")
	l.refused("InvalidArgument", "more than once", "Get-AuthServer", "Identity", "a", "identity", "b")
	res := l.reg.Run(t.Context(), cmdlet.Caller{Name: "anna@contoso.com"}, psobject.Invocation{Cmdlet: "Get-AuthServer"})
	if res.Error == nil || res.Error.Category != "PermissionDenied" {
		t.Errorf("a plain user: %v", res.Error)
	}
}

// TestPropertyOrder compares the order of properties where Exchange's is known or chosen.
func TestPropertyOrder(t *testing.T) {
	l := newLab(t)
	tail := "AdminDisplayName ExchangeVersion %sDistinguishedName Identity Guid ObjectCategory ObjectClass WhenChanged WhenCreated WhenChangedUTC WhenCreatedUTC OrganizationId Id OriginatingServer IsValid ObjectState"
	for name, want := range map[string]string{
		"Get-WebServicesVirtualDirectory": "CertificateAuthentication InternalNLBBypassUrl GzipLevel MRSProxyEnabled Name InternalAuthenticationMethods ExternalAuthenticationMethods LiveIdNegotiateAuthentication WSSecurityAuthentication LiveIdBasicAuthentication BasicAuthentication DigestAuthentication WindowsAuthentication OAuthAuthentication AdfsAuthentication MetabasePath Path ExtendedProtectionTokenChecking ExtendedProtectionFlags ExtendedProtectionSPNList AdminDisplayVersion Server InternalUrl ExternalUrl " + fmt.Sprintf(tail, ""),
		"Get-MapiVirtualDirectory":        "IISAuthenticationMethods MetabasePath Path ExtendedProtectionTokenChecking ExtendedProtectionFlags ExtendedProtectionSPNList AdminDisplayVersion Server InternalUrl InternalAuthenticationMethods ExternalUrl ExternalAuthenticationMethods " + fmt.Sprintf(tail, "Name "),
		"Get-AuthConfig":                  "CurrentCertificateThumbprint PreviousCertificateThumbprint NextCertificateThumbprint NextCertificateEffectiveDate ServiceName Realm DeploymentId IssuerIdentifier Name " + fmt.Sprintf(tail, ""),
	} {
		res := l.ok(name)
		if got := strings.Join(names(res.Output[0]), " "); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", name, got, want)
		}
	}
}

func TestVirtualDirectoryStockValues(t *testing.T) {
	l := newLab(t)
	for name, want := range map[string]string{
		"Get-MapiVirtualDirectory":         "{Ntlm, OAuth, Negotiate}",
		"Get-WebServicesVirtualDirectory":  "{Ntlm, WindowsIntegrated, WSSecurity, OAuth}",
		"Get-OabVirtualDirectory":          "{WindowsIntegrated, OAuth}",
		"Get-AutodiscoverVirtualDirectory": "{Basic, Ntlm, WindowsIntegrated, WSSecurity, OAuth}",
		"Get-ActiveSyncVirtualDirectory":   "{}",
		"Get-OwaVirtualDirectory":          "{Basic, Fba}",
		"Get-EcpVirtualDirectory":          "{Basic, Fba}",
	} {
		res := l.ok(name, "Server", "ex1")
		if len(res.Output) != 1 {
			t.Fatalf("%s -Server ex1 gives %d objects", name, len(res.Output))
		}
		if got := res.Output[0].String("InternalAuthenticationMethods"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		if got := res.Output[0].String("AdminDisplayVersion"); got != "Version 15.2 (Build 1544.11)" {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestVirtualDirectoryIdentities(t *testing.T) {
	l := newLab(t)
	all := l.ok("Get-OwaVirtualDirectory").Output
	for _, identity := range []string{`ex1\OWA (default web site)`, all[0].String("Guid"), all[0].String("DistinguishedName")} {
		if res := l.ok("Get-OwaVirtualDirectory", "Identity", identity); len(res.Output) != 1 || res.Output[0].String("Server") != "EX1" {
			t.Errorf("%s gives %d objects", identity, len(res.Output))
		}
	}
	if res := l.ok("Get-OwaVirtualDirectory", "Identity", "owa (Default Web Site)"); len(res.Output) != 2 {
		t.Errorf("the bare name gives %d objects", len(res.Output))
	}
	l.refused("InvalidArgument", "several", "Set-OwaVirtualDirectory", "Identity", "owa (Default Web Site)", "ExternalUrl", "https://mail.contoso.com/owa")
	l.refused("ObjectNotFound", "couldn't be found", "Get-OwaVirtualDirectory", "Identity", "EX1\\nothing")
	l.refused("InvalidArgument", "together", "Get-OwaVirtualDirectory", "Identity", "x", "Server", "EX1")
}

// TestDirectoryAndLiveValues sets a value that the servers have not taken up yet.
func TestDirectoryAndLiveValues(t *testing.T) {
	l := newLab(t)
	id := `EX1\EWS (Default Web Site)`
	l.ok("Set-WebServicesVirtualDirectory", "Identity", id, "ExternalUrl", "https://mail.contoso.com/EWS/Exchange.asmx")
	if got := l.ok("Get-WebServicesVirtualDirectory", "Identity", id).Output[0].String("ExternalUrl"); got != "" {
		t.Errorf("the server runs %q before it took the change up", got)
	}
	ad := l.ok("Get-WebServicesVirtualDirectory", "Identity", id, "ADPropertiesOnly", true).Output[0]
	if ad.String("ExternalUrl") == "" || ad.Bool("OAuthAuthentication") || ad.String("Path") != "" {
		t.Error("-ADPropertiesOnly shows the live URL, or reads IIS")
	}
	l.ok("Restart-Service", "Name", []string{"W3SVC", "WAS"}, "Force", true)
	if got := l.ok("Get-WebServicesVirtualDirectory", "Identity", id).Output[0].String("ExternalUrl"); got == "" {
		t.Error("a restart did not take the change up")
	}
	res := l.ok("Set-WebServicesVirtualDirectory", "Identity", id, "OAuthAuthentication", true)
	if len(res.Warnings) != 1 || !strings.HasPrefix(res.Warnings[0], "The command completed successfully but no settings of 'EX1\\EWS (Default Web Site)'") {
		t.Errorf("warnings %q", res.Warnings)
	}
	l.ok("Set-WebServicesVirtualDirectory", "Identity", id, "ExternalUrl", nil)
	out := l.ok("Get-ExchangeDiagnosticInfo", "Process", "Microsoft.Exchange.Directory.TopologyService", "Component", "VariantConfiguration", "Argument", "Refresh").Output
	if len(out) != 2 || !strings.Contains(out[0].String("Result"), "<serverName>EX1</serverName>") {
		t.Errorf("refresh reports %v", out)
	}
	if got := l.ok("Get-WebServicesVirtualDirectory", "Identity", id).Output[0].String("ExternalUrl"); got != "" {
		t.Error("a refresh did not take the change up")
	}
}

func TestLists(t *testing.T) {
	l := newLab(t)
	id := `EX1\mapi (Default Web Site)`
	l.refused("InvalidArgument", "IISAuthenticationMethods", "Set-MapiVirtualDirectory", "Identity", id, "ExternalUrl", "https://mail.contoso.com/mapi")
	l.refused("InvalidOperation", "2 entries: Ntlm, Negotiate", "Set-MapiVirtualDirectory", "Identity", id, "IISAuthenticationMethods", []string{"oauth"})
	l.refused("InvalidArgument", "Fba", "Set-MapiVirtualDirectory", "Identity", id, "IISAuthenticationMethods", []string{"Fba"})
	l.ok("Set-MapiVirtualDirectory", "Identity", id, "ExternalUrl", "https://mail.contoso.com/mapi", "IISAuthenticationMethods", []string{"NTLM", "basic", "Negotiate", "OAuth"})
	o := l.ok("Get-MapiVirtualDirectory", "Identity", id, "ADPropertiesOnly", true).Output[0]
	if got := o.String("ExternalAuthenticationMethods"); got != "{Ntlm, Basic, Negotiate, OAuth}" {
		t.Errorf("methods are %s", got)
	}
	if res := l.ok("Set-MapiVirtualDirectory", "Identity", id, "IISAuthenticationMethods", []string{"OAuth", "Negotiate", "Ntlm", "Basic"}); len(res.Warnings) != 1 {
		t.Error("another order of the same methods counts as a change")
	}
	l.ok("Set-MapiVirtualDirectory", "Identity", id, "IISAuthenticationMethods", []string{"OAuth"}, "Force", true)
	for _, bad := range []string{"http://mail.contoso.com/EWS", "mail.contoso.com", "https://u:p@mail.contoso.com/", "https:///x"} {
		l.refused("InvalidArgument", "no https URL", "Set-OabVirtualDirectory", "Identity", `EX1\OAB (Default Web Site)`, "InternalUrl", bad)
	}
}

// TestSignInForthAndBack plays the how-to's steps 10 and 11 and their reverse with the recorded values.
func TestSignInForthAndBack(t *testing.T) {
	l := newLab(t)
	set := func(noun string, args ...any) []any {
		return append([]any{"Set-" + noun + "VirtualDirectory", "Identity", "EX1\\" + strings.ToLower(noun) + " (Default Web Site)"}, args...)
	}
	off := []any{"AdfsAuthentication", false, "BasicAuthentication", false, "FormsAuthentication", false, "DigestAuthentication", false}
	on := []any{"AdfsAuthentication", false, "BasicAuthentication", true, "FormsAuthentication", true, "DigestAuthentication", false}
	do := func(args []any) { l.Helper(); l.ok(args[0].(string), args[1:]...) }
	refuse := func(text string, args []any) {
		l.Helper()
		l.refused("InvalidArgument", text, args[0].(string), args[1:]...)
	}
	refuse("while Adfs, Basic, Forms or Digest", set("Owa", "OAuthAuthentication", true))
	refuse("while Adfs, Basic, Forms or Digest", set("Ecp", "OAuthAuthentication", true))
	refuse("on OWA first", set("Ecp", off...))
	do(set("Owa", off...))
	refuse("Enable OAuthAuthentication on ECP first", set("Owa", "OAuthAuthentication", true))
	do(set("Ecp", off...))
	do(set("Ecp", "OAuthAuthentication", true))
	do(set("Owa", "OAuthAuthentication", true))
	l.ok("Restart-Service", "Name", "W3SVC")
	if o := l.ok("Get-OwaVirtualDirectory", "Server", "EX1").Output[0]; o.String("InternalAuthenticationMethods") != "{OAuth}" || !o.Bool("OAuthAuthentication") {
		t.Errorf("OWA shows %s", o.String("InternalAuthenticationMethods"))
	}
	refuse("is on OAuth", set("Owa", on...))
	refuse("Disable OAuthAuthentication on OWA first", set("Ecp", "OAuthAuthentication", false))
	do(set("Owa", "OAuthAuthentication", false))
	do(set("Ecp", "OAuthAuthentication", false))
	do(set("Ecp", on...))
	do(set("Owa", on...))

	refuse("needs Basic", set("Owa", "FormsAuthentication", true, "BasicAuthentication", false))
	refuse("needs Basic", set("Owa", "BasicAuthentication", false))
	do(set("Owa", "FormsAuthentication", false, "WindowsAuthentication", true))
	do(set("Owa", "FormsAuthentication", true))
	refuse("on ECP first", set("Owa", "AdfsAuthentication", true))

	old := []any{"Identity", `EX2\owa (Default Web Site)`}
	l.ok("Set-OwaVirtualDirectory", append(slices.Clone(old), off...)...)
	l.ok("Set-EcpVirtualDirectory", append([]any{"Identity", `EX2\ecp (Default Web Site)`}, off...)...)
	l.refused("InvalidArgument", "15.2.1544.11", "Set-EcpVirtualDirectory", "Identity", `EX2\ecp (Default Web Site)`, "OAuthAuthentication", true)
}

func TestPipelineByIdentity(t *testing.T) {
	l := newLab(t)
	objects := l.ok("Get-OabVirtualDirectory").Output
	res := l.reg.Run(t.Context(), admin, psobject.Invocation{Cmdlet: "Set-OabVirtualDirectory", Input: objects,
		Parameters: []psobject.Property{{Name: "BasicAuthentication", Value: true}}})
	if res.Error != nil {
		t.Fatal(res.Error)
	}
	for _, o := range l.ok("Get-OabVirtualDirectory", "ADPropertiesOnly", true).Output {
		if got := o.String("InternalAuthenticationMethods"); got != "{Basic, WindowsIntegrated, OAuth}" {
			t.Errorf("%s: %s", o.String("Identity"), got)
		}
	}
	res = l.reg.Run(t.Context(), admin, psobject.Invocation{Cmdlet: "Get-AuthConfig", Input: objects})
	if res.Error == nil || !strings.Contains(res.Error.Message, "cannot be bound") {
		t.Errorf("input of a cmdlet that takes none: %v", res.Error)
	}
}

func TestAuthServer(t *testing.T) {
	l := newLab(t)
	if got := l.ok("Get-AuthServer").Output; len(got) != 0 {
		t.Errorf("a fresh organisation has %d AuthServer objects", len(got))
	}
	url := "https://login.windows.net/t/federationmetadata/2007-06/federationmetadata.xml"
	l.refused("ResourceUnavailable", "couldn't be read", "New-AuthServer", "Name", "X", "Type", "azuread", "AuthMetadataUrl", "https://unreachable/")
	if res := l.run("New-AuthServer", "Name", "X", "Type", "AzureAD", "AuthMetadataUrl", "https://unreachable/"); strings.Contains(res.Error.Message, "secret") {
		t.Error("an internal error reached the caller")
	}
	made := l.ok("New-AuthServer", "Name", "EvoSts - 1", "Type", "azuread", "AuthMetadataUrl", url, "DomainName", []string{"contoso.onmicrosoft.com", "b.onmicrosoft.com"}).Output[0]
	if made.String("Type") != "AzureAD" || made.String("AuthorizationEndpoint") != "https://login.windows.net/common/oauth2/authorize" || made.String("IssuerIdentifier") != "https://sts/t/" {
		t.Errorf("made %v", made)
	}
	l.ok("New-AuthServer", "Name", "EvoSts - 2", "Type", "AzureAD", "AuthMetadataUrl", url)
	l.ok("New-AuthServer", "Name", "ACS - 1", "AuthMetadataUrl", "https://accounts.accesscontrol.windows.net/t/metadata/json/1")

	l.ok("Set-AuthServer", "Identity", "EVOSTS - 1", "IsDefaultAuthorizationEndpoint", true)
	res := l.ok("Set-AuthServer", "Identity", "EvoSts - 2", "IsDefaultAuthorizationEndpoint", true)
	if len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "'EvoSts - 1' was the default") {
		t.Errorf("warnings %q", res.Warnings)
	}
	for _, o := range l.ok("Get-AuthServer").Output {
		if o.Bool("IsDefaultAuthorizationEndpoint") != (o.String("Name") == "EvoSts - 2") {
			t.Errorf("%s: default %v", o.String("Name"), o.Bool("IsDefaultAuthorizationEndpoint"))
		}
	}
	l.refused("InvalidArgument", "no authorization endpoint", "Set-AuthServer", "Identity", "ACS - 1", "IsDefaultAuthorizationEndpoint", true)
	l.refused("InvalidArgument", "together", "Set-AuthServer", "Identity", "EvoSts - 1", "IsDefaultAuthorizationEndpoint", true, "RefreshAuthMetadata", true)
	l.refused("InvalidOperation", "1 entry: b.onmicrosoft.com", "Set-AuthServer", "Identity", "EvoSts - 1", "DomainName", "contoso.onmicrosoft.com")
	l.ok("Set-AuthServer", "Identity", "EvoSts - 1", "DomainName", "contoso.onmicrosoft.com", "Force", true)
	calls := l.fetch.calls
	if res := l.ok("Set-AuthServer", "Identity", "EvoSts - 1", "RefreshAuthMetadata", true); l.fetch.calls != calls+1 || len(res.Warnings) != 0 {
		t.Errorf("a refresh fetched %d times and warned %q", l.fetch.calls-calls, res.Warnings)
	}
	l.refused("ObjectNotFound", "couldn't be found", "Set-AuthServer", "Identity", "EvoSts - 3", "Enabled", true)
	l.refused("InvalidOperation", "already exists", "New-AuthServer", "Name", "evosts - 1", "Type", "AzureAD", "AuthMetadataUrl", url)
}

func TestOrganizationConfigAndPolicies(t *testing.T) {
	l := newLab(t)
	l.ok("Set-OrganizationConfig", "OAuth2ClientProfileEnabled", true)
	if res := l.ok("Set-OrganizationConfig", "OAuth2ClientProfileEnabled", true); len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "'Contoso'") {
		t.Errorf("warnings %q", res.Warnings)
	}
	l.ok("New-AuthenticationPolicy", "Name", "Block", "BlockModernAuthMapi", true)
	l.ok("Set-OrganizationConfig", "DefaultAuthenticationPolicy", "block")
	before := l.org.PeopleVersion()
	l.ok("Set-AuthenticationPolicy", "Identity", "Block", "BlockModernAuthMapi", false, "BlockModernAuthWebServices", true)
	if l.org.PeopleVersion() == before {
		t.Error("a changed policy does not empty the caches of people and policies")
	}
	o := l.ok("Get-AuthenticationPolicy", "Identity", "Block").Output[0]
	if o.Bool("BlockModernAuthMapi") || !o.Bool("BlockModernAuthWebServices") {
		t.Errorf("the policy is %v", o)
	}
	l.ok("Set-User", "Identity", "anna@contoso.com", "AuthenticationPolicy", "Block")
	if got := l.ok("Get-User", "Identity", "Anna").Output[0].String("AuthenticationPolicy"); got != "Block" {
		t.Errorf("Anna's policy is %q", got)
	}
	l.ok("Set-User", "Identity", "anna@contoso.com", "AuthenticationPolicy", nil)
	l.ok("Set-OrganizationConfig", "DefaultAuthenticationPolicy", nil)
	if got := l.ok("Get-OrganizationConfig").Output[0]; got.String("DefaultAuthenticationPolicy") != "" || !got.Bool("OAuth2ClientProfileEnabled") {
		t.Errorf("the organisation is %v", got)
	}
	l.refused("ObjectNotFound", "couldn't be found", "Set-OrganizationConfig", "DefaultAuthenticationPolicy", "None")
}

func TestPeople(t *testing.T) {
	l := newLab(t)
	var seen []string
	for last := "00000000-0000-0000-0000-000000000000"; ; {
		res := l.ok("Get-User", "ResultSize", "1", "Filter", "Guid -gt '"+last+"'")
		if len(res.Output) == 0 {
			break
		}
		seen = append(seen, res.Output[0].String("Name"))
		last = res.Output[0].String("Guid")
	}
	if slices.Sort(seen); !slices.Equal(seen, []string{"Administrator", "Anna", "Bob"}) {
		t.Errorf("pages give %q", seen)
	}
	if res := l.ok("Get-Mailbox", "ResultSize", int64(1)); len(res.Output) != 1 || len(res.Warnings) != 1 {
		t.Errorf("ResultSize 1 gives %d and warns %q", len(res.Output), res.Warnings)
	}
	for filter, want := range map[string]int{
		"IsDirSynced -eq $false": 1, "ImmutableId -eq $null": 1, "Name -like 'A*'": 2, "Name -like 'a*' -and IsDirSynced -eq $true": 1,
		"EmailAddresses -eq 'SMTP:bob@contoso.com'": 1, "UserPrincipalName -ne 'anna@contoso.com'": 2,
	} {
		if got := l.ok("Get-Mailbox", "Filter", filter).Output; len(got) != want {
			t.Errorf("%s: %d, want %d", filter, len(got), want)
		}
	}
	for _, bad := range []string{"Name", "Name -eq", "Name -match 'x'", "Name -eq 'x", "Name -eq 'x' -or Name -eq 'y'", "Guid -gt 'x'", "Name -like '[a]'", "Name -eq 'x' 'y'"} {
		l.refused("InvalidArgument", "not supported", "Get-User", "Filter", bad)
	}
	l.refused("InvalidArgument", "no property", "Get-User", "Filter", "Nope -eq 'x'")

	critical := l.ok("Get-ADUser", "Filter", "isCriticalSystemObject -eq $true", "Properties", "isCriticalSystemObject").Output
	if len(critical) != 1 || critical[0].String("Name") != "Administrator" || !critical[0].Bool("isCriticalSystemObject") {
		t.Errorf("critical system objects: %v", critical)
	}
	if _, shown := l.ok("Get-ADUser", "Identity", "anna").Output[0].Get("mail"); shown {
		t.Error("attributes are shown that nobody asked for")
	}
	if members := l.ok("Get-RoleGroupMember", "Identity", "organization management").Output; len(members) != 1 || members[0].String("Name") != "Administrator" {
		t.Errorf("administrators: %v", members)
	}

	l.refused("InvalidOperation", "already used by 'Bob'", "Set-User", "Identity", "Anna", "UserPrincipalName", "BOB@contoso.com")
	l.refused("InvalidOperation", "already used by 'Bob'", "Set-Mailbox", "Identity", "Anna", "EmailAddresses", []string{"SMTP:anna@contoso.com", "bob@contoso.com"})
	l.ok("Set-Mailbox", "Identity", "Anna", "PrimarySmtpAddress", "anna.berg@contoso.com")
	if got := l.ok("Get-Mailbox", "Identity", "anna@contoso.com").Output[0].String("EmailAddresses"); got != "{SMTP:anna.berg@contoso.com, smtp:anna@contoso.com}" {
		t.Errorf("addresses are %s", got)
	}
	l.refused("InvalidOperation", "1 entry: anna@contoso.com", "Set-Mailbox", "Identity", "Anna", "EmailAddresses", "SMTP:anna.berg@contoso.com")
	for _, value := range []any{false, true, nil} {
		l.ok("Set-CASMailbox", "Identity", "Bob", "MapiHttpEnabled", value)
		if shown, _ := l.ok("Get-CASMailbox", "Identity", "Bob").Output[0].Get("MapiHttpEnabled"); shown != value {
			t.Errorf("MapiHttpEnabled %v is shown as %v", value, shown)
		}
	}
	l.ok("Set-CASMailbox", "Identity", "Bob", "EwsEnabled", false)
	if l.ok("Get-CASMailbox", "Identity", "Bob").Output[0].Bool("EwsEnabled") {
		t.Error("EWS is still on for Bob")
	}
}

func TestCertificate(t *testing.T) {
	l := newLab(t)
	thumbprint, err := l.org.CreateOAuthCertificate(t.Context(), start.AddDate(-5, 0, 0), start.AddDate(0, 0, -1))
	l.must(err)
	if got := l.ok("Get-AuthConfig").Output[0].String("CurrentCertificateThumbprint"); got != thumbprint {
		t.Errorf("AuthConfig names %s", got)
	}
	list := l.ok("Get-ExchangeCertificate", "Thumbprint", strings.ToLower(thumbprint), "Server", "EX2").Output
	if len(list) != 1 || list[0].String("Status") != "DateInvalid" || !list[0].Bool("HasPrivateKey") || list[0].String("PublicKeySize") != "2048" {
		t.Errorf("the certificate shows as %v", list)
	}
}

func TestClientAccessService(t *testing.T) {
	l := newLab(t)
	o := l.ok("Get-ClientAccessService", "Identity", "ex2.contoso.com").Output[0]
	if got := o.String("autodiscoverserviceinternaluri"); got != "https://ex2.contoso.com/Autodiscover/Autodiscover.xml" {
		t.Errorf("the stock URI is %s", got)
	}
	l.ok("Set-ClientAccessService", "Identity", "EX2", "AutoDiscoverServiceInternalUri", "https://autodiscover.contoso.com/Autodiscover/Autodiscover.xml")
	if got := l.ok("Get-ClientAccessService").Output[1].String("AutoDiscoverServiceInternalUri"); got != "https://autodiscover.contoso.com/Autodiscover/Autodiscover.xml" {
		t.Errorf("the URI is %s", got)
	}
}

// TestLimits holds what Set-Mailbox takes as limits, and what counts of them.
func TestLimits(t *testing.T) {
	l := newLab(t)
	shows := func(want map[string]any) {
		t.Helper()
		o := l.ok("Get-Mailbox", "Identity", "Anna").Output[0]
		for name, value := range want {
			if got, _ := o.Get(name); got != value {
				t.Errorf("%s is %v, want %v", name, got, value)
			}
		}
	}
	shows(map[string]any{"ProhibitSendQuota": "Unlimited", "UseDatabaseQuotaDefaults": true, "RetainDeletedItemsFor": "14.00:00:00", "UseDatabaseRetentionDefaults": true})
	l.ok("Set-Mailbox", "Identity", "Anna", "IssueWarningQuota", "1.5GB", "ProhibitSendQuota", "2 GB (2,147,483,648 bytes)", "ProhibitSendReceiveQuota", "unlimited",
		"UseDatabaseQuotaDefaults", false, "RetainDeletedItemsFor", "30")
	shows(map[string]any{"IssueWarningQuota": "1.5 GB (1,610,612,736 bytes)", "ProhibitSendQuota": "2 GB (2,147,483,648 bytes)", "ProhibitSendReceiveQuota": "Unlimited",
		"UseDatabaseQuotaDefaults": false, "RetainDeletedItemsFor": "30.00:00:00", "UseDatabaseRetentionDefaults": false})
	anna, err := l.org.Find(t.Context(), "Anna")
	if err != nil || len(anna) != 1 {
		t.Fatalf("%d people, error %v", len(anna), err)
	}
	if quota, retain := anna[0].Limits(); quota != (org.Quota{IssueWarning: 1610612736, ProhibitSend: 2147483648}) || retain != 30*24*time.Hour {
		t.Errorf("limits %+v, %v", quota, retain)
	}
	l.ok("Set-Mailbox", "Identity", "Anna", "UseDatabaseQuotaDefaults", true, "UseDatabaseRetentionDefaults", true)
	shows(map[string]any{"IssueWarningQuota": "1.5 GB (1,610,612,736 bytes)", "UseDatabaseQuotaDefaults": true, "RetainDeletedItemsFor": "14.00:00:00"})
	l.refused("InvalidArgument", "must rise", "Set-Mailbox", "Identity", "Anna", "IssueWarningQuota", "3GB")
	l.refused("InvalidArgument", "no size", "Set-Mailbox", "Identity", "Anna", "ProhibitSendQuota", "much")
	l.refused("InvalidArgument", "no time", "Set-Mailbox", "Identity", "Anna", "RetainDeletedItemsFor", "soon")
	if res := l.ok("Get-MailboxStatistics", "Identity", "Anna"); len(res.Output) != 0 || len(res.Warnings) != 1 {
		t.Errorf("statistics of a mailbox that nobody used: %+v", res)
	}
}
