package calendar

import (
	"time"

	"hma/wire/mapi"
	"hma/wire/oxocal"
)

// zone reads a time zone definition (MS-OXOCAL 2.2.1.41 to 2.2.1.43), nil for none.
func zone(props mapi.Bag, tag mapi.Tag) *oxocal.Zone {
	packed := props.Bytes(tag)
	if packed == nil {
		return nil
	}
	z, err := oxocal.ParseDefinition(packed)
	if err != nil {
		return nil
	}
	return z
}

// zoneStruct reads the zone that older clients give a series (MS-OXOCAL 2.2.1.39),
// nil for none.
func zoneStruct(props mapi.Bag) *oxocal.Zone {
	packed := props.Bytes(mapi.PidLidTimeZoneStruct)
	if packed == nil {
		return nil
	}
	z, err := oxocal.ParseStruct(packed, props.Time(mapi.PidLidAppointmentStartWhole).Year())
	if err != nil {
		return nil
	}
	return z
}

func putZone(props mapi.Bag, tag mapi.Tag, z *oxocal.Zone, at time.Time) {
	props[tag] = z.AppendDefinition(nil, at.Year())
}

func putZoneStruct(props mapi.Bag, z *oxocal.Zone, at time.Time) {
	props[mapi.PidLidTimeZoneStruct] = z.AppendStruct(nil, at.Year())
	props[mapi.PidLidTimeZoneDescription] = z.Name()
}
