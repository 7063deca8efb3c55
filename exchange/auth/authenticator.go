package auth

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"hma/exchange/org"
	"hma/wire/bearer"
	"hma/wire/guid"
	"hma/wire/jwt"
	"hma/wire/ntlm"
)

// People is what the Authenticator asks about persons; org.Organization answers it.
type People interface {
	// PeopleVersion moves with every write to people: what was cached under another one is void.
	PeopleVersion() int64
	// BySID returns the person with the SID, or org.ErrNotFound.
	BySID(ctx context.Context, sid string) (*org.Recipient, error)
	// ByMasterAccountSID returns everybody whose linked mailbox belongs to the account with the SID.
	ByMasterAccountSID(ctx context.Context, sid string) ([]*org.Recipient, error)
	// ByUPN and BySMTP return everybody with the name or address, compared without case.
	ByUPN(ctx context.Context, upn string) ([]*org.Recipient, error)
	BySMTP(ctx context.Context, address string) ([]*org.Recipient, error)
	// VerifyPassword returns the enabled person, or org.ErrPassword whatever was wrong.
	VerifyPassword(ctx context.Context, login, password string) (*org.Recipient, error)
	// VerifyNT is VerifyPassword for whom check takes the NT hash; it is called once in every case.
	VerifyNT(ctx context.Context, login string, check func(ntlm.Hash) bool) (*org.Recipient, error)
	// PasswordChanged returns when the person's password was set, or org.ErrNotFound while there is none.
	PasswordChanged(ctx context.Context, id guid.GUID) (time.Time, error)
}

// Refresher fetches the keys of an AuthServer anew because a token names a key
// that the configuration lacks; Metadata does it.
type Refresher interface {
	// UnknownKey returns the AuthServer's present certificates (base64 DER), or nil
	// when it was asked too recently or the cloud is away.
	UnknownKey(ctx context.Context, server *org.AuthServer) []string
}

// Options are what an Authenticator needs from the wiring.
type Options struct {
	People People // required
	// Keys fetches unknown keys; nil never does.
	Keys Refresher
	// Log takes what no request record can say; nil discards it.
	Log *slog.Logger
}

// Authenticator turns credentials into Identities. One serves any number of
// servers of a process and is safe for concurrent use.
type Authenticator struct {
	people    *people
	keys      Refresher
	log       *slog.Logger
	tokens    *tokenCache
	passwords *passwordCache
	trusts    trusts
}

// New returns an Authenticator with empty caches.
func New(o Options) *Authenticator {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Authenticator{people: newPeople(o.People), keys: o.Keys, log: o.Log, tokens: newTokenCache(), passwords: newPasswordCache()}
}

// Facts are what the Authenticator wants to know of a request.
type Facts struct {
	Snapshot         *org.Snapshot
	VirtualDirectory *org.VirtualDirectory
	// Authorization holds the lines of the Authorization header.
	Authorization []string
	// UserIdentity is the header X-User-Identity: a hint of who will sign in, "" without.
	UserIdentity string
	// Host is the public host and port by which the server was asked (the Host header).
	Host string
	Now  time.Time
	// Final is set by Authenticate: the WWW-Authenticate line that goes with the answer to
	// an admitted request, the end of a handshake; mostly "".
	Final string
}

// Denial is a refusal: what to answer, and what to log.
type Denial struct {
	// Status is 401, 403, or 503 when the directory could not be asked.
	Status int
	// Challenges are all WWW-Authenticate lines, Bearer first.
	Challenges []string
	// Handshake tells that the client goes on with a handshake that hangs on the
	// connection, which must stay open.
	Handshake bool
	// Diagnostics is the value of x-ms-diagnostics, "" for none.
	Diagnostics string
	// Reason is for the log: what was wrong, without secrets.
	Reason string
}

// Authenticate checks the credential of a request: the Identity, or the Denial. Exactly one is not nil.
//
// A Bearer challenge is only an answer to a bearer: empty (the probe) or refused.
// authorization_uri stands in it only when modern authentication is offered to the
// user. A good token is taken whether or not it is offered: the organisation's
// switch and the policies govern what is advertised.
func (a *Authenticator) Authenticate(ctx context.Context, f *Facts) (*Identity, *Denial) {
	switch {
	case len(f.Authorization) == 0:
		return a.connected(ctx, f)
	case len(f.Authorization) > 1:
		for _, line := range f.Authorization {
			if scheme, _ := cutScheme(line); strings.EqualFold(scheme, "Bearer") && f.VirtualDirectory.OAuth() {
				return nil, a.refuse(ctx, f, failure{code: bearer.Unparsable, reason: bearer.ReasonUnparsable, log: "several Authorization headers"})
			}
		}
		return nil, a.legacy(f, "several Authorization headers")
	}
	scheme, credential := cutScheme(f.Authorization[0])
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		if !f.VirtualDirectory.OAuth() {
			return nil, a.legacy(f, "bearer where the virtual directory has no OAuth")
		}
		if credential == "" {
			return nil, a.probe(ctx, f)
		}
		return a.bearer(ctx, f, credential)
	case strings.EqualFold(scheme, "Basic"):
		return a.basic(ctx, f, credential)
	case strings.EqualFold(scheme, negotiate):
		return a.windows(ctx, f, negotiate, credential)
	case strings.EqualFold(scheme, bareNTLM):
		return a.windows(ctx, f, bareNTLM, credential)
	}
	return nil, a.legacy(f, "authentication scheme not supported")
}

// cutScheme splits a credential into scheme and the rest (RFC 9110 11.4).
func cutScheme(line string) (scheme, credential string) {
	scheme, credential, _ = strings.Cut(strings.TrimLeft(line, " \t"), " ")
	return strings.TrimRight(scheme, "\t"), strings.Trim(credential, " \t")
}

// failure is why a token was refused.
type failure struct {
	status int // 0 means 401
	code   bearer.Code
	reason string // for the client
	log    string // for the record
}

func (e failure) Error() string { return e.log }

func fail(code bearer.Code, reason, log string) error {
	return failure{code: code, reason: reason, log: log}
}

// refused is the failure by what a token says itself.
func refused(r *jwt.Refusal) error { return fail(r.Code, r.Reason, r.Found) }

// denial turns an error of a check into the answer. Errors that are no failure
// are the directory's: they say nothing about the credential.
func (a *Authenticator) denial(ctx context.Context, f *Facts, err error) *Denial {
	if e, ok := errors.AsType[failure](err); ok {
		return a.refuse(ctx, f, e)
	}
	a.log.Error("directory not read", "error", err)
	return &Denial{Status: 503, Reason: "directory not read"}
}

// refuse answers a bad token.
func (a *Authenticator) refuse(ctx context.Context, f *Facts, e failure) *Denial {
	if e.status == 403 {
		return &Denial{Status: 403, Reason: e.log}
	}
	d := a.legacy(f, e.log)
	c := challenge(f.Snapshot)
	if server, offered := a.offer(ctx, f); offered {
		// What leads to AD FS is dropped where a token has expired, and Outlook for Mac then cannot get another
		// (ADFS-MA, KeepADFSHeadersOnTokenExpiry).
		if e.reason != bearer.ReasonExpired || server.Type != org.ADFS || f.Snapshot.Override("OAuth", "KeepADFSHeadersOnTokenExpiry").Enabled() {
			c.AuthorizationURI = server.AuthorizationEndpoint
		}
	}
	c.Error = bearer.InvalidToken
	d.Challenges = append([]string{c.String()}, d.Challenges...)
	d.Diagnostics = bearer.Diagnose(e.code, e.reason).String()
	return d
}

// probe answers an empty bearer, by which a client says that it can do modern authentication.
func (a *Authenticator) probe(ctx context.Context, f *Facts) *Denial {
	d := a.legacy(f, "probe")
	c := challenge(f.Snapshot)
	if server, offered := a.offer(ctx, f); offered {
		c.AuthorizationURI = server.AuthorizationEndpoint
		if !f.Snapshot.Server.Version.Less(issuerKindSince) {
			c.IssuerKind = server.Type
		}
	} else {
		c.Error = bearer.InvalidToken
		whom := f.UserIdentity
		if whom == "" || len(whom) > 256 {
			whom = hostname(f.Host)
		}
		d.Diagnostics = bearer.Diagnose(bearer.NotAvailable, bearer.ReasonFlighting(whom)).String()
		d.Reason = "probe, modern authentication not offered"
	}
	d.Challenges = append([]string{c.String()}, d.Challenges...)
	return d
}

// legacy is the answer without Bearer: the legacy schemes that the virtual
// directory takes, in the order in which clients should try them.
func (a *Authenticator) legacy(f *Facts, reason string) *Denial {
	d := &Denial{Status: 401, Reason: reason}
	if f.VirtualDirectory.Negotiate() {
		d.Challenges = append(d.Challenges, negotiate)
	}
	if f.VirtualDirectory.Ntlm() {
		d.Challenges = append(d.Challenges, bareNTLM)
	}
	if f.VirtualDirectory.Basic() {
		d.Challenges = append(d.Challenges, bearer.BasicChallenge(hostname(f.Host)))
	}
	return d
}

// proven lets in a person who has proven a password, by whatever scheme, unless a policy
// blocks legacy authentication for the protocol or the mailbox has the protocol off.
func (a *Authenticator) proven(f *Facts, person *org.Recipient, authN string) (*Identity, *Denial) {
	p := protocols[f.VirtualDirectory.Kind]
	if policy := policyOf(f.Snapshot, person); p.policy != "" && policy != nil && policy.BlockLegacy[p.policy] {
		return nil, a.legacy(f, "authentication policy "+policy.Name+" blocks legacy authentication")
	}
	if p.enabled != nil && !p.enabled(person) {
		return nil, &Denial{Status: 403, Reason: "protocol is off for the mailbox"}
	}
	return &Identity{Recipient: person, AuthN: authN}, nil
}

// offer tells whether modern authentication is offered to the user whom the
// request names, and by which AuthServer. Who is unknown, ambiguous or not named
// is answered like the organisation's default.
func (a *Authenticator) offer(ctx context.Context, f *Facts) (*org.AuthServer, bool) {
	server := f.Snapshot.DefaultAuthorizationEndpoint()
	if !f.Snapshot.Org.OAuth2ClientProfileEnabled || server == nil || server.AuthorizationEndpoint == "" {
		return nil, false
	}
	p := protocols[f.VirtualDirectory.Kind].policy
	if p == "" {
		return server, true
	}
	var named *org.Recipient
	if f.UserIdentity != "" && len(f.UserIdentity) <= 256 {
		found, err := a.people.byName(ctx, f.UserIdentity)
		if err != nil {
			a.log.Error("directory not read", "error", err)
		} else if len(found) == 1 {
			named = found[0]
		}
	}
	policy := policyOf(f.Snapshot, named)
	return server, policy == nil || !policy.BlockModern[p]
}

// policyOf returns the authentication policy of a person (nil: nobody known), or nil when none applies.
func policyOf(s *org.Snapshot, r *org.Recipient) *org.AuthenticationPolicy {
	if r != nil && r.AuthenticationPolicy != guid.Nil {
		return s.Policies[r.AuthenticationPolicy]
	}
	return s.Policies[s.Org.DefaultAuthenticationPolicy]
}
