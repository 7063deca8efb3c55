// Package sts is the token service: the OAuth 2.0 and OpenID Connect endpoints
// of the cloud half, v1 (resource=) and v2.0 (scope=), with tenants by path, and
// the metadata documents that both clients and mail servers read.
//
// The way of a token: token.go parses the form once into a tokenRequest; the
// grant's own file (grant_*.go) decides who it is for; target.go decides the
// audience by the tenant's servicePrincipalNames; issue.go signs. The way of a
// sign-in: authorize.go validates the whole request first, login.go verifies
// the credentials and ends in answer.go. Errors are values (Error) with a code
// of wire/aadsts and become JSON, a redirect or a page at the edge only.
//
// It refuses to send anything to a redirect URI that is not registered, to
// issue a token for a resource that nobody registered, personal accounts, and
// parameters that are sent twice. It draws no page that a person looks at:
// [SignInPages] does.
//
// # How sign-in pages plug in
//
// A page is a form that posts back here; credentials, cookies and sessions
// never leave this package. When authorize needs a person it calls
// ServeSignIn with a [SignInPage]. The page shows a form with
//
//	<form method="post" action="{Action}">
//	<input type="hidden" name="flow" value="{Flow}">      FieldFlow: sealed, bound to this browser by a cookie
//	<input name="login" value="{Username}">               FieldLogin: user principal name
//	<input type="password" name="passwd">                 FieldPassword
//	<input type="checkbox" name="stay" value="1">         FieldStay: stay signed in
//
// and submits it. With a wrong password ServeSignIn is called again with Error
// set. A page may ask for the name first: a post with a login and no passwd
// comes back with UsernameKnown true. The button that gives up sends
// do=cancel, the one that goes on as SignedIn sends do=continue (FieldDo).
// ServeDevice is the same for device codes, ServeError and ServeDone end a
// conversation. The cookies are set before a page is called; a page sets its
// own headers (Content-Security-Policy with form-action 'self' and FormTarget,
// X-Frame-Options DENY, Cache-Control is set already) and the status, which the
// struct carries.
//
// Start reading at New, then token.go.
package sts
