package ews

import (
	"context"
	"errors"

	"hma/exchange/calendar"
	"hma/exchange/clientaccess"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/oxocal"
	"hma/wire/soap"
)

// codeForbidden is the code of the fault that goes out as 403.
const codeForbidden = "ErrorImpersonationRequired"

// problem is a failure that one response message tells of.
type problem struct {
	code string // of ResponseCodeType
	text string
}

// Error implements error.
func (p *problem) Error() string { return p.code + ": " + p.text }

// Failures of requests that no store or transport was asked about.
var (
	errIDEmpty         = &problem{"ErrorInvalidIdEmpty", "The Id is empty."}
	errIDMalformed     = &problem{"ErrorInvalidIdMalformed", "The Id is malformed."}
	errFolderForItem   = &problem{"ErrorCannotUseFolderIdForItemId", "The Id is that of a folder, not of an item."}
	errItemForFolder   = &problem{"ErrorCannotUseItemIdForFolderId", "The Id is that of an item, not of a folder."}
	errInvalidID       = &problem{"ErrorInvalidId", "The Id is not of the kind that this operation takes."}
	errChangeKey       = &problem{"ErrorInvalidChangeKey", "The change key is invalid."}
	errNeedsChangeKey  = &problem{"ErrorChangeKeyRequired", "The operation needs the item's change key."}
	errStale           = &problem{"ErrorStaleObject", "The item has been changed since."}
	errFolderNotFound  = &problem{"ErrorFolderNotFound", "The specified folder could not be found in the store."}
	errItemNotFound    = &problem{"ErrorItemNotFound", "The specified object was not found in the store."}
	errAccessDenied    = &problem{"ErrorAccessDenied", "Access is denied. Check credentials and try again."}
	errNoMailbox       = &problem{"ErrorNonExistentMailbox", "No mailbox with such an address exists."}
	errSyncState       = &problem{"ErrorInvalidSyncStateData", "The synchronization state data is not valid for this operation and folder."}
	errPathForQuery    = &problem{"ErrorUnsupportedPathForQuery", "The property cannot be used in a restriction."}
	errPathForSort     = &problem{"ErrorUnsupportedPathForSortGroup", "The property cannot be used to sort."}
	errExtended        = &problem{"ErrorInvalidExtendedProperty", "The extended property is not identified in a valid way."}
	errExtendedValue   = &problem{"ErrorInvalidExtendedPropertyValue", "The extended property's value does not fit its type."}
	errPropertySet     = &problem{"ErrorInvalidPropertySet", "The property is read-only or cannot be set."}
	errPropertyValue   = &problem{"ErrorInvalidValueForProperty", "The value does not fit the property."}
	errPropertyKind    = &problem{"ErrorInvalidPropertyRequest", "The property does not belong to items of this kind."}
	errUpdateCount     = &problem{"ErrorIncorrectUpdatePropertyCount", "A change must set exactly one property."}
	errUpdateMismatch  = &problem{"ErrorUpdatePropertyMismatch", "The property does not match the path."}
	errAppend          = &problem{"ErrorInvalidPropertyAppend", "Nothing can be added to the property."}
	errUnsupported     = &problem{"ErrorInvalidOperation", "The request asks for something that this server does not offer."}
	errDisposition     = &problem{"ErrorMessageDispositionRequired", "The MessageDisposition attribute is required for messages."}
	errOccurrences     = &problem{"ErrorAffectedTaskOccurrencesRequired", "The AffectedTaskOccurrences attribute is required to delete a task."}
	errTooLarge        = &problem{"ErrorMessageSizeExceeded", "The message exceeds the maximum supported size."}
	errMimeInvalid     = &problem{"ErrorMimeContentInvalid", "The MIME content is not a message."}
	errNotMaster       = &problem{"ErrorCalendarCannotUseIdForRecurringMasterId", "The Id is that of an occurrence, not of a series."}
	errNotOccurrence   = &problem{"ErrorCalendarCannotUseIdForOccurrenceId", "The Id is that of a series or a single event, not of an occurrence."}
	errViewEnds        = &problem{"ErrorCalendarEndDateIsEarlierThanStartDate", "The end of the view is before its start."}
	errMailRecipient   = &problem{"ErrorMailRecipientNotFound", "Unable to resolve the e-mail address to a mailbox of the organization."}
	errNoFreeBusy      = &problem{"ErrorNoFreeBusyAccess", "The caller may not see when the owner of the mailbox is busy."}
	errResultTooBig    = &problem{"ErrorResultSetTooBig", "There are too many events in the time window."}
	errCorrupt         = &problem{"ErrorCorruptData", "The data is not that of an item, or was changed."}
	errInternalFailure = &problem{"ErrorInternalServerError", "An internal server error occurred. The operation failed."}
)

// codes are the response codes of the kinds of failure that the layers below
// know. What is not here is an internal error.
var codes = []struct {
	kind error
	*problem
}{
	{store.ErrNotFound, errItemNotFound},
	{store.ErrConflict, &problem{"ErrorIrresolvableConflict", "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item."}},
	{store.ErrMalformedID, errIDMalformed},
	{store.ErrExists, &problem{"ErrorFolderExists", "A folder with the specified name already exists."}},
	{store.ErrStateTooOld, errSyncState},
	{store.ErrQuota, &problem{"ErrorQuotaExceeded", "The mailbox quota has been exceeded."}},
	{store.ErrFull, &problem{"ErrorInsufficientResources", "The server has no room to store this. Try again later."}},
	{store.ErrDenied, errAccessDenied},
	{store.ErrInvalid, &problem{"ErrorInvalidOperation", "The operation is not valid for the object."}},
	{store.ErrTooComplex, &problem{"ErrorRestrictionTooComplex", "The restriction is too complex."}},
	{store.ErrTooLarge, errTooLarge},
	{store.ErrUnsortable, &problem{"ErrorExceededFindCountLimit", "There are too many items to sort them so. Search for fewer, or sort by another property."}},
	{store.ErrTooMany, &problem{"ErrorQuotaExceeded", "There are too many of these in the mailbox already."}},
	{store.ErrMalformedItem, errCorrupt},
	{calendar.ErrEndBeforeStart, &problem{"ErrorCalendarEndDateIsEarlierThanStartDate", "The end of the event is before its start."}},
	{calendar.ErrTooLong, &problem{"ErrorCalendarDurationIsTooLong", "The event is too long."}},
	{calendar.ErrRange, &problem{"ErrorCalendarViewRangeTooBig", "The view is longer than two years."}},
	{calendar.ErrTooMany, &problem{"ErrorExceededFindCountLimit", "There are more events than one view can have. Ask for a shorter one, or say how many."}},
	{oxocal.ErrNoOccurrence, &problem{"ErrorRecurrenceHasNoOccurrence", "The recurrence has no occurrence."}},
	{calendar.ErrRecurrence, &problem{"ErrorCalendarInvalidRecurrence", "The recurrence is not valid."}},
	{calendar.ErrNoOccurrence, errItemNotFound},
	{calendar.ErrNotSeries, errNotOccurrence},
	{calendar.ErrCrossing, &problem{"ErrorOccurrenceCrossingBoundary", "Modified occurrence is crossing or overlapping adjacent occurrence."}},
	{calendar.ErrNotOrganizer, &problem{"ErrorCalendarIsNotOrganizer", "Only the organizer can do this to a meeting."}},
	{calendar.ErrOrganizer, &problem{"ErrorCalendarIsOrganizerForAccept", "The organizer of a meeting cannot answer it."}},
	{calendar.ErrCanceled, &problem{"ErrorCalendarIsCancelledForAccept", "The meeting is canceled."}},
	{calendar.ErrOutdated, &problem{"ErrorCalendarMeetingRequestIsOutOfDate", "There is a later version of the meeting."}},
	{calendar.ErrNoMeeting, &problem{"ErrorInvalidOperation", "The item is no meeting."}},
	{calendar.ErrLastOccurrence, &problem{"ErrorRecurrenceHasNoOccurrence", "The last occurrence of a series can only go with the series."}},
	{transport.ErrUnknownRecipient, &problem{"ErrorInvalidRecipients", "At least one recipient is not valid."}},
	{transport.ErrNoRecipients, &problem{"ErrorInvalidRecipients", "The message has no recipients."}},
	{transport.ErrInvalidAddress, &problem{"ErrorInvalidRecipients", "At least one address is not valid."}},
	{transport.ErrTooMany, &problem{"ErrorInvalidRecipients", "The message has too many recipients."}},
	{transport.ErrSendAsDenied, &problem{"ErrorSendAsDenied", "The user account does not have the right to send mail on behalf of the specified sending account."}},
	{transport.ErrTooLarge, errTooLarge},
	{soap.ErrBase64, &problem{"ErrorMimeContentInvalidBase64String", "The content is not a valid base64 string."}},
	{context.DeadlineExceeded, &problem{"ErrorTimeoutExpired", "The operation took too long."}},
}

// codeOf returns the response code and text for a failure and logs what the
// client is not told.
func (d *Door) codeOf(r *clientaccess.Request, err error) (code, text string) {
	if p, ok := errors.AsType[*problem](err); ok {
		return p.code, p.text
	}
	if f, ok := errors.AsType[*soap.Fault](err); ok {
		return f.Code, f.Message
	}
	for _, c := range codes {
		if errors.Is(err, c.kind) {
			return c.code, c.text
		}
	}
	if !errors.Is(err, context.Canceled) {
		d.opts.Log.Error("ews request failed", "request", r.ID, "operation", r.Record.Operation, "error", err)
	}
	return errInternalFailure.code, errInternalFailure.text
}

// told tells whether a response message can tell of a failure: it has a code and is no fault.
func told(err error) bool {
	if _, fault := errors.AsType[*soap.Fault](err); fault {
		return false
	}
	if _, ok := errors.AsType[*problem](err); ok {
		return true
	}
	for _, c := range codes {
		if errors.Is(err, c.kind) {
			return true
		}
	}
	return false
}

func isNotFound(err error) bool { return errors.Is(err, store.ErrNotFound) }

// orFolder makes what is not found a missing folder.
func orFolder(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return errFolderNotFound
	}
	return err
}
