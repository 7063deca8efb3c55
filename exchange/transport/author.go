package transport

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hma/wire/oxcmail"
)

// Trust is what somebody else's address lets a person do.
type Trust struct {
	SendAs   bool   // be its author, and nobody sees who wrote
	OnBehalf bool   // be its author with their own name beside it (GrantSendOnBehalfTo); so may delegates without it
	Own      string // the person's own address
}

// authors are the addresses of From and of Sender, "" without one. A message shows
// one author to its reader, so there is one From field with at least one address;
// with several there must be a Sender (RFC 5322 3.6.2).
func (h *header) authors() (from []string, sender string, err error) {
	froms, senders := h.values("From"), h.values("Sender")
	if len(froms) != 1 || len(senders) > 1 {
		return nil, "", fmt.Errorf("%d From and %d Sender fields: %w", len(froms), len(senders), ErrInvalidAddress)
	}
	for _, a := range oxcmail.Addresses(froms[0]) {
		from = append(from, a.Email)
	}
	if len(from) == 0 || len(from) > 1 && len(senders) == 0 {
		return nil, "", fmt.Errorf("%d authors: %w", len(from), ErrInvalidAddress)
	}
	if len(senders) == 1 {
		list := oxcmail.Addresses(senders[0])
		if len(list) != 1 {
			return nil, "", fmt.Errorf("%d senders: %w", len(list), ErrInvalidAddress)
		}
		sender = list[0].Email
	}
	return from, sender, nil
}

// onlyAuthor refuses every author but the address.
func (h *header) onlyAuthor(address string) (string, error) {
	from, sender, err := h.authors()
	if err != nil {
		return "", err
	}
	if len(from) != 1 || !strings.EqualFold(from[0], address) || sender != "" && !strings.EqualFold(sender, address) {
		return "", fmt.Errorf("submit as %s: %w", strings.Join(from, ", "), ErrSendAsDenied)
	}
	return from[0], nil
}

// settleAuthors refuses authors whom the person may not name, and makes the Sender
// field tell the truth: the person's own address beside somebody on whose behalf
// they write, and none beside one person as whom they write. It returns the address
// to which the message is returned.
func (t *Transport) settleAuthors(ctx context.Context, h *header, sid string) (from string, err error) {
	authors, sender, err := h.authors()
	if err != nil {
		return "", err
	}
	as, behalf, own := false, false, ""
	for _, a := range authors {
		trust, err := t.trust(ctx, sid, a)
		if err != nil {
			return "", err
		}
		as, behalf = as || trust.SendAs && trust.Own != "", behalf || !trust.SendAs
		if trust.Own != "" {
			own = trust.Own
		}
	}
	if sender != "" && !strings.EqualFold(sender, own) {
		trust, err := t.trust(ctx, sid, sender)
		if err != nil {
			return "", err
		}
		if !trust.SendAs {
			return "", fmt.Errorf("submit as %s: %w", sender, ErrSendAsDenied)
		}
	}
	switch {
	case behalf && sender == "":
		sender = own
		h.add("Sender", "<"+own+">")
	case as && len(authors) == 1 && (sender == "" || strings.EqualFold(sender, own)):
		h.fields = slices.DeleteFunc(h.fields, func(f oxcmail.Field) bool { return strings.EqualFold(f.Name, "Sender") })
		return authors[0], nil
	}
	if sender == "" {
		return authors[len(authors)-1], nil
	}
	return sender, nil
}

// trust tells what the person may do with an address: nothing is ErrSendAsDenied,
// and Own is "" for one of the person's own.
func (t *Transport) trust(ctx context.Context, sid, address string) (Trust, error) {
	if !validAddress(address) {
		return Trust{}, fmt.Errorf("author: %w", ErrInvalidAddress)
	}
	own, err := t.cfg.MaySendAs(ctx, sid, address)
	if err != nil || own {
		return Trust{SendAs: own}, err
	}
	var trust Trust
	if t.cfg.Trust != nil {
		trust, err = t.cfg.Trust(ctx, sid, address)
	}
	if err == nil && !trust.SendAs && !trust.OnBehalf && trust.Own != "" {
		trust.OnBehalf, err = t.delegated(ctx, sid, address)
	}
	if err == nil && (!trust.SendAs && !trust.OnBehalf || trust.Own == "") {
		err = fmt.Errorf("submit as %s: %w", address, ErrSendAsDenied)
	}
	return trust, err
}

// delegated tells whether the person is a delegate of whom the address belongs to.
func (t *Transport) delegated(ctx context.Context, sid, address string) (bool, error) {
	box, err := t.cfg.Directory.Mailbox(ctx, address)
	if errors.Is(err, ErrUnknownRecipient) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	mailbox, err := t.open(ctx, box)
	if err != nil {
		return false, err
	}
	list, err := mailbox.Delegates(ctx)
	return err == nil && list.Find(sid) != nil, err
}
