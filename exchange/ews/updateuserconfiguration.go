package ews

import (
	"hma/exchange/store"
	"hma/wire/mapi"
)

// updateUserConfiguration answers UpdateUserConfiguration (MS-OXWSUSRCFG 3.1.4.4):
// what the request has replaces what was there, the rest stays.
func updateUserConfiguration(c *call) error {
	e, err := c.child("UserConfiguration")
	if err != nil {
		return err
	}
	folder, name, props, err := c.userConfiguration(e)
	if err != nil {
		return err
	}
	it, err := c.box(folder).Configuration(c.ctx, folder, name)
	if err != nil {
		return err
	}
	props[mapi.PidTagRoamingDatatypes] = datatypes(props) | datatypes(it.Props)
	if _, err := c.box(folder).UpdateItem(c.ctx, it.ID, store.ItemUpdate{Set: props}); err != nil {
		return err
	}
	return c.one(nil)
}
