package calendar

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxocal"
)

// The status of a task (MS-OXOTASK 2.2.2.2.2).
const taskNotStarted int32 = 0

// progress are the properties that a task begins anew with.
var progress = mapi.Bag{mapi.PidLidTaskStatus: taskNotStarted, mapi.PidLidTaskComplete: false, mapi.PidLidPercentComplete: 0.0}

// NextTask returns what makes a recurring task its next occurrence, when the one
// that it is was done at some time (MS-OXOTASK 3.1.4.6); nil when it is the last one
// or does not recur. A pattern that regenerates counts from done, any other from the
// date that the task has.
func NextTask(props mapi.Bag, done, now time.Time) (mapi.Bag, error) {
	packed := props.Bytes(mapi.PidLidTaskRecurrence)
	if packed == nil || props.Bool(mapi.PidLidTaskDeadOccurrence) {
		return nil, nil
	}
	r, err := oxocal.ParseTask(packed)
	if err != nil {
		return nil, fmt.Errorf("task: %w", err)
	}
	set := maps.Clone(progress)
	start, due := props.Time(mapi.PidLidTaskStartDate), props.Time(mapi.PidLidTaskDueDate)
	date := start
	if date.IsZero() {
		date = due
	}
	var next oxocal.Day
	if r.Regenerates {
		next = r.Regenerated(oxocal.WallOf(done.UTC()).Day())
		if r.Count == 1 || r.End > 0 && next > r.End || next > oxocal.LastDay {
			return nil, nil
		}
		r.Start = next
		if r.Count > 0 {
			r.Count--
		}
		if set[mapi.PidLidTaskRecurrence], err = r.AppendTask(nil); err != nil {
			return nil, fmt.Errorf("task: %w", err)
		}
	} else {
		day := r.Start - 1
		if !date.IsZero() {
			day = oxocal.WallOf(date.UTC()).Day()
		}
		o, ok := r.After(day)
		if !ok {
			return nil, nil
		}
		next = o.Day
	}
	at := next.At(0).AsUTC()
	if start.IsZero() {
		set[mapi.PidLidTaskDueDate], set[mapi.PidLidCommonEnd] = at, at
	} else {
		set[mapi.PidLidTaskStartDate], set[mapi.PidLidCommonStart] = at, at
		if !due.IsZero() {
			end := at.Add(due.Sub(start))
			set[mapi.PidLidTaskDueDate], set[mapi.PidLidCommonEnd] = end, end
		}
	}
	if props.Bool(mapi.PidLidReminderSet) || props.Bool(mapi.PidLidTaskResetReminder) {
		if signal := props.Time(mapi.PidLidReminderSignalTime); !signal.IsZero() && !date.IsZero() {
			signal = signal.Add(at.Sub(date))
			set[mapi.PidLidReminderTime], set[mapi.PidLidReminderSignalTime] = signal, signal
			passed := signal.Before(now)
			set[mapi.PidLidReminderSet], set[mapi.PidLidTaskResetReminder] = !passed, passed
		}
	}
	return set, nil
}

// CompleteTask makes a change that completes a task. One that recurs goes on as its
// next occurrence, and what was completed is kept as a task of its own beside it
// (MS-OXOTASK 3.1.4.6.1). The stamp is that of the task itself.
func CompleteTask(ctx context.Context, box *store.Mailbox, id store.ItemID, u store.ItemUpdate, now time.Time) (stamp store.Stamp, err error) {
	item, err := box.Item(ctx, id, store.Want{All: true})
	if err != nil {
		return stamp, err
	}
	if u.IfChangeKey != nil && !bytes.Equal(u.IfChangeKey, item.ChangeKey) {
		return stamp, fmt.Errorf("complete %v: %w", id, store.ErrConflict)
	}
	props := maps.Clone(item.Props)
	for _, tag := range u.Delete {
		if found, _, ok := props.Find(tag); ok {
			delete(props, found)
		}
	}
	maps.Copy(props, u.Set)
	done := props.Time(mapi.PidLidTaskDateCompleted)
	if done.IsZero() {
		done = now
	}
	next, err := NextTask(props, done, now)
	if err != nil {
		return stamp, err
	}
	if next == nil {
		u.Set = maps.Clone(u.Set)
		u.Set[mapi.PidLidTaskDeadOccurrence] = true
		return box.UpdateItem(ctx, id, u)
	}
	past := u
	past.IfChangeKey = nil
	past.Set = maps.Clone(u.Set)
	past.Set[mapi.PidLidTaskFRecurring], past.Set[mapi.PidLidTaskDeadOccurrence], past.Set[mapi.PidLidReminderSet] = false, true, false
	delete(past.Set, mapi.PidLidTaskRecurrence)
	past.Delete = append(past.Delete[:len(past.Delete):len(past.Delete)], mapi.PidLidTaskRecurrence)
	kept, err := box.CopyItem(ctx, id, item.Folder)
	if err != nil {
		return stamp, fmt.Errorf("complete %v: %w", id, err)
	}
	if _, err = box.UpdateItem(ctx, kept.ID, past); err == nil {
		u.IfChangeKey = item.ChangeKey
		u.Set = maps.Clone(u.Set)
		maps.Copy(u.Set, next)
		delete(u.Set, mapi.PidLidTaskDateCompleted)
		u.Delete = append(u.Delete[:len(u.Delete):len(u.Delete)], mapi.PidLidTaskDateCompleted)
		stamp, err = box.UpdateItem(ctx, id, u)
	}
	if err != nil {
		_, _ = box.DeleteItem(ctx, kept.ID, store.HardDelete)
		return stamp, fmt.Errorf("complete %v: %w", id, err)
	}
	return stamp, nil
}

// SkipTask makes a recurring task its next occurrence without the present one having
// been done. It reports false, and does nothing, when there is no next one.
func SkipTask(ctx context.Context, box *store.Mailbox, id store.ItemID, now time.Time) (bool, error) {
	item, err := box.Item(ctx, id, store.Want{All: true})
	if err != nil {
		return false, err
	}
	next, err := NextTask(item.Props, now, now)
	if err != nil || next == nil {
		return false, err
	}
	_, err = box.UpdateItem(ctx, id, store.ItemUpdate{IfChangeKey: item.ChangeKey, Set: next, Delete: []mapi.Tag{mapi.PidLidTaskDateCompleted}})
	return err == nil, err
}
