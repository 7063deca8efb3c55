// Package forms signs people in at OWA and ECP by a page of their own
// (forms-based authentication, FormsAuthentication of the two virtual directories): a
// browser without a session is sent to logon.aspx, whose form posts user name and
// password to auth.owa, and a sealed cookie is the session, for both doors.
//
// It works without a script, holds no state, and sends nobody to another host or out of
// the virtual directory. It refuses a form that another site has the browser post. Start
// reading at Either.Admit and SignIn.Admit.
package forms
