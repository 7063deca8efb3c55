package ews

import (
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
