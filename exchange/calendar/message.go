package calendar

import (
	"context"
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
)

// Classes of meeting messages (MS-OXOCAL 2.2.6 to 2.2.8).
const (
	classRequest  = "IPM.Schedule.Meeting.Request"
	classCanceled = "IPM.Schedule.Meeting.Canceled"
	classResponse = "IPM.Schedule.Meeting.Resp."
)

func under(class, prefix string) bool {
	return len(class) >= len(prefix) && strings.EqualFold(class[:len(prefix)], prefix)
}

// MessageResponse returns the answer that a meeting message carries, as
// PidLidResponseStatus has it.
func MessageResponse(props mapi.Bag) int32 {
	class := props.String(mapi.PidTagMessageClass)
	switch {
	case under(class, classResponse+"Pos"):
		return ResponseAccepted
	case under(class, classResponse+"Tent"):
		return ResponseTentative
	case under(class, classResponse+"Neg"):
		return ResponseDeclined
	case under(class, classRequest):
		return ResponseNotResponded
	}
	return ResponseNone
}

// ReceivedFor returns the address of somebody else for whom the receiver of a meeting
// message got it as a delegate, "" for a message of the receiver's own.
func ReceivedFor(message mapi.Bag) string {
	if !message.Bool(mapi.PidTagDelegatedByRule) {
		return ""
	}
	return message.String(mapi.PidTagReceivedRepresentingEmail)
}

// Associated returns the item of the calendar that a meeting message is about, nil
// for none.
func Associated(ctx context.Context, box *store.Mailbox, message mapi.Bag) (*store.Item, error) {
	id := message.Bytes(mapi.PidLidCleanGlobalObjectID)
	if len(id) == 0 {
		return nil, nil
	}
	folder, err := box.RoleID(store.RoleCalendar)
	if err != nil {
		return nil, err
	}
	list, err := box.ByGlobalObjectID(ctx, folder, id, store.Want{All: true, Recipients: true, Attachments: true})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return list[0], Resolve(ctx, box, list[0])
}

// Outdated tells whether the calendar knows a later version of a meeting than a
// message about it does (MS-OXOCAL 3.1.5.2).
func Outdated(message, event mapi.Bag) bool {
	sequence, known := message.Int32(mapi.PidLidAppointmentSequence), event.Int32(mapi.PidLidAppointmentSequence)
	if sequence != known {
		return sequence < known
	}
	said, at := message.Time(mapi.PidLidOwnerCriticalChange), event.Time(mapi.PidLidOwnerCriticalChange)
	return !said.IsZero() && said.Before(at)
}
