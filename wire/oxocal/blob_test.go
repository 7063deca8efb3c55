package oxocal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"
	"time"
)

func everyKind() []*Recurrence {
	start := NewDay(2026, 3, 4) // a Wednesday
	return []*Recurrence{
		{Pattern: Pattern{Kind: Daily, Interval: 3}, Range: Range{Start: start, Count: 12}},
		{Pattern: Pattern{Kind: Weekly, Interval: 2, Days: On(time.Wednesday, time.Friday), FirstDay: time.Monday}, Range: Range{Start: start, End: start + 100}},
		{Pattern: Pattern{Kind: AbsoluteMonthly, Interval: 1, DayOfMonth: 4}, Range: Range{Start: start}},
		{Pattern: Pattern{Kind: RelativeMonthly, Interval: 2, Days: On(time.Wednesday), Index: 1}, Range: Range{Start: start}},
		{Pattern: Pattern{Kind: AbsoluteYearly, Interval: 1, DayOfMonth: 4, Month: time.March}, Range: Range{Start: start, Count: 3}},
		{Pattern: Pattern{Kind: RelativeYearly, Interval: 3, Days: WorkDays, Index: Last, Month: time.March}, Range: Range{Start: NewDay(2026, 3, 31)}},
	}
}

func TestRecurrenceBlobs(t *testing.T) {
	for _, r := range everyKind() {
		r.Clock, r.Duration = 9*time.Hour, 45*time.Minute
		first, _ := r.Nth(1)
		second, _ := r.Nth(2)
		third, _ := r.Nth(3)
		r.Deleted = []Day{first.Day}
		r.Modified = []Exception{
			{Day: second.Day, Start: second.Start.Add(time.Hour), End: second.End.Add(time.Hour), Overrides: OverrideSubject | OverrideLocation | OverrideBusyStatus | OverrideReminder,
				Subject: "Zażółć 会议", Location: "Büro", BusyStatus: 3, Reminder: true, Highlight: 5},
			{Day: third.Day, Start: third.Start.Add(2 * time.Hour), End: third.End.Add(3 * time.Hour), Overrides: OverrideAllDay | OverrideMeetingType | OverrideReminderDelta | OverrideAttachment | OverrideColor,
				AllDay: true, MeetingType: 3, ReminderDelta: 15, Attachment: true, Color: 2},
		}
		b, err := r.AppendAppointment(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseAppointment(b)
		if err != nil {
			t.Fatalf("%+v: %v", r, err)
		}
		if !reflect.DeepEqual(got, r) {
			t.Errorf("\n got %+v\nwant %+v", got, r)
		}
	}
	for _, r := range everyKind() {
		b, err := r.AppendTask(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseTask(b); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%v\n got %+v\nwant %+v", err, got, r)
		}
	}
	for _, kind := range []Kind{Daily, Weekly, AbsoluteMonthly, AbsoluteYearly} {
		r := &Recurrence{Pattern: Pattern{Kind: kind, Interval: 4, Regenerates: true}, Range: Range{Start: NewDay(2026, 3, 4)}}
		b, err := r.AppendTask(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseTask(b)
		if err != nil || got.Kind != kind || got.Interval != 4 || !got.Regenerates || got.Start != r.Start {
			t.Errorf("%v: %v: %+v", kind, err, got)
		}
	}
}

// TestRecurrenceBytes reads a blob that is written out: every Monday, Thursday and
// Friday from 3 November 1997 on, twelve times, from 10:00 to 10:30.
func TestRecurrenceBytes(t *testing.T) {
	raw, _ := hex.DecodeString("043004300B2001000000C02100000100000000000000320000002220000" +
		"00C000000000000000000000000000000" + "C0C2700C604F710C" + "0630000009300000580200007602000000000000000000000000")
	r, err := ParseAppointment(raw)
	if err != nil {
		t.Fatal(err)
	}
	if r.Kind != Weekly || r.Days != On(time.Monday, time.Thursday, time.Friday) || r.Count != 12 || r.Clock != 10*time.Hour || r.Duration != 30*time.Minute {
		t.Errorf("%+v", r)
	}
	if last, _ := r.Last(); r.Start.String() != "1997-11-03" || last.Day.String() != "1997-11-28" {
		t.Errorf("from %s to %s", r.Start, last.Day)
	}
	if b, err := r.AppendAppointment(nil); err != nil || !bytes.Equal(b, raw) {
		t.Errorf("%v\n got %x\nwant %x", err, b, raw)
	}
}

func TestNoOccurrence(t *testing.T) {
	r := &Recurrence{Pattern: Pattern{Kind: AbsoluteYearly, Interval: 1, DayOfMonth: 4, Month: time.March}, Range: Range{Start: NewDay(2026, 3, 5), End: NewDay(2027, 3, 3)}}
	if err := r.Check(); !errors.Is(err, ErrNoOccurrence) {
		t.Error(err)
	}
}

func TestZoneBlobs(t *testing.T) {
	for _, zone := range WindowsZones() {
		got, err := ParseDefinition(zone.AppendDefinition(nil, 2026))
		if err != nil || got != zone {
			t.Errorf("%s: %v %v", zone.ID(), got, err)
		}
		got, err = ParseStruct(zone.AppendStruct(nil, 2026), 2026)
		if err != nil || got.Rule(2026).in(2026) != zone.Rule(2026).in(2026) {
			t.Errorf("%s: %v %v", zone.ID(), got, err)
		}
	}
	berlin, _ := IANAZone("Europe/Berlin")
	own, err := NewZone("Our own", "Ours", berlin.Rules(2026, 2036)...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ParseDefinition(own.AppendDefinition(nil, 2026))
	if err != nil || got.ID() != "Our own" || !reflect.DeepEqual(got.rules, own.rules) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestGlobalID(t *testing.T) {
	id := NewGlobalID(time.Date(2026, 11, 26, 4, 0, 0, 0, time.UTC), [16]byte{1, 2, 3})
	id.Day = NewDay(2026, 12, 24)
	got, err := ParseGlobalID(id.Bytes())
	if err != nil || !reflect.DeepEqual(got, id) {
		t.Errorf("%+v %v", got, err)
	}
	if back := ParseUID(id.UID()); back.UID() != id.UID() || back.Day != 0 || !bytes.Equal(back.Clean(), id.Clean()) {
		t.Errorf("%s, %s", back.UID(), id.UID())
	}
	for _, uid := range []string{"7kukuqrfedlm2f9t0vmrg1dhd0@google.com", "040000008200E000", "é"} {
		if got := ParseUID(uid); got.UID() != uid || got.Day != 0 {
			t.Errorf("%q came back as %q", uid, got.UID())
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, r := range everyKind() {
		b, _ := r.AppendAppointment(nil)
		f.Add(b)
		b, _ = r.AppendTask(nil)
		f.Add(b)
	}
	berlin, _ := IANAZone("Europe/Berlin")
	f.Add(berlin.AppendDefinition(nil, 2026))
	f.Add(berlin.AppendStruct(nil, 2026))
	f.Add(NewGlobalID(time.Unix(0, 0), [16]byte{1}).Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		if r, err := ParseAppointment(b); err == nil {
			again, err := r.AppendAppointment(nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseAppointment(again); err != nil {
				t.Fatalf("%+v: %v", r, err)
			}
			n := 0
			for range r.Between(r.Start.At(0), LastDay.At(0)) {
				if n++; n > 100 {
					break
				}
			}
			r.First()
			r.Last()
		}
		if r, err := ParseTask(b); err == nil {
			if _, err := r.AppendTask(nil); err != nil {
				t.Fatal(err)
			}
		}
		if z, err := ParseDefinition(b); err == nil {
			z.UTC(z.Wall(time.Unix(1e9, 0)))
			z.AppendDefinition(nil, 2026)
		}
		if z, err := ParseStruct(b, 2026); err == nil {
			z.AppendStruct(nil, 2026)
		}
		if id, err := ParseGlobalID(b); err == nil {
			ParseUID(id.UID())
		}
	})
}
