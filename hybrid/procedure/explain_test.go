package procedure

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"
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
	good := fmt.Sprintf(`{"iss":"https://sts/","aud":"https://mail.contoso.com","upn":"ada@contoso.com","scp":"user_impersonation","exp":%d,"nbf":%d}`, noon.Unix()+3600, noon.Unix()-60)
	for name, c := range map[string]struct{ in, kind, has string }{
		"good token":   {token(`{"alg":"RS256"}`, good), KindToken, "Nothing in it speaks against it at Autodiscover, MAPI, EWS, OAB of mail.contoso.com"},
		"with scheme":  {"Authorization: Bearer " + token(`{"alg":"RS256"}`, good), KindToken, "in 1h0m0s"},
		"unsigned":     {token(`{"alg":"none"}`, good), KindToken, "not signed with RS256"},
		"expired":      {token(`{"alg":"RS256"}`, `{"iss":"i","aud":"https://a","scp":"x","exp":1}`), KindToken, "token is expired"},
		"huge time":    {token(`{"alg":"RS256"}`, `{"aud":"https://a","scp":"x","exp":1e400}`), KindToken, "date beyond all dates"},
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
		"malformed":    {`Bearer client_id="x" error="y"`, KindChallenge, "no comma"},
		"a whole answer": {"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer client_id=\"x\", error=\"invalid_token\"\r\nWWW-Authenticate: NTLM\r\n" +
			"x-ms-diagnostics: 4000000;reason=\"r\";error_category=\"oauth_not_available\"\r\n", KindChallenge, "BlockModernAuth"},
		"requirement": {"c11", KindRequirement, "all servers alike"},
		"status":      {"AuthN: Nego*", KindStatus, "oauth2-client-profile"},
		"encryption":  {"SSL [No]", KindStatus, "inner RPC channel"},
		"column":      {"Req/Fail", KindStatus, "refused tokens"},
		"unknown":     {"hello world", KindUnknown, "hma knows"},
		"nothing":     {"  ", KindUnknown, "nothing"},
		"too long":    {strings.Repeat("a", maxExplain+1), KindUnknown, "more than"},
	} {
		x := Explain(c.in, "", noon)
		if all := fmt.Sprint(x); x.Kind != c.kind || !strings.Contains(all, c.has) {
			t.Errorf("%s: %s, without %q: %v", name, x.Kind, c.has, all)
		}
	}
}

// What to do about a token that no door takes is chosen by what was found in it.
func TestAdvice(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"expired":     {token(`{"alg":"RS256"}`, `{"iss":"i","aud":"https://a","scp":"x","exp":1}`), "Sign in again. If the new token"},
		"early":       {token(`{"alg":"RS256"}`, fmt.Sprintf(`{"iss":"i","aud":"https://a","exp":%d,"nbf":%d}`, noon.Unix()+7200, noon.Unix()+3600)), "Compare the clocks"},
		"endless":     {token(`{"alg":"RS256"}`, `{"iss":"i","aud":"https://a"}`), "Get one with an exp claim"},
		"unsigned":    {token(`{"alg":"none"}`, `{"iss":"i","aud":"https://a","exp":1}`), "Get one as the identity service issues it: signed with RS256"},
		"application": {token(`{"alg":"RS256"}`, fmt.Sprintf(`{"iss":"i","aud":"https://a","idtyp":"app","exp":%d}`, noon.Unix()+60)), "Ask for a delegated access token"},
		"no issuer":   {token(`{"alg":"RS256"}`, fmt.Sprintf(`{"aud":"https://a","exp":%d}`, noon.Unix()+60)), "Compare the iss claim"},
	} {
		if x := Explain(c.in, "", noon); !strings.HasPrefix(x.Fix, "No door takes it. "+c.want) {
			t.Errorf("%s: %s", name, x.Fix)
		}
	}
}

// Who is sent to a host that is none of Microsoft's is told so, by whatever name that host looks like one.
func TestForeignSignIn(t *testing.T) {
	for uri, host := range map[string]string{
		"https://login.microsoftonline.com/common/oauth2/authorize": "",
		"https://LOGIN.windows.net/common/oauth2/authorize":         "",
		"https://login.microsoftonline.us/common/oauth2/authorize":  "",
		"https://login.partner.microsoftonline.cn/common":           "",
		"https://login.microsoftonline.com@evil.example/common":     "evil.example",
		"https://login.microsoftonline.com.evil.example/common":     "login.microsoftonline.com.evil.example",
		"https://localhost:8443/common/oauth2/authorize":            "localhost:8443",
	} {
		for _, after := range []string{"", `, error="invalid_token"`} {
			x := Explain(`Bearer client_id="x", authorization_uri="`+uri+`"`+after, "", noon)
			told := strings.Contains(x.Meaning, fmt.Sprintf("would be sent to %q, which is none of Microsoft's", host)) && strings.Contains(x.Fix, fmt.Sprintf("If %q is not yours", host))
			if told != (host != "") || host == "" && strings.Contains(x.Meaning, "But") {
				t.Errorf("%s: %s %s", uri, x.Meaning, x.Fix)
			}
		}
	}
}

// A token at each door, by what it says itself. That the doors answer so is held by
// internal/testenv, with the hostile tokens.
func TestJudgeToken(t *testing.T) {
	const now = 1000000
	claims := func(text string) string {
		return token(`{"alg":"RS256"}`, `{"iss":"https://sts/","exp":1000600,`+text+`}`)
	}
	const good = `"aud":"https://mail.contoso.com","upn":"ada@contoso.com","scp":"user_impersonation EWS.AccessAsUser.All"`
	all := map[string][]string{}
	for name, c := range map[string]struct{ text, host string }{
		"good":              {claims(good), ""},
		"good at its host":  {claims(good), "Mail.Contoso.com:443"},
		"at another host":   {claims(good), "other.contoso.com"},
		"at another port":   {claims(good), "mail.contoso.com:8443"},
		"for phones":        {claims(strings.Replace(good, "user_impersonation ", "", 1)), ""},
		"application":       {claims(`"aud":"https://mail.contoso.com","idtyp":"app","roles":["full_access_as_app"]`), ""},
		"ID token":          {claims(`"aud":"00000002-0000-0ff1-ce00-000000000000","upn":"ada@contoso.com","nonce":"n"`), "mail.contoso.com"},
		"nothing allowed":   {claims(`"aud":"https://mail.contoso.com","upn":"ada@contoso.com"`), ""},
		"for Graph":         {claims(`"aud":"https://graph.microsoft.com","upn":"ada@contoso.com","scp":"Mail.Read"`), "mail.contoso.com"},
		"of another issuer": {token(`{"alg":"RS256"}`, `{"exp":1000600,`+good+`}`), ""},
		"expired":           {token(`{"alg":"RS256"}`, `{"iss":"i","exp":999700,`+good+`}`), ""},
		"unsigned":          {token(`{"alg":"none"}`, `{"iss":"i","exp":1000600,`+good+`}`), ""},
	} {
		for _, at := range JudgeToken(c.text, c.host, time.Unix(now, 0)) {
			line := string(at.Door) + ": passes"
			if at.Refused {
				line = fmt.Sprintf("%s: %d, %s", at.Door, at.Code, at.Why)
			}
			all[name] = append(all[name], line)
		}
	}
	golden(t, "judgetoken.json", all)
}

// Each text of the window is found, alone and with its column, and names rules that there are.
func TestConnectionStatus(t *testing.T) {
	for _, s := range statusTexts {
		for _, text := range s.texts {
			for _, in := range []string{text, s.column + ": " + text, strings.ToUpper(text)} {
				if x := Explain(in, "", noon); x.Kind != KindStatus || x.Meaning != s.meaning {
					t.Errorf("%q: %+v", in, x)
				}
			}
		}
		for _, id := range s.rules {
			if _, ok := rule.Find(id); !ok {
				t.Errorf("%v: no rule %s", s.texts, id)
			}
		}
	}
}

// Everything that the tables know is explained, with a way out.
func TestExplainKnowsTheTables(t *testing.T) {
	for _, e := range aadsts.All() {
		if x := Explain(e.Code.String(), "", noon); x.Kind != KindAADSTS || x.Meaning == "" {
			t.Errorf("%s: %+v", e.Code, x)
		}
	}
	for _, i := range bearer.Codes {
		if x := Explain(fmt.Sprint(int(i.Code)), "", noon); x.Kind != KindDiagnostics || x.Fix == "" {
			t.Errorf("%d: %+v", i.Code, x)
		}
	}
	for _, r := range rule.All() {
		if x := Explain(r.ID, "", noon); x.Kind != KindRule || x.Meaning == "" || x.Fix == "" || r.Source == "" {
			t.Errorf("%s: %+v", r.ID, x)
		}
	}
}

func FuzzExplain(f *testing.F) {
	for _, s := range []string{"2000003", "AADSTS50011", "Bearer a=\"b\"", token(`{"alg":"RS256"}`, `{"exp":1}`), "spn-list"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		x := Explain(s, "", noon)
		if x.Kind == "" || x.Meaning == "" {
			t.Errorf("no answer to %q", s)
		}
		if utf8.ValidString(s) && !utf8.ValidString(x.Title) {
			t.Errorf("invalid text for %q", s)
		}
	})
}
