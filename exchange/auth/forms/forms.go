package forms

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"hma/exchange/auth"
	"hma/exchange/auth/openid"
	"hma/exchange/org"
	"hma/internal/page"
	"hma/internal/sealed"
)

const (
	// PublicLife and PrivateLife are how long a session lasts that nobody uses: on a
	// computer that others use as well, and on one's own ("Configure forms-based
	// authentication", Exchange Server: 15 minutes and 8 hours).
	PublicLife  = 15 * time.Minute
	PrivateLife = 8 * time.Hour
	// maxForm bounds the posted form, maxAddress where to go afterwards, in bytes.
	maxForm    = 16 << 10
	maxAddress = 1024
)

// Paths of the page and its form behind the virtual directory, as Exchange Server has them.
const (
	pagePath = "/auth/logon.aspx"
	formPath = "/auth.owa"
)

// Reasons that the page is shown for, as logon.aspx has them in its query.
const (
	reasonNone    = "0"
	reasonLogoff  = "1"
	reasonWrong   = "2"
	reasonTimeout = "3"
)

// Options are what a SignIn needs from the wiring; all are required.
type Options struct {
	Auth *auth.Authenticator
	Key  *sealed.Key // seals the session
	Now  func() time.Time
}

// SignIn signs people in by a form. It holds no state and is safe for concurrent use.
type SignIn struct {
	auth  *auth.Authenticator
	key   *sealed.Key
	now   func() time.Time
	cross *http.CrossOriginProtection
}

// New returns a SignIn.
func New(o Options) *SignIn { return &SignIn{o.Auth, o.Key, o.Now, http.NewCrossOriginProtection()} }

// session is what the cookie holds, sealed.
type session struct {
	Host    string `json:"host"`
	SID     string `json:"sid"`
	Set     int64  `json:"set"` // when the password was set, Unix microseconds
	Private bool   `json:"private,omitempty"`
	Expires int64  `json:"exp"` // Unix seconds
}

const purposeSession = "forms session"

func (s *session) life() time.Duration {
	if s.Private {
		return PrivateLife
	}
	return PublicLife
}

// host is the public host of the visit as org.Snapshot.Hosts has it, "" when the server has no such host.
func host(v *openid.Visit) string {
	if h := org.PublicHost(v.Host); v.Snapshot.Hosts[h] {
		return h
	}
	return ""
}

func facts(v *openid.Visit, now time.Time) *auth.Facts {
	return &auth.Facts{Snapshot: v.Snapshot, VirtualDirectory: v.VirtualDirectory, Host: v.Host, Now: now}
}

// cookieName is Exchange's name with a few characters for the host: cookies know no
// port. One cookie is for both doors. __Host- keeps other hosts of the domain from setting it.
func cookieName(v *openid.Visit) string {
	sum := sha256.Sum256([]byte(org.PublicHost(v.Host)))
	return "__Host-cadata-" + hex.EncodeToString(sum[:8])
}

// give sets the session's cookie anew, for its life from now on. It ends with the browser.
func (s *SignIn) give(w http.ResponseWriter, v *openid.Visit, t session, now time.Time) {
	t.Expires = now.Add(t.life()).Unix()
	plain, err := json.Marshal(t)
	if err != nil {
		panic("forms: " + err.Error()) // strings and numbers always encode
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName(v), Value: base64.RawURLEncoding.EncodeToString(s.key.Seal(purposeSession, plain)),
		Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// read returns the session of the visit's cookie, which may have expired; false without a good one.
func (s *SignIn) read(v *openid.Visit) (t session, ok bool) {
	c, err := v.Cookie(cookieName(v))
	if err != nil || len(c.Value) > 4<<10 {
		return session{}, false
	}
	box, err := base64.RawURLEncoding.DecodeString(c.Value)
	if err != nil {
		return session{}, false
	}
	plain, err := s.key.Open(purposeSession, box)
	if err != nil || json.Unmarshal(plain, &t) != nil {
		return session{}, false
	}
	return t, t.Host == host(v) && t.SID != ""
}

// Drop ends the browser's session, if it has one.
func (s *SignIn) Drop(w http.ResponseWriter, v *openid.Visit) {
	if _, err := v.Cookie(cookieName(v)); err == nil {
		http.SetCookie(w, &http.Cookie{Name: cookieName(v), Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: -1})
	}
}

// Admit returns who is signed in. When nobody is, it has answered the request itself (the
// page, its form, a redirect to the page, 440 for a script) and returns nil, with the
// reason of a refusal for the record.
func (s *SignIn) Admit(w http.ResponseWriter, v *openid.Visit) (id *auth.Identity, reason string) {
	if host(v) == "" {
		return nil, refuse(w, v, http.StatusBadRequest, "This server is not known under the name in the address.", "host is not one of the server's")
	}
	switch rest := strings.ToLower(v.Rest); {
	case rest == pagePath:
		return nil, s.page(w, v)
	case rest == formPath && v.Method == http.MethodPost:
		return nil, s.finish(w, v)
	case rest == formPath:
		return nil, s.toPage(w, v, root(v), reasonNone)
	}
	t, ok := s.read(v)
	if !ok {
		return nil, s.begin(w, v, reasonNone)
	}
	now := s.now()
	if left := time.Duration(t.Expires-now.Unix()) * time.Second; left <= 0 {
		s.Drop(w, v)
		return nil, s.begin(w, v, reasonTimeout)
	} else if left < t.life()/2 {
		s.give(w, v, t, now)
	}
	id, denial := s.auth.FormSession(v.Context(), facts(v, now), t.SID, time.UnixMicro(t.Set))
	switch {
	case denial == nil:
		return id, ""
	case denial.Status == http.StatusUnauthorized:
		s.Drop(w, v)
		s.begin(w, v, reasonNone)
		return nil, denial.Reason
	}
	return nil, refuse(w, v, denial.Status, "You cannot use this page with the account that you signed in with.", denial.Reason)
}

// root is the virtual directory's own page.
func root(v *openid.Visit) string { return v.VirtualDirectory.Path + "/" }

// begin sends the browser to the page, to come back to where it is.
func (s *SignIn) begin(w http.ResponseWriter, v *openid.Visit, why string) (reason string) {
	if openid.IsScript(v.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(openid.StatusLoginTimeout)
		return "no session"
	}
	return s.toPage(w, v, v.URL.RequestURI(), why)
}

// toPage sends the browser to the page, which sends it back to a path and query.
func (s *SignIn) toPage(w http.ResponseWriter, v *openid.Visit, back, why string) (reason string) {
	origin := "https://" + host(v)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", origin+v.VirtualDirectory.Path+pagePath+"?url="+url.QueryEscape(origin+inside(v, origin+back))+"&reason="+why)
	w.WriteHeader(http.StatusFound)
	return ""
}

// inside returns path and query of an address when it lies in the virtual directory on the
// visit's own host and is no page of signing in, else the virtual directory's root.
func inside(v *openid.Visit, address string) string {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxAddress || u.Scheme != "https" || u.User != nil || org.PublicHost(u.Host) != host(v) {
		return root(v)
	}
	path := strings.ToLower(u.Path) // as a browser and the front end read it: %2e%2e is a dot segment too
	rest, ok := strings.CutPrefix(path, v.VirtualDirectory.Path)
	if !ok || rest != "" && rest[0] != '/' || strings.HasPrefix(rest, "/auth") || strings.Contains(rest, "logoff") || strings.Contains(path, "..") {
		return root(v)
	}
	return (&url.URL{Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}).String()
}

//go:embed logon.html
var logonText string

var (
	logonPage = page.MustParse(logonText)
	errorPage = page.MustParse(`<p class="error">{{.Text}}</p>
<p class="quiet">Request <code>{{.ID}}</code></p>
{{with .Again}}<p><a class="button" href="{{.}}">Sign in</a></p>{{end}}
`)
)

// page shows the form.
func (s *SignIn) page(w http.ResponseWriter, v *openid.Visit) (reason string) {
	q := v.URL.Query()
	show := struct{ Action, Destination, Problem, Note string }{
		Action: v.VirtualDirectory.Path + formPath, Destination: "https://" + host(v) + inside(v, q.Get("url"))}
	switch q.Get("reason") {
	case reasonLogoff:
		show.Note = "You are signed out."
	case reasonWrong:
		show.Problem = "The user name or password is not correct. Try again."
	case reasonTimeout:
		show.Note = "Your session was not used for a while and has ended."
	}
	v.Frame.Title, v.Frame.Narrow = "Sign in", true
	_ = logonPage.Write(w, http.StatusOK, v.Frame, show) // nobody left to tell
	return ""
}

// finish takes the form.
func (s *SignIn) finish(w http.ResponseWriter, v *openid.Visit) (reason string) {
	if s.cross.Check(v.Request) != nil {
		return refuse(w, v, http.StatusForbidden, "Another site has sent this form.", "form of another origin")
	}
	if !openid.IsForm(v.Request) {
		return refuse(w, v, http.StatusUnsupportedMediaType, "The form could not be read.", "no form")
	}
	body, err := io.ReadAll(io.LimitReader(v.Body, maxForm+1))
	if err != nil || len(body) > maxForm {
		return refuse(w, v, http.StatusBadRequest, "The form could not be read.", "form is too long or broken off")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return refuse(w, v, http.StatusBadRequest, "The form could not be read.", "form is malformed")
	}
	back, now := inside(v, form.Get("destination")), s.now()
	id, set, denial := s.auth.Form(v.Context(), facts(v, now), strings.TrimSpace(form.Get("username")), form.Get("password"))
	switch {
	case denial == nil:
	case denial.Status == http.StatusUnauthorized:
		s.toPage(w, v, back, reasonWrong)
		return denial.Reason
	default:
		return refuse(w, v, denial.Status, "You cannot use this page with this account.", denial.Reason)
	}
	s.give(w, v, session{Host: host(v), SID: id.Recipient.SID, Set: set.UnixMicro(), Private: form.Get("flags") == "4"}, now)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", back)
	w.WriteHeader(http.StatusFound)
	return ""
}

// SignOut ends the session and sends the browser to the page.
func (s *SignIn) SignOut(w http.ResponseWriter, v *openid.Visit) (reason string) {
	if host(v) == "" {
		return refuse(w, v, http.StatusBadRequest, "This server is not known under the name in the address.", "host is not one of the server's")
	}
	s.Drop(w, v)
	return s.toPage(w, v, root(v), reasonLogoff)
}

// refuse shows the page that says what is wrong, and returns the reason for the record.
func refuse(w http.ResponseWriter, v *openid.Visit, status int, text, reason string) string {
	v.Frame.Title, v.Frame.Narrow = "Sign-in failed", true
	again := ""
	if host(v) != "" {
		again = root(v)
	}
	_ = errorPage.Write(w, status, v.Frame, struct{ Text, ID, Again string }{text, v.ID, again}) // nobody left to tell
	return reason
}
