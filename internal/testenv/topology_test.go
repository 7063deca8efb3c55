package testenv

import (
	"slices"
	"testing"

	"hma/lab"
)

// TestTopologies starts the organisations that a lab can be besides the default one, and
// starts one again: what was chosen first counts.
func TestTopologies(t *testing.T) {
	dir := t.TempDir()
	first := lab.Options{Dir: dir, Servers: []lab.Server{{Name: "MB01", Build: "15.2.986.5"}, {Name: "MB02", Build: lab.DefaultBuild}, {Name: "MB03", Build: lab.DefaultBuild}},
		Tenants: 2, Forest: true, PublicNames: true}
	var ids []lab.TenantEndpoint
	for _, o := range []lab.Options{first, {Dir: dir}} {
		t.Run("", func(t *testing.T) {
			e := Start(t, o)
			var names []string
			for _, s := range e.Run(t, "Get-ExchangeServer") {
				names = append(names, s.String("Name")+" "+s.String("AdminDisplayVersion"))
			}
			if want := []string{"MB01 Version 15.2 (Build 986.5)", "MB02 Version 15.2 (Build 1544.11)", "MB03 Version 15.2 (Build 1544.11)"}; !slices.Equal(names, want) {
				t.Errorf("servers %q", names)
			}
			if url := e.Run(t, "Get-MapiVirtualDirectory", "Server", "MB02")[0].String("InternalUrl"); url != "https://mail.contoso.com/mapi" {
				t.Errorf("internal URL %s", url)
			}
			if len(e.Endpoints.Tenants) != 2 || e.Endpoints.Tenants[1].Domain != "fabrikam.onmicrosoft.com" || e.Endpoints.Tenants[0] != e.Endpoints.Tenant {
				t.Errorf("tenants %+v", e.Endpoints.Tenants)
			}
			if ids != nil && !slices.Equal(ids, e.Endpoints.Tenants) {
				t.Errorf("tenants %v became %v", ids, e.Endpoints.Tenants)
			}
			ids = e.Endpoints.Tenants
			if got := len(e.Run(t, "Get-AcceptedDomain")); got != 2 {
				t.Errorf("%d accepted domains", got)
			}
			for _, upn := range []string{"alice@contoso.com", "frida@fabrikam.com"} {
				i := slices.IndexFunc(e.Endpoints.Users, func(u lab.User) bool { return u.UPN == upn })
				token := e.Token(t, e.Endpoints.Users[i], "https://mail.contoso.com")
				if token == "" {
					t.Errorf("no token for %s", upn)
				}
			}
		})
	}
	t.Run("bare", func(t *testing.T) {
		e := Start(t, lab.Options{Bare: true, Servers: []lab.Server{{Name: "EX1", Build: lab.DefaultBuild}}})
		if list := e.Run(t, "Get-AuthServer"); len(list) != 0 {
			t.Errorf("AuthServers before the wizard: %v", list)
		}
	})
}
