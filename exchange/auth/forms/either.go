package forms

import (
	"net/http"
	"slices"
	"strings"

	"hma/exchange/auth"
	"hma/exchange/auth/openid"
)

// Either signs people in as the virtual directory says: through the cloud where it is on
// OAuth, by the form otherwise.
type Either struct {
	Cloud *openid.SignIn
	Form  *SignIn
}

// Admit returns who is signed in. header is whom a credential in the request's own header has
// let in, nil for nobody; signOut are the paths of sign-out behind the virtual directory, in
// lower case, the first the one that the page leads to. When nobody is signed in it has
// answered the request itself and returns nil. operation and reason are for the record.
func (e Either) Admit(w http.ResponseWriter, v *openid.Visit, header *auth.Identity, signOut ...string) (id *auth.Identity, operation, reason string) {
	oauth, leaving := v.VirtualDirectory.OAuth(), slices.Contains(signOut, strings.ToLower(v.Rest))
	if oauth {
		e.Form.Drop(w, v) // a session of before the switch ends with it
	}
	switch {
	case oauth && leaving:
		e.Cloud.SignOut(w, v)
		return nil, "SignOut", ""
	case oauth:
		id, reason = e.Cloud.Admit(w, v)
	case header != nil: // with each request
		return header, "", ""
	case leaving:
		return nil, "SignOut", e.Form.SignOut(w, v)
	default:
		id, reason = e.Form.Admit(w, v)
	}
	v.Frame.SignOut = v.VirtualDirectory.Path + signOut[0]
	return id, "SignIn", reason
}
