package calendar

import (
	"bytes"
	"context"
	"encoding/xml"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxocal"
)

// WorkingHours is when somebody works.
type WorkingHours struct {
	Zone       *oxocal.Zone
	Days       oxocal.Weekdays
	Start, End time.Duration // after midnight
}

// DefaultHours is what holds for somebody who said nothing: Monday to Friday, eight
// to five.
var DefaultHours = WorkingHours{Zone: oxocal.UTC(), Days: oxocal.WorkDays, Start: 8 * time.Hour, End: 17 * time.Hour}

// hoursClass is the class of the item that holds somebody's working hours in the
// calendar folder (MS-OXOCFG 2.2.5.1.3).
const hoursClass = "IPM.Configuration.WorkHours"

// maxHours is the longest description of working hours that is read.
const maxHours = 64 << 10

// Hours returns the working hours of a mailbox's owner (MS-OXOCFG 2.2.5.1.3). What
// cannot be read is the default.
func Hours(ctx context.Context, box *store.Mailbox) (WorkingHours, error) {
	folder, err := box.RoleID(store.RoleCalendar)
	if err != nil {
		return DefaultHours, err
	}
	page, err := box.List(ctx, store.Query{Folder: folder, View: store.AssociatedView, Limit: 1,
		Where: mapi.Property{Op: mapi.EQ, Tag: mapi.PidTagMessageClass, Value: hoursClass},
		Want:  store.Want{Tags: []mapi.Tag{mapi.PidTagRoamingXMLStream}}})
	if err != nil || len(page.Items) == 0 {
		return DefaultHours, err
	}
	props := page.Items[0].Props
	if err := box.Resolve(ctx, props, maxHours); err != nil {
		return DefaultHours, nil
	}
	return parseHours(props.Bytes(mapi.PidTagRoamingXMLStream)), nil
}

// parseHours reads the XML of working hours.
func parseHours(text []byte) WorkingHours {
	var root struct {
		Version struct {
			TimeZone struct {
				Name string
			}
			TimeSlot struct{ Start, End string }
			WorkDays string
		} `xml:"WorkHoursVersion1"`
	}
	h := DefaultHours
	if len(text) > maxHours || xml.NewDecoder(bytes.NewReader(text)).Decode(&root) != nil {
		return h
	}
	v := root.Version
	if z, ok := oxocal.Find(v.TimeZone.Name); ok {
		h.Zone = z
	}
	start, err := time.Parse(time.TimeOnly, v.TimeSlot.Start)
	end, err2 := time.Parse(time.TimeOnly, v.TimeSlot.End)
	if err == nil && err2 == nil && start.Before(end) {
		midnight := start.Truncate(24 * time.Hour)
		h.Start, h.End = start.Sub(midnight), end.Sub(midnight)
	}
	var days oxocal.Weekdays
	for _, name := range strings.Fields(v.WorkDays) {
		for d := time.Sunday; d <= time.Saturday; d++ {
			if d.String() == name {
				days |= oxocal.On(d)
			}
		}
	}
	if days != 0 {
		h.Days = days
	}
	return h
}
