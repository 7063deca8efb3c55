package ews

import (
	"hma/exchange/calendar"
	"hma/wire/mapi"
)

var (
	// busyStatuses are the words of PidLidBusyStatus (MS-OXOCAL 2.2.1.2).
	busyStatuses = []string{"Free", "Tentative", "Busy", "OOF", "WorkingElsewhere"}
	// responseTypes are the words of PidLidResponseStatus (MS-OXOCAL 2.2.1.11).
	responseTypes = []string{"Unknown", "Organizer", "Tentative", "Accept", "Decline", "NoResponseReceived"}
	// itemTypes are the words of calendar.Kind.
	itemTypes = [...]string{"Single", "Occurrence", "Exception", "RecurringMaster"}
)

// timed are the kinds that have the time of an event.
const timed = calendarItem | meetingRequest

// calendarProperties are those of MeetingMessageType and its extensions, then those
// of CalendarItemType, in their order (MS-OXWSMTGS 2.2.4), with the properties of
// MS-OXOCAL 2.2.
var calendarProperties = []*itemProperty{
	{uri: "meeting:AssociatedCalendarItemId", of: meetingMessage, element: "AssociatedCalendarItemId",
		also: associatedTags, in: inDefault | readOnly | noSearch | onlyGet, write: writeAssociatedItem},
	{uri: "meeting:IsDelegated", of: meetingMessage, element: "IsDelegated", tag: mapi.PidTagDelegatedByRule, in: readOnly, or: false},
	{uri: "meeting:IsOutOfDate", of: meetingMessage, element: "IsOutOfDate", in: readOnly | noSearch | onlyGet,
		also: append([]mapi.Tag{mapi.PidLidAppointmentSequence, mapi.PidLidOwnerCriticalChange}, associatedTags...), write: writeOutOfDate},
	{uri: "meeting:HasBeenProcessed", of: meetingMessage, element: "HasBeenProcessed", tag: mapi.PidTagProcessed, in: readOnly, or: false},
	{uri: "meeting:ResponseType", of: meetingMessage, element: "ResponseType", in: readOnly | noSearch, write: writeMessageResponse},
	{uri: "meeting:UID", of: meetingMessage, element: "UID", also: uidTags, in: readOnly | noSearch, write: writeUID},
	{uri: "meeting:RecurrenceId", of: meetingMessage, element: "RecurrenceId", tag: mapi.PidLidExceptionReplaceTime, in: readOnly},
	{uri: "meeting:DateTimeStamp", of: meetingMessage, element: "DateTimeStamp", tag: mapi.PidLidOwnerCriticalChange, in: readOnly},
	{uri: "meetingRequest:MeetingRequestType", of: meetingRequest, element: "MeetingRequestType", tag: mapi.PidLidMeetingType, in: readOnly | noSearch,
		write: writeMeetingType},
	{uri: "meetingRequest:IntendedFreeBusyStatus", of: meetingRequest, element: "IntendedFreeBusyStatus", tag: mapi.PidLidIntendedBusyStatus, enum: busyStatuses, in: readOnly, or: int32(2)},
	{uri: "meeting:ProposedStart", since: exchange2013, of: meetingResponse, element: "ProposedStart", tag: mapi.PidLidAppointmentProposedStartWhole, in: readOnly},
	{uri: "meeting:ProposedEnd", since: exchange2013, of: meetingResponse, element: "ProposedEnd", tag: mapi.PidLidAppointmentProposedEndWhole, in: readOnly},

	{uri: "calendar:UID", of: calendarItem, element: "UID", also: uidTags, in: noSearch, write: writeUID, set: setUID},
	{uri: "calendar:RecurrenceId", of: calendarItem, element: "RecurrenceId", tag: mapi.PidLidExceptionReplaceTime, in: readOnly},
	{uri: "calendar:DateTimeStamp", of: calendarItem, element: "DateTimeStamp", tag: mapi.PidLidOwnerCriticalChange, in: readOnly},
	{uri: "calendar:Start", of: timed, element: "Start", tag: mapi.PidLidAppointmentStartWhole, in: inDefault, set: setEventTime},
	{uri: "calendar:End", of: timed, element: "End", tag: mapi.PidLidAppointmentEndWhole, in: inDefault, set: setEventTime},
	{uri: "calendar:OriginalStart", of: timed, element: "OriginalStart", tag: mapi.PidLidExceptionReplaceTime, in: readOnly},
	{uri: "calendar:IsAllDayEvent", of: timed, element: "IsAllDayEvent", tag: mapi.PidLidAppointmentSubType, in: inDefault, or: false, set: setAllDay},
	{uri: "calendar:LegacyFreeBusyStatus", of: timed, element: "LegacyFreeBusyStatus", tag: mapi.PidLidBusyStatus, in: inDefault, enum: busyStatuses, or: int32(2)},
	{uri: "calendar:Location", of: timed, element: "Location", tag: mapi.PidLidLocation, in: inDefault},
	{uri: "calendar:When", of: timed, element: "When", tag: mapi.PidLidRecurrencePattern},
	{uri: "calendar:IsMeeting", of: timed, element: "IsMeeting", tag: mapi.PidLidAppointmentStateFlags, in: readOnly | noSearch, write: writeState},
	{uri: "calendar:IsCancelled", of: timed, element: "IsCancelled", tag: mapi.PidLidAppointmentStateFlags, in: readOnly | noSearch, write: writeState},
	{uri: "calendar:IsRecurring", of: timed, element: "IsRecurring", tag: mapi.PidLidIsRecurring, in: readOnly, or: false},
	{uri: "calendar:MeetingRequestWasSent", of: timed, element: "MeetingRequestWasSent", tag: mapi.PidLidFInvited, in: readOnly, or: false},
	{uri: "calendar:IsResponseRequested", of: calendarItem, element: "IsResponseRequested", tag: mapi.PidTagResponseRequested, or: true},
	{uri: "calendar:CalendarItemType", of: timed, element: "CalendarItemType", tag: mapi.PidLidRecurring, in: inDefault | readOnly | noSearch, write: writeItemType},
	{uri: "calendar:MyResponseType", of: timed, element: "MyResponseType", tag: mapi.PidLidResponseStatus, in: inDefault | readOnly, enum: responseTypes, or: int32(0)},
	{uri: "calendar:Organizer", of: timed, element: "Organizer", in: inDefault | readOnly, also: fromTags, write: writeAuthor},
	{uri: "calendar:RequiredAttendees", of: timed, element: "RequiredAttendees", in: inDefault | onlyGet, rcpt: mapi.RecipientTo, write: writeAttendees, set: setAttendees},
	{uri: "calendar:OptionalAttendees", of: timed, element: "OptionalAttendees", in: inDefault | onlyGet, rcpt: mapi.RecipientCc, write: writeAttendees, set: setAttendees},
	{uri: "calendar:Resources", of: timed, element: "Resources", in: inDefault | onlyGet, rcpt: mapi.RecipientBcc, write: writeAttendees, set: setAttendees},
	{uri: "calendar:ConflictingMeetingCount", of: timed, element: "ConflictingMeetingCount", in: onlyGet | readOnly | noSearch, write: writeNeighbours},
	{uri: "calendar:AdjacentMeetingCount", of: timed, element: "AdjacentMeetingCount", in: onlyGet | readOnly | noSearch, write: writeNeighbours},
	{uri: "calendar:Duration", of: timed, element: "Duration", also: []mapi.Tag{mapi.PidLidAppointmentStartWhole, mapi.PidLidAppointmentEndWhole}, in: readOnly | noSearch, write: writeDuration},
	{uri: "calendar:TimeZone", of: timed, element: "TimeZone", also: zoneTags, in: readOnly | noSearch, write: writeZoneName},
	{uri: "calendar:AppointmentReplyTime", of: timed, element: "AppointmentReplyTime", tag: mapi.PidLidAppointmentReplyTime, in: readOnly},
	{uri: "calendar:AppointmentSequenceNumber", of: timed, element: "AppointmentSequenceNumber", tag: mapi.PidLidAppointmentSequence, in: readOnly, or: int32(0)},
	{uri: "calendar:AppointmentState", of: timed, element: "AppointmentState", tag: mapi.PidLidAppointmentStateFlags, in: readOnly, or: int32(0)},
	{uri: "calendar:Recurrence", of: timed, element: "Recurrence", tag: mapi.PidLidAppointmentRecur, also: calendar.Tags, in: noSearch | onlyGet, write: writeEventRecurrence, set: setEventRecurrence},
	{uri: "calendar:FirstOccurrence", of: timed, element: "FirstOccurrence", also: calendar.Tags, in: noSearch | onlyGet | readOnly, write: writeFirstOccurrence},
	{uri: "calendar:LastOccurrence", of: timed, element: "LastOccurrence", also: calendar.Tags, in: noSearch | onlyGet | readOnly, write: writeLastOccurrence},
	{uri: "calendar:ModifiedOccurrences", of: timed, element: "ModifiedOccurrences", also: calendar.Tags, in: noSearch | onlyGet | readOnly, write: writeModifiedOccurrences},
	{uri: "calendar:DeletedOccurrences", of: timed, element: "DeletedOccurrences", also: calendar.Tags, in: noSearch | onlyGet | readOnly, write: writeDeletedOccurrences},
	{uri: "calendar:MeetingTimeZone", of: timed, element: "MeetingTimeZone", also: zoneTags, in: noSearch | notAll, write: writeMeetingZone, set: setMeetingZone},
	{uri: "calendar:StartTimeZone", since: exchange2010, of: timed, element: "StartTimeZone", also: zoneTags, in: noSearch, write: writeEventZone, set: setStartZone},
	{uri: "calendar:EndTimeZone", since: exchange2010, of: timed, element: "EndTimeZone", also: zoneTags, in: noSearch, write: writeEventZone, set: setEndZone},
	{uri: "calendar:ConferenceType", of: timed, element: "ConferenceType", tag: mapi.PidLidConferencingType},
	{uri: "calendar:AllowNewTimeProposal", of: timed, element: "AllowNewTimeProposal", tag: mapi.PidLidAppointmentNotAllowPropose, in: noSearch,
		write: writeAllowProposal, set: setAllowProposal},
	{uri: "calendar:IsOnlineMeeting", of: timed, element: "IsOnlineMeeting", tag: mapi.PidLidConferencingCheck, in: readOnly, or: false},
	{uri: "calendar:MeetingWorkspaceUrl", of: timed, element: "MeetingWorkspaceUrl", tag: mapi.PidLidMeetingWorkspaceURL},
	{uri: "calendar:NetShowUrl", of: timed, element: "NetShowUrl", tag: mapi.PidLidNetShowURL},
	{uri: "calendar:StartWallClock", since: exchange2013, of: timed, element: "StartWallClock", also: wallTags, in: noSearch | readOnly, write: writeWallClock},
	{uri: "calendar:EndWallClock", since: exchange2013, of: timed, element: "EndWallClock", also: wallTags, in: noSearch | readOnly, write: writeWallClock},
	{uri: "calendar:StartTimeZoneId", since: exchange2013, of: timed, element: "StartTimeZoneId", also: zoneTags, in: noSearch | readOnly, write: writeZoneID},
	{uri: "calendar:EndTimeZoneId", since: exchange2013, of: timed, element: "EndTimeZoneId", also: zoneTags, in: noSearch | readOnly, write: writeZoneID},
	{uri: "calendar:IsOrganizer", since: exchange2013, of: timed, element: "IsOrganizer", tag: mapi.PidLidAppointmentStateFlags, in: noSearch | readOnly, write: writeState},
}

var (
	uidTags  = []mapi.Tag{mapi.PidLidGlobalObjectID, mapi.PidLidCleanGlobalObjectID}
	zoneTags = []mapi.Tag{mapi.PidLidAppointmentTimeZoneStartDisplay, mapi.PidLidAppointmentTimeZoneEndDisplay, mapi.PidLidAppointmentTimeZoneRecur,
		mapi.PidLidTimeZoneStruct, mapi.PidLidTimeZoneDescription}
	wallTags = append([]mapi.Tag{mapi.PidLidAppointmentStartWhole, mapi.PidLidAppointmentEndWhole}, zoneTags...)
)
