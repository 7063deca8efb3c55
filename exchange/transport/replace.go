package transport

import (
	"context"
	"fmt"
	"io"

	"hma/exchange/store"
	"hma/wire/mapi"
)

// ofMIME are the properties that a message's own bytes tell. An item whose bytes are
// replaced loses those that the new ones do not tell.
var ofMIME = []mapi.Tag{
	mapi.PidTagBody, mapi.PidTagHTML, mapi.PidTagRtfCompressed, mapi.PidTagNativeBody, mapi.PidTagInternetCodepage, mapi.PidTagClientSubmitTime,
	mapi.PidTagConversationID, mapi.PidTagConversationIndex, mapi.PidTagConversationTopic, mapi.PidTagInReplyToID,
	mapi.PidTagInternetMessageID, mapi.PidTagInternetReferences, mapi.PidTagListUnsubscribe, mapi.PidTagSubject, mapi.PidTagSubjectPrefix,
	mapi.PidTagNormalizedSubject, mapi.PidTagOriginatorDeliveryReport, mapi.PidTagReadReceiptRequested, mapi.PidTagPriority,
	mapi.PidTagReplyRecipientEntries, mapi.PidTagReplyRecipientNames, mapi.PidTagSenderAddressType, mapi.PidTagSenderEmail,
	mapi.PidTagSenderEntryID, mapi.PidTagSenderName, mapi.PidTagSenderSmtpAddress, mapi.PidTagSentRepresentingAddressType,
	mapi.PidTagSentRepresentingEmail, mapi.PidTagSentRepresentingEntryID, mapi.PidTagSentRepresentingName,
	mapi.PidTagSentRepresentingSmtp, mapi.PidTagTransportMessageHeaders,
}

// Replacement returns the change that makes an item what another message says:
// its text, recipients, attachments and bytes. When it came, its class, and what a
// person keeps with it (categories, flags) stay. The item must have been read with its attachments.
func Replacement(ctx context.Context, mailbox *store.Mailbox, item *store.Item, message io.Reader) (store.ItemUpdate, error) {
	made, err := Prepare(ctx, mailbox, message)
	if err != nil {
		return store.ItemUpdate{}, fmt.Errorf("replace %v: %w", item.ID, err)
	}
	u := store.ItemUpdate{Set: made.Props, MIME: &made.MIME, Recipients: &made.Recipients, AddAttachments: made.Attachments, Contents: made.Contents}
	for _, tag := range []mapi.Tag{mapi.PidTagMessageDeliveryTime, mapi.PidTagMessageClass, mapi.PidTagHasAttachments, mapi.PidNameKeywords} {
		delete(u.Set, tag)
	}
	for _, tag := range ofMIME {
		if _, _, told := u.Set.Find(tag); !told {
			u.Delete = append(u.Delete, tag)
		}
	}
	for _, a := range item.Attachments {
		u.DeleteAttachments = append(u.DeleteAttachments, a.ID.Number)
	}
	return u, nil
}
