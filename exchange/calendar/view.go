package calendar

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/mapi"
	"hma/wire/oxocal"
)

// MaxEvents is the most events that one view tells; its window is at most two years.
const MaxEvents = 1000

// maxCandidates is how many items a view looks at.
const maxCandidates = 20_000

// View returns the events of a folder that share time with [from, to), a series as
// its occurrences, in the order of their starts and at most limit of them; more tells
// that there are others. It costs what lies in the window, not what the folder holds.
func View(ctx context.Context, box *store.Mailbox, folder store.FolderID, from, to time.Time, want store.Want, limit int) (events []*Event, more bool, err error) {
	switch {
	case to.Before(from):
		return nil, false, ErrEndBeforeStart
	case to.After(from.AddDate(2, 0, 0)):
		return nil, false, ErrRange
	}
	v := &view{box: box, from: from, to: to, limit: limit}
	read := Want(want)
	read.Tags = append(read.Tags, mapi.PidLidCleanGlobalObjectID, mapi.PidLidReminderSet, mapi.PidLidReminderDelta)
	read.Attachments = false // those of a series with exceptions are read when one is in the window
	items, cut, err := box.Between(ctx, folder, from, to, read, maxCandidates)
	if err != nil {
		return nil, false, err
	}
	if cut {
		return nil, false, ErrTooMany
	}
	for _, it := range items {
		if err := v.add(ctx, it); err != nil {
			return nil, false, fmt.Errorf("view of %v: %w", folder, err)
		}
	}
	v.trim()
	for _, o := range v.found {
		e, err := v.event(ctx, o)
		if err != nil {
			return nil, false, err
		}
		if want.Attachments && e.Attachments == nil {
			full, err := box.Item(ctx, e.Item.ID, store.Want{Attachments: true})
			if err != nil {
				return nil, false, err
			}
			e.Attachments = Visible(full.Attachments)
		}
		events = append(events, e)
	}
	return events, v.more, nil
}

// candidate is an event that a view may tell.
type candidate struct {
	start  time.Time
	item   *store.Item
	series *Series // nil for a single event
	at     oxocal.Occurrence
}

// view gathers the first events of a window.
type view struct {
	box      *store.Mailbox
	from, to time.Time // to moves back once there are enough events before it
	limit    int
	found    []candidate
	more     bool
	items    map[store.ItemID][]store.Attachment
}

// add puts the events of an item among those found.
func (v *view) add(ctx context.Context, it *store.Item) error {
	if _, ok := it.Props[mapi.PidLidAppointmentRecur].(mapi.Blob); ok {
		if err := v.box.Resolve(ctx, it.Props, maxRecurrence, mapi.PidLidAppointmentRecur); err != nil {
			return err
		}
	}
	s, err := SeriesOf(it.Props)
	if s == nil || err != nil { // a series that cannot be read is shown once, by its own time
		start, end := it.Props.Time(mapi.PidLidAppointmentStartWhole), it.Props.Time(mapi.PidLidAppointmentEndWhole)
		if start.Before(v.to) && (end.After(v.from) || !start.Before(v.from)) {
			v.put(candidate{start: start, item: it})
		}
		return nil
	}
	n := 0
	for in := range s.Instances(s.Zone, v.from, v.to) {
		v.put(candidate{start: in.StartUTC, item: it, series: s, at: in.Occurrence})
		if n++; n > v.limit {
			break // occurrences come in order: the limit is reached by this series alone
		}
	}
	return nil
}

// put adds a candidate; what cannot be among the first limit is dropped from time to time.
func (v *view) put(c candidate) {
	v.found = append(v.found, c)
	if len(v.found) > 2*v.limit+1 {
		v.trim()
	}
}

// trim keeps the first limit candidates. Nothing that starts after the last of them
// needs to be looked at any more.
func (v *view) trim() {
	slices.SortStableFunc(v.found, func(a, b candidate) int { return a.start.Compare(b.start) })
	if len(v.found) > v.limit {
		v.more = true
		clear(v.found[v.limit:])
		v.found = v.found[:v.limit]
		if v.limit > 0 {
			v.to = v.found[v.limit-1].start.Add(time.Microsecond)
		}
	}
}

// event makes the event of a candidate.
func (v *view) event(ctx context.Context, c candidate) (*Event, error) {
	if c.series == nil {
		return &Event{Item: c.item}, nil
	}
	var own *transport.Exception
	if c.at.Exception != nil {
		list, known := v.items[c.item.ID]
		if !known {
			full, err := v.box.Item(ctx, c.item.ID, store.Want{Attachments: true})
			if err != nil {
				return nil, err
			}
			if v.items == nil {
				v.items = map[store.ItemID][]store.Attachment{}
			}
			list = full.Attachments
			v.items[c.item.ID] = list
		}
		var err error
		if own, err = transport.ExceptionOf(ctx, v.box, list, c.series.Zone.UTC(c.at.Day.At(c.series.Clock))); err != nil && !errors.Is(err, mapi.ErrSyntax) {
			return nil, err // a damaged one costs nobody the view
		}
	}
	return occurrence(c.item, c.series, c.at, own), nil
}
