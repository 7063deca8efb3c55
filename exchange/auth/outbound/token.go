package outbound

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hma/exchange/org"
	"hma/wire/wellknown"
)

// early is how long before its end a kept token is renewed.
const early = 5 * time.Minute

// maxKept bounds the kept tokens: one a token service and target.
const maxKept = 256

// grant is one way to a token: what is asked, and where.
type grant struct {
	server *org.AuthServer
	// application is the dedicated hybrid application's id, "" where Exchange itself signs in.
	application string
	endpoint    string
	resource    string
}

// grant chooses the way to a token for a service at host: through the AuthServer, or, where the setting
// override Global/ExchangeOnpremAsThirdPartyAppId is on and an EvoSTS of the same tenant names an
// application, as that application.
func (c *Client) grant(s *org.Snapshot, acs *org.AuthServer, host string) grant {
	if s.Override("Global", "ExchangeOnpremAsThirdPartyAppId").Enabled() {
		for _, a := range s.AuthServers {
			u, err := url.Parse(a.AuthMetadataURL)
			if err == nil && a.Enabled && a.Type == org.AzureAD && a.ApplicationIdentifier != "" && strings.EqualFold(a.Realm, acs.Realm) {
				return grant{server: a, application: a.ApplicationIdentifier, resource: wellknown.Exchange,
					endpoint: "https://" + u.Host + "/" + a.Realm + "/oauth2/v2.0/token"}
			}
		}
	}
	return grant{server: acs, endpoint: acs.TokenIssuingEndpoint, resource: principal(wellknown.Exchange, host, acs.Realm)}
}

// kept is a token that is used again.
type kept struct {
	text    string
	expires time.Time
}

// token returns a token for the grant's resource: a kept one that is good for a while yet, or a new one.
func (c *Client) token(ctx context.Context, s *org.Snapshot, g grant, log *journal) (string, error) {
	sign, err := c.signer(ctx, s)
	if err != nil {
		return "", err
	}
	key := g.server.GUID.String() + " " + g.application + " " + g.resource + " " + sign.thumbprint
	c.mu.Lock()
	have, ok := c.tokens[key]
	c.mu.Unlock()
	if ok && c.now().Before(have.expires.Add(-early)) {
		log.add("[TokenCache:GetActorToken] using the cached token, which expires at %s", have.expires.UTC().Format(time.RFC3339))
		return have.text, nil
	}
	log.add("[TokenBuildRequest:GetActorTokenFromAuthServer] sending token request to '%s' for the resource '%s', signed with the certificate %s",
		g.endpoint, g.resource, sign.thumbprint)
	form, err := g.form(sign, c.now())
	if err != nil {
		return "", err
	}
	got, err := c.request(ctx, g.endpoint, form)
	if err != nil {
		return "", err
	}
	log.add("[TokenBuildRequest:GetActorTokenFromAuthServer] received a token that expires at %s", got.expires.UTC().Format(time.RFC3339))
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.tokens) >= maxKept {
		clear(c.tokens)
	}
	c.tokens[key] = got
	return got.text, nil
}

// form is the token request. Exchange itself is known to the Access Control Service by its assertion
// alone; the dedicated application is a client with a certificate (RFC 7523 2.2).
func (g grant) form(sign *signer, now time.Time) (url.Values, error) {
	if g.application != "" {
		assertion, err := sign.assertion(g.application, g.endpoint, now)
		return url.Values{"grant_type": {"client_credentials"}, "client_id": {g.application}, "scope": {g.resource + "/.default"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {assertion}}, err
	}
	u, err := url.Parse(g.endpoint)
	if err != nil {
		return nil, err
	}
	assertion, err := sign.assertion(principal(wellknown.Exchange, "", g.server.Realm), principal(wellknown.ACS, u.Host, g.server.Realm), now)
	return url.Values{"grant_type": {"http://oauth.net/grant_type/jwt/1.0/bearer"}, "assertion": {assertion}, "resource": {g.resource}}, err
}

// request asks a token endpoint. What it says about a refusal is for the administrator.
func (c *Client) request(ctx context.Context, endpoint string, form url.Values) (kept, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil || r.URL.Scheme != "https" {
		return kept{}, fail("The token endpoint '%s' is no https URL.", endpoint)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := c.http.Do(r)
	if err != nil {
		return kept{}, unreachable(r.URL.Host, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return kept{}, unreachable(r.URL.Host, err)
	}
	var answer struct {
		Token       string      `json:"access_token"`
		Expires     json.Number `json:"expires_in"` // a text at the older endpoint
		Error       string      `json:"error"`
		Description string      `json:"error_description"`
	}
	if err := json.Unmarshal(body, &answer); err != nil && !errors.As(err, new(*json.UnmarshalTypeError)) {
		return kept{}, fail("The token endpoint at %s answered %d, and not in JSON.", r.URL.Host, resp.StatusCode)
	}
	if resp.StatusCode != http.StatusOK {
		return kept{}, fail("The token endpoint at %s refused with %d %s: %s", r.URL.Host, resp.StatusCode, printable(answer.Error), printable(answer.Description))
	}
	seconds, err := answer.Expires.Int64()
	if err != nil || seconds <= 0 || seconds > 24*3600 || answer.Token == "" || strings.ContainsFunc(answer.Token, notToken) {
		return kept{}, fail("The token endpoint at %s gave no usable token.", r.URL.Host)
	}
	return kept{answer.Token, c.now().Add(time.Duration(seconds) * time.Second)}, nil
}

// notToken tells what stands in no token, so that it cannot become a header line of its own.
func notToken(r rune) bool { return r <= ' ' || r > '~' }
