package ews

import (
	"strings"

	"hma/exchange/store"
)

// kinds is a set of kinds of item.
type kinds uint

// The kinds of item that have properties of their own (MS-OXWSCORE 2.2.4).
const (
	message kinds = 1 << iota
	meetingMessage
	meetingRequest
	meetingResponse
	postItem
	calendarItem
	contactItem
	distributionList
	taskItem
)

// itemKind is one kind of item: an element, and the classes that are it.
type itemKind struct {
	element string // without prefix
	kind    kinds  // 0: an item that has only what every item has
	class   string // prefix of message classes, and what a new item gets
	folder  store.Role
	create  bool // CreateItem makes it
}

// itemKinds finds an item's kind by the first class that it is under; what is
// under none is a message.
var itemKinds = []itemKind{
	{element: "CalendarItem", kind: calendarItem, class: "IPM.Appointment", folder: store.RoleCalendar, create: true},
	{element: "MeetingRequest", kind: message | meetingMessage | meetingRequest, class: "IPM.Schedule.Meeting.Request"},
	{element: "MeetingResponse", kind: message | meetingMessage | meetingResponse, class: "IPM.Schedule.Meeting.Resp"},
	{element: "MeetingCancellation", kind: message | meetingMessage, class: "IPM.Schedule.Meeting.Canceled"},
	{element: "MeetingMessage", kind: message | meetingMessage, class: "IPM.Schedule.Meeting"},
	{element: "Contact", kind: contactItem, class: "IPM.Contact", folder: store.RoleContacts, create: true},
	{element: "DistributionList", kind: distributionList, class: "IPM.DistList", folder: store.RoleContacts, create: true},
	{element: "Task", kind: taskItem, class: "IPM.Task", folder: store.RoleTasks, create: true},
	{element: "PostItem", kind: postItem, class: "IPM.Post", folder: store.RoleDrafts, create: true},
	{element: "Item", class: "IPM.StickyNote"},
	{element: "Item", class: "IPM.Activity"},
	{element: "Item", class: "IPM.Document"},
	{element: "Message", kind: message, class: "IPM.Note", folder: store.RoleDrafts, create: true},
}

// kindOf returns the kind of an item by its class.
func kindOf(class string) *itemKind {
	for i := range itemKinds {
		prefix := itemKinds[i].class
		if len(class) >= len(prefix) && strings.EqualFold(class[:len(prefix)], prefix) && (len(class) == len(prefix) || class[len(prefix)] == '.') {
			return &itemKinds[i]
		}
	}
	return &itemKinds[len(itemKinds)-1]
}

// kindOfNew returns the kind that an element of CreateItem asks for, nil for one
// that is not made. An Item without more is a message.
func kindOfNew(element string) *itemKind {
	if element == "Item" {
		element = "Message"
	}
	for i := range itemKinds {
		if k := &itemKinds[i]; k.element == element && k.create {
			return k
		}
	}
	return nil
}
