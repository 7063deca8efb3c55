// Package oxocal holds what a calendar is made of, as MS-OXOCAL describes it:
// wall clock values, recurrence patterns with their exceptions and the occurrences
// they have, Windows time zones, and the packed forms of these in MAPI properties.
//
// It is pure: it stores nothing, sends nothing and asks no clock. It does not know
// meetings, attendees or mailboxes; exchange/calendar does. The rules of time zones
// are those of Go's time zone data; this package has only the names that Windows
// gives them.
//
// Start reading at Wall and Day, which cannot be mistaken for a time.Time; then
// Recurrence with Between and Nth, and Zone with UTC and Wall.
package oxocal
