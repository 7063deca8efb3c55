package desired

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hma/client/graph"
	"hma/hybrid/procedure/facts"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// contoso is an organisation that has something of everything.
func contoso() *facts.Facts {
	f := &facts.Facts{
		Organization: facts.Organization{Name: "Contoso", OAuth2ClientProfileEnabled: true, MapiHTTPEnabled: true, DefaultAuthenticationPolicy: "Block: legacy #1"},
		Policies:     []facts.Policy{{Name: "Block: legacy #1", BlockLegacy: []string{"Imap", "Pop"}}},
		AuthServers: []facts.AuthServer{{Name: "EvoSts - 0002-other-id", Type: "AzureAD", Realm: "0001-ID", AuthorizationEndpoint: "https://login.example/common/oauth2/authorize",
			AuthMetadataURL: "https://login.example/0001-id/federationmetadata.xml", DomainName: []string{"contoso.onmicrosoft.com"}, Enabled: true, IsDefaultAuthorizationEndpoint: true}},
		Services: []facts.Service{{Server: "EX1", AutoDiscoverServiceInternalURI: "https://autodiscover.contoso.com/Autodiscover/Autodiscover.xml"}},
		Tenants: []facts.Tenant{{Name: "contoso.onmicrosoft.com", Organization: graph.Organization{ID: "0001-id"}, Principal: graph.ServicePrincipal{
			ServicePrincipalNames: []string{"https://mail.contoso.com/", "00000002-0000-0ff1-ce00-000000000000", "123"}, ReplyURLs: []string{"https://mail.contoso.com/owa"}}}},
		People: []facts.Person{{Account: "ben", UPN: "ben@contoso.com", Policy: "Pilots"}, {Account: "ada", UPN: "ada@contoso.com", Policy: "Pilots"}, {Account: "eve", UPN: "eve@contoso.com"}},
	}
	for _, k := range facts.Kinds {
		d := facts.Directory{Server: "EX1", Kind: k, Identity: `EX1\` + strings.ToLower(string(k)) + " (Default Web Site)", InternalURL: "https://mail.contoso.com/x", AD: facts.Methods{OAuth: true, Windows: true}}
		if k == facts.Mapi {
			d.AD = facts.Methods{IIS: []string{"Ntlm", "OAuth", "Negotiate"}}
		}
		f.Directories = append(f.Directories, d)
	}
	return f
}

func marshal(t *testing.T, s *State) []byte {
	t.Helper()
	data, err := Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The file is golden, and reads back as what it was written from.
func TestFile(t *testing.T) {
	s := Of(contoso())
	data := marshal(t, s)
	golden := filepath.Join("testdata", "contoso.yaml")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(data, want) {
		t.Errorf("the file is\n%s", data)
	}
	again, err := Parse("contoso.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	if back := marshal(t, again); !bytes.Equal(back, data) {
		t.Errorf("read and written again it is\n%s", back)
	}
	if d := append(Compare(s, again), Compare(again, s)...); len(d) > 0 {
		t.Errorf("it differs from itself: %+v", d)
	}
}

// The order in which things are read does not show.
func TestOrder(t *testing.T) {
	a, b := contoso(), contoso()
	names := b.Tenants[0].Principal.ServicePrincipalNames
	names[0], names[2] = names[2], names[0]
	b.People[0], b.People[1] = b.People[1], b.People[0]
	if x, y := marshal(t, Of(a)), marshal(t, Of(b)); !bytes.Equal(x, y) {
		t.Errorf("%s\n%s", x, y)
	}
}

func TestRefused(t *testing.T) {
	const ok = "version: 1\n"
	for name, c := range map[string]struct{ text, want string }{
		"empty":            {"", "goal.yaml:1: no desired state: it is empty"},
		"no version":       {"User: {}\n", "goal.yaml:1: no desired state: it has no version"},
		"newer":            {"version: 2\n", "goal.yaml:1: no desired state: version 2, this hma reads 1"},
		"no mapping":       {"- a\n", "goal.yaml:1: "},
		"syntax":           {ok + "User: [\n", "goal.yaml:3: "},
		"two documents":    {ok + "---\nversion: 1\n", "goal.yaml:2: "},
		"noun":             {ok + "\nUsers: {}\n", "goal.yaml:3: no desired state: Users is not known"},
		"property":         {ok + "OrganizationConfig:\n  Oauth: true\n", "goal.yaml:3: no desired state: Oauth is no property of OrganizationConfig"},
		"twice":            {ok + "User:\n  a: {}\n  A: {}\n", "goal.yaml:4: no desired state: User: A stands there twice"},
		"no switch":        {ok + "OrganizationConfig:\n  OAuth2ClientProfileEnabled: yes\n", "goal.yaml:3: no desired state: OAuth2ClientProfileEnabled: want true or false"},
		"quoted switch":    {ok + "OrganizationConfig:\n  OAuth2ClientProfileEnabled: 'true'\n", "goal.yaml:3: "},
		"number":           {ok + "User:\n  a:\n    AuthenticationPolicy: 12\n", "goal.yaml:4: no desired state: AuthenticationPolicy: want text"},
		"no text":          {ok + "User:\n  a:\n    AuthenticationPolicy: ''\n", "goal.yaml:4: "},
		"no list":          {ok + "ServicePrincipal:\n  t:\n    replyUrls: https://a/\n", "goal.yaml:4: no desired state: replyUrls: want a list"},
		"list of lists":    {ok + "ServicePrincipal:\n  t:\n    replyUrls: [[a]]\n", "goal.yaml:4: no desired state: replyUrls: an entry must be text"},
		"reference":        {ok + "ServicePrincipal:\n  t: &t\n    replyUrls: &r [a]\n", "goal.yaml:4: no desired state: replyUrls: write the value itself"},
		"object reference": {ok + "User:\n  a: &a {AuthenticationPolicy: x}\n  b: *a\n", "goal.yaml:4: "},
		"deep":             {ok + "User: " + strings.Repeat("[", 20_000), "goal.yaml"},
		"large":            {strings.Repeat("#", MaxFile+1), "goal.yaml: no desired state: it has more than 16 MiB"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("goal.yaml", []byte(c.text))
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || !errors.Is(err, ErrFile) {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

// What is different is found, and nothing else.
func TestCompare(t *testing.T) {
	has := Of(contoso())
	for name, c := range map[string]struct{ text, want string }{
		"nothing wanted":  {"", ""},
		"switch":          {"OrganizationConfig: {OAuth2ClientProfileEnabled: false}", "organisation OAuth2ClientProfileEnabled"},
		"as it is":        {"OrganizationConfig: {OAuth2ClientProfileEnabled: true, DefaultAuthenticationPolicy: 'block: LEGACY #1'}", ""},
		"no object":       {`OabVirtualDirectory: {'EX9\OAB': {OAuthAuthentication: true}}`, `EX9\OAB `},
		"name's case":     {`OabVirtualDirectory: {'ex1\OAB (default web site)': {OAuthAuthentication: true}}`, ""},
		"lacking":         {"ServicePrincipal: {contoso.onmicrosoft.com: {servicePrincipalNames: [https://MAIL.contoso.com:443, 'https://x/']}}", "service principal of Exchange in contoso.onmicrosoft.com servicePrincipalNames +https://x/ -00000002-0000-0ff1-ce00-000000000000 -123"},
		"reply URL slash": {"ServicePrincipal: {contoso.onmicrosoft.com: {replyUrls: [https://mail.contoso.com/owa/]}}", "service principal of Exchange in contoso.onmicrosoft.com replyUrls +https://mail.contoso.com/owa/ -https://mail.contoso.com/owa"},
		"user":            {"User: {eve@contoso.com: {AuthenticationPolicy: Pilots}}", "eve@contoso.com AuthenticationPolicy"},
		"one user":        {"User: {ada@contoso.com: {AuthenticationPolicy: pilots}}", ""},
		"everybody else":  {"User: {ada@contoso.com: {AuthenticationPolicy: Pilots}, everybody else: {AuthenticationPolicy: null}}", "ben@contoso.com AuthenticationPolicy"},
	} {
		t.Run(name, func(t *testing.T) {
			wanted, err := Parse("goal.yaml", []byte("version: 1\n"+c.text))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, d := range Compare(has, wanted) {
				line := d.Address() + " " + d.Property
				for _, e := range d.Lacking {
					line += " +" + e
				}
				for _, e := range d.Extra {
					line += " -" + e
				}
				got = append(got, line)
			}
			if strings.Join(got, "; ") != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// What another organisation of the same make has too is what an AuthServer is called by, unless two would be called the same.
func TestAuthServerName(t *testing.T) {
	f := contoso()
	f.AuthServers = append(f.AuthServers, facts.AuthServer{Name: "ACS - 3", Realm: "0001-id"}, facts.AuthServer{Name: "Other - 4", Realm: "0009-id"},
		facts.AuthServer{Name: "Twice - 5", Realm: "0001-id"}, facts.AuthServer{Name: "Twice - 6", Realm: "0001-id"})
	for i, want := range []string{"EvoSts - contoso.onmicrosoft.com", "ACS - contoso.onmicrosoft.com", "Other - 4", "Twice - 5", "Twice - 6"} {
		if got := AuthServerName(f, &f.AuthServers[i]); got != want {
			t.Errorf("%s is called %s, want %s", f.AuthServers[i].Name, got, want)
		}
	}
}

// Objects that a file does not name are told apart from what it wants.
func TestUnnamed(t *testing.T) {
	wanted, err := Parse("goal.yaml", []byte("version: 1\nAuthServer: {ACS: {Enabled: true}}\nUser: {}\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := Unnamed(Of(contoso()), wanted); len(got) != 1 || got[0].Name != "EvoSts - contoso.onmicrosoft.com" {
		t.Errorf("%+v", got)
	}
}

// Whatever is read, what is accepted can be written and reads as the same.
func FuzzParse(f *testing.F) {
	data, err := Marshal(Of(contoso()))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("version: 1\nUser: {a: {AuthenticationPolicy: \"x\\ny\"}, 'null': {}}\n"))
	f.Add([]byte("version: 1\nServicePrincipal: {t: {replyUrls: ['~', ' a', \"\\u2028\"]}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("f", data)
		if err != nil {
			if strings.ContainsAny(err.Error(), "\r\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		first, err := Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("f", first)
		if err != nil {
			t.Fatalf("what was written is refused: %v\n%s", err, first)
		}
		if d := append(Compare(s, again), Compare(again, s)...); len(d) > 0 {
			t.Errorf("written and read again it differs: %+v\n%s", d, first)
		}
	})
}
