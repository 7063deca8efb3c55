package roles

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"hma/exchange/addressbook"
	"hma/exchange/org"
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
	r := found[0]
	return &transport.Mailbox{GUID: r.MailboxGUID, Address: r.PrimarySMTP, Info: addressbook.MailboxInfo(r)}, nil
}

// Accepted tells whether the organisation receives mail for the domain.
func (d directory) Accepted(ctx context.Context, domain string) (bool, error) {
	c, err := d.org.Configuration(ctx)
	if err != nil {
		return false, err
	}
	return slices.ContainsFunc(c.AcceptedDomains, func(a *org.AcceptedDomain) bool { return strings.EqualFold(a.DomainName, domain) }), nil
}

// maySendAs lets people write in their own names only.
func (r *Roles) maySendAs(ctx context.Context, sid, address string) (bool, error) {
	found, err := r.Org.BySMTP(ctx, address)
	if err != nil {
		return false, err
	}
	return len(found) == 1 && found[0].SID == sid && found[0].Active(), nil
}
