// Package oxcmail turns Internet mail into MAPI properties and back, as
// MS-OXCMAIL describes it: RFC 5322 headers, RFC 2045 to 2049 and RFC 2231 MIME.
//
// It reads a message once, from front to back. Attachments and long texts flow through
// to a function of the caller and are never held; headers and short texts are held,
// up to the limits that this package names. What a stranger wrote badly never
// makes a message unreadable: Read returns what it understood and says in
// Message.Damaged that there was more.
//
// It is pure: it stores nothing, asks no clock and makes no message ids. It does
// not judge meeting requests or signatures: a calendar part and a signature are
// attachments here.
//
// Start reading at Message and Read; Write is the other way.
package oxcmail
