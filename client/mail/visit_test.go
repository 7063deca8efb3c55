package mail

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

const (
	owaState = "a state that nobody else may see"
	owaToken = "the id_token that the cloud gave to the door"
)

// owa is a door that sends the browser to login.example.com, and opens a session
// for owaToken where its own cookie comes along.
func owa(t *testing.T) *Client {
	_, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		cookie := func(name string) bool {
			c, err := r.Cookie(name)
			return err == nil && c.Value != ""
		}
		switch {
		case r.Host != "example.com":
			t.Errorf("%s was asked for %s", r.Host, r.URL.Path)
		case r.Method == http.MethodPost && (!cookie("begun") || r.Header.Get("Origin") != "https://login.example.com" || r.FormValue("state") != owaState || r.FormValue("code") == ""):
			w.WriteHeader(http.StatusBadRequest)
		case r.Method == http.MethodPost && r.FormValue("id_token") != owaToken:
			http.SetCookie(w, &http.Cookie{Name: "begun", Value: "", MaxAge: -1})
			w.WriteHeader(http.StatusUnauthorized)
		case r.Method == http.MethodPost:
			http.SetCookie(w, &http.Cookie{Name: "session", Value: "session-that-is-a-secret", Secure: true})
			http.Redirect(w, r, "/owa/", http.StatusSeeOther)
		case cookie("session"):
			fmt.Fprint(w, "signed in")
		default:
			http.SetCookie(w, &http.Cookie{Name: "begun", Value: "a-secret-of-this-browser", Secure: true})
			http.Redirect(w, r, "https://login.example.com/authorize?"+url.Values{"redirect_uri": {"https://example.com/owa"}, "state": {owaState}}.Encode(), http.StatusFound)
		}
	})
	return c
}

func TestSignInAtTheDoor(t *testing.T) {
	c := owa(t)
	d := Door{Protocol: OWA, Server: "EX1", URL: "https://example.com/owa"}
	good := Form{"https://example.com/owa", url.Values{"id_token": {owaToken}, "code": {"a code that is a secret"}, "state": {owaState}}}
	with := func(key, value string) Form {
		f := Form{good.Action, url.Values{}}
		for k, v := range good.Values {
			f.Values[k] = v
		}
		f.Values.Set(key, value)
		return f
	}
	for name, tc := range map[string]struct {
		form    Form
		err     error
		sent    string
		status  int
		ok      bool
		problem string
	}{
		"good":            {form: good, sent: SentSession, status: 200, ok: true},
		"refused":         {form: with("id_token", "another"), sent: SentAnswer, status: 401},
		"elsewhere":       {form: Form{Action: "https://evil.example.com/owa", Values: good.Values}, sent: SentNothing, status: 302, problem: "instead of the redirect_uri"},
		"other sign-in":   {form: with("state", "x"), sent: SentNothing, status: 302, problem: "(state)"},
		"cloud refuses":   {form: with("error", "access_denied"), sent: SentNothing, status: 302, problem: "access_denied"},
		"no browser page": {err: errors.New("the page says no"), sent: SentNothing, status: 302, problem: "the page says no"},
	} {
		t.Run(name, func(t *testing.T) {
			all := c.SignIn(t.Context(), d, func(_ context.Context, address string) (Form, error) {
				if !strings.HasPrefix(address, "https://login.example.com/authorize?") || !strings.Contains(address, url.QueryEscape(owaState)) {
					t.Errorf("the browser was given %s", address)
				}
				return tc.form, tc.err
			})
			last := all[len(all)-1]
			if last.Sent != tc.sent || last.Status != tc.status || last.Accepted != tc.ok || !strings.Contains(last.Problem, tc.problem) || tc.problem == "" && last.Problem != "" {
				t.Errorf("%+v", last)
			}
			if tc.ok && (len(all) != 3 || last.AuthN != AuthNOpenID || !strings.Contains(all[1].Request, "Cookie: begun=a-secr...(24 characters)") || !strings.HasSuffix(last.Response, "signed in")) {
				t.Errorf("%+v", all)
			}
			for _, h := range all {
				for _, secret := range []string{owaState, owaToken, "a code that is a secret", "session-that-is-a-secret", "a-secret-of-this-browser"} {
					if kept := h.Request + h.Response + h.Redirect; strings.Contains(kept, secret) || strings.Contains(kept, url.QueryEscape(secret)) {
						t.Errorf("%q is kept:\n%s", secret, kept)
					}
				}
			}
		})
	}
}

func TestForge(t *testing.T) {
	c := owa(t)
	d := Door{Protocol: ECP, URL: "https://example.com/owa"}
	all := c.Forge(t.Context(), d, "token for another audience")
	if len(all) != 2 || all[1].Sent != SentAnswer || all[1].Status != 401 || all[1].Accepted || all[1].Problem != "" {
		t.Errorf("%+v", all)
	}
	if strings.Contains(all[1].Request, "token+for") || !strings.Contains(all[1].Request, "id_token=token+...(26 characters)") {
		t.Error(all[1].Request)
	}
	// A door that takes it has opened a session.
	if all = c.Forge(t.Context(), d, owaToken); !all[1].Accepted {
		t.Errorf("%+v", all[1])
	}
}

// What is no sign-in that began at the door gets no token.
func TestBeginRefuses(t *testing.T) {
	for name, tc := range map[string]struct{ location, problem string }{
		"page":       {"", "answers 200"},
		"plain http": {"http://login.example.com/", "redirects to http"},
		"other back": {"https://login.example.com/?redirect_uri=" + url.QueryEscape("https://evil.example.com/owa"), "not its own"},
		"circles":    {"/owa", "without end"},
	} {
		_, c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodGet || r.Host != "example.com" {
				t.Errorf("%s: %s %s", name, r.Method, r.Host)
			}
			if tc.location != "" {
				http.Redirect(w, r, tc.location, http.StatusFound)
			}
		})
		all := c.Forge(t.Context(), Door{Protocol: OWA, URL: "https://example.com/owa"}, "token")
		if len(all) != 1 || !strings.Contains(all[0].Problem, tc.problem) {
			t.Errorf("%s: %+v", name, all)
		}
	}
}

func TestPerson(t *testing.T) {
	token := func(claims string) Token {
		return Token{ID: "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + "."}
	}
	who, err := token(`{"aud":"Client","tid":"t","oid":"o","upn":"ines@contoso.com"}`).Person("client")
	if err != nil || who != (Person{"t", "o", "ines@contoso.com"}) {
		t.Error(who, err)
	}
	if who, err = token(`{"aud":"client","tid":"t","oid":"o","preferred_username":"ines@contoso.com"}`).Person("client"); err != nil || who.UPN != "ines@contoso.com" {
		t.Error(who, err)
	}
	for _, bad := range []Token{{}, {ID: "a.b"}, {ID: "a.%.c"}, token(`[]`), token(`{"aud":"another","tid":"t","oid":"o"}`), token(`{"aud":"client","tid":"t"}`), token(`{"aud":"client","oid":"o"}`)} {
		if who, err := bad.Person("client"); err == nil {
			t.Errorf("%q is %+v", bad.ID, who)
		}
	}
}
