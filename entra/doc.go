// Package entra is the cloud half's directory: tenants and their verified
// domains, people, applications and service principals, consent, signing keys,
// and what the token service must remember (refresh tokens, codes, sessions).
// It holds the rules beside the tables and the SQL that obey them.
//
// What is asked on every token request (tenants, service principals, clients,
// consent, keys) is one immutable [Snapshot] in memory under a generation that
// any write moves; people, passwords and tokens are looked up by index.
//
// It refuses to speak HTTP (entra/sts and entra/graph do), to tell a wrong
// password from an unknown person, to keep a password or a refresh token in
// clear, and to know anything of the on-premises half.
//
// Start reading at Open, then Snapshot, ServicePrincipal and Seed's functions
// in seed.go.
package entra
