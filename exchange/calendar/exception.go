package calendar

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
)

// message is what an exception has of its own beside what its series' recurrence
// tells: the embedded message of MS-OXOCAL 2.2.10. It is kept as the content of an
// attachment of the series that nobody sees.
type message struct {
	props      mapi.Bag
	recipients []store.Recipient // nil: those of the series
}

// exceptionFlag tells in PidTagAttachmentFlags that an attachment is an exception's
// (MS-OXOCAL 2.2.10.1.2 afException).
const exceptionFlag int32 = 0x2

// recipientRows holds the recipients of an exception in its message's bag.
const recipientRows mapi.Tag = 0x0E12_1102 // PidTagMessageRecipients, as packed rows

// maxMessage is the longest packed message of an exception that is read.
const maxMessage = 16 << 20

func isException(a store.Attachment) bool {
	return a.Props.Int32(mapi.PidTagAttachmentFlags)&exceptionFlag != 0
}

// Visible returns the attachments that are not exceptions' messages.
func Visible(list []store.Attachment) []store.Attachment {
	return slices.DeleteFunc(slices.Clone(list), isException)
}

// attachmentOf finds the message of the exception whose pattern has it at start.
func attachmentOf(list []store.Attachment, start time.Time) (store.Attachment, bool) {
	i := slices.IndexFunc(list, func(a store.Attachment) bool {
		return isException(a) && a.Props.Time(mapi.PidTagExceptionReplaceTime).Equal(start)
	})
	if i < 0 {
		return store.Attachment{}, false
	}
	return list[i], true
}

// ownMessage reads the message of the exception whose pattern has it at start, nil
// when it has none.
func ownMessage(ctx context.Context, box *store.Mailbox, list []store.Attachment, start time.Time) (*message, error) {
	a, ok := attachmentOf(list, start)
	if !ok {
		return nil, nil
	}
	packed, err := io.ReadAll(io.LimitReader(box.OpenBlob(ctx, a.Content), maxMessage))
	if err != nil {
		return nil, fmt.Errorf("read exception: %w", err)
	}
	return unpackMessage(packed)
}

// attachment writes the message and returns the attachment that holds it.
func (m *message) attachment(ctx context.Context, box *store.Mailbox, original, start, end time.Time) (store.Attachment, error) {
	packed, err := m.pack()
	if err != nil {
		return store.Attachment{}, err
	}
	content, err := box.WriteBlob(ctx, bytes.NewReader(packed))
	if err != nil {
		return store.Attachment{}, fmt.Errorf("write exception: %w", err)
	}
	return store.Attachment{Method: mapi.AttachEmbedded, Hidden: true, Rendering: -1, Content: content, Props: mapi.Bag{
		mapi.PidTagAttachmentFlags: exceptionFlag, mapi.PidTagExceptionReplaceTime: original,
		mapi.PidTagExceptionStartTime: start, mapi.PidTagExceptionEndTime: end,
	}}, nil
}

// empty tells whether the message says nothing.
func (m *message) empty() bool { return len(m.props) == 0 && m.recipients == nil }

func (m *message) pack() ([]byte, error) {
	bag := mapi.Bag{}
	for tag, v := range m.props {
		bag[tag] = v
	}
	if m.recipients != nil {
		rows := [][]byte{}
		for _, r := range m.recipients {
			row := mapi.Bag{mapi.PidTagRecipientType: r.Type, mapi.PidTagAddressType: r.AddressType, mapi.PidTagEmailAddress: r.Address,
				mapi.PidTagSmtpAddress: r.SMTP, mapi.PidTagDisplayName: r.Name, mapi.PidTagEntryID: r.EntryID}
			for tag, v := range r.Props {
				row[tag] = v
			}
			packed, err := row.Encode()
			if err != nil {
				return nil, err
			}
			rows = append(rows, packed)
		}
		bag[recipientRows] = rows
	}
	return bag.Encode()
}

func unpackMessage(packed []byte) (*message, error) {
	bag, err := mapi.DecodeBag(packed)
	if err != nil {
		return nil, fmt.Errorf("read exception: %w", err)
	}
	m := &message{props: bag}
	rows, ok := bag[recipientRows].([][]byte)
	if !ok {
		return m, nil
	}
	delete(bag, recipientRows)
	m.recipients = []store.Recipient{}
	for _, packed := range rows {
		row, err := mapi.DecodeBag(packed)
		if err != nil {
			return nil, fmt.Errorf("read exception: %w", err)
		}
		r := store.Recipient{Type: row.Int32(mapi.PidTagRecipientType), AddressType: row.String(mapi.PidTagAddressType), Address: row.String(mapi.PidTagEmailAddress),
			SMTP: row.String(mapi.PidTagSmtpAddress), Name: row.String(mapi.PidTagDisplayName), EntryID: row.Bytes(mapi.PidTagEntryID), Props: row}
		for _, tag := range []mapi.Tag{mapi.PidTagRecipientType, mapi.PidTagAddressType, mapi.PidTagEmailAddress, mapi.PidTagSmtpAddress, mapi.PidTagDisplayName, mapi.PidTagEntryID} {
			delete(row, tag)
		}
		m.recipients = append(m.recipients, r)
	}
	return m, nil
}
