package transport

import (
	"context"
	"errors"
	"io"

	"hma/exchange/store"
)

// Submission is a message that a person sends.
type Submission struct {
	// Mailbox is the sender's; reports go to its inbox.
	Mailbox *store.Mailbox
	// SID is the person's, for MaySendAs.
	SID string
	// Message is the message with its Bcc fields.
	Message io.Reader
	// From is the reverse path; the address of Sender, else of From, when empty.
	From string
	// To are the recipients; those of To, Cc and Bcc when nil.
	To []string
	// MessageID, with angle brackets, is used where the message has none; one is made when empty.
	MessageID string
}

// Submit sends a message: the authors must be ones that the person may name
// (ErrSendAsDenied), Message-ID and Date are added where missing, Bcc is taken
// away, and every local recipient gets it. For the others one report goes to the
// sender's inbox. When Submit returns no error, all of that is durable.
func (t *Transport) Submit(ctx context.Context, s Submission) (*Receipt, error) {
	return nil, errors.ErrUnsupported
}

// SubmitItem sends a stored item and then moves it to the folder saveTo, read and
// no longer a draft; with the zero folder it deletes it for good. It returns
// what became of the item (zero when deleted).
func (t *Transport) SubmitItem(ctx context.Context, mailbox *store.Mailbox, sid string, id store.ItemID, saveTo store.FolderID) (store.Stamp, *Receipt, error) {
	return store.Stamp{}, nil, errors.ErrUnsupported
}
