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
	"unique"

	"hma/exchange/org"
	"hma/wire/bearer"
	"hma/wire/jwt"
	"hma/wire/wellknown"
)

// token is a token whose signature and lifetime were found good under a trust generation.
//
// One in the cache mostly lies in no cache of the processor when it is asked for: what a
// request wants of it stands first, and of texts that many tokens share there is one as long as one of them holds it.
type token struct {
	text               string // the whole token, once it is in the cache
	trust              *trust
	expires, notBefore int64 // Unix seconds; expires without skew, notBefore with it
	// user is whom the token stands for, resolved under a people version.
	user   atomic.Pointer[user]
	host   unique.Handle[string] // of the audience, as org.Snapshot.Hosts has it; "" when it has another form
	grant  jwt.Grant
	tenant bool // whether it is the AuthServer's

	issuer      *org.AuthServer
	claims      jwt.Claims
	application unique.Handle[string] // keeps the text of identity.Application
	identity    Identity              // of an application; of a person once it is known who that is
}

type user struct {
	version  int64
	err      error // a failure, when nobody can be named
	identity Identity
}

// bearer checks a bearer token against a request.
func (a *Authenticator) bearer(ctx context.Context, f *Facts, text string) (*Identity, *Denial) {
	if len(text) > jwt.MaxSize {
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
	c, refusal := jwt.Parse(text)
	if refusal != nil {
		return nil, false, refused(refusal)
	}
	from := t.find(c.Issuer)
	if from == nil {
		return nil, false, fail(bearer.InvalidIssuer, bearer.ReasonIssuer(c.Issuer), "no enabled AuthServer has the token's issuer")
	}
	key, keep := from.keys[c.KeyID], true
	if key == nil {
		key, keep = a.unknownKey(ctx, from.server, c.KeyID), false
	}
	if key == nil {
		return nil, false, fail(bearer.InvalidSignature, bearer.ReasonSignature, "no such key at AuthServer "+from.server.Name)
	}
	digest := sha256.Sum256([]byte(text[:strings.LastIndexByte(text, '.')]))
	if rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], c.Signature) != nil {
		return nil, false, fail(bearer.InvalidSignature, bearer.ReasonSignature, "signature does not match")
	}
	if refusal := c.Lifetime(now); refusal != nil {
		return nil, false, refused(refusal)
	}
	v = &token{trust: t, issuer: from.server, expires: c.Expires.Unix(), notBefore: c.NotBefore.Add(-jwt.Skew).Unix(), claims: c.Claims}
	v.host, v.application = unique.Make(jwt.AudienceHost(c.Audience, from.server.Realm)), unique.Make(c.AppID)
	v.grant = c.Grant(from.server.Type == org.MicrosoftACS)
	// A server's token has its tenant in its issuer.
	v.tenant = from.server.Type == org.MicrosoftACS || from.server.Realm == "" || strings.EqualFold(c.Tenant, from.server.Realm)
	v.identity = Identity{AuthN: "Bearer*", Issuer: from.server.IssuerIdentifier, Application: v.application.Value(), Scopes: strings.Fields(c.Scopes), Roles: c.Roles}
	return v, keep, nil
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
	if named := v.host.Value(); named == "" || named != host || !f.Snapshot.Hosts[host] {
		return nil, refused(jwt.WrongAudience(v.claims.Audience, f.Host))
	}
	if err := v.checkTenant(); err != nil {
		return nil, err
	}
	p := protocols[f.VirtualDirectory.Kind]
	if refusal := p.asks.Refuse(v.grant); refusal != nil {
		return nil, refused(refusal)
	}
	if v.grant.Profile == jwt.V1AppOnly {
		return &v.identity, nil
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

// checkTenant wants the AuthServer's tenant in the token.
func (v *token) checkTenant() error {
	if !v.tenant {
		return fail(bearer.InvalidTenant, bearer.ReasonTenant(v.claims.Tenant), "token is of another tenant")
	}
	return nil
}

// resolve finds the person for whom a token stands: by SID, then UPN, then SMTP address. All protocols that
// take bearers find the same one, so that the answer is kept with the token.
func (a *Authenticator) resolve(ctx context.Context, f *Facts, v *token) (*Identity, error) {
	version := a.people.PeopleVersion()
	if known := v.user.Load(); known != nil && known.version == version {
		return known.answer()
	}
	person, err := a.person(ctx, f, &v.claims)
	if _, ok := errors.AsType[failure](err); err != nil && !ok {
		return nil, err
	}
	known := &user{version: version, err: err, identity: v.identity}
	known.identity.Recipient = person
	v.user.Store(known)
	return known.answer()
}

func (u *user) answer() (*Identity, error) {
	if u.err != nil {
		return nil, u.err
	}
	return &u.identity, nil
}

func (a *Authenticator) person(ctx context.Context, f *Facts, c *jwt.Claims) (*org.Recipient, error) {
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
	case found[0].MasterAccountSID != "" && (c.SID+c.PrimarySID != "" || linkedOnly(f)) && !owns(c, found[0]):
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
func owns(c *jwt.Claims, r *org.Recipient) bool {
	return strings.EqualFold(c.SID, r.MasterAccountSID) || strings.EqualFold(c.PrimarySID, r.MasterAccountSID)
}

func (a *Authenticator) matches(ctx context.Context, s *org.Snapshot, c *jwt.Claims) ([]*org.Recipient, error) {
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
	if name := c.Name(); name != "" {
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
	if refusal := p.asks.Refuse(v.grant); refusal != nil {
		return nil, refused(refusal)
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
