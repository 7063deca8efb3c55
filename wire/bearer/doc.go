// Package bearer is what the bearer handshake of Exchange looks like on the wire:
// the challenges of WWW-Authenticate (RFC 9110 11.6.1) as the front end writes
// them and a client reads them, and the x-ms-diagnostics header with the table
// of its codes.
//
// It judges no token and knows no configuration. Reading is tolerant, because
// intermediaries add challenges of their own; writing never puts a character on
// the wire that would end a quoted value. Start reading at Challenge, then Diagnostics.
package bearer
