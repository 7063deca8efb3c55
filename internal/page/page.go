package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
)

//go:embed page.css
var css string

//go:embed frame.html
var frame string

// submit is the whole script of a page with Frame.AutoSubmit.
const submit = "document.forms[0].submit()"

var base = template.Must(template.New("frame").Parse(frame))

// Template is the content of one page, to be shown in the frame.
type Template struct {
	content *template.Template
}

// Parse reads the content of a page: an html/template text. Inside it the data
// given to Write is the dot. It is an error if the text does not parse.
func Parse(text string) (*Template, error) {
	t, err := base.Clone()
	if err == nil {
		_, err = t.New("content").Parse(text)
	}
	if err != nil {
		return nil, fmt.Errorf("parse page: %w", err)
	}
	return &Template{t}, nil
}

// MustParse is Parse for texts that the program carries; it panics on an error.
func MustParse(text string) *Template {
	t, err := Parse(text)
	if err != nil {
		panic(err)
	}
	return t
}

// MustParseFS is MustParse for a file, usually embedded.
func MustParseFS(files fs.FS, name string) *Template {
	text, err := fs.ReadFile(files, name)
	if err != nil {
		panic(err)
	}
	return MustParse(string(text))
}

// Frame is what surrounds the content of a page.
type Frame struct {
	// Title is the page's title, in the window's tab and as its heading.
	Title string
	// Product stands at the top, for example "Outlook on the web".
	Product string
	// User is who is signed in, shown at the top right; "" shows nobody.
	User string
	// SignOut is the address of the sign-out link beside User; "" shows none.
	SignOut string
	// Narrow sets the content in one card in the middle, for sign-in and error pages.
	Narrow bool
	// Lab is the line that says this is a lab, shown on top; "" for production.
	Lab string
	// FormAction are the sources that a form of the page may submit to beyond the
	// page's own origin, as Content-Security-Policy writes them, for example
	// "https://mail.contoso.com". Browsers apply the list to redirects as well, so
	// a sign-in form needs the client's origin here. Values with a blank, a comma or a semicolon are left out.
	FormAction []string
	// Style is a further style sheet of this page alone.
	Style string
	// AutoSubmit adds the script that submits the page's first form (form_post).
	AutoSubmit bool
}

type view struct {
	Frame
	CSS    template.CSS
	Extra  template.CSS
	Script template.JS
	Policy string // of a file, which has no headers
	Data   any
}

// Write renders the page with its security headers and sends it with the status.
// The page is rendered before anything is sent: when it fails, nothing was
// written and the caller can still answer otherwise. An error of the connection is returned as well.
func (t *Template) Write(w http.ResponseWriter, status int, f Frame, data any) error {
	out, err := t.render(view{Frame: f, Data: data})
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	h.Set("Content-Security-Policy", policy(f))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, err = w.Write(out.Bytes())
	return err
}

// File renders the page for a file: with the same limits on what it may load, which
// stand in the page itself.
func (t *Template) File(f Frame, data any) ([]byte, error) {
	rules, _, _ := strings.Cut(policy(f), "; frame-ancestors") // which only a header can say
	out, err := t.render(view{Frame: f, Policy: rules + "; form-action 'none'", Data: data})
	if err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func (t *Template) render(v view) (*bytes.Buffer, error) {
	v.CSS, v.Extra = template.CSS(css), template.CSS(v.Style)
	if v.AutoSubmit {
		v.Script = submit
	}
	var out bytes.Buffer
	if err := t.content.ExecuteTemplate(&out, "frame", v); err != nil {
		return nil, fmt.Errorf("render page %q: %w", v.Title, err)
	}
	return &out, nil
}

var (
	cssSource    = source(css)
	submitSource = source(submit)
)

// source is the hash source of an inline text (Content Security Policy 3, 2.3.1).
func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

func policy(f Frame) string {
	var b strings.Builder
	b.WriteString("default-src 'none'; style-src " + cssSource)
	if f.Style != "" {
		b.WriteString(" " + source(f.Style))
	}
	if f.AutoSubmit {
		b.WriteString("; script-src " + submitSource)
	}
	b.WriteString("; base-uri 'none'; frame-ancestors 'none'; form-action 'self'")
	for _, action := range f.FormAction {
		if action != "" && !strings.ContainsAny(action, " \t\r\n,;'\"") {
			b.WriteString(" " + action)
		}
	}
	return b.String()
}
