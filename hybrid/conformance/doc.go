// Package conformance judges any mail server from outside by what Hybrid Modern
// Authentication asks of one on the wire: TLS, challenges, refusals, Autodiscover, the
// redirects of OWA and ECP, and, with somebody who signs in, whether a token is taken.
// It is for the administrator of a server that no lab runs, and for authors of other
// servers and gateways: each requirement has a number, a level and the clause that asks for it.
//
// It asks and never writes: the requests are those with which a mail client
// begins. It sends a token to the host alone for which it was issued, follows no redirect with one, and
// bounds what it reads and how long it waits. It knows nothing of the organisation
// behind the server. Start reading at Requirements, then Run.
package conformance
