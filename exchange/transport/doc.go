// Package transport moves mail: into mailboxes (delivery, LMTP, import) and out
// of a person's hands (submission).
//
// Deliver is the one path into an inbox; LMTP, submission, reports and the lab
// use it. A message is acknowledged for a recipient when the store's write is
// durable, and then it is in that mailbox exactly once. The message is kept byte
// for byte beside the properties that oxcmail reads from it.
//
// Submission is one write in the sender's mailbox (Departure): what becomes of the item
// that is sent, or what a meeting message tells of, and a row for each mailbox that gets
// it. Then the rows are delivered as any that wait; so a crash neither loses nor
// doubles it, and of two requests to send one item one wins.
//
// Before the message is written the rules of its folder decide where it goes and
// what is made of it (MS-OXORULE). What they send on, and that the owner is out of
// office, is written with it in one transaction, and ends in the one that delivers it
// (outgoing.go): a crash loses none of it and sends none twice. Receipts go the same
// way (receipt.go), written by the store when a message is read or deleted unread.
// A rule in error never costs the message: then it is in the inbox.
//
// It refuses to relay: there is no way out to other organisations. A submitted
// message for one comes back with a non-delivery report (RFC 3464), and LMTP
// takes mail for this organisation's mailboxes only, without AUTH, on loopback
// unless the wiring says otherwise. What comes by LMTP and
// cannot be stored now is not acknowledged, and the sender has it still; only for a
// member of a group of whom others have it does it wait here.
//
// It knows people only by the Directory that the wiring gives it, and groups as the
// mailboxes behind them: a message to a group comes once to each.
//
// Start reading at Transport.Deliver and Transport.SubmitItem.
package transport
