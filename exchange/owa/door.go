package owa

import (
	_ "embed"
	"net/http"
	"strings"

	"hma/exchange/auth"
	"hma/exchange/auth/forms"
	"hma/exchange/auth/openid"
	"hma/exchange/clientaccess"
	"hma/internal/page"
)

// Door is the OWA door. It holds no state and serves any number of servers.
type Door struct {
	signIn forms.Either
	files  *Attachments
	lab    string
}

// New returns the door: people sign in through the cloud where the virtual directory is on
// OAuth, and by the form where it is on that. Without files it serves no attachments. lab is
// the line that says that this is a lab, "" in production.
func New(signIn *openid.SignIn, form *forms.SignIn, files *Attachments, lab string) *Door {
	return &Door{forms.Either{Cloud: signIn, Form: form}, files, lab}
}

//go:embed home.html
var homeText string

var (
	home    = page.MustParse(homeText)
	missing = page.MustParse(`<p>There is nothing at this address.</p>`)
)

// ServeDoor answers one request under /owa. The paths of sign-out are logoff.owa
// and auth/logoff.aspx; the page itself is the root.
func (d *Door) ServeDoor(w http.ResponseWriter, r *clientaccess.Request) {
	v := &openid.Visit{Request: r.Request, ID: r.ID, Rest: r.Rest, Snapshot: r.Snapshot, VirtualDirectory: r.VirtualDirectory,
		Frame: page.Frame{Product: "Outlook", Lab: d.lab}}
	if d.files != nil && clientaccess.IsAttachment(r.Rest) {
		d.files.serve(w, r, v.Frame)
		return
	}
	rest := strings.ToLower(r.Rest)
	id, operation, reason := d.signIn.Admit(w, v, r.Identity, "/logoff.owa", "/auth/logoff.aspx")
	r.Record.Begin(operation, false)
	if r.Identity, r.Record.Reason = id, reason; id == nil {
		return
	}
	v.Frame.User = name(r.Identity)
	if rest != "" && rest != "/" {
		v.Frame.Title, v.Frame.Narrow = "Not found", true
		_ = missing.Write(w, http.StatusNotFound, v.Frame, nil) // the connection is gone then
		return
	}
	r.Record.Begin("Home", false)
	v.Frame.Title = "Signed in"
	var messages []message
	if d.files != nil {
		var err error
		if messages, err = d.files.list(r); err != nil {
			d.files.Log.Error("attachments not listed", "id", r.ID, "error", err)
		}
	}
	p := r.Identity.Recipient
	_ = home.Write(w, http.StatusOK, v.Frame, struct {
		Name, Address, UPN, AuthN, Server, Host string
		Messages                                []message
	}{name(r.Identity), p.PrimarySMTP, p.UPN, r.Identity.AuthN, r.Snapshot.Server.Name, r.Host, messages})
}

func name(id *auth.Identity) string {
	if id.Recipient.DisplayName != "" {
		return id.Recipient.DisplayName
	}
	return id.Recipient.UPN
}
