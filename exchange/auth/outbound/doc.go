// Package outbound is how the organisation signs in elsewhere: with an assertion
// that its own OAuth certificate signs it gets a token from the cloud's token
// service, and calls a service with it, for itself or for one of its people
// (server-to-server OAuth).
//
// It speaks https only, follows no redirect, reads bounded answers, and writes no
// token to any log. It decides nothing about callers from outside; that is the
// package above it. Start reading at Client.Call, then Client.token.
package outbound
