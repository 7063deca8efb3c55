// Package openid signs people in at the web pages of OWA and ECP: it sends the
// browser to the cloud (OpenID Connect Core 3.3, code id_token, form_post), takes
// the form that comes back, and keeps the session in a sealed cookie.
//
// State and session are in the browser, sealed under the key file, so that every
// server of the organisation that shares the key can go on where another began,
// and none keeps anything. It refuses a form whose state it did not seal, whose
// nonce is not in a cookie of the same browser, and whose token the validator
// refuses. A page here never tells more than the documented diagnostics.
// Start reading at SignIn.Admit.
package openid
