package oxocal

import "errors"

// Kinds of error, for errors.Is.
var (
	ErrSyntax       = errors.New("not well formed")
	ErrPattern      = errors.New("not a valid recurrence")
	ErrNoOccurrence = errors.New("the recurrence has no occurrence")
	ErrCalendar     = errors.New("a calendar other than the Gregorian one")
	ErrZone         = errors.New("not a valid time zone")
)
