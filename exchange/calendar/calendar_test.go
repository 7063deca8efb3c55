package calendar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/oxocal"
)

// office is a calendar with its mail and the people ann, ben, cleo and room of contoso.com.
type office struct {
	*Calendar
	t     *testing.T
	store *store.Store
	now   time.Time
	ill   func(name string) bool // the directory does not answer about somebody
}

func newOffice(t *testing.T) *office {
	t.Helper()
	o := &office{t: t, now: utc("2026-03-01T12:00")}
	now := func() time.Time { return o.now }
	st, err := store.Open(t.Context(), sqldbtest.Memory(t), store.Options{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	o.store = st
	mail := transport.New(transport.Config{Store: st, Directory: o, Now: now, Host: "ex1.contoso.com", PostmasterAddress: "postmaster@contoso.com", Log: slog.New(slog.DiscardHandler),
		MaySendAs: func(_ context.Context, sid, address string) (bool, error) { return sid+"@contoso.com" == address, nil },
		Delivered: func(ctx context.Context, d transport.Delivered) error { return o.Process(ctx, d) }})
	o.Calendar = New(Config{Mail: mail, Now: now,
		Resource: func(_ context.Context, address string) (bool, error) {
			if o.ill != nil && o.ill("resources") {
				return false, errors.New("the directory does not answer")
			}
			return address == "room@contoso.com", nil
		}})
	return o
}

func utc(text string) time.Time {
	t, err := time.Parse("2006-01-02T15:04", text)
	if err != nil {
		panic(err)
	}
	return t
}

func (o *office) Mailbox(_ context.Context, address string) (*transport.Mailbox, error) {
	name, domain, _ := strings.Cut(address, "@")
	if o.ill != nil && o.ill(name) {
		return nil, errors.New("the directory does not answer")
	}
	if domain != "contoso.com" || !slices.Contains([]string{"ann", "ben", "cleo", "room"}, name) {
		return nil, transport.ErrUnknownRecipient
	}
	return &transport.Mailbox{GUID: guid.GUID{15: name[0]}, Address: address, Info: store.MailboxInfo{OwnerSID: name, DisplayName: name}}, nil
}

func (o *office) Members(_ context.Context, address, _ string, _ int) ([]*transport.Mailbox, error) {
	return nil, fmt.Errorf("%s: %w", address, transport.ErrUnknownRecipient)
}

func (o *office) Accepted(_ context.Context, domain string) (bool, error) {
	return domain == "contoso.com", nil
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// box opens somebody's mailbox.
func (o *office) box(name string) *store.Mailbox {
	o.t.Helper()
	b, err := o.Mailbox(o.t.Context(), name+"@contoso.com")
	o.must(err)
	m, err := o.store.OpenMailbox(o.t.Context(), b.GUID, b.Info)
	o.must(err)
	return m
}

func (o *office) as(name string) Sender {
	me := oxcmail.Address{Name: name, Email: name + "@contoso.com"}
	return Sender{Box: o.box(name), For: me, Own: o.box(name), SID: name, Me: me}
}

// events returns what a folder of somebody's has, oldest first.
func (o *office) in(name string, role store.Role) []*store.Item {
	o.t.Helper()
	m := o.box(name)
	folder, err := m.RoleID(role)
	o.must(err)
	page, err := m.List(o.t.Context(), store.Query{Folder: folder, Want: store.Want{All: true, Recipients: true, Attachments: true}})
	o.must(err)
	slices.Reverse(page.Items)
	return page.Items
}

// create puts an event into somebody's calendar.
func (o *office) create(name string, w When, props mapi.Bag, attendees ...string) store.ItemID {
	o.t.Helper()
	m := o.box(name)
	folder, err := m.RoleID(store.RoleCalendar)
	o.must(err)
	item := store.NewItem{Folder: folder, Props: mapi.Bag{mapi.PidTagSubject: "Review"}}
	for tag, v := range props {
		item.Props[tag] = v
	}
	for _, a := range attendees {
		item.Recipients = append(item.Recipients, NewAttendee(mapi.RecipientTo, oxcmail.Address{Name: a, Email: a + "@contoso.com"}))
	}
	o.must(Prepare(&item, w, o.now))
	stamp, err := m.CreateItem(o.t.Context(), item)
	o.must(err)
	return stamp.ID
}

// single is the time of an event.
func single(start, end string) When { return When{Start: utc(start), End: utc(end)} }

// daily is the time of a series of an hour each day, so many times, 0 for ever.
func daily(start string, count int, zone *oxocal.Zone) When {
	at := utc(start)
	day := oxocal.NewDay(at.Year(), at.Month(), at.Day())
	return When{Start: zone.UTC(day.At(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute())*time.Minute)), End: zone.UTC(day.At(time.Duration(at.Hour()+1)*time.Hour + time.Duration(at.Minute())*time.Minute)),
		StartZone: zone, EndZone: zone, Series: &oxocal.Recurrence{Pattern: oxocal.Pattern{Kind: oxocal.Daily, Interval: 1}, Range: oxocal.Range{Start: day, Count: count}}}
}

func berlin(t *testing.T) *oxocal.Zone {
	t.Helper()
	z, ok := oxocal.IANAZone("Europe/Berlin")
	if !ok {
		t.Fatal("no zone of Berlin")
	}
	return z
}

// starts returns when the events of a window begin.
func (o *office) starts(name, from, to string) (list []string) {
	o.t.Helper()
	m := o.box(name)
	folder, err := m.RoleID(store.RoleCalendar)
	o.must(err)
	events, _, err := View(o.t.Context(), m, folder, utc(from), utc(to), store.Want{}, MaxEvents)
	o.must(err)
	for _, e := range events {
		list = append(list, e.Start().Format("01-02T15:04"))
	}
	return list
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

// TestPut holds the properties that follow from a time.
func TestPut(t *testing.T) {
	z := berlin(t)
	for name, c := range map[string]struct {
		when               When
		err                error
		start, end         string
		clipStart, clipEnd string
		minutes            int32
	}{
		"single":                   {when: single("2026-03-10T10:00", "2026-03-10T11:30"), start: "2026-03-10T10:00", end: "2026-03-10T11:30", clipStart: "2026-03-10T10:00", clipEnd: "2026-03-10T11:30", minutes: 90},
		"no length":                {when: single("2026-03-10T10:00", "2026-03-10T10:00"), start: "2026-03-10T10:00", end: "2026-03-10T10:00", clipStart: "2026-03-10T10:00", clipEnd: "2026-03-10T10:00"},
		"end before start":         {when: single("2026-03-10T10:00", "2026-03-10T09:59"), err: ErrEndBeforeStart},
		"no start":                 {when: When{End: utc("2026-03-10T10:00")}, err: ErrEndBeforeStart},
		"too long":                 {when: When{Start: utc("2026-03-10T10:00"), End: utc("2026-03-10T10:00").Add(MaxDuration + time.Minute)}, err: ErrTooLong},
		"all day":                  {when: When{Start: utc("2026-03-10T10:00"), End: utc("2026-03-11T10:00"), StartZone: z, EndZone: z, AllDay: true}, start: "2026-03-09T23:00", end: "2026-03-11T23:00", clipStart: "2026-03-09T23:00", clipEnd: "2026-03-11T23:00", minutes: 2880},
		"all day of the long hour": {when: When{Start: utc("2026-10-25T10:00"), End: utc("2026-10-25T10:00"), StartZone: z, EndZone: z, AllDay: true}, start: "2026-10-24T22:00", end: "2026-10-25T23:00", clipStart: "2026-10-24T22:00", clipEnd: "2026-10-25T23:00", minutes: 1500},
		"series":                   {when: daily("2026-03-28T09:00", 3, z), start: "2026-03-28T08:00", end: "2026-03-28T09:00", clipStart: "2026-03-28T00:00", clipEnd: "2026-03-30T00:00", minutes: 60},
		"series without an end":    {when: daily("2026-03-28T09:00", 0, z), start: "2026-03-28T08:00", end: "2026-03-28T09:00", clipStart: "2026-03-28T00:00", clipEnd: "4500-08-31T23:59", minutes: 60},
		"a pattern that is none":   {when: When{Start: utc("2026-03-10T10:00"), End: utc("2026-03-10T11:00"), Series: &oxocal.Recurrence{Pattern: oxocal.Pattern{Kind: oxocal.Weekly, Interval: 1}, Range: oxocal.Range{Start: oxocal.NewDay(2026, 3, 10)}}}, err: ErrRecurrence},
	} {
		props := mapi.Bag{}
		err := c.when.Put(props)
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) {
			t.Errorf("%s: %v, want %v", name, err, c.err)
		}
		if err != nil {
			continue
		}
		for tag, at := range map[mapi.Tag]string{mapi.PidLidAppointmentStartWhole: c.start, mapi.PidLidCommonStart: c.start, mapi.PidLidAppointmentEndWhole: c.end, mapi.PidLidClipStart: c.clipStart, mapi.PidLidClipEnd: c.clipEnd} {
			if got := props.Time(tag); !got.Equal(utc(at)) {
				t.Errorf("%s: %s is %v, want %s", name, tag, got, at)
			}
		}
		want(t, name, props.Int32(mapi.PidLidAppointmentDuration), c.minutes)
		again, err := WhenOf(props)
		if err != nil || !again.Start.Equal(c.when.Start) || !again.End.Equal(c.when.End) || again.AllDay != c.when.AllDay || (again.Series == nil) != (c.when.Series == nil) {
			t.Errorf("%s is read as %+v (%v)", name, again, err)
		}
	}
}

// TestSeriesLife follows a series over the change of the clock: one occurrence moved, one deleted, one beyond its
// neighbour, another pattern, and the last one.
func TestSeriesLife(t *testing.T) {
	o := newOffice(t)
	ctx, m := t.Context(), o.box("ann")
	id := o.create("ann", daily("2026-03-27T09:00", 5, berlin(t)), nil)
	view := func() []string { return o.starts("ann", "2026-03-01T00:00", "2026-05-01T00:00") }
	want(t, "by Berlin's clock", view(), []string{"03-27T08:00", "03-28T08:00", "03-29T07:00", "03-30T07:00", "03-31T07:00"})
	nth := func(n int) store.OccurrenceID {
		t.Helper()
		at, err := Nth(ctx, m, id, n)
		o.must(err)
		return at
	}
	move := func(n int, start, end string) error {
		w := single(start, end)
		_, err := UpdateOccurrence(ctx, m, nth(n), Change{Set: mapi.Bag{mapi.PidTagSubject: "Moved"}, When: func(When) (*When, error) { return &w, nil }}, o.now)
		return err
	}
	o.must(move(3, "2026-03-29T15:00", "2026-03-29T16:00"))
	third := nth(3)
	if err := move(3, "2026-03-30T05:00", "2026-03-30T06:00"); !errors.Is(err, ErrCrossing) {
		t.Errorf("moved to the day of the next one: %v", err)
	}
	if err := move(2, "2026-03-29T05:00", "2026-03-29T06:00"); !errors.Is(err, ErrCrossing) {
		t.Errorf("moved to the day of one that was moved: %v", err)
	}
	if err := move(2, "2026-03-28T06:00", "2026-03-28T05:00"); !errors.Is(err, ErrEndBeforeStart) {
		t.Errorf("an end before the start: %v", err)
	}
	_, err := DeleteOccurrence(ctx, m, nth(4), nil)
	o.must(err)
	if _, err := Nth(ctx, m, id, 4); !errors.Is(err, ErrNoOccurrence) {
		t.Errorf("the deleted one: %v", err)
	}
	if _, err := Nth(ctx, m, id, 6); !errors.Is(err, ErrNoOccurrence) {
		t.Errorf("one that never was: %v", err)
	}
	want(t, "moved and deleted", view(), []string{"03-27T08:00", "03-28T08:00", "03-29T15:00", "03-31T07:00"})
	e, err := Get(ctx, m, third, store.Want{})
	o.must(err)
	if e.Kind != Exception || e.Props.String(mapi.PidTagSubject) != "Moved" || !e.OriginalStart.Equal(utc("2026-03-29T07:00")) {
		t.Errorf("the exception is %d %q, first at %v", e.Kind, e.Props.String(mapi.PidTagSubject), e.OriginalStart)
	}
	// An old change key changes nothing, of the series or of an occurrence.
	before, err := m.Item(ctx, id, store.Want{})
	o.must(err)
	_, err = Update(ctx, m, id, Change{Set: mapi.Bag{mapi.PidLidLocation: "Room 1"}, IfChangeKey: before.ChangeKey}, o.now)
	o.must(err)
	for what, err := range map[string]error{
		"the series": func() error { _, err := Update(ctx, m, id, Change{IfChangeKey: before.ChangeKey}, o.now); return err }(),
		"one": func() error {
			_, err := UpdateOccurrence(ctx, m, nth(1), Change{IfChangeKey: before.ChangeKey}, o.now)
			return err
		}(),
		"deleted": func() error { _, err := DeleteOccurrence(ctx, m, nth(1), before.ChangeKey); return err }(),
	} {
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("%s with an old change key: %v", what, err)
		}
	}
	// Another clock is another series: the exceptions were of what is no more.
	w := daily("2026-03-27T10:00", 3, berlin(t))
	_, err = Update(ctx, m, id, Change{When: func(When) (*When, error) { return &w, nil }}, o.now)
	o.must(err)
	want(t, "another clock", view(), []string{"03-27T09:00", "03-28T09:00", "03-29T08:00"})
	if item, err := m.Item(ctx, id, store.Want{Attachments: true}); err != nil || len(item.Attachments) != 0 {
		t.Errorf("what the exceptions had of their own stays: %v (%v)", item.Attachments, err)
	}
	for n := 1; n < 3; n++ {
		_, err := DeleteOccurrence(ctx, m, nth(n), nil)
		o.must(err)
	}
	if _, err := DeleteOccurrence(ctx, m, nth(3), nil); !errors.Is(err, ErrLastOccurrence) {
		t.Errorf("the last one: %v", err)
	}
	single := o.create("ann", single("2026-04-01T10:00", "2026-04-01T11:00"), nil)
	if _, err := Nth(ctx, m, single, 1); !errors.Is(err, ErrNotSeries) {
		t.Errorf("an occurrence of what is no series: %v", err)
	}
}

// TestViewLimits holds that a view costs what it tells, and says when there is more.
func TestViewLimits(t *testing.T) {
	o := newOffice(t)
	o.create("ann", daily("2026-01-01T09:00", 0, oxocal.UTC()), nil)
	o.create("ann", single("2026-03-05T10:00", "2026-03-05T11:00"), nil)
	m := o.box("ann")
	folder, err := m.RoleID(store.RoleCalendar)
	o.must(err)
	for _, c := range []struct {
		from, to string
		limit, n int
		more     bool
		err      error
	}{
		{"2026-03-05T00:00", "2026-03-06T00:00", 10, 2, false, nil},
		{"2026-03-05T00:00", "2026-03-07T00:00", 2, 2, true, nil},
		{"2026-01-01T00:00", "2027-12-31T00:00", MaxEvents, 730, false, nil},
		{"3999-01-01T00:00", "4000-01-01T00:00", 5, 5, true, nil},
		{"2025-01-01T00:00", "2026-01-01T00:00", 5, 0, false, nil},
		{"2026-03-05T09:30", "2026-03-05T09:30", 5, 1, false, nil},
		{"2026-03-06T00:00", "2026-03-05T00:00", 5, 0, false, ErrEndBeforeStart},
		{"2026-01-01T00:00", "2028-01-02T00:00", 5, 0, false, ErrRange},
	} {
		events, more, err := View(t.Context(), m, folder, utc(c.from), utc(c.to), store.Want{}, c.limit)
		if !errors.Is(err, c.err) || (err == nil) != (c.err == nil) || len(events) != c.n || more != c.more {
			t.Errorf("%+v: %d events, more %v, %v", c, len(events), more, err)
		}
	}
}

// TestNeighbours counts what is beside a meeting and what overlaps it.
func TestNeighbours(t *testing.T) {
	o := newOffice(t)
	m := o.box("ann")
	id := o.create("ann", single("2026-03-10T10:00", "2026-03-10T11:00"), nil)
	count := func() string {
		t.Helper()
		e, err := Get(t.Context(), m, id, store.Want{All: true})
		o.must(err)
		n, err := Neighbours(t.Context(), m, e)
		o.must(err)
		return fmt.Sprint(n.Conflicting, " ", n.Adjacent)
	}
	for _, c := range []struct {
		name string
		make func()
		want string
	}{
		{"alone", func() {}, "0 0"},
		{"far away", func() { o.create("ann", single("2026-03-10T08:00", "2026-03-10T09:59"), nil) }, "0 0"},
		{"before", func() { o.create("ann", single("2026-03-10T09:00", "2026-03-10T10:00"), nil) }, "0 1"},
		{"behind", func() { o.create("ann", single("2026-03-10T11:00", "2026-03-10T12:00"), nil) }, "0 2"},
		{"over its end", func() { o.create("ann", single("2026-03-10T10:59", "2026-03-10T12:00"), nil) }, "1 2"},
		{"around it", func() {
			o.create("ann", single("2026-03-10T00:00", "2026-03-11T00:00"), mapi.Bag{mapi.PidLidBusyStatus: BusyTentative})
		}, "2 2"},
		{"free time", func() {
			o.create("ann", single("2026-03-10T10:00", "2026-03-10T11:00"), mapi.Bag{mapi.PidLidBusyStatus: BusyFree})
		}, "2 2"},
		{"an occurrence of a series", func() { o.create("ann", daily("2026-03-08T10:30", 5, oxocal.UTC()), nil) }, "3 2"},
		{"in somebody else's calendar", func() { o.create("ben", single("2026-03-10T10:00", "2026-03-10T11:00"), nil) }, "3 2"},
	} {
		c.make()
		want(t, c.name, count(), c.want)
	}
	// Of a series the occurrences do not count against each other.
	series := o.create("cleo", daily("2026-03-10T00:00", 5, oxocal.UTC()), nil)
	e, err := Get(t.Context(), o.box("cleo"), series, store.Want{All: true})
	o.must(err)
	n, err := Neighbours(t.Context(), o.box("cleo"), e)
	o.must(err)
	want(t, "a series by itself", n, Neighbourhood{})
}

// TestMerge holds the busiest of each interval.
func TestMerge(t *testing.T) {
	busy := func(start, end string, status int32) Busy {
		return Busy{Start: utc("2026-03-10T" + start), End: utc("2026-03-10T" + end), Status: status}
	}
	for name, c := range map[string]struct {
		list []Busy
		want string
	}{
		"nothing":               {nil, "[0 0 0 0]"},
		"a part of an interval": {[]Busy{busy("10:29", "10:31", BusyBusy)}, "[2 2 0 0]"},
		"up to an interval":     {[]Busy{busy("10:00", "10:30", BusyBusy)}, "[2 0 0 0]"},
		"around all":            {[]Busy{busy("00:00", "23:00", BusyTentative)}, "[1 1 1 1]"},
		"out of office wins":    {[]Busy{busy("10:00", "12:00", BusyOutOfOffice), busy("10:00", "11:00", BusyBusy)}, "[3 3 3 3]"},
		"elsewhere loses":       {[]Busy{busy("10:00", "12:00", BusyWorkingElsewhere), busy("11:00", "11:30", BusyTentative)}, "[4 4 1 4]"},
		"before and behind":     {[]Busy{busy("08:00", "10:00", BusyBusy), busy("12:00", "13:00", BusyBusy)}, "[0 0 0 0]"},
	} {
		want(t, name, Merge(c.list, utc("2026-03-10T10:00"), utc("2026-03-10T12:00"), 30*time.Minute), c.want)
	}
	want(t, "a rest", len(Merge(nil, utc("2026-03-10T10:00"), utc("2026-03-10T11:10"), 30*time.Minute)), 3)
}

// status is what an organizer's event says that somebody answered.
func (o *office) status(name string, id store.ID, attendee string) int32 {
	o.t.Helper()
	e, err := Get(o.t.Context(), o.box(name), id, store.Want{All: true, Recipients: true})
	o.must(err)
	at := find(e.Recipients, attendee+"@contoso.com")
	if at < 0 {
		o.t.Fatalf("%s is no attendee", attendee)
	}
	return e.Recipients[at].Props.Int32(mapi.PidTagRecipientTrackStatus)
}

// TestExchange follows a meeting between three: asked, answered, moved, answered late, canceled for one, canceled.
func TestExchange(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	id := o.create("ann", single("2026-03-10T10:00", "2026-03-10T11:00"), mapi.Bag{mapi.PidLidBusyStatus: BusyOutOfOffice}, "ben", "cleo")
	o.must(o.Invite(ctx, o.as("ann"), id, nil))
	theirs := func(name string) *store.Item {
		t.Helper()
		list := o.in(name, store.RoleCalendar)
		if len(list) != 1 {
			t.Fatalf("%d events in the calendar of %s", len(list), name)
		}
		return list[0]
	}
	request := func(name string) store.ItemID {
		t.Helper()
		list := o.in(name, store.RoleInbox)
		if len(list) == 0 {
			t.Fatalf("%s has no request", name)
		}
		return list[len(list)-1].ID
	}
	for _, name := range []string{"ben", "cleo"} {
		p := theirs(name).Props
		want(t, name+" has not answered", []int32{p.Int32(mapi.PidLidResponseStatus), p.Int32(mapi.PidLidBusyStatus), p.Int32(mapi.PidLidAppointmentStateFlags)}, []int32{ResponseNotResponded, BusyTentative, StateMeeting | StateReceived})
	}
	o.now = o.now.Add(time.Minute)
	_, err := o.Respond(ctx, o.as("ben"), request("ben"), Answer{Status: ResponseAccepted, Send: true})
	o.must(err)
	_, err = o.Respond(ctx, o.as("cleo"), theirs("cleo").ID, Answer{Status: ResponseTentative, Send: true, Start: utc("2026-03-11T10:00"), End: utc("2026-03-11T11:00")})
	o.must(err)
	want(t, "ben answered", o.status("ann", id, "ben"), ResponseAccepted)
	want(t, "cleo answered", o.status("ann", id, "cleo"), ResponseTentative)
	want(t, "ben is out as he was asked to be", theirs("ben").Props.Int32(mapi.PidLidBusyStatus), BusyOutOfOffice)
	if e, err := Get(ctx, o.box("ann"), id, store.Want{All: true, Recipients: true}); err != nil || e.Props.Int32(mapi.PidLidAppointmentProposalNumber) != 1 ||
		!e.Recipients[find(e.Recipients, "cleo@contoso.com")].Props.Time(mapi.PidTagRecipientProposedStartTime).Equal(utc("2026-03-11T10:00")) {
		t.Errorf("the proposal is not noted (%v)", err)
	}

	// A new place is no new time: what was answered holds.
	change := func(c Change) {
		t.Helper()
		o.now = o.now.Add(time.Minute)
		before, err := Get(ctx, o.box("ann"), id, store.Want{Recipients: true})
		o.must(err)
		c.Invites = true
		_, err = Update(ctx, o.box("ann"), id, c, o.now)
		o.must(err)
		o.must(o.Changed(ctx, o.as("ann"), id, before.Recipients, false))
	}
	change(Change{Set: mapi.Bag{mapi.PidLidLocation: "Room 1"}})
	want(t, "the new place", theirs("ben").Props.String(mapi.PidLidLocation), "Room 1")
	want(t, "the answer to the old place", theirs("ben").Props.Int32(mapi.PidLidResponseStatus), ResponseAccepted)
	// A new time is to be answered anew; an answer to the old one is late.
	w := single("2026-03-12T10:00", "2026-03-12T11:00")
	late := o.response(must(event(ctx, o.box("ben"), theirs("ben").ID)), o.as("ben"), Answer{Status: ResponseDeclined})
	change(Change{When: func(When) (*When, error) { return &w, nil }})
	p := theirs("ben").Props
	want(t, "the new time", p.Time(mapi.PidLidAppointmentStartWhole), w.Start)
	want(t, "what was answered to the old time", p.Int32(mapi.PidLidResponseStatus), ResponseNotResponded)
	o.must(o.send(ctx, o.as("ben"), late))
	if got := o.status("ann", id, "ben"); got == ResponseDeclined {
		t.Error("an answer to what was asked before counts")
	}
	// Of two answers the one that was made later counts, whichever comes last.
	_, err = o.Respond(ctx, o.as("ben"), theirs("ben").ID, Answer{Status: ResponseTentative, Send: true})
	o.must(err)
	earlier := o.response(must(event(ctx, o.box("ben"), theirs("ben").ID)), o.as("ben"), Answer{Status: ResponseTentative})
	o.now = o.now.Add(time.Hour)
	_, err = o.Respond(ctx, o.as("ben"), theirs("ben").ID, Answer{Status: ResponseAccepted, Send: true})
	o.must(err)
	o.must(o.send(ctx, o.as("ben"), earlier))
	want(t, "the later answer", o.status("ann", id, "ben"), ResponseAccepted)

	// Cleo is not asked any more; Ben is told nothing of it.
	change(Change{Recipients: func(old []store.Recipient) []store.Recipient {
		return slices.DeleteFunc(slices.Clone(old), func(r store.Recipient) bool { return r.Name == "cleo" })
	}})
	want(t, "cleo's", theirs("cleo").Props.Int32(mapi.PidLidAppointmentStateFlags)&StateCanceled, StateCanceled)
	want(t, "ben's", theirs("ben").Props.Int32(mapi.PidLidAppointmentStateFlags)&StateCanceled, 0)

	// Who may not is told why.
	for what, c := range map[string]struct {
		err  error
		want error
	}{
		"the organizer answers":      {second(o.Respond(ctx, o.as("ann"), id, Answer{Status: ResponseAccepted})), ErrOrganizer},
		"the organizer removes":      {second(o.Remove(ctx, o.as("ann"), id)), ErrOrganizer},
		"an answer to a canceled":    {second(o.Respond(ctx, o.as("cleo"), theirs("cleo").ID, Answer{Status: ResponseAccepted})), ErrCanceled},
		"an answer to no meeting":    {second(o.Respond(ctx, o.as("ann"), o.create("ann", single("2026-05-01T10:00", "2026-05-01T11:00"), nil), Answer{Status: ResponseAccepted})), ErrNoMeeting},
		"an answer to an answer":     {second(o.Respond(ctx, o.as("ann"), request("ann"), Answer{Status: ResponseAccepted})), ErrNoMeeting},
		"an answer to an old asking": {second(o.Respond(ctx, o.as("cleo"), o.in("cleo", store.RoleInbox)[0].ID, Answer{Status: ResponseAccepted})), ErrOutdated},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, want %v", what, c.err, c.want)
		}
	}
	_, err = o.Cancel(ctx, o.as("ann"), id, nil, store.ToDeletedItems, nil)
	o.must(err)
	p = theirs("ben").Props
	want(t, "canceled", []int32{p.Int32(mapi.PidLidAppointmentStateFlags) & StateCanceled, p.Int32(mapi.PidLidBusyStatus)}, []int32{StateCanceled, BusyFree})
	_, err = o.Remove(ctx, o.as("ben"), request("ben"))
	o.must(err)
	if n := len(o.in("ben", store.RoleCalendar)); n != 0 {
		t.Errorf("%d events stay with Ben", n)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func second(_ store.Stamp, err error) error { return err }

// TestRoomAnswers lets twenty people ask for a room at once: one gets it, and what the others hear is a no. Canceled, it is free again.
func TestRoomAnswers(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	const n = 20
	var ids []store.ItemID
	for range n {
		ids = append(ids, o.create("ann", single("2026-03-10T10:00", "2026-03-10T11:00"), nil, "room"))
	}
	var wg sync.WaitGroup
	for _, id := range ids {
		wg.Go(func() {
			if err := o.Invite(ctx, o.as("ann"), id, nil); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	var got store.ItemID
	said := map[int32]int{}
	for _, id := range ids {
		status := o.status("ann", id, "room")
		if said[status]++; status == ResponseAccepted {
			got = id
		}
	}
	want(t, "answers", said, map[int32]int{ResponseAccepted: 1, ResponseDeclined: n - 1})
	want(t, "events and messages of the room", []int{len(o.in("room", store.RoleCalendar)), len(o.in("room", store.RoleInbox))}, []int{1, 0})
	_, err := o.Cancel(ctx, o.as("ann"), got, nil, store.ToDeletedItems, nil)
	o.must(err)
	want(t, "events of the room when it is canceled", len(o.in("room", store.RoleCalendar)), 0)
	again := o.create("ben", single("2026-03-10T10:30", "2026-03-10T11:30"), nil, "room")
	o.must(o.Invite(ctx, o.as("ben"), again, nil))
	want(t, "another one then", o.status("ben", again, "room"), ResponseAccepted)
}

// TestAuthor reads who wrote a message: one address in one field, or nobody.
func TestAuthor(t *testing.T) {
	for header, address := range map[string]string{
		"From: ann@contoso.com\r\nTo: x@y\r\n":                          "ann@contoso.com",
		"from : Ann\r\n <ann@contoso.com>\r\n":                          "ann@contoso.com",
		"Subject: x\r\n From: ben@contoso.com\r\nFrom: ann@contoso.com": "ann@contoso.com",
		"From: ann@contoso.com, ben@contoso.com\r\n":                    "",
		"From: ann@contoso.com\r\nFrom: ben@contoso.com\r\n":            "",
		"From: ben@contoso.com\r\nTo: x@y\r\nFROM: ann@contoso.com\r\n": "",
		"From:\r\n":                   "",
		"Sender: ann@contoso.com\r\n": "",
		"":                            "",
	} {
		if got := author(mapi.Bag{mapi.PidTagTransportMessageHeaders: header}); got != address {
			t.Errorf("%q: %q, want %q", header, got, address)
		}
	}
}

// TestRoomAskedAgain: a room that could not answer does so when it is asked the same again, once.
func TestRoomAskedAgain(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	id := o.create("ann", single("2026-03-10T10:00", "2026-03-10T11:00"), nil, "room")
	o.ill = func(name string) bool { return name == "resources" }
	o.must(o.Invite(ctx, o.as("ann"), id, nil))
	want(t, "events and answers", []int{len(o.in("room", store.RoleCalendar)), len(o.in("ann", store.RoleInbox))}, []int{1, 0})
	o.ill = nil
	for range 2 {
		o.must(o.Invite(ctx, o.as("ann"), id, nil))
		want(t, "events and answers", []int{len(o.in("room", store.RoleCalendar)), len(o.in("ann", store.RoleInbox))}, []int{1, 1})
	}
	want(t, "the answer", o.status("ann", id, "room"), ResponseAccepted)
}

// TestDeclinedOccurrence: an occurrence that an attendee declined comes back when it is
// asked about again, not answered, and stays away when the series changes its place.
func TestDeclinedOccurrence(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	zone := berlin(t)
	id := o.create("ann", daily("2026-03-10T10:00", 3, zone), nil, "ben")
	o.must(o.Invite(ctx, o.as("ann"), id, nil))
	series := func() *store.Item { return o.in("ben", store.RoleCalendar)[0] }
	on := func(item store.ItemID, day int) store.OccurrenceID {
		return store.OccurrenceID{Item: item, Day: int32(oxocal.NewDay(2026, time.March, day))}
	}
	change := func(about store.ID, c Change) {
		t.Helper()
		o.now = o.now.Add(time.Minute)
		before, err := Get(ctx, o.box("ann"), about, store.Want{Recipients: true})
		o.must(err)
		c.Invites = true
		if one, ok := about.(store.OccurrenceID); ok {
			_, err = UpdateOccurrence(ctx, o.box("ann"), one, c, o.now)
		} else {
			_, err = Update(ctx, o.box("ann"), id, c, o.now)
		}
		o.must(err)
		o.must(o.Changed(ctx, o.as("ann"), about, before.Recipients, false))
	}
	theirs := func() string { return strings.Join(o.starts("ben", "2026-03-09T00:00", "2026-03-20T00:00"), " ") }
	o.now = o.now.Add(time.Minute)
	_, err := o.Respond(ctx, o.as("ben"), series().ID, Answer{Status: ResponseAccepted, Send: true})
	o.must(err)
	o.now = o.now.Add(time.Minute)
	_, err = o.Respond(ctx, o.as("ben"), on(series().ID, 11), Answer{Status: ResponseDeclined, Send: true})
	o.must(err)
	want(t, "declined", theirs(), "03-10T09:00 03-12T09:00")

	change(id, Change{Set: mapi.Bag{mapi.PidLidLocation: "Room 2"}})
	want(t, "another place of the series", theirs(), "03-10T09:00 03-12T09:00")
	want(t, "the place", series().Props.String(mapi.PidLidLocation), "Room 2")

	later := When{Start: utc("2026-03-11T14:00"), End: utc("2026-03-11T15:00")}
	change(on(id, 11), Change{When: func(When) (*When, error) { return &later, nil }})
	want(t, "asked again", theirs(), "03-10T09:00 03-11T14:00 03-12T09:00")
	e, err := Get(ctx, o.box("ben"), on(series().ID, 11), store.Want{All: true})
	o.must(err)
	want(t, "not answered", []int32{e.Props.Int32(mapi.PidLidResponseStatus), e.Props.Int32(mapi.PidLidBusyStatus)}, []int32{ResponseNotResponded, BusyTentative})
	want(t, "the series", series().Props.Int32(mapi.PidLidResponseStatus), ResponseAccepted)
	o.now = o.now.Add(time.Minute)
	_, err = o.Respond(ctx, o.as("ben"), on(series().ID, 11), Answer{Status: ResponseAccepted, Send: true})
	o.must(err)
	want(t, "the answer", o.status("ann", on(id, 11), "ben"), ResponseAccepted)

	// What nobody asks about again stays away: a cancellation of a declined occurrence changes nothing.
	_, err = o.Respond(ctx, o.as("ben"), on(series().ID, 12), Answer{Status: ResponseDeclined, Send: true})
	o.must(err)
	_, err = o.Cancel(ctx, o.as("ann"), on(id, 12), nil, store.ToDeletedItems, nil)
	o.must(err)
	want(t, "canceled", theirs(), "03-10T09:00 03-11T14:00")
	// Nor does an old request bring it back that comes late and once more.
	o.now = o.now.Add(time.Minute)
	_, err = o.Respond(ctx, o.as("ben"), on(series().ID, 11), Answer{Status: ResponseDeclined, Send: true})
	o.must(err)
	ben := o.box("ben")
	for _, it := range o.in("ben", store.RoleInbox) {
		o.must(ben.Resolve(ctx, it.Props, maxText))
		o.must(o.Process(ctx, transport.Delivered{Mailbox: ben, Address: "ben@contoso.com", ID: it.ID,
			Item: store.NewItem{Folder: it.Folder, Props: it.Props, Recipients: it.Recipients, Attachments: it.Attachments}}))
	}
	want(t, "once more", theirs(), "03-10T09:00")
	later = When{Start: utc("2026-03-11T15:00"), End: utc("2026-03-11T16:00")}
	change(on(id, 11), Change{When: func(When) (*When, error) { return &later, nil }})
	want(t, "asked anew", theirs(), "03-10T09:00 03-11T15:00")
}

// TestAskedAgain: who was taken off a meeting and is asked again has it again.
func TestAskedAgain(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	id := o.create("ann", single("2026-03-10T10:00", "2026-03-10T11:00"), nil, "ben", "cleo")
	o.must(o.Invite(ctx, o.as("ann"), id, nil))
	invite := func(names ...string) {
		t.Helper()
		o.now = o.now.Add(time.Minute)
		before, err := Get(ctx, o.box("ann"), id, store.Want{Recipients: true})
		o.must(err)
		_, err = Update(ctx, o.box("ann"), id, Change{Invites: true, Recipients: func([]store.Recipient) (list []store.Recipient) {
			for _, a := range names {
				list = append(list, NewAttendee(mapi.RecipientTo, oxcmail.Address{Name: a, Email: a + "@contoso.com"}))
			}
			return list
		}}, o.now)
		o.must(err)
		o.must(o.Changed(ctx, o.as("ann"), id, before.Recipients, true))
	}
	state := func() int32 {
		return o.in("ben", store.RoleCalendar)[0].Props.Int32(mapi.PidLidAppointmentStateFlags)
	}
	invite("cleo")
	want(t, "taken off", state(), StateMeeting|StateReceived|StateCanceled)
	invite("cleo", "ben")
	want(t, "asked again", state(), StateMeeting|StateReceived)
}

// TestOneEvent: however many requests for a new meeting come at a time, it is one event.
func TestOneEvent(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	for n := range 5 {
		id := o.create("ann", single("2026-03-10T10:00", "2026-03-10T11:00"), nil, "cleo")
		item, err := o.box("ann").Item(ctx, id, store.Want{All: true})
		o.must(err)
		object := item.Props.Bytes(mapi.PidLidCleanGlobalObjectID)
		request := store.NewItem{Props: shared(item.Props)}
		request.Props[mapi.PidTagMessageClass] = classRequest
		request.Props[mapi.PidTagTransportMessageHeaders] = "From: ann@contoso.com\r\n"
		ben := o.box("ben")
		request.Folder, err = ben.RoleID(store.RoleInbox)
		o.must(err)
		var all sync.WaitGroup
		for range 8 {
			stamp, err := ben.CreateItem(ctx, request)
			o.must(err)
			all.Go(func() {
				if err := o.Process(ctx, transport.Delivered{Mailbox: ben, Address: "ben@contoso.com", ID: stamp.ID, Item: request}); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		folder, err := ben.RoleID(store.RoleCalendar)
		o.must(err)
		list, err := ben.ByGlobalObjectID(ctx, folder, object, store.Want{})
		o.must(err)
		if len(list) != 1 || len(o.in("ben", store.RoleCalendar)) != n+1 {
			t.Errorf("%d events of one meeting", len(list))
		}
	}
}

// TestAnsweredOnce: of several answers by one request at the same moment one counts, and
// the organizer hears of that one alone; so it is with attendees when a meeting is canceled.
func TestAnsweredOnce(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	const at = 6
	race := func(fn func() error) (done int) {
		var all sync.WaitGroup
		var mu sync.Mutex
		for range at {
			all.Go(func() {
				err := fn()
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					done++
				} else if !errors.Is(err, store.ErrNotFound) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		return done
	}
	id := o.create("ann", single("2026-03-10T10:00", "2026-03-10T11:00"), nil, "ben")
	o.must(o.Invite(ctx, o.as("ann"), id, nil))
	request, ben, ann := o.in("ben", store.RoleInbox)[0].ID, o.as("ben"), o.as("ann")
	n := race(func() error {
		_, err := o.Respond(ctx, ben, request, Answer{Status: ResponseAccepted, Send: true})
		return err
	})
	want(t, "answers that counted, and that the organizer got", []int{n, len(o.in("ann", store.RoleInbox))}, []int{1, 1})
	before := len(o.in("ben", store.RoleInbox))
	n = race(func() error {
		_, err := o.Cancel(ctx, ann, id, nil, store.ToDeletedItems, nil)
		return err
	})
	want(t, "cancellations that counted, and that the attendee got", []int{n, len(o.in("ben", store.RoleInbox)) - before}, []int{1, 1})
}

// TestCanceledForAll: who is asked to a meeting while it is canceled hears of that too.
func TestCanceledForAll(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	id := o.create("ann", single("2026-03-10T10:00", "2026-03-10T11:00"), nil, "ben")
	o.must(o.Invite(ctx, o.as("ann"), id, nil))
	ann, box, asked := o.as("ann"), o.box("ann"), false
	o.ill = func(string) bool { // when the attendees are looked up
		if !asked {
			asked = true
			_, err := Update(ctx, box, id, Change{Recipients: func(old []store.Recipient) []store.Recipient {
				return append(slices.Clip(old), NewAttendee(mapi.RecipientTo, oxcmail.Address{Email: "cleo@contoso.com"}))
			}}, o.now)
			o.must(err)
		}
		return false
	}
	_, err := o.Cancel(ctx, ann, id, nil, store.ToDeletedItems, nil)
	o.must(err)
	want(t, "messages of ben and cleo", []int{len(o.in("ben", store.RoleInbox)), len(o.in("cleo", store.RoleInbox))}, []int{2, 1})
}

// TestAnswerWaits: an answer that cannot be sent stands in the event and waits, and the
// organizer has it once when it can: nothing is lost between the two.
func TestAnswerWaits(t *testing.T) {
	o := newOffice(t)
	ctx := t.Context()
	id := o.create("ann", single("2026-03-10T10:00", "2026-03-10T11:00"), nil, "ben")
	o.must(o.Invite(ctx, o.as("ann"), id, nil))
	asked := 0
	o.ill = func(name string) bool { // no more once the answer is admitted
		if name == "ann" {
			asked++
		}
		return asked > 1
	}
	ben := o.as("ben")
	ben.Save = true
	_, err := o.Respond(ctx, ben, o.in("ben", store.RoleInbox)[0].ID, Answer{Status: ResponseAccepted, Send: true})
	o.must(err)
	o.ill = nil
	want(t, "the event", o.in("ben", store.RoleCalendar)[0].Props.Int32(mapi.PidLidResponseStatus), ResponseAccepted)
	want(t, "messages of ben and ann", []int{len(o.in("ben", store.RoleInbox)), len(o.in("ben", store.RoleSentItems)), len(o.in("ann", store.RoleInbox))}, []int{0, 1, 0})
	for range 2 {
		o.now = o.now.Add(time.Hour)
		_, err := o.cfg.Mail.SendWaiting(ctx)
		o.must(err)
		want(t, "what the organizer has then", len(o.in("ann", store.RoleInbox)), 1)
	}
	want(t, "the answer", o.status("ann", id, "ben"), ResponseAccepted)

	// What cannot be written is told to nobody.
	o.must(o.Invite(ctx, o.as("ann"), id, nil))
	b, err := o.Mailbox(ctx, "ben@contoso.com")
	o.must(err)
	b.Info.Quota = 1
	ben.Box, err = o.store.OpenMailbox(ctx, b.GUID, b.Info)
	o.must(err)
	ben.Own = ben.Box
	if _, err := o.Respond(ctx, ben, o.in("ben", store.RoleCalendar)[0].ID, Answer{Status: ResponseDeclined, Send: true}); !errors.Is(err, store.ErrQuota) {
		t.Errorf("into a full mailbox: %v", err)
	}
	want(t, "what the organizer has", len(o.in("ann", store.RoleInbox)), 1)
}
