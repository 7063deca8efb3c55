package sts

import (
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"hma/entra"
	"hma/wire/aadsts"
)

// answer ends a sign-in: the person's own tenant decides what the client gets,
// and the answer goes to the redirect URI, or a device is asked about.
func (s *service) answer(w http.ResponseWriter, r *http.Request, req *authorizeRequest, signIn entra.SignIn, user *entra.User) {
	if req.UserCode != "" {
		s.confirmDevice(w, r, req, user)
		return
	}
	snapshot, err := s.dir.Snapshot(r.Context())
	var tenant *entra.Tenant
	var client entra.Client
	var fields []field
	if err == nil {
		tenant, client, err = admit(snapshot, req, user)
	}
	if err == nil {
		if s.askConsent(w, r, req, tenant, client, user) {
			return
		}
		if req.ForAll {
			s.answerError(w, r, req, refuse(aadsts.ScopeInvalid, clip(req.Scopes))) // nothing that can be asked for
			return
		}
		fields, err = s.authorizeAnswer(r, req, snapshot, tenant, client, signIn, user)
	}
	if err != nil {
		if e, ok := err.(*Error); ok && (e.Code == aadsts.ReplyURLUnknown || e.Code == aadsts.ApplicationUnknown) {
			// The person's tenant does not know the address: nothing is sent there.
			s.showError(w, r, err, req.ClientName)
			return
		}
		s.answerError(w, r, req, err)
		return
	}
	newTrace(r, nil).header(w, r)
	s.send(w, r, req, fields)
}

// field is one parameter of an authorization response, in order.
type field struct{ Name, Value string }

// admit holds a request against the person's own tenant: it must be the one asked for, and know
// the client and its redirect URI.
func admit(snapshot *entra.Snapshot, req *authorizeRequest, user *entra.User) (*entra.Tenant, entra.Client, error) {
	tenant := snapshot.Tenant(user.Tenant)
	if own := snapshot.Tenant(req.Segment); tenant == nil || own != nil && own.ID != user.Tenant {
		return nil, entra.Client{}, refuse(aadsts.UserFromOtherTenant, user.UPN, req.Segment)
	}
	client, err := findClient(tenant, req.ClientID)
	if err != nil {
		return nil, entra.Client{}, err
	}
	if _, ok := client.Redirect(req.RedirectURI); !ok && req.UserCode == "" {
		return nil, entra.Client{}, refuse(aadsts.ReplyURLUnknown, clip(req.RedirectURI), client.AppID)
	}
	if client.SP.AssignmentRequired {
		return nil, entra.Client{}, refuse(aadsts.AssignmentRequired, client.DisplayName)
	}
	return tenant, client, nil
}

// authorizeAnswer makes the answer to a request that its person's tenant admits.
func (s *service) authorizeAnswer(r *http.Request, req *authorizeRequest, snapshot *entra.Snapshot, tenant *entra.Tenant, client entra.Client, signIn entra.SignIn, user *entra.User) ([]field, error) {
	kind, _ := client.Redirect(req.RedirectURI)
	asked, err := parseWish(req.Version, firstResource(req.Scopes, ""), req.Resource)
	if err != nil {
		return nil, err
	}
	// An ID token alone, or OWA's sign-in to itself, needs no permission on a resource.
	if req.Code && asked.resource != "" && !(req.IDToken && strings.EqualFold(asked.resource, client.AppID)) {
		if _, err := asked.delegated(tenant, client, user.ID); err != nil {
			return nil, err
		}
	} else if asked.resource != "" {
		if _, err := resource(tenant, asked.resource); err != nil {
			return nil, err
		}
	}
	if req.IDToken && !client.IDToken {
		return nil, refuse(aadsts.IDTokenDisabled, client.DisplayName)
	}
	var fields []field
	code := ""
	if req.Code {
		code, err = s.dir.IssueCode(r.Context(), entra.Code{SignIn: signIn, AppID: client.AppID, RedirectURI: req.RedirectURI, RedirectType: kind,
			Scopes: req.Scopes, Resource: req.Resource, Nonce: req.Nonce, Challenge: req.Challenge, ChallengeMethod: req.Method})
		if err != nil {
			return nil, err
		}
		fields = append(fields, field{"code", code})
	}
	if req.IDToken {
		g := grantee{tenant: tenant, client: client, signIn: signIn, user: user}
		token, err := s.idToken(snapshot, req.Version, g, req.Nonce, code, asked.email)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field{"id_token", token})
	}
	if req.ClientInfo {
		fields = append(fields, field{"client_info", clientInfo(user)})
	}
	if req.State != "" {
		fields = append(fields, field{"state", req.State})
	}
	return append(fields, field{"session_state", signIn.Session}), nil
}

// answerError sends a refusal to the redirect URI, which identify has found to be the client's.
func (s *service) answerError(w http.ResponseWriter, r *http.Request, req *authorizeRequest, err error) {
	if req.UserCode != "" {
		s.showError(w, r, err, req.ClientName)
		return
	}
	t := newTrace(r, nil)
	t.correlation = req.Correlation
	e := s.refusal(r.Context(), t, err)
	s.log.InfoContext(r.Context(), "authorization refused", "trace", t.id, "code", int(e.Code), "client", req.ClientID)
	d := s.describe(t, e)
	word := d.word
	if e.Code == aadsts.ConsentMissing {
		word = "consent_required" // at the token endpoint it is invalid_grant with this suberror
	}
	fields := []field{{"error", word}, {"error_description", d.text}, {"error_uri", s.origin + "/error?code=" + strconv.Itoa(int(e.Code))}}
	if e.Code == aadsts.ConsentDeclined {
		fields = append(fields, field{"error_subcode", "cancel"})
	}
	if req.State != "" {
		fields = append(fields, field{"state", req.State})
	}
	t.header(w, r)
	s.send(w, r, req, fields)
}

// formPost is OAuth 2.0 Form Post Response Mode. The script is one fixed line,
// so that a policy can name it by its hash; the button serves where scripts are off.
const formScript = "document.forms[0].submit()"

var (
	formPost = template.Must(template.New("form_post").Parse(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Working...</title></head><body>
<form method="post" action="{{.Action}}">
{{range .Fields}}<input type="hidden" name="{{.Name}}" value="{{.Value}}">
{{end}}<noscript><p>Scripts are off. Press the button to go on.</p><button type="submit">Continue</button></noscript>
</form><script>` + formScript + `</script></body></html>
`))
	formPolicy = func() string {
		sum := sha256.Sum256([]byte(formScript))
		return "default-src 'none'; base-uri 'none'; frame-ancestors 'none'; script-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}()
)

// send delivers the fields to the redirect URI in the mode that was asked for.
func (s *service) send(w http.ResponseWriter, r *http.Request, req *authorizeRequest, fields []field) {
	if req.Mode == "form_post" {
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		// No form-action: a plain-HTTP loopback listener is a proper target, and the address was checked.
		h.Set("Content-Security-Policy", formPolicy)
		action := template.URL(req.RedirectURI) // registered, and of a scheme that no script hides in
		if err := formPost.Execute(w, struct {
			Action template.URL
			Fields []field
		}{action, fields}); err != nil {
			s.log.WarnContext(r.Context(), "write form_post answer", "error", err)
		}
		return
	}
	var encoded strings.Builder
	for i, f := range fields {
		if i > 0 {
			encoded.WriteByte('&')
		}
		encoded.WriteString(url.QueryEscape(f.Name) + "=" + url.QueryEscape(f.Value))
	}
	separator := "#"
	if req.Mode == "query" {
		separator = "?"
		if strings.Contains(req.RedirectURI, "?") {
			separator = "&"
		}
	}
	w.Header().Set("Location", req.RedirectURI+separator+encoded.String())
	// 303: the browser must not repeat the posted password to the application.
	w.WriteHeader(http.StatusSeeOther)
}

// serveNativeClient is the blank page at the reply address of programs that read an embedded browser's address.
func (s *service) serveNativeClient(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
	w.Write([]byte("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Signed in</title></head><body></body></html>\n"))
}
