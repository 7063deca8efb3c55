// Package adminapi runs cmdlets for callers over HTTP: GET /adminapi/v1/commands,
// POST /adminapi/v1/invoke and POST /adminapi/v1/lease, and once more in the form of Exchange
// Online's REST cmdlets, POST /adminapi/beta/{organization}/InvokeCommand. The same handler serves
// the admin socket, where being able to open it is the permission, and the HTTPS
// door, where a token names the caller: Options.Identify is the difference.
//
// It knows no cmdlet, and not what a role group may run or what is recorded of it: the
// registry does. It keeps nothing but who holds the lease. Start reading at New.
package adminapi
