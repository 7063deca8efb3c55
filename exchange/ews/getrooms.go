package ews

import (
	"errors"
	"slices"
	"strings"

	"hma/exchange/addressbook"
	"hma/exchange/org"
	"hma/wire/soap"
)

// getRooms answers GetRooms (MS-OXWSGTRM 3.1.4.1) with the rooms of a room list and of the lists in it, in the order
// of their names. What is no room list is told by the error for a name that nobody has.
func getRooms(c *call) error {
	e, err := c.child("RoomList")
	if err != nil {
		return err
	}
	list, err := c.addressList()
	if err != nil {
		return err
	}
	var of *addressbook.Entry
	if email := e.Child(soap.NSTypes, "EmailAddress"); email != nil {
		of = list.ByAddress(email.Text)
	}
	if of == nil || of.Type != org.TypeRoomList || c.door.opts.Groups == nil {
		return errNoResults
	}
	rooms, err := addressbook.Expand(c.ctx, c.door.opts.Groups, &org.Recipient{GUID: of.GUID, Type: of.Type}, maxExpanded, nil)
	if errors.Is(err, addressbook.ErrTooMany) {
		return errTooManyRooms
	}
	if err != nil {
		return err
	}
	rooms = slices.DeleteFunc(rooms, func(r *org.Recipient) bool { return r.Type != org.TypeRoom || !shown(r) })
	slices.SortFunc(rooms, func(a, b *org.Recipient) int { return strings.Compare(a.DisplayName, b.DisplayName) })
	return c.alone(func() error {
		c.w.Start("m:Rooms")
		for _, r := range rooms {
			c.w.Start("t:Room")
			ofRecipient(r).write(c.w, "t:Id")
			c.w.End("t:Room")
		}
		c.w.End("m:Rooms")
		return nil
	})
}

var errTooManyRooms = &problem{"ErrorInvalidOperation", "The room list has too many rooms."}
