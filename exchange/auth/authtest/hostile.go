package authtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strconv"
	"strings"

	"hma/exchange/org"
	"hma/wire/bearer"
	"hma/wire/wellknown"
)

// Case is a token that a door must refuse.
type Case struct {
	Name  string
	Token string
	// Status is 401, or 403 where the sign-in and not the token is at fault.
	Status int
	// Code is the diagnostics code of the answer; 0 means none.
	Code bearer.Code
}

// Cases returns the hostile tokens for a kind of door. For OWA and ECP they are
// to be posted as the id_token of a sign-in with the world's nonce and code, for
// the others they are bearers.
func Cases(e Env, kind org.Kind) []Case {
	browser := kind == org.Owa || kind == org.Ecp
	good := e.Delegated()
	if browser {
		good = e.IDToken()
	}
	header := `{"typ":"JWT","alg":"RS256","kid":"` + e.KeyID + `"}`
	withHeader := func(fields string) string {
		return e.SignRaw(`{"typ":"JWT","alg":"RS256","kid":"`+e.KeyID+`",`+fields+`}`, good.json())
	}
	payload := good.json()
	other := e
	other.Key, other.Public = MakeKey()
	signed := e.Sign(good)
	first, _, _ := strings.Cut(signed, ".")
	last := signed[strings.LastIndexByte(signed, '.')+1:]
	now := e.Now.Unix()
	// A browser's door wants the Exchange application as the audience before anything else.
	serverCode := bearer.Unparsable
	if browser {
		serverCode = bearer.InvalidResource
	}

	cases := []Case{
		{"alg none", encode(`{"typ":"JWT","alg":"none"}`) + "." + encode(payload) + ".", 401, bearer.Unparsable},
		{"alg none with signature", e.SignRaw(`{"typ":"JWT","alg":"none"}`, payload), 401, bearer.Unparsable},
		{"alg None", e.SignRaw(`{"typ":"JWT","alg":"None","kid":"`+e.KeyID+`"}`, payload), 401, bearer.Unparsable},
		{"no alg", e.SignRaw(`{"typ":"JWT","kid":"`+e.KeyID+`"}`, payload), 401, bearer.Unparsable},
		{"HS256 with the public key", e.hs256(payload), 401, bearer.Unparsable},
		{"PS256", e.SignRaw(`{"typ":"JWT","alg":"PS256","kid":"`+e.KeyID+`"}`, payload), 401, bearer.Unparsable},
		{"unknown kid", other.SignRaw(`{"typ":"JWT","alg":"RS256","kid":"`+Thumbprint(other.Public)+`"}`, payload), 401, bearer.InvalidSignature},
		{"known kid, other key", other.SignRaw(header, payload), 401, bearer.InvalidSignature},
		{"no kid", e.SignRaw(`{"typ":"JWT","alg":"RS256"}`, payload), 401, bearer.InvalidSignature},
		{"kid with a path", e.SignRaw(`{"typ":"JWT","alg":"RS256","kid":"../../../../dev/null"}`, payload), 401, bearer.InvalidSignature},
		{"kid with SQL", e.SignRaw(`{"typ":"JWT","alg":"RS256","kid":"' OR 1=1 --"}`, payload), 401, bearer.InvalidSignature},
		{"kid is a number", e.SignRaw(`{"typ":"JWT","alg":"RS256","kid":1}`, payload), 401, bearer.Unparsable},
		{"jku", withHeader(`"jku":"https://evil.example/keys"`), 401, bearer.Unparsable},
		{"jwk", other.SignRaw(`{"typ":"JWT","alg":"RS256","jwk":`+other.jwk()+`}`, payload), 401, bearer.Unparsable},
		{"x5u", withHeader(`"x5u":"https://evil.example/cert"`), 401, bearer.Unparsable},
		{"x5c", other.SignRaw(`{"typ":"JWT","alg":"RS256","x5c":["`+base64.StdEncoding.EncodeToString(other.Public)+`"]}`, payload), 401, bearer.Unparsable},
		{"crit", withHeader(`"crit":["exp"]`), 401, bearer.Unparsable},
		{"b64 false", withHeader(`"b64":false`), 401, bearer.Unparsable},
		{"ALG beside alg", withHeader(`"ALG":"none"`), 401, bearer.Unparsable},
		{"alg twice", withHeader(`"alg":"none"`), 401, bearer.Unparsable},
		{"swapped signature", first + "." + encode(good.With(Claims{"upn": e.UnknownUPN}).json()) + "." + last, 401, bearer.InvalidSignature},
		{"no signature", strings.TrimSuffix(signed, last), 401, bearer.InvalidSignature},
		{"expired", e.Sign(good.With(Claims{"exp": now - 301})), 401, bearer.Unparsable},
		{"never expires", e.Sign(good.With(Claims{"exp": nil})), 401, bearer.Unparsable},
		{"exp beyond numbers", e.SignRaw(header, strings.Replace(payload, `"exp":`+strconv.FormatInt(good["exp"].(int64), 10), `"exp":1e400`, 1)), 401, bearer.Unparsable},
		{"not yet valid", e.Sign(good.With(Claims{"nbf": now + 301})), 401, bearer.Unparsable},
		{"wrong issuer", e.Sign(good.With(Claims{"iss": "https://sts.windows.net/99999999-2222-3333-4444-555555555555/"})), 401, bearer.InvalidIssuer},
		{"issuer without slash", e.Sign(good.With(Claims{"iss": strings.TrimSuffix(e.Issuer, "/") + "x"})), 401, bearer.InvalidIssuer},
		{"no issuer", e.Sign(good.With(Claims{"iss": nil})), 401, bearer.InvalidIssuer},
		{"wrong tenant", e.Sign(good.With(Claims{"tid": "99999999-2222-3333-4444-555555555555"})), 401, bearer.InvalidTenant},
		{"no tenant", e.Sign(good.With(Claims{"tid": nil})), 401, bearer.InvalidTenant},
		{"other audience", e.Sign(good.With(Claims{"aud": "https://other.contoso.com"})), 401, bearer.InvalidResource},
		{"no audience", e.Sign(good.With(Claims{"aud": nil})), 401, bearer.InvalidResource},
		{"audience that begins like ours", e.Sign(good.With(Claims{"aud": "https://" + e.Host + ".evil.example"})), 401, bearer.InvalidResource},
		{"audience with user information", e.Sign(good.With(Claims{"aud": "https://" + e.Host + "@evil.example"})), 401, bearer.InvalidResource},
		{"audience with a path", e.Sign(good.With(Claims{"aud": "https://" + e.Host + "/owa"})), 401, bearer.InvalidResource},
		{"audience with two slashes", e.Sign(good.With(Claims{"aud": "https://" + e.Host + "//"})), 401, bearer.InvalidResource},
		{"http audience", e.Sign(good.With(Claims{"aud": "http://" + e.Host})), 401, bearer.InvalidResource},
		{"other port", e.Sign(good.With(Claims{"aud": "https://" + hostOf(e.Host) + ":4443"})), 401, bearer.InvalidResource},
		{"Exchange audience of another host", e.Sign(good.With(Claims{"aud": wellknown.Exchange + "/other.contoso.com@" + e.Tenant})), 401, bearer.InvalidResource},
		{"Exchange audience of another tenant", e.Sign(good.With(Claims{"aud": wellknown.Exchange + "/" + e.Host + "@99999999-2222-3333-4444-555555555555"})), 401, bearer.InvalidResource},
		{"audiences", e.Sign(good.With(Claims{"aud": []string{good["aud"].(string), "https://other.contoso.com"}})), 401, bearer.Unparsable},
		{"Graph token", e.Sign(good.With(Claims{"aud": wellknown.Graph, "scp": "Mail.Read"})), 401, bearer.InvalidResource},
		{"Graph token by URL", e.Sign(good.With(Claims{"aud": "https://graph.microsoft.com", "scp": "Mail.Read"})), 401, bearer.InvalidResource},
		{"actor token", e.Sign(good.With(Claims{"actortoken": "a.b.c"})), 401, bearer.Unparsable},
		{"unknown user", e.Sign(good.With(Claims{"upn": e.UnknownUPN, "unique_name": e.UnknownUPN, "onprem_sid": nil, "oid": nil})), 401, bearer.InvalidUser},
		{"nobody", e.Sign(good.With(Claims{"upn": nil, "unique_name": nil, "onprem_sid": nil, "oid": nil})), 401, bearer.InvalidUser},
		{"a server's token", e.Sign(e.Server()), 401, serverCode},
		{"a server's token with a user and a scope", e.Sign(e.Server().With(Claims{"upn": e.UPN, "scp": "user_impersonation", "tid": e.Tenant})), 401, serverCode},
		{"a server's token with roles", e.Sign(e.Server().With(Claims{"roles": []string{"full_access_as_app"}, "idtyp": "app", "tid": e.Tenant})), 401, serverCode},
		{"a user's token by the servers' issuer", e.Sign(good.With(Claims{"iss": wellknown.ACS + "@" + e.Tenant})), 401, bearer.Unparsable},
		{"a user's token by the servers' issuer without a realm", e.Sign(good.With(Claims{"iss": wellknown.ACS})), 401, bearer.InvalidIssuer},
		{"a server's token of another tenant", e.Sign(e.Server().With(Claims{"iss": wellknown.ACS + "@99999999-2222-3333-4444-555555555555"})), 401, bearer.InvalidIssuer},
		{"Exchange as its own issuer", e.Sign(e.Server().With(Claims{"iss": wellknown.Exchange + "@" + e.Tenant})), 401, bearer.InvalidIssuer},
		{"unsigned token around a server's", encode(`{"typ":"JWT","alg":"none"}`) + "." + encode(e.actAs(e.Sign(e.Server())).json()) + ".", 401, bearer.Unparsable},
		{"alg none with a signature around a server's", encode(`{"alg":"none"}`) + "." + encode(e.actAs(e.Sign(e.Server())).json()) + "." + last, 401, bearer.Unparsable},
		{"signed token around a server's", e.Sign(e.actAs(e.Sign(e.Server())).With(Claims{"iss": e.Issuer, "tid": e.Tenant, "scp": "user_impersonation", "aud": good["aud"]})), 401, bearer.Unparsable},
		{"64 KiB", e.Sign(good.With(Claims{"pad": strings.Repeat("x", 48<<10)})), 401, bearer.Unparsable},
		{"three dots", signed + ".", 401, bearer.Unparsable},
		{"only dots", "..", 401, bearer.Unparsable},
		{"five segments", signed + "." + last + "." + last, 401, bearer.Unparsable},
		{"one segment", "garbage", 401, bearer.Unparsable},
		{"invalid base64", "!" + signed[1:], 401, bearer.Unparsable},
		{"padded base64", first + "=" + signed[len(first):], 401, bearer.Unparsable},
		{"claim twice", e.SignRaw(header, strings.TrimSuffix(payload, "}")+`,"aud":"`+good["aud"].(string)+`"}`), 401, bearer.Unparsable},
		{"claim in another case", e.SignRaw(header, strings.TrimSuffix(payload, "}")+`,"UPN":"admin@contoso.com"}`), 401, bearer.Unparsable},
		{"claim with an escape", e.SignRaw(header, strings.TrimSuffix(payload, "}")+`,"\u0075pn":"admin@contoso.com"}`), 401, bearer.Unparsable},
		{"claim of another type", e.Sign(good.With(Claims{"upn": []string{e.UPN}})), 401, bearer.Unparsable},
		{"deep JSON", e.SignRaw(header, strings.TrimSuffix(payload, "}")+`,"x":`+strings.Repeat("[", 4000)+strings.Repeat("]", 4000)+"}"), 401, bearer.Unparsable},
		{"payload is a list", e.SignRaw(header, "["+payload+"]"), 401, bearer.Unparsable},
		{"payload is null", e.SignRaw(header, "null"), 401, bearer.Unparsable},
		{"payload with a tail", e.SignRaw(header, payload+"{}"), 401, bearer.Unparsable},
	}
	if e.AmbiguousUPN != "" {
		cases = append(cases, Case{"ambiguous user", e.Sign(good.With(Claims{"upn": e.AmbiguousUPN, "unique_name": nil, "onprem_sid": nil, "oid": nil})), 401, bearer.InvalidUser})
	}
	if e.DisabledUPN != "" {
		cases = append(cases, Case{"disabled user", e.Sign(good.With(Claims{"upn": e.DisabledUPN, "unique_name": nil, "onprem_sid": nil, "oid": nil})), 401, bearer.InvalidUser})
	}
	if e.ObjectID != "" {
		cases = append(cases, Case{"object id of somebody else", e.Sign(good.With(Claims{"oid": "bbbbbbbb-0000-0000-0000-000000000002"})), 401, bearer.InvalidUser})
	}
	if browser {
		return append(cases,
			Case{"access token for this host", e.Sign(e.Delegated()), 401, bearer.InvalidResource},
			Case{"access token for Exchange", e.Sign(e.Delegated().With(Claims{"aud": wellknown.Exchange, "nonce": e.Nonce})), 401, bearer.Unparsable},
			Case{"application's token", e.Sign(e.AppOnly().With(Claims{"aud": wellknown.Exchange})), 401, bearer.Unparsable},
			Case{"wrong nonce", e.Sign(good.With(Claims{"nonce": "other"})), 403, 0},
			Case{"no nonce", e.Sign(good.With(Claims{"nonce": nil})), 403, 0},
			Case{"wrong c_hash", e.Sign(good.With(Claims{"c_hash": "AAAAAAAAAAAAAAAAAAAAAA"})), 403, 0},
			Case{"no c_hash", e.Sign(good.With(Claims{"c_hash": nil})), 403, 0})
	}
	cases = append(cases,
		Case{"ID token", e.Sign(e.IDToken()), 401, bearer.InvalidResource},
		Case{"ID token's claims for this host", e.Sign(e.IDToken().With(Claims{"aud": "https://" + e.Host})), 401, bearer.InvalidGrant},
		Case{"neither scp nor roles", e.Sign(good.With(Claims{"scp": nil})), 401, bearer.InvalidGrant},
		Case{"blank scp", e.Sign(good.With(Claims{"scp": " "})), 401, bearer.InvalidGrant})
	switch kind {
	case org.Mapi, org.Oab, org.ActiveSync:
		cases = append(cases,
			Case{"application's token", e.Sign(e.AppOnly()), 401, bearer.Unparsable},
			Case{"missing scope", e.Sign(good.With(Claims{"scp": "Calendars.Read user_impersonation_not"})), 401, bearer.InvalidGrant})
	default:
		cases = append(cases, Case{"application without roles", e.Sign(e.AppOnly().With(Claims{"roles": nil})), 401, bearer.InvalidGrant})
	}
	return cases
}

// actAs are the claims of the outer token with which a server acts for the world's user.
func (e Env) actAs(actor string) Claims {
	return Claims{"aud": wellknown.Exchange + "/" + e.Host + "@" + e.Tenant, "iss": wellknown.Exchange + "@" + e.Tenant, "nbf": e.Now.Unix() - 60,
		"exp": e.Now.Unix() + 4000, "nii": "urn:federation:MicrosoftOnline", "upn": e.UPN, "smtp": e.UPN, "actortoken": actor}
}

// hs256 signs with the public key as the secret, as a server would check that lets the token choose.
func (e Env) hs256(payload string) string {
	der, err := x509.MarshalPKIXPublicKey(&e.Key.PublicKey)
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
	input := encode(`{"typ":"JWT","alg":"HS256","kid":"`+e.KeyID+`"}`) + "." + encode(payload)
	mac.Write([]byte(input))
	return input + "." + encode(string(mac.Sum(nil)))
}

func (e Env) jwk() string {
	return `{"kty":"RSA","n":"` + encode(string(e.Key.N.Bytes())) + `","e":"AQAB"}`
}

func hostOf(host string) string {
	name, _, _ := strings.Cut(host, ":")
	return name
}

// ForgedSessions are session cookies of OWA and ECP that must open nothing.
func ForgedSessions() []string {
	return []string{"x", "AA", encode(`{"kind":"Owa","sid":"S-1-5-21-1-2-3-1104","exp":99999999999}`), encode("\x01" + strings.Repeat("\x00", 60)),
		strings.Repeat("A", 4000), "..", "%00"}
}
