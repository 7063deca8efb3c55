package cmdlet_test

import (
	"strings"
	"testing"
	"time"

	"hma/exchange/org"
)

// TestCertificateRotation plays the documented rotation of the OAuth certificate.
func TestCertificateRotation(t *testing.T) {
	l := newLab(t)
	old, err := l.org.CreateOAuthCertificate(t.Context(), start.AddDate(-4, 0, 0), start.AddDate(1, 0, 0))
	l.must(err)
	state := func() string {
		l.Helper()
		o := l.ok("Get-AuthConfig").Output[0]
		return strings.Join([]string{o.String("CurrentCertificateThumbprint"), o.String("PreviousCertificateThumbprint"), o.String("NextCertificateThumbprint")}, " ")
	}
	l.refused("InvalidOperation", "no next certificate", "Set-AuthConfig", "PublishCertificate", true)
	l.refused("InvalidArgument", "not supported", "New-ExchangeCertificate", "SubjectName", "O=Contoso")
	l.refused("InvalidArgument", "not supported", "New-ExchangeCertificate", "SubjectName", "CN=a,O=Contoso")
	l.refused("InvalidArgument", "2048 or 4096", "New-ExchangeCertificate", "SubjectName", "CN=a", "KeySize", int64(1024))
	l.refused("ObjectNotFound", "EX9", "New-ExchangeCertificate", "SubjectName", "CN=a", "Server", "EX9")
	made := l.ok("New-ExchangeCertificate", "KeySize", int64(2048), "PrivateKeyExportable", true, "SubjectName", "CN=Microsoft Exchange Server Auth Certificate",
		"FriendlyName", "Microsoft Exchange Server Auth Certificate", "DomainName", []string{}, "Services", "smtp").Output[0]
	next := made.String("Thumbprint")
	if made.String("Server") != "EX1" || made.String("Services") != "SMTP" || !made.Bool("HasPrivateKey") || !made.Bool("IsSelfSigned") || made.String("Status") != "Valid" {
		t.Errorf("made %v", made)
	}
	l.ok("Enable-ExchangeCertificate", "Thumbprint", strings.ToLower(next), "Services", []string{"IIS", "SMTP"})
	if got := l.ok("Get-ExchangeCertificate", "Thumbprint", next).Output; len(got) != 1 || got[0].String("Services") != "SMTP, IIS" {
		t.Errorf("certificates %v", got)
	}

	stage := func(when any, more ...any) []any {
		return append([]any{"NewCertificateThumbprint", strings.ToLower(next), "NewCertificateEffectiveDate", when}, more...)
	}
	l.refused("InvalidArgument", "go together", "Set-AuthConfig", "NewCertificateThumbprint", next)
	l.refused("InvalidArgument", "together", "Set-AuthConfig", stage(start, "PublishCertificate", true)...)
	l.refused("InvalidOperation", "has passed", "Set-AuthConfig", stage(start.Add(-time.Minute))...)
	l.refused("InvalidOperation", "not valid at", "Set-AuthConfig", stage(start.AddDate(6, 0, 0))...)
	l.refused("InvalidArgument", "not a date", "Set-AuthConfig", stage("soon")...)
	l.refused("ObjectNotFound", "private key", "Set-AuthConfig", "NewCertificateThumbprint", "00", "NewCertificateEffectiveDate", start)
	l.refused("InvalidOperation", "current one already", "Set-AuthConfig", "NewCertificateThumbprint", old, "NewCertificateEffectiveDate", start)
	if res := l.ok("Set-AuthConfig", stage("11/24/2026 8:00:00 AM", "WhatIf", true)...); len(res.WhatIf) != 1 || state() != old+"  " {
		t.Errorf("-WhatIf says %q and leaves %s", res.WhatIf, state())
	}
	if res := l.ok("Set-AuthConfig", stage("11/24/2026 8:00:00 AM")...); len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "48 hours") {
		t.Errorf("a day ahead warns %q", res.Warnings)
	}
	if res := l.ok("Set-AuthConfig", stage(start.AddDate(0, 0, 3))...); len(res.Warnings) != 0 {
		t.Errorf("three days ahead warn %q", res.Warnings)
	}
	if state() != old+"  "+next || len(l.ok("Get-ExchangeCertificate", "Thumbprint", next).Output) != 2 {
		t.Errorf("staged: %s", state())
	}
	if res := l.ok("Set-AuthConfig", "PublishCertificate", true); len(res.Warnings) != 1 || state() != next+" "+old+" " {
		t.Errorf("published: %s, %q", state(), res.Warnings)
	}
	l.ok("Set-AuthConfig", "ClearPreviousCertificate", true)
	if state() != next+"  " {
		t.Errorf("cleared: %s", state())
	}
	l.refused("InvalidArgument", "-Force", "Set-AuthConfig", "CertificateThumbprint", old)
	l.ok("Set-AuthConfig", "CertificateThumbprint", old, "Force", true)
	if state() != old+" "+next+" " {
		t.Errorf("set: %s", state())
	}
}

func TestRemoveAuthServer(t *testing.T) {
	l := newLab(t)
	url := "https://login.windows.net/t/federationmetadata/2007-06/federationmetadata.xml"
	l.ok("New-AuthServer", "Name", "EvoSts - 1", "Type", "AzureAD", "AuthMetadataUrl", url)
	l.refused("InvalidArgument", "April 2025", "Set-AuthServer", "Identity", "EvoSts - 1", "ApplicationIdentifier", "7b1f1d53-0b3f-4d0e-8c33-0f4c39d2c7f1")
	_, _, err := l.org.Change(t.Context(), func(cfg *org.Configuration) error {
		cfg.Server("EX1").Version = org.Version{15, 2, 1544, 25}
		return nil
	})
	l.must(err)
	l.refused("InvalidArgument", "no application id", "Set-AuthServer", "Identity", "EvoSts - 1", "ApplicationIdentifier", "app")
	l.ok("Set-AuthServer", "Identity", "EvoSts - 1", "ApplicationIdentifier", "7b1f1d53-0b3f-4d0e-8c33-0f4c39d2c7f1")
	l.ok("Set-AuthServer", "Identity", "EvoSts - 1", "IsDefaultAuthorizationEndpoint", true)
	if res := l.ok("Remove-AuthServer", "Identity", "evosts - 1"); len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "default authorization endpoint") {
		t.Errorf("warnings %q", res.Warnings)
	}
	l.refused("ObjectNotFound", "couldn't be found", "Remove-AuthServer", "Identity", "EvoSts - 1")
	l.ok("New-AuthServer", "Name", "EvoSts - 1", "Type", "AzureAD", "AuthMetadataUrl", url)
	if got := l.ok("Get-AuthServer").Output[0].String("ApplicationIdentifier"); got != "" {
		t.Errorf("a new object of the same name has the application %s", got)
	}
}
