package testenv

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"hma/client/mail"
	"hma/exchange/auth/openid"
	"hma/lab"
	"hma/wire/bearer"
)

// TestTimePasses moves the clock of a running organisation on, as nights and holidays do: what a client keeps ends in
// its own time, and the way back is to sign in again.
func TestTimePasses(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	e := Start(t, lab.Options{Messages: 5, Healthy: true, Clock: 90 * day})
	e.Enable(t)
	c := clientOf(t, e)
	user, origin := e.User("user"), e.Endpoints.Servers[0].URL
	authority := mail.Authority{Token: e.Endpoints.Cloud + "/" + e.Endpoints.Tenant.ID + "/oauth2/token", ClientID: e.Endpoints.Clients[0].ID}
	ews := mail.Door{Protocol: mail.EWS, URL: origin + paths[mail.EWS]}
	owa := mail.Door{Protocol: mail.OWA, URL: origin + paths[mail.OWA]}
	pass := func(d time.Duration) {
		t.Helper()
		if err := e.SetClock(time.Until(e.Now()).Round(time.Second) + d); err != nil {
			t.Fatal(err)
		}
	}
	present := func(token string) mail.Handshake {
		return c.Present(t.Context(), ews, mail.Credential{User: user.UPN, Token: token})
	}

	token, err := c.Password(t.Context(), authority, origin, user.UPN, user.Password)
	if err != nil {
		t.Fatal(err)
	}
	visit := beginSignIn(t, e, owa)
	form, err := c.Pages(e.Endpoints.Cloud, user.UPN, user.Password).Posted(t.Context(), visit.cloud)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := visit.form(t, e, form.Values)
	session := http.Header{}
	for _, cookie := range answer.Cookies() {
		session.Add("Cookie", cookie.Name+"="+cookie.Value)
	}
	page := func() int {
		resp, _ := ask(t, e.HTTP, http.MethodGet, owa.URL+"/", session, nil)
		return resp.StatusCode
	}
	if h := present(token.Access); !h.Accepted || page() != http.StatusOK {
		t.Fatalf("at first: EWS %d %s, OWA %d", h.Status, h.Diagnostics, page())
	}

	pass(token.Life - 10*time.Minute)
	if h := present(token.Access); !h.Accepted {
		t.Errorf("ten minutes before the token's end: %d %s", h.Status, h.Diagnostics)
	}
	pass(20 * time.Minute) // clocks may differ by five
	if h := present(token.Access); h.Accepted || diagnostics(h) != bearer.Unparsable {
		t.Errorf("ten minutes after it: %d %s", h.Status, h.Diagnostics)
	}
	if status := page(); status != http.StatusOK {
		t.Errorf("the session of OWA after the token's end: %d", status)
	}
	pass(openid.SessionLife)
	if status := page(); status != http.StatusFound {
		t.Errorf("the session of OWA after its end: %d, want the redirect to the cloud", status)
	}

	pass(89 * day)
	if token, err = c.Refresh(t.Context(), authority, origin, token.Refresh); err != nil {
		t.Fatalf("a refresh token after 89 days: %v", err)
	}
	if h := present(token.Access); !h.Accepted {
		t.Errorf("what it gave: %d %s", h.Status, h.Diagnostics)
	}
	pass(91 * day)
	_, err = c.Refresh(t.Context(), authority, origin, token.Refresh)
	if refused, ok := errors.AsType[*mail.SignInError](err); !ok || refused.Code != "invalid_grant" || !strings.Contains(err.Error(), "AADSTS700082") {
		t.Errorf("a refresh token that nobody used for 91 days: %v", err)
	}
	if token, err = c.Password(t.Context(), authority, origin, user.UPN, user.Password); err != nil {
		t.Fatal(err)
	}
	if h := present(token.Access); !h.Accepted {
		t.Errorf("after a new sign-in: %d %s", h.Status, h.Diagnostics)
	}
}
