package signin

import (
	"embed"
	"log/slog"
	"net/http"

	"hma/entra/sts"
	"hma/internal/page"
)

//go:embed *.html
var files embed.FS

var (
	signIn  = page.MustParseFS(files, "signin.html")
	device  = page.MustParseFS(files, "device.html")
	consent = page.MustParseFS(files, "consent.html")
	problem = page.MustParseFS(files, "error.html")
	done    = page.MustParseFS(files, "done.html")
)

// Pages draws the pages. It is safe for concurrent use.
type Pages struct {
	lab string
	log *slog.Logger
}

var _ sts.SignInPages = (*Pages)(nil)

// New returns the pages. lab is the line that says this is a lab, shown on each
// of them; "" in production.
func New(lab string, log *slog.Logger) *Pages { return &Pages{lab, log} }

// frame is what surrounds every page: one card, under the name of whom one signs in to.
func (p *Pages) frame(title, product string) page.Frame {
	if product == "" {
		product = "Sign-in service"
	}
	return page.Frame{Title: title, Product: product, Narrow: true, Lab: p.lab}
}

func (p *Pages) write(w http.ResponseWriter, t *page.Template, status int, f page.Frame, data any) {
	if err := t.Write(w, status, f, data); err != nil {
		p.log.Debug("page not sent", "page", f.Title, "error", err)
	}
}

// ServeSignIn asks for a name and a password, or whether to go on as somebody who is signed in.
func (p *Pages) ServeSignIn(w http.ResponseWriter, _ *http.Request, in sts.SignInPage) {
	f := p.frame("Sign in", in.TenantName)
	f.FormAction = []string{in.FormTarget}
	p.write(w, signIn, in.Status, f, in)
}

// ServeDevice asks for the code that a device shows, or whether that device may sign in.
func (p *Pages) ServeDevice(w http.ResponseWriter, _ *http.Request, in sts.DevicePage) {
	title := "Enter the code"
	if in.Step == sts.DeviceConfirm {
		title = "Is this your device?"
	}
	p.write(w, device, in.Status, p.frame(title, ""), struct {
		sts.DevicePage
		Confirm bool
	}{in, in.Step == sts.DeviceConfirm})
}

// ServeConsent lists what an application asks to be let do, or says that an administrator must decide.
func (p *Pages) ServeConsent(w http.ResponseWriter, _ *http.Request, in sts.ConsentPage) {
	title := "Permissions requested"
	if in.NeedsAdmin {
		title = "An administrator must approve"
	}
	f := p.frame(title, in.TenantName)
	f.FormAction = []string{in.FormTarget}
	p.write(w, consent, in.Status, f, in)
}

// ServeError shows what went wrong, what it means and what to do.
func (p *Pages) ServeError(w http.ResponseWriter, _ *http.Request, in sts.ErrorPage) {
	p.write(w, problem, in.Status, p.frame("Sign-in did not work", ""), in)
}

// endings are the words of ServeDone.
var endings = map[sts.DoneKind]struct{ Title, Text string }{
	sts.DoneSignedOut:     {"You are signed out", "Close the other windows in which you were signed in, too."},
	sts.DoneDeviceAllowed: {"Your device goes on", "You can close this window and return to the device."},
	sts.DoneDeviceRefused: {"The device was refused", "Nobody was signed in on it. You can close this window."},
}

// ServeDone ends a conversation.
func (p *Pages) ServeDone(w http.ResponseWriter, _ *http.Request, in sts.DonePage) {
	end := endings[in.Kind]
	p.write(w, done, in.Status, p.frame(end.Title, ""), end.Text)
}
