package ews

import "hma/exchange/store"

// deleteUserConfiguration answers DeleteUserConfiguration (MS-OXWSUSRCFG 3.1.4.2).
func deleteUserConfiguration(c *call) error {
	e, err := c.child("UserConfigurationName")
	if err != nil {
		return err
	}
	folder, name, err := c.configurationName(e)
	if err != nil {
		return err
	}
	it, err := c.box(folder).Configuration(c.ctx, folder, name)
	if err != nil {
		return err
	}
	if _, err := c.box(folder).DeleteItem(c.ctx, it.ID, store.HardDelete); err != nil {
		return err
	}
	return c.one(nil)
}
