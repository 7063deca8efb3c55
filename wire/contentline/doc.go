// Package contentline reads and writes the lines of iCalendar and of vCard, which have
// one grammar: a name, parameters and a value, folded (RFC 5545 3.1, RFC 6350 3.2,
// RFC 2425 5.8). What it reads may be of version 1.0 of either: quoted-printable and
// parameters without a name.
//
// It knows nothing of components and of what names mean, and reads strings that the
// caller has bounded. Start reading at Lines, Parse and Write.
package contentline
