package mail

import "net/url"

// Handshake is one request to a door and its answer.
type Handshake struct {
	Door Door `json:"door"`
	// Sent says what the request carried: one of the Sent words.
	Sent   string `json:"sent"`
	Status int    `json:"status"` // HTTP status; 0 when there was no answer
	// Offered are the authentication schemes of the WWW-Authenticate lines, in the order of
	// the answer, or FBA where a page of OWA or ECP asks for a password.
	Offered []string `json:"offered,omitempty"`
	// Challenges are the WWW-Authenticate lines of the door's last answer, as they came.
	Challenges []string `json:"challenges,omitempty"`
	// AuthorizationURI is where the Bearer challenge sends the client, "" when modern authentication is not offered.
	AuthorizationURI string `json:"authorization_uri,omitempty"`
	// Diagnostics is the x-ms-diagnostics line.
	Diagnostics string `json:"diagnostics,omitempty"`
	// Redirect is where an OWA or ECP door sent the browser, secrets cut down, and
	// RedirectURI the redirect_uri in it.
	Redirect    string `json:"redirect,omitempty"`
	RedirectURI string `json:"redirect_uri,omitempty"`
	// SignInPage is the HTTP status of the cloud's page behind Redirect, 0 when it was not fetched.
	SignInPage int `json:"sign_in_page,omitempty"`
	// SignInError is the AADSTS code that the cloud's page shows, "" when it shows none.
	SignInError string `json:"sign_in_error,omitempty"`
	// Cookies are the cookies that an OWA or ECP door set on the way, values cut down.
	Cookies []string `json:"cookies,omitempty"`
	// AuthN is how the door would list in Connection Status: one of the AuthN values, or
	// the schemes that were offered.
	AuthN string `json:"authn"`
	// Accepted tells that the door took the credential (any answer but 401 and 403). An OWA
	// or ECP door takes a sign-in's answer by setting a cookie, and a session by showing its page (2xx).
	Accepted bool `json:"accepted"`
	// Problem says why there is no answer, what in it is not the protocol's, or why
	// the browser could not go on from it.
	Problem string `json:"problem,omitempty"`
	// Request and Response are the bytes of the exchange, secrets cut down; a long body is cut.
	Request  string `json:"request"`
	Response string `json:"response,omitempty"`

	body  []byte
	logon *url.URL // the page of OWA or ECP that asks for a password, when that was the end of the way
}

// What a Handshake's Sent says.
const (
	SentNothing     = "nothing"
	SentEmptyBearer = "empty bearer"
	SentToken       = "token"
	SentPassword    = "password"
	SentAnswer      = "answer of the sign-in" // the form that a browser posts to OWA or ECP
	SentSession     = "session"               // the cookies of a browser that is signed in
)

// AuthN values that are no list of schemes.
const (
	AuthNBearer    = "Bearer*"
	AuthNBasic     = "Basic*"
	AuthNNTLM      = "NTLM"
	AuthNNegotiate = "Nego*" // NTLM inside Negotiate
	AuthNForms     = "FBA"   // the form of OWA and ECP
	AuthNOpenID    = "OpenID"
)
