package sts

import (
	"net/http"
	"time"

	"hma/wire/aadsts"
)

// SignInPages draws what a person sees while signing in. Every method writes a
// whole answer. Text in the structs is plain and comes from outside: a page
// escapes it. Implementations are safe for concurrent use.
type SignInPages interface {
	// ServeSignIn asks for credentials.
	ServeSignIn(w http.ResponseWriter, r *http.Request, p SignInPage)
	// ServeDevice asks for a user code, or whether a device may sign in.
	ServeDevice(w http.ResponseWriter, r *http.Request, p DevicePage)
	// ServeConsent asks whether an application may do what it asks for, or says that an administrator must.
	ServeConsent(w http.ResponseWriter, r *http.Request, p ConsentPage)
	// ServeError shows an error that must not go to the application.
	ServeError(w http.ResponseWriter, r *http.Request, p ErrorPage)
	// ServeDone ends a conversation: signed out, or a device may go on.
	ServeDone(w http.ResponseWriter, r *http.Request, p DonePage)
}

// Names and values of the form fields that pages post.
const (
	FieldFlow     = "flow"     // the hidden flow token, as it was given
	FieldLogin    = "login"    // user principal name
	FieldPassword = "passwd"   // password
	FieldStay     = "stay"     // "1": keep the session when the browser closes
	FieldDo       = "do"       // what a button means: one of the Do constants, or empty to sign in
	FieldUserCode = "usercode" // on the device page: what the device shows
	FieldForAll   = "all"      // on the consent page, "1": for everybody of the organisation

	DoCancel   = "cancel"   // give up, or refuse the device
	DoContinue = "continue" // go on as SignedIn, or allow the device
	DoAccept   = "accept"   // consent
	DoOther    = "other"    // sign in with another account
)

// SignInPage is what ServeSignIn needs to know.
type SignInPage struct {
	Action        string      // POST target, a path on this origin
	Flow          string      // value of the hidden field FieldFlow
	FormTarget    string      // where the answer finally goes (scheme://host[:port] or scheme:), for Content-Security-Policy form-action; empty: nowhere else
	ClientName    string      // verified display name of the application
	TenantName    string      // display name of the tenant; empty while it is not known
	Username      string      // to be filled in: login_hint or what was typed
	UsernameKnown bool        // the name was posted: ask for the password
	SignedIn      string      // user principal name of the session that could be used; empty without
	Error         aadsts.Code // 0, or why the last attempt failed
	ErrorText     string      // Error in one sentence
	Status        int         // HTTP status to answer with
}

// DeviceStep says what the device page asks.
type DeviceStep int

// The two steps of a device code before and after signing in.
const (
	DeviceEnterCode DeviceStep = iota
	DeviceConfirm
)

// DevicePage is what ServeDevice needs to know.
type DevicePage struct {
	Step       DeviceStep
	Action     string // POST target
	Flow       string // value of FieldFlow; empty in the first step
	UserCode   string // what was typed, to be filled in again
	ClientName string // application on the device; second step only
	Username   string // who would sign in on the device; second step only
	Error      aadsts.Code
	ErrorText  string
	Status     int
}

// Permission is one thing that an application asks to be let do.
type Permission struct {
	Value string // Application.ReadWrite.All
	Text  string // in words
	Admin bool   // only an administrator may consent
}

// ConsentPage is what ServeConsent needs to know.
type ConsentPage struct {
	Action      string // POST target
	Flow        string // value of FieldFlow
	FormTarget  string // as of a SignInPage
	ClientName  string // verified display name of the application
	ClientID    string
	Microsoft   bool // the application is one of Microsoft's
	TenantName  string
	Username    string       // user principal name of who is asked
	Resource    string       // display name of what the permissions are for
	Permissions []Permission // of the resource
	Basics      []Permission // openid, profile, email, offline_access
	NeedsAdmin  bool         // the person may not consent to all of it
	Everybody   bool         // it is asked for everybody of the organisation, not for the person
	ForAll      bool         // the person may consent for everybody of the organisation
	Status      int
}

// ErrorPage is what ServeError needs to know.
type ErrorPage struct {
	Code          aadsts.Code
	Text          string // one sentence with what was asked for in it
	Explain, Fix  string // from the table of codes
	ClientName    string // empty when the application is not known
	TraceID       string
	CorrelationID string
	Time          time.Time
	Status        int
}

// DoneKind says what ended.
type DoneKind int

// What ServeDone tells.
const (
	DoneSignedOut DoneKind = iota
	DoneDeviceAllowed
	DoneDeviceRefused
)

// DonePage is what ServeDone needs to know.
type DonePage struct {
	Kind       DoneKind
	ClientName string
	Status     int
}
