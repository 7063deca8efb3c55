package conformance

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"hma/client/mail"
	"hma/wire/bearer"
)

const (
	authorize = "https://login.example.com/common/oauth2/authorize"
	exchange  = "00000002-0000-0ff1-ce00-000000000000"
	issuers   = "00000001-0000-0000-c000-000000000000@11111111-2222-3333-4444-555555555555"
	goodToken = "a.good.token"
)

// fake is a mail server as it should be, and its cloud's sign-in page.
type fake struct {
	// first answers instead, and tells that it did; nil never does.
	first func(w http.ResponseWriter, r *http.Request) bool
	// change has the last word about a header.
	change func(h http.Header, r *http.Request)
}

func offer() bearer.Challenge {
	return bearer.Challenge{ClientID: exchange, TrustedIssuers: issuers, TokenTypes: bearer.TokenTypes, AuthorizationURI: authorize, IssuerKind: "AzureAD"}
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.first != nil && f.first(w, r) {
		return
	}
	status, body := http.StatusOK, "ok"
	h := w.Header()
	a := r.Header.Get("Authorization")
	switch path := strings.ToLower(r.URL.Path); {
	case r.Host == "login.example.com":
	case strings.HasSuffix(path, ".json") && r.FormValue("Protocol") == "activesync":
		h.Set("Content-Type", "application/json")
		body = `{"Protocol":"ActiveSync","Url":"https://mail.example.com/Microsoft-Server-ActiveSync"}`
	case strings.HasSuffix(path, ".json"):
		status, body = http.StatusBadRequest, `{"ErrorCode":"InvalidProtocol","ErrorMessage":"no"}`
	case strings.HasPrefix(path, "/owa"), strings.HasPrefix(path, "/ecp"):
		status = http.StatusFound
		h.Add("Set-Cookie", "OpenIdConnect.nonce.x=y; Path=/; Secure; HttpOnly; SameSite=None")
		h.Set("Location", authorize+"?"+url.Values{"client_id": {exchange}, "resource": {exchange}, "response_type": {"code id_token"}, "response_mode": {"form_post"},
			"redirect_uri": {"https://" + r.Host + path}, "nonce": {"a nonce"}, "state": {"a state"}}.Encode())
	case a == "Bearer "+goodToken:
		body = `<Autodiscover><Response><Account><Protocol><AuthPackage>ntlm</AuthPackage></Protocol></Account></Response></Autodiscover>`
	default:
		status = http.StatusUnauthorized
		c := offer()
		switch scheme, token, _ := strings.Cut(a, " "); {
		case !strings.EqualFold(scheme, "Bearer"):
		case token != "":
			c.Error = bearer.InvalidToken
			h.Set(bearer.DiagnosticsHeader, bearer.Diagnose(bearer.Unparsable, bearer.ReasonUnparsable).String())
			fallthrough
		default:
			h.Add("WWW-Authenticate", c.String())
		}
		h.Add("WWW-Authenticate", "Negotiate")
		h.Add("WWW-Authenticate", "NTLM")
	}
	if f.change != nil {
		f.change(h, r)
	}
	w.WriteHeader(status)
	io.WriteString(w, body)
}

// start serves f and returns what Run is given to reach it as mail.example.com.
func start(t *testing.T, f http.Handler) (*httptest.Server, Options) {
	t.Helper()
	s := httptest.NewUnstartedServer(f)
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, options(t, s)
}

func options(t *testing.T, s *httptest.Server) Options {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	address := s.Listener.Addr().String()
	c := mail.New(mail.Options{Roots: roots, Timeout: 5 * time.Second,
		Names: map[string]string{"mail.example.com": address, "autodiscover.example.com": address, "login.example.com": address, "mail.other.test": address}})
	t.Cleanup(c.Close)
	return Options{URLs: []string{"https://mail.example.com"}, Client: c, Now: time.Now}
}

// signsIn is a cloud that issues the good token for the host.
func signsIn(t *testing.T, o *Options) {
	o.User = "jane@example.com"
	o.SignIn = func(_ context.Context, uri, tenant, resource string) (string, error) {
		if uri != authorize || tenant != strings.Split(issuers, "@")[1] || !strings.HasSuffix(resource, ".example.com") {
			t.Errorf("signs in at %s of %s for %s", uri, tenant, resource)
		}
		return goodToken, nil
	}
}

// failed lists what is not met, each requirement once.
func failed(r *Report) (ids []string) {
	for _, j := range r.Judgements {
		if j.Outcome == Fail && !slices.Contains(ids, j.Requirement) {
			ids = append(ids, j.Requirement)
		}
	}
	return ids
}

func run(t *testing.T, o Options) *Report {
	t.Helper()
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestGood(t *testing.T) {
	_, o := start(t, &fake{})
	r := run(t, o)
	if ids := failed(r); ids != nil || !r.Passed || len(r.Rows) != len(paths) || r.Sites[0].AutoDetect != "https://mail.example.com/Microsoft-Server-ActiveSync" {
		t.Errorf("not met: %v, passed %v, %+v", ids, r.Passed, r.Sites)
	}
	o.URLs = append(o.URLs, "https://autodiscover.example.com/autodiscover")
	signsIn(t, &o)
	r = run(t, o)
	if ids := failed(r); ids != nil || !r.Passed || len(r.Rows) != len(paths)+2 {
		t.Errorf("with a user, not met: %v, passed %v", ids, r.Passed)
	}
	tried := map[string]bool{}
	for _, j := range r.Judgements {
		tried[j.Requirement] = tried[j.Requirement] || j.Outcome == Pass
	}
	for _, q := range Requirements {
		if !tried[q.ID] {
			t.Errorf("%s is met nowhere", q.ID)
		}
	}
	for _, row := range r.Rows {
		browser := row.Door == "OWA" || row.Door == "ECP"
		if browser != (row.Verdict == Offered && row.AuthN == mail.AuthNOpenID) || browser == (row.Verdict == Verified && row.AuthN == mail.AuthNBearer) {
			t.Errorf("%s: %s, %s", row.Door, row.Verdict, row.AuthN)
		}
		for _, h := range row.Handshakes {
			if strings.Contains(h.Request+h.Response, goodToken) {
				t.Errorf("%s: the token is in the report", row.Door)
			}
		}
	}
}

// challenged changes the Bearer challenge of probes alone.
func challenged(edit func(*bearer.Challenge)) func(*fake) {
	return func(f *fake) {
		f.change = func(h http.Header, r *http.Request) {
			lines := h["Www-Authenticate"]
			if a := r.Header.Get("Authorization"); len(lines) == 3 && strings.EqualFold(a, "Bearer") {
				c := offer()
				edit(&c)
				lines[0] = c.String()
			}
		}
	}
}

// path answers requests whose path has the ending by itself.
func path(ending string, answer http.HandlerFunc) func(*fake) {
	return func(f *fake) {
		f.first = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasSuffix(strings.ToLower(r.URL.Path), ending) {
				return false
			}
			answer(w, r)
			return true
		}
	}
}

// redirected changes where OWA and ECP send a browser.
func redirected(edit func(url.Values)) func(*fake) {
	return func(f *fake) {
		f.change = func(h http.Header, r *http.Request) {
			to, err := url.Parse(h.Get("Location"))
			if err != nil || h.Get("Location") == "" {
				return
			}
			q := to.Query()
			edit(q)
			to.RawQuery = q.Encode()
			h.Set("Location", to.String())
		}
	}
}

func text(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

// Each fault is found by the requirement that is meant for it, and by no other.
func TestFaults(t *testing.T) {
	// off is what a server says that does not offer modern authentication.
	off := func(f *fake) {
		f.change = func(h http.Header, r *http.Request) {
			if lines := h["Www-Authenticate"]; len(lines) == 3 {
				c := offer()
				c.AuthorizationURI, c.IssuerKind, c.Error = "", "", bearer.InvalidToken
				lines[0] = c.String()
				if r.Header.Get("Authorization") == "Bearer" {
					h.Set(bearer.DiagnosticsHeader, bearer.Diagnose(bearer.NotAvailable, bearer.ReasonFlighting("mail.example.com")).String())
				}
			}
		}
	}
	asBearer := func(h http.Header) bool { return len(h["Www-Authenticate"]) == 3 }
	for name, tc := range map[string]struct {
		spoil func(*fake)
		want  string // IDs
		found string // in what was found
	}{
		"not offered":             {off, "A3 C5", "4000000"},
		"no client_id":            {challenged(func(c *bearer.Challenge) { c.ClientID = "" }), "C4", "none"},
		"plain authorization_uri": {challenged(func(c *bearer.Challenge) { c.AuthorizationURI = "http://login.example.com/common/oauth2/authorize" }), "C6 R4", "http://"},
		"authorization_uri with a user": {challenged(func(c *bearer.Challenge) {
			c.AuthorizationURI = "https://login.example.com@evil.test/common/oauth2/authorize"
		}), "C6 R4", "evil.test"},
		"authorization_uri in a script": {challenged(func(c *bearer.Challenge) { c.AuthorizationURI = "javascript:alert(1)/authorize" }), "C6 R4", "javascript"},
		"error beside the offer":        {challenged(func(c *bearer.Challenge) { c.Error = "invalid_token" }), "C7", "invalid_token"},
		"trusted_issuers without realm": {challenged(func(c *bearer.Challenge) { c.TrustedIssuers = "00000001-0000-0000-c000-000000000000" }), "C8", ""},
		"token_types":                   {challenged(func(c *bearer.Challenge) { c.TokenTypes = "x" }), "C9", `"x"`},
		"issuer_kind":                   {challenged(func(c *bearer.Challenge) { c.IssuerKind = "Keycloak" }), "C10", "Keycloak"},
		"another cloud at one door": {func(f *fake) {
			f.change = at("/mapi", func(c *bearer.Challenge) { c.AuthorizationURI = "https://login.other.test/authorize" })
		}, "C11", "login.other.test"},
		"a page where a door should be": {path("/exchange.asmx", text(200, "<html>sign in</html>")), "C1", "200"},
		"a server error":                {path("/exchange.asmx", text(503, "")), "C1", "503"},
		"a redirect to plain http": {path("/exchange.asmx", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://evil.test/", http.StatusFound)
		}), "C1", "http://evil.test/"},
		"passwords alone":      {func(f *fake) { f.first = passwords }, "A3 C3 B1", "Negotiate, NTLM"},
		"Bearer for everybody": {func(f *fake) { f.change = func(h http.Header, r *http.Request) { announce(h, r) } }, "C14", "Bearer"},
		"anybody is let in":    {anybody, "C13", "200"},
		"lower case is not known": {func(f *fake) {
			f.change = only(func(r *http.Request) bool { return r.Header.Get("Authorization") != "bearer" })
		}, "C12", "401 without Bearer"},
		"tells who exists": {func(f *fake) {
			f.change = only(func(r *http.Request) bool { return !strings.Contains(r.Header.Get("X-User-Identity"), "nobody") })
		}, "C15", "another challenge"},
		"takes an unsigned token": {unsignedIn, "R1", "200"},
		"no error for a bad token": {func(f *fake) {
			f.change = func(h http.Header, _ *http.Request) {
				if asBearer(h) {
					h["Www-Authenticate"][0] = offer().String()
				}
			}
		}, "R2", `error ""`},
		"no diagnostics": {func(f *fake) { f.change = func(h http.Header, _ *http.Request) { h.Del(bearer.DiagnosticsHeader) } }, "R3", "none"},
		"malformed challenge": {func(f *fake) {
			f.change = func(h http.Header, _ *http.Request) {
				if asBearer(h) {
					h["Www-Authenticate"][1] = `Negotiate "`
				}
			}
		}, "C2", "Negotiate"},
		"two Bearer challenges": {func(f *fake) {
			f.change = func(h http.Header, _ *http.Request) {
				if asBearer(h) {
					h.Add("WWW-Authenticate", "Bearer")
				}
			}
		}, "C3", "Bearer, Negotiate, NTLM, Bearer"},
		"challenges that never end": {func(f *fake) {
			f.change = func(h http.Header, _ *http.Request) {
				if asBearer(h) {
					h.Add("WWW-Authenticate", strings.Repeat("x", 20<<10))
				}
			}
		}, "C2", "longer than"},
		"headers that never end": {path("/exchange.asmx", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X", strings.Repeat("x", 300<<10))
			w.WriteHeader(401)
		}), "C1", "headers"},
		"a body that never ends":      {path("/exchange.asmx", endless), "C1", "longer than"},
		"a page at autodiscover.json": {path(".json", text(200, "<html>")), "A1", "content type"},
		"a password at autodiscover":  {path(".json", text(401, "")), "A1", "401"},
		"autodiscover.json elsewhere": {path(".json", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://evil.test/", http.StatusFound)
		}), "A1", "evil.test"},
		"a huge autodiscover.json":         {path(".json", text(200, `{"Protocol":"ActiveSync","Url":"`+strings.Repeat("x", 80<<10)+`"}`)), "A1", "200"},
		"plain http for phones":            {detects("http://mail.example.com/Microsoft-Server-ActiveSync"), "A2", "http://"},
		"phones are sent where nothing is": {detects("https://mail.example.com/nothing"), "A3", "404"},
		"unknown protocols are answered": {func(f *fake) {
			f.first = func(w http.ResponseWriter, r *http.Request) bool { return everyProtocol(w, r) }
		}, "A4", "200"},
		"OWA with its form": {path("/owa", text(200, "sign in")), "B1 B9", "200"},
		"OWA to plain http": {path("/owa", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://login.example.com/authorize", http.StatusFound)
		}), "B1 B9", "redirects to http"},
		"OWA to another cloud": {path("/owa", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://login.example.com/evil/authorize?x=y", http.StatusFound)
		}), "B1", "/evil/authorize"},
		"OWA in a circle":             {path("/owa", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/owa", http.StatusFound) }), "B1 B9", "without end"},
		"another client":              {redirected(func(q url.Values) { q.Set("client_id", "x") }), "B2", `"x"`},
		"another resource":            {redirected(func(q url.Values) { q.Del("resource") }), "B3", "none"},
		"a code alone":                {redirected(func(q url.Values) { q.Set("response_type", "code") }), "B4", "code"},
		"the answer in a query":       {redirected(func(q url.Values) { q.Set("response_mode", "query") }), "B4", "query"},
		"the answer goes elsewhere":   {redirected(func(q url.Values) { q.Set("redirect_uri", "https://evil.test/owa") }), "B5", "evil.test"},
		"the answer goes to the node": {redirected(func(q url.Values) { q.Set("redirect_uri", "http://mail.example.com/owa") }), "B5", "http://mail"},
		"no nonce":                    {redirected(func(q url.Values) { q.Del("nonce") }), "B6", "nonce false"},
		"no reply URL": {func(f *fake) {
			f.first = func(w http.ResponseWriter, r *http.Request) bool {
				return r.Host == "login.example.com" && say(w, "AADSTS50011: no")
			}
		}, "B7", "AADSTS50011"},
		"a cookie that stays at home": {func(f *fake) {
			f.change = func(h http.Header, _ *http.Request) { h.Set("Set-Cookie", "x=y; Secure; HttpOnly; SameSite=Lax") }
		}, "B8", "none with SameSite"},
		"a cookie for scripts": {func(f *fake) {
			f.change = func(h http.Header, _ *http.Request) { h.Set("Set-Cookie", "x=y; Secure; SameSite=None") }
		}, "B8", "HttpOnly false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := &fake{}
			tc.spoil(f)
			_, o := start(t, f)
			r := run(t, o)
			ids := failed(r)
			want := strings.Fields(tc.want)
			slices.Sort(ids)
			slices.Sort(want)
			found := ""
			must := false
			for _, j := range r.Judgements {
				if j.Outcome == Fail {
					found += j.Found + "\n"
					must = must || j.Level == Must
					if j.Fix == "" {
						t.Errorf("%s says not what to do", j.Requirement)
					}
				}
				if strings.ContainsAny(j.Found, "\r\n\x1b") || len(j.Found) > 1000 {
					t.Errorf("%s: %q is no line", j.Requirement, j.Found)
				}
			}
			if !slices.Equal(ids, want) || !strings.Contains(found, tc.found) || r.Passed == must {
				t.Errorf("not met: %v, want %v; passed %v; found\n%s", ids, want, r.Passed, found)
			}
		})
	}
}

// at changes the challenge of one door.
func at(prefix string, edit func(*bearer.Challenge)) func(http.Header, *http.Request) {
	return func(h http.Header, r *http.Request) {
		if lines := h["Www-Authenticate"]; len(lines) == 3 && strings.HasPrefix(r.URL.Path, prefix) {
			c := offer()
			if r.Header.Get("Authorization") == "Bearer "+unsignedToken {
				c.Error = bearer.InvalidToken
			}
			edit(&c)
			lines[0] = c.String()
		}
	}
}

// passwords answers as a server does that knows no tokens.
func passwords(w http.ResponseWriter, r *http.Request) bool {
	switch {
	case strings.HasSuffix(r.URL.Path, ".json") || r.Host == "login.example.com":
		return false
	case strings.HasPrefix(r.URL.Path, "/owa"), strings.HasPrefix(r.URL.Path, "/ecp"):
		return say(w, "user name and password")
	}
	w.Header()["WWW-Authenticate"] = []string{"Negotiate", "NTLM"}
	w.WriteHeader(401)
	return true
}

func say(w http.ResponseWriter, text string) bool {
	io.WriteString(w, text)
	return true
}

func announce(h http.Header, r *http.Request) {
	if len(h["Www-Authenticate"]) == 2 {
		h.Add("WWW-Authenticate", offer().String())
	}
}

func anybody(f *fake) {
	f.first = func(w http.ResponseWriter, r *http.Request) bool {
		return r.URL.Path == "/EWS/Exchange.asmx" && r.Header.Get("Authorization") == "" && say(w, "welcome")
	}
}

func unsignedIn(f *fake) {
	f.first = func(w http.ResponseWriter, r *http.Request) bool {
		return r.Header.Get("Authorization") == "Bearer "+unsignedToken && say(w, "welcome")
	}
}

// only takes Bearer from the answers to all but some requests.
func only(some func(*http.Request) bool) func(http.Header, *http.Request) {
	return func(h http.Header, r *http.Request) {
		if lines := h["Www-Authenticate"]; len(lines) == 3 && !some(r) {
			h["Www-Authenticate"] = lines[1:]
		}
	}
}

func endless(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(401)
	for range 100 {
		if _, err := w.Write(make([]byte, 1<<20)); err != nil {
			return
		}
	}
}

func detects(address string) func(*fake) {
	return func(f *fake) {
		f.first = func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/nothing" {
				http.NotFound(w, r)
				return true
			}
			return strings.HasSuffix(r.URL.Path, ".json") && r.FormValue("Protocol") == "activesync" && say(w, fmt.Sprintf(`{"Protocol":"ActiveSync","Url":%q}`, address))
		}
	}
}

func everyProtocol(w http.ResponseWriter, r *http.Request) bool {
	return strings.HasSuffix(r.URL.Path, ".json") && say(w, `{"Protocol":"ActiveSync","Url":"https://mail.example.com/Microsoft-Server-ActiveSync"}`)
}

// What is wrong with a certificate is told, and nothing more is asked then.
func TestTLS(t *testing.T) {
	asked := make(chan string, 100)
	listen := func(w http.ResponseWriter, r *http.Request) { asked <- r.URL.Path }
	s, o := start(t, http.HandlerFunc(listen))
	one := func(name string, o Options, want string) {
		t.Helper()
		r := run(t, o)
		if ids := failed(r); !slices.Equal(ids, strings.Fields(want)) || r.Passed || r.Rows[0].Verdict != NotAsked {
			t.Errorf("%s: not met %v, want %s; %+v", name, ids, want, r.Sites)
		}
	}
	other := o
	other.URLs = []string{"https://mail.other.test"}
	one("another name", other, "T2")
	address := map[string]string{"mail.example.com": s.Listener.Addr().String()}
	stranger := o
	stranger.Client = mail.New(mail.Options{Roots: x509.NewCertPool(), Names: address})
	one("a stranger", stranger, "T3")
	late := o
	late.Now = func() time.Time { return s.Certificate().NotAfter.Add(time.Hour) }
	one("too late", late, "T4")
	soon := o
	soon.Now = func() time.Time { return s.Certificate().NotAfter.Add(-time.Hour) }
	if ids := failed(run(t, soon)); !slices.Contains(ids, "T5") {
		t.Errorf("soon: %v", ids)
	}
	for len(asked) > 0 {
		<-asked
	}
	old := httptest.NewUnstartedServer(http.HandlerFunc(listen))
	old.Config.ErrorLog = log.New(io.Discard, "", 0)
	old.TLS = &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}
	old.StartTLS()
	t.Cleanup(old.Close)
	one("old TLS", options(t, old), "T1")
	if len(asked) > 0 {
		t.Errorf("%s was asked over a connection that is not fit", <-asked)
	}

	plain := httptest.NewServer(http.HandlerFunc(listen))
	t.Cleanup(plain.Close)
	none := o
	none.Client = mail.New(mail.Options{Names: map[string]string{"mail.example.com": plain.Listener.Addr().String()}})
	if r := run(t, none); r.Passed || r.Sites[0].Unreached == "" || len(r.Judgements) > 0 {
		t.Errorf("no TLS: %+v", r.Sites)
	}
}

// A server that is not Exchange has no doors, and that is no pass.
func TestAbsent(t *testing.T) {
	_, o := start(t, http.HandlerFunc(http.NotFound))
	r := run(t, o)
	if r.Passed || slices.ContainsFunc(r.Rows, func(row Row) bool { return row.Verdict != Absent }) {
		t.Errorf("passed %v, %+v", r.Passed, r.Rows)
	}
	// Who publishes only some doors passes with those.
	_, o = start(t, &fake{first: func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasPrefix(r.URL.Path, "/ecp") {
			w.WriteHeader(403)
			return true
		}
		return false
	}})
	if r := run(t, o); !r.Passed || r.Rows[7].Verdict != Absent || r.Rows[6].Verdict != Offered {
		t.Errorf("without ECP: passed %v, %v", r.Passed, failed(r))
	}
}

// TestCloudAway: the server does its part; that nobody could see whether the cloud knows it is said.
func TestCloudAway(t *testing.T) {
	_, o := start(t, &fake{first: func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Host == "login.example.com" {
			panic(http.ErrAbortHandler)
		}
		return false
	}})
	r := run(t, o)
	if !r.Passed || r.Rows[6].Verdict != Offered || !strings.Contains(strings.Join(r.Rows[6].Notes, " "), "B7, not tried") || r.Rows[3].Notes != nil {
		t.Errorf("passed %v, OWA %+v, EWS notes %q", r.Passed, r.Rows[6].Notes, r.Rows[3].Notes)
	}
}

func TestURLs(t *testing.T) {
	for raw, want := range map[string]string{
		"https://Mail.Example.com:443":                     "8 https://mail.example.com/autodiscover/autodiscover.xml",
		"https://mail.example.com/ews":                     "1 https://mail.example.com/EWS/Exchange.asmx",
		"https://mail.example.com:8443/EWS/Exchange.asmx":  "1 https://mail.example.com:8443/EWS/Exchange.asmx",
		"https://mail.example.com/OAB/x/oab.xml":           "1 https://mail.example.com/OAB/x/oab.xml",
		"https://mail.example.com/Autodiscover/":           "2 https://mail.example.com/autodiscover/autodiscover.xml",
		"https://mail.example.com/mapi/emsmdb/":            "1 https://mail.example.com/mapi/emsmdb/",
		"http://mail.example.com":                          "",
		"mail.example.com":                                 "",
		"https://user@mail.example.com":                    "",
		"https://mail.example.com/?x=y":                    "",
		"https://mail.example.com/something":               "",
		"https://":                                         "",
		"https://mail.example.com/EWS/Exchange.asmx#there": "",
	} {
		s, err := newSite(raw, "", nil)
		got := ""
		if err == nil {
			got = fmt.Sprintf("%d %s", len(s.looks), s.looks[0].door.URL)
		}
		if got != want {
			t.Errorf("%s: %q %v, want %q", raw, got, err, want)
		}
	}
	if _, err := Run(t.Context(), Options{URLs: []string{"x"}, Now: time.Now}); !errors.Is(err, ErrUsage) {
		t.Error(err)
	}
	for host, want := range map[string]string{"mail.example.org": "hma-verify@example.org", "example.org:8443": "hma-verify@example.org", "localhost": "", "127.0.0.1:443": "", "[::1]:443": ""} {
		if got := invent(host); got != want {
			t.Errorf("%s: %q", host, got)
		}
	}
}

// A token goes to the host alone for which it was issued, and nobody signs in where
// the doors are of two minds about the cloud.
func TestTokens(t *testing.T) {
	stolen := make(chan string, 10)
	thief := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { stolen <- r.Header.Get("Authorization") }))
	t.Cleanup(thief.Close)
	f := &fake{first: func(w http.ResponseWriter, r *http.Request) bool {
		if r.Header.Get("Authorization") == "Bearer "+goodToken {
			http.Redirect(w, r, thief.URL, http.StatusTemporaryRedirect)
			return true
		}
		return false
	}}
	_, o := start(t, f)
	signsIn(t, &o)
	run(t, o)
	if len(stolen) > 0 {
		t.Errorf("a redirect was followed with %q", <-stolen)
	}

	f = &fake{change: at("/mapi", func(c *bearer.Challenge) { c.AuthorizationURI = "https://login.other.test/authorize" })}
	_, o = start(t, f)
	signsIn(t, &o)
	for _, row := range run(t, o).Rows {
		presented := slices.ContainsFunc(row.Handshakes, func(h mail.Handshake) bool { return h.Sent == mail.SentToken && h.Accepted })
		if row.Door == "MAPI" && presented {
			t.Error("the door that names another cloud got the token")
		}
	}

	for name, tc := range map[string]struct {
		err  error
		want string
	}{
		"no service principal name": {&mail.SignInError{Code: "invalid_resource", Description: "AADSTS500011: x"}, "servicePrincipalNames"},
		"no network":                {errors.New("connection refused"), "spn-list"},
	} {
		_, o = start(t, &fake{})
		o.User, o.SignIn = "jane@example.com", func(context.Context, string, string, string) (string, error) { return "", tc.err }
		r := run(t, o)
		i := slices.IndexFunc(r.Judgements, func(j Judgement) bool { return j.Requirement == "S1" })
		if r.Passed || !slices.Equal(failed(r), []string{"S1"}) || !strings.Contains(r.Judgements[i].Fix, tc.want) {
			t.Errorf("%s: %v, %+v", name, failed(r), r.Judgements[i])
		}
	}

	// The door refuses a token that the cloud issued.
	_, o = start(t, &fake{})
	signsIn(t, &o)
	o.SignIn = func(context.Context, string, string, string) (string, error) { return "a.bad.token", nil }
	if r := run(t, o); !slices.Equal(failed(r), []string{"S2"}) || r.Rows[2].Verdict != Failed || !strings.Contains(r.Rows[2].Problems[0].Fix, "Decode the token") {
		t.Errorf("%v, %+v", failed(r), r.Rows[2].Problems)
	}
}

// Each server behind a load balancer's name is asked by itself.
func TestVia(t *testing.T) {
	good, o := start(t, &fake{})
	f := &fake{}
	challenged(func(c *bearer.Challenge) { c.AuthorizationURI = "https://login.example.com/old/authorize" })(f)
	old, _ := start(t, f)
	o.Via = []string{good.Listener.Addr().String(), old.Listener.Addr().String()}
	r := run(t, o)
	if len(r.Sites) != 2 || len(r.Rows) != 2*len(paths) {
		t.Fatalf("%+v", r.Sites)
	}
	for _, j := range r.Judgements {
		if wrong := j.Server != "mail.example.com at "+o.Via[0]; (j.Outcome == Fail) && !wrong || wrong && j.Requirement == "C11" && j.Outcome != Fail {
			t.Errorf("%+v", j)
		}
	}
}

// A server that says nothing keeps nobody waiting for more than one answer.
func TestSilent(t *testing.T) {
	hang := make(chan struct{})
	f := &fake{}
	path("/exchange.asmx", func(http.ResponseWriter, *http.Request) { <-hang })(f)
	s, o := start(t, f)
	t.Cleanup(func() { close(hang) }) // before the server is closed, which waits for its handlers
	address := s.Listener.Addr().String()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	o.Client = mail.New(mail.Options{Roots: roots, Timeout: 300 * time.Millisecond, Names: map[string]string{"mail.example.com": address, "login.example.com": address}})
	o.URLs = []string{"https://mail.example.com/EWS"}
	r := run(t, o)
	if ids := failed(r); !slices.Equal(ids, []string{"C1"}) || len(r.Rows[0].Handshakes) != 1 || !strings.Contains(r.Rows[0].Problems[0].Found, "no answer") {
		t.Errorf("%v, %+v", ids, r.Rows[0].Problems)
	}
}

// Nothing is asked but what a mail client begins with, and no request carries a body that writes.
func TestReadOnly(t *testing.T) {
	asked := make(chan string, 1000)
	_, o := start(t, &fake{first: func(_ http.ResponseWriter, r *http.Request) bool {
		body, _ := io.ReadAll(r.Body)
		asked <- fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, body)
		return false
	}})
	signsIn(t, &o)
	run(t, o)
	close(asked)
	for line := range asked {
		method, rest, _ := strings.Cut(line, " ")
		path, body, _ := strings.Cut(rest, " ")
		switch known := strings.ToLower(path); {
		case method == "GET" || method == "HEAD" || method == "OPTIONS":
		case method != "POST":
			t.Errorf("asked %s", line)
		case strings.HasPrefix(known, "/ews") && strings.Contains(body, "<m:GetFolder>"), strings.HasPrefix(known, "/mapi") && body == "",
			strings.HasSuffix(known, ".xml") && strings.Contains(body, "<Request><EMailAddress>"), strings.HasSuffix(known, ".svc") && strings.Contains(body, "GetUserSettingsRequestMessage"):
		default:
			t.Errorf("asked %s", line)
		}
	}
}

// FuzzJudge holds that no answer of a hostile server ends a judge, or reaches a terminal as it is.
func FuzzJudge(f *testing.F) {
	f.Add(offer().String(), `2000001;reason="x";error_category="invalid_token"`, authorize+"?client_id=x", `{"Protocol":"ActiveSync","Url":"https://a/"}`, uint16(401))
	f.Add("Bearer \x1b[31m", "", "javascript:x", "<Autodiscover><AuthPackage>bearer</AuthPackage>", uint16(200))
	f.Fuzz(func(t *testing.T, challenge, diagnostics, location, body string, status uint16) {
		s := &site{origin: "https://mail.example.com", host: "mail.example.com", asked: true, authority: &authority{authorize, "EWS"}}
		s.detect.Status, s.detect.Body, s.detect.ContentType = int(status), []byte(body), challenge
		s.unknown = s.detect
		s.detected, _ = parseDetected(s.detect.Body)
		h := mail.Handshake{Door: mail.Door{URL: "https://mail.example.com/EWS"}, Status: int(status), Challenges: []string{challenge}, Offered: []string{"x"}, Diagnostics: diagnostics,
			Redirect: location, RedirectURI: location, Cookies: []string{challenge}, SignInPage: int(status)}
		l := &look{site: s, door: h.Door, probe: h, lower: h, anonymous: h, stranger: h, unsigned: h, token: h}
		for _, q := range Requirements {
			var found finding
			switch {
			case q.site != nil && q.ID[0] != 'T':
				found = q.site(s)
			case q.door != nil:
				found = q.door(l)
			default:
				continue
			}
			if strings.ContainsAny(found.found, "\x1b\r\n") {
				t.Errorf("%s: %q", q.ID, found.found)
			}
		}
		authPackages([]byte(body))
	})
}
