package mail

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"hma/wire/bearer"
	"hma/wire/ntlm"
)

// Ways to present a password, as Handshake.Offered has them, the best first.
const (
	schemeNegotiate = "Negotiate" // NTLM inside it: no Kerberos here
	schemeNTLM      = "NTLM"
	schemeForms     = "FBA" // the sign-in page of OWA and ECP
	schemeBasic     = "Basic"
)

var passwordSchemes = []string{schemeNegotiate, schemeNTLM, schemeForms, schemeBasic}

// TakesPassword tells whether the door offers a way that Present can send a password by.
func (h Handshake) TakesPassword() bool { return len(waysFor(h.Door, h.Offered)) > 0 }

// waysFor returns the ways among those that a door offers, the best first. At a
// browser's door only its page and Basic are known.
func waysFor(d Door, offered []string) (ways []string) {
	for _, way := range passwordSchemes {
		if d.Protocol.Browser() && way != schemeForms && way != schemeBasic {
			continue
		}
		if slices.ContainsFunc(offered, func(s string) bool { return strings.EqualFold(s, way) }) {
			ways = append(ways, way)
		}
	}
	return ways
}

// presentPassword tries the ways until the door takes the password by one. The bytes of
// all of them are kept.
func (c *Client) presentPassword(ctx context.Context, d Door, cred Credential) Handshake {
	ways := waysFor(d, cred.Offered)
	if ways == nil {
		ways = []string{schemeBasic}
	}
	var h Handshake
	for _, way := range ways {
		request, response := h.Request, h.Response
		switch {
		case way == schemeForms:
			h = c.logon(ctx, d, cred)
		case d.Protocol.Browser():
			h = c.browse(ctx, d, basic(cred))
		case way == schemeBasic:
			h = c.shake(ctx, d, cred.User, SentPassword, basic(cred))
		default:
			h = c.windows(ctx, d, cred, way)
		}
		h.Sent, h.Request, h.Response = SentPassword, request+h.Request, response+h.Response
		if h.Accepted || h.Status != http.StatusUnauthorized {
			break
		}
	}
	return h
}

func basic(cred Credential) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(cred.User+":"+cred.Password))
}

// windows signs in by NTLM, bare or inside Negotiate, with two requests on one connection
// (MS-NTHT 3.1): the challenge is the answer to the first.
func (c *Client) windows(ctx context.Context, d Door, cred Credential, scheme string) Handshake {
	h := Handshake{Door: d, Sent: SentPassword}
	hc, done := c.alone(d.Address)
	defer done()
	client := &ntlm.Client{User: cred.User, Hash: ntlm.HashPassword(cred.Password)}
	if domain, account, ok := strings.Cut(cred.User, `\`); ok {
		client.Domain, client.User = domain, account
	}
	wrapped := scheme == schemeNegotiate
	token := client.Negotiate()
	if wrapped {
		token = ntlm.NewInit(token)
	}
	resp := c.step(ctx, hc, &h, cred.User, scheme, token)
	if resp == nil || resp.StatusCode != http.StatusUnauthorized {
		return h
	}
	found, _ := bearer.Find(bearer.Parse(resp.Header.Values("WWW-Authenticate")), scheme)
	challenge, err := base64.StdEncoding.DecodeString(found.Token)
	if err != nil || len(challenge) == 0 {
		h.Problem = scheme + " is answered without a challenge"
		return h
	}
	if wrapped && !ntlm.IsMessage(challenge) {
		r, err := ntlm.ParseResponse(challenge)
		if err != nil {
			h.Problem = err.Error()
			return h
		}
		challenge = r.Token
	}
	var nonce [8]byte
	rand.Read(nonce[:])
	answer, _, err := client.Authenticate(challenge, nonce)
	if err != nil {
		h.Problem = err.Error()
		return h
	}
	if wrapped {
		answer = (&ntlm.Response{Token: answer}).MarshalClient()
	}
	if resp = c.step(ctx, hc, &h, cred.User, scheme, answer); resp == nil {
		return h
	}
	if h.take(resp.StatusCode); h.Accepted {
		if h.AuthN = AuthNNTLM; wrapped {
			h.AuthN = AuthNNegotiate
		}
	}
	return h
}

// step sends one request of a handshake and adds it to h; nil when there was no answer.
func (c *Client) step(ctx context.Context, hc *http.Client, h *Handshake, user, scheme string, token []byte) *http.Response {
	req, body, err := request(ctx, h.Door, user)
	if err != nil {
		h.Problem = err.Error()
		return nil
	}
	req.Header.Set("Authorization", scheme+" "+base64.StdEncoding.EncodeToString(token))
	h.Request += rawRequest(req, body)
	resp, answer, err := fetch(hc, req)
	if err != nil {
		h.Problem = err.Error()
		return nil
	}
	earlier := h.Response
	h.read(resp, answer)
	h.Response = earlier + h.Response
	return resp
}

// logonPage is the end of the path of the page that asks for a password at OWA and ECP,
// and logonTarget of where its form goes, as Exchange Server has them.
const (
	logonPage   = "/auth/logon.aspx"
	logonTarget = "/auth.owa"
)

// logon signs in at OWA or ECP by the form of their own page.
func (c *Client) logon(ctx context.Context, d Door, cred Credential) Handshake {
	h := Handshake{Door: d, Sent: SentPassword}
	v, err := c.visit(d, "")
	if err != nil {
		h.Problem = err.Error()
		return h
	}
	page := *v.start
	if v.follow(ctx, v.start, &h, false); h.logon == nil {
		return h
	}
	page.Path = strings.TrimSuffix(h.logon.Path, logonPage) + logonTarget
	form := url.Values{"destination": {h.logon.Query().Get("url")}, "flags": {"4"}, "forcedownlevel": {"0"},
		"username": {cred.User}, "password": {cred.Password}, "passwordText": {""}, "isUtf8": {"1"}}
	body := form.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, page.String(), strings.NewReader(body))
	if err != nil {
		h.Problem = err.Error()
		return h
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", page.Scheme+"://"+page.Host)
	resp, next := v.send(req, []byte(body), &h)
	h.Accepted = false
	switch {
	case resp == nil:
	case next == nil:
		h.Problem = fmt.Sprintf("the sign-in page answers %d", resp.StatusCode)
	default:
		h.logon = nil
		if v.follow(ctx, next, &h, false); h.logon != nil {
			h.Accepted, h.Status = false, http.StatusUnauthorized // the page asks again
		} else if h.Accepted {
			h.AuthN = AuthNForms
		}
	}
	return h
}

// alone returns a client whose requests all go over one connection to address, and what ends it.
func (c *Client) alone(address string) (hc *http.Client, done func()) {
	one := *c.at(address)
	transport := one.Transport.(*http.Transport).Clone()
	transport.MaxConnsPerHost = 1
	one.Transport = transport
	return &one, transport.CloseIdleConnections
}
