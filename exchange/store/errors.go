package store

import (
	"errors"

	"hma/internal/sqldb"
)

// The kinds of failure that a caller can act on, for errors.Is. Each door has one
// table from these to its protocol's codes; any other error is internal.
var (
	ErrNotFound      = errors.New("not found")
	ErrConflict      = errors.New("changed by somebody else") // the given change key is not the current one
	ErrMalformedID   = errors.New("malformed id")
	ErrExists        = errors.New("already exists") // a folder of that name, a mailbox with another GUID
	ErrStateTooOld   = errors.New("synchronisation state is too old")
	ErrQuota         = errors.New("quota exceeded")
	ErrDenied        = errors.New("access denied")
	ErrInvalid       = errors.New("invalid request")    // a value of the wrong type, a move into itself, a distinguished folder deleted
	ErrTooComplex    = errors.New("search too complex") // beyond mapi.MaxRestrictionDepth or MaxRestrictionNodes
	ErrTooLarge      = errors.New("item too large")     // its properties, long ones apart, pass maxRow
	ErrTooMany       = errors.New("too many")           // subscriptions, folders of one
	ErrFull          = sqldb.ErrFull                    // no room on the disk: nothing was written, reading goes on
	ErrUndecided     = sqldb.ErrUndecided               // nobody knows whether it was written
	ErrOlder         = errors.New("saved by an older program")
	ErrMalformedItem = errors.New("malformed packed item")
	ErrSent          = errors.New("sent already")           // what was to be sent is gone
	ErrUnsortable    = errors.New("too many items to sort") // by a property that is no column, or into groups
)
