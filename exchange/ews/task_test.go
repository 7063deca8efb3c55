package ews

import (
	"strings"
	"testing"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
)

// TestTaskProgress holds that status, percentage and completion of a task agree
// whichever of them a client changes.
func TestTaskProgress(t *testing.T) {
	const waiting int32 = 3
	w := newWorld(t)
	m, tasks := w.mailbox(w.anna), w.folder(store.RoleTasks)
	ended := time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		name    string
		old     mapi.Bag
		field   string
		value   string
		status  int32
		percent float64
		dated   bool
	}{
		{"completed", nil, "Status", "Completed", taskCompleted, 1, true},
		{"all of it", nil, "PercentComplete", "100", taskCompleted, 1, true},
		{"a date", nil, "CompleteDate", "2026-02-01T00:00:00Z", taskCompleted, 1, true},
		{"a part", nil, "PercentComplete", "40", taskInProgress, 0.4, false},
		{"a part while waiting", mapi.Bag{mapi.PidLidTaskStatus: waiting}, "PercentComplete", "40", waiting, 0.4, false},
		{"opened again by status", mapi.Bag{mapi.PidLidTaskStatus: taskCompleted, mapi.PidLidPercentComplete: 1.0, mapi.PidLidTaskDateCompleted: ended}, "Status", "Deferred", 4, 0, false},
		{"opened again by percentage", mapi.Bag{mapi.PidLidTaskStatus: taskCompleted, mapi.PidLidPercentComplete: 1.0, mapi.PidLidTaskDateCompleted: ended}, "PercentComplete", "50", taskInProgress, 0.5, false},
		{"not started", mapi.Bag{mapi.PidLidTaskStatus: taskInProgress, mapi.PidLidPercentComplete: 0.5}, "Status", "NotStarted", taskNotStarted, 0, false},
	} {
		props := mapi.Bag{mapi.PidTagMessageClass: "IPM.Task"}
		for tag, v := range c.old {
			props[tag] = v
		}
		stamp, err := m.CreateItem(t.Context(), store.NewItem{Folder: tasks, Props: props})
		if err != nil {
			t.Fatal(err)
		}
		_, answer := w.ask(wrap(`<m:UpdateItem ConflictResolution="AlwaysOverwrite"><m:ItemChanges><t:ItemChange><t:ItemId Id="` + stamp.ID.Encode(idKey) +
			`"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="task:` + c.field + `"/><t:Task><t:` + c.field + `>` + c.value + `</t:` + c.field +
			`></t:Task></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`))
		item, err := m.Item(t.Context(), stamp.ID, store.Want{All: true})
		if err != nil {
			t.Fatal(err)
		}
		percent, _ := item.Props[mapi.PidLidPercentComplete].(float64)
		dated := !item.Props.Time(mapi.PidLidTaskDateCompleted).IsZero()
		if s := item.Props.Int32(mapi.PidLidTaskStatus); s != c.status || percent != c.percent || dated != c.dated ||
			item.Props.Bool(mapi.PidLidTaskComplete) != (c.status == taskCompleted) {
			t.Errorf("%s: status %d, done %v, with a date %v; want %d, %v, %v\n%s", c.name, s, percent, dated, c.status, c.percent, c.dated, answer)
		}
	}
}

// TestRecurringTask makes tasks that recur, completes them one by one, and looks at
// what is there then.
func TestRecurringTask(t *testing.T) {
	w := newWorld(t)
	complete := func(id string) string {
		return w.answered(`<m:UpdateItem ConflictResolution="AlwaysOverwrite"><m:ItemChanges><t:ItemChange>` + id + `<t:Updates><t:SetItemField><t:FieldURI FieldURI="task:Status"/>` +
			`<t:Task><t:Status>Completed</t:Status></t:Task></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
	}
	create := func(elements string) string {
		return itemIDs.FindString(w.answered(`<m:CreateItem><m:Items><t:Task>` + elements + `</t:Task></m:Items></m:CreateItem>`))
	}
	fixed := create(`<t:Subject>water</t:Subject><t:DueDate>2026-03-06T00:00:00Z</t:DueDate><t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday Friday</t:DaysOfWeek></t:WeeklyRecurrence>` +
		`<t:NumberedRecurrence><t:StartDate>2026-03-02</t:StartDate><t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>`)
	got := w.answered(get(fixed))
	for _, part := range []string{"<t:IsRecurring>true</t:IsRecurring>", "<t:DaysOfWeek>Monday Friday</t:DaysOfWeek>", "<t:NumberOfOccurrences>3</t:NumberOfOccurrences>", "<t:DueDate>2026-03-06T00:00:00Z</t:DueDate>"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %s in %s", part, got)
		}
	}
	complete(fixed)
	got = w.answered(get(fixed))
	if element(got, "DueDate") != "2026-03-09T00:00:00Z" || element(got, "Status") != "NotStarted" || element(got, "IsRecurring") != "true" || element(got, "CompleteDate") != "" {
		t.Errorf("the next one: %s", got)
	}
	if list := w.items(store.RoleTasks); len(list) != 2 {
		t.Errorf("%d tasks, want the one that recurs and the one that was completed", len(list))
	}
	complete(fixed) // the third was the last of the pattern
	if got = w.answered(get(fixed)); element(got, "Status") != "Completed" {
		t.Errorf("the last one: %s", got)
	}
	done := 0
	for _, item := range w.items(store.RoleTasks) {
		if item.Props.Bool(mapi.PidLidTaskComplete) {
			done++
		}
	}
	if done != 2 || len(w.items(store.RoleTasks)) != 2 {
		t.Errorf("%d of %d tasks are completed, want both", done, len(w.items(store.RoleTasks)))
	}

	again := create(`<t:Subject>haircut</t:Subject><t:Recurrence><t:MonthlyRegeneration><t:Interval>2</t:Interval></t:MonthlyRegeneration>` +
		`<t:NoEndRecurrence><t:StartDate>2026-01-31</t:StartDate></t:NoEndRecurrence></t:Recurrence>`)
	if got = w.answered(get(again)); element(got, "DueDate") != "2026-01-31T00:00:00Z" || !strings.Contains(got, "<t:MonthlyRegeneration><t:Interval>2</t:Interval></t:MonthlyRegeneration>") {
		t.Errorf("%s", got)
	}
	w.answered(`<m:UpdateItem ConflictResolution="AlwaysOverwrite"><m:ItemChanges><t:ItemChange>` + again + `<t:Updates><t:SetItemField><t:FieldURI FieldURI="task:CompleteDate"/>` +
		`<t:Task><t:CompleteDate>2026-02-10T00:00:00Z</t:CompleteDate></t:Task></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
	if got = w.answered(get(again)); element(got, "DueDate") != "2026-04-10T00:00:00Z" || element(got, "Status") != "NotStarted" {
		t.Errorf("made again: %s", got)
	}
	// Deleting the present occurrence goes on to the next; deleting all of them deletes the task.
	day := create(`<t:Subject>daily</t:Subject><t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:EndDateRecurrence><t:StartDate>2026-05-01</t:StartDate>` +
		`<t:EndDate>2026-05-02</t:EndDate></t:EndDateRecurrence></t:Recurrence>`)
	remove := func(which string) {
		w.answered(`<m:DeleteItem DeleteType="HardDelete" AffectedTaskOccurrences="` + which + `"><m:ItemIds>` + day + `</m:ItemIds></m:DeleteItem>`)
	}
	remove("SpecifiedOccurrenceOnly")
	if got = w.answered(get(day)); element(got, "DueDate") != "2026-05-02T00:00:00Z" {
		t.Errorf("after the first: %s", got)
	}
	remove("SpecifiedOccurrenceOnly")
	w.refused("ErrorItemNotFound", get(day))
	w.refused("ErrorRecurrenceHasNoOccurrence", `<m:CreateItem><m:Items><t:Task><t:Subject>never</t:Subject><t:Recurrence><t:AbsoluteYearlyRecurrence><t:DayOfMonth>1</t:DayOfMonth><t:Month>January</t:Month></t:AbsoluteYearlyRecurrence>`+
		`<t:EndDateRecurrence><t:StartDate>2026-05-01</t:StartDate><t:EndDate>2026-06-02</t:EndDate></t:EndDateRecurrence></t:Recurrence></t:Task></m:Items></m:CreateItem>`)
}
