// Package autodiscover is the door that tells a client where its protocols are.
// It answers version 2 (JSON over GET, anonymous) and the plain XML form (POX)
// in the Outlook and the mobilesync schema (MS-OXDSCLI, MS-ASCMD 2.2.1.1).
//
// It refuses to tell whether an address exists: version 2 answers for any
// address, and POX answers a caller about the caller's own mailbox only.
// Autodiscover never announces modern authentication; that is what the 401 of
// each protocol does. The SOAP form is answered with a fault. Start reading at
// Door.ServeDoor.
package autodiscover
