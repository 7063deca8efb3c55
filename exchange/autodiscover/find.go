package autodiscover

import (
	"context"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/wire/guid"
)

// People is what of the directory the door asks.
type People interface {
	// BySMTP returns who has the address: none, one or several.
	BySMTP(ctx context.Context, address string) ([]*org.Recipient, error)
	// Holds tells whether somebody is of a list of trustees, or of a group in it.
	Holds(ctx context.Context, list []guid.GUID, who guid.GUID) (bool, error)
	// MappedTo returns the mailboxes that somebody's clients open beside the own one.
	MappedTo(ctx context.Context, who guid.GUID) ([]*org.Recipient, error)
}

// Options are what the door needs from the wiring; all are required but Log.
type Options struct {
	// Now is the time that error documents carry.
	Now    func() time.Time
	People People
	Log    *slog.Logger
}

// destination is where a request leads: to a mailbox here, to another address or URL,
// or to nothing at all.
type destination struct {
	person  *org.Recipient
	address string // ask for this address instead
	url     string // ask there instead: the Autodiscover of another organisation
}

// find looks for what a request asks. A caller learns about the own mailbox, and
// about those that he may open; all other addresses of the organisation are
// nobody's, whether there is a mailbox or not.
func (d *Door) find(r *clientaccess.Request, req *request) (destination, error) {
	caller := r.Identity.Recipient
	if caller != nil && named(req, caller) {
		switch {
		case !caller.MailboxGUID.IsNil():
			return destination{person: caller}, nil
		case caller.RemoteRoutingAddress != "":
			return destination{address: caller.RemoteRoutingAddress}, nil
		}
		return destination{}, nil
	}
	domain, ok := mailDomain(req.Email)
	if !ok {
		return destination{}, nil
	}
	if target := elsewhere(r.Snapshot, domain); target != "" {
		return destination{url: target}, nil
	}
	if caller == nil {
		return destination{}, nil
	}
	list, err := d.people.BySMTP(r.Context(), req.Email)
	if err != nil || len(list) != 1 || list[0].MailboxGUID.IsNil() {
		return destination{}, err
	}
	may, err := d.people.Holds(r.Context(), list[0].FullAccess, caller.GUID)
	if err != nil || !may {
		return destination{}, err
	}
	return destination{person: list[0]}, nil
}

// named tells whether a request names the recipient, by an address, a user principal name or a LegacyDN.
func named(req *request, person *org.Recipient) bool {
	if req.Email == "" {
		return req.LegacyDN != "" && strings.EqualFold(req.LegacyDN, person.LegacyDN)
	}
	same := func(a string) bool { return strings.EqualFold(a, req.Email) }
	return same(person.PrimarySMTP) || same(person.UPN) || slices.ContainsFunc(person.Addresses, same)
}

// mapped returns the mailboxes that the clients of the caller open beside the own
// one; none in an answer about another's mailbox.
func (d *Door) mapped(r *clientaccess.Request, person *org.Recipient) ([]*org.Recipient, error) {
	if caller := r.Identity.Recipient; caller == nil || caller.GUID != person.GUID {
		return nil, nil
	}
	list, err := d.people.MappedTo(r.Context(), person.GUID)
	return slices.DeleteFunc(list, func(m *org.Recipient) bool { return m.MailboxGUID.IsNil() || m.GUID == person.GUID }), err
}

// accepted tells whether a domain in lower case is one of the organisation's.
func accepted(s *org.Snapshot, domain string) bool { return slices.Contains(s.AcceptedDomains, domain) }

// elsewhere returns the Autodiscover of the organisation that an enabled
// IntraOrganizationConnector names for a domain that is not ours, "" for none.
func elsewhere(s *org.Snapshot, domain string) string {
	if accepted(s, domain) {
		return ""
	}
	for _, c := range s.Connectors {
		if slices.ContainsFunc(c.TargetAddressDomains, func(d string) bool { return strings.EqualFold(d, domain) }) {
			return c.DiscoveryEndpoint
		}
	}
	return ""
}

// form returns another form of Autodiscover at the place of an endpoint.
func form(endpoint, file string) string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return ""
	}
	u.Path, u.RawQuery, u.Fragment = "/autodiscover/"+file, "", ""
	return u.String()
}
