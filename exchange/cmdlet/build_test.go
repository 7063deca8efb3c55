package cmdlet_test

import (
	"testing"

	"hma/exchange/cmdlet"
	"hma/exchange/org"
	"hma/wire/psobject"
)

func TestParametersOfNewerBuilds(t *testing.T) {
	l := newLab(t)
	url := "https://login.windows.net/t/federationmetadata/2007-06/federationmetadata.xml"
	l.ok("New-AuthServer", "Name", "EvoSts", "Type", "AzureAD", "AuthMetadataUrl", url)
	l.ok("New-AuthenticationPolicy", "Name", "P")
	domain := psobject.Invocation{Cmdlet: "Set-AuthServer", Parameters: []psobject.Property{{Name: "Identity", Value: "EvoSts"}, {Name: "DomainName", Value: "a.onmicrosoft.com"}}}
	modern := psobject.Invocation{Cmdlet: "Set-AuthenticationPolicy", Parameters: []psobject.Property{{Name: "Identity", Value: "P"}, {Name: "BlockModernAuthMapi", Value: true}}}
	legacy := psobject.Invocation{Cmdlet: "Set-AuthenticationPolicy", Parameters: []psobject.Property{{Name: "Identity", Value: "P"}, {Name: "BlockLegacyAuthPop", Value: true}}}
	application := psobject.Invocation{Cmdlet: "Set-AuthServer", Parameters: []psobject.Property{{Name: "Identity", Value: "EvoSts"}, {Name: "ApplicationIdentifier", Value: "7b1f1d53-0b3f-4d0e-8c33-0f4c39d2c7f1"}}}
	for _, c := range []struct {
		ex2            org.Version
		domain, modern bool
		legacy, app    bool
	}{
		{org.Version{15, 1, 2044, 4}, false, false, false, false}, {org.Version{15, 1, 2106, 2}, true, false, false, false},
		{org.Version{15, 1, 2507, 54}, true, false, false, false}, {org.Version{15, 1, 2507, 55}, true, false, false, true},
		{org.Version{15, 2, 330, 5}, false, false, false, false}, {org.Version{15, 2, 397, 3}, false, false, true, false},
		{org.Version{15, 2, 659, 4}, false, false, true, false}, {org.Version{15, 2, 721, 2}, true, false, true, false},
		{org.Version{15, 2, 1118, 7}, true, false, true, false}, {org.Version{15, 2, 1258, 12}, true, true, true, false},
		{org.Version{15, 2, 1544, 11}, true, true, true, false}, {org.Version{15, 2, 1544, 25}, true, true, true, true},
		{org.Version{15, 2, 1748, 10}, true, true, true, false}, {org.Version{15, 2, 1748, 24}, true, true, true, true},
		{org.Version{15, 2, 2562, 17}, true, true, true, true},
	} {
		_, _, err := l.org.Change(t.Context(), func(cfg *org.Configuration) error { cfg.Server("EX2").Version = c.ex2; return nil })
		l.must(err)
		ex2 := cmdlet.Caller{Name: admin.Name, Administrator: true, Server: "EX2"}
		for _, run := range []struct {
			inv  psobject.Invocation
			want bool
		}{{domain, c.domain}, {modern, c.modern}, {legacy, c.legacy}, {application, c.app}} {
			if res := l.reg.Run(t.Context(), ex2, run.inv); (res.Error == nil) != run.want {
				t.Errorf("%s on %s: %v", run.inv.Cmdlet, c.ex2, res.Error)
			}
			if res := l.reg.Run(t.Context(), admin, run.inv); res.Error != nil && (run.want || run.inv.Parameters[1].Name != "ApplicationIdentifier") { // EX1 is too old for that, too
				t.Errorf("%s beside EX1: %v", run.inv.Cmdlet, res.Error)
			}
		}
	}
	_, _, err := l.org.Change(t.Context(), func(cfg *org.Configuration) error {
		cfg.Server("EX1").Version = org.Version{15, 2, 659, 4}
		cfg.Server("EX2").Version = org.Version{15, 1, 2044, 4}
		return nil
	})
	l.must(err)
	l.refused("InvalidArgument", "2019 CU7", "New-AuthServer", "Name", "EvoSts - 2", "Type", "AzureAD", "AuthMetadataUrl", url, "DomainName", "a.onmicrosoft.com")
	l.refused("InvalidArgument", "2019 CU13", "New-AuthenticationPolicy", "Name", "Q", "BlockModernAuthMapi", true)
	l.ok("New-AuthenticationPolicy", "Name", "Q", "BlockLegacyAuthMapi", true)
}
