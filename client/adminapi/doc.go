// Package adminapi is the client of an organisation's Admin API: over the admin
// socket (Dial) or over HTTPS with an administrator's token (New). It lists and
// runs cmdlets and holds the procedure's lease. It formats nothing and retries nothing.
// Start reading at Client.
package adminapi
