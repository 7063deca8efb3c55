package oxocal

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"
	"unicode/utf16"
)

// Flags of a TZRule (MS-OXOCAL 2.2.1.41.1).
const (
	ruleEffective = 2
	ruleSize      = 66
	maxZoneName   = 260
)

// AppendStruct appends the packed form of what holds in the zone in a year
// (PidLidTimeZoneStruct, MS-OXOCAL 2.2.1.39).
func (z *Zone) AppendStruct(b []byte, year int) []byte {
	r := z.Rule(year)
	b = appendBiases(b, &r)
	b = appendChange(append(b, 0, 0), r.Standard, year)
	return appendChange(append(b, 0, 0), r.Daylight, year)
}

func appendBiases(b []byte, r *Rule) []byte {
	for _, v := range [...]int{r.Bias, r.StandardBias, r.DaylightBias} {
		b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
	}
	return b
}

// appendChange appends a SYSTEMTIME (MS-DTYP 2.3.13) as TIME_ZONE_INFORMATION has it.
func appendChange(b []byte, c Change, year int) []byte {
	clock, milli := c.Clock, 0
	if clock >= 24*time.Hour {
		clock, milli = 24*time.Hour-time.Second, 999
	}
	fields := [8]int{1: int(c.Month), 2: int(c.Weekday), 3: c.Week, 4: int(clock / time.Hour), 5: int(clock / time.Minute % 60), 6: int(clock / time.Second % 60), 7: milli}
	if c.Month != 0 && c.Week == 0 {
		fields[0], fields[2], fields[3] = year, 0, c.Day
	}
	for _, v := range fields {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	return b
}

// AppendDefinition appends the packed form of the zone with the rules of some years
// from the one named on (PidLidAppointmentTimeZoneDefinitionStartDisplay and its
// like, MS-OXOCAL 2.2.1.41); the rule of that year is marked as the one in force.
func (z *Zone) AppendDefinition(b []byte, year int) []byte {
	const years = 10
	le := binary.LittleEndian
	name := utf16.Encode([]rune(z.ID()))
	name = name[:min(len(name), maxZoneName)]
	b = le.AppendUint16(append(b, 2, 1), uint16(2+2+2*len(name)+2))
	b = le.AppendUint16(le.AppendUint16(b, 2), uint16(len(name)))
	for _, u := range name {
		b = le.AppendUint16(b, u)
	}
	rules := z.Rules(year, year+years)
	b = le.AppendUint16(b, uint16(len(rules)))
	for i, r := range rules {
		b = le.AppendUint16(append(b, 2, 1), 0x3E)
		b = le.AppendUint16(b, uint16(ruleEffective*bit(i == 0)))
		b = le.AppendUint16(b, uint16(r.Year))
		b = append(b, make([]byte, 14)...)
		b = appendBiases(b, &r)
		b = appendChange(b, r.Standard, r.Year)
		b = appendChange(b, r.Daylight, r.Year)
	}
	return b
}

// ParseStruct reads PidLidTimeZoneStruct. The zone is the one of Windows that has
// this rule in a year, or else one defined by it.
func ParseStruct(b []byte, year int) (*Zone, error) {
	if len(b) < 48 {
		return nil, fmt.Errorf("time zone of %d bytes: %w", len(b), ErrZone)
	}
	r := Rule{}
	parseBiases(b, &r)
	r.Standard, r.Daylight = parseChange(b[14:]), parseChange(b[32:])
	return Match(r, year)
}

// Match returns the zone of Windows that has a rule in a year, or one that is
// defined by the rule where none has.
func Match(r Rule, year int) (*Zone, error) {
	r = r.settled()
	if err := r.check(); err != nil {
		return nil, err
	}
	if zone := zonesOf(year)[r.in(year)]; zone != nil {
		return zone, nil
	}
	return NewZone("Customized Time Zone", display("Customized Time Zone", r.Bias+r.StandardBias), r)
}

// settled returns the rule as this package makes them: a clock that is not changed
// has no changes, and the bias of standard time is in Bias.
func (r Rule) settled() Rule {
	if r.Standard.Month == 0 || r.Daylight.Month == 0 || r.StandardBias == r.DaylightBias {
		return Rule{Year: r.Year, Bias: r.Bias + r.StandardBias*bit(r.Standard.Month != 0 && r.Daylight.Month != 0)}
	}
	r.Bias, r.StandardBias, r.DaylightBias = r.Bias+r.StandardBias, 0, r.DaylightBias-r.StandardBias
	return r
}

// yearRule is what a rule does with the clock in one year: two rules that do the same are one zone's.
type yearRule struct {
	bias, daylightBias int
	changes            bool
	standard, daylight Wall
}

// in returns what the rule does in a year.
func (r Rule) in(year int) yearRule {
	y := yearRule{bias: r.Bias, changes: r.Standard.Month != 0}
	if y.changes {
		y.daylightBias, y.standard, y.daylight = r.DaylightBias, r.Standard.In(year), r.Daylight.In(year)
	}
	return y
}

// maxYears is of how many years it is remembered which zones there are.
const maxYears = 256

var years = struct {
	sync.Mutex
	zones map[int]map[yearRule]*Zone
}{zones: map[int]map[yearRule]*Zone{}}

// zonesOf returns the zones of Windows by what their rules do in a year, of several
// that do the same the first. To ask all of them anew would cost each event that has
// its zone only as a rule half a millisecond.
func zonesOf(year int) map[yearRule]*Zone {
	years.Lock()
	defer years.Unlock()
	if zones := years.zones[year]; zones != nil {
		return zones
	}
	zones := map[yearRule]*Zone{}
	for _, zone := range WindowsZones() {
		if y := zone.Rule(year).in(year); zones[y] == nil {
			zones[y] = zone
		}
	}
	if len(years.zones) == maxYears {
		clear(years.zones)
	}
	years.zones[year] = zones
	return zones
}

// ParseDefinition reads the packed form of a zone that AppendDefinition makes. A
// name that Windows knows is that zone; the rules count for others.
func ParseDefinition(b []byte) (*Zone, error) {
	in := &reader{b: b}
	in.u16() // version
	in.u16() // size of the header
	in.u16()
	letters := int(in.u16())
	if letters > maxZoneName {
		return nil, fmt.Errorf("time zone with a name of %d letters: %w", letters, ErrZone)
	}
	units := make([]uint16, letters)
	for i := range units {
		units[i] = in.u16()
	}
	n := int(in.u16())
	if in.err != nil || n == 0 || n > MaxRules || n*ruleSize > len(in.b) {
		return nil, fmt.Errorf("time zone definition of %d bytes: %w", len(b), ErrZone)
	}
	id := string(utf16.Decode(units))
	if zone, ok := WindowsZone(id); ok {
		return zone, nil
	}
	var rules []Rule
	for range n {
		raw := in.take(ruleSize)
		r := Rule{Year: int(binary.LittleEndian.Uint16(raw[6:]))}
		parseBiases(raw[22:], &r)
		r.Standard, r.Daylight = parseChange(raw[34:]), parseChange(raw[50:])
		rules = append(rules, r.settled())
	}
	return NewZone(id, display(id, rules[0].Bias), rules...)
}

func parseBiases(b []byte, r *Rule) {
	for i, v := range [...]*int{&r.Bias, &r.StandardBias, &r.DaylightBias} {
		*v = int(int32(binary.LittleEndian.Uint32(b[4*i:])))
	}
}

func parseChange(b []byte) Change {
	var f [8]int
	for i := range f {
		f[i] = int(binary.LittleEndian.Uint16(b[2*i:]))
	}
	if f[1] == 0 {
		return Change{}
	}
	c := Change{Month: time.Month(f[1]), Weekday: time.Weekday(f[2]), Week: f[3]}
	if f[0] != 0 {
		c = Change{Month: time.Month(f[1]), Day: f[3]}
	}
	c.Clock = time.Duration(f[4])*time.Hour + time.Duration(f[5])*time.Minute + time.Duration(f[6])*time.Second
	if f[7] >= 990 {
		c.Clock += time.Second
	}
	return c
}
