package calendar

import (
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// Bits of PidLidAppointmentStateFlags (MS-OXOCAL 2.2.1.10).
const (
	StateMeeting  int32 = 1
	StateReceived int32 = 2
	StateCanceled int32 = 4
)

// Values of PidLidBusyStatus (MS-OXOCAL 2.2.1.2).
const (
	BusyFree             int32 = 0
	BusyTentative        int32 = 1
	BusyBusy             int32 = 2
	BusyOutOfOffice      int32 = 3
	BusyWorkingElsewhere int32 = 4
)

// Values of PidLidResponseStatus and PidTagRecipientTrackStatus (MS-OXOCAL 2.2.1.11, 2.2.4.10.2).
const (
	ResponseNone         int32 = 0
	ResponseOrganized    int32 = 1
	ResponseTentative    int32 = 2
	ResponseAccepted     int32 = 3
	ResponseDeclined     int32 = 4
	ResponseNotResponded int32 = 5
)

// Bits of PidTagRecipientFlags (MS-OXOCAL 2.2.4.10.1).
const (
	RecipientSendable  int32 = 0x1
	RecipientOrganizer int32 = 0x2
)

// NewAttendee returns the row of somebody who is asked to a meeting: required with
// mapi.RecipientTo, optional with RecipientCc, a resource with RecipientBcc.
func NewAttendee(typ int32, a oxcmail.Address) store.Recipient {
	return store.Recipient{Type: typ, AddressType: "SMTP", Address: a.Email, SMTP: a.Email, Name: a.Display(), EntryID: oxcmail.OneOff(a),
		Props: mapi.Bag{mapi.PidTagRecipientFlags: RecipientSendable, mapi.PidTagRecipientTrackStatus: ResponseNone}}
}

// addressOf is an attendee's SMTP address.
func addressOf(r store.Recipient) string {
	if r.SMTP != "" {
		return r.SMTP
	}
	return r.Address
}

// sameAddress tells whether two SMTP addresses are one mailbox's.
func sameAddress(a, b string) bool { return a != "" && strings.EqualFold(a, b) }

// find returns the index of an attendee, -1 for none.
func find(list []store.Recipient, address string) int {
	for i, r := range list {
		if sameAddress(addressOf(r), address) {
			return i
		}
	}
	return -1
}

// Keep returns the attendees of after; who was asked before keeps what he answered.
func Keep(before, after []store.Recipient) []store.Recipient {
	out := make([]store.Recipient, len(after))
	for i, r := range after {
		if at := find(before, addressOf(r)); at >= 0 && before[at].Props != nil {
			r.Props = before[at].Props
		}
		out[i] = r
	}
	return out
}

// attendeeNames joins the names of those who are required, optional, and of all
// (MS-OXOCAL 2.2.1.16 to 2.2.1.18).
func attendeeNames(list []store.Recipient) (to, cc, all string) {
	const most = 2000 // bytes; the rows are in the recipient table
	var names [3][]string
	size := 0
	for _, r := range list {
		if size += len(r.Name) + 2; size > most {
			break
		}
		switch r.Type {
		case mapi.RecipientTo:
			names[0] = append(names[0], r.Name)
		case mapi.RecipientCc:
			names[1] = append(names[1], r.Name)
		}
		names[2] = append(names[2], r.Name)
	}
	return strings.Join(names[0], "; "), strings.Join(names[1], "; "), strings.Join(names[2], "; ")
}

// organizer is the address of who called an event.
func organizer(p mapi.Bag) oxcmail.Address {
	a := oxcmail.Address{Name: p.String(mapi.PidTagSentRepresentingName), Email: p.String(mapi.PidTagSentRepresentingSmtp)}
	if a.Email == "" {
		a.Email = p.String(mapi.PidTagSentRepresentingEmail)
	}
	return a
}
