package roles

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hma/exchange/addressbook"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/transport"
)

// directory tells transport who is who.
type directory struct {
	org *org.Organization
}

// Mailbox returns who receives the mail for an address; two people with one address receive none.
func (d directory) Mailbox(ctx context.Context, address string) (*transport.Mailbox, error) {
	found, err := d.org.BySMTP(ctx, address)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 || !found[0].Receives() {
		return nil, fmt.Errorf("%s: %w", address, transport.ErrUnknownRecipient)
	}
	return receiver(found[0]), nil
}

// Members returns who receives the mail for a group's address; two with one address receive none.
func (d directory) Members(ctx context.Context, address, sid string, limit int) ([]*transport.Mailbox, error) {
	found, err := d.org.BySMTP(ctx, address)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 || !found[0].Type.Group() {
		return nil, fmt.Errorf("%s: %w", address, transport.ErrUnknownRecipient)
	}
	open := func(g *org.Recipient) (bool, error) { return d.org.MaySend(ctx, g, sid) }
	may, err := open(found[0])
	if err != nil {
		return nil, err
	}
	if !may {
		return nil, fmt.Errorf("%s: %w", address, transport.ErrMayNotSend)
	}
	list, err := addressbook.Expand(ctx, d.org, found[0], limit, open)
	if errors.Is(err, addressbook.ErrTooMany) {
		return nil, fmt.Errorf("%s: %w", address, transport.ErrTooMany)
	}
	if err != nil {
		return nil, err
	}
	var boxes []*transport.Mailbox
	for _, r := range list {
		if r.Receives() {
			boxes = append(boxes, receiver(r))
		}
	}
	return boxes, nil
}

// person returns who receives the mail of the person with the SID.
func (d directory) person(ctx context.Context, sid string) (*transport.Mailbox, error) {
	r, err := d.org.BySID(ctx, sid)
	if errors.Is(err, org.ErrNotFound) || err == nil && !r.Receives() {
		return nil, fmt.Errorf("%s: %w", sid, transport.ErrUnknownRecipient)
	}
	if err != nil {
		return nil, err
	}
	return receiver(r), nil
}

func receiver(r *org.Recipient) *transport.Mailbox {
	return &transport.Mailbox{GUID: r.MailboxGUID, Address: r.PrimarySMTP, Info: addressbook.MailboxInfo(r)}
}

// usage tells cmdlets how much a person's mailbox holds.
func (r *Roles) usage(ctx context.Context, p *org.Recipient) (store.Usage, error) {
	mailbox, err := r.Store.FindMailbox(ctx, p.MailboxGUID)
	if err != nil {
		return store.Usage{}, err
	}
	return mailbox.Usage(ctx)
}

// Accepted tells whether the organisation receives mail for the domain.
func (d directory) Accepted(ctx context.Context, domain string) (bool, error) {
	c, err := d.org.Configuration(ctx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(c.AcceptedDomains, func(a *org.AcceptedDomain) bool { return strings.EqualFold(a.DomainName, domain) }), nil
}

// trust tells what the owner of an address lets the person with the SID do with it.
func (r *Roles) trust(ctx context.Context, sid, address string) (trust transport.Trust, err error) {
	found, err := r.Org.BySMTP(ctx, address)
	if err != nil || len(found) != 1 {
		return trust, err
	}
	who, err := r.Org.BySID(ctx, sid)
	if errors.Is(err, org.ErrNotFound) || err == nil && !who.Active() {
		return trust, nil
	}
	if err != nil {
		return trust, err
	}
	trust.Own = who.PrimarySMTP
	if trust.SendAs, err = r.Org.Holds(ctx, found[0].SendAs, who.GUID); err == nil {
		trust.OnBehalf, err = r.Org.Holds(ctx, found[0].SendOnBehalf, who.GUID)
	}
	return trust, err
}

// isResource tells whether an address is that of a room or of equipment.
func (r *Roles) isResource(ctx context.Context, address string) (bool, error) {
	found, err := r.Org.BySMTP(ctx, address)
	return err == nil && len(found) == 1 && found[0].Type.Resource(), err
}

// maySendAs tells whether an address is the person's own.
func (r *Roles) maySendAs(ctx context.Context, sid, address string) (bool, error) {
	found, err := r.Org.BySMTP(ctx, address)
	if err != nil {
		return false, err
	}
	return len(found) == 1 && found[0].SID == sid && found[0].Active(), nil
}
