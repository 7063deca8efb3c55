package ews

// getUserConfiguration answers GetUserConfiguration (MS-OXWSUSRCFG 3.1.4.3): one
// that is not there is ErrorItemNotFound.
func getUserConfiguration(c *call) error {
	e, err := c.child("UserConfigurationName")
	if err != nil {
		return err
	}
	wanted, err := c.configurationParts()
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
	return c.one(func() error { return c.writeConfiguration(e, it, wanted) })
}
