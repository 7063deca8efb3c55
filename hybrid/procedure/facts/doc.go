// Package facts reads what the rules judge and the steps change, once, into
// typed values: servers, virtual directories (the AD copy beside what the
// server runs), AuthServers, the organisation's switches, certificates, the
// Exchange service principal and the people of both halves.
//
// It refuses to judge. What could not be read stands in Unread with the reason;
// a fact is never guessed. Start reading at Facts, then Read.
package facts
