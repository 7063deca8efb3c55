// Package oxvcard turns vCards into the properties of contacts and back (MS-OXVCARD):
// it reads versions 2.1, 3.0 and 4.0, and writes 3.0 (RFC 2426).
//
// What a vCard tells and a contact has no property for is dropped, and so is a second
// vCard in the same text. It fetches nothing that a vCard points to. Start reading at
// Read and Write; the table of what is text on both sides is in property.go.
package oxvcard
