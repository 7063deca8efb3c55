package org

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"hma/internal/sqldb"
	"hma/wire/guid"
)

// Members returns the next page of a group's own members in the order of their GUIDs, at most limit
// of them, after the given one; the nil GUID gives the first page. Members of groups among them are not looked for.
func (o *Organization) Members(ctx context.Context, group, after guid.GUID, limit int) ([]*Recipient, error) {
	return o.readPeople(ctx, `SELECT p.body, p.created, p.changed FROM group_member m JOIN person p ON p.guid = m.member
		WHERE m.grp = $1 AND m.member > $2 ORDER BY m.member LIMIT $3`, group.String(), after.String(), limit)
}

// GroupsOf returns the next page of the groups that have the recipient as a member of their own, as Members does.
func (o *Organization) GroupsOf(ctx context.Context, member, after guid.GUID, limit int) ([]*Recipient, error) {
	return o.readPeople(ctx, `SELECT p.body, p.created, p.changed FROM group_member m JOIN person p ON p.guid = m.grp
		WHERE m.member = $1 AND m.grp > $2 ORDER BY m.grp LIMIT $3`, member.String(), after.String(), limit)
}

// ChangeMembers adds members to a group and takes others out. Who is a member already and who is none
// make no difference; changed is false when there was nothing to do. A room list takes rooms, and other
// room lists. ErrNotFound: there is no such group, or none to add.
func (o *Organization) ChangeMembers(ctx context.Context, group guid.GUID, add, remove []guid.GUID) (changed bool, err error) {
	var people int64
	err = o.db.Write(ctx, func(tx *sqldb.Tx) error {
		changed = false
		var err error
		if people, err = movePeople(tx); err != nil {
			return err
		}
		to, err := recipient(tx, group)
		if err == nil && !to.Type.Group() {
			err = fmt.Errorf("group %s: %w", group, ErrNotFound)
		}
		if err != nil {
			return err
		}
		for _, id := range add {
			r, err := recipient(tx, id)
			if err != nil {
				return err
			}
			switch {
			case id == group:
				return refuse("A group cannot be a member of itself.")
			case r.PrimarySMTP == "":
				return refuse("%s has no e-mail address.", r.DisplayName)
			case to.Type == TypeRoomList && r.Type != TypeRoom && r.Type != TypeRoomList:
				return refuse("%s is no room: a room list has rooms and room lists alone.", r.DisplayName)
			}
			res, err := tx.Exec("INSERT INTO group_member (grp, member) VALUES ($1, $2) ON CONFLICT DO NOTHING", group.String(), id.String())
			if changed, err = touched(changed, res, err); err != nil {
				return err
			}
		}
		for _, id := range remove {
			res, err := tx.Exec("DELETE FROM group_member WHERE grp = $1 AND member = $2", group.String(), id.String())
			if changed, err = touched(changed, res, err); err != nil {
				return err
			}
		}
		if !changed {
			return errUnchanged
		}
		return nil
	})
	switch {
	case errors.Is(err, errUnchanged):
		return false, nil
	case err != nil:
		return false, err
	}
	o.sawPeople(people)
	return true, nil
}

// touched tells whether a statement found a row, or one before it did.
func touched(before bool, res sql.Result, err error) (bool, error) {
	if err != nil {
		return before, fmt.Errorf("write members: %w", err)
	}
	n, err := res.RowsAffected()
	return before || n > 0, err
}

// RemoveGroup takes a group out of the directory, with its members' rows; they themselves stay. ErrNotFound: it is none.
func (o *Organization) RemoveGroup(ctx context.Context, group guid.GUID) error {
	var people int64
	err := o.db.Write(ctx, func(tx *sqldb.Tx) error {
		var err error
		if people, err = movePeople(tx); err != nil {
			return err
		}
		r, err := recipient(tx, group)
		if err == nil && !r.Type.Group() {
			err = fmt.Errorf("group %s: %w", group, ErrNotFound)
		}
		if err != nil {
			return err
		}
		for _, statement := range []string{"DELETE FROM group_member WHERE grp = $1", "DELETE FROM group_member WHERE member = $1",
			"DELETE FROM person_address WHERE person = $1", "DELETE FROM person WHERE guid = $1"} {
			if _, err := tx.Exec(statement, group.String()); err != nil {
				return fmt.Errorf("remove group: %w", err)
			}
		}
		return nil
	})
	if err == nil {
		o.sawPeople(people)
	}
	return err
}

// recipient reads one in a transaction, or ErrNotFound.
func recipient(tx *sqldb.Tx, id guid.GUID) (*Recipient, error) {
	var body string
	err := tx.QueryRow("SELECT body FROM person WHERE guid = $1", id.String()).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("recipient %s: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, fmt.Errorf("read recipient: %w", err)
	}
	r := new(Recipient)
	if err := json.Unmarshal([]byte(body), r); err != nil {
		return nil, fmt.Errorf("read recipient: %w", err)
	}
	return r, nil
}

// MaySend tells whether the person with the SID, "" for somebody who did not sign in, may send to the group.
func (o *Organization) MaySend(ctx context.Context, group *Recipient, sid string) (bool, error) {
	if sid == "" {
		return !group.Group.InternalOnly && len(group.Group.AcceptFrom) == 0, nil
	}
	if len(group.Group.AcceptFrom) == 0 {
		return true, nil
	}
	sender, err := o.BySID(ctx, sid)
	if errors.Is(err, ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return o.within(ctx, sender.GUID, group.Group.AcceptFrom)
}

// within tells whether the recipient is one of those, or a member of a group that is, however deep.
func (o *Organization) within(ctx context.Context, id guid.GUID, those []guid.GUID) (bool, error) {
	seen := map[guid.GUID]bool{id: true}
	for next := []guid.GUID{id}; len(next) > 0; next = next[1:] {
		if slices.Contains(those, next[0]) {
			return true, nil
		}
		for after := guid.Nil; ; {
			page, err := o.GroupsOf(ctx, next[0], after, groupPage)
			if err != nil {
				return false, err
			}
			for _, g := range page {
				if after = g.GUID; !seen[after] {
					seen[after] = true
					next = append(next, after)
				}
			}
			if len(page) < groupPage {
				break
			}
		}
	}
	return false, nil
}

// groupPage is how many groups of a recipient are read at a time.
const groupPage = 100
