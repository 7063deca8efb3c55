package org

import (
	"context"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// Holds tells whether the recipient with the GUID is one of a list of trustees, such as FullAccess, or a
// member of a group that is, however deep. Of an empty list it asks nothing.
func (o *Organization) Holds(ctx context.Context, list []guid.GUID, who guid.GUID) (bool, error) {
	if len(list) == 0 {
		return false, nil
	}
	return o.within(ctx, who, list)
}

// MappedTo returns the mailboxes that the clients of the person with the GUID are to open beside the
// person's own (AutoMapped), in the order of their GUIDs, at most maxMapped of them.
func (o *Organization) MappedTo(ctx context.Context, who guid.GUID) ([]*Recipient, error) {
	return o.readPeople(ctx, `SELECT p.body, p.created, p.changed FROM mapped m JOIN person p ON p.guid = m.person
		WHERE m.trustee = $1 ORDER BY m.person LIMIT $2`, who.String(), maxMapped)
}

// maxMapped is how many mailboxes clients open by themselves: each of them costs every start of every client.
const maxMapped = 50

// writeMapped writes the rows by which MappedTo finds a mailbox.
func writeMapped(tx *sqldb.Tx, r *Recipient) error {
	if _, err := tx.Exec("DELETE FROM mapped WHERE person = $1", r.GUID.String()); err != nil {
		return err
	}
	for _, trustee := range r.AutoMapped {
		if _, err := tx.Exec("INSERT INTO mapped (trustee, person) VALUES ($1, $2) ON CONFLICT DO NOTHING", trustee.String(), r.GUID.String()); err != nil {
			return err
		}
	}
	return nil
}
