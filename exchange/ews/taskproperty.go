package ews

import (
	"errors"
	"math"
	"slices"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxocal"
	"hma/wire/soap"
)

// taskStatuses are the words of PidLidTaskStatus (MS-OXOTASK 2.2.2.2).
var taskStatuses = []string{"NotStarted", "InProgress", "Completed", "WaitingOnOthers", "Deferred"}

// Values of PidLidTaskStatus that follow from how much is done.
const (
	taskNotStarted int32 = 0
	taskInProgress int32 = 1
	taskCompleted  int32 = 2
)

// taskProperties are those of TaskType in its order (MS-OXWSTASK 2.2.4.6), with
// the properties of MS-OXOTASK 2.2.2.
var taskProperties = []*itemProperty{
	{uri: "task:ActualWork", of: taskItem, element: "ActualWork", tag: mapi.PidLidTaskActualEffort},
	{uri: "task:BillingInformation", of: taskItem, element: "BillingInformation", tag: mapi.PidLidBilling},
	{uri: "task:Companies", of: taskItem, element: "Companies", tag: mapi.PidLidCompanies, write: writeStrings, set: setStrings},
	{uri: "task:CompleteDate", of: taskItem, element: "CompleteDate", tag: mapi.PidLidTaskDateCompleted},
	{uri: "task:Contacts", of: taskItem, element: "Contacts", tag: mapi.PidLidContacts, write: writeStrings, set: setStrings},
	{uri: "task:DueDate", of: taskItem, element: "DueDate", tag: mapi.PidLidTaskDueDate, also: []mapi.Tag{mapi.PidLidCommonEnd}, in: inDefault, set: setTaskDate},
	{uri: "task:IsComplete", of: taskItem, element: "IsComplete", tag: mapi.PidLidTaskComplete, in: readOnly, or: false},
	{uri: "task:IsRecurring", of: taskItem, element: "IsRecurring", also: []mapi.Tag{mapi.PidLidTaskRecurrence}, in: readOnly | noSearch, write: writeIsRecurring},
	{uri: "task:Mileage", of: taskItem, element: "Mileage", tag: mapi.PidLidMileage},
	{uri: "task:Owner", of: taskItem, element: "Owner", tag: mapi.PidLidTaskOwner, in: readOnly},
	{uri: "task:PercentComplete", of: taskItem, element: "PercentComplete", tag: mapi.PidLidPercentComplete, in: inDefault | noSearch,
		write: writePercent, set: setPercent},
	{uri: "task:Recurrence", of: taskItem, element: "Recurrence", tag: mapi.PidLidTaskRecurrence, in: noSearch, write: writeRecurrence, set: setRecurrence},
	{uri: "task:StartDate", of: taskItem, element: "StartDate", tag: mapi.PidLidTaskStartDate, also: []mapi.Tag{mapi.PidLidCommonStart}, in: inDefault, set: setTaskDate},
	{uri: "task:Status", of: taskItem, element: "Status", tag: mapi.PidLidTaskStatus, in: inDefault, enum: taskStatuses, or: taskNotStarted},
	{uri: "task:TotalWork", of: taskItem, element: "TotalWork", tag: mapi.PidLidTaskEstimatedEffort},
}

// setTaskDate sets a date under the task's name and under the one that all kinds
// of item share (MS-OXOTASK 2.2.2.1).
func setTaskDate(d *draft, p *itemProperty, e *soap.Element) error {
	v, ok := parseValue(mapi.Time, e.Text)
	if !ok {
		return errPropertyValue
	}
	d.put(p.tag, v)
	d.put(p.also[0], v)
	return nil
}

// writePercent writes the fraction that MAPI has as a percentage, to two digits.
func writePercent(x *itemWriter, p *itemProperty) error {
	fraction, _ := x.item.Props[p.tag].(float64)
	x.w.Element("t:PercentComplete", floatText(math.Round(fraction*1e4)/1e2, 64))
	return nil
}

func setPercent(d *draft, p *itemProperty, e *soap.Element) error {
	v, ok := parseValue(mapi.Floating64, e.Text)
	if !ok || !(v.(float64) >= 0 && v.(float64) <= 100) {
		return errPropertyValue
	}
	d.put(p.tag, v.(float64)/100)
	return nil
}

func writeIsRecurring(x *itemWriter, p *itemProperty) error {
	_, _, recurring := x.item.Props.Find(p.also[0])
	x.w.Bool("t:IsRecurring", recurring)
	return nil
}

func writeRecurrence(x *itemWriter, p *itemProperty) error {
	r, err := oxocal.ParseTask(x.item.Props.Bytes(p.tag))
	if err != nil {
		return nil // another door's, in a calendar that the schema has no words for
	}
	writePattern(x.w, r)
	return nil
}

func setRecurrence(d *draft, p *itemProperty, e *soap.Element) error {
	r, err := parseRecurrence(e, true)
	if err != nil {
		return err
	}
	packed, err := r.AppendTask(nil)
	if errors.Is(err, oxocal.ErrNoOccurrence) {
		return errNoOccurrence
	}
	if err != nil {
		return errRecurrence
	}
	d.put(p.tag, packed)
	d.put(mapi.PidLidTaskFRecurring, true)
	d.put(mapi.PidLidTaskDeadOccurrence, false)
	return nil
}

// settleSeries gives a new recurring task without dates those of its first
// occurrence, and tells apart what recurs.
func (d *draft) settleSeries(old mapi.Bag) {
	if slices.Contains(d.delete, mapi.PidLidTaskRecurrence) {
		d.put(mapi.PidLidTaskFRecurring, false)
	}
	packed := d.props.Bytes(mapi.PidLidTaskRecurrence)
	if packed == nil {
		return
	}
	r, err := oxocal.ParseTask(packed)
	if err != nil {
		return
	}
	for _, tag := range []mapi.Tag{mapi.PidLidTaskStartDate, mapi.PidLidTaskDueDate} {
		if _, _, given := d.props.Find(tag); given || !old.Time(tag).IsZero() {
			return
		}
	}
	first := r.Start.At(0).AsUTC()
	for _, tag := range []mapi.Tag{mapi.PidLidTaskStartDate, mapi.PidLidCommonStart, mapi.PidLidTaskDueDate, mapi.PidLidCommonEnd} {
		d.put(tag, first)
	}
}

// completes tells whether the change completes a task that recurs: then the next one
// is made.
func (d *draft) completes(old *store.Item) bool {
	status, set := d.props[mapi.PidLidTaskStatus].(int32)
	_, _, recurs := old.Props.Find(mapi.PidLidTaskRecurrence)
	_, given := d.props[mapi.PidLidTaskRecurrence]
	return set && status == taskCompleted && old.Props.Int32(mapi.PidLidTaskStatus) != taskCompleted &&
		(recurs && !slices.Contains(d.delete, mapi.PidLidTaskRecurrence) || given)
}

// settleTask makes what the elements say of a task's progress agree (MS-OXOTASK
// 2.2.2.2): a task with the status Completed, all of it done, or a date of
// completion is all three. Of a status and a percentage the status wins. old is
// the task before the change.
func (d *draft) settleTask(old mapi.Bag) {
	d.settleSeries(old)
	status, byStatus := d.props[mapi.PidLidTaskStatus].(int32)
	percent, byPercent := d.props[mapi.PidLidPercentComplete].(float64)
	_, byDate := d.props[mapi.PidLidTaskDateCompleted]
	if !byStatus && !byPercent && !byDate {
		return
	}
	if !byStatus {
		status = old.Int32(mapi.PidLidTaskStatus)
		switch {
		case byDate || percent == 1:
			status = taskCompleted
		case percent == 0:
			status = taskNotStarted
		case status == taskNotStarted || status == taskCompleted:
			status = taskInProgress
		}
	}
	d.put(mapi.PidLidTaskStatus, status)
	d.put(mapi.PidLidTaskComplete, status == taskCompleted)
	switch status {
	case taskCompleted:
		d.put(mapi.PidLidPercentComplete, 1.0)
		if !byDate && old.Int32(mapi.PidLidTaskStatus) != taskCompleted {
			d.put(mapi.PidLidTaskDateCompleted, d.door.opts.Now().UTC().Truncate(24*time.Hour))
		}
		return
	case taskNotStarted:
		d.put(mapi.PidLidPercentComplete, 0.0)
	default:
		if byPercent && percent == 1 || !byPercent && old.Int32(mapi.PidLidTaskStatus) == taskCompleted {
			d.put(mapi.PidLidPercentComplete, 0.0)
		}
	}
	d.remove(mapi.PidLidTaskDateCompleted)
}
