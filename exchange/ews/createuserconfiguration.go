package ews

import (
	"errors"

	"hma/exchange/store"
	"hma/wire/mapi"
)

// createUserConfiguration answers CreateUserConfiguration (MS-OXWSUSRCFG 3.1.4.1).
func createUserConfiguration(c *call) error {
	e, err := c.child("UserConfiguration")
	if err != nil {
		return err
	}
	folder, name, props, err := c.userConfiguration(e)
	if err != nil {
		return err
	}
	props[mapi.PidTagRoamingDatatypes] = datatypes(props)
	_, err = c.box(folder).CreateConfiguration(c.ctx, folder, name, props)
	switch {
	case errors.Is(err, store.ErrExists):
		return errItemSave
	case errors.Is(err, store.ErrTooMany):
		return &problem{"ErrorQuotaExceeded", "The folder has too many configurations."}
	case err != nil:
		return orFolder(err)
	}
	return c.one(nil)
}
