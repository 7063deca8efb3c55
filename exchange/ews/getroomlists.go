package ews

import "hma/exchange/org"

// getRoomLists answers GetRoomLists (MS-OXWSGTRL 3.1.4.1) with the room lists that the address list shows.
func getRoomLists(c *call) error {
	list, err := c.addressList()
	if err != nil {
		return err
	}
	return c.alone(func() error {
		c.w.Start("m:RoomLists")
		for _, e := range list.OfType(org.TypeRoomList) {
			ofEntry(e).write(c.w, "t:Address")
		}
		c.w.End("m:RoomLists")
		return nil
	})
}
