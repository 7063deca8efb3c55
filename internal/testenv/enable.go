package testenv

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/client/adminapi"
	"hma/client/graph"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

// Admin returns a client of the lab's admin socket.
func (e *Env) Admin() *adminapi.Client { return adminapi.Dial(e.Endpoints.AdminSocket) }

// Run runs one cmdlet over the admin socket; parameters are name and value in turn.
func (e *Env) Run(t testing.TB, cmdlet string, parameters ...any) []psobject.Object {
	t.Helper()
	inv := psobject.Invocation{Cmdlet: cmdlet}
	for i := 0; i < len(parameters); i += 2 {
		inv.Parameters = append(inv.Parameters, psobject.Property{Name: parameters[i].(string), Value: parameters[i+1]})
	}
	result, err := e.Admin().Invoke(t.Context(), inv)
	if err != nil {
		t.Fatalf("%s %v: %v", cmdlet, parameters, err)
	}
	return result.Output
}

// Enable turns Hybrid Modern Authentication on by hand, command by command as
// the how-to does, and returns when every server runs it. It shares nothing with
// the procedure, so that either can judge the other.
func (e *Env) Enable(t testing.TB) {
	t.Helper()
	token := e.Token(t, e.User("admin"), wellknown.Graph)
	g, err := graph.New(e.Endpoints.Graph, e.HTTP, func(context.Context) (string, error) { return token, nil })
	if err != nil {
		t.Fatal(err)
	}
	exchange, err := g.ServicePrincipal(t.Context(), wellknown.Exchange)
	if err != nil {
		t.Fatal(err)
	}
	add := func(list *[]string, url string) {
		if !slices.ContainsFunc(*list, func(have string) bool { return strings.EqualFold(have, url) }) {
			*list = append(*list, url)
		}
	}
	for host := range e.Endpoints.Names {
		if !strings.HasPrefix(host, "download.") { // nobody has a token for the host of OWA's attachments
			add(&exchange.ServicePrincipalNames, "https://"+host+"/")
		}
	}
	origins := []string{"https://mail." + e.Endpoints.Domain}
	for _, s := range e.Endpoints.Servers {
		origins = append(origins, s.URL)
		add(&exchange.ServicePrincipalNames, s.URL+"/")
	}
	for _, origin := range origins {
		add(&exchange.ReplyURLs, origin+"/owa")
		add(&exchange.ReplyURLs, origin+"/ecp")
	}
	if err := g.SetServicePrincipalNames(t.Context(), exchange.ID, exchange.ServicePrincipalNames); err != nil {
		t.Fatal(err)
	}
	if err := g.SetReplyURLs(t.Context(), exchange.ID, exchange.ReplyURLs); err != nil {
		t.Fatal(err)
	}

	for _, s := range e.Endpoints.Servers {
		e.Run(t, "Set-OabVirtualDirectory", "Identity", s.Name+`\OAB (Default Web Site)`, "OAuthAuthentication", true)
	}
	for _, server := range e.Run(t, "Get-AuthServer") {
		if name := server.String("Name"); strings.HasPrefix(name, "EvoSts - ") {
			e.Run(t, "Set-AuthServer", "Identity", name, "DomainName", []string{e.Endpoints.Tenant.Domain}, "IsDefaultAuthorizationEndpoint", true)
		}
	}
	e.Run(t, "Set-OrganizationConfig", "OAuth2ClientProfileEnabled", true)
	for _, s := range e.Endpoints.Servers {
		owa, ecp := s.Name+`\owa (Default Web Site)`, s.Name+`\ecp (Default Web Site)`
		off := []any{"AdfsAuthentication", false, "BasicAuthentication", false, "FormsAuthentication", false, "DigestAuthentication", false}
		e.Run(t, "Set-OwaVirtualDirectory", append([]any{"Identity", owa}, off...)...)
		e.Run(t, "Set-EcpVirtualDirectory", append([]any{"Identity", ecp}, off...)...)
		e.Run(t, "Set-EcpVirtualDirectory", "Identity", ecp, "OAuthAuthentication", true)
		e.Run(t, "Set-OwaVirtualDirectory", "Identity", owa, "OAuthAuthentication", true)
	}
	// A server's own row of the last change says that it runs all that came before.
	for _, s := range e.Endpoints.Servers {
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			live := e.Run(t, "Get-OwaVirtualDirectory", "Identity", s.Name+`\owa (Default Web Site)`)
			if len(live) == 1 && live[0].Bool("OAuthAuthentication") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s did not take up the configuration", s.Name)
			}
		}
	}
}
