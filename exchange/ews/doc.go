// Package ews is the Exchange Web Services door (MS-OXWSCORE, MS-OXWSFOLD,
// MS-OXWSSRCH, MS-OXWSSYNC, MS-OXWSMSG, MS-OXWSATT, MS-OXWSCVTID): it reads a
// SOAP request, asks the mailbox store and transport, and writes the answer.
//
// One file per operation. The table of operations is in operations.go: an
// operation without a function there is answered with a fault ErrorInvalidOperation.
// The properties of items and folders, with the element, the FieldURI and the
// MAPI property of each, are one table each, in itemproperty.go and folderproperty.go. The store's
// and transport's kinds of failure become response codes in errors.go, and nowhere else.
//
// It opens the caller's own mailbox, and others as far as the store lets the caller in. An application that acts for
// itself must name a person in ExchangeImpersonation and needs the wiring's leave
// for that person. It keeps no state between requests, decides nothing about mail
// and does not keep what it can stream: MIME and attachments pass through.
//
// Start reading at Door.ServeDoor, then operations.go and GetItem.
package ews
