// Package calendar knows what events are: when they take place, the occurrences of
// a series and what one of them has of its own, who was asked to a meeting and what
// they answered, and when somebody is busy (MS-OXOCAL, RFC 5546).
//
// An event is an item of the store. A series is one item: its pattern and the times
// of its exceptions are in PidLidAppointmentRecur, what else an exception has of its
// own is in an attachment of that item (transport.Exception). An occurrence has no row:
// it is named by the series and the day that the pattern gives it, and told by the
// change key of the series.
//
// Several doors ask this package; it speaks no protocol of theirs, renders no
// iCalendar itself (wire/oxcical does) and moves no mail itself (exchange/transport
// does). It asks no clock but the one it is given.
//
// Start reading at When and Event, then View, Update and Process.
package calendar
