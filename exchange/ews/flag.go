package ews

import (
	"time"

	"hma/wire/mapi"
	"hma/wire/soap"
)

// Values of PidTagFlagStatus (MS-OXOFLAG 2.2.1.1), and of the properties that go with it.
const (
	flagComplete int32 = 1
	flagFlagged  int32 = 2

	redFlag        int32 = 6 // PidTagFollowupIcon, MS-OXOFLAG 2.2.1.2
	toDoItem       int32 = 1 // PidTagToDoItemFlags, MS-OXOFLAG 2.2.1.6
	flagRequest          = "Follow up"
	toDoSubOrdinal       = "5555555" // MS-OXOFLAG 2.2.1.14: the first of its day
)

// flagTags are all properties of a flag. An item without a flag has none of them.
var flagTags = []mapi.Tag{
	mapi.PidTagFlagStatus, mapi.PidTagFlagCompleteTime, mapi.PidTagFollowupIcon, mapi.PidTagToDoItemFlags, mapi.PidLidFlagRequest,
	mapi.PidLidTaskStatus, mapi.PidLidTaskComplete, mapi.PidLidPercentComplete, mapi.PidLidTaskStartDate, mapi.PidLidTaskDueDate,
	mapi.PidLidTaskDateCompleted, mapi.PidLidCommonStart, mapi.PidLidCommonEnd, mapi.PidLidToDoOrdinalDate, mapi.PidLidToDoSubOrdinal,
	mapi.PidLidToDoTitle, mapi.PidLidFlagString, mapi.PidLidValidFlagStringProof,
}

// writeFlag writes the follow-up flag (MS-OXWSCDATA 2.2.4.40).
func writeFlag(x *itemWriter, p *itemProperty) error {
	status := "NotFlagged"
	switch x.item.Props.Int32(p.tag) {
	case flagComplete:
		status = "Complete"
	case flagFlagged:
		status = "Flagged"
	}
	x.w.Start("t:Flag")
	x.w.Element("t:FlagStatus", status)
	for _, date := range []struct {
		element string
		tag     mapi.Tag
		of      string
	}{{"StartDate", mapi.PidLidTaskStartDate, "Flagged"}, {"DueDate", mapi.PidLidTaskDueDate, "Flagged"}, {"CompleteDate", mapi.PidTagFlagCompleteTime, "Complete"}} {
		if at := x.item.Props.Time(date.tag); status == date.of && !at.IsZero() {
			x.w.Element("t:"+date.element, timeText(at))
		}
	}
	x.w.End("t:Flag")
	return nil
}

// setFlag sets or takes off the flag of an item (MS-OXOFLAG 3.1.4). The dates of a
// task and of an appointment are their own: those have no flag to set.
func setFlag(d *draft, _ *itemProperty, e *soap.Element) error {
	if d.kind&(taskItem|calendarItem) != 0 {
		return errPropertySet
	}
	var status string
	dates := map[string]time.Time{}
	for _, child := range e.Children {
		switch child.Name.Local {
		case "FlagStatus":
			status = child.Text
		case "StartDate", "DueDate", "CompleteDate":
			v, ok := parseValue(mapi.Time, child.Text)
			if !ok {
				return errPropertyValue
			}
			dates[child.Name.Local] = v.(time.Time)
		default:
			return invalid(e, "a flag cannot hold %s", child.Name.Local)
		}
	}
	start, due, done := dates["StartDate"], dates["DueDate"], dates["CompleteDate"]
	now := d.door.opts.Now().UTC()
	d.remove(flagTags...)
	switch status {
	case "NotFlagged":
		if len(dates) > 0 {
			return errPropertyValue
		}
		return nil
	case "Flagged":
		// Both dates or none, and in their order.
		if !done.IsZero() || start.IsZero() != due.IsZero() || start.After(due) {
			return errPropertyValue
		}
		d.put(mapi.PidTagFlagStatus, flagFlagged)
		d.put(mapi.PidTagFollowupIcon, redFlag)
		d.put(mapi.PidLidTaskStatus, taskNotStarted)
		d.put(mapi.PidLidPercentComplete, 0.0)
		d.put(mapi.PidLidTaskComplete, false)
		if !start.IsZero() {
			d.put(mapi.PidLidTaskStartDate, start)
			d.put(mapi.PidLidCommonStart, start)
			d.put(mapi.PidLidTaskDueDate, due)
			d.put(mapi.PidLidCommonEnd, due)
		}
	case "Complete":
		if !start.IsZero() || !due.IsZero() {
			return errPropertyValue
		}
		if done.IsZero() {
			done = now
		}
		d.put(mapi.PidTagFlagStatus, flagComplete)
		d.put(mapi.PidTagFlagCompleteTime, done.Truncate(time.Minute)) // MS-OXOFLAG 2.2.1.3
		d.put(mapi.PidLidTaskStatus, taskCompleted)
		d.put(mapi.PidLidPercentComplete, 1.0)
		d.put(mapi.PidLidTaskComplete, true)
		d.put(mapi.PidLidTaskDateCompleted, done.Truncate(24*time.Hour))
	default:
		return errPropertyValue
	}
	d.put(mapi.PidTagToDoItemFlags, toDoItem)
	d.put(mapi.PidLidFlagRequest, flagRequest)
	d.put(mapi.PidLidToDoOrdinalDate, now)
	d.put(mapi.PidLidToDoSubOrdinal, toDoSubOrdinal)
	return nil
}
