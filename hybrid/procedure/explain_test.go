package procedure

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"hma/hybrid/procedure/rule"
	"hma/wire/aadsts"
	"hma/wire/bearer"
)

func token(header, body string) string {
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(header)) + "." + enc([]byte(body)) + ".c2ln"
}

func TestExplain(t *testing.T) {
	good := fmt.Sprintf(`{"aud":"https://mail.contoso.com","scp":"user_impersonation","exp":%d,"nbf":%d}`, noon.Unix()+3600, noon.Unix()-60)
	for name, c := range map[string]struct{ in, kind, has string }{
		"good token":   {token(`{"alg":"RS256"}`, good), KindToken, "Nothing in it speaks against"},
		"with scheme":  {"Authorization: Bearer " + token(`{"alg":"RS256"}`, good), KindToken, "in 1h0m0s"},
		"unsigned":     {token(`{"alg":"none"}`, good), KindToken, "alg is not RS256"},
		"expired":      {token(`{"alg":"RS256"}`, `{"aud":"https://a","scp":"x","exp":1}`), KindToken, "has expired"},
		"huge time":    {token(`{"alg":"RS256"}`, `{"aud":"https://a","scp":"x","exp":1e400}`), KindToken, "has expired"},
		"twice":        {token(`{"alg":"RS256"}`, `{"aud":"a","AUD":"b"}`), KindToken, "comes twice"},
		"four parts":   {"a.b.c.d", KindToken, "4 parts"},
		"garbage":      {"!!.??.--", KindToken, "base64url"},
		"challenge":    {`Bearer client_id="x", authorization_uri="https://login/authorize"`, KindChallenge, "is offered"},
		"not offered":  {`WWW-Authenticate: Bearer client_id="x", error="invalid_token"`, KindChallenge, "no authorization_uri"},
		"passwords":    {"Negotiate, NTLM", KindChallenge, "no tokens"},
		"diagnostics":  {`x-ms-diagnostics: 2000003;reason="r";error_category="invalid_resource"`, KindDiagnostics, "audience"},
		"rule":         {"AutoDetect", KindRule, "nft insert rule"},
		"AADSTS text":  {"AADSTS50011: The redirect URI ...", KindAADSTS, "AADSTS50011"},
		"unknown code": {"AADSTS999999", KindUnknown, "does not know"},
		"unknown":      {"hello world", KindUnknown, "hma knows"},
		"nothing":      {"  ", KindUnknown, "nothing"},
		"too long":     {strings.Repeat("a", maxExplain+1), KindUnknown, "more than"},
	} {
		x := Explain(c.in, noon)
		if all := fmt.Sprint(x); x.Kind != c.kind || !strings.Contains(all, c.has) {
			t.Errorf("%s: %s, without %q: %v", name, x.Kind, c.has, all)
		}
	}
}

// Everything that the tables know is explained, with a way out.
func TestExplainKnowsTheTables(t *testing.T) {
	for _, e := range aadsts.All() {
		if x := Explain(e.Code.String(), noon); x.Kind != KindAADSTS || x.Meaning == "" {
			t.Errorf("%s: %+v", e.Code, x)
		}
	}
	for _, i := range bearer.Codes {
		if x := Explain(fmt.Sprint(int(i.Code)), noon); x.Kind != KindDiagnostics || x.Fix == "" {
			t.Errorf("%d: %+v", i.Code, x)
		}
	}
	for _, r := range rule.All() {
		if x := Explain(r.ID, noon); x.Kind != KindRule || x.Meaning == "" || x.Fix == "" || r.Source == "" {
			t.Errorf("%s: %+v", r.ID, x)
		}
	}
}

func FuzzExplain(f *testing.F) {
	for _, s := range []string{"2000003", "AADSTS50011", "Bearer a=\"b\"", token(`{"alg":"RS256"}`, `{"exp":1}`), "spn-list"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		x := Explain(s, noon)
		if x.Kind == "" || x.Meaning == "" {
			t.Errorf("no answer to %q", s)
		}
		if utf8.ValidString(s) && !utf8.ValidString(x.Title) {
			t.Errorf("invalid text for %q", s)
		}
	})
}
