package oxcical

import (
	"strings"
	"time"

	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// Methods of iTIP (RFC 5546 1.4) that make a message one about a meeting.
const (
	Request = "REQUEST"
	Reply   = "REPLY"
	Cancel  = "CANCEL"
	Counter = "COUNTER"
	Publish = "PUBLISH"
)

// Calendar is a calendar between its two forms.
type Calendar struct {
	Method string // in capitals; "" for none
	Events []*Event
	// Left is what the text has beside it that could not be read or passed a limit, in
	// words, a line for each; no more than some 1,000.
	Left []string
}

// Event is an event: a single one, a series with its exceptions, or one occurrence
// of a series that is not there.
type Event struct {
	// Props are the properties of the object, those of MS-OXOCAL 2.2 and the class that
	// the method gives. Times, zones, recurrence and the UID are among them; bodies,
	// organizer and attendees are not.
	Props     mapi.Bag
	Organizer oxcmail.Address
	Attendees []Attendee
	// Text is the plain body with CR LF line ends, HTML the one of X-ALT-DESC.
	Text, HTML  string
	Attachments []Attachment
	// Exceptions are the bodies and attendees that exceptions of the series have of
	// their own; what else they have is in PidLidAppointmentRecur.
	Exceptions []*Exception
}

// Exception is what an exception of a series has of its own beside the recurrence.
type Exception struct {
	Original   time.Time // when the pattern has it
	Start, End time.Time // Write takes those of the recurrence
	Text, HTML string
	Attendees  []Attendee
}

// Attendee is somebody who is asked to a meeting.
type Attendee struct {
	oxcmail.Address
	Type   int32 // mapi.RecipientTo is required, RecipientCc optional, RecipientBcc a room or a resource
	Status int32 // PidTagRecipientTrackStatus (MS-OXOCAL 2.2.4.10.2)
	RSVP   bool
}

// Attachment is an ATTACH: bytes, or the address of what is elsewhere.
type Attachment struct {
	Name        string
	ContentType string
	URI         string // "" when Data has the content
	Data        []byte
}

// Values of PidLidBusyStatus and PidLidIntendedBusyStatus (MS-OXOCAL 2.2.1.2) in the
// words of X-MICROSOFT-CDO-BUSYSTATUS (MS-OXCICAL 2.1.3.1.1.20.31).
var busyWords = []string{"FREE", "TENTATIVE", "BUSY", "OOF", "WORKINGELSEWHERE"}

const (
	busyFree int32 = iota
	busyTentative
	busyBusy
)

// Values of PidTagRecipientTrackStatus and PidLidResponseStatus (MS-OXOCAL 2.2.1.11).
const (
	responseNone         int32 = 0
	responseOrganized    int32 = 1
	responseTentative    int32 = 2
	responseAccepted     int32 = 3
	responseDeclined     int32 = 4
	responseNotResponded int32 = 5
)

// Bits of PidLidAppointmentStateFlags (MS-OXOCAL 2.2.1.10).
const (
	stateMeeting  int32 = 1
	stateReceived int32 = 2
	stateCanceled int32 = 4
)

// Message classes (MS-OXOCAL 2.2.3.1, MS-OXCICAL 2.1.3.1.1.1).
const (
	classAppointment = "IPM.Appointment"
	classRequest     = "IPM.Schedule.Meeting.Request"
	classCanceled    = "IPM.Schedule.Meeting.Canceled"
	classResponse    = "IPM.Schedule.Meeting.Resp"
)

// answers are the words of PARTSTAT (RFC 5545 3.2.12) with what they are in MAPI and
// the end of the class of a message that brings them.
var answers = []struct {
	word   string
	status int32
	class  string
}{
	{"ACCEPTED", responseAccepted, ".Pos"},
	{"TENTATIVE", responseTentative, ".Tent"},
	{"DECLINED", responseDeclined, ".Neg"},
	{"NEEDS-ACTION", responseNone, ""},
}

// IsMeeting tells whether a message class is one of messages about meetings.
func IsMeeting(class string) bool {
	const prefix = "IPM.Schedule.Meeting."
	return len(class) >= len(prefix) && strings.EqualFold(class[:len(prefix)], prefix)
}

// IsEvent tells whether a message class is one of calendars' items.
func IsEvent(class string) bool {
	return strings.EqualFold(class, classAppointment) || len(class) > len(classAppointment) && strings.EqualFold(class[:len(classAppointment)+1], classAppointment+".")
}
