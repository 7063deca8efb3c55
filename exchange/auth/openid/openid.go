package openid

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hma/exchange/auth"
	"hma/exchange/org"
	"hma/internal/page"
	"hma/internal/sealed"
	"hma/wire/wellknown"
)

const (
	// SessionLife is how long a session lasts, whatever the lifetime of the token was.
	SessionLife = 8 * time.Hour
	// stateLife is how long a sign-in may take.
	stateLife = 15 * time.Minute
	// maxForm bounds the posted form in bytes.
	maxForm = 256 << 10
	// maxNonces bounds how many sign-ins of one browser are under way at a time.
	maxNonces = 8
	// StatusLoginTimeout answers a script whose session is over: it must not be
	// sent to another origin, but ask for the page anew.
	StatusLoginTimeout = 440
)

// Options are what a SignIn needs from the wiring; all but Reaches are required.
type Options struct {
	Auth *auth.Authenticator
	Key  *sealed.Key // seals state and session
	Now  func() time.Time
	// Reaches tells whether the cloud's sign-in page answers this server; nil does not ask.
	Reaches func(ctx context.Context, endpoint string) bool
}

// SignIn signs people in. It holds no state and is safe for concurrent use.
type SignIn struct {
	auth    *auth.Authenticator
	key     *sealed.Key
	now     func() time.Time
	reaches func(ctx context.Context, endpoint string) bool
}

// New returns a SignIn.
func New(o Options) *SignIn { return &SignIn{o.Auth, o.Key, o.Now, o.Reaches} }

// Visit is one request to a page that wants somebody signed in.
type Visit struct {
	*http.Request
	ID               string // request id
	Rest             string // path behind the virtual directory
	Snapshot         *org.Snapshot
	VirtualDirectory *org.VirtualDirectory
	// Frame is how the door's pages look; Title is set here.
	Frame page.Frame
}

// facts returns the visit as the validator wants to know it.
func (v *Visit) facts(now time.Time) *auth.Facts {
	return &auth.Facts{Snapshot: v.Snapshot, VirtualDirectory: v.VirtualDirectory, Host: v.Host, Now: now}
}

// host is the public host as org.Snapshot.Hosts has it, or "" when the server has no such host.
func (v *Visit) host() string {
	host := org.PublicHost(v.Host)
	if !v.Snapshot.Hosts[host] {
		return ""
	}
	return host
}

// redirectURI is the virtual directory's URL as reply URLs are registered: no trailing slash.
func (v *Visit) redirectURI() string { return "https://" + v.host() + v.VirtualDirectory.Path }

// ticket is what a state or a session cookie holds, sealed.
type ticket struct {
	Kind    org.Kind `json:"kind"`
	Host    string   `json:"host"`
	Expires int64    `json:"exp"` // Unix seconds
	Nonce   string   `json:"nonce,omitempty"`
	Return  string   `json:"return,omitempty"`
	SID     string   `json:"sid,omitempty"`
	Issuer  string   `json:"iss,omitempty"`
}

func (s *SignIn) seal(purpose string, t ticket) string {
	plain, err := json.Marshal(t)
	if err != nil {
		panic("openid: " + err.Error()) // strings and numbers always encode
	}
	return base64.RawURLEncoding.EncodeToString(s.key.Seal(purpose, plain))
}

// open returns the ticket if this organisation sealed it for the purpose, and for
// this visit's door and host. It may have expired.
func (s *SignIn) open(purpose string, v *Visit, text string) (t ticket, ok bool) {
	if len(text) > 8<<10 {
		return ticket{}, false
	}
	box, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return ticket{}, false
	}
	plain, err := s.key.Open(purpose, box)
	if err != nil || json.Unmarshal(plain, &t) != nil {
		return ticket{}, false
	}
	return t, t.Kind == v.VirtualDirectory.Kind && t.Host == v.host()
}

const (
	purposeState   = "openid state"
	purposeSession = "openid session"
)

// short is a few characters that stand for a text in a cookie's name.
func short(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// Cookies know no port and share their jar between the doors, so the names tell
// servers and doors apart. __Host- keeps other hosts of the domain from setting them.
func (v *Visit) sessionCookie() string { return v.sessionCookieOf(v.VirtualDirectory.Kind) }

func (v *Visit) sessionCookieOf(kind org.Kind) string {
	return "__Host-" + strings.ToLower(string(kind)) + "-" + short(v.host())
}

const nonceCookies = "__Host-OpenIdConnect.nonce."

func nonceCookie(nonce string) string { return nonceCookies + short(nonce) }

func setCookie(w http.ResponseWriter, name, value string, life time.Duration, same http.SameSite) {
	c := &http.Cookie{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: same, MaxAge: int(life / time.Second)}
	if life == 0 {
		c.MaxAge = -1
	}
	http.SetCookie(w, c)
}

// Admit returns who is signed in. When nobody is, it has answered the request
// itself (a redirect to the cloud, the form that came back, 440 for a script, a
// page that says what is wrong) and returns nil, with the reason of a refusal for the record.
func (s *SignIn) Admit(w http.ResponseWriter, v *Visit) (id *auth.Identity, reason string) {
	if v.host() == "" {
		return nil, s.refuse(w, v, http.StatusBadRequest, "This server is not known under the name in the address.", "", "host is not one of the server's")
	}
	cookie, err := v.Cookie(v.sessionCookie())
	root := v.Rest == "" || v.Rest == "/"
	if v.Method == http.MethodPost && root && IsForm(v.Request) {
		return nil, s.finish(w, v)
	}
	if err != nil || cookie.Value == "" {
		return nil, s.begin(w, v)
	}
	t, ok := s.open(purposeSession, v, cookie.Value)
	if !ok || t.SID == "" {
		setCookie(w, v.sessionCookie(), "", 0, http.SameSiteLaxMode)
		return nil, s.refuse(w, v, http.StatusForbidden, "The session of this browser is not valid.", "", "session cookie does not open")
	}
	if s.now().Unix() >= t.Expires {
		setCookie(w, v.sessionCookie(), "", 0, http.SameSiteLaxMode)
		return nil, s.begin(w, v)
	}
	id, denial := s.auth.Session(v.Context(), v.facts(s.now()), t.SID, t.Issuer)
	if denial != nil {
		if denial.Status != http.StatusServiceUnavailable {
			setCookie(w, v.sessionCookie(), "", 0, http.SameSiteLaxMode)
		}
		return nil, s.refuse(w, v, denial.Status, "You cannot use this page with the account that you signed in with.", denial.Diagnostics, denial.Reason)
	}
	return id, ""
}

// IsForm tells whether a request carries an HTML form.
func IsForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// IsScript tells whether a request is no navigation of the browser's window.
func IsScript(r *http.Request) bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return r.Header.Get("X-Requested-With") == "XMLHttpRequest" || mode != "" && mode != "navigate" || r.Method != http.MethodGet && r.Method != http.MethodHead
}

// begin sends the browser to the cloud.
func (s *SignIn) begin(w http.ResponseWriter, v *Visit) (reason string) {
	if IsScript(v.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(StatusLoginTimeout)
		return "no session"
	}
	server := v.Snapshot.DefaultAuthorizationEndpoint()
	if server == nil || server.AuthorizationEndpoint == "" {
		return s.refuse(w, v, http.StatusServiceUnavailable, "Signing in is not set up: the organisation has no default authorization endpoint.", "", "no default authorization endpoint")
	}
	now := s.now()
	nonce := strconv.FormatInt(ticks(now), 10) + "." + rand.Text()
	back := v.VirtualDirectory.Path + "/"
	if u := v.URL.EscapedPath(); !strings.Contains(strings.ToLower(v.Rest), "logoff") && len(u)+len(v.URL.RawQuery) <= 1024 && strings.HasPrefix(strings.ToLower(u), v.VirtualDirectory.Path) {
		back = (&url.URL{Path: v.URL.Path, RawPath: v.URL.RawPath, RawQuery: v.URL.RawQuery}).String()
	}
	s.clearNonces(w, v)
	setCookie(w, nonceCookie(nonce), nonce, stateLife, http.SameSiteNoneMode)
	q := url.Values{
		"client_id":         {wellknown.Exchange},
		"redirect_uri":      {v.redirectURI()},
		"resource":          {wellknown.Exchange},
		"response_mode":     {"form_post"},
		"response_type":     {"code id_token"},
		"scope":             {"openid"},
		"msafed":            {"0"},
		"client-request-id": {v.ID},
		"protectedtoken":    {"true"},
		"nonce":             {nonce},
		"state":             {s.seal(purposeState, ticket{Kind: v.VirtualDirectory.Kind, Host: v.host(), Expires: now.Add(stateLife).Unix(), Nonce: nonce, Return: back})},
	}
	if len(v.Snapshot.AcceptedDomains) > 0 {
		q.Set("domain_hint", v.Snapshot.AcceptedDomains[0])
	}
	to := server.AuthorizationEndpoint + "?" + q.Encode()
	if person := v.Header.Get("Sec-Fetch-Mode") == "navigate"; person && s.reaches != nil && !s.reaches(v.Context(), server.AuthorizationEndpoint) {
		return s.away(w, v, to)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusFound)
	return ""
}

// away says to a person that the cloud does not answer, instead of sending the browser to a page
// that may never come. The browser may reach it all the same: the page has the way there, and a
// client that shows no pages is sent there at once.
func (s *SignIn) away(w http.ResponseWriter, v *Visit, to string) (reason string) {
	u, err := url.Parse(to)
	if err != nil {
		return s.refuse(w, v, http.StatusServiceUnavailable, "Signing in is not set up: the authorization endpoint is no URL.", "", "authorization endpoint is no URL")
	}
	v.Frame.Title, v.Frame.Narrow = "The cloud does not answer", true
	w.Header().Set("Retry-After", "30")
	_ = awayPage.Write(w, http.StatusServiceUnavailable, v.Frame, struct{ Host, ID, Again, To string }{u.Host, v.ID, v.VirtualDirectory.Path + "/", to}) // nobody left to tell
	return "the cloud's sign-in page does not answer"
}

// ticks is the time as .NET counts it: 100 ns since the year 1.
func ticks(t time.Time) int64 { return t.Unix()*10_000_000 + 621_355_968_000_000_000 }

// clearNonces drops the cookies of sign-ins that were never finished when there are many.
func (s *SignIn) clearNonces(w http.ResponseWriter, v *Visit) {
	var names []string
	for _, c := range v.Cookies() {
		if strings.HasPrefix(c.Name, nonceCookies) {
			names = append(names, c.Name)
		}
	}
	if len(names) >= maxNonces {
		for _, name := range names {
			setCookie(w, name, "", 0, http.SameSiteNoneMode)
		}
	}
}

// finish takes the form that the cloud posts.
func (s *SignIn) finish(w http.ResponseWriter, v *Visit) (reason string) {
	body, err := io.ReadAll(io.LimitReader(v.Body, maxForm+1))
	if err != nil || len(body) > maxForm {
		return s.refuse(w, v, http.StatusBadRequest, "The answer of the sign-in could not be read.", "", "form is too long or broken off")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return s.refuse(w, v, http.StatusBadRequest, "The answer of the sign-in could not be read.", "", "form is malformed")
	}
	now := s.now()
	t, ok := s.open(purposeState, v, form.Get("state"))
	if !ok || t.Nonce == "" {
		return s.refuse(w, v, http.StatusBadRequest, "The answer of the sign-in does not belong to a sign-in that began here.", "", "state does not open")
	}
	if now.Unix() >= t.Expires {
		return s.refuse(w, v, http.StatusBadRequest, "The sign-in took too long.", "", "state has expired")
	}
	cookie, err := v.Cookie(nonceCookie(t.Nonce))
	if err != nil || subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(t.Nonce)) != 1 {
		return s.refuse(w, v, http.StatusForbidden, "The sign-in was begun in another browser, or the browser did not keep its cookie.", "", "nonce cookie is missing or another")
	}
	setCookie(w, nonceCookie(t.Nonce), "", 0, http.SameSiteNoneMode) // good for one answer
	if code := form.Get("error"); code != "" {
		return s.refuse(w, v, http.StatusForbidden, "The identity service did not sign you in.", printable(code+": "+form.Get("error_description")), "the cloud answered "+printable(code))
	}
	if len(form["id_token"]) != 1 || len(form["code"]) != 1 {
		return s.refuse(w, v, http.StatusBadRequest, "The answer of the sign-in is not complete.", "", "form without id_token or code")
	}
	id, denial := s.auth.IDToken(v.Context(), v.facts(now), form.Get("id_token"), t.Nonce, form.Get("code"))
	if denial != nil {
		return s.refuse(w, v, denial.Status, "The sign-in was not accepted.", denial.Diagnostics, denial.Reason)
	}
	setCookie(w, v.sessionCookie(), s.seal(purposeSession, ticket{Kind: t.Kind, Host: t.Host, Expires: now.Add(SessionLife).Unix(), SID: id.Recipient.SID, Issuer: id.Issuer}), SessionLife, http.SameSiteLaxMode)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", t.Return)
	w.WriteHeader(http.StatusSeeOther)
	return ""
}

// SignOut ends the sessions of both doors, since who leaves a shared computer
// leaves both, and sends the browser to the cloud's own sign-out.
func (s *SignIn) SignOut(w http.ResponseWriter, v *Visit) {
	for _, kind := range []org.Kind{org.Owa, org.Ecp} {
		setCookie(w, v.sessionCookieOf(kind), "", 0, http.SameSiteLaxMode)
	}
	w.Header().Set("Cache-Control", "no-store")
	server := v.Snapshot.DefaultAuthorizationEndpoint()
	if base, ok := "", false; server != nil && v.host() != "" {
		if base, ok = strings.CutSuffix(server.AuthorizationEndpoint, "/authorize"); ok {
			// Without post_logout_redirect_uri: back here the browser would be sent to sign in
			// again, and nobody would read that they are out.
			w.Header().Set("Location", base+"/logout")
			w.WriteHeader(http.StatusFound)
			return
		}
	}
	v.Frame.Title, v.Frame.Narrow = "Signed out", true
	_ = signedOut.Write(w, http.StatusOK, v.Frame, nil) // nobody left to tell
}

//go:embed error.html
var errorText string

//go:embed away.html
var awayText string

var (
	errorPage = page.MustParse(errorText)
	awayPage  = page.MustParse(awayText)
	signedOut = page.MustParse(`<p>You are signed out here.</p>`)
)

// refuse shows the page that says what is wrong, and returns the reason for the record.
func (s *SignIn) refuse(w http.ResponseWriter, v *Visit, status int, text, detail, reason string) string {
	v.Frame.Title, v.Frame.Narrow = "Sign-in failed", true
	again := ""
	if v.host() != "" {
		again = v.VirtualDirectory.Path + "/"
	}
	_ = errorPage.Write(w, status, v.Frame, struct{ Text, Detail, ID, Again string }{text, detail, v.ID, again}) // nobody left to tell
	return reason
}

// printable keeps what a page or a record may repeat of a foreign text.
func printable(text string) string {
	text = strings.Map(func(c rune) rune {
		if c >= 0x20 && c < 0x7f {
			return c
		}
		return -1
	}, text[:min(len(text), 1000)])
	return text[:min(len(text), 500)]
}
