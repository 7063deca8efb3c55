package transport

import (
	"hma/wire/mapi"
)

// Marks are what people and programs have noted of a message, beside that it was read, as files of mail keep it.
type Marks struct {
	Flagged, Answered, Forwarded, Draft bool
	Categories                          []string
}

// MarksOf reads an item's marks; ask for MarkTags.
func MarksOf(props mapi.Bag) Marks {
	verb := props.Int32(mapi.PidTagLastVerbExecuted)
	_, categories, _ := props.Find(mapi.PidNameKeywords)
	m := Marks{Flagged: props.Int32(mapi.PidTagFlagStatus) == followupFlagged,
		Answered: verb == int32(ReplyToSender) || verb == int32(ReplyToAll), Forwarded: verb == int32(Forward),
		Draft: props.Int32(mapi.PidTagMessageFlags)&mapi.MsgFlagUnsent != 0}
	m.Categories, _ = categories.([]string)
	return m
}

// MarkTags are the properties that marks are made of.
var MarkTags = []mapi.Tag{mapi.PidTagLastVerbExecuted, mapi.PidTagFlagStatus, mapi.PidTagMessageFlags, mapi.PidNameKeywords}

// followupFlagged is a message with an open flag (MS-OXOFLAG 2.2.1.1).
const followupFlagged = 2

// set puts the marks into the properties of a new item.
func (m Marks) set(props mapi.Bag) {
	switch {
	case m.Answered:
		props[mapi.PidTagLastVerbExecuted], props[mapi.PidTagIconIndex] = int32(ReplyToSender), ReplyToSender.icon()
	case m.Forwarded:
		props[mapi.PidTagLastVerbExecuted], props[mapi.PidTagIconIndex] = int32(Forward), Forward.icon()
	}
	if m.Flagged {
		props[mapi.PidTagFlagStatus] = int32(followupFlagged)
	}
	if m.Draft {
		props[mapi.PidTagMessageFlags] = props.Int32(mapi.PidTagMessageFlags) | mapi.MsgFlagUnsent
	}
	if len(m.Categories) > 0 {
		props[mapi.PidNameKeywords] = m.Categories
	}
}
