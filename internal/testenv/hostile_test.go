package testenv

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"hma/client/mail"
	"hma/exchange/auth/authtest"
	"hma/exchange/org"
	"hma/hybrid/procedure"
	"hma/lab"
	"hma/wire/bearer"
	"hma/wire/wellknown"
)

// frozen is the clock of both halves while hostile tokens are played: the table
// goes to the second.
var frozen = time.Now()

var kinds = map[mail.Protocol]org.Kind{mail.Autodiscover: org.Autodiscover, mail.MAPI: org.Mapi, mail.EWS: org.WebServices,
	mail.ActiveSync: org.ActiveSync, mail.OAB: org.Oab, mail.OWA: org.Owa, mail.ECP: org.Ecp}

// hostileWorld describes the running lab to the table of hostile tokens: tokens
// signed with the cloud's own key, for a real person.
func hostileWorld(t *testing.T, e *Env, origin string) authtest.Env {
	t.Helper()
	snapshot, err := e.Roles.Entra.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	key := snapshot.Keys()[0]
	good := claimsOf(t, e.Token(t, e.User("user"), origin))
	return authtest.Env{Now: frozen, Key: key.Private(), KeyID: key.ID, Public: key.Certificate.Raw,
		Issuer: good["iss"].(string), Tenant: e.Endpoints.Tenant.ID, Host: strings.TrimPrefix(origin, "https://"),
		UPN: good["upn"].(string), SID: good["onprem_sid"].(string), ObjectID: good["oid"].(string),
		UnknownUPN: "nobody@contoso.com"}
}

// claimsOf reads the claims of a token without judging it.
func claimsOf(t *testing.T, token string) map[string]any {
	t.Helper()
	claims := map[string]any{}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

// hostileLab is an enabled lab with an ambiguous and a disabled person, and what it logs.
func hostileLab(t *testing.T) (*Env, *records) {
	t.Helper()
	log := newRecords()
	e := Start(t, lab.Options{Messages: 5, Log: slog.New(log), Now: func() time.Time { return frozen }})
	e.Enable(t)
	for _, upn := range []string{"chen@contoso.com", "dana@contoso.com"} {
		edit := func(r *org.Recipient) error { r.Addresses = append(r.Addresses, "twin@contoso.com"); return nil }
		if _, err := e.Roles.Org.UpdateRecipient(t.Context(), recipient(t, e, upn).GUID, edit); err != nil {
			t.Fatal(err)
		}
	}
	gone := org.NewRecipient("gone@contoso.com", "Gone Person")
	gone.Enabled = false
	if _, err := e.Roles.Org.CreateRecipient(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	return e, log
}

// TestHostileTokens plays the table of hostile tokens at every door of a real
// server: as bearers, and at OWA and ECP as the posted id_token.
func TestHostileTokens(t *testing.T) {
	t.Parallel()
	e, log := hostileLab(t)
	for _, origin := range []string{e.Endpoints.Servers[0].URL, "https://mail.contoso.com"} {
		world := hostileWorld(t, e, origin)
		world.AmbiguousUPN, world.DisabledUPN = "twin@contoso.com", "gone@contoso.com"
		for _, d := range doors(origin) {
			browser := d.Protocol.Browser()
			var visit *signIn
			if browser {
				visit = beginSignIn(t, e, d)
				world.Nonce, world.Code = visit.nonce, "0.a-code"
				if resp, body := visit.post(t, e, world.Sign(world.IDToken()), world.Code); resp.StatusCode != http.StatusSeeOther {
					t.Fatalf("%s: a good id_token was answered %d\n%s", d.URL, resp.StatusCode, body)
				}
			} else if resp, _ := ask(t, e.HTTP, http.MethodGet, d.URL, authorization(world.Sign(world.Delegated())), nil); resp.StatusCode == 401 {
				t.Fatalf("%s: a good token was refused: %s", d.URL, resp.Header.Get(bearer.DiagnosticsHeader))
			}
			good := world.Delegated()
			if browser {
				good = world.IDToken()
			}
			if said := explained(t, world.Sign(good), world.Host, d.Protocol); said.Refused {
				t.Errorf("%s: a good token is explained as %+v", d.URL, said)
			}
			answered := map[string]authtest.Case{} // by request id
			last := ""
			for _, c := range authtest.Cases(world, kinds[d.Protocol]) {
				var resp *http.Response
				var body []byte
				if browser {
					resp, body = visit.post(t, e, c.Token, world.Code)
				} else {
					resp, body = ask(t, e.HTTP, http.MethodPost, d.URL, authorization(c.Token), strings.NewReader("x"))
				}
				diagnosed, _ := bearer.ParseDiagnostics(resp.Header.Get(bearer.DiagnosticsHeader))
				ok := resp.StatusCode == c.Status && diagnosed.Code == c.Code
				if browser {
					ok = resp.StatusCode == c.Status && (c.Code == 0 || strings.Contains(string(body), fmt.Sprint(int(c.Code))))
				}
				if !ok {
					t.Errorf("%s: %s: %d, %q, want %d, %d\n%.600s", d.URL, c.Name, resp.StatusCode, resp.Header.Get(bearer.DiagnosticsHeader), c.Status, c.Code, body)
				}
				if browser && len(resp.Cookies()) > 0 && strings.Contains(strings.Join(resp.Header.Values("Set-Cookie"), "\n"), sessionCookie(d)) {
					t.Errorf("%s: %s: a session was opened", d.URL, c.Name)
				}
				if said := explained(t, c.Token, world.Host, d.Protocol); said.Refused && said.Code != c.Code && !hidden(c) || !said.Refused && !hidden(c) {
					t.Errorf("%s: %s: explained as %+v, answered %d", d.URL, c.Name, said, c.Code)
				}
				last = resp.Header.Get("Request-Id")
				answered[last] = c
			}
			records := log.byID(t, last)
			for id, c := range answered {
				if r := records[id]; r.Reason == "" || r.Status != c.Status {
					t.Errorf("%s: %s: record says %d and the reason %q", d.URL, c.Name, r.Status, r.Reason)
				}
			}
		}
	}
	_, text := log.all()
	if strings.Contains(text, "eyJ") {
		t.Error("a token is in the log")
	}
}

// explained is what hma explain says about the token at the door.
func explained(t *testing.T, token, host string, p mail.Protocol) procedure.AtDoor {
	t.Helper()
	for _, at := range procedure.JudgeToken(token, host, frozen) {
		if at.Door == p {
			return at
		}
	}
	t.Fatalf("%s is not explained", p)
	return procedure.AtDoor{}
}

// hidden tells that a token is refused for what nobody can tell offline: its key,
// issuer, tenant or person, or the sign-in that it is an answer to.
func hidden(c authtest.Case) bool {
	switch c.Code {
	case bearer.InvalidSignature, bearer.InvalidIssuer, bearer.InvalidTenant, bearer.InvalidUser:
		return true
	}
	return c.Status == http.StatusForbidden
}

// TestHostileAdministrators plays the table at the Admin API: a hostile token of
// an administrator runs no cmdlet, and neither does a good token of anybody else.
func TestHostileAdministrators(t *testing.T) {
	t.Parallel()
	e, _ := hostileLab(t)
	origin := e.Endpoints.Servers[0].URL
	world := hostileWorld(t, e, origin)
	admin := claimsOf(t, e.Token(t, e.User("admin"), origin))
	world.UPN, world.SID, world.ObjectID = admin["upn"].(string), admin["onprem_sid"].(string), admin["oid"].(string)
	commands, invoke := origin+"/adminapi/v1/commands", origin+"/adminapi/v1/invoke"
	if resp, body := ask(t, e.HTTP, http.MethodGet, commands, authorization(e.Token(t, e.User("admin"), origin)), nil); resp.StatusCode != http.StatusOK {
		t.Fatalf("a good token of an administrator: %d %s", resp.StatusCode, body)
	}
	change := `{"cmdlet":"Set-OrganizationConfig","parameters":[{"name":"OAuth2ClientProfileEnabled","bool":false}]}`
	for _, c := range authtest.Cases(world, org.WebServices) {
		if resp, body := ask(t, e.HTTP, http.MethodPost, invoke, authorization(c.Token), strings.NewReader(change)); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("%s: %d %.300s", c.Name, resp.StatusCode, body)
		}
	}
	for name, header := range map[string]http.Header{
		"nothing":           nil,
		"a user":            authorization(e.Token(t, e.User("user"), origin)),
		"a password":        {"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(e.User("admin").UPN+":"+e.User("admin").Password))}},
		"an application":    authorization(world.Sign(world.AppOnly())),
		"a mail client":     authorization(world.Sign(world.Delegated().With(authtest.Claims{"scp": "EAS.AccessAsUser.All EWS.AccessAsUser.All user_impersonation"}))),
		"too little scope":  authorization(world.Sign(world.Delegated().With(authtest.Claims{"scp": "EWS.AccessAsUser.All"}))),
		"two authorization": {"Authorization": {"Bearer " + world.Sign(world.Delegated()), "Bearer x"}},
	} {
		if resp, body := ask(t, e.HTTP, http.MethodPost, invoke, header, strings.NewReader(change)); resp.StatusCode != 401 && resp.StatusCode != 403 {
			t.Errorf("%s: %d %.300s", name, resp.StatusCode, body)
		}
	}
	if c := e.Run(t, "Get-OrganizationConfig"); len(c) != 1 || !c[0].Bool("OAuth2ClientProfileEnabled") {
		t.Error("the organisation was changed")
	}
	// Graph has its own audience: no token for a mail server opens it, however powerful its owner.
	graph := e.Endpoints.Graph + "/servicePrincipals"
	for name, token := range map[string]string{"for Exchange": e.Token(t, e.User("admin"), origin), "signed by nobody": "e30.e30.", "garbage": "x"} {
		if resp, body := ask(t, e.HTTP, http.MethodGet, graph, authorization(token), nil); resp.StatusCode != 401 {
			t.Errorf("Graph takes a token %s: %d %.200s", name, resp.StatusCode, body)
		}
	}
	if resp, body := ask(t, e.HTTP, http.MethodGet, graph, authorization(e.Token(t, e.User("admin"), wellknown.Graph)), nil); resp.StatusCode != 200 {
		t.Errorf("Graph refuses a good token: %d %.200s", resp.StatusCode, body)
	}
}

// TestNoOracle holds that nobody learns who exists from a token that he could not
// have been given, from a probe, or from a password.
func TestNoOracle(t *testing.T) {
	t.Parallel()
	e, _ := hostileLab(t)
	origin := e.Endpoints.Servers[0].URL
	forger := hostileWorld(t, e, origin)
	forger.Key, _ = authtest.MakeKey()
	seen := map[string]map[string]string{} // by question, then answer: who got it
	for _, upn := range []string{"alice@contoso.com", "nobody@contoso.com", "twin@contoso.com", "gone@contoso.com"} {
		forger.UPN, forger.SID, forger.ObjectID = upn, "", ""
		for _, d := range doors(origin) {
			if d.Protocol.Browser() {
				continue
			}
			for question, header := range map[string]http.Header{
				"forged token":   authorization(forger.Sign(forger.Delegated())),
				"probe":          {"Authorization": {"Bearer"}, "X-User-Identity": {upn}},
				"wrong password": {"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(upn+":wrong"))}},
			} {
				resp, body := ask(t, e.HTTP, http.MethodPost, d.URL, header, strings.NewReader("x"))
				answer := fmt.Sprint(resp.StatusCode, resp.Header["Www-Authenticate"], resp.Header["X-Ms-Diagnostics"], string(body))
				question += " at " + string(d.Protocol)
				if seen[question] == nil {
					seen[question] = map[string]string{}
				}
				seen[question][strings.ReplaceAll(answer, upn, "UPN")] += " " + upn
			}
		}
	}
	for question, answers := range seen {
		if len(answers) > 1 {
			t.Errorf("%s: %d different answers: %v", question, len(answers), answers)
		}
	}
}

// TestOWAAndECPSignIn plays everything but the token of a forged answer of the
// cloud, and forged sessions, at OWA and ECP.
func TestOWAAndECPSignIn(t *testing.T) {
	t.Parallel()
	e, log := hostileLab(t)
	origin := e.Endpoints.Servers[0].URL
	world := hostileWorld(t, e, origin)
	for _, d := range doors(origin) {
		if !d.Protocol.Browser() {
			continue
		}
		refused := func(what string, resp *http.Response, body []byte, statuses ...int) {
			t.Helper()
			id := resp.Header.Get("Request-Id")
			for _, status := range statuses {
				if resp.StatusCode == status {
					if r := log.byID(t, id)[id]; r.Reason == "" {
						t.Errorf("%s: %s: no reason in the record", d.URL, what)
					}
					return
				}
			}
			t.Errorf("%s: %s: %d, want %v\n%.400s", d.URL, what, resp.StatusCode, statuses, body)
		}
		fresh := func() (*signIn, string) {
			v := beginSignIn(t, e, d)
			world.Nonce, world.Code = v.nonce, "0.a-code"
			return v, world.Sign(world.IDToken())
		}
		for _, tt := range []struct {
			name   string
			edit   func(*signIn)
			status int
		}{
			{"no state", func(v *signIn) { v.state = "" }, 400},
			{"a state of ours that was touched", func(v *signIn) { v.state = v.state[:len(v.state)-4] + "AAAA" }, 400},
			{"state of a megabyte", func(v *signIn) { v.state = strings.Repeat("A", 200<<10) }, 400},
			{"no nonce cookie", func(v *signIn) { v.cookies = nil }, 403},
			{"nonce cookie of another sign-in", func(v *signIn) { v.cookies = beginSignIn(t, e, d).cookies }, 403},
		} {
			v, token := fresh()
			tt.edit(v)
			resp, body := v.post(t, e, token, world.Code)
			refused(tt.name, resp, body, tt.status)
		}
		// A state that another door sealed.
		other := mail.Door{Protocol: mail.OWA, URL: origin + paths[mail.OWA]}
		if d.Protocol == mail.OWA {
			other = mail.Door{Protocol: mail.ECP, URL: origin + paths[mail.ECP]}
		}
		v := beginSignIn(t, e, other)
		v.url = d.URL
		world.Nonce = v.nonce
		resp, body := v.post(t, e, world.Sign(world.IDToken()), world.Code)
		refused("state of the other door", resp, body, 400)

		v, token := fresh()
		resp, body = v.form(t, e, url.Values{"state": {v.state}, "error": {"access_denied"}, "error_description": {"<script>alert(1)</script>"}})
		refused("error of the cloud", resp, body, 403)
		if strings.Contains(string(body), "<script>alert") {
			t.Errorf("%s: the page repeats the cloud's text as HTML", d.URL)
		}
		resp, body = v.form(t, e, url.Values{"state": {v.state}, "id_token": {token, token}, "code": {world.Code}})
		refused("two id_tokens", resp, body, 400)
		resp, body = v.form(t, e, url.Values{"state": {v.state}, "id_token": {token}})
		refused("no code", resp, body, 400)
		resp, body = v.form(t, e, url.Values{"state": {v.state}, "x": {strings.Repeat("x", 1<<20)}})
		refused("form of a megabyte", resp, body, 400)

		for _, forged := range authtest.ForgedSessions() {
			resp, body := ask(t, e.HTTP, http.MethodGet, d.URL+"/", http.Header{"Cookie": {sessionName(t, e, d) + "=" + forged}}, nil)
			refused("forged session", resp, body, 403)
		}
		// A session is for one door and one host.
		v, token = fresh()
		resp, _ = v.post(t, e, token, world.Code)
		session := resp.Cookies()
		for _, c := range session {
			if !strings.Contains(c.Name, sessionCookie(d)) {
				continue
			}
			header := http.Header{"Cookie": {c.Name + "=" + c.Value}}
			if resp, body := ask(t, e.HTTP, http.MethodGet, d.URL+"/", header, nil); resp.StatusCode != 200 || !strings.Contains(string(body), "Alice Novak") {
				t.Errorf("%s: a good session is answered %d", d.URL, resp.StatusCode)
			}
			header = http.Header{"Cookie": {sessionName(t, e, other) + "=" + c.Value}}
			resp, body := ask(t, e.HTTP, http.MethodGet, other.URL+"/", header, nil)
			refused("session of the other door", resp, body, 403)
			elsewhere := d
			elsewhere.URL = e.Endpoints.Servers[1].URL + paths[d.Protocol]
			header = http.Header{"Cookie": {sessionName(t, e, elsewhere) + "=" + c.Value}}
			resp, body = ask(t, e.HTTP, http.MethodGet, elsewhere.URL+"/", header, nil)
			refused("session of the other server", resp, body, 403)
		}
		// A bearer is nothing to a browser's door.
		if resp, _ := ask(t, e.HTTP, http.MethodGet, d.URL+"/", authorization(world.Sign(world.Delegated())), nil); resp.StatusCode != http.StatusFound {
			t.Errorf("%s: a bearer is answered %d, want the redirect", d.URL, resp.StatusCode)
		}
	}
}

func authorization(token string) http.Header {
	return http.Header{"Authorization": {"Bearer " + token}}
}

// signIn is a sign-in at OWA or ECP that is under way.
type signIn struct {
	url, state, nonce string
	cloud             string // where the door sends the browser
	cookies           []*http.Cookie
}

// beginSignIn visits the door and returns what a browser would keep.
func beginSignIn(t *testing.T, e *Env, d mail.Door) *signIn {
	t.Helper()
	resp, body := ask(t, e.HTTP, http.MethodGet, d.URL+"/", nil, nil)
	location, err := resp.Location()
	if err != nil {
		t.Fatalf("%s: %d %v\n%s", d.URL, resp.StatusCode, err, body)
	}
	q := location.Query()
	return &signIn{url: d.URL, state: q.Get("state"), nonce: q.Get("nonce"), cloud: location.String(), cookies: resp.Cookies()}
}

// post answers for the cloud.
func (s *signIn) post(t *testing.T, e *Env, token, code string) (*http.Response, []byte) {
	t.Helper()
	return s.form(t, e, url.Values{"state": {s.state}, "id_token": {token}, "code": {code}})
}

func (s *signIn) form(t *testing.T, e *Env, form url.Values) (*http.Response, []byte) {
	t.Helper()
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	for _, c := range s.cookies {
		header.Add("Cookie", c.Name+"="+c.Value)
	}
	return ask(t, e.HTTP, http.MethodPost, s.url, header, strings.NewReader(form.Encode()))
}

// sessionCookie is how the door's session cookie is named, but for the server's part.
func sessionCookie(d mail.Door) string {
	return "__Host-" + strings.ToLower(string(kinds[d.Protocol])) + "-"
}

// sessionName is the whole name, learnt from the door: signing out drops the cookie.
func sessionName(t *testing.T, e *Env, d mail.Door) string {
	t.Helper()
	path := map[mail.Protocol]string{mail.OWA: "/logoff.owa", mail.ECP: "/logoff.aspx"}[d.Protocol]
	resp, _ := ask(t, e.HTTP, http.MethodGet, d.URL+path, nil, nil)
	for _, c := range resp.Cookies() {
		if strings.HasPrefix(c.Name, sessionCookie(d)) {
			return c.Name
		}
	}
	t.Fatalf("%s: signing out drops no session: %d %q", d.URL, resp.StatusCode, resp.Header)
	return ""
}
