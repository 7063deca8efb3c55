package ews

import (
	"errors"
	"slices"

	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/soap"
)

// getDelegate answers GetDelegate (MS-OXWSDLGM 3.1.4.1): all delegates, or those of UserIds.
func getDelegate(c *call) error {
	box, err := c.delegating()
	if err != nil {
		return err
	}
	permissions, err := c.flag("IncludePermissions")
	if err != nil {
		return err
	}
	list, err := box.Delegates(c.ctx)
	if err != nil {
		return err
	}
	var named []delegateNamed
	if users := c.req.Child(soap.NSMessages, "UserIds"); users != nil {
		named, err = c.delegatesNamed(users)
	} else {
		named, err = c.everyDelegate(list)
	}
	if err != nil {
		return err
	}
	var levels func(sid string) []string
	if permissions && len(list.List) > 0 {
		if levels, err = c.delegateLevels(box); err != nil {
			return err
		}
	}
	found := func(i int) *store.Delegate { return list.Find(named[i].sid) }
	failed := func(i int) error {
		if named[i].err == nil && found(i) == nil {
			return named[i].unknown()
		}
		return named[i].err
	}
	return c.alone(func() error {
		c.writeDelegates(named, failed, func(i int) {
			d := *found(i)
			var shown []string
			if levels != nil {
				shown = levels(d.SID)
			}
			c.writeDelegate(named[i].person, d, shown)
		})
		c.w.Element("m:DeliverMeetingRequests", deliveries[list.Delivery])
		return nil
	})
}

// everyDelegate names all delegates of a mailbox.
func (c *call) everyDelegate(list *store.Delegates) ([]delegateNamed, error) {
	named := make([]delegateNamed, len(list.List))
	for i, d := range list.List {
		person, err := c.door.opts.People.BySID(c.ctx, d.SID)
		if err != nil && !errors.Is(err, org.ErrNotFound) {
			return nil, err
		}
		named[i] = delegateNamed{sid: d.SID, person: person}
	}
	return named, nil
}

// delegateLevels reads the permission tables of delegateFolders once, for the levels that somebody has there.
func (c *call) delegateLevels(box *store.Mailbox) (func(sid string) []string, error) {
	rights := make([]map[string]store.Rights, len(delegateFolders))
	for i, f := range delegateFolders {
		folder, err := box.RoleID(f.role)
		if err != nil {
			return nil, err
		}
		rows, err := box.Permissions(c.ctx, folder)
		if err != nil {
			return nil, err
		}
		rights[i] = make(map[string]store.Rights, len(rows))
		for _, p := range rows {
			rights[i][p.Member] = p.Rights
		}
	}
	return func(sid string) []string {
		levels := make([]string, len(rights))
		for i, f := range delegateFolders {
			if levels[i] = levelOf(rights[i][sid], f.role == store.RoleCalendar); !slices.Contains(delegateLevels, levels[i]) {
				levels[i] = levelCustom
			}
		}
		return levels
	}, nil
}
