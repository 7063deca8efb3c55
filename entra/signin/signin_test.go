package signin

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hma/entra/sts"
)

const hostile = `"><script>alert(1)</script>`

func TestPages(t *testing.T) {
	p := New("This is a lab.", slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		name  string
		serve func(http.ResponseWriter, *http.Request)
		want  []string
		never []string
		csp   string
	}{
		{"sign in", func(w http.ResponseWriter, r *http.Request) {
			p.ServeSignIn(w, r, sts.SignInPage{Action: "/common/login", Flow: "f1", FormTarget: "https://mail.contoso.com", ClientName: "Outlook",
				TenantName: "Contoso", Username: "alice@contoso.com", ErrorText: "Wrong password.", Status: 200})
		}, []string{`action="/common/login"`, `name="flow" value="f1"`, `name="login"`, `value="alice@contoso.com"`, `name="passwd"`, `name="stay"`, "Outlook", "Contoso", "Wrong password.", "This is a lab."},
			[]string{"Continue as"}, "form-action 'self' https://mail.contoso.com"},
		{"somebody is signed in", func(w http.ResponseWriter, r *http.Request) {
			p.ServeSignIn(w, r, sts.SignInPage{Action: "/x", SignedIn: "alice@contoso.com", Status: 200})
		}, []string{"Continue as alice@contoso.com", `name="do" value="continue"`}, nil, "form-action 'self'"},
		{"hostile text", func(w http.ResponseWriter, r *http.Request) {
			p.ServeSignIn(w, r, sts.SignInPage{Action: "/x", ClientName: hostile, Username: hostile, ErrorText: hostile, Status: 400})
		}, nil, []string{"<script>"}, ""},
		{"device code", func(w http.ResponseWriter, r *http.Request) {
			p.ServeDevice(w, r, sts.DevicePage{Action: "/d", UserCode: "ABC", ErrorText: "No such code.", Status: 200})
		}, []string{`name="usercode"`, `value="ABC"`, "No such code."}, []string{`name="flow"`}, ""},
		{"device", func(w http.ResponseWriter, r *http.Request) {
			p.ServeDevice(w, r, sts.DevicePage{Step: sts.DeviceConfirm, Action: "/d", Flow: "f2", ClientName: "Mail", Username: "bob@contoso.com", Status: 200})
		}, []string{`value="f2"`, "Mail", "bob@contoso.com", `value="continue"`, `value="cancel"`}, []string{`name="usercode"`}, ""},
		{"consent", func(w http.ResponseWriter, r *http.Request) {
			p.ServeConsent(w, r, sts.ConsentPage{Action: "/common/consent", Flow: "f3", FormTarget: "http://localhost:1234", ClientName: "Tools" + hostile, ClientID: "14d8", TenantName: "Contoso", Username: "ines@contoso.com",
				Resource: "Microsoft Graph", Microsoft: true, Permissions: []sts.Permission{{Value: "Application.ReadWrite.All", Text: "Read and change all applications", Admin: true}}, ForAll: true, Status: 200})
		}, []string{`action="/common/consent"`, `value="f3"`, "Tools", "ines@contoso.com", "Read and change all applications", "Application.ReadWrite.All", "Microsoft Graph", `name="all"`, `value="accept"`, `value="cancel"`}, []string{"<script>", `value="other"`}, "form-action 'self' http://localhost:1234"},
		{"consent of a person", func(w http.ResponseWriter, r *http.Request) {
			p.ServeConsent(w, r, sts.ConsentPage{Action: "/x", ClientName: "Mail", Permissions: []sts.Permission{{Value: "Mail.Read", Text: "Read your mail"}}, Status: 200})
		}, []string{"Read your mail", `value="accept"`}, []string{`name="all"`}, "form-action 'self'"},
		{"administrator wanted", func(w http.ResponseWriter, r *http.Request) {
			p.ServeConsent(w, r, sts.ConsentPage{Action: "/x", ClientName: "Tools", NeedsAdmin: true, Permissions: []sts.Permission{{Value: "Directory.Read.All", Text: "Read the directory", Admin: true}}, Status: 200})
		}, []string{"An administrator must approve", "Read the directory", `value="other"`, `value="cancel"`}, []string{`value="accept"`}, ""},
		{"error", func(w http.ResponseWriter, r *http.Request) {
			p.ServeError(w, r, sts.ErrorPage{Code: 50011, Text: "No such reply URL " + hostile, Explain: "why", Fix: "do", TraceID: "t", CorrelationID: "c", Time: time.Unix(0, 0), Status: 400})
		}, []string{"AADSTS50011", "why", "What to do", "1970-01-01 00:00:00Z"}, []string{"<script>"}, ""},
		{"signed out", func(w http.ResponseWriter, r *http.Request) {
			p.ServeDone(w, r, sts.DonePage{Kind: sts.DoneSignedOut, Status: 200})
		}, []string{"You are signed out"}, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			c.serve(w, httptest.NewRequest("GET", "/", nil))
			body, _ := io.ReadAll(w.Body)
			for _, want := range c.want {
				if !strings.Contains(string(body), want) {
					t.Errorf("no %q in the page:\n%s", want, body)
				}
			}
			for _, never := range c.never {
				if strings.Contains(string(body), never) {
					t.Errorf("%q in the page:\n%s", never, body)
				}
			}
			if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, c.csp) || strings.Contains(csp, "unsafe") {
				t.Errorf("policy %q, want %q in it", csp, c.csp)
			}
		})
	}
}
