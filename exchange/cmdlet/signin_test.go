package cmdlet_test

import (
	"strings"
	"testing"

	"hma/exchange/org"
)

// warns wants one warning for each text, in their order, and no other.
func (l *lab) warns(texts []string, name string, args ...any) {
	l.Helper()
	got := l.ok(name, args...).Warnings
	if len(got) != len(texts) {
		l.Errorf("%s %v warns %q, want %q", name, args, got, texts)
		return
	}
	for i, want := range texts {
		if !strings.Contains(got[i], want) {
			l.Errorf("%s %v warns %q, want %q", name, args, got[i], want)
		}
	}
}

// TestSignInWarnings walks OWA and ECP through the how-to's steps 10 and 11 and hears what it warns of.
func TestSignInWarnings(t *testing.T) {
	l := newLab(t)
	set := func(noun, server string, more ...any) (string, []any) {
		return "Set-" + noun + "VirtualDirectory", append([]any{"Identity", server + `\` + strings.ToLower(noun) + " (Default Web Site)"}, more...)
	}
	check := func(texts []string, noun, server string, more ...any) {
		l.Helper()
		name, args := set(noun, server, more...)
		l.warns(texts, name, args...)
	}
	off := []any{"AdfsAuthentication", false, "BasicAuthentication", false, "FormsAuthentication", false, "DigestAuthentication", false}
	gone := []string{"nobody can sign in", "administrator@contoso.com"}
	// Windows authentication is another way in, until Forms turns it off.
	check(nil, "Owa", "EX1", "FormsAuthentication", false)
	check(nil, "Owa", "EX1", "WindowsAuthentication", true, "BasicAuthentication", false)
	check([]string{"Basic is turned on"}, "Owa", "EX1", "FormsAuthentication", true)
	check(gone, "Owa", "EX1", off...)
	check([]string{"no settings"}, "Owa", "EX1", off...)
	check(gone, "Ecp", "EX1", off...)
	// EX2 runs an older build.
	check([]string{"older one: EX2"}, "Ecp", "EX1", "OAuthAuthentication", true)
	_, _, err := l.org.Change(t.Context(), func(cfg *org.Configuration) error {
		cfg.Server("EX2").Version = org.MinimumSignIn
		return nil
	})
	l.must(err)
	check([]string{"not on OAuth: EX2"}, "Owa", "EX1", "OAuthAuthentication", true, "ExternalUrl", "https://mail.contoso.com/owa")
	check([]string{"application proxy"}, "Owa", "EX1", "ExternalUrl", "https://owa-contoso.MSAppProxy.net/owa")
	check(gone, "Owa", "EX2", off...)
	check(gone, "Ecp", "EX2", off...)
	check(nil, "Ecp", "EX2", "OAuthAuthentication", true)
	check(nil, "Owa", "EX2", "OAuthAuthentication", true)
	// Exchange 2016 never gets it.
	_, _, err = l.org.Change(t.Context(), func(cfg *org.Configuration) error {
		cfg.Server("EX2").Version = org.Version{15, 1, 2507, 61}
		return nil
	})
	l.must(err)
	check(gone[:1], "Owa", "EX2", "OAuthAuthentication", false)
	name, args := set("Owa", "EX2", "OAuthAuthentication", true)
	l.refused("InvalidArgument", "EX2 runs 15.1.2507.61", name, args...)
}

// TestDownloadDomains sets the hosts of OWA's attachments.
func TestDownloadDomains(t *testing.T) {
	l := newLab(t)
	const owa = `EX1\owa (Default Web Site)`
	for _, bad := range []string{"https://download.contoso.com", "download.contoso.com/owa", "a b", "-x", "x..y", "x:port"} {
		l.refused("InvalidArgument", "no host name", "Set-OwaVirtualDirectory", "Identity", owa, "ExternalDownloadHostName", bad)
	}
	l.warns(nil, "Set-OwaVirtualDirectory", "Identity", owa, "ExternalUrl", "https://mail.contoso.com/owa", "ExternalDownloadHostName", "download.contoso.com", "InternalDownloadHostName", "localhost:8443")
	o := l.ok("Get-OwaVirtualDirectory", "Identity", owa, "ADPropertiesOnly", true).Output[0]
	if o.String("ExternalDownloadHostName") != "download.contoso.com" || o.String("InternalDownloadHostName") != "localhost:8443" {
		t.Errorf("download hosts are %s and %s", o.String("ExternalDownloadHostName"), o.String("InternalDownloadHostName"))
	}
	l.warns(nil, "Set-OrganizationConfig", "EnableDownloadDomains", true)
	if !l.ok("Get-OrganizationConfig").Output[0].Bool("EnableDownloadDomains") {
		t.Error("EnableDownloadDomains is not shown")
	}
	l.warns([]string{"must be another host"}, "Set-OwaVirtualDirectory", "Identity", owa, "InternalDownloadHostName", nil, "ExternalDownloadHostName", "MAIL.contoso.com")
	l.warns(nil, "Set-OwaVirtualDirectory", "Identity", owa, "ExternalDownloadHostName", "download.contoso.com")
	off := []any{"AdfsAuthentication", false, "BasicAuthentication", false, "FormsAuthentication", false, "DigestAuthentication", false}
	const ecp = `EX1\ecp (Default Web Site)`
	l.ok("Set-OwaVirtualDirectory", append([]any{"Identity", owa}, off...)...)
	l.ok("Set-EcpVirtualDirectory", append([]any{"Identity", ecp}, off...)...)
	l.ok("Set-EcpVirtualDirectory", "Identity", ecp, "OAuthAuthentication", true)
	l.warns([]string{"older one", "downloads fail"}, "Set-OwaVirtualDirectory", "Identity", owa, "OAuthAuthentication", true)
}

// TestDriftIsMended shows what was changed in IIS alone, and that a Set to what the directory says already mends it.
func TestDriftIsMended(t *testing.T) {
	l := newLab(t)
	const oab = `EX2\OAB (Default Web Site)`
	l.must(l.org.ChangeIIS(t.Context(), "EX2", org.Oab, func(vd *org.VirtualDirectory) { vd.OAuthAuthentication = false }))
	state := func() string {
		live := l.ok("Get-OabVirtualDirectory", "Identity", oab).Output[0]
		stored := l.ok("Get-OabVirtualDirectory", "Identity", oab, "ADPropertiesOnly", true).Output[0]
		return live.String("OAuthAuthentication") + " " + live.String("InternalAuthenticationMethods") + " " + stored.String("InternalAuthenticationMethods")
	}
	if got := state(); got != "False {WindowsIntegrated} {WindowsIntegrated, OAuth}" {
		t.Errorf("after the change in IIS: %s", got)
	}
	l.warns(nil, "Set-OabVirtualDirectory", "Identity", oab, "OAuthAuthentication", true)
	l.ok("Restart-Service", "Name", "W3SVC")
	if got := state(); got != "True {WindowsIntegrated, OAuth} {WindowsIntegrated, OAuth}" {
		t.Errorf("after a Set: %s", got)
	}
}

// TestLinkedMailbox shows whose a linked mailbox is.
func TestLinkedMailbox(t *testing.T) {
	l := newLab(t)
	p := org.NewRecipient("lena@contoso.com", "Lena")
	p.Enabled, p.LinkedMasterAccount, p.MasterAccountSID = false, `CORP\lena`, "S-1-5-21-9-9-9-1105"
	_, err := l.org.CreateRecipient(t.Context(), p)
	l.must(err)
	list := l.ok("Get-Mailbox", "RecipientTypeDetails", "LinkedMailbox").Output
	if len(list) != 1 || !list[0].Bool("IsLinked") || list[0].String("LinkedMasterAccount") != `CORP\lena` || list[0].String("RecipientTypeDetails") != "LinkedMailbox" ||
		list[0].String("RecipientType") != "UserMailbox" || !list[0].Bool("AccountDisabled") {
		t.Errorf("linked mailboxes: %v", list)
	}
	if list := l.ok("Get-Mailbox", "RecipientTypeDetails", "UserMailbox").Output; len(list) != 3 {
		t.Errorf("%d user mailboxes", len(list))
	}
	for _, name := range []string{"Get-User", "Get-Mailbox"} {
		if o := l.ok(name, "Identity", `corp\LENA`).Output[0]; o.String("LinkedMasterAccount") != `CORP\lena` {
			t.Errorf("%s finds %v", name, o)
		}
	}
	if o := l.ok("Get-ADUser", "Identity", "lena", "Properties", "msExchMasterAccountSid").Output[0]; o.String("msExchMasterAccountSid") != p.MasterAccountSID || o.Bool("Enabled") {
		t.Errorf("the directory account: %v", o)
	}
}
