// Package oxcical turns iCalendar into the MAPI properties of appointments and
// meeting messages and back, as MS-OXCICAL describes it: RFC 5545 (iCalendar), RFC
// 5546 (iTIP) and the dialects that calendars in use write.
//
// Read makes the best of what a stranger wrote, within the limits that this package
// names: whatever a calendar says, reading it costs little. What MAPI cannot hold of
// a recurrence (hourly ones, sets of positions, single dates added) is kept as lines
// of iCalendar in PidNameICalendar, and Write gives them back.
//
// It is pure: it stores nothing, asks no clock and makes no UIDs. Tasks and free/busy
// of iCalendar are not read.
//
// Start reading at Event and Read; Write is the other way.
package oxcical
