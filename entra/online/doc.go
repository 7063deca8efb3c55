// Package online is the small end of Exchange Online: what a mail server on
// premises calls when it tests OAuth or asks for the free/busy time of somebody
// in the cloud. It answers SOAP Autodiscover's GetUserSettings and Exchange Web
// Services behind a token that this cloud signed.
//
// There are no mailboxes in this cloud, and the answers say so as Exchange Online
// does for people without one. It refuses tokens of other tenants, of other
// issuers, for other audiences, and an actor's word for a person whom the actor's
// tenant does not have.
//
// Start reading at New, then authenticate in token.go.
package online
