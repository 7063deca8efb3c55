package auth_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/ntlm"
)

// windows turns Windows authentication on wherever the switch or the list for it is.
func (w *world) windows() {
	for _, vd := range w.snapshot.VirtualDirectories {
		vd.WindowsAuthentication = true
		if vd.Kind == org.Mapi {
			vd.IISAuthenticationMethods = append(vd.IISAuthenticationMethods, org.MethodNtlm, org.MethodNegotiate)
		}
	}
}

// conn is a client's connection.
type conn struct {
	*world
	ctx   context.Context
	final string // the last answer's WWW-Authenticate of an admitted request
}

func (w *world) connect() *conn { return &conn{w, auth.WithConnection(context.Background()), ""} }

// send sends a request of the kind on the connection; authorization "" has none.
func (c *conn) send(kind org.Kind, authorization string) (*auth.Identity, *auth.Denial) {
	f := c.facts(kind)
	if authorization != "" {
		f = c.facts(kind, authorization)
	}
	id, d := c.auth.Authenticate(c.ctx, f)
	c.final = f.Final
	return id, d
}

// step sends a token and returns the one that the answer goes on with.
func (c *conn) step(t *testing.T, kind org.Kind, scheme string, token []byte) []byte {
	t.Helper()
	_, d := c.send(kind, scheme+" "+base64.StdEncoding.EncodeToString(token))
	if d == nil || d.Status != 401 || !d.Handshake || len(d.Challenges) != 1 {
		t.Fatalf("%s: no step of a handshake: %+v", scheme, d)
	}
	name, text, _ := strings.Cut(d.Challenges[0], " ")
	next, err := base64.StdEncoding.DecodeString(text)
	if err != nil || name != scheme {
		t.Fatalf("%s: answered %q", scheme, d.Challenges[0])
	}
	return next
}

// signIn carries out a handshake of the scheme; Negotiate has SPNEGO around NTLM.
func (c *conn) signIn(t *testing.T, kind org.Kind, scheme, user, password string) (*auth.Identity, *auth.Denial) {
	t.Helper()
	client := &ntlm.Client{User: user, Hash: ntlm.HashPassword(password)}
	first := client.Negotiate()
	if scheme == "Negotiate" {
		first = ntlm.NewInit(first)
	}
	challenge := c.step(t, kind, scheme, first)
	if scheme == "Negotiate" {
		r, err := ntlm.ParseResponse(challenge)
		if err != nil || r.State != ntlm.AcceptIncomplete || !r.Selected {
			t.Fatalf("SPNEGO answers %+v, %v", r, err)
		}
		challenge = r.Token
	}
	answer, _, err := client.Authenticate(challenge, [8]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	if scheme == "Negotiate" {
		answer = (&ntlm.Response{Token: answer}).MarshalClient()
	}
	return c.send(kind, scheme+" "+base64.StdEncoding.EncodeToString(answer))
}

func TestWindows(t *testing.T) {
	w := newWorld()
	w.windows()
	const jane = "jane@contoso.com"
	for scheme, authN := range map[string]string{"NTLM": "NTLM", "Negotiate": "Nego*"} {
		c := w.connect()
		id, d := c.signIn(t, org.WebServices, scheme, jane, authtest.Password)
		if d != nil || id.Recipient.UPN != jane || id.AuthN != authN {
			t.Fatalf("%s: %+v %+v", scheme, id, d)
		}
		if final := c.final; (scheme == "Negotiate") != (final == "Negotiate oQcwBaADCgEA") || scheme == "NTLM" && final != "" {
			t.Errorf("%s ends with %q", scheme, final)
		}
		// The connection stays signed in, for each virtual directory that takes the scheme.
		for _, kind := range []org.Kind{org.WebServices, org.Oab, org.Mapi} {
			if id, d := c.send(kind, ""); d != nil || id.Recipient.UPN != jane || id.AuthN != authN {
				t.Errorf("%s, second request at %s: %+v %+v", scheme, kind, id, d)
			}
		}
		if _, d := w.connect().send(org.WebServices, ""); d == nil {
			t.Errorf("%s: another connection is signed in", scheme)
		}
		w.snapshot.VirtualDirectory(org.Oab).WindowsAuthentication = false
		if _, d := c.send(org.Oab, ""); d == nil || !slices.Equal(d.Challenges, []string{`Basic realm="mail.contoso.com"`}) {
			t.Errorf("%s where it is off: %+v", scheme, d)
		}
		w.snapshot.VirtualDirectory(org.Oab).WindowsAuthentication = true
		w.people.Change(jane, func(r *org.Recipient) { r.Enabled = false })
		if _, d := c.send(org.WebServices, ""); d == nil || d.Status != 401 {
			t.Errorf("%s: a disabled person: %+v", scheme, d)
		}
		w.people.Change(jane, func(r *org.Recipient) { r.Enabled = true })
		if _, d := c.send(org.WebServices, ""); d == nil {
			t.Errorf("%s: the connection remembers who was disabled", scheme)
		}
		// A new handshake ends the old one's result, also when it fails.
		if _, d := c.signIn(t, org.WebServices, scheme, jane, authtest.Password); d != nil {
			t.Fatal(d.Reason)
		}
		for user, password := range map[string]string{jane: "wrong", "nobody@contoso.com": authtest.Password, "gone@contoso.com": authtest.Password} {
			_, d := c.signIn(t, org.WebServices, scheme, user, password)
			if d == nil || d.Status != 401 || d.Reason != "unknown user or wrong password" || !slices.Equal(d.Challenges, []string{"Negotiate", "NTLM", `Basic realm="mail.contoso.com"`}) {
				t.Errorf("%s as %s: %+v", scheme, user, d)
			}
			if _, d := c.send(org.WebServices, ""); d == nil {
				t.Errorf("%s: signed in after a wrong password", scheme)
			}
		}
	}
	if _, d := w.ask(org.WebServices, "NTLM "+base64.StdEncoding.EncodeToString((&ntlm.Client{}).Negotiate())); d == nil || d.Handshake {
		t.Errorf("where connections are not kept apart: %+v", d)
	}
}

// TestWindowsHostile holds what must not sign anybody in.
func TestWindowsHostile(t *testing.T) {
	w := newWorld()
	w.windows()
	client := &ntlm.Client{User: "jane@contoso.com", Hash: ntlm.HashPassword(authtest.Password)}
	answer := func(c *conn) string {
		text, _, err := client.Authenticate(c.step(t, org.WebServices, "NTLM", client.Negotiate()), [8]byte{1})
		if err != nil {
			t.Fatal(err)
		}
		return "NTLM " + base64.StdEncoding.EncodeToString(text)
	}
	refused := func(name string, c *conn, authorization string) {
		t.Helper()
		if id, d := c.send(org.WebServices, authorization); id != nil || d.Status != 401 || d.Handshake || len(d.Challenges) != 3 {
			t.Errorf("%s: %+v", name, d)
		}
		if _, d := c.send(org.WebServices, ""); d == nil {
			t.Errorf("%s: the connection is signed in", name)
		}
	}
	one, two := w.connect(), w.connect()
	good := answer(one)
	refused("answer of another connection", two, good)
	answer(two)
	refused("answer to another challenge", two, good)
	if _, d := one.send(org.WebServices, good); d != nil {
		t.Fatal(d.Reason)
	}
	refused("the same answer again", one, good)
	refused("answer under the other scheme", one, strings.Replace(answer(one), "NTLM", "Negotiate", 1))
	refused("no base64", one, "NTLM !")
	refused("nothing", one, "NTLM")
	refused("too long", one, "Negotiate "+strings.Repeat("A", 4*ntlm.MaxToken))
	refused("an answer first", w.connect(), good)
	refused("Kerberos alone", w.connect(), "Negotiate "+spnegoToken(t, "6015 06062b0601050502 a00b 3009 a007 3005 06032a0304"))
	w.snapshot.VirtualDirectory(org.WebServices).WindowsAuthentication = false
	if _, d := w.connect().send(org.WebServices, "NTLM "+base64.StdEncoding.EncodeToString(client.Negotiate())); d == nil || d.Handshake {
		t.Errorf("where it is off: %+v", d)
	}
}

func spnegoToken(t *testing.T, text string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b)
}

// TestNegotiateMIC signs in as a client of a domain does: Kerberos comes first in its
// list, so NTLM is chosen for it and the list must be signed in the end.
func TestNegotiateMIC(t *testing.T) {
	w := newWorld()
	w.windows()
	client := &ntlm.Client{User: "jane@contoso.com", Hash: ntlm.HashPassword(authtest.Password)}
	list, _ := hex.DecodeString("3011" + "06032a0304" + "060a2b06010401823702020a")
	for name, tt := range map[string]struct {
		mic func(*ntlm.Session) []byte
		in  bool
	}{
		"none":     {func(*ntlm.Session) []byte { return nil }, false},
		"wrong":    {func(*ntlm.Session) []byte { return make([]byte, 16) }, false},
		"right":    {func(s *ntlm.Session) []byte { return s.Sign(true, list) }, true},
		"server's": {func(s *ntlm.Session) []byte { return s.Sign(false, list) }, false},
	} {
		c := w.connect()
		begin, _ := hex.DecodeString("6021" + "06062b0601050502" + "a0173015a013" + hex.EncodeToString(list))
		chosen, err := ntlm.ParseResponse(c.step(t, org.WebServices, "Negotiate", begin))
		if err != nil || chosen.State != ntlm.RequestMIC || !chosen.Selected || chosen.Token != nil {
			t.Fatalf("%+v %v", chosen, err)
		}
		next, err := ntlm.ParseResponse(c.step(t, org.WebServices, "Negotiate", (&ntlm.Response{Token: client.Negotiate()}).MarshalClient()))
		if err != nil {
			t.Fatal(err)
		}
		answer, session, err := client.Authenticate(next.Token, [8]byte{1})
		if err != nil {
			t.Fatal(err)
		}
		_, d := c.send(org.WebServices, "Negotiate "+base64.StdEncoding.EncodeToString((&ntlm.Response{Token: answer, MIC: tt.mic(session)}).MarshalClient()))
		if (d == nil) != tt.in {
			t.Errorf("%s MIC: %+v", name, d)
		}
		if !tt.in {
			continue
		}
		text, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(c.final, "Negotiate "))
		if last, err := ntlm.ParseResponse(text); err != nil || last.State != ntlm.AcceptCompleted || string(last.MIC) != string(session.Sign(false, list)) {
			t.Errorf("the last token is %+v, %v", last, err)
		}
	}
}

// TestPolicies holds every protocol, policy and scheme against each other: legacy and
// modern authentication are blocked by protocol, for the person's own policy or the
// organisation's default; OWA and ECP have no switch in a policy.
func TestPolicies(t *testing.T) {
	protocols := map[org.Kind]org.Protocol{org.Mapi: org.ProtocolMapi, org.Oab: org.ProtocolOfflineAddressBook, org.WebServices: org.ProtocolWebServices,
		org.ActiveSync: org.ProtocolActiveSync, org.Autodiscover: org.ProtocolAutodiscover, org.Rpc: org.ProtocolRpc, org.Owa: "", org.Ecp: ""}
	all := slices.Sorted(maps.Values(protocols))
	const jane = "jane@contoso.com"
	policy := guid.GUID{15: 9}
	only := func(p org.Protocol) map[org.Protocol]bool { return map[org.Protocol]bool{p: true} }
	but := func(p org.Protocol) map[org.Protocol]bool {
		m := map[org.Protocol]bool{}
		for _, other := range all {
			m[other] = other != p
		}
		return m
	}
	for kind, p := range protocols {
		for _, own := range []bool{true, false} {
			for name, tt := range map[string]struct {
				policy         org.AuthenticationPolicy
				legacy, modern bool // allowed
			}{
				"allows all":              {org.AuthenticationPolicy{}, true, true},
				"blocks legacy here":      {org.AuthenticationPolicy{BlockLegacy: only(p)}, p == "", true},
				"blocks legacy elsewhere": {org.AuthenticationPolicy{BlockLegacy: but(p)}, true, true},
				"blocks modern here":      {org.AuthenticationPolicy{BlockModern: only(p)}, true, p == ""},
				"blocks modern elsewhere": {org.AuthenticationPolicy{BlockModern: but(p)}, true, true},
			} {
				t.Run(fmt.Sprintf("%s/own=%t/%s", kind, own, name), func(t *testing.T) {
					w := newWorld()
					w.windows()
					vd := w.snapshot.VirtualDirectory(kind)
					vd.BasicAuthentication = true
					tt.policy.Name = name
					w.snapshot.Policies[policy] = &tt.policy
					other := guid.GUID{15: 8}
					w.snapshot.Policies[other] = &org.AuthenticationPolicy{Name: "other", BlockLegacy: only(p), BlockModern: only(p)}
					if own {
						// The organisation's default blocks everything here, and does not count.
						w.snapshot.Org.DefaultAuthenticationPolicy = other
						w.people.Change(jane, func(r *org.Recipient) { r.AuthenticationPolicy = policy })
					} else {
						w.snapshot.Org.DefaultAuthenticationPolicy = policy
					}
					check := func(scheme string, id *auth.Identity, d *auth.Denial) {
						t.Helper()
						if (d == nil) != tt.legacy || d != nil && (d.Status != 401 || len(d.Challenges) != 3 || d.Handshake) {
							t.Errorf("%s: %+v, %+v, want allowed %t", scheme, id, d, tt.legacy)
						}
					}
					c := w.connect()
					id, d := c.send(kind, "Basic "+base64.StdEncoding.EncodeToString([]byte(jane+":"+authtest.Password)))
					check("Basic", id, d)
					for _, scheme := range []string{"NTLM", "Negotiate"} {
						id, d := c.signIn(t, kind, scheme, jane, authtest.Password)
						check(scheme, id, d)
						id, d = c.send(kind, "")
						check(scheme+", once more", id, d)
					}
					if !vd.OAuth() {
						return // Rpc
					}
					f := w.facts(kind, "Bearer")
					f.UserIdentity = jane
					_, d = w.auth.Authenticate(t.Context(), f)
					if offered := strings.Contains(d.Challenges[0], "authorization_uri"); offered != tt.modern {
						t.Errorf("modern authentication is offered: %t, want %t: %q", offered, tt.modern, d.Challenges)
					}
				})
			}
		}
	}
}
