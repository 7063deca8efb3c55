package auth

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

	"hma/exchange/org"
	"hma/wire/bearer"
	"hma/wire/wellknown"
)

const (
	// skew is how far the clocks of client, cloud and server may lie apart.
	skew = 5 * time.Minute
	// maxToken bounds a token in bytes; what is longer is refused before it is read.
	maxToken = 16 << 10
	// maxDepth bounds the nesting of a token's claims.
	maxDepth = 16
)

// algorithms is the allow list of signature algorithms.
var algorithms = []jose.SignatureAlgorithm{jose.RS256}

// headerNames are the header parameters that a token may have. Everything that
// would bring a key, name a place to get one, or change how the token is read
// (jwk, jku, x5c, x5u, crit, b64, zip) is refused by not being here.
var headerNames = []string{"typ", "alg", "kid", "x5t", "x5t#S256"}

// claims are the claims that decide something.
type claims struct {
	Issuer     string           `json:"iss"`
	Audience   string           `json:"aud"`
	Expires    *jwt.NumericDate `json:"exp"`
	NotBefore  *jwt.NumericDate `json:"nbf"`
	Tenant     string           `json:"tid"`
	SID        string           `json:"onprem_sid"`
	PrimarySID string           `json:"primarysid"`
	UPN        string           `json:"upn"`
	UniqueName string           `json:"unique_name"`
	SMTP       string           `json:"smtp"`
	ObjectID   string           `json:"oid"`
	Scopes     string           `json:"scp"`
	Roles      []string         `json:"roles"`
	AppID      string           `json:"appid"`
	IDType     string           `json:"idtyp"`
	Nonce      string           `json:"nonce"`
	CodeHash   string           `json:"c_hash"`
	Actor      string           `json:"actortoken"`
}

var claimNames = []string{"iss", "aud", "exp", "nbf", "tid", "onprem_sid", "primarysid", "upn", "unique_name", "smtp", "oid", "scp", "roles",
	"appid", "idtyp", "nonce", "c_hash", "actortoken"}

// token is a token whose signature and lifetime were found good under a trust generation.
type token struct {
	text               string // the whole token, once it is in the cache
	trust              *trust
	issuer             *org.AuthServer
	expires, notBefore int64 // Unix seconds; expires without skew, notBefore with it
	claims             claims
	host               string // of the audience, as org.Snapshot.Hosts has it; "" when it has another form
	profile            profile
	scopes             scopes
	permitted          bool // scp or roles say anything at all
	identity           Identity
	// user is whom the token stands for, resolved under a people version.
	user atomic.Pointer[user]
}

type user struct {
	version  int64
	identity *Identity
	err      error // a failure, when nobody can be named
}

// bearer checks a bearer token against a request.
func (a *Authenticator) bearer(ctx context.Context, f *Facts, text string) (*Identity, *Denial) {
	if len(text) > maxToken {
		return nil, a.refuse(ctx, f, failure{code: bearer.Unparsable, reason: bearer.ReasonUnparsable, log: fmt.Sprintf("token of %d bytes is too long", len(text))})
	}
	t := a.trusts.of(f.Snapshot)
	v := a.tokens.get(text, t, f.Now)
	if v == nil {
		var keep bool
		var err error
		if v, keep, err = a.verify(ctx, t, text, f.Now); err != nil {
			return nil, a.denial(ctx, f, err)
		}
		if keep {
			a.tokens.put(text, v, f.Now)
		}
	}
	id, err := a.admit(ctx, f, v)
	if err != nil {
		return nil, a.denial(ctx, f, err)
	}
	return id, nil
}

// verify does the checks that depend on the token and the trust alone: parse,
// algorithm, issuer, signature, lifetime, in this order. keep is false for a
// token whose key is not part of the trust generation yet.
func (a *Authenticator) verify(ctx context.Context, t *trust, text string, now time.Time) (v *token, keep bool, err error) {
	header, c, signature, err := parse(text)
	if err != nil {
		return nil, false, fail(bearer.Unparsable, bearer.ReasonUnparsable, "token cannot be parsed: "+err.Error())
	}
	from := t.find(c.Issuer)
	if from == nil {
		return nil, false, fail(bearer.InvalidIssuer, bearer.ReasonIssuer(c.Issuer), "no enabled AuthServer has the token's issuer")
	}
	key, keep := from.keys[header.id], true
	if key == nil {
		key, keep = a.unknownKey(ctx, from.server, header.id), false
	}
	if key == nil {
		return nil, false, fail(bearer.InvalidSignature, bearer.ReasonSignature, "no such key at AuthServer "+from.server.Name)
	}
	digest := sha256.Sum256([]byte(text[:strings.LastIndexByte(text, '.')]))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) != nil {
		return nil, false, fail(bearer.InvalidSignature, bearer.ReasonSignature, "signature does not match")
	}
	if c.Expires == nil {
		return nil, false, fail(bearer.Unparsable, bearer.ReasonUnparsable, "token never expires")
	}
	expires := c.Expires.Time()
	var begins time.Time
	if c.NotBefore != nil {
		begins = c.NotBefore.Time()
	}
	if !now.Before(expires.Add(skew)) || now.Before(begins.Add(-skew)) {
		return nil, false, fail(bearer.Unparsable, bearer.ReasonExpired, "token is expired or not yet valid")
	}
	v = &token{trust: t, issuer: from.server, expires: expires.Unix(), claims: *c}
	if c.NotBefore != nil {
		v.notBefore = begins.Add(-skew).Unix()
	}
	v.host = audienceHost(c.Audience, from.server.Realm)
	list := strings.Fields(c.Scopes)
	v.scopes, v.permitted = parseScopes(list), len(list) > 0 || len(c.Roles) > 0
	v.profile = c.profile(from.server)
	v.identity = Identity{AuthN: "Bearer*", Issuer: from.server.IssuerIdentifier, Application: c.AppID, Scopes: list, Roles: c.Roles}
	return v, keep, nil
}

// profile tells what kind of token the claims make. What the Access Control Service signs speaks
// for a server, whatever else it says.
func (c *claims) profile(from *org.AuthServer) profile {
	switch {
	case c.Actor != "" || from.Type == org.MicrosoftACS:
		return serverToServer
	case c.Audience == wellknown.Exchange && c.Scopes == "" && len(c.Roles) == 0 && c.IDType != "app":
		return v1IDToken
	case c.IDType == "app", c.Scopes == "" && len(c.Roles) > 0 && c.SID == "" && c.PrimarySID == "" && c.name() == "" && c.SMTP == "":
		return v1AppOnly
	}
	return v1AppActAs
}

// name is the claim that holds the user principal name.
func (c *claims) name() string {
	if c.UPN != "" {
		return c.UPN
	}
	return c.UniqueName
}

// unknownKey asks for the AuthServer's keys anew. Only what looks like a key id is worth the asking.
func (a *Authenticator) unknownKey(ctx context.Context, server *org.AuthServer, id string) *rsa.PublicKey {
	if a.keys == nil || len(id) != 27 { // base64url of SHA-1
		return nil
	}
	return parseKeys(a.keys.UnknownKey(ctx, server))[id]
}

// admit does the checks that depend on the request: audience, tenant, profile,
// scope, user, and the person's switch for the protocol, in this order.
func (a *Authenticator) admit(ctx context.Context, f *Facts, v *token) (*Identity, error) {
	host := org.PublicHost(f.Host)
	if v.host == "" || v.host != host || !f.Snapshot.Hosts[host] {
		return nil, wrongAudience(f, v)
	}
	if err := v.checkTenant(); err != nil {
		return nil, err
	}
	p := protocols[f.VirtualDirectory.Kind]
	if p.profiles&v.profile == 0 {
		return nil, fail(bearer.Unparsable, bearer.ReasonProfile(v.profile.String()), "token profile "+v.profile.String()+" is not taken here")
	}
	if !v.permitted {
		return nil, fail(bearer.InvalidGrant, bearer.ReasonPermissions, "token has neither scp nor roles")
	}
	if v.profile == v1AppOnly {
		if len(v.claims.Roles) == 0 {
			return nil, fail(bearer.InvalidGrant, bearer.ReasonPermissions, "token of an application has no roles")
		}
		return &v.identity, nil
	}
	if len(v.identity.Scopes) == 0 || p.scopes != 0 && p.scopes&v.scopes == 0 {
		return nil, fail(bearer.InvalidGrant, bearer.ReasonPermissions, "token lacks the protocol's scope")
	}
	id, err := a.resolve(ctx, f, v)
	if err != nil {
		return nil, err
	}
	if p.enabled != nil && !p.enabled(id.Recipient) {
		return nil, failure{status: 403, log: "protocol is off for the mailbox"}
	}
	return id, nil
}

// checkTenant wants the AuthServer's tenant in the token. A server's token has it in its issuer.
func (v *token) checkTenant() error {
	if v.issuer.Type != org.MicrosoftACS && v.issuer.Realm != "" && !strings.EqualFold(v.claims.Tenant, v.issuer.Realm) {
		return fail(bearer.InvalidTenant, bearer.ReasonTenant(v.claims.Tenant), "token is of another tenant")
	}
	return nil
}

func wrongAudience(f *Facts, v *token) error {
	reason := bearer.ReasonAudience
	if strings.Contains(v.claims.Audience, "://") {
		reason = bearer.ReasonHost(v.claims.Audience, "https://"+f.Host)
	}
	return fail(bearer.InvalidResource, reason, "audience is not the request's public host")
}

// audienceHost returns the host that an audience names, as org.Snapshot.Hosts has
// it: of https://host, https://host/ and
// 00000002-0000-0ff1-ce00-000000000000/host@realm. A path beyond one slash, user
// information or another scheme give "".
func audienceHost(aud, realm string) string {
	if rest, ok := strings.CutPrefix(aud, wellknown.Exchange+"/"); ok {
		host, of, ok := strings.Cut(rest, "@")
		if !ok || realm == "" || !strings.EqualFold(of, realm) {
			return ""
		}
		return org.PublicHost(host)
	}
	const https = "https://"
	if len(aud) < len(https) || !strings.EqualFold(aud[:len(https)], https) {
		return ""
	}
	host := strings.TrimSuffix(aud[len(https):], "/")
	if strings.ContainsAny(host, "/@?#\\") {
		return ""
	}
	return org.PublicHost(host)
}

// resolve finds the person for whom a token stands: by SID, then UPN, then SMTP address. All protocols that
// take bearers find the same one, so that the answer is kept with the token.
func (a *Authenticator) resolve(ctx context.Context, f *Facts, v *token) (*Identity, error) {
	version := a.people.PeopleVersion()
	if known := v.user.Load(); known != nil && known.version == version {
		return known.identity, known.err
	}
	person, err := a.person(ctx, f, &v.claims)
	if _, ok := errors.AsType[failure](err); err != nil && !ok {
		return nil, err
	}
	known := &user{version: version, err: err}
	if err == nil {
		known.identity = new(v.identity)
		known.identity.Recipient = person
	}
	v.user.Store(known)
	return known.identity, known.err
}

func (a *Authenticator) person(ctx context.Context, f *Facts, c *claims) (*org.Recipient, error) {
	found, err := a.matches(ctx, f.Snapshot, c)
	switch {
	case err != nil:
		return nil, err
	case len(found) == 0:
		return nil, fail(bearer.InvalidUser, bearer.ReasonNoUser, "nobody has the token's SID, UPN or address")
	case len(found) > 1:
		return nil, fail(bearer.InvalidUser, bearer.ReasonAmbiguous, "several people match the token's UPN or address")
	case found[0].MasterAccountSID != "" && linkedOnly(f) && !f.Snapshot.MasterAccounts():
		return nil, fail(bearer.InvalidUser, bearer.ReasonNoUser, noMasterAccounts)
	case found[0].MasterAccountSID != "" && (c.SID+c.PrimarySID != "" || linkedOnly(f)) && !c.owns(found[0]):
		return nil, fail(bearer.InvalidUser, bearer.ReasonNoUser, "the token's SID is not that of the linked mailbox's master account")
	case !found[0].Active():
		return nil, fail(bearer.InvalidUser, bearer.ReasonNoUser, "the person is disabled")
	case found[0].CriticalSystemObject:
		// Never synchronised, so a cloud account of that name is somebody else.
		return nil, fail(bearer.InvalidUser, bearer.ReasonNoUser, "the person is a critical system object, which has no account in the cloud")
	case c.ObjectID != "" && found[0].ObjectID != "" && !strings.EqualFold(c.ObjectID, found[0].ObjectID):
		// A name can be given to somebody else in the cloud; the object id cannot.
		return nil, fail(bearer.InvalidUser, bearer.ReasonNoUser, "the token's object id is not that of the person it names")
	}
	return found[0], nil
}

// linkedOnly tells whether the virtual directory knows the owner of a linked mailbox by the SID of the master account
// alone, and only where that is turned on: OWA and ECP. The others also take a token without a SID by its UPN or address.
func linkedOnly(f *Facts) bool {
	return f.VirtualDirectory.Kind == org.Owa || f.VirtualDirectory.Kind == org.Ecp
}

const noMasterAccounts = "linked mailbox: needs the override OAuth/OwaHMAFixForAfRfScenarios and both OAuthHttpModule keys in the server's Owa web.config"

// owns tells whether the token is of the account whose linked mailbox it is.
func (c *claims) owns(r *org.Recipient) bool {
	return strings.EqualFold(c.SID, r.MasterAccountSID) || strings.EqualFold(c.PrimarySID, r.MasterAccountSID)
}

func (a *Authenticator) matches(ctx context.Context, s *org.Snapshot, c *claims) ([]*org.Recipient, error) {
	for _, sid := range []string{c.SID, c.PrimarySID} {
		if sid == "" {
			continue
		}
		found, err := a.people.bySID(ctx, sid)
		if err == nil && len(found) == 0 {
			found, err = a.people.byMasterAccount(ctx, sid)
		}
		if err != nil || len(found) > 0 {
			return found, err
		}
		if domain := s.Org.DomainSID; domain != "" && strings.HasPrefix(asciiLower(sid), asciiLower(domain)+"-") {
			return nil, nil // an account of our own directory that is gone: its name may be another's now
		}
	}
	if name := c.name(); name != "" {
		if found, err := a.people.byName(ctx, name); err != nil || len(found) > 0 {
			return found, err
		}
	}
	if c.SMTP != "" {
		return a.people.byName(ctx, c.SMTP)
	}
	return nil, nil
}

// IDToken checks the id_token of a sign-in at OWA or ECP by the same rules as a
// bearer: its audience is the Exchange application, its nonce the one that the
// browser was sent away with, and c_hash that of the code beside it (OpenID
// Connect Core 3.3.2.11). The Denial carries the diagnostics for the page, and no challenges.
func (a *Authenticator) IDToken(ctx context.Context, f *Facts, text, nonce, code string) (*Identity, *Denial) {
	id, err := a.idToken(ctx, f, text, nonce, code)
	if err == nil {
		return id, nil
	}
	e, ok := errors.AsType[failure](err)
	if !ok {
		return nil, a.denial(ctx, f, err)
	}
	d := &Denial{Status: 401, Reason: e.log}
	if e.status != 0 {
		d.Status = e.status
	} else {
		d.Diagnostics = bearer.Diagnose(e.code, e.reason).String()
	}
	return nil, d
}

func (a *Authenticator) idToken(ctx context.Context, f *Facts, text, nonce, code string) (*Identity, error) {
	if len(text) > maxToken {
		return nil, fail(bearer.Unparsable, bearer.ReasonUnparsable, "token is too long")
	}
	v, _, err := a.verify(ctx, a.trusts.of(f.Snapshot), text, f.Now)
	if err != nil {
		return nil, err
	}
	if v.claims.Audience != wellknown.Exchange || !f.Snapshot.Hosts[org.PublicHost(f.Host)] {
		return nil, fail(bearer.InvalidResource, bearer.ReasonAudience, "audience of the id_token is not the Exchange application")
	}
	if err := v.checkTenant(); err != nil {
		return nil, err
	}
	p := protocols[f.VirtualDirectory.Kind]
	if v.profile != v1IDToken || p.profiles&v1IDToken == 0 {
		return nil, fail(bearer.Unparsable, bearer.ReasonProfile(v.profile.String()), "token profile "+v.profile.String()+" is not taken here")
	}
	if nonce == "" || subtle.ConstantTimeCompare([]byte(v.claims.Nonce), []byte(nonce)) != 1 {
		return nil, failure{status: 403, log: "nonce is not that of the browser's cookie"}
	}
	if code == "" || subtle.ConstantTimeCompare([]byte(v.claims.CodeHash), []byte(codeHash(code))) != 1 {
		return nil, failure{status: 403, log: "c_hash does not match the code"}
	}
	person, err := a.person(ctx, f, &v.claims)
	if err != nil {
		return nil, err
	}
	if p.enabled != nil && !p.enabled(person) {
		return nil, failure{status: 403, log: "protocol is off for the mailbox"}
	}
	return &Identity{Recipient: person, AuthN: "OpenID", Issuer: v.issuer.IssuerIdentifier}, nil
}

// codeHash is c_hash for RS256: the left half of SHA-256 of the code.
func codeHash(code string) string {
	sum := sha256.Sum256([]byte(code))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// Session returns the Identity of somebody who has signed in at OWA or ECP
// before, by SID and the issuer of the id_token. Both are looked up anew: somebody
// who was disabled is out at once, and so is everybody whom an AuthServer vouched
// for that was disabled or removed since. Without an issuer it is somebody who signed in by a password, who has no
// business where the virtual directory is on OAuth. Otherwise the Denial says why.
func (a *Authenticator) Session(ctx context.Context, f *Facts, sid, issuer string) (*Identity, *Denial) {
	if issuer == "" && f.VirtualDirectory.OAuth() || issuer != "" && a.trusts.of(f.Snapshot).find(issuer) == nil {
		return nil, &Denial{Status: 401, Reason: "no enabled AuthServer has the session's issuer"}
	}
	found, err := a.people.bySID(ctx, sid)
	p := protocols[f.VirtualDirectory.Kind]
	switch {
	case err != nil:
		return nil, a.denial(ctx, f, err)
	case len(found) != 1 || !found[0].Active():
		return nil, &Denial{Status: 401, Reason: "the session's person is gone or disabled"}
	case issuer != "" && found[0].MasterAccountSID != "" && !f.Snapshot.MasterAccounts():
		return nil, &Denial{Status: 401, Reason: noMasterAccounts}
	case p.enabled != nil && !p.enabled(found[0]):
		return nil, &Denial{Status: 403, Reason: "protocol is off for the mailbox"}
	}
	return &Identity{Recipient: found[0], AuthN: "OpenID", Issuer: issuer}, nil
}

// keyHeader is what the header says about the key.
type keyHeader struct{ id string }

// parse reads a signed token in its compact form and refuses everything odd
// about it: header parameters off the list, another algorithm, two claims of one
// name, names that are claims in another case. Nothing is verified yet.
func parse(text string) (header keyHeader, c *claims, signature []byte, err error) {
	if err := checkSegments(text); err != nil {
		return header, nil, nil, err
	}
	first, _, _ := strings.Cut(text, ".")
	head, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return header, nil, nil, errors.New("header is no base64url")
	}
	if err := checkNames(head, headerNames, true); err != nil {
		return header, nil, nil, fmt.Errorf("header: %w", err)
	}
	signed, err := jose.ParseSignedCompact(text, algorithms)
	if err != nil {
		return header, nil, nil, errors.New("no JWS of an allowed algorithm")
	}
	payload := signed.UnsafePayloadWithoutVerification() // only read, to find the key that verifies it
	if err := checkNames(payload, claimNames, false); err != nil {
		return header, nil, nil, fmt.Errorf("claims: %w", err)
	}
	h := signed.Signatures[0].Header
	header.id = h.KeyID
	if x5t, _ := h.ExtraHeaders["x5t"].(string); header.id == "" {
		header.id = x5t
	}
	c = new(claims)
	if err := json.Unmarshal(payload, c); err != nil {
		return header, nil, nil, errors.New("claims are malformed or named twice")
	}
	return header, c, signed.Signatures[0].Signature, nil
}

// segmentByte tells what may stand in a token: base64url and the dot.
var segmentByte = func() (allowed [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") {
		allowed[c] = true
	}
	return allowed
}()

// checkSegments wants three segments of base64url characters.
func checkSegments(text string) error {
	for i := range len(text) {
		if !segmentByte[text[i]] {
			return errors.New("character outside base64url")
		}
	}
	if strings.Count(text, ".") != 2 {
		return errors.New("want three segments")
	}
	return nil
}

// checkNames walks a JSON object without decoding it. It refuses nesting beyond
// maxDepth, names of the object itself that are written with escapes, and names
// that equal a known one but for case; with only, every name that is not known.
// It leaves syntax to the decoder.
func checkNames(data []byte, known []string, only bool) error {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			if depth++; depth > maxDepth {
				return errors.New("nested too deep")
			}
		case '}', ']':
			depth--
		case '"':
			start := i + 1
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if i >= len(data) {
				return errors.New("string without an end")
			}
			if depth != 1 || !isName(data[i+1:]) {
				continue
			}
			if err := checkName(data[start:i], known, only); err != nil {
				return err
			}
		}
	}
	return nil
}

func isName(rest []byte) bool {
	for _, c := range rest {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return c == ':'
	}
	return false
}

func checkName(name []byte, known []string, only bool) error {
	for _, k := range known {
		if string(name) == k {
			return nil
		}
		if len(name) == len(k) && strings.EqualFold(string(name), k) {
			return errors.New("name in another case")
		}
	}
	if only {
		return errors.New("parameter not allowed")
	}
	for _, c := range name {
		if c == '\\' || c >= 0x80 { // either can spell a claim's name another way
			return errors.New("name with an escape or beyond ASCII")
		}
	}
	return nil
}
