package testenv

import (
	"context"
	"crypto/x509"
	"os"
	"strings"
	"testing"
	"time"

	"hma/entra"
	"hma/exchange/auth/outbound"
	"hma/exchange/org"
	"hma/lab"
	"hma/wire/wellknown"
)

// TestServerToServer: the organisation reads the metadata of the cloud's Access
// Control Service, gets a token with its OAuth certificate once that is a key
// credential, and Exchange Online takes it, for a person and for nobody. Then
// the shared principal is blocked, and the dedicated application goes on.
func TestServerToServer(t *testing.T) {
	l := Start(t, lab.Options{Healthy: true})
	ctx := t.Context()
	cloud, tenant := l.Endpoints.Cloud, l.Endpoints.Tenant.ID
	config, err := l.Roles.Org.Server(ctx, l.Endpoints.Servers[0].Name)
	if err != nil {
		t.Fatal(err)
	}
	settle := func(what string, done func(*org.Snapshot) bool) *org.Snapshot {
		t.Helper()
		for range 200 {
			if s := config.Snapshot(); done(s) {
				return s
			}
			time.Sleep(20 * time.Millisecond)
		}
		t.Fatalf("the server does not run with %s", what)
		return nil
	}
	acs := func(s *org.Snapshot) *org.AuthServer {
		for _, a := range s.AuthServers {
			if a.Type == org.MicrosoftACS {
				return a
			}
		}
		return nil
	}
	snapshot := settle("the AuthServer", func(s *org.Snapshot) bool { return acs(s) != nil && acs(s).Realm == tenant })
	if a := acs(snapshot); a.IssuerIdentifier != wellknown.ACS || len(a.CertificateStrings) == 0 {
		t.Errorf("the document was read as %+v", a)
	}

	roots := x509.NewCertPool()
	ca, err := os.ReadFile(l.Endpoints.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots.AppendCertsFromPEM(ca)
	client := outbound.New(outbound.Options{Keys: l.Roles.Org, Now: time.Now, Roots: roots})
	people, err := l.Roles.Org.ByUPN(ctx, l.User("user").UPN)
	if err != nil || len(people) != 1 {
		t.Fatal(err)
	}
	alice := people[0]
	call := func(service string, who *org.Recipient) *outbound.Report {
		return client.Call(ctx, config.Snapshot(), outbound.Call{Service: service, Target: cloud, User: who})
	}
	principal := func(keys ...entra.KeyCredential) {
		t.Helper()
		s, err := l.Roles.Entra.Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		sp := s.Tenant(tenant).ServicePrincipalByAppID(wellknown.Exchange)
		if err := l.Roles.Entra.UpdateServicePrincipal(ctx, tenant, sp.ID, func(sp *entra.ServicePrincipal) error {
			sp.KeyCredentials = keys
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	principal()
	if r := call(outbound.EWS, alice); r.Err == nil || !strings.Contains(r.Err.Error(), "The key was not found.") {
		t.Errorf("without a key credential: %v", r.Err)
	}
	key, err := entra.NewKeyCredential(snapshot.Certificate(snapshot.Auth.CurrentCertificateThumbprint).DER, "OAuth", time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	principal(key)
	for _, c := range []struct {
		service string
		who     *org.Recipient
		says    string
	}{
		{outbound.EWS, alice, "ErrorNonExistentMailbox"},
		{outbound.EWS, nil, "ErrorMissingEmailAddress"},
		{outbound.AutoD, alice, "ErrorCode: NoError"},
	} {
		if r := call(c.service, c.who); r.Err != nil || !strings.Contains(strings.Join(r.Response, "\n"), c.says) {
			t.Errorf("%s: %v\n%s\n%s", c.service, r.Err, strings.Join(r.Response, "\n"), strings.Join(r.Log, "\n"))
		}
	}

	if err := l.Roles.Entra.BlockSharedPrincipal(ctx, tenant, true); err != nil {
		t.Fatal(err)
	}
	if r := call(outbound.EWS, alice); r.Err == nil || !strings.Contains(r.Err.Error(), "(403)") {
		t.Errorf("the shared principal is blocked: %v", r.Err)
	}
	app := dedicated(ctx, t, l, tenant, key)
	_, _, err = l.Roles.Org.Change(ctx, func(c *org.Configuration) error {
		for _, a := range c.AuthServers {
			if a.Type == org.AzureAD {
				a.ApplicationIdentifier = app
			}
		}
		c.Overrides = append(c.Overrides, &org.SettingOverride{Name: "dedicated", Component: "Global", Section: "ExchangeOnpremAsThirdPartyAppId", Parameters: []string{"Enabled=true"}, Reason: "test"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	settle("the override", func(s *org.Snapshot) bool { return s.Override("Global", "ExchangeOnpremAsThirdPartyAppId").Enabled() })
	if r := call(outbound.EWS, alice); r.Err != nil || !strings.Contains(strings.Join(r.Response, "\n"), "ErrorNonExistentMailbox") {
		t.Errorf("dedicated application: %v\n%s\n%s", r.Err, strings.Join(r.Response, "\n"), strings.Join(r.Log, "\n"))
	}
}

// dedicated makes the tenant's own application for hybrid calls.
func dedicated(ctx context.Context, t *testing.T, l *Env, tenant string, key entra.KeyCredential) string {
	t.Helper()
	app, err := l.Roles.Entra.RegisterApplication(ctx, entra.Application{Tenant: tenant, DisplayName: "ExchangeServerApp", KeyCredentials: []entra.KeyCredential{key}})
	if err == nil {
		_, err = l.Roles.Entra.CreateServicePrincipal(ctx, tenant, app)
	}
	if err == nil {
		err = l.Roles.Entra.AssignRole(ctx, tenant, app, wellknown.Exchange, "full_access_as_app")
	}
	if err != nil {
		t.Fatal(err)
	}
	return app
}
