package oxocal

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // the rules of every zone are its, where the machine has none
)

// windowsText has a line for each zone of Windows: its id, the places of its display
// name, and its IANA names, the one that stands for it first (the facts of Unicode
// CLDR's windowsZones, with the other names of the IANA database for these).
//
//go:embed windows.txt
var windowsText string

// windowsTable is made when a name is first asked for.
var windowsTable = sync.OnceValue(func() (t struct {
	zones []*Zone
	byID  map[string]*Zone // ids in lower case
	iana  map[string]*Zone // IANA names in lower case
}) {
	t.byID, t.iana = map[string]*Zone{}, map[string]*Zone{}
	for line := range strings.Lines(windowsText) {
		id, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|")
		places, names, _ := strings.Cut(rest, "|")
		for i, name := range strings.Fields(names) {
			if i == 0 {
				zone := utcZone
				if id != utcZone.id {
					loc, err := time.LoadLocation(name)
					if err != nil {
						loc = time.UTC
					}
					zone = &Zone{id: id, places: places, iana: name, loc: loc}
				}
				t.zones = append(t.zones, zone)
				t.byID[strings.ToLower(id)] = zone
			}
			t.iana[strings.ToLower(name)] = t.zones[len(t.zones)-1]
		}
	}
	return t
})

// WindowsZones returns the zones of Windows, from west to east. The caller leaves
// the slice as it is.
func WindowsZones() []*Zone { return windowsTable().zones }

// WindowsZone returns the zone with a Windows id, such as "W. Europe Standard Time";
// letters may be large or small.
func WindowsZone(id string) (*Zone, bool) {
	zone, ok := windowsTable().byID[strings.ToLower(id)]
	return zone, ok
}

// IANAZone returns the zone of Windows that an IANA name belongs to, such as
// "Europe/Berlin". The rules are those of the Windows zone.
func IANAZone(name string) (*Zone, bool) {
	zone, ok := windowsTable().iana[strings.ToLower(name)]
	return zone, ok
}

// Find returns the zone that a name from outside means: a Windows id, an IANA name,
// or what the dialects of iCalendar make of one, such as
// "/softwarestudio.org/Olson_20011030_5/Europe/Berlin" or a display name. A name of
// more than 260 bytes means none.
func Find(name string) (*Zone, bool) {
	if len(name) > maxZoneName {
		return nil, false
	}
	name = strings.Trim(name, " \t\"")
	if zone, ok := WindowsZone(name); ok {
		return zone, true
	}
	for tail := name; ; {
		if zone, ok := IANAZone(tail); ok {
			return zone, true
		}
		_, after, more := strings.Cut(tail, "/")
		if !more {
			break
		}
		tail = after
	}
	for _, zone := range WindowsZones() {
		if _, places, _ := strings.Cut(name, ") "); strings.EqualFold(name, zone.Name()) || zone.places != "" && strings.EqualFold(places, zone.places) {
			return zone, true
		}
	}
	return nil, false
}

// display makes a display name of places and the bias of standard time.
func display(places string, bias int) string {
	sign, minutes := '+', -bias
	if minutes < 0 {
		sign, minutes = '-', -minutes
	}
	return fmt.Sprintf("(UTC%c%02d:%02d) %s", sign, minutes/60, minutes%60, places)
}
