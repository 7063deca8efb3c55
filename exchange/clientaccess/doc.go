// Package clientaccess is the HTTP front end of a server: it gives a request its
// id, matches the path to a virtual directory, has the credential checked,
// writes one record for each request, and hands over to a door. Limits on
// headers, bodies and time are set here, once.
//
// It knows no protocol behind a door. Start reading at Door.
package clientaccess
