package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"
	"sync"

	"hma/exchange/org"
	"hma/wire/ntlm"
)

// The two schemes of Windows authentication, as challenges spell them (RFC 4559; MS-NTHT 2.1).
const (
	negotiate = "Negotiate"
	bareNTLM  = "NTLM"
)

// Connection is what is remembered of one TCP connection. NTLM authenticates the
// connection and not the request (MS-NTHT 1.3): a handshake takes several requests, and
// who has ended it well needs no Authorization header on that connection any more, as it
// is with IIS's authPersistSingleRequest at its default False.
type Connection struct {
	mu        sync.Mutex
	handshake *handshake // under way; good for one answer
	sid       string     // of who has signed in, "" for nobody
	scheme    string     // by which
}

type connectionKey struct{}

// WithConnection returns the context of a new connection's requests; it is for
// http.Server.ConnContext. Requests of others must not come over the connection: not on
// HTTP/2 behind a proxy that shares it. Without it Windows authentication is refused.
func WithConnection(ctx context.Context) context.Context {
	return context.WithValue(ctx, connectionKey{}, new(Connection))
}

func connectionOf(ctx context.Context) *Connection {
	c, _ := ctx.Value(connectionKey{}).(*Connection)
	return c
}

// handshake is one that has begun.
type handshake struct {
	scheme string
	spnego *spnego      // nil: NTLM without SPNEGO around it
	server *ntlm.Server // nil: SPNEGO has chosen NTLM, which has not begun yet
}

// connected answers a request without a credential: for who has signed in on this
// connection before, if the virtual directory takes what it was done by. The person is
// looked up anew, and the policies are those of this request.
func (a *Authenticator) connected(ctx context.Context, f *Facts) (*Identity, *Denial) {
	c := connectionOf(ctx)
	if c == nil {
		return nil, a.legacy(f, "no credentials")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sid == "" || !takes(f.VirtualDirectory, c.scheme) {
		return nil, a.legacy(f, "no credentials")
	}
	found, err := a.people.bySID(ctx, c.sid)
	if err != nil {
		return nil, a.denial(ctx, f, err)
	}
	if len(found) != 1 || !found[0].Active() {
		c.sid = ""
		return nil, a.legacy(f, "the connection's person is gone or disabled")
	}
	return a.proven(f, found[0], authNOf(c.scheme))
}

// takes tells whether the virtual directory takes one of the two schemes.
func takes(vd *org.VirtualDirectory, scheme string) bool {
	if scheme == negotiate {
		return vd.Negotiate()
	}
	return vd.Ntlm()
}

// authNOf is what Outlook's Connection Status calls a scheme.
func authNOf(scheme string) string {
	if scheme == negotiate {
		return "Nego*"
	}
	return "NTLM"
}

// windows takes one step of a handshake: it answers NTLM's first message with the
// challenge, and checks the answer to that. Any step ends who was signed in before.
func (a *Authenticator) windows(ctx context.Context, f *Facts, scheme, credential string) (*Identity, *Denial) {
	if !takes(f.VirtualDirectory, scheme) {
		return nil, a.legacy(f, scheme+" where the virtual directory does not take it")
	}
	c := connectionOf(ctx)
	if c == nil {
		return nil, a.legacy(f, scheme+" on a connection that is not kept apart")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.handshake
	c.handshake, c.sid = nil, ""
	if h == nil || h.scheme != scheme {
		h = &handshake{scheme: scheme}
	}
	if len(credential) > base64.StdEncoding.EncodedLen(ntlm.MaxToken) {
		return nil, a.legacy(f, scheme+" token too long")
	}
	token, err := base64.StdEncoding.DecodeString(credential)
	if err != nil {
		return nil, a.legacy(f, scheme+" token is no base64")
	}
	message, mic := token, []byte(nil)
	if scheme == negotiate {
		var reply []byte
		if message, mic, reply, err = h.unwrap(token); err != nil {
			return nil, a.legacy(f, err.Error())
		}
		if reply != nil {
			c.handshake = h
			return nil, goOn(scheme, reply)
		}
	}
	if h.server == nil || ntlm.IsNegotiate(message) {
		var nonce [8]byte
		rand.Read(nonce[:])
		server, challenge, err := ntlm.Accept(message, target(f.Snapshot), nonce, f.Now)
		if err != nil {
			return nil, a.legacy(f, err.Error())
		}
		h.server, c.handshake = server, h
		return nil, goOn(scheme, h.spnego.challenge(challenge))
	}
	person, session, denial := a.answered(ctx, f, h.server, message)
	if denial != nil {
		return nil, denial
	}
	if h.spnego != nil {
		final, err := h.spnego.complete(session, mic)
		if err != nil {
			return nil, a.legacy(f, err.Error())
		}
		f.Final = scheme + " " + base64.StdEncoding.EncodeToString(final)
	}
	c.sid, c.scheme = person.SID, scheme
	return a.proven(f, person, authNOf(scheme))
}

// answered checks the answer to a challenge: who has given it, or the Denial.
func (a *Authenticator) answered(ctx context.Context, f *Facts, server *ntlm.Server, message []byte) (*org.Recipient, *ntlm.Session, *Denial) {
	answer, err := ntlm.ParseAuthenticate(message)
	if err != nil {
		return nil, nil, a.legacy(f, err.Error())
	}
	var session *ntlm.Session
	person, err := a.people.VerifyNT(ctx, login(answer), func(hash ntlm.Hash) (right bool) {
		session, right = server.Verify(answer, hash)
		return right
	})
	if errors.Is(err, org.ErrPassword) {
		return nil, nil, a.legacy(f, "unknown user or wrong password")
	}
	if err != nil {
		return nil, nil, a.denial(ctx, f, err)
	}
	return person, session, nil
}

// goOn is the 401 that carries the next token of a handshake, and no other scheme.
func goOn(scheme string, token []byte) *Denial {
	return &Denial{Status: 401, Challenges: []string{scheme + " " + base64.StdEncoding.EncodeToString(token)}, Reason: scheme + " handshake", Handshake: true}
}

// login is who answers, as org.Organization wants a login name.
func login(a *ntlm.Authenticate) string {
	if a.Domain == "" {
		return a.User
	}
	return a.Domain + `\` + a.User
}

// target is the server as its challenge names it.
func target(s *org.Snapshot) ntlm.Target {
	return ntlm.Target{NetBIOSDomain: s.Org.NetBIOS(), NetBIOSComputer: strings.ToUpper(s.Server.Name), DNSDomain: s.Org.Domain, DNSComputer: s.Server.FQDN}
}
