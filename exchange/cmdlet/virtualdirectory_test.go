package cmdlet_test

import (
	"strings"
	"testing"
)

// TestVirtualDirectoriesComeAndGo removes every kind from one server and makes it again.
func TestVirtualDirectoriesComeAndGo(t *testing.T) {
	l := newLab(t)
	nouns := []string{"Mapi", "WebServices", "Oab", "Autodiscover", "ActiveSync", "Owa", "Ecp", "PowerShell"}
	for _, noun := range nouns {
		noun += "VirtualDirectory"
		before := l.ok("Get-"+noun, "Server", "EX2", "ADPropertiesOnly", true).Output[0]
		l.refused("InvalidOperation", "already exists", "New-"+noun, "Server", "EX2")
		l.ok("Remove-"+noun, "Identity", before.String("Identity"), "WhatIf", true)
		l.refused("InvalidArgument", "several", "Remove-"+noun, "Identity", before.String("Name"))
		l.ok("Remove-"+noun, "Identity", before.String("Identity"))
		if got := l.ok("Get-" + noun).Output; len(got) != 1 || got[0].String("Server") != "EX1" {
			t.Errorf("%s: %d are left", noun, len(got))
		}
		l.refused("InvalidArgument", "no https URL", "New-"+noun, "Server", "EX2", "InternalUrl", "http://x/y")
		res := l.ok("New-"+noun, "Server", "ex2.contoso.com", "ExternalUrl", "https://mail.contoso.com/x")
		if len(res.Output) != 1 || res.Output[0].String("ExternalUrl") != "https://mail.contoso.com/x" || res.Output[0].String("Guid") == before.String("Guid") {
			t.Errorf("New-%s puts out %v", noun, res.Output)
		}
		after := l.ok("Get-"+noun, "Server", "EX2", "ADPropertiesOnly", true).Output[0]
		for _, p := range before.Properties {
			switch p.Name {
			case "Guid", "ExternalUrl", "ActiveSyncServer", "WhenChanged", "WhenCreated", "WhenChangedUTC", "WhenCreatedUTC":
				continue
			}
			if got := after.String(p.Name); got != before.String(p.Name) {
				t.Errorf("%s: %s was %s and is %s", noun, p.Name, before.String(p.Name), got)
			}
		}
		if res := l.ok("Get-"+noun, "Server", "EX2"); len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "not taken") {
			t.Errorf("%s, not taken up, warns %q", noun, res.Warnings)
		}
	}
	l.ok("Restart-Service", "Name", "W3SVC")
	if res := l.ok("Get-OwaVirtualDirectory", "Server", "EX2"); len(res.Warnings) != 0 || res.Output[0].String("ObjectState") != "Changed" {
		t.Errorf("after the restart: %q", res.Warnings)
	}
}

// TestRemoveECP keeps ECP while OWA depends on it.
func TestRemoveECP(t *testing.T) {
	l := newLab(t)
	off := []any{"AdfsAuthentication", false, "BasicAuthentication", false, "FormsAuthentication", false, "DigestAuthentication", false}
	const owa, ecp = `EX1\owa (Default Web Site)`, `EX1\ecp (Default Web Site)`
	l.ok("Set-OwaVirtualDirectory", append([]any{"Identity", owa}, off...)...)
	l.ok("Set-EcpVirtualDirectory", append([]any{"Identity", ecp}, off...)...)
	l.ok("Set-EcpVirtualDirectory", "Identity", ecp, "OAuthAuthentication", true)
	l.ok("Set-OwaVirtualDirectory", "Identity", owa, "OAuthAuthentication", true)
	l.refused("InvalidOperation", "on OWA first", "Remove-EcpVirtualDirectory", "Identity", ecp)
	l.ok("Remove-OwaVirtualDirectory", "Identity", owa)
	l.ok("Remove-EcpVirtualDirectory", "Identity", ecp)
}
