// Package adminapi runs cmdlets for callers over HTTP: GET /adminapi/v1/commands,
// POST /adminapi/v1/invoke and POST /adminapi/v1/lease. The same handler serves
// the admin socket, where being able to open it is the permission, and the HTTPS
// door, where a token names the caller: Options.Identify is the difference.
//
// It knows no cmdlet and keeps nothing but who holds the lease. Start reading at New.
package adminapi
