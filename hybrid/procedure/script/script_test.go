package script

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hma/hybrid/procedure"
	"hma/hybrid/procedure/rule"
	"hma/shell/parse"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

// example has a step of each form.
func example() *procedure.Plan {
	set := func(property string, before, after any) procedure.Setting {
		return procedure.Setting{Property: property, Before: procedure.Value{V: before}, After: procedure.Value{V: after}}
	}
	p := &procedure.Plan{Version: procedure.PlanVersion, ID: "20240423-101500-abcd", Made: time.Date(2024, 4, 23, 10, 15, 0, 0, time.UTC), Snapshot: "6d1f",
		Losses: []rule.Loss{{Person: "root@contoso.com", Administrator: true, Ways: []string{"OWA", "ECP"}, Reason: "not synchronised"}},
		Changes: []procedure.Change{
			{Step: procedure.StepSPN, Action: procedure.ActionAdd, Address: "service principal", ObjectID: "77", Tenant: "contoso.com",
				Settings: []procedure.Setting{set("servicePrincipalNames", []string{}, []string{"https://mail.contoso.com/"})}},
			{Step: procedure.StepOAuth, Action: procedure.ActionSet, Address: `EX1\EWS (Default Web Site)`, Cmdlet: "Set-WebServicesVirtualDirectory", Identity: `EX1\EWS (Default Web Site)`,
				Settings: []procedure.Setting{set("OAuthAuthentication", true, true)}},
			{Step: procedure.StepOAuth, Action: procedure.ActionAdd, Address: `EX1\mapi (Default Web Site)`, Cmdlet: "Set-MapiVirtualDirectory", Identity: `EX1\mapi (Default Web Site)`,
				Settings: []procedure.Setting{set("IISAuthenticationMethods", []string{"Ntlm"}, []string{"Ntlm", "OAuth"})}},
			{Step: procedure.StepEndpoint, Action: procedure.ActionSet, Address: "AuthServer O'Neill $(exit)", Cmdlet: "Set-AuthServer", Identity: "O'Neill $(exit)",
				Settings: []procedure.Setting{set("DomainName", []string{}, []string{"contoso.onmicrosoft.com"}), set("IsDefaultAuthorizationEndpoint", false, true)}},
			{Step: procedure.StepClientProfile, Action: procedure.ActionSet, Address: "organisation", Cmdlet: "Set-OrganizationConfig",
				Settings: []procedure.Setting{set("OAuth2ClientProfileEnabled", false, true)}},
			{Step: procedure.StepReplyURL, Action: procedure.ActionAdd, Address: "service principal", ObjectID: "78", Tenant: "fabrikam.com",
				Settings: []procedure.Setting{set("replyUrls", []string{}, []string{"https://mail.contoso.com/owa"})}},
			{Step: procedure.StepLegacyOff, Action: procedure.ActionSet, Address: `EX1\owa (Default Web Site)`, Cmdlet: "Set-OwaVirtualDirectory", Identity: `EX1\owa (Default Web Site)`,
				Settings: []procedure.Setting{set("BasicAuthentication", true, false), set("FormsAuthentication", true, false)}},
			{Step: procedure.StepPolicy, Action: procedure.ActionCreate, Address: "authentication policy HMA pilot", Cmdlet: "New-AuthenticationPolicy", Identity: "HMA pilot",
				Settings: []procedure.Setting{set("BlockLegacyAuthImap", nil, true), set("BlockModernAuthMapi", nil, false)}},
			{Step: procedure.StepPolicy, Action: procedure.ActionSet, Address: "ada@contoso.com", Cmdlet: "Set-User", Identity: "ada@contoso.com",
				Settings: []procedure.Setting{set("AuthenticationPolicy", nil, "HMA pilot")}},
		}}
	for i := range p.Changes {
		p.Changes[i].Number, p.Changes[i].Reason, p.Changes[i].Affects = i+1, "a reason", "somebody"
	}
	return p
}

// The scripts are as in testdata, and of the language that the shell has.
func TestGolden(t *testing.T) {
	s, err := Make(example(), "contoso.com")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{ApplyFile: s.Apply, UndoFile: s.Undo} {
		if _, err := parse.Parse(string(text)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !bytes.HasPrefix(text, []byte("\ufeff")) {
			t.Errorf("%s has no byte order mark", name)
		}
		plain := strings.ReplaceAll(strings.TrimPrefix(string(text), "\ufeff"), "\r\n", "\n")
		file := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(file, []byte(plain), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if plain != string(want) {
			t.Errorf("%s is another:\n%s", name, plain)
		}
	}
}

func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		want  error
		spoil func(*procedure.Plan)
	}{
		"blocked":                {procedure.ErrBlocked, func(p *procedure.Plan) { p.Blocked = []rule.Finding{{Summary: "no EvoSTS"}} }},
		"id that is a path":      {procedure.ErrInvalid, func(p *procedure.Plan) { p.ID = "../x" }},
		"line end in a name":     {procedure.ErrInvalid, func(p *procedure.Plan) { p.Changes[1].Identity = "x\nexit" }},
		"direction in a name":    {procedure.ErrInvalid, func(p *procedure.Plan) { p.Changes[1].Identity = "x\u202ey" }},
		"NUL in a name":          {procedure.ErrInvalid, func(p *procedure.Plan) { p.Changes[1].Address = "x\x00" }},
		"bytes that are no text": {procedure.ErrInvalid, func(p *procedure.Plan) { p.Changes[1].Identity = "x\xff" }},
	} {
		t.Run(name, func(t *testing.T) {
			p := example()
			c.spoil(p)
			if _, err := Make(p, "contoso.com"); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestQuote(t *testing.T) {
	for text, want := range map[string]string{
		"":                 "''",
		"O'Neill":          "'O''Neill'",
		"‘a’ ‚b‛":          "'‘‘a’’ ‚‚b‛‛'",
		"$(exit) `n \"x\"": "'$(exit) `n \"x\"'",
		"a\n'; exit #":     "'a\n''; exit #'",
	} {
		if got := quote(text); got != want {
			t.Errorf("quote(%q) = %s, want %s", text, got, want)
		}
	}
}

// FuzzMake holds that a name can neither end its string nor its comment: whatever stands in it, a
// script that is made has the same statements.
func FuzzMake(f *testing.F) {
	for _, s := range []string{"EX1", "O'Neill", "’; exit; ’", "$(exit)", "a\n# b", "#>", "\u2028", "`", `"`, "Ñ"} {
		f.Add(s)
	}
	plain, err := Make(example(), "x")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, name string) {
		p := example()
		for i := range p.Changes {
			c := &p.Changes[i]
			c.Address, c.Reason, c.Affects = name, name, name
			if c.Identity != "" {
				c.Identity = "x" + name
			}
		}
		s, err := Make(p, name)
		if err != nil {
			return
		}
		for got, want := range map[*[]byte][]byte{&s.Apply: plain.Apply, &s.Undo: plain.Undo} {
			if a, b := shape(t, *got), shape(t, want); a != b {
				t.Errorf("%q makes other statements:\n%s\nnot\n%s\n%s", name, a, b, *got)
			}
		}
	})
}

// shape is what statements a script has, one letter each, and in how many lines.
func shape(t *testing.T, text []byte) string {
	t.Helper()
	script, err := parse.Parse(string(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return fmt.Sprint(bytes.Count(text, []byte("\n")), " lines ", statements(script.Body))
}

func statements(body []parse.Statement) string {
	var b strings.Builder
	for _, s := range body {
		switch s := s.(type) {
		case *parse.Pipeline:
			b.WriteByte('p')
			for _, c := range s.Commands {
				b.WriteString(" " + c.Name)
			}
		case *parse.Assign:
			b.WriteByte('=')
		case *parse.If:
			for _, c := range s.Clauses {
				b.WriteString("{" + statements(c.Body.Body) + "}")
			}
			if s.Else != nil {
				b.WriteString("{" + statements(s.Else.Body) + "}")
			}
		case *parse.Exit:
			b.WriteByte('x')
		default:
			b.WriteByte('?')
		}
		b.WriteByte(';')
	}
	return b.String()
}
