package calendar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
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
	if err := v.readAttachments(ctx, want.Attachments); err != nil {
		return nil, false, err
	}
	for some := range slices.Chunk(v.found, eventsTogether) {
		if events, err = v.append(ctx, events, some, want.Attachments); err != nil {
			return nil, false, err
		}
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

	attachments map[store.ItemID][]store.Attachment // of the items that readAttachments read
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

// readAttachments reads the attachments of the items that exceptions were found of, or of all.
func (v *view) readAttachments(ctx context.Context, all bool) error {
	v.attachments = map[store.ItemID][]store.Attachment{}
	var ids []store.ItemID
	for _, c := range v.found {
		if _, known := v.attachments[c.item.ID]; !known && (all || c.at.Exception != nil) {
			v.attachments[c.item.ID] = nil
			ids = append(ids, c.item.ID)
		}
	}
	items, err := v.box.Items(ctx, ids, store.Want{Attachments: true})
	for i, it := range items {
		if it != nil { // otherwise it went meanwhile
			v.attachments[ids[i]] = it.Attachments
		}
	}
	return err
}

// eventsTogether is how many events' exceptions are read together.
const eventsTogether = 16

// append appends the events of candidates.
func (v *view) append(ctx context.Context, events []*Event, some []candidate, attachments bool) ([]*Event, error) {
	var contents []mapi.Blob
	for _, c := range some {
		if a, ok := v.exception(c); ok {
			contents = append(contents, a.Content)
		}
	}
	short, err := v.box.ShortBlobs(ctx, contents)
	if err != nil {
		return nil, err
	}
	for _, c := range some {
		e := &Event{Item: c.item}
		if c.series != nil {
			var own *transport.Exception
			if a, ok := v.exception(c); ok {
				var r io.Reader = v.box.OpenBlob(ctx, a.Content)
				if data, read := short[a.Content]; read {
					r = bytes.NewReader(data)
				}
				if own, err = transport.ReadException(r); err != nil && !errors.Is(err, mapi.ErrSyntax) {
					return nil, err // a damaged one costs nobody the view
				}
			}
			e = occurrence(c.item, c.series, c.at, own)
		}
		if attachments && e.Attachments == nil {
			e.Attachments = Visible(v.attachments[e.Item.ID])
		}
		events = append(events, e)
	}
	return events, nil
}

// exception finds the attachment that holds the exception of a candidate.
func (v *view) exception(c candidate) (store.Attachment, bool) {
	if c.series == nil || c.at.Exception == nil {
		return store.Attachment{}, false
	}
	return transport.ExceptionAttachment(v.attachments[c.item.ID], c.series.Zone.UTC(c.at.Day.At(c.series.Clock)))
}
