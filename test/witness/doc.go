// Package witness drives unmodified third-party clients against a lab
// organisation: each folder holds one client's script, this package's tests
// start the lab, point the script at it through the client's documented
// extension points, and read its lines.
//
// A test whose client is not installed is skipped with the exact reason; with
// HMA_WITNESS=all (make test, the gate) it fails instead, and with
// HMA_WITNESS=none nothing runs here. HMA_WITNESS_MESSAGES says how many messages
// go through DavMail (200). HMA_WITNESS_SECONDS names a file to which each script's
// seconds are added. HMA_SCREENSHOTS names a folder for pictures of every page that the browser sees. curl's golden answers lie in
// testdata and are rewritten by -update. Start reading at TestLab.
package witness
