package testenv

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"hma/client/graph"
	"hma/client/mail"
	"hma/lab"
	"hma/wire/wellknown"
)

// TestProcedureAsByHand holds that the procedure leaves the very organisation
// that the how-to's commands leave, and that its rollback leaves the one that was
// there before.
func TestProcedureAsByHand(t *testing.T) {
	t.Parallel()
	bin := program(t)
	run := func(dir string, args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), bin, append(args, "--data", dir)...).CombinedOutput()
		if err != nil {
			t.Fatalf("hma %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	byHand := Start(t, lab.Options{Messages: 5})
	byHand.Enable(t)
	want := describe(t, byHand)

	dir := t.TempDir()
	e := Start(t, lab.Options{Dir: dir, Messages: 5})
	before := describe(t, e)
	run(dir, "enable", "--yes")
	got := describe(t, e)
	for _, difference := range differences(want, got) {
		t.Errorf("enabled by hand and by the procedure: %s", difference)
	}
	if len(differences(before, got)) == 0 {
		t.Error("nothing was changed")
	}
	run(dir, "verify")

	var history struct {
		Runs []struct{ ID, Outcome string }
	}
	if err := json.Unmarshal([]byte(run(dir, "history", "--json")), &history); err != nil || len(history.Runs) != 1 {
		t.Fatalf("history: %v, %+v", err, history)
	}
	run(dir, "rollback", history.Runs[0].ID, "--yes")
	for _, difference := range differences(before, describe(t, e)) {
		t.Errorf("before and after the rollback: %s", difference)
	}
	c := clientOf(t, e)
	for _, d := range doors(e.Endpoints.Servers[0].URL) {
		user := e.User("user")
		offer := c.Offer(t.Context(), d, user.UPN)
		if offer.AuthorizationURI != "" || offer.Redirect != "" || !offer.TakesPassword() {
			t.Errorf("after the rollback %s still offers modern authentication: %s", d.URL, offer.AuthN)
		}
		if h := c.Present(t.Context(), d, mail.Credential{User: user.UPN, Password: user.Password, Offered: offer.Offered}); !h.Accepted {
			t.Errorf("after the rollback %s does not take the password: %d", d.URL, h.Status)
		}
	}
}

var ids = regexp.MustCompile(`(?i)[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// unsteady are properties that say when and not what, or that another lab has otherwise.
var unsteady = []string{"WhenChanged", "WhenChangedUTC", "WhenCreated", "WhenCreatedUTC", "CertificateStrings", "CurrentCertificateThumbprint", "Guid", "OriginatingServer"}

// describe returns what the organisation's cmdlets and the tenant say, one line a
// property, without what differs from lab to lab.
func describe(t *testing.T, e *Env) map[string]string {
	t.Helper()
	replace := strings.NewReplacer(e.Endpoints.Tenant.ID, "TENANT", e.Endpoints.Cloud, "CLOUD", strings.TrimPrefix(e.Endpoints.Cloud, "https://"), "CLOUDHOST",
		strings.TrimPrefix(e.Endpoints.Servers[0].URL, "https://"), "EX1", strings.TrimPrefix(e.Endpoints.Servers[1].URL, "https://"), "EX2")
	plain := func(text string) string { return ids.ReplaceAllString(replace.Replace(text), "GUID") }
	said := map[string]string{}
	commands, err := e.Admin().Commands(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, command := range commands {
		noun, found := strings.CutPrefix(command.Name, "Get-")
		if !found || !strings.HasSuffix(noun, "VirtualDirectory") && !slices.Contains([]string{"AuthServer", "AuthConfig", "OrganizationConfig", "AuthenticationPolicy", "ClientAccessService"}, noun) {
			continue
		}
		arguments := [][]any{nil}
		if strings.HasSuffix(noun, "VirtualDirectory") {
			arguments = append(arguments, []any{"ADPropertiesOnly", true})
		}
		for _, args := range arguments {
			for i, o := range e.Run(t, command.Name, args...) {
				for _, p := range o.Properties {
					if !slices.Contains(unsteady, p.Name) {
						said[fmt.Sprintf("%s %v %d %s", command.Name, args, i, p.Name)] = plain(fmt.Sprint(p.Value))
					}
				}
			}
		}
	}
	token := e.Token(t, e.User("admin"), wellknown.Graph)
	g, err := graph.New(e.Endpoints.Graph, e.HTTP, func(context.Context) (string, error) { return token, nil })
	if err != nil {
		t.Fatal(err)
	}
	exchange, err := g.ServicePrincipal(t.Context(), wellknown.Exchange)
	if err != nil {
		t.Fatal(err)
	}
	for name, list := range map[string][]string{"servicePrincipalNames": exchange.ServicePrincipalNames, "replyUrls": exchange.ReplyURLs} {
		for i := range list {
			list[i] = plain(list[i])
		}
		slices.Sort(list) // a list of Graph is a set
		said[name] = strings.Join(list, " ")
	}
	return said
}

func differences(a, b map[string]string) (list []string) {
	for name, value := range a {
		if other, ok := b[name]; !ok || other != value {
			list = append(list, fmt.Sprintf("%s: %q, %q", name, value, other))
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			list = append(list, name+" is new")
		}
	}
	slices.Sort(list)
	return list
}
