package cmdlet_test

import (
	"strings"
	"testing"

	"hma/exchange/org"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

func TestPartnerApplication(t *testing.T) {
	l := newLab(t)
	stock := l.ok("Get-PartnerApplication").Output
	if len(stock) != 2 || stock[0].String("Name") != "Exchange Online" || stock[0].String("ApplicationIdentifier") != wellknown.Exchange ||
		stock[0].String("LinkedAccount") != "contoso.com/Users/Exchange Online-ApplicationAccount" || !stock[1].Bool("AcceptSecurityIdentifierInformation") {
		t.Fatalf("the stock applications are %v", stock)
	}
	want := "Enabled ApplicationIdentifier CertificateStrings AuthMetadataUrl Realm UseAuthServer AcceptSecurityIdentifierInformation LinkedAccount DeploymentId IssuerIdentifier AccountType AppOnlyPermissions ActAsPermissions AdminDisplayName ExchangeVersion Name DistinguishedName Identity"
	if got := strings.Join(names(stock[0]), " "); !strings.HasPrefix(got, want) {
		t.Errorf("properties are %s", got)
	}
	l.ok("Set-PartnerApplication", "Identity", "exchange online", "Enabled", false)
	res := l.reg.Run(t.Context(), admin, psobject.Invocation{Cmdlet: "Set-PartnerApplication", Input: stock[:1], Parameters: []psobject.Property{{Name: "Enabled", Value: true}}})
	if res.Error != nil || !l.ok("Get-PartnerApplication", "Identity", "Exchange Online").Output[0].Bool("Enabled") {
		t.Errorf("enabling through the pipeline: %v", res.Error)
	}
	l.refused("InvalidOperation", "no application id", "New-PartnerApplication", "Name", "X", "ApplicationIdentifier", "x")
	l.refused("ObjectNotFound", "nobody", "New-PartnerApplication", "Name", "X", "ApplicationIdentifier", wellknown.AzureCLI, "LinkedAccount", "nobody@contoso.com")
	o := l.ok("New-PartnerApplication", "Name", "X", "ApplicationIdentifier", wellknown.AzureCLI, "LinkedAccount", "bob@contoso.com", "ActAsPermissions", []string{"Mail.Read", "Mail.Write"}).Output[0]
	if o.String("LinkedAccount") != "contoso.com/Users/Bob" || !o.Bool("Enabled") {
		t.Errorf("made %v", o)
	}
	l.refused("InvalidOperation", "1 entry: Mail.Write", "Set-PartnerApplication", "Identity", "X", "ActAsPermissions", "Mail.Read")
	l.ok("Set-PartnerApplication", "Identity", "X", "ActAsPermissions", psobject.Edit{Remove: []string{"mail.write"}}, "LinkedAccount", nil, "Name", "Y")
	if o := l.ok("Get-PartnerApplication", "Identity", "Y").Output[0]; o.String("ActAsPermissions") != "{Mail.Read}" || o.String("LinkedAccount") != "" {
		t.Errorf("changed %v", o)
	}
}

func TestIntraOrganizationConnector(t *testing.T) {
	l := newLab(t)
	const endpoint = "https://autodiscover-s.outlook.com/autodiscover/autodiscover.svc"
	l.refused("InvalidOperation", "no https URL", "New-IntraOrganizationConnector", "Name", "X", "DiscoveryEndpoint", "http://x/", "TargetAddressDomains", "contoso.mail.onmicrosoft.com")
	l.refused("InvalidOperation", "no mail domain", "New-IntraOrganizationConnector", "Name", "X", "DiscoveryEndpoint", endpoint, "TargetAddressDomains", "a@b.c")
	l.ok("New-IntraOrganizationConnector", "Name", "X", "DiscoveryEndpoint", endpoint, "TargetAddressDomains", "contoso.mail.onmicrosoft.com", "WhatIf", true)
	o := l.ok("New-IntraOrganizationConnector", "Name", "HybridIOC - 1", "DiscoveryEndpoint", endpoint, "TargetAddressDomains", "contoso.mail.onmicrosoft.com").Output[0]
	if got := strings.Join(names(o)[:5], " "); got != "Name TargetAddressDomains DiscoveryEndpoint TargetSharingEpr Enabled" || !o.Bool("Enabled") {
		t.Errorf("made %v", o)
	}
	l.ok("Set-IntraOrganizationConnector", "Identity", "hybridioc - 1", "Enabled", false, "TargetAddressDomains", psobject.Edit{Add: []string{"b.mail.onmicrosoft.com"}})
	if all := l.ok("Get-IntraOrganizationConnector").Output; len(all) != 1 || all[0].Bool("Enabled") || all[0].String("TargetAddressDomains") != "{contoso.mail.onmicrosoft.com, b.mail.onmicrosoft.com}" {
		t.Errorf("connectors %v", all)
	}
	l.refused("InvalidOperation", "at least one", "Set-IntraOrganizationConnector", "Identity", "HybridIOC - 1", "TargetAddressDomains", []string{}, "Force", true)
	l.ok("Remove-IntraOrganizationConnector", "Identity", "HybridIOC - 1")
	if all := l.ok("Get-IntraOrganizationConnector").Output; len(all) != 0 {
		t.Errorf("connectors %v", all)
	}
}

func TestRemoveAuthenticationPolicy(t *testing.T) {
	l := newLab(t)
	l.ok("New-AuthenticationPolicy", "Name", "Block", "BlockModernAuthMapi", true)
	l.ok("Set-OrganizationConfig", "DefaultAuthenticationPolicy", "Block")
	l.refused("InvalidOperation", "the organisation's default", "Remove-AuthenticationPolicy", "Identity", "Block")
	l.ok("Set-OrganizationConfig", "DefaultAuthenticationPolicy", nil)
	l.ok("Set-User", "Identity", "anna@contoso.com", "AuthenticationPolicy", "Block")
	l.refused("InvalidOperation", "applies to 1 person, Anna", "Remove-AuthenticationPolicy", "Identity", "Block")
	l.ok("Set-User", "Identity", "anna@contoso.com", "AuthenticationPolicy", nil)
	l.ok("Remove-AuthenticationPolicy", "Identity", "block", "WhatIf", true)
	l.ok("Remove-AuthenticationPolicy", "Identity", "block")
	l.refused("ObjectNotFound", "couldn't be found", "Remove-AuthenticationPolicy", "Identity", "Block")
}

// TestOlderOrganization opens an organisation that has no partner applications yet.
func TestOlderOrganization(t *testing.T) {
	l := newLab(t)
	_, _, err := l.org.Change(t.Context(), func(c *org.Configuration) error { c.Partners = nil; return nil })
	l.must(err)
	if got := l.ok("Get-PartnerApplication").Output; len(got) != 0 {
		t.Fatalf("%d partner applications are left", len(got))
	}
	l.reopen()
	if got := l.ok("Get-PartnerApplication").Output; len(got) != 2 {
		t.Errorf("opened, the organisation has %d partner applications", len(got))
	}
}
