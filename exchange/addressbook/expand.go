package addressbook

import (
	"context"
	"errors"

	"hma/exchange/org"
	"hma/wire/guid"
)

// Groups is where the members of groups come from.
type Groups interface {
	// Members returns the next page of a group's own members in the order of their GUIDs, after the given one; fewer
	// than limit are the last.
	Members(ctx context.Context, group, after guid.GUID, limit int) ([]*org.Recipient, error)
}

// ErrTooMany says that a group has more members, with those of the groups in it, than the caller takes.
var ErrTooMany = errors.New("too many members")

// maxGroups is how many groups in one another are looked into.
const maxGroups = 1000

// Expand returns everybody whom a message to the group is for: its members and those of the groups among
// them, each once, however the groups contain one another. A group that open does not admit stays shut with
// all that is in it; a nil open admits all. More than limit are ErrTooMany.
func Expand(ctx context.Context, from Groups, group *org.Recipient, limit int, open func(*org.Recipient) (bool, error)) ([]*org.Recipient, error) {
	seen := map[guid.GUID]bool{group.GUID: true}
	var all []*org.Recipient
	for groups := []*org.Recipient{group}; len(groups) > 0; groups = groups[1:] {
		for after := guid.Nil; ; {
			page, err := from.Members(ctx, groups[0].GUID, after, pageSize)
			if err != nil {
				return nil, err
			}
			for _, m := range page {
				if after = m.GUID; seen[after] {
					continue
				}
				seen[after] = true
				if !m.Type.Group() {
					all = append(all, m)
					continue
				}
				admitted := true
				if open != nil {
					if admitted, err = open(m); err != nil {
						return nil, err
					}
				}
				if admitted {
					groups = append(groups, m)
				}
			}
			if len(all) > limit || len(seen)-len(all) > maxGroups {
				return nil, ErrTooMany
			}
			if len(page) < pageSize {
				break
			}
		}
	}
	return all, nil
}
