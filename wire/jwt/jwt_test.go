package jwt

import (
	"encoding/base64"
	"encoding/json"
	"slices"
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

// What a header may have is a list, and each is a text.
func TestHeader(t *testing.T) {
	for header, keyID := range map[string]string{
		`{"alg":"RS256","kid":"k"}`: "k", `{"alg":"RS256","x5t":"t"}`: "t", `{"alg":"RS256","x5t":"t","kid":"k"}`: "k", `{"alg":"RS256","kid":null,"x5t":"t"}`: "t",
		` {"typ":"JWT","alg":"RS256","x5t#S256":"s","kid":"k"}`: "k", `{"alg":"\u0052S256","kid":"\u006b"}`: "k",
		`{"kid":"k"}`: "", `{"alg":null,"kid":"k"}`: "", `{"alg":"rs256","kid":"k"}`: "", `{"alg":"none","kid":"k"}`: "", `{"alg":["RS256"],"kid":"k"}`: "",
		`{"alg":"RS256","kid":1}`: "", `{"alg":"RS256","kid":"k","x5t":1}`: "", `{"alg":"RS256","kid":"k","kid":"k"}`: "", `{"alg":"RS256","kid":"k","KID":"k"}`: "",
		`{"alg":"RS256","kid":"k","typ":1}`: "", `{"alg":"RS256","kid":"k","typ":{"a":1,"a":2}}`: "", `{"alg":"RS256","kid":"k","x5t#S256":["s"]}`: "",
		`{"alg":"RS256","kid":"k","crit":["exp"]}`: "", `{"alg":"RS256","kid":"k","nonce":"n"}`: "", `{"alg":"RS256","\u006bid":"k"}`: "", `null`: "", `{"alg":"RS256","kid":"k"}{}`: "",
	} {
		parsed, refusal := Parse(encode(header) + "." + encode(`{}`) + "." + encode("signature"))
		if (refusal == nil) != (keyID != "") || refusal == nil && parsed.KeyID != keyID {
			t.Errorf("%s: %+v, %+v", header, parsed, refusal)
		}
	}
}

// What is no JSON, says a thing twice, or says it as another type is no token, wherever in the claims it stands.
func TestClaims(t *testing.T) {
	deep := func(n int) string { return `{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}" }
	for claims, good := range map[string]bool{
		`{}`: true, " {\t\"x\" :\r\n[ 1 , { } ] } ": true, `{"x":[-0.5e+3,1E9,true,false,null,"\"\\\/\b\f\n\r\t\u00e9"]}`: true,
		`{"upn":null,"exp":null,"roles":null}`: true, `{"x":{"a":1,"a":2}}`: true, deep(maxDepth - 1): true, deep(maxDepth): false,
		``: false, `null`: false, `[]`: false, `"x"`: false, `{}{}`: false, `{"x":1} x`: false, `{"x":1,}`: false, `{,}`: false, `{"x"}`: false, `{"x":}`: false, `{x:1}`: false,
		`{"x":1 "y":2}`: false, `{"x":[1,]}`: false, `{"x":[1`: false, `{"x":"`: false, `{"x":"\`: false, `{"x":"\x"}`: false, `{"x":"\u12g4"}`: false, `{"x":"\u12`: false,
		"{\"x\":\"\n\"}": false, `{"x":01}`: false, `{"x":+1}`: false, `{"x":-}`: false, `{"x":1.}`: false, `{"x":.5}`: false, `{"x":1e}`: false, `{"x":nul}`: false, `{"x":Infinity}`: false,
		`{"x":1,"x":1}`: false, `{"upn":"a","upn":"a"}`: false, `{"upn":null,"upn":"a"}`: false, `{"UPN":"a"}`: false, `{"\u0075pn":"a"}`: false, `{"é":"a"}`: false,
		`{"upn":1}`: false, `{"upn":["a"]}`: false, `{"aud":{}}`: false, `{"exp":"1"}`: false, `{"exp":true}`: false, `{"exp":4611686018427387904}`: false, `{"nbf":-1e400}`: false,
		`{"roles":"a"}`: false, `{"roles":[1]}`: false, `{"roles":[null]}`: false, `{"roles":[["a"]]}`: false,
	} {
		if _, refusal := Parse(sign(claims)); (refusal == nil) != good {
			t.Errorf("%s: %+v", claims, refusal)
		}
	}
	parsed, refusal := Parse(sign(`{"upn":"j\u00f6\ud800 ö","exp":1.5e3,"nbf":-1.5,"roles":["a","b\/"]}`))
	if refusal != nil {
		t.Fatal(refusal)
	}
	if c := parsed.Claims; c.UPN != "jö\ufffd ö" || !c.Expires.Equal(time.Unix(1500, 0)) || !c.NotBefore.Equal(time.Unix(-1, 0)) || !slices.Equal(c.Roles, []string{"a", "b/"}) {
		t.Errorf("%+v", c)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sign(`{"upn":"j\u00f6\ud800","nbf":1.5e3,"roles":["a"],"x":[{"y":null}]}`), "tenant")
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
			agrees(t, text, parsed)
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

// agrees holds what was read of a token against encoding/json.
func agrees(t *testing.T, text string, parsed *Token) {
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(text, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		UPN   string   `json:"upn"`
		Roles []string `json:"roles"`
		Exp   *float64 `json:"exp"`
	}
	if err := json.Unmarshal(payload, &want); err != nil {
		t.Fatalf("%q was taken: %v", payload, err)
	}
	if parsed.UPN != want.UPN || !slices.Equal(parsed.Roles, want.Roles) || want.Exp != nil && !parsed.Expires.Equal(time.Unix(int64(*want.Exp), 0)) {
		t.Fatalf("%q was read as %+v", payload, parsed.Claims)
	}
}
