// Package mail speaks to a mail server from outside, as a mail client does: it
// finds the doors of an address by Autodiscover, probes a door with an empty
// bearer token, signs in where the challenge says, presents what it got, and
// tells how each door took it, as Outlook's Connection Status window does.
//
// Every exchange with a door is a [Handshake] that keeps the bytes of request
// and response, with tokens, passwords and cookies cut down to their first
// characters and length. A sign-in at OWA or ECP is a row of them: SignIn with
// the cloud's own answer, Forge with one that the cloud did not give.
//
// It refuses to judge a configuration (the procedure does), to follow a
// redirect with a credential, and to trust any certificate but those under the
// roots it was given. Start reading at New, then Probe, Present and Connect.
package mail
