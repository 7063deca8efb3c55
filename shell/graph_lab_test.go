package shell

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"hma/client/adminapi"
	"hma/client/graph"
	"hma/client/mail"
	"hma/internal/testenv"
	"hma/lab"
)

// labGraph is the cloud of a lab; its administrators sign in and consent through its pages.
func labGraph(t *testing.T, e *testenv.Env) *Graph {
	t.Helper()
	ca, err := os.ReadFile(e.Endpoints.CA)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	m := mail.New(mail.Options{Roots: roots, Names: e.Endpoints.Names})
	t.Cleanup(m.Close)
	cloud := graph.Cloud{Login: e.Endpoints.Cloud, Endpoint: e.Endpoints.Graph, Mail: m}
	return &Graph{Cloud: cloud, SignIn: func(ctx context.Context, tenant string, scopes []string, say func(string)) (*graph.Connection, error) {
		for _, u := range e.Endpoints.Users {
			if u.Role == "admin" && u.Synced && u.Tenant == tenant {
				say("Signed in as " + u.UPN + ".")
				return cloud.Browser(ctx, tenant, "http://localhost", scopes, m.Pages(cloud.Login, u.UPN, u.Password).Redirected)
			}
		}
		return nil, fmt.Errorf("no administrator of %q", tenant)
	}}
}

// TestGraphOfTheHowto plays the how-to's Graph commands against a lab of two tenants, where
// nobody has consented to anything yet.
func TestGraphOfTheHowto(t *testing.T) {
	e := testenv.Start(t, lab.Options{Healthy: true, Tenants: 2, PublicNames: true})
	input, err := os.ReadFile("testdata/graph/howto.ps1")
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	s := &Session{Client: adminapi.Dial(e.Endpoints.AdminSocket), Out: &out, Err: &out, Width: 160, Graph: labGraph(t, e)}
	for text := range strings.SplitSeq(strings.TrimSpace(string(input)), "\n---\n") {
		fmt.Fprintf(&out, "[PS] C:\\>%s\n", strings.ReplaceAll(text, "\n", "\n>> "))
		_ = s.Run(t.Context(), text) // errors are part of what is seen
	}
	compareGolden(t, "testdata/graph/howto.ps1", steady(out.String()))
}

var (
	madeUp = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	ports  = regexp.MustCompile(`localhost:[0-9]+`)
)

// steady replaces what a lab makes up: GUIDs, each by one of its own, and ports.
func steady(s string) string {
	seen := map[string]string{}
	s = madeUp.ReplaceAllStringFunc(s, func(id string) string {
		switch {
		case strings.HasPrefix(id, "0000000"), id == "14d82eec-204b-4c2f-b7e8-296a70dab67e":
			return id
		case seen[id] == "":
			seen[id] = fmt.Sprintf("%08x-1111-4111-8111-111111111111", len(seen)+1)
		}
		return seen[id]
	})
	return ports.ReplaceAllString(s, "localhost:PORT")
}
