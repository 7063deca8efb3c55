package page

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	content := MustParse(`<p class="error">{{.}}</p>`)
	w := httptest.NewRecorder()
	err := content.Write(w, http.StatusForbidden, Frame{Title: "Sign <in>", Product: "Outlook", User: "jane@contoso.com", SignOut: "/owa/logoff.owa",
		Lab: "This is a lab.", FormAction: []string{"https://mail.contoso.com", "bad; script-src *"}}, `<script>alert(1)</script>`)
	if err != nil {
		t.Fatal(err)
	}
	body := w.Body.String()
	if w.Code != http.StatusForbidden || strings.Contains(body, "<script") {
		t.Errorf("status %d, body %s", w.Code, body)
	}
	for _, want := range []string{"Sign &lt;in&gt;", "This is a lab.", "jane@contoso.com", `href="/owa/logoff.owa"`, "&lt;script&gt;"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in %s", want, body)
		}
	}
	csp := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(csp, "form-action 'self' https://mail.contoso.com") || strings.Contains(csp, "script-src") {
		t.Errorf("policy %s", csp)
	}
}

// The hashes of the policy must be those of what stands in the page, or browsers show it bare.
func TestInlineIsAdmitted(t *testing.T) {
	w := httptest.NewRecorder()
	if err := MustParse(`<form method="post"></form>`).Write(w, http.StatusOK, Frame{Title: "x", AutoSubmit: true}, nil); err != nil {
		t.Fatal(err)
	}
	csp := w.Header().Get("Content-Security-Policy")
	for _, inline := range regexp.MustCompile(`(?s)<(?:style|script)>(.*?)</`).FindAllStringSubmatch(w.Body.String(), -1) {
		if !strings.Contains(csp, source(inline[1])) {
			t.Errorf("not admitted: %.60s", inline[1])
		}
	}
}

func TestWriteFailsBeforeSending(t *testing.T) {
	w := httptest.NewRecorder()
	err := MustParse(`{{.Missing}}`).Write(w, http.StatusOK, Frame{}, struct{}{})
	if err == nil || w.Body.Len() != 0 || w.Header().Get("Content-Type") != "" {
		t.Errorf("error %v, body %q", err, w.Body)
	}
}

type broken struct{ http.ResponseWriter }

func (broken) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteReportsConnection(t *testing.T) {
	err := MustParse(``).Write(broken{httptest.NewRecorder()}, http.StatusOK, Frame{}, nil)
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error %v", err)
	}
}

func TestParseRefuses(t *testing.T) {
	if _, err := Parse(`{{`); err == nil {
		t.Error("no error")
	}
}
