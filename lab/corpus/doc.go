// Package corpus makes the lab's mail: a few hundred messages of a small company
// as RFC 5322 bytes, the same for the same seed and clock.
//
// There is plain text, HTML, attachments, pictures within the text, long threads,
// newsletters, notices, calendar text sent as ordinary mail, and mail in several
// languages and character sets. It stores and sends nothing.
//
// Start reading at Messages; the texts are in texts.go and languages.go.
package corpus
