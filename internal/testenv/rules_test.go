package testenv

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"testing"

	"hma/hybrid/procedure/rule"
	"hma/lab"
)

// TestRules checks a lab in hybrid with two tenants: healthy and enabled it has no
// finding; what is then spoiled is found by its rule, and where a command can repair
// it the plan does, and verification passes.
func TestRules(t *testing.T) {
	t.Parallel()
	bin := program(t)
	dir := t.TempDir()
	e := Start(t, lab.Options{Dir: dir, Messages: 5, Healthy: true, Tenants: 2})
	hma := func(code int, args ...string) []byte {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), bin, append(args, "--data", dir)...)
		out, _ := cmd.Output()
		if got := cmd.ProcessState.ExitCode(); got != code {
			t.Fatalf("hma %v: exit code %d, want %d\n%s", args, got, code, out)
		}
		return out
	}
	findings := func(code int) (rules []string) {
		t.Helper()
		var report struct{ Findings []rule.Finding }
		if err := json.Unmarshal(hma(code, "check", "--json"), &report); err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Findings {
			if f.Severity != rule.Note && !slices.Contains(rules, f.Rule) {
				rules = append(rules, f.Rule)
			}
		}
		return rules
	}
	hma(0, "enable", "--yes")
	if got := findings(0); got != nil {
		t.Fatalf("a healthy organisation: %v", got)
	}
	for _, c := range []struct {
		rule   string
		cmdlet string
		args   []any
		back   []any // repairs it by hand
	}{
		{"oauth-virtual-directories", "Set-WebServicesVirtualDirectory", []any{"Identity", `EX1\EWS (Default Web Site)`, "OAuthAuthentication", false}, nil},
		{"oauth-virtual-directories", "Set-MapiVirtualDirectory", []any{"Identity", `EX2\mapi (Default Web Site)`, "IISAuthenticationMethods", []string{"Ntlm", "Negotiate", "Basic"}, "Force", true}, nil},
		{"oauth2-client-profile", "Set-OrganizationConfig", []any{"OAuth2ClientProfileEnabled", false}, nil},
		{"default-authorization-endpoint", "Set-AuthServer", nil, nil},
		{"mapi-http", "Set-OrganizationConfig", []any{"MapiHttpEnabled", false}, []any{"MapiHttpEnabled", true}},
		{"spn-list", "Set-OabVirtualDirectory", []any{"Identity", `EX1\OAB (Default Web Site)`, "ExternalUrl", "https://localhost:1/OAB"}, nil},
	} {
		t.Run(fmt.Sprint(c.rule, c.cmdlet), func(t *testing.T) {
			if c.args == nil {
				for _, a := range e.Run(t, "Get-AuthServer") {
					if a.Bool("IsDefaultAuthorizationEndpoint") {
						c.args = []any{"Identity", a.String("Name"), "IsDefaultAuthorizationEndpoint", false}
					}
				}
			}
			e.Run(t, c.cmdlet, c.args...)
			if got := findings(1); !slices.Equal(got, []string{c.rule}) {
				t.Errorf("found by %v, want %s", got, c.rule)
			}
			switch {
			case c.back != nil:
				e.Run(t, c.cmdlet, c.back...)
			case c.rule == "spn-list": // nobody listens there, so that verification would fail
				hma(0, "plan")
				hma(0, "apply", "--yes")
			default:
				hma(0, "enable", "--yes")
			}
		})
	}
	if got := findings(0); got != nil {
		t.Errorf("after the repairs: %v", got)
	}
}
