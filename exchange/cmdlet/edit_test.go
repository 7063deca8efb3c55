package cmdlet_test

import (
	"slices"
	"strings"
	"testing"

	"hma/wire/psobject"
)

func TestListEdits(t *testing.T) {
	l := newLab(t)
	mapi := `EX1\mapi (Default Web Site)`
	show := func(property, name string, args ...any) string {
		l.Helper()
		return l.ok(name, args...).Output[0].String(property)
	}
	edit := func(add, remove string) psobject.Edit {
		return psobject.Edit{Add: strings.Fields(add), Remove: strings.Fields(remove)}
	}
	l.ok("Set-MapiVirtualDirectory", "Identity", mapi, "IISAuthenticationMethods", edit("basic oauth", "NTLM"))
	if got := show("IISAuthenticationMethods", "Get-MapiVirtualDirectory", "Identity", mapi, "ADPropertiesOnly", true); got != "{OAuth, Negotiate, Basic}" {
		t.Errorf("methods are %s", got)
	}
	l.refused("InvalidArgument", "at least one", "Set-MapiVirtualDirectory", "Identity", mapi, "IISAuthenticationMethods", edit("", "OAuth Negotiate Basic"))
	l.refused("InvalidArgument", "not one of", "Set-MapiVirtualDirectory", "Identity", mapi, "IISAuthenticationMethods", edit("Fba", ""))
	l.refused("InvalidArgument", "at once", "Set-MapiVirtualDirectory", "Identity", mapi, "IISAuthenticationMethods", edit("Ntlm", "ntlm"))
	l.refused("InvalidArgument", "no entry", "Set-MapiVirtualDirectory", "Identity", mapi, "IISAuthenticationMethods", edit("", ""))

	l.ok("Set-ClientAccessService", "Identity", "EX1", "AutoDiscoverSiteScope", edit("Berlin Bonn", ""))
	l.ok("Set-ClientAccessService", "Identity", "EX1", "AutoDiscoverSiteScope", edit("Paris", "bonn"))
	if got := show("AutoDiscoverSiteScope", "Get-ClientAccessService", "Identity", "EX1"); !strings.HasSuffix(got, "Berlin, Paris}") {
		t.Errorf("the site scope is %s", got)
	}
	if res := l.ok("Set-ClientAccessService", "Identity", "EX1", "AutoDiscoverSiteScope", edit("paris", "Rome")); len(res.Warnings) != 1 {
		t.Errorf("an edit of nothing warns %q", res.Warnings)
	}

	url := "https://login.windows.net/t/federationmetadata/2007-06/federationmetadata.xml"
	l.refused("InvalidArgument", "a list that is there", "New-AuthServer", "Name", "EvoSts - 1", "Type", "AzureAD", "AuthMetadataUrl", url, "DomainName", edit("a.onmicrosoft.com", ""))
	l.ok("New-AuthServer", "Name", "EvoSts - 1", "Type", "AzureAD", "AuthMetadataUrl", url, "DomainName", "a.onmicrosoft.com")
	l.ok("Set-AuthServer", "Identity", "EvoSts - 1", "DomainName", edit("b.onmicrosoft.com", "A.onmicrosoft.com"))
	if got := show("DomainName", "Get-AuthServer"); got != "{b.onmicrosoft.com}" {
		t.Errorf("DomainName is %s", got)
	}

	l.ok("Set-Mailbox", "Identity", "Anna", "EmailAddresses", edit("SMTP:anna.berg@contoso.com smtp:ab@contoso.com", ""))
	l.ok("Set-Mailbox", "Identity", "Anna", "EmailAddresses", edit("", "ab@contoso.com"))
	if got := show("EmailAddresses", "Get-Mailbox", "Identity", "Anna"); got != "{SMTP:anna.berg@contoso.com, smtp:anna@contoso.com}" {
		t.Errorf("addresses are %s", got)
	}
	l.refused("InvalidArgument", "primary address", "Set-Mailbox", "Identity", "Anna", "EmailAddresses", edit("", "smtp:Anna.Berg@contoso.com"))
	l.refused("InvalidOperation", "already used by 'Bob'", "Set-Mailbox", "Identity", "Anna", "EmailAddresses", edit("bob@contoso.com", ""))
}

// TestWhatIf runs commands that would change something and finds the organisation as it was.
func TestWhatIf(t *testing.T) {
	l := newLab(t)
	url := "https://login.windows.net/t/federationmetadata/2007-06/federationmetadata.xml"
	l.ok("New-AuthServer", "Name", "EvoSts - 1", "Type", "AzureAD", "AuthMetadataUrl", url)
	version, err := l.org.Version(t.Context())
	l.must(err)
	for _, c := range []struct {
		target string
		args   []any
	}{
		{"EvoSts - 2", []any{"New-AuthServer", "Name", "EvoSts - 2", "Type", "AzureAD", "AuthMetadataUrl", url}},
		{"EvoSts - 1", []any{"Set-AuthServer", "Identity", "evosts - 1", "IsDefaultAuthorizationEndpoint", true}},
		{"Contoso", []any{"Set-OrganizationConfig", "OAuth2ClientProfileEnabled", true}},
		{"Block", []any{"New-AuthenticationPolicy", "Name", "Block", "BlockModernAuthMapi", true}},
		{`EX1\OAB (Default Web Site)`, []any{"Set-OabVirtualDirectory", "Identity", `ex1\oab (default web site)`, "ExternalUrl", "https://mail.contoso.com/OAB"}},
		{"Anna", []any{"Set-User", "Identity", "anna@contoso.com", "DisplayName", "Else"}},
		{"W3SVC", []any{"Restart-Service", "Name", "W3SVC"}},
	} {
		name := c.args[0].(string)
		res := l.ok(name, append(slices.Clone(c.args[1:]), "WhatIf", true)...)
		if want := `What if: Performing the operation "` + name + `" on target "` + c.target + `".`; len(res.WhatIf) != 1 || res.WhatIf[0] != want || len(res.Output) != 0 {
			t.Errorf("%s: %q, %d objects; want %s", name, res.WhatIf, len(res.Output), want)
		}
	}
	if got, err := l.org.Version(t.Context()); err != nil || got != version {
		t.Errorf("the configuration's version went from %d to %d", version, got)
	}
	if len(l.ok("Get-AuthServer").Output) != 1 || len(l.ok("Get-AuthenticationPolicy").Output) != 0 || len(l.ok("Get-User", "Identity", "Anna").Output) != 1 {
		t.Error("-WhatIf changed something")
	}
	l.refused("InvalidOperation", "already exists", "New-AuthServer", "Name", "EvoSts - 1", "Type", "AzureAD", "AuthMetadataUrl", url, "WhatIf", true)
}
