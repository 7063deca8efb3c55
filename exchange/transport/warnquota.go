package transport

import (
	"bytes"
	"context"
	"fmt"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// warnings are the subject and the first sentence of a quota's warning by how the mailbox stands.
var warnings = map[store.Status][2]string{
	store.IssueWarning:    {"Your mailbox is almost full.", "Please reduce your mailbox size. Delete any items you don't need from your mailbox and empty your Deleted Items folder."},
	store.ProhibitSend:    {"Your mailbox is full.", "Your mailbox can no longer send messages. Please reduce your mailbox size."},
	store.MailboxDisabled: {"Your mailbox is full.", "Your mailbox can no longer send or receive messages. Please reduce your mailbox size."},
}

// WarnQuota puts a message into the Inbox of a mailbox that is past its warning,
// whatever its quota, and notes that it did (store.Mailbox.Warned). A mailbox that
// is not is left alone.
func (t *Transport) WarnQuota(ctx context.Context, mailbox *store.Mailbox, address string) error {
	u, err := mailbox.Usage(ctx)
	if err != nil {
		return fmt.Errorf("warn: %w", err)
	}
	text, full := warnings[u.Status()]
	if !full {
		return nil
	}
	inbox, err := mailbox.RoleID(store.RoleInbox)
	if err != nil {
		return fmt.Errorf("warn: %w", err)
	}
	now := t.cfg.Now().UTC()
	body := text[1] + fmt.Sprintf("\r\n\r\nMailbox size: %d MB\r\n", u.Size>>20)
	for _, limit := range []struct {
		bytes int64
		name  string
	}{{u.Info.WarnQuota, "Warning"}, {u.Info.SendQuota, "No sending"}, {u.Info.Quota, "No sending or receiving"}} {
		if limit.bytes > 0 {
			body += fmt.Sprintf("%s: from %d MB\r\n", limit.name, limit.bytes>>20)
		}
	}
	m := &oxcmail.Message{Props: mapi.Bag{mapi.PidTagSubject: text[0], mapi.PidTagClientSubmitTime: now, mapi.PidTagImportance: int32(2), mapi.PidTagInternetMessageID: t.messageID()},
		From: oxcmail.Address{Name: "Mail delivery", Email: t.cfg.PostmasterAddress}, Text: body,
		Recipients: []oxcmail.Recipient{{Type: mapi.RecipientTo, Address: oxcmail.Address{Name: mailbox.Info().DisplayName, Email: address}}}}
	var out bytes.Buffer
	out.WriteString(t.trace(Envelope{}, now)) // the null reverse path: nobody answers a warning
	if err := oxcmail.Write(&out, m, nil); err != nil {
		return fmt.Errorf("warn: %w", err)
	}
	item, err := Prepare(ctx, mailbox, &out)
	if err != nil {
		return fmt.Errorf("warn: %w", err)
	}
	item.Folder, item.Unmetered = inbox, true
	item.Props[mapi.PidTagMessageDeliveryTime] = now
	if _, err := mailbox.CreateItem(ctx, item); err != nil {
		return fmt.Errorf("warn: %w", err)
	}
	return mailbox.Warned(ctx)
}
