// Package roles turns a configuration into running listeners: the cloud half,
// one front end a server, mail in, the admin socket. It opens the three
// databases, wires the packages of both halves together, and drains them. It is
// the one place, beside lab and testenv, that sees both halves.
//
// It decides nothing: what the organisation is, the lab or an operator says.
// Start reading at Open, then ServeServer.
package roles
