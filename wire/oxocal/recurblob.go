package oxocal

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding/charmap"
)

// Values of RecurrencePattern (MS-OXOCAL 2.2.1.44.1).
const (
	recurVersion  = 0x3004
	recurVersion2 = 0x3006 // of AppointmentRecurrencePattern (2.2.1.44.5)
	writerVersion = 0x3009

	freqDaily   = 0x200A
	freqWeekly  = 0x200B
	freqMonthly = 0x200C
	freqYearly  = 0x200D

	typeDay        = 0
	typeWeek       = 1
	typeMonth      = 2
	typeMonthNth   = 3
	typeMonthEnd   = 4
	typeHijriMonth = 0x0A // to 0x0C

	endByDate  = 0x2021
	endByCount = 0x2022
	endNever   = 0x2023
	endNever2  = 0xFFFFFFFF // some writers' (ibid.)
)

const (
	dayMinutes  = 24 * 60
	weekMinutes = 7 * dayMinutes
)

// MaxRecurBytes bounds a packed recurrence that is read.
const MaxRecurBytes = 4 << 20

// AppendTask appends the packed form of a task's recurrence, a RecurrencePattern
// (MS-OXOTASK 2.2.2.2.15).
func (r *Recurrence) AppendTask(b []byte) ([]byte, error) {
	if err := r.Check(); err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	b = le.AppendUint16(le.AppendUint16(b, recurVersion), recurVersion)
	frequency, kind := r.packedKind()
	start := r.Start
	if first, ok := r.regular(1); ok {
		start = first.Day
	}
	b = le.AppendUint16(le.AppendUint16(le.AppendUint16(b, frequency), kind), 0)
	first, period := r.packedPeriod(start)
	b = le.AppendUint32(le.AppendUint32(b, first), period)
	b = le.AppendUint32(b, uint32(bit(r.Regenerates)))
	switch kind {
	case typeWeek:
		days := r.Days
		if r.Regenerates {
			days = On(start.Weekday())
		}
		b = le.AppendUint32(b, uint32(days))
	case typeMonth:
		day := r.DayOfMonth
		if r.Regenerates {
			day = start.dayOfMonth()
		}
		b = le.AppendUint32(b, uint32(day))
	case typeMonthNth:
		b = le.AppendUint32(le.AppendUint32(b, uint32(r.Days)), uint32(r.Index))
	}
	end, endType, count := LastDay, uint32(endNever), 10 // what writers put where there is no end
	switch {
	case r.Count > 0:
		endType, count = endByCount, r.Count
		if last, ok := r.regular(r.Count); ok {
			end = last.Day
		}
	case r.End > 0:
		endType, count, end = endByDate, max(r.Len(), 1), r.End
	}
	b = le.AppendUint32(le.AppendUint32(le.AppendUint32(b, endType), uint32(count)), uint32(r.FirstDay))

	gone := slices.Clone(r.Deleted)
	moved := make([]Day, 0, len(r.Modified))
	for _, e := range r.Modified {
		gone, moved = append(gone, e.Day), append(moved, e.Start.Day())
	}
	for _, days := range [...][]Day{gone, moved} {
		slices.Sort(days)
		b = le.AppendUint32(b, uint32(len(days)))
		for _, day := range days {
			b = le.AppendUint32(b, packDay(day))
		}
	}
	b = le.AppendUint32(b, packDay(start))
	if end == LastDay {
		return le.AppendUint32(b, 0x5AE980DF), nil
	}
	return le.AppendUint32(b, packDay(end)), nil
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func packDay(d Day) uint32   { return uint32(d) * dayMinutes }
func packWall(w Wall) uint32 { return uint32(w / minuteOfWall) }

func (r *Recurrence) packedKind() (frequency, kind uint16) {
	switch r.Kind {
	case Daily:
		return freqDaily, typeDay
	case Weekly:
		return freqWeekly, typeWeek
	case AbsoluteMonthly:
		return freqMonthly, typeMonth
	case RelativeMonthly:
		return freqMonthly, typeMonthNth
	case AbsoluteYearly:
		return freqYearly, typeMonth
	}
	return freqYearly, typeMonthNth
}

// packedPeriod returns FirstDateTime and Period (MS-OXOCAL 2.2.1.44.1).
func (r *Recurrence) packedPeriod(start Day) (first, period uint32) {
	switch r.Kind {
	case Daily:
		period = uint32(r.Interval) * dayMinutes
		return packDay(start) % period, period
	case Weekly:
		period = uint32(r.Interval)
		return packDay(weekStart(start, r.FirstDay)) % (period * weekMinutes), period
	case AbsoluteMonthly, RelativeMonthly:
		period = uint32(r.Interval)
	default:
		period = 12 * uint32(r.Interval)
	}
	year, month, _ := start.Date()
	months := ((year-1601)*12 + int(month) - 1) % int(period)
	return packDay(NewDay(1601, time.January+time.Month(months), 1)), period
}

// AppendAppointment appends the packed form of an appointment's recurrence, an
// AppointmentRecurrencePattern (MS-OXOCAL 2.2.1.44.5).
func (r *Recurrence) AppendAppointment(b []byte) ([]byte, error) {
	b, err := r.AppendTask(b)
	if err != nil {
		return nil, err
	}
	le := binary.LittleEndian
	b = le.AppendUint32(le.AppendUint32(b, recurVersion2), writerVersion)
	b = le.AppendUint32(b, uint32(r.Clock/time.Minute))
	b = le.AppendUint32(b, uint32((r.Clock+r.Duration)/time.Minute))
	b = le.AppendUint16(b, uint16(len(r.Modified)))
	byStart := slices.Clone(r.Modified)
	slices.SortStableFunc(byStart, func(a, b Exception) int { return cmp.Compare(a.Start, b.Start) })
	for _, e := range byStart {
		b = appendTimes(b, &e, r.Clock)
		b = le.AppendUint16(b, uint16(e.Overrides))
		if e.Overrides&OverrideSubject != 0 {
			b = appendNarrow(b, e.Subject)
		}
		number := func(flag Overrides, v uint32) {
			if e.Overrides&flag != 0 {
				b = le.AppendUint32(b, v)
			}
		}
		number(OverrideMeetingType, uint32(e.MeetingType))
		number(OverrideReminderDelta, uint32(e.ReminderDelta))
		number(OverrideReminder, uint32(bit(e.Reminder)))
		if e.Overrides&OverrideLocation != 0 {
			b = appendNarrow(b, e.Location)
		}
		number(OverrideBusyStatus, uint32(e.BusyStatus))
		number(OverrideAttachment, uint32(bit(e.Attachment)))
		number(OverrideAllDay, uint32(bit(e.AllDay)))
		number(OverrideColor, uint32(e.Color))
	}
	b = le.AppendUint32(b, 0) // ReservedBlock1
	for _, e := range byStart {
		b = le.AppendUint32(le.AppendUint32(b, 4), e.Highlight)
		b = le.AppendUint32(b, 0) // ReservedBlockEE1
		if e.Overrides&(OverrideSubject|OverrideLocation) == 0 {
			continue
		}
		b = appendTimes(b, &e, r.Clock)
		if e.Overrides&OverrideSubject != 0 {
			b = appendWide(b, e.Subject)
		}
		if e.Overrides&OverrideLocation != 0 {
			b = appendWide(b, e.Location)
		}
		b = le.AppendUint32(b, 0) // ReservedBlockEE2
	}
	return le.AppendUint32(b, 0), nil // ReservedBlock2
}

func appendTimes(b []byte, e *Exception, clock time.Duration) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, packWall(e.Start))
	b = le.AppendUint32(b, packWall(e.End))
	return le.AppendUint32(b, packWall(e.Day.At(clock)))
}

// maxText bounds a subject or a place of an exception, in bytes of its packed form.
const maxText = 0xFFFE

// appendNarrow appends a text in the code page of old readers, with both its
// lengths; the true text follows in the extended exception.
func appendNarrow(b []byte, s string) []byte {
	var narrow []byte
	for _, c := range s {
		one, ok := charmap.Windows1252.EncodeRune(c)
		if !ok {
			one = '?'
		}
		if narrow = append(narrow, one); len(narrow) == maxText {
			break
		}
	}
	le := binary.LittleEndian
	b = le.AppendUint16(b, uint16(len(narrow)+1))
	b = le.AppendUint16(b, uint16(len(narrow)))
	return append(b, narrow...)
}

func appendWide(b []byte, s string) []byte {
	units := utf16.Encode([]rune(s))
	units = units[:min(len(units), maxText)]
	b = binary.LittleEndian.AppendUint16(b, uint16(len(units)))
	for _, u := range units {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// ParseTask reads the packed form of a task's recurrence.
func ParseTask(b []byte) (*Recurrence, error) {
	in := &reader{b: b}
	r, _ := in.pattern()
	return in.done(r)
}

// ParseAppointment reads the packed form of an appointment's recurrence. One in a
// calendar other than the Gregorian is ErrCalendar.
func ParseAppointment(b []byte) (*Recurrence, error) {
	in := &reader{b: b}
	r, deleted := in.pattern()
	in.u32() // versions of reader and writer
	version := in.u32()
	start, end := in.u32(), in.u32()
	if in.err == nil && (start >= dayMinutes || end < start || time.Duration(end-start) > MaxDuration/time.Minute) {
		in.fail(fmt.Errorf("recurrence from minute %d to %d: %w", start, end, ErrSyntax))
	}
	r.Clock, r.Duration = time.Duration(start)*time.Minute, time.Duration(end-start)*time.Minute
	n := int(in.u16())
	if n > MaxExceptions {
		in.fail(fmt.Errorf("recurrence with %d exceptions: %w", n, ErrPattern))
	}
	for range n {
		if in.err != nil {
			break
		}
		r.Modified = append(r.Modified, in.exception())
	}
	in.skip(in.u32())
	// What follows says the texts again, in Unicode; old writers have none of it.
	if in.err == nil && len(in.b) > 0 {
		for i := range r.Modified {
			in.extend(&r.Modified[i], version)
		}
	}
	r.Deleted = settle(deleted, &r.Modified)
	return in.done(r)
}

// settle puts exceptions in order, one for a day, and returns the days without one.
func settle(deleted []Day, modified *[]Exception) []Day {
	list := *modified
	slices.SortStableFunc(list, func(a, b Exception) int { return cmp.Compare(a.Day, b.Day) })
	*modified = slices.CompactFunc(list, func(a, b Exception) bool { return a.Day == b.Day })
	slices.Sort(deleted)
	deleted = slices.Compact(deleted)
	return slices.DeleteFunc(deleted, func(d Day) bool {
		_, ok := slices.BinarySearchFunc(*modified, d, func(e Exception, d Day) int { return cmp.Compare(e.Day, d) })
		return ok
	})
}

// reader reads little endian fields; the first error sticks.
type reader struct {
	b   []byte
	err error
}

func (in *reader) fail(err error) {
	if in.err == nil {
		in.err = err
	}
	in.b = nil
}

func (in *reader) take(n int) []byte {
	if n > len(in.b) {
		in.fail(fmt.Errorf("recurrence is cut short: %w", ErrSyntax))
		return nil
	}
	head := in.b[:n]
	in.b = in.b[n:]
	return head
}

func (in *reader) u16() uint16 {
	if b := in.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (in *reader) u32() uint32 {
	if b := in.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (in *reader) skip(n uint32) { in.take(int(n)) }

func (in *reader) done(r *Recurrence) (*Recurrence, error) {
	if in.err == nil {
		in.err = r.Check()
	}
	if in.err != nil {
		return nil, in.err
	}
	return r, nil
}

// pattern reads a RecurrencePattern, without the days of what was modified, which
// are in the exceptions too.
func (in *reader) pattern() (r *Recurrence, deleted []Day) {
	r = &Recurrence{}
	if len(in.b) > MaxRecurBytes {
		in.fail(fmt.Errorf("recurrence of %d bytes: %w", len(in.b), ErrSyntax))
	}
	in.u16() // versions of reader and writer
	in.u16()
	frequency, kind, calendar := in.u16(), in.u16(), in.u16()
	if kind >= typeHijriMonth || calendar != 0 && calendar != 1 && calendar != 2 && (calendar < 9 || calendar > 12) {
		in.fail(ErrCalendar)
	}
	first, period := in.u32(), in.u32()
	r.Regenerates = in.u32() != 0
	switch kind {
	case typeDay:
		r.Kind = Daily
		if period%dayMinutes != 0 {
			in.fail(fmt.Errorf("recurrence every %d minutes: %w", period, ErrPattern))
		}
		period /= dayMinutes
		if r.Regenerates && frequency == freqWeekly && period%7 == 0 {
			r.Kind, period = Weekly, period/7
		}
	case typeWeek:
		r.Kind, r.Days = Weekly, Weekdays(min(in.u32(), 0xFF))
	case typeMonth:
		r.Kind, r.DayOfMonth = AbsoluteMonthly, int(min(in.u32(), 0xFF))
	case typeMonthEnd:
		in.u32()
		r.Kind, r.DayOfMonth = AbsoluteMonthly, 31
	case typeMonthNth:
		r.Kind, r.Days, r.Index = RelativeMonthly, Weekdays(min(in.u32(), 0xFF)), int(min(in.u32(), 0xFF))
	default:
		in.fail(fmt.Errorf("recurrence of type %d: %w", kind, ErrSyntax))
	}
	yearly := frequency == freqYearly && (r.Kind == AbsoluteMonthly || r.Kind == RelativeMonthly) && period%12 == 0
	if yearly {
		period /= 12
		r.Kind += AbsoluteYearly - AbsoluteMonthly
	}
	r.Interval = int(min(period, MaxInterval+1))
	end, count := in.u32(), in.u32()
	r.FirstDay = time.Weekday(min(in.u32(), 0xFF))
	deleted = in.days()
	in.days()
	r.Start = unpackDay(in.u32())
	last := unpackDay(in.u32())
	switch end {
	case endByDate:
		if last < LastDay {
			r.End = last
		}
	case endByCount:
		r.Count = int(min(count, MaxCount+1))
	case endNever, endNever2:
	default:
		in.fail(fmt.Errorf("recurrence with an end of type %#x: %w", end, ErrSyntax))
	}
	if yearly {
		// StartDate is an occurrence; where a writer put something else, FirstDateTime has
		// the month as far as years go.
		_, r.Month, _ = r.Start.Date()
		if _, month, _ := unpackDay(first).Date(); !r.startsIn(r.Month) {
			r.Month = month
		}
	}
	r.Deleted = deleted
	return r, deleted
}

// startsIn says whether the start of a yearly pattern is an occurrence of it, in a
// month.
func (r *Recurrence) startsIn(month time.Month) bool {
	p := *r
	p.Month = month
	return p.check(func(string, any) error { return ErrPattern }) == nil && p.dayIn(0) == p.Start
}

func unpackDay(minutes uint32) Day { return Day(minutes / dayMinutes) }

func (in *reader) days() []Day {
	n := int(in.u32())
	if n > MaxExceptions || 4*n > len(in.b) {
		in.fail(fmt.Errorf("recurrence with %d exceptions: %w", n, ErrPattern))
		return nil
	}
	var days []Day
	for range n {
		days = append(days, unpackDay(in.u32()))
	}
	return days
}

func (in *reader) exception() (e Exception) {
	e.Start, e.End = Wall(in.u32())*minuteOfWall, Wall(in.u32())*minuteOfWall
	e.Day = unpackDay(in.u32())
	e.Overrides = Overrides(in.u16())
	number := func(flag Overrides) int32 {
		if e.Overrides&flag == 0 {
			return 0
		}
		return int32(in.u32())
	}
	narrow := func(flag Overrides) string {
		if e.Overrides&flag == 0 {
			return ""
		}
		in.u16() // the length with a zero that is not there
		b := in.take(int(in.u16()))
		text := make([]rune, len(b))
		for i, c := range b {
			text[i] = charmap.Windows1252.DecodeByte(c)
		}
		return string(text)
	}
	e.Subject = narrow(OverrideSubject)
	e.MeetingType = number(OverrideMeetingType)
	e.ReminderDelta = number(OverrideReminderDelta)
	e.Reminder = number(OverrideReminder) != 0
	e.Location = narrow(OverrideLocation)
	e.BusyStatus = number(OverrideBusyStatus)
	e.Attachment = number(OverrideAttachment) != 0
	e.AllDay = number(OverrideAllDay) != 0
	e.Color = number(OverrideColor)
	if e.End < e.Start {
		in.fail(fmt.Errorf("exception ends before it starts: %w", ErrSyntax))
	}
	return e
}

// extend reads an ExtendedException (MS-OXOCAL 2.2.1.44.4).
func (in *reader) extend(e *Exception, version uint32) {
	if version >= writerVersion {
		size := in.u32()
		if size >= 4 {
			e.Highlight = in.u32()
			size -= 4
		}
		in.skip(size)
	}
	in.skip(in.u32())
	if e.Overrides&(OverrideSubject|OverrideLocation) == 0 {
		return
	}
	in.take(12) // start, end and original start again
	wide := func(flag Overrides, s *string) {
		if e.Overrides&flag == 0 {
			return
		}
		b := in.take(2 * int(in.u16()))
		units := make([]uint16, len(b)/2)
		for i := range units {
			units[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
		if in.err == nil {
			*s = string(utf16.Decode(units))
		}
	}
	wide(OverrideSubject, &e.Subject)
	wide(OverrideLocation, &e.Location)
	in.skip(in.u32())
}
