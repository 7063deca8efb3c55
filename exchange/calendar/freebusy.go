package calendar

import (
	"context"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
)

// Busy is a time at which somebody is not free.
type Busy struct {
	Start, End time.Time
	Status     int32  // PidLidBusyStatus, never free
	Event      *Event // who may not know more is not told of it
}

// busyTags are what a free/busy view tells of an event to those who may know more.
var busyTags = []mapi.Tag{mapi.PidTagSubject, mapi.PidLidLocation, mapi.PidLidBusyStatus, mapi.PidLidAppointmentStateFlags, mapi.PidLidReminderSet,
	mapi.PidTagSensitivity, mapi.PidLidIsRecurring, mapi.PidLidCleanGlobalObjectID}

// FreeBusy returns the times between from and to at which the owner of a mailbox is
// not free, in the order of their starts.
func FreeBusy(ctx context.Context, box *store.Mailbox, from, to time.Time) ([]Busy, error) {
	folder, err := box.RoleID(store.RoleCalendar)
	if err != nil {
		return nil, err
	}
	events, more, err := View(ctx, box, folder, from, to, store.Want{Tags: busyTags}, MaxEvents)
	if err != nil {
		return nil, err
	}
	if more {
		return nil, ErrTooMany
	}
	var list []Busy
	for _, e := range events {
		status := BusyBusy
		if _, v, ok := e.Props.Find(mapi.PidLidBusyStatus); ok {
			status, _ = v.(int32)
		}
		if status == BusyFree || status < 0 || status > BusyWorkingElsewhere {
			continue
		}
		list = append(list, Busy{e.Start(), e.End(), status, e})
	}
	return list, nil
}

// Merge returns one status for each interval from from to to: the busiest of those
// that touch it (MS-OXWAVLS 3.1.4.1.4.1). Somebody who works elsewhere is less
// occupied than one who has a tentative appointment.
func Merge(list []Busy, from, to time.Time, interval time.Duration) []int32 {
	n := int((to.Sub(from) + interval - 1) / interval)
	merged := make([]int32, n)
	rank := [...]int{BusyFree: 0, BusyTentative: 2, BusyBusy: 3, BusyOutOfOffice: 4, BusyWorkingElsewhere: 1}
	for _, b := range list {
		first := max(0, int(b.Start.Sub(from)/interval))
		if b.Start.Before(from) {
			first = 0
		}
		for i := first; i < n && from.Add(time.Duration(i)*interval).Before(b.End); i++ {
			if rank[b.Status] > rank[merged[i]] {
				merged[i] = b.Status
			}
		}
	}
	return merged
}

// Neighbourhood is how many events are around another one.
type Neighbourhood struct {
	Conflicting int // overlap it
	Adjacent    int // end when it begins, or begin when it ends
}

// Neighbours counts the events of a mailbox's calendar around another one; free time
// and the event itself do not count.
func Neighbours(ctx context.Context, box *store.Mailbox, e *Event) (n Neighbourhood, err error) {
	folder, err := box.RoleID(store.RoleCalendar)
	start, end := e.Start(), e.End()
	if err != nil || start.IsZero() || end.Sub(start) > 365*24*time.Hour {
		return n, err
	}
	id := e.Props.Bytes(mapi.PidLidCleanGlobalObjectID)
	events, _, err := View(ctx, box, folder, start.Add(-time.Minute), end.Add(time.Minute), store.Want{Tags: busyTags}, MaxEvents)
	if err != nil {
		return n, err
	}
	for _, o := range events {
		if o.Item.ID == e.Item.ID || len(id) > 0 && string(o.Props.Bytes(mapi.PidLidCleanGlobalObjectID)) == string(id) {
			continue
		}
		if _, v, ok := o.Props.Find(mapi.PidLidBusyStatus); ok && v == BusyFree {
			continue
		}
		switch {
		case o.Start().Before(end) && o.End().After(start):
			n.Conflicting++
		case o.End().Equal(start) || o.Start().Equal(end):
			n.Adjacent++
		}
	}
	return n, nil
}
