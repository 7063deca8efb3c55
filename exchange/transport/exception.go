package transport

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

// Exception is what an exception of a series has of its own beside what the series'
// recurrence tells: the embedded message of MS-OXOCAL 2.2.10. It is kept as the content
// of an attachment of the series that nobody sees.
type Exception struct {
	Props      mapi.Bag
	Recipients []store.Recipient // nil: those of the series
}

// exceptionFlag tells in PidTagAttachmentFlags that an attachment is an exception's
// (MS-OXOCAL 2.2.10.1.2 afException).
const exceptionFlag int32 = 0x2

// recipientRows holds the recipients of an exception in its message's bag.
const recipientRows mapi.Tag = 0x0E12_1102 // PidTagMessageRecipients, as packed rows

// maxException is the longest packed form of an exception that is read.
const maxException = 16 << 20

// IsException tells whether an attachment holds an exception.
func IsException(a store.Attachment) bool {
	return a.Props.Int32(mapi.PidTagAttachmentFlags)&exceptionFlag != 0
}

// ExceptionAttachment finds the attachment of the exception whose pattern has it at start.
func ExceptionAttachment(list []store.Attachment, start time.Time) (store.Attachment, bool) {
	i := slices.IndexFunc(list, func(a store.Attachment) bool {
		return IsException(a) && a.Props.Time(mapi.PidTagExceptionReplaceTime).Equal(start)
	})
	if i < 0 {
		return store.Attachment{}, false
	}
	return list[i], true
}

// ExceptionOf reads the exception whose pattern has it at start, nil when the series'
// attachments have none.
func ExceptionOf(ctx context.Context, box *store.Mailbox, list []store.Attachment, start time.Time) (*Exception, error) {
	a, ok := ExceptionAttachment(list, start)
	if !ok {
		return nil, nil
	}
	return ReadException(box.OpenBlob(ctx, a.Content))
}

// ReadException reads what Attachment wrote as its content.
func ReadException(r io.Reader) (*Exception, error) {
	packed, err := io.ReadAll(io.LimitReader(r, maxException))
	if err != nil {
		return nil, fmt.Errorf("read exception: %w", err)
	}
	return unpackException(packed)
}

// Attachment writes the exception, which is from start to end and at original in the
// pattern, and returns the attachment that holds it.
func (x *Exception) Attachment(ctx context.Context, write func(context.Context, io.Reader) (mapi.Blob, error), original, start, end time.Time) (store.Attachment, error) {
	packed, err := x.pack()
	if err != nil {
		return store.Attachment{}, err
	}
	content, err := write(ctx, bytes.NewReader(packed))
	if err != nil {
		return store.Attachment{}, fmt.Errorf("write exception: %w", err)
	}
	return store.Attachment{Method: mapi.AttachEmbedded, Hidden: true, Rendering: -1, Content: content, Props: mapi.Bag{
		mapi.PidTagAttachmentFlags: exceptionFlag, mapi.PidTagExceptionReplaceTime: original,
		mapi.PidTagExceptionStartTime: start, mapi.PidTagExceptionEndTime: end,
	}}, nil
}

// Empty tells whether the exception has nothing of its own.
func (x *Exception) Empty() bool { return len(x.Props) == 0 && x.Recipients == nil }

func (x *Exception) pack() ([]byte, error) {
	bag := mapi.Bag{}
	for tag, v := range x.Props {
		bag[tag] = v
	}
	if x.Recipients != nil {
		rows := [][]byte{}
		for _, r := range x.Recipients {
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

func unpackException(packed []byte) (*Exception, error) {
	bag, err := mapi.DecodeBag(packed)
	if err != nil {
		return nil, fmt.Errorf("read exception: %w", err)
	}
	x := &Exception{Props: bag}
	rows, ok := bag[recipientRows].([][]byte)
	if !ok {
		return x, nil
	}
	delete(bag, recipientRows)
	x.Recipients = []store.Recipient{}
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
		x.Recipients = append(x.Recipients, r)
	}
	return x, nil
}
