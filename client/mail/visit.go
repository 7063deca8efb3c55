package mail

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"hma/wire/aadsts"
)

// Form is what the cloud has a browser post to a redirect URI (OAuth 2.0 Form
// Post Response Mode). Its values are secrets.
type Form struct {
	Action string
	Values url.Values
}

// Browser opens an address at the cloud as somebody's browser does, signs the
// person in there, and returns the form that the cloud has it post.
type Browser func(ctx context.Context, address string) (Form, error)

// SignIn signs somebody in at OWA or ECP as a browser does. It returns three
// handshakes, or those up to one with a Problem: the door sends the browser to the
// cloud; it takes the cloud's answer and opens a session; with the session it shows its page.
func (c *Client) SignIn(ctx context.Context, d Door, browser Browser) []Handshake {
	v, err := c.visit(d, "")
	if err != nil {
		return []Handshake{{Door: d, Sent: SentNothing, Problem: err.Error()}}
	}
	h, cloud := v.begin(ctx)
	if h.Problem != "" {
		return []Handshake{h}
	}
	form, err := browser(ctx, cloud.String())
	switch asked := cloud.Query(); {
	case err != nil:
		h.Problem = "sign in: " + err.Error()
	case form.Action != asked.Get("redirect_uri"):
		h.Problem = fmt.Sprintf("the cloud's answer goes to %q instead of the redirect_uri", form.Action)
	case form.Values.Get("state") != asked.Get("state"):
		h.Problem = "the cloud's answer belongs to another sign-in (state)"
	case form.Values.Has("error"):
		h.Problem = (&SignInError{Code: form.Values.Get("error"), Description: form.Values.Get("error_description")}).Error()
	}
	if h.Problem != "" {
		return []Handshake{h}
	}
	answered, next := v.answer(ctx, cloud, form.Values)
	if answered.Problem != "" || !answered.Accepted {
		return []Handshake{h, answered}
	}
	page := Handshake{Door: d, Sent: SentSession}
	if v.follow(ctx, next, &page, false); page.Accepted {
		page.AuthN = AuthNOpenID
	}
	return []Handshake{h, answered, page}
}

// Forge begins a sign-in at OWA or ECP and gives it an answer that the cloud did
// not give: the token as id_token, beside a code that is made up. It returns two
// handshakes, or one with a Problem: the door sends the browser to the cloud, and
// answers the form.
func (c *Client) Forge(ctx context.Context, d Door, token string) []Handshake {
	v, err := c.visit(d, "")
	if err != nil {
		return []Handshake{{Door: d, Sent: SentNothing, Problem: err.Error()}}
	}
	h, cloud := v.begin(ctx)
	if h.Problem != "" {
		return []Handshake{h}
	}
	answered, _ := v.answer(ctx, cloud, url.Values{"code": {rand.Text()}, "id_token": {token}, "state": {cloud.Query().Get("state")}})
	return []Handshake{h, answered}
}

// signInError is how a page of the cloud names its error.
var signInError = regexp.MustCompile(`AADSTS[0-9]{4,8}`)

// visit is a browser at a door: it keeps the cookies of the door's origin apart
// from those of all others.
type visit struct {
	door            Door
	start           *url.URL
	inside, outside *http.Client
	authorization   string // goes to the door's own origin alone; "" is none
}

func (c *Client) visit(d Door, authorization string) (*visit, error) {
	start, err := url.Parse(d.URL)
	if err != nil || start.Scheme != "https" {
		return nil, errors.New("no https URL")
	}
	return &visit{d, start, c.withCookies(d), c.withCookies(Door{}), authorization}, nil
}

// home tells whether an address is of the door's own origin.
func (v *visit) home(u *url.URL) bool {
	return u.Scheme == v.start.Scheme && strings.EqualFold(u.Host, v.start.Host)
}

// begin opens the door up to the redirect to the cloud, which it returns. Without
// one, or with a redirect_uri elsewhere than at the door, there is a Problem.
func (v *visit) begin(ctx context.Context) (h Handshake, cloud *url.URL) {
	h = Handshake{Door: v.door, Sent: SentNothing}
	cloud = v.follow(ctx, v.start, &h, false)
	switch {
	case h.Problem != "":
	case cloud == nil:
		h.Problem = fmt.Sprintf("answers %d instead of sending the browser to the cloud", h.Status)
	default:
		if back, err := url.Parse(h.RedirectURI); err != nil || !v.home(back) {
			h.Problem = fmt.Sprintf("names the redirect_uri %q, which is not its own", h.RedirectURI)
		}
	}
	return h, cloud
}

// answer posts the form to the redirect URI, and returns where the door then sends the browser.
func (v *visit) answer(ctx context.Context, cloud *url.URL, form url.Values) (h Handshake, next *url.URL) {
	h = Handshake{Door: v.door, Sent: SentAnswer}
	body := form.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, cloud.Query().Get("redirect_uri"), strings.NewReader(body))
	if err != nil {
		h.Problem = err.Error()
		return h, nil
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", cloud.Scheme+"://"+cloud.Host)
	resp, next := v.send(req, []byte(body), &h)
	if resp == nil {
		return h, nil
	}
	h.Accepted = slices.ContainsFunc(resp.Cookies(), func(c *http.Cookie) bool { return c.Value != "" && c.MaxAge >= 0 })
	switch {
	case next == nil:
		next = v.start
	case h.Accepted && !v.home(next):
		h.Problem = "sends the browser with its session to " + next.Scheme + "://" + next.Host
	}
	return h, next
}

// maxRedirects is how often a browser door may redirect.
const maxRedirects = 8

// follow opens an address and goes where redirects lead: abroad also to other
// origins, otherwise only up to the first address of one, which it returns.
func (v *visit) follow(ctx context.Context, at *url.URL, h *Handshake, abroad bool) (away *url.URL) {
	for range maxRedirects {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, at.String(), nil)
		if err != nil {
			h.Problem = err.Error()
			return nil
		}
		_, to := v.send(req, nil, h)
		if to == nil {
			if v.home(at) && strings.HasSuffix(at.Path, logonPage) {
				h.logon = at
			}
			return nil
		}
		if v.home(at) && !v.home(to) {
			h.Redirect, h.RedirectURI = cutURL(to.String()), to.Query().Get("redirect_uri")
			h.AuthN = AuthNOpenID
			if !abroad {
				return to
			}
		}
		at = to
	}
	h.Problem = "redirects without end"
	return nil
}

// send carries a request out, and adds it and its answer to the handshake. The
// answer is nil when there was none, next when it redirects nowhere; a Problem says why.
func (v *visit) send(req *http.Request, body []byte, h *Handshake) (resp *http.Response, next *url.URL) {
	hc, home := v.outside, v.home(req.URL)
	if home {
		if hc = v.inside; v.authorization != "" {
			req.Header.Set("Authorization", v.authorization)
		}
	}
	resp, page, err := fetch(hc, req)
	// Only now does the request have the cookies of the jar.
	h.Request += rawRequest(req, body)
	if err != nil {
		h.Problem = err.Error()
		return nil, nil
	}
	if home {
		earlier := h.Response
		h.read(resp, page)
		h.Response = earlier + h.Response
		if h.Accepted = resp.StatusCode/100 == 2; resp.StatusCode > http.StatusNotImplemented && resp.Header.Get("Request-Id") == "" { // not the door's own word
			h.Problem = fmt.Sprintf("answers %d", resp.StatusCode)
		}
		for _, line := range resp.Header.Values("Set-Cookie") {
			h.Cookies = append(h.Cookies, redact("Set-Cookie", line))
		}
	} else {
		h.Response += rawResponse(resp, page)
		h.SignInPage, h.SignInError = resp.StatusCode, ""
		if code, ok := aadsts.Find(signInError.FindString(string(page))); ok {
			h.SignInError = code.String()
		}
	}
	next, err = resp.Location()
	if resp.StatusCode/100 != 3 || err != nil {
		return resp, nil
	}
	if next.Scheme != "https" {
		h.Problem = "redirects to " + next.Scheme + "://" + next.Host
		return resp, nil
	}
	return resp, next
}
