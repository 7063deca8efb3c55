package org

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// manyHits is how many people a look-up returns at most: two already mean that a name is ambiguous.
const manyHits = 10

// NewRecipient returns an enabled person with a mailbox and stock flags (every
// protocol allowed), whose UPN is also the primary SMTP address, ready for
// CreateRecipient. Clear MailboxGUID for somebody without a mailbox.
func NewRecipient(upn, displayName string) Recipient {
	local, _, _ := strings.Cut(upn, "@")
	return Recipient{GUID: guid.New(), UPN: upn, DisplayName: displayName, Alias: local, SAMAccount: local,
		PrimarySMTP: upn, Addresses: []string{upn}, MailboxGUID: guid.New(), Enabled: true,
		MAPIEnabled: true, EwsEnabled: true, ActiveSyncEnabled: true, OWAEnabled: true, ECPEnabled: true, PopEnabled: true, ImapEnabled: true}
}

// builtinRIDs are the relative ids of a domain's own accounts (MS-DTYP 2.4.2.4).
var builtinRIDs = map[string]int64{"administrator": 500, "guest": 501, "krbtgt": 502}

// CreateRecipient adds a person and returns what was written: an empty GUID, SID
// and LegacyDN are filled in (the built-in Administrator, a critical system object, gets the RID 500). UPN and addresses that somebody else has are
// accepted, as a directory can hold them; whoever looks them up finds both.
func (o *Organization) CreateRecipient(ctx context.Context, r Recipient) (*Recipient, error) {
	if err := r.complete(); err != nil {
		return nil, err
	}
	var written Recipient
	var people int64
	err := o.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		if people, err = movePeople(tx); err != nil {
			return err
		}
		c, err := o.made(tx)
		if err != nil {
			return err
		}
		written = r
		return o.insertRecipient(tx, c, &written)
	})
	if err != nil {
		return nil, fmt.Errorf("create recipient: %w", err)
	}
	o.sawPeople(people)
	return &written, nil
}

// CreateRecipients adds many people at once, as CreateRecipient does, whose password is the same one: it
// is hashed once, so that thousands cost no more than their rows. Who has the database sees that they
// share it, which only a lab may want. The errors say by index who was refused: ErrExists for a GUID or SID that is
// taken, a RuleError for what no directory holds. The others were made.
func (o *Organization) CreateRecipients(ctx context.Context, all []Recipient, password string) (refused map[int]error, err error) {
	p, err := o.newPassword(password)
	if err != nil {
		return nil, err
	}
	wrong := map[int]error{}
	all = slices.Clone(all)
	for i := range all {
		if err := all[i].complete(); err != nil {
			wrong[i] = err
		}
	}
	var people int64
	err = o.db.Write(ctx, func(tx *sqldb.Tx) (err error) {
		refused = maps.Clone(wrong)
		if people, err = movePeople(tx); err != nil {
			return err
		}
		c, err := o.made(tx)
		if err != nil {
			return err
		}
		for i, r := range all {
			if refused[i] != nil {
				continue
			}
			err := o.insertRecipient(tx, c, &r)
			if errors.Is(err, ErrExists) {
				refused[i] = err
				continue
			}
			if err == nil {
				err = o.writePassword(tx, r.GUID, p, c.windows())
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("create recipients: %w", err)
	}
	o.sawPeople(people)
	return refused, nil
}

// complete gives a new person a GUID where there is none, and checks the rest.
func (r *Recipient) complete() error {
	if r.GUID.IsNil() {
		r.GUID = guid.New()
	}
	return r.check()
}

// movePeople moves the version of the people and returns it.
func movePeople(tx *sqldb.Tx) (people int64, err error) {
	if _, err := tx.Exec("UPDATE version SET people = people + 1 WHERE id = 1"); err != nil {
		return 0, fmt.Errorf("move people version: %w", err)
	}
	if err := tx.QueryRow("SELECT people FROM version WHERE id = 1").Scan(&people); err != nil {
		return 0, fmt.Errorf("move people version: %w", err)
	}
	return people, nil
}

// made returns the configuration of an organisation that has been made.
func (o *Organization) made(tx *sqldb.Tx) (*Configuration, error) {
	version, err := configVersion(tx)
	if err != nil {
		return nil, err
	}
	c, err := o.at(tx, version)
	if err == nil && c.Org.Name == "" {
		err = refuse("There is no organisation yet.")
	}
	return c, err
}

// insertRecipient writes a person's rows and fills in what CreateRecipient says. A GUID or SID that is taken is ErrExists.
func (o *Organization) insertRecipient(tx *sqldb.Tx, c *Configuration, r *Recipient) error {
	if r.SID == "" {
		var rid int64
		if _, err := tx.Exec("UPDATE version SET rid = rid + 1 WHERE id = 1"); err != nil {
			return err
		}
		if err := tx.QueryRow("SELECT rid FROM version WHERE id = 1").Scan(&rid); err != nil {
			return err
		}
		if builtin := builtinRIDs[asciiLower(r.SAMAccount)]; r.CriticalSystemObject && builtin != 0 {
			rid = builtin
		}
		r.SID = fmt.Sprintf("%s-%d", c.Org.DomainSID, rid)
	}
	if r.LegacyDN == "" {
		r.LegacyDN = fmt.Sprintf("/o=%s/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=%s-%s",
			c.Org.Name, strings.ReplaceAll(r.GUID.String(), "-", ""), r.Alias)
	}
	now := micros(o.opts.Now())
	r.WhenCreated, r.WhenChanged = fromMicros(now), fromMicros(now)
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	// Not a failed INSERT, which would end a transaction of PostgreSQL.
	res, err := tx.Exec(`INSERT INTO person (guid, sid, upn, sam, mailbox, object_id, display, body, created, changed, master_sid, master_account)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT DO NOTHING`, r.GUID.String(), asciiLower(r.SID), asciiLower(r.UPN),
		asciiLower(r.SAMAccount), r.MailboxGUID.String(), asciiLower(r.ObjectID), fold(r.DisplayName), string(body), now, now,
		asciiLower(r.MasterAccountSID), asciiLower(r.LinkedMasterAccount))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return errors.Join(fmt.Errorf("%q: %w", r.label(), ErrExists), err)
	}
	if len(r.AutoMapped) > 0 {
		if err := writeMapped(tx, r); err != nil {
			return fmt.Errorf("write mapped: %w", err)
		}
	}
	return insertAddresses(tx, r)
}

// errUnchanged rolls a transaction back that found nothing to write.
var errUnchanged = errors.New("unchanged")

// UpdateRecipient lets fn edit the person with the GUID and writes the result;
// changed is false when nothing is new. fn may run more than once. An error of fn is returned as it is.
func (o *Organization) UpdateRecipient(ctx context.Context, id guid.GUID, fn func(*Recipient) error) (changed bool, err error) {
	var people int64
	err = o.db.Write(ctx, func(tx *sqldb.Tx) error {
		var err error
		if people, err = movePeople(tx); err != nil {
			return err
		}
		var old string
		err = tx.QueryRow("SELECT body FROM person WHERE guid = $1", id.String()).Scan(&old)
		if errors.Is(err, sql.ErrNoRows) {
			return fmt.Errorf("recipient %s: %w", id, ErrNotFound)
		}
		if err != nil {
			return fmt.Errorf("read recipient: %w", err)
		}
		var r Recipient
		if err := json.Unmarshal([]byte(old), &r); err != nil {
			return fmt.Errorf("read recipient: %w", err)
		}
		r.config = &o.kept
		administered := r.administers()
		if err := fn(&r); err != nil {
			return err
		}
		r.GUID = id
		if administered && !r.administers() {
			if err := keepAdministrator(tx, id); err != nil {
				return err
			}
		}
		if err := r.check(); err != nil {
			return err
		}
		body, err := json.Marshal(&r)
		if err != nil {
			return fmt.Errorf("write recipient: %w", err)
		}
		if string(body) == old {
			return errUnchanged
		}
		_, err = tx.Exec(`UPDATE person SET sid = $1, upn = $2, sam = $3, mailbox = $4, object_id = $5, display = $6, body = $7, changed = $8,
			master_sid = $9, master_account = $10 WHERE guid = $11`, asciiLower(r.SID), asciiLower(r.UPN), asciiLower(r.SAMAccount), r.MailboxGUID.String(), asciiLower(r.ObjectID),
			fold(r.DisplayName), string(body), micros(o.opts.Now()), asciiLower(r.MasterAccountSID), asciiLower(r.LinkedMasterAccount), id.String())
		if sqldb.IsUnique(err) {
			return fmt.Errorf("%q: %w", r.label(), ErrExists)
		}
		if err != nil {
			return fmt.Errorf("write recipient: %w", err)
		}
		if err := writeMapped(tx, &r); err != nil {
			return fmt.Errorf("write mapped: %w", err)
		}
		return writeAddresses(tx, &r)
	})
	if errors.Is(err, errUnchanged) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	o.sawPeople(people)
	return true, nil
}

// check puts the primary address first among the addresses and refuses what no directory holds.
func (r *Recipient) check() error {
	if r.DisplayName == "" || r.SAMAccount == "" {
		return refuse("A recipient needs a display name and an account name.")
	}
	if err := r.checkType(); err != nil {
		return err
	}
	if (r.MasterAccountSID == "") != (r.LinkedMasterAccount == "") {
		return refuse("A linked mailbox has both the name and the SID of its owner's account.")
	}
	if r.PrimarySMTP == "" {
		r.Addresses = nil
		return nil
	}
	addresses := []string{r.PrimarySMTP}
	for _, a := range r.Addresses {
		if a == "" {
			return refuse("The e-mail addresses of %s hold an empty one.", r.label())
		}
		if !slices.ContainsFunc(addresses, func(b string) bool { return asciiLower(a) == asciiLower(b) }) {
			addresses = append(addresses, a)
		}
	}
	r.Addresses = addresses
	return nil
}

func writeAddresses(tx *sqldb.Tx, r *Recipient) error {
	if _, err := tx.Exec("DELETE FROM person_address WHERE person = $1", r.GUID.String()); err != nil {
		return fmt.Errorf("write addresses: %w", err)
	}
	return insertAddresses(tx, r)
}

// insertAddresses writes the addresses of a person who has none yet.
func insertAddresses(tx *sqldb.Tx, r *Recipient) error {
	for _, a := range r.Addresses {
		if _, err := tx.Exec("INSERT INTO person_address (person, address) VALUES ($1, $2)", r.GUID.String(), asciiLower(a)); err != nil {
			return fmt.Errorf("write addresses: %w", err)
		}
	}
	return nil
}

// SourceAnchor returns what synchronisation makes the immutable id of: base64 of the little-endian GUID.
func (r *Recipient) SourceAnchor() string {
	b := r.GUID.BytesLE()
	return base64.StdEncoding.EncodeToString(b[:])
}

// Active tells whether somebody may sign in as the recipient: with an enabled account, or the owner of a linked
// mailbox, whose own account is disabled as it must be (Get-Mailbox, RecipientTypeDetails LinkedMailbox).
func (r *Recipient) Active() bool {
	return r.Type == TypeUser && (r.Enabled || r.MasterAccountSID != "")
}

// label names the recipient in an error.
func (r *Recipient) label() string { return cmp.Or(r.UPN, r.PrimarySMTP) }

// Synchronised tells whether the person has an account in the cloud.
func (r *Recipient) Synchronised() bool { return r.ImmutableID != "" || r.ObjectID != "" }

// BySID returns the person with the SID, or ErrNotFound.
func (o *Organization) BySID(ctx context.Context, sid string) (*Recipient, error) {
	return one(o.people1(ctx, "SELECT body, created, changed FROM person WHERE sid = $1", asciiLower(sid)))
}

// ByMasterAccountSID returns the people whose linked mailbox belongs to the account with the SID (msExchMasterAccountSid):
// none, one, or several (then it is ambiguous).
func (o *Organization) ByMasterAccountSID(ctx context.Context, sid string) ([]*Recipient, error) {
	if sid == "" {
		return nil, nil
	}
	return o.people1(ctx, "SELECT body, created, changed FROM person WHERE master_sid = $1", asciiLower(sid))
}

// ByGUID returns the person with the GUID, or ErrNotFound.
func (o *Organization) ByGUID(ctx context.Context, id guid.GUID) (*Recipient, error) {
	return one(o.people1(ctx, "SELECT body, created, changed FROM person WHERE guid = $1", id.String()))
}

// ByMailbox returns the owner of the mailbox, or ErrNotFound.
func (o *Organization) ByMailbox(ctx context.Context, mailbox guid.GUID) (*Recipient, error) {
	if mailbox.IsNil() {
		return nil, ErrNotFound
	}
	return one(o.people1(ctx, "SELECT body, created, changed FROM person WHERE mailbox = $1", mailbox.String()))
}

// ByObjectID returns the people that carry the cloud's object id: none, one, or several (then it decides nothing).
func (o *Organization) ByObjectID(ctx context.Context, id string) ([]*Recipient, error) {
	if id == "" {
		return nil, nil
	}
	return o.people1(ctx, "SELECT body, created, changed FROM person WHERE object_id = $1", asciiLower(id))
}

// ByUPN returns the people with the user principal name, compared without ASCII
// case: none, one, or several (then the name is ambiguous).
func (o *Organization) ByUPN(ctx context.Context, upn string) ([]*Recipient, error) {
	if upn == "" {
		return nil, nil
	}
	return o.people1(ctx, "SELECT body, created, changed FROM person WHERE upn = $1", asciiLower(upn))
}

// BySMTP returns the people with the primary or secondary SMTP address, compared
// without ASCII case: none, one, or several (then the address is ambiguous).
func (o *Organization) BySMTP(ctx context.Context, address string) ([]*Recipient, error) {
	if address == "" {
		return nil, nil
	}
	return o.people1(ctx, `SELECT p.body, p.created, p.changed FROM person_address a JOIN person p ON p.guid = a.person
		WHERE a.address = $1`, asciiLower(address))
}

// bySAM returns the people with the account name.
func (o *Organization) bySAM(ctx context.Context, name string) ([]*Recipient, error) {
	return o.people1(ctx, "SELECT body, created, changed FROM person WHERE sam = $1", asciiLower(name))
}

// Find returns the people whom an administrator may mean with an identity: by GUID, SID,
// UPN, SMTP address, account name (with or without DOMAIN\), distinguished name
// or display name, whichever of these finds somebody first.
func (o *Organization) Find(ctx context.Context, identity string) ([]*Recipient, error) {
	if id, err := guid.Parse(identity); err == nil {
		return o.people1(ctx, "SELECT body, created, changed FROM person WHERE guid = $1", id.String())
	}
	if strings.Contains(identity, `\`) {
		return o.byLogin(ctx, identity)
	}
	name := identity
	if rdn, _, ok := strings.Cut(identity, ",CN=Users,"); ok && strings.EqualFold(rdn[:min(3, len(rdn))], "CN=") {
		name = rdn[3:]
	}
	for _, try := range []func() ([]*Recipient, error){
		func() ([]*Recipient, error) { return o.ByUPN(ctx, identity) },
		func() ([]*Recipient, error) { return o.BySMTP(ctx, identity) },
		func() ([]*Recipient, error) { return o.bySAM(ctx, identity) },
		func() ([]*Recipient, error) {
			return o.people1(ctx, "SELECT body, created, changed FROM person WHERE sid = $1", asciiLower(identity))
		},
		func() ([]*Recipient, error) {
			return o.people1(ctx, "SELECT body, created, changed FROM person WHERE display = $1", fold(name))
		},
	} {
		if list, err := try(); err != nil || len(list) > 0 {
			return list, err
		}
	}
	return nil, nil
}

// AllRecipients returns the next page of people in the order of their display
// names (case and diacritics folded), at most limit of them, after the given
// person or from the beginning when that is nil.
func (o *Organization) AllRecipients(ctx context.Context, after *Recipient, limit int) ([]*Recipient, error) {
	display, id := "", ""
	if after != nil {
		display, id = fold(after.DisplayName), after.GUID.String()
	}
	return o.readPeople(ctx, `SELECT body, created, changed FROM person WHERE (display, guid) > ($1, $2)
		ORDER BY display, guid LIMIT $3`, display, id, limit)
}

// RecipientsByGUID is AllRecipients in the order of the GUIDs, after the given one: a
// position that a caller far away can hold and that no renaming moves.
func (o *Organization) RecipientsByGUID(ctx context.Context, after guid.GUID, limit int) ([]*Recipient, error) {
	return o.readPeople(ctx, "SELECT body, created, changed FROM person WHERE guid > $1 ORDER BY guid LIMIT $2", after.String(), limit)
}

// people1 runs a look-up with one argument.
func (o *Organization) people1(ctx context.Context, query string, arg string) ([]*Recipient, error) {
	return o.readPeople(ctx, query+" LIMIT $2", arg, manyHits)
}

func (o *Organization) readPeople(ctx context.Context, query string, args ...any) ([]*Recipient, error) {
	if o.kept.Load() == nil { // Limits of who is found look there
		if _, err := o.Configuration(ctx); err != nil {
			return nil, fmt.Errorf("look up recipient: %w", err)
		}
	}
	rows, err := o.db.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("look up recipient: %w", err)
	}
	defer rows.Close()
	var list []*Recipient
	for rows.Next() {
		var body string
		var created, changed int64
		if err := rows.Scan(&body, &created, &changed); err != nil {
			return nil, fmt.Errorf("look up recipient: %w", err)
		}
		var r Recipient
		if err := json.Unmarshal([]byte(body), &r); err != nil {
			return nil, fmt.Errorf("look up recipient: %w", err)
		}
		r.WhenCreated, r.WhenChanged, r.config = fromMicros(created), fromMicros(changed), &o.kept
		list = append(list, &r)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("look up recipient: %w", err)
	}
	return list, nil
}

func one(list []*Recipient, err error) (*Recipient, error) {
	switch {
	case err != nil:
		return nil, err
	case len(list) != 1:
		return nil, fmt.Errorf("look up recipient: %w", ErrNotFound)
	}
	return list[0], nil
}

// fold takes case and diacritics off a display name, for sorting.
func fold(s string) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) || r == 0 {
			return -1
		}
		return r
	}, norm.NFKD.String(s))
	return cases.Fold().String(plain)
}
