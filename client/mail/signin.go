package mail

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Authority is where people sign in, and the client that asks.
type Authority struct {
	Authorize, Token, DeviceCode string // endpoints
	// V2 tells that a resource is asked for as a scope (resource/.default) instead of resource=.
	V2 bool
	// Scopes are the permissions of the resource that are asked for with V2, instead of all that were consented to (.default).
	Scopes   []string
	ClientID string
	Redirect string // the client's redirect URI, for the code flow
}

// AuthorityFrom returns the authority behind a challenge's authorization_uri, as
// a mail client finds it: the other endpoints stand beside it. With a tenant the
// first segment of the path (common) is replaced by it.
func AuthorityFrom(authorizationURI, tenant, clientID, redirect string) (Authority, error) {
	u, err := url.Parse(authorizationURI)
	if err != nil || u.Scheme != "https" || !strings.HasSuffix(u.Path, "/authorize") {
		return Authority{}, fmt.Errorf("sign in: %q is no authorization endpoint", authorizationURI)
	}
	u.RawQuery, u.Fragment = "", ""
	base := strings.TrimSuffix(u.Path, "authorize")
	if tenant != "" {
		parts := strings.SplitN(strings.TrimPrefix(base, "/"), "/", 2)
		if len(parts) == 2 {
			base = "/" + url.PathEscape(tenant) + "/" + parts[1]
		}
	}
	at := func(name string) string {
		e := *u
		e.Path = base + name
		return e.String()
	}
	return Authority{Authorize: at("authorize"), Token: at("token"), DeviceCode: at("devicecode"),
		V2: strings.Contains(base, "/v2.0/"), ClientID: clientID, Redirect: redirect}, nil
}

// Token is what a sign-in gave. Its fields are secrets.
type Token struct {
	Access, Refresh, ID string
	// Scope are the permissions given, as the answer lists them.
	Scope string
	// Life is how long the access token is good for.
	Life time.Duration
}

// Person is who signed in.
type Person struct {
	Tenant   string // GUID
	ObjectID string // GUID of the cloud account
	UPN      string // its name for display; ObjectID is what tells accounts apart
}

// Person reads who signed in from the ID token, which must be for the client. Its
// signature is not looked at: what comes from the token endpoint itself over TLS
// needs none (OpenID Connect Core 3.1.3.7, 6).
func (t Token) Person(clientID string) (Person, error) {
	var claims struct {
		Audience  string `json:"aud"`
		Tenant    string `json:"tid"`
		ObjectID  string `json:"oid"`
		UPN       string `json:"upn"`                // v1
		Preferred string `json:"preferred_username"` // v2
	}
	parts := strings.Split(t.ID, ".")
	if len(parts) != 3 {
		return Person{}, errors.New("sign in: the answer holds no ID token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return Person{}, errors.New("sign in: the ID token cannot be read")
	}
	p := Person{Tenant: claims.Tenant, ObjectID: claims.ObjectID, UPN: cmp.Or(claims.UPN, claims.Preferred)}
	if !strings.EqualFold(claims.Audience, clientID) || p.Tenant == "" || p.ObjectID == "" {
		return Person{}, errors.New("sign in: the ID token is for another client, or does not say for whom")
	}
	return p, nil
}

// SignInError is the token endpoint's refusal.
type SignInError struct {
	Code        string // OAuth error word, for example invalid_grant
	Suberror    string
	Description string // AADSTS... text
	Numbers     []int  // error_codes
}

// Error implements error with the first line of the description.
func (e *SignInError) Error() string {
	line, _, _ := strings.Cut(e.Description, "\r\n")
	line, _, _ = strings.Cut(line, " Trace ID:")
	return fmt.Sprintf("sign in: %s: %s", e.Code, line)
}

// ask adds what the token is for to a request.
func (a Authority) ask(form url.Values, resource string) url.Values {
	form.Set("client_id", a.ClientID)
	if a.V2 {
		wanted := a.Scopes
		if wanted == nil {
			wanted = []string{".default"}
		}
		resource = strings.TrimSuffix(resource, "/")
		form.Set("scope", resource+"/"+strings.Join(wanted, " "+resource+"/")+" openid profile offline_access")
	} else {
		form.Set("resource", resource)
	}
	return form
}

// Password signs in with a user's password: for labs; real tenants refuse it where they can.
func (c *Client) Password(ctx context.Context, a Authority, resource, user, password string) (Token, error) {
	return c.token(ctx, a, a.ask(url.Values{"grant_type": {"password"}, "username": {user}, "password": {password}}, resource))
}

// Refresh trades a refresh token for a token for the resource.
func (c *Client) Refresh(ctx context.Context, a Authority, resource, refresh string) (Token, error) {
	return c.token(ctx, a, a.ask(url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}, resource))
}

// DeviceCode signs in on another device: show is given the sentence with the
// address and the code, then the token endpoint is asked at its interval until
// the person has signed in or the code has expired.
func (c *Client) DeviceCode(ctx context.Context, a Authority, resource string, show func(message string)) (Token, error) {
	var d struct {
		DeviceCode string     `json:"device_code"`
		Message    string     `json:"message"`
		Interval   jsonNumber `json:"interval"`
		ExpiresIn  jsonNumber `json:"expires_in"`
	}
	if err := c.post(ctx, a.DeviceCode, a.ask(url.Values{}, resource), &d); err != nil {
		return Token{}, err
	}
	if d.DeviceCode == "" || d.Message == "" {
		return Token{}, errors.New("sign in: the device code answer is incomplete")
	}
	show(d.Message)
	pause := min(max(time.Duration(d.Interval)*time.Second, time.Second), time.Minute)
	for left := time.Duration(d.ExpiresIn) * time.Second; left > 0; left -= pause {
		t := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			t.Stop()
			return Token{}, ctx.Err()
		case <-t.C:
		}
		form := a.ask(url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {d.DeviceCode}, "code": {d.DeviceCode}}, resource)
		tok, err := c.token(ctx, a, form)
		if e, ok := errors.AsType[*SignInError](err); ok && (e.Code == "authorization_pending" || e.Code == "slow_down") {
			if e.Code == "slow_down" {
				pause += 5 * time.Second // RFC 8628 3.5
			}
			continue
		}
		return tok, err
	}
	return Token{}, errors.New("sign in: the code expired before anybody signed in")
}

// Code signs in with an authorization code and PKCE (RFC 7636). browser opens
// the address and returns the URL that the cloud sent the browser to in the end:
// the redirect URI with code and state.
func (c *Client) Code(ctx context.Context, a Authority, resource, loginHint string, browser func(ctx context.Context, address string) (final string, err error)) (Token, error) {
	verifier, state := rand.Text()+rand.Text(), rand.Text()
	sum := sha256.Sum256([]byte(verifier))
	q := a.ask(url.Values{"response_type": {"code"}, "redirect_uri": {a.Redirect}, "state": {state}, "response_mode": {"query"},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}, resource)
	if loginHint != "" {
		q.Set("login_hint", loginHint)
	}
	final, err := browser(ctx, a.Authorize+"?"+q.Encode())
	if err != nil {
		return Token{}, fmt.Errorf("sign in: %w", err)
	}
	u, err := url.Parse(final)
	if err != nil {
		return Token{}, errors.New("sign in: the browser came back with no URL")
	}
	back := u.Query()
	if subtle.ConstantTimeCompare([]byte(back.Get("state")), []byte(state)) != 1 {
		return Token{}, errors.New("sign in: the answer belongs to another sign-in (state)")
	}
	if code := back.Get("error"); code != "" {
		return Token{}, &SignInError{Code: code, Description: back.Get("error_description")}
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {back.Get("code")}, "redirect_uri": {a.Redirect}, "code_verifier": {verifier}}
	return c.token(ctx, a, a.ask(form, resource))
}

// jsonNumber is a number that v1 endpoints write as a string.
type jsonNumber int64

// UnmarshalJSON implements json.Unmarshaler.
func (n *jsonNumber) UnmarshalJSON(data []byte) error {
	v, err := strconv.ParseInt(strings.Trim(string(data), `"`), 10, 32)
	*n = jsonNumber(v)
	return err
}

func (c *Client) token(ctx context.Context, a Authority, form url.Values) (Token, error) {
	var t struct {
		Access  string     `json:"access_token"`
		Refresh string     `json:"refresh_token"`
		ID      string     `json:"id_token"`
		Scope   string     `json:"scope"`
		Life    jsonNumber `json:"expires_in"`
	}
	if err := c.post(ctx, a.Token, form, &t); err != nil {
		return Token{}, err
	}
	if t.Access == "" {
		return Token{}, errors.New("sign in: the answer holds no access token")
	}
	return Token{Access: t.Access, Refresh: t.Refresh, ID: t.ID, Scope: t.Scope, Life: time.Duration(t.Life) * time.Second}, nil
}

func (c *Client) post(ctx context.Context, endpoint string, form url.Values, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	resp, body, err := fetch(c.HTTP(), req)
	if err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		var e struct {
			Error       string `json:"error"`
			Suberror    string `json:"suberror"`
			Description string `json:"error_description"`
			Codes       []int  `json:"error_codes"`
		}
		if json.Unmarshal(body, &e) != nil || e.Error == "" {
			return fmt.Errorf("sign in: the token endpoint of %s answered %d", req.URL.Host, resp.StatusCode)
		}
		return &SignInError{e.Error, e.Suberror, e.Description, e.Codes}
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("sign in: %w", err)
	}
	return nil
}
