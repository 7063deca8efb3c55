package bearer

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

const tenant = "11111111-2222-3333-4444-555555555555"

func TestChallengeOrder(t *testing.T) {
	c := Challenge{
		ClientID:         "00000002-0000-0ff1-ce00-000000000000",
		TrustedIssuers:   "00000001-0000-0000-c000-000000000000@" + tenant,
		TokenTypes:       TokenTypes,
		AuthorizationURI: "https://login.windows.net/common/oauth2/authorize",
		IssuerKind:       "AzureAD",
	}
	want := `Bearer client_id="00000002-0000-0ff1-ce00-000000000000", trusted_issuers="00000001-0000-0000-c000-000000000000@` + tenant +
		`", token_types="app_asserted_user_v1 service_asserted_app_v1", authorization_uri="https://login.windows.net/common/oauth2/authorize", issuer_kind="AzureAD"`
	if got := c.String(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	c.AuthorizationURI, c.IssuerKind, c.Error = "", "", InvalidToken
	if got := c.String(); !strings.HasSuffix(got, `service_asserted_app_v1", error="invalid_token"`) {
		t.Errorf("got %s", got)
	}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		name  string
		lines []string
		want  []Scheme
	}{
		{"several lines", []string{`Bearer client_id="a,b", error="x"`, `Basic realm="h"`, "Negotiate"}, []Scheme{
			{Name: "Bearer", Params: []Param{{"client_id", "a,b"}, {"error", "x"}}},
			{Name: "Basic", Params: []Param{{"realm", "h"}}},
			{Name: "Negotiate"}}},
		{"one line", []string{`NTLM, Negotiate YII=, Basic Realm="a \"b\"", Bearer`}, []Scheme{
			{Name: "NTLM"}, {Name: "Negotiate", Token: "YII="}, {Name: "Basic", Params: []Param{{"realm", `a "b"`}}}, {Name: "Bearer"}}},
		{"unquoted and blanks", []string{`bearer error = invalid_token ,x=1`}, []Scheme{
			{Name: "bearer", Params: []Param{{"error", "invalid_token"}, {"x", "1"}}}}},
		{"junk", []string{`"", =;, realm="lost"`, "\x00\xff", `Basic realm="open`}, []Scheme{
			{Name: "Basic", Params: []Param{{"realm", "open"}}}}},
	} {
		if got := Parse(tt.lines); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

func TestDiagnostics(t *testing.T) {
	d := Diagnose(InvalidResource, ReasonHost("https://mail.contoso.com", "https://other.contoso.com"))
	want := `2000003;reason="The hostname component of the audience claim value is invalid. Expected 'https://mail.contoso.com'. Actual 'https://other.contoso.com'.";error_category="invalid_resource"`
	if d.String() != want {
		t.Errorf("got %s", d)
	}
	for _, text := range []string{want, strings.ReplaceAll(want, ";", "; ")} {
		if got, ok := ParseDiagnostics(text); !ok || got != d {
			t.Errorf("parse %s: %+v %v", text, got, ok)
		}
	}
	for _, text := range []string{"", "x", `;reason="a"`, "-1;", "99999999999;"} {
		if _, ok := ParseDiagnostics(text); ok {
			t.Errorf("%q was read", text)
		}
	}
}

func TestForeignTextIsHarmless(t *testing.T) {
	for _, foreign := range []string{`a"; x`, "a'\\b", "a\r\nSet-Cookie: x", strings.Repeat("x", 10_000), "\u00e4\u202e"} {
		for _, text := range []string{ReasonFlighting(foreign), BasicChallenge(foreign), Challenge{Error: foreign}.String()} {
			if strings.ContainsAny(text, "\r\n") || !isASCII(text) {
				t.Errorf("%q", text)
			}
		}
		if d, ok := ParseDiagnostics(Diagnose(NotAvailable, ReasonFlighting(foreign)).String()); !ok || d.Category != "oauth_not_available" || len(d.Reason) > 300 {
			t.Errorf("%q: %+v", foreign, d)
		}
	}
}

func isASCII(s string) bool { return !strings.ContainsFunc(s, func(r rune) bool { return r >= 0x7f }) }

func TestCodesAreComplete(t *testing.T) {
	if !slices.IsSortedFunc(Codes, func(a, b Info) int { return int(a.Code - b.Code) }) {
		t.Error("not sorted")
	}
	for _, info := range Codes {
		if info.Category == "" || info.Meaning == "" || info.Fix == "" {
			t.Errorf("%d is incomplete", info.Code)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`Bearer client_id="a", error="b"`)
	f.Add(`NTLM, Negotiate YII==, Basic realm="x\"`)
	f.Fuzz(func(t *testing.T, line string) {
		for _, s := range Parse([]string{line}) {
			if s.Name == "" {
				t.Fatal("scheme without a name")
			}
			if b, ok := Find(Parse([]string{s.Challenge().String()}), "Bearer"); !ok {
				t.Fatal("own challenge not read")
			} else if got, want := b.Challenge().String(), s.Challenge().String(); got != want {
				t.Fatalf("%q became %q", want, got)
			}
		}
	})
}

func FuzzParseDiagnostics(f *testing.F) {
	f.Add(`2000003;reason="a";error_category="b"`)
	f.Fuzz(func(t *testing.T, value string) {
		if d, ok := ParseDiagnostics(value); ok && d.Code < 0 {
			t.Fatal("negative code")
		}
	})
}

func TestWellFormed(t *testing.T) {
	for line, wrong := range map[string]string{
		`Bearer client_id="a", authorization_uri="https://a/authorize?x=\"y\""`: "",
		`Negotiate`:                              "",
		`Negotiate YII==`:                        "",
		`Basic realm="a", NTLM, Bearer a=b, c=d`: "",
		`, NTLM , , Basic realm = "a" ,`:         "",
		`Bearer `:                                "",
		``:                                       "no challenge",
		`, ,`:                                    "no challenge",
		`realm="a"`:                              "before any scheme",
		`Bearer a="b`:                            "does not end",
		`Bearer a="b" c="d"`:                     "no comma",
		`Bearer a="b", A="c"`:                    "comes twice",
		`Bearer a="b", NTLM, Bearer a="c"`:       "",
		`Bearer authorization_uri=https://a/b`:   "no comma",
		`Bearer "a"`:                             "neither a parameter nor a token",
		`Bearer a b`:                             "neither a parameter nor a token",
		"Bearer a=\"\x01\"":                      "control character",
		`<html>`:                                 "scheme or a parameter",
		strings.Repeat("a", maxLine+1):           "longer",
	} {
		if err := WellFormed(line); (err == nil) != (wrong == "") || err != nil && !strings.Contains(err.Error(), wrong) {
			t.Errorf("%.60q: %v, want %q", line, err, wrong)
		}
	}
}

func FuzzWellFormed(f *testing.F) {
	f.Add(`Bearer client_id="a", error="b"`)
	f.Add(`NTLM, Negotiate YII==, Basic realm="x\"`)
	f.Fuzz(func(t *testing.T, line string) {
		schemes := Parse([]string{line})
		if WellFormed(line) == nil && len(schemes) == 0 {
			t.Fatal("a good line in which no scheme was read")
		}
		for _, s := range schemes {
			if err := WellFormed(s.Challenge().String()); err != nil {
				t.Fatalf("our own challenge %s: %v", s.Challenge(), err)
			}
		}
	})
}
