// Package auth turns a credential into an Identity, or into one complete set of
// challenges. It holds the one validator of bearer tokens that every door uses,
// the challenges and their diagnostics, the keys of the AuthServers' metadata,
// and the authentication policies. It fails closed and never tells more than the
// documented diagnostics texts.
//
// Windows authentication is NTLMv2, bare or inside Negotiate, without Kerberos: its
// handshake hangs on a Connection. It refuses to speak HTTP beyond reading an
// Authorization header and naming the headers of a 401. Start reading at Identity, then Authenticator.
package auth
