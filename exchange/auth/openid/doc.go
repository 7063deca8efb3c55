// Package openid signs people in at the web pages of OWA and ECP: it sends the
// browser to the cloud (OpenID Connect Core 3.3, code id_token, form_post), takes
// the form that comes back, and keeps the session in a sealed cookie.
//
// State and session are in the browser, sealed under the key file, so that every
// server of the organisation that shares the key can go on where another began,
// and none keeps anything. It refuses a form whose state it did not seal, whose
// nonce is not in a cookie of the same browser, and whose token the validator
// refuses. A page here never tells more than the documented diagnostics.
//
// The answers: 302 to the cloud for a page without a session, 440 for a script
// without one, 303 back to the page after a sign-in. Refusals are plain pages: 400
// for a form without a state that was sealed here, out of date or not complete; 401
// with the diagnostics for an id_token that the validator refuses, and for a
// session whose person or AuthServer is gone or disabled; 403 for a nonce or c_hash that does not
// match, for an error that the cloud reports, for a session cookie that does not
// open, and for a person for whom the door is off; 503 while there is no AuthServer to send anybody to.
// Start reading at SignIn.Admit.
package openid
