package jwt

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"hma/wire/bearer"
	"hma/wire/wellknown"
)

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

func sign(claims string) string {
	return encode(`{"typ":"JWT","alg":"RS256","kid":"k"}`) + "." + encode(claims) + "." + encode("signature")
}

// Which protocol takes which kind of token; the hostile tables of the validator and of whole organisations do the rest.
func TestDemands(t *testing.T) {
	demands := []Demand{Autodiscover, MAPI, EWS, ActiveSync, OAB, OWA, ECP}
	for name, c := range map[string]struct{ claims, taken string }{
		"everything":        {`{"upn":"a","scp":"user_impersonation EAS.AccessAsUser.All"}`, "1111100"},
		"impersonation":     {`{"upn":"a","scp":"user_impersonation"}`, "1110100"},
		"phone":             {`{"upn":"a","scp":"EAS.AccessAsUser.All"}`, "1011000"},
		"application":       {`{"appid":"a","roles":["full_access_as_app"]}`, "1010000"},
		"application alone": {`{"idtyp":"app"}`, "0000000"},
		"ID token":          {`{"aud":"` + wellknown.Exchange + `","upn":"a","nonce":"n"}`, "0000011"},
		"no permission":     {`{"upn":"a"}`, "0000000"},
		"actor":             {`{"upn":"a","scp":"user_impersonation","actortoken":"a.b.c"}`, "0000000"},
	} {
		parsed, refusal := Parse(sign(c.claims))
		if refusal != nil {
			t.Fatal(name, refusal)
		}
		taken := ""
		for _, d := range demands {
			if d.Refuse(parsed.Grant(false)) == nil {
				taken += "1"
			} else {
				taken += "0"
			}
			if d.Refuse(parsed.Grant(true)) == nil {
				t.Errorf("%s: taken from the servers' issuer", name)
			}
		}
		if taken != c.taken {
			t.Errorf("%s: taken by %s, want %s", name, taken, c.taken)
		}
	}
	if (Demand{}).Refuse(Grant{Profile: V1AppActAs, Scoped: true}) == nil {
		t.Error("the zero Demand takes a token")
	}
}

func TestLifetime(t *testing.T) {
	now := time.Unix(10000, 0)
	for claims, good := range map[string]bool{
		`{"exp":10001}`: true, `{"exp":9701}`: true, `{"exp":9700}`: false, `{}`: false,
		`{"exp":20000,"nbf":10300}`: true, `{"exp":20000,"nbf":10301}`: false,
	} {
		parsed, refusal := Parse(sign(claims))
		if refusal != nil {
			t.Fatal(claims, refusal)
		}
		if refusal := parsed.Lifetime(now); (refusal == nil) != good || refusal != nil && refusal.Code != bearer.Unparsable {
			t.Errorf("%s: %+v", claims, refusal)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sign(`{"aud":"https://a/","exp":1e400}`), "tenant")
	f.Add(sign(`{"aud":"00000002-0000-0ff1-ce00-000000000000/a@tenant","exp":1}`), "tenant")
	f.Add("..", "")
	f.Fuzz(func(t *testing.T, text, realm string) {
		parsed, refusal := Parse(text)
		if (parsed == nil) == (refusal == nil) {
			t.Fatalf("%v, %v", parsed, refusal)
		}
		aud := text
		if parsed != nil {
			aud = parsed.Audience
			for _, d := range []Demand{Autodiscover, MAPI, OWA} {
				if r := d.Refuse(parsed.Grant(false)); r != nil && r.Code == 0 {
					t.Fatal("a refusal without a code")
				}
			}
		}
		if host := AudienceHost(aud, realm); strings.ContainsAny(host, "/?#\\") && !strings.HasPrefix(aud, wellknown.Exchange) || host != PublicHost(host) && !strings.HasSuffix(host, ":443") {
			t.Fatalf("%q names the host %q", aud, host)
		}
	})
}
