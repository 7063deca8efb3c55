package cmdlet_test

import (
	"fmt"
	"strings"
	"testing"

	"hma/exchange/org"
	"hma/wire/psobject"
)

const downloads = "OAuthIdentityCacheFixForDownloadDomains"

func TestSettingOverride(t *testing.T) {
	l := newLab(t)
	servers := map[string]*org.ServerConfig{}
	for _, name := range []string{"EX1", "EX2"} {
		s, err := l.org.Server(t.Context(), name)
		l.must(err)
		t.Cleanup(s.Close)
		servers[name] = s
	}
	enabled := func() string {
		for _, s := range servers {
			l.must(s.Refresh(t.Context()))
		}
		return fmt.Sprint(servers["EX1"].Snapshot().Override("oauth", downloads).Enabled(), servers["EX2"].Snapshot().Override("OAuth", downloads).Enabled())
	}
	add := func(name string, more ...any) []any {
		return append([]any{"Name", name, "Component", "OAuth", "Section", downloads, "Parameters", "Enabled=true", "Reason", "Download domains are in use"}, more...)
	}
	if got := enabled(); got != "false false" {
		t.Errorf("without an override: %s", got)
	}
	l.refused("InvalidArgument", "mandatory", "New-SettingOverride", "Name", "X", "Component", "OAuth", "Section", downloads, "Parameters", "Enabled=true")
	l.refused("InvalidArgument", "-Force", "New-SettingOverride", "Name", "X", "Component", "OAuth", "Section", "Mistyped", "Parameters", "Enabled=true", "Reason", "R")
	l.refused("InvalidOperation", "no build", "New-SettingOverride", add("X", "MinVersion", "15.2")...)
	l.refused("InvalidOperation", "older than", "New-SettingOverride", add("X", "MinVersion", "15.2.2.0", "MaxVersion", "15.2.1.0")...)
	l.refused("InvalidOperation", "no server name", "New-SettingOverride", add("X", "Server", "EX[1]")...)

	o := l.ok("New-SettingOverride", add("OWA HMA Download Domain Support")...).Output[0]
	want := "ComponentName SectionName AppId FlightName ModifiedBy Reason MinVersion MaxVersion FixVersion Server IsFlight Parameters Status XmlRaw AdminDisplayName ExchangeVersion Name DistinguishedName Identity Guid"
	if got := strings.Join(names(o), " "); !strings.HasPrefix(got, want) {
		t.Errorf("properties are %s", got)
	}
	if got := o.String("XmlRaw"); got != `<S CN="OAuth" SN="`+downloads+`" MB="admin@contoso.com" R="Download domains are in use"><Ps><P>Enabled=true</P></Ps></S>` {
		t.Errorf("XmlRaw is %s", got)
	}
	if o.String("Status") != "Accepted" || o.String("Parameters") != "{Enabled=true}" {
		t.Errorf("the override is %v", o)
	}
	l.refused("InvalidOperation", "already exists", "New-SettingOverride", add("owa hma download domain support")...)
	// Not taken up yet, the servers do not report it.
	if got := l.ok("Get-ExchangeDiagnosticInfo", "Process", "Microsoft.Exchange.Directory.TopologyService", "Component", "VariantConfiguration").Output[0].String("Result"); strings.Contains(got, downloads) {
		t.Errorf("before the refresh the server reports\n%s", got)
	}
	if got := l.ok("Get-ExchangeDiagnosticInfo", "Server", "EX2", "Process", "Microsoft.Exchange.Directory.TopologyService", "Component", "VariantConfiguration", "Argument", "Refresh").Output[0].String("Result"); !strings.Contains(got, "<SectionName>"+downloads+"</SectionName>") || !strings.Contains(got, "<Parameter>Enabled=true</Parameter>") || !strings.Contains(got, "<Status>Accepted</Status>") {
		t.Errorf("after the refresh the server reports\n%s", got)
	}
	if got := enabled(); got != "true true" {
		t.Errorf("on all servers: %s", got)
	}

	id := "owa hma download domain support"
	for _, c := range []struct {
		want string
		args []any
	}{
		{"true false", []any{"Server", []string{"ex1"}}},
		{"true true", []any{"Server", psobject.Edit{Add: []string{"*2"}}}},
		{"true false", []any{"MinVersion", org.MinimumSignIn.String()}},
		{"false true", []any{"MinVersion", "", "MaxVersion", "15.2.1544.9"}},
		{"true true", []any{"MaxVersion", nil}},
		{"false false", []any{"Parameters", []string{"Enabled=false"}}},
		{"true true", []any{"Parameters", []string{"Enabled = TRUE", "Other=1"}}},
		{"false false", []any{"Parameters", psobject.Edit{Remove: []string{"enabled = true"}}}},
	} {
		l.ok("Set-SettingOverride", append([]any{"Identity", id}, c.args...)...)
		if got := enabled(); got != c.want {
			t.Errorf("after %v: %s, want %s", c.args, got, c.want)
		}
	}
	l.refused("InvalidOperation", "1 entry: Other", "Set-SettingOverride", "Identity", id, "Parameters", "Enabled=true")
	l.refused("InvalidOperation", "more than once", "Set-SettingOverride", "Identity", id, "Parameters", []string{"Other=1", "OTHER=2"})
	l.refused("InvalidOperation", "name=value", "Set-SettingOverride", "Identity", id, "Parameters", "true", "Force", true)
	l.ok("Set-SettingOverride", "Identity", id, "Parameters", "Enabled=true", "Force", true)
	l.ok("New-SettingOverride", "Name", "Z", "Component", "OAuth", "Section", downloads, "Parameters", "Enabled=false", "Reason", "R", "Server", "EX2")
	if got := enabled(); got != "true false" {
		t.Errorf("two overrides: %s", got)
	}
	l.ok("Remove-SettingOverride", "Identity", id)
	if got := enabled(); got != "false false" {
		t.Errorf("removed: %s", got)
	}
	l.refused("ObjectNotFound", "couldn't be found", "Get-SettingOverride", "Identity", id)
	forced := l.ok("New-SettingOverride", "Name", "F", "Component", "Nothing", "Section", "Mistyped", "Parameters", "Enabled=true", "Reason", "R", "Force", true).Output[0]
	if forced.String("Status") != "NotFound" {
		t.Errorf("an unknown setting is %s", forced.String("Status"))
	}
}
