package ecp

import (
	_ "embed"
	"net/http"
	"strings"

	"hma/exchange/auth"
	"hma/exchange/auth/forms"
	"hma/exchange/auth/openid"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/internal/page"
)

// Door is the ECP door. It holds no state and serves any number of servers.
type Door struct {
	signIn forms.Either
	lab    string
}

// New returns the door: people sign in through the cloud where the virtual directory is on
// OAuth, and by the form where it is on that. lab is the line that says that this is a lab,
// "" in production.
func New(signIn *openid.SignIn, form *forms.SignIn, lab string) *Door {
	return &Door{forms.Either{Cloud: signIn, Form: form}, lab}
}

//go:embed home.html
var homeText string

var (
	home    = page.MustParse(homeText)
	missing = page.MustParse(`<p>There is nothing at this address.</p>`)
)

// ServeDoor answers one request under /ecp. The path of sign-out is logoff.aspx;
// the page itself is the root. Everybody may see who she is here; Role tells an administrator.
func (d *Door) ServeDoor(w http.ResponseWriter, r *clientaccess.Request) {
	v := &openid.Visit{Request: r.Request, ID: r.ID, Rest: r.Rest, Snapshot: r.Snapshot, VirtualDirectory: r.VirtualDirectory,
		Frame: page.Frame{Product: "Exchange admin center", Lab: d.lab}}
	rest := strings.ToLower(r.Rest)
	id, operation, reason := d.signIn.Admit(w, v, r.Identity, "/logoff.aspx")
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
	p := r.Identity.Recipient
	_ = home.Write(w, http.StatusOK, v.Frame, struct{ Name, Address, UPN, Role, AuthN, Server, Host string }{
		name(r.Identity), p.PrimarySMTP, p.UPN, role(r.Identity), r.Identity.AuthN, r.Snapshot.Server.Name, r.Host})
}

func name(id *auth.Identity) string {
	if id.Recipient.DisplayName != "" {
		return id.Recipient.DisplayName
	}
	return id.Recipient.UPN
}

// role is the role group that counts here, as Get-RoleGroup names it.
func role(id *auth.Identity) string {
	for _, g := range []org.RoleGroup{org.OrganizationManagement, org.ViewOnlyManagement} {
		if id.Recipient.In(g) {
			return string(g)
		}
	}
	return "User"
}
