// Package signin draws the pages of the cloud half: sign-in, consent, device codes,
// errors and ends. It holds no state and checks nothing: a page is a form that
// posts to the token service, which verifies and decides (hma/entra/sts).
//
// Start reading at New.
package signin
