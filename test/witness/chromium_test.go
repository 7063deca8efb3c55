package witness

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"hma/internal/testenv"
	"hma/wire/wellknown"
)

const mailSite = "https://mail.contoso.com"

// chromiumBefore signs in by the form of OWA while it takes passwords, goes on to ECP, and out again.
func chromiumBefore(t *testing.T, e *testenv.Env) {
	b := openBrowser(t, e)
	user := e.User("user")
	account, _, _ := strings.Cut(user.UPN, "@")
	b.open(mailSite + "/owa")
	b.arrive(mailSite+"/owa/auth/logon.aspx", "Password")
	b.shoot("owa-form")
	b.fill("#username", `CONTOSO\`+account)
	b.fill("#password", "not the password")
	b.click("form button")
	b.arrive(mailSite+"/owa/auth/logon.aspx", "is not correct")
	b.shoot("owa-form-wrong-password")
	b.fill("#username", `CONTOSO\`+account)
	b.fill("#password", user.Password)
	b.click("form button")
	b.arrive(mailSite+"/owa", user.Name)
	if text := b.text(); !strings.Contains(text, "FBA") {
		t.Errorf("OWA does not say that its form was used:\n%s", text)
	}
	b.shoot("owa-before")
	b.open(mailSite + "/ecp")
	b.arrive(mailSite+"/ecp", user.Name)
	b.click("header a")
	b.arrive(mailSite+"/ecp/auth/logon.aspx", "You are signed out")
	b.open(mailSite + "/owa")
	b.arrive(mailSite+"/owa/auth/logon.aspx", "Password")
}

// chromiumAfter signs in at OWA through the cloud, goes on to ECP, and out again.
func chromiumAfter(t *testing.T, e *testenv.Env) {
	b := openBrowser(t, e)
	user := e.User("user")
	b.open(mailSite + "/owa")
	b.arrive(e.Endpoints.Cloud+"/common/oauth2/authorize", "Password")
	b.shoot("sign-in")

	b.fill("#login", user.UPN)
	b.fill("#passwd", "not the password")
	b.click("form button:not(.quiet)")
	b.arrive(e.Endpoints.Cloud, "is not valid")
	var alert string
	b.run("const a = document.querySelector('[role=alert]'); return a ? a.innerText : ''", &alert)
	if !strings.Contains(alert, "is not valid") {
		t.Errorf("a screen reader is not told of the wrong password: alert %q", alert)
	}
	b.shoot("wrong-password")

	b.fill("#login", user.UPN)
	b.fill("#passwd", user.Password)
	b.click("form button:not(.quiet)")
	b.arrive(mailSite+"/owa", user.Name)
	if text := b.text(); !strings.Contains(text, "OpenID") || !strings.Contains(text, user.UPN) {
		t.Errorf("OWA does not say who is signed in and how:\n%s", text)
	}
	b.shoot("owa")

	// The cloud knows the browser by now: no second password.
	b.open(mailSite + "/ecp")
	b.arrive(mailSite+"/ecp", user.Name)
	b.shoot("ecp")

	b.open(mailSite + "/owa/nothing-here")
	b.arrive(mailSite+"/owa", "nothing at this address")
	b.shoot("not-found")

	b.open(mailSite + "/owa")
	b.arrive(mailSite+"/owa", user.Name)
	b.click("header a")
	b.arrive(e.Endpoints.Cloud+"/common/oauth2/logout", "You are signed out")
	b.shoot("signed-out")
	b.open(mailSite + "/owa")
	b.arrive(e.Endpoints.Cloud+"/common/oauth2/authorize", "Password")

	// Signing out at one door is signing out at both.
	b.open(mailSite + "/ecp")
	b.arrive(e.Endpoints.Cloud+"/common/oauth2/authorize", "Password")

	b.click("button[value=cancel]")
	b.arrive(mailSite+"/ecp", "Sign-in failed")
	b.shoot("cancelled")

	b.open(e.Endpoints.Cloud + "/common/oauth2/authorize?client_id=" + wellknown.Exchange + "&response_type=code+id_token&response_mode=form_post&scope=openid&nonce=n&redirect_uri=https%3A%2F%2Fother.contoso.com%2Fowa")
	b.arrive(e.Endpoints.Cloud, "AADSTS50011")
	b.shoot("reply-url-not-registered")
}

// chromiumConsent signs in for the Graph cmdlets as a shell does: the cloud asks a person
// first and then an administrator for consent, and the browser comes back to the shell's listener.
func chromiumConsent(t *testing.T, e *testenv.Env) {
	shell := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "back with ", r.URL.Query()) }))
	defer shell.Close()
	redirect := strings.Replace(shell.URL, "127.0.0.1", "localhost", 1)
	b := openBrowser(t, e)
	authorize := e.Endpoints.Cloud + "/organizations/oauth2/v2.0/authorize"
	b.open(authorize + "?" + url.Values{"client_id": {wellknown.GraphPowerShell}, "response_type": {"code"}, "redirect_uri": {redirect}, "state": {"s"},
		"scope": {"User.Read Application.Read.All Application.ReadWrite.All openid profile offline_access"}}.Encode())
	for i, role := range []string{"user", "admin"} {
		u := e.User(role)
		b.arrive(e.Endpoints.Cloud, "Password")
		b.fill("#login", u.UPN)
		b.fill("#passwd", u.Password)
		b.click("form button:not(.quiet)")
		b.arrive(e.Endpoints.Cloud, []string{"An administrator must approve", "Permissions requested"}[i])
		if text := b.text(); !strings.Contains(text, "Microsoft Graph Command Line Tools") || !strings.Contains(text, "Read and change all applications") || !strings.Contains(text, u.UPN) {
			t.Errorf("the page does not say who asks whom for what:\n%s", text)
		}
		b.shoot("consent-" + role)
		b.click("form button:not(.quiet)") // another account, then Accept
	}
	b.arrive(redirect, "back with map[code:[")
}
