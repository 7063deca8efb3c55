package cmdlet_test

import (
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

func TestAdminAuditLog(t *testing.T) {
	l := newLab(t)
	l.ok("Get-AuthServer")
	l.ok("Set-OrganizationConfig", "OAuth2ClientProfileEnabled", true, "WhatIf", true)
	if got := l.ok("Search-AdminAuditLog").Output; len(got) != 0 {
		t.Fatalf("recorded without a change: %v", got)
	}
	l.ok("Set-OrganizationConfig", "OAuth2ClientProfileEnabled", true)
	l.refused("ObjectNotFound", "couldn't be found", "Set-AuthServer", "Identity", "none", "Enabled", false)
	l.ok("Set-Mailbox", "Identity", "anna@contoso.com", "EmailAddresses", psobject.Edit{Add: []string{"a2@contoso.com"}})
	l.run("New-AuthenticationPolicy", "Name", strings.Repeat("p", 3000))
	l.ok("Get-ExchangeDiagnosticInfo", "Process", "Microsoft.Exchange.Directory.TopologyService", "Component", "VariantConfiguration")
	l.ok("Get-ExchangeDiagnosticInfo", "Server", "EX1", "Process", "Microsoft.Exchange.Directory.TopologyService", "Component", "VariantConfiguration", "Argument", "Refresh")
	res := l.reg.Run(t.Context(), cmdlet.Caller{Name: "eve@contoso.com", ViewOnly: true}, psobject.Invocation{Cmdlet: "Restart-Service"})
	if res.Error == nil {
		t.Error("a view-only administrator restarted a service")
	}

	got := map[string]psobject.Object{}
	for _, o := range l.ok("Search-AdminAuditLog").Output {
		got[o.String("CmdletName")] = o
		if o.String("Caller") != admin.Name {
			t.Errorf("recorded for %s", o.String("Caller"))
		}
	}
	for cmdlet, want := range map[string]struct {
		object, parameters, message string
		succeeded                   bool
	}{
		"Get-ExchangeDiagnosticInfo": {"EX1", "{Server=EX1, Process=Microsoft.Exchange.Directory.TopologyService, Component=VariantConfiguration, Argument=Refresh}", "None", true},
		"Set-OrganizationConfig":     {"Contoso", "{OAuth2ClientProfileEnabled=True}", "None", true},
		"Set-AuthServer":             {"none", "{Identity=none, Enabled=False}", "The operation couldn't be performed because object 'none' couldn't be found.", false},
		"Set-Mailbox":                {"Anna", "{Identity=anna@contoso.com, EmailAddresses=@{Add=a2@contoso.com; Remove=}}", "None", true},
		"New-AuthenticationPolicy":   {strings.Repeat("p", 1024) + "...", "{Name=" + strings.Repeat("p", 1024) + "...}", "The name of an authentication policy has 1 to 64 characters.", false},
	} {
		o, ok := got[cmdlet]
		if !ok || o.String("ObjectModified") != want.object || o.String("CmdletParameters") != want.parameters ||
			o.String("Error") != want.message || o.Bool("Succeeded") != want.succeeded {
			t.Errorf("%s is recorded as %v", cmdlet, o)
		}
		delete(got, cmdlet)
	}
	if len(got) != 0 {
		t.Errorf("recorded besides: %v", got)
	}

	for name, test := range map[string]struct {
		args []any
		want int
	}{
		"cmdlets":    {[]any{"Cmdlets", []string{"set-mailbox", "Set-AuthServer"}}, 2},
		"parameters": {[]any{"Cmdlets", []string{"Set-Mailbox", "Set-AuthServer"}, "Parameters", "enabled"}, 1},
		"objects":    {[]any{"ObjectIds", "anna"}, 1},
		"users":      {[]any{"UserIds", "bob@contoso.com"}, 0},
		"failed":     {[]any{"IsSuccess", false}, 2},
		"size":       {[]any{"ResultSize", "3"}, 3},
		"page":       {[]any{"ResultSize", "3", "StartIndex", "3"}, 2},
		"later":      {[]any{"StartDate", start.Add(time.Second).Format(time.RFC3339)}, 0},
		"earlier":    {[]any{"EndDate", start.Add(-time.Second).Format(time.RFC3339)}, 0},
		"then":       {[]any{"StartDate", start.Format(time.RFC3339), "EndDate", start.Format(time.RFC3339)}, 5},
	} {
		if got := len(l.ok("Search-AdminAuditLog", test.args...).Output); got != test.want {
			t.Errorf("%s: %d records, want %d", name, got, test.want)
		}
	}
	l.refused("InvalidArgument", "ResultSize", "Search-AdminAuditLog", "ResultSize", "0")
	l.refused("InvalidArgument", "cmdlets too", "Search-AdminAuditLog", "Parameters", "Enabled")
}

// TestAuditLogComesFirst: what cannot be recorded is not done, and old records go.
func TestAuditLogComesFirst(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		clock := start
		now := func() time.Time { return clock }
		o, err := org.Open(t.Context(), db, org.Options{Now: now, PickUp: time.Hour, Key: sealed.New(), PasswordCost: bcrypt.MinCost})
		if err != nil {
			t.Fatal(err)
		}
		defer o.Close()
		if err := o.CreateOrganization(t.Context(), org.NewOrganization{Name: "Contoso", Domain: "contoso.com"}); err != nil {
			t.Fatal(err)
		}
		reg := cmdlet.New(o, cmdlet.Options{Now: now})
		set := func(on bool) psobject.Result {
			return reg.Run(t.Context(), admin, psobject.Invocation{Cmdlet: "Set-OrganizationConfig", Parameters: []psobject.Property{{Name: "OAuth2ClientProfileEnabled", Value: on}}})
		}
		records := func() int {
			return len(reg.Run(t.Context(), admin, psobject.Invocation{Cmdlet: "Search-AdminAuditLog"}).Output)
		}
		set(true)
		clock = start.AddDate(0, 0, 60)
		set(true)
		if n := records(); n != 2 {
			t.Errorf("%d records after 60 days, want 2", n)
		}
		clock = start.AddDate(0, 0, 91)
		if n := records(); n != 1 {
			t.Errorf("%d records after 91 days, want 1", n)
		}
		set(true)
		var rows int
		if err := db.QueryRow(t.Context(), "SELECT count(*) FROM admin_audit").Scan(&rows); err != nil || rows != 2 {
			t.Errorf("%d rows are kept, want 2 (%v)", rows, err)
		}
		if err := db.Write(t.Context(), func(tx *sqldb.Tx) error { _, err := tx.Exec("DROP TABLE admin_audit"); return err }); err != nil {
			t.Fatal(err)
		}
		if res := set(false); res.Error == nil || res.Error.Reason != "AdminAuditLogException" {
			t.Errorf("without a log: %v", res.Error)
		}
		if c, err := o.Configuration(t.Context()); err != nil || !c.Org.OAuth2ClientProfileEnabled {
			t.Errorf("the change was made without its record (%v)", err)
		}
	})
}
