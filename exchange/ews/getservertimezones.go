package ews

import (
	"strconv"

	"hma/wire/oxocal"
	"hma/wire/soap"
)

// Years around today for which GetServerTimeZones tells rules.
const (
	zoneYearsBack  = 15
	zoneYearsAhead = 10
)

// getServerTimeZones answers GetServerTimeZones (MS-OXWSTZ 3.1.4.1): every zone that
// Windows knows, or those of some ids, in the order asked for. An id that no zone has
// is left out.
func getServerTimeZones(c *call) error {
	full := true
	if text, ok := c.req.Attr("ReturnFullTimeZoneData"); ok {
		var err error
		if full, err = strconv.ParseBool(text); err != nil {
			return invalid(c.req, "ReturnFullTimeZoneData must be a Boolean")
		}
	}
	zones := oxocal.WindowsZones()
	if ids := c.req.Child(soap.NSMessages, "Ids"); ids != nil {
		if len(ids.Children) > maxIDs {
			return invalid(ids, "more than %d ids", maxIDs)
		}
		zones = nil
		for _, e := range ids.Children {
			if zone, ok := oxocal.WindowsZone(e.Text); ok {
				zones = append(zones, zone)
			}
		}
	}
	year := c.door.opts.Now().Year()
	c.begin()
	err := c.success(func() error {
		c.w.Start("m:TimeZoneDefinitions")
		defer c.w.End("m:TimeZoneDefinitions")
		for _, zone := range zones {
			if full {
				writeZoneDefinition(c.w, zone, year-zoneYearsBack, year+zoneYearsAhead)
			} else {
				writeZone(c.w, "t:TimeZoneDefinition", zone)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.finish()
	return nil
}
