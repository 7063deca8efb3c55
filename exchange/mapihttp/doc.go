// Package mapihttp is the MAPI over HTTP door (MS-OXCMAPIHTTP): the transport
// with its session contexts for the two endpoints /mapi/emsmdb/ and /mapi/nspi/.
//
// It refuses to know what a ROP does: a request type whose content it does not
// serve is answered with the protocol's own code, never with made-up content.
// A context belongs to one mailbox and one front end and is lost with it, which
// clients answer by connecting again. Start reading at Door.ServeDoor, then
// sessions.
package mapihttp
