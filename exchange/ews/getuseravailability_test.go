package ews

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"hma/exchange/calendar"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/oxocal"
)

// event puts an event into somebody's calendar.
func (w *world) event(r *org.Recipient, subject string, start, end time.Time, props mapi.Bag, series *oxocal.Recurrence) store.ItemID {
	w.t.Helper()
	m := w.mailbox(r)
	folder, err := m.RoleID(store.RoleCalendar)
	if err != nil {
		w.t.Fatal(err)
	}
	item := store.NewItem{Folder: folder, Props: mapi.Bag{mapi.PidTagSubject: subject}}
	for tag, v := range props {
		item.Props[tag] = v
	}
	if err := calendar.Prepare(&item, calendar.When{Start: start, End: end, Series: series}, w.now()); err != nil {
		w.t.Fatal(err)
	}
	stamp, err := m.CreateItem(w.t.Context(), item)
	if err != nil {
		w.t.Fatal(err)
	}
	return stamp.ID
}

const berlinZone = `<t:TimeZone><t:Bias>-60</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>03:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>` +
	`<t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>`

func availabilityOf(zone, from, to, view, more string, addresses ...string) string {
	var list strings.Builder
	for _, a := range addresses {
		list.WriteString(`<t:MailboxData><t:Email><t:Address>` + a + `</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType><t:ExcludeConflicts>false</t:ExcludeConflicts></t:MailboxData>`)
	}
	options := ""
	if view != "" {
		options = `<t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>` + from + `</t:StartTime><t:EndTime>` + to + `</t:EndTime></t:TimeWindow>` +
			`<t:MergedFreeBusyIntervalInMinutes>60</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>` + view + `</t:RequestedView></t:FreeBusyViewOptions>`
	}
	return `<m:GetUserAvailabilityRequest>` + zone + `<m:MailboxDataArray>` + list.String() + `</m:MailboxDataArray>` + options + more + `</m:GetUserAvailabilityRequest>`
}

// TestAvailability holds what people are told of each other's calendars.
func TestAvailability(t *testing.T) {
	w := newWorld(t)
	at := func(day, hour, minute int) time.Time { return time.Date(2026, 7, day, hour, minute, 0, 0, time.UTC) }
	w.event(w.bob, "Dentist", at(1, 7, 0), at(1, 8, 30), mapi.Bag{mapi.PidTagSensitivity: int32(2)}, nil)
	w.event(w.bob, "Away", at(1, 8, 0), at(1, 9, 0), mapi.Bag{mapi.PidLidBusyStatus: calendar.BusyOutOfOffice, mapi.PidLidLocation: "Ulm"}, nil)
	w.event(w.bob, "Maybe", at(1, 12, 0), at(1, 12, 15), mapi.Bag{mapi.PidLidBusyStatus: calendar.BusyTentative}, nil)
	w.event(w.bob, "Birthday", at(1, 0, 0), at(2, 0, 0), mapi.Bag{mapi.PidLidBusyStatus: calendar.BusyFree}, nil)
	w.event(w.bob, "Lunch", at(1, 10, 0), at(1, 11, 0), nil, &oxocal.Recurrence{Pattern: oxocal.Pattern{Kind: oxocal.Daily, Interval: 1}, Range: oxocal.Range{Start: oxocal.NewDay(2020, 1, 1)}})
	day := func(view string) string {
		return availabilityOf(berlinZone, "2026-07-01T08:00:00", "2026-07-01T16:00:00", view, "", "bob@contoso.com", "nobody@contoso.com")
	}

	// Berlin is two hours ahead in July: the window begins at six by UTC.
	answer := func(view string) string {
		_, a := w.ask(wrap(day(view)))
		return a
	}
	merged := answer("DetailedMerged")
	for _, want := range []string{"<t:FreeBusyViewType>FreeBusyMerged<", "<t:MergedFreeBusy>02302010<", "<t:StartTime>2026-07-01T09:00:00<", "<t:BusyType>OOF<", "<t:Bias>0</t:Bias>",
		"<t:DayOfWeek>Monday Tuesday Wednesday Thursday Friday<", "<t:StartTimeInMinutes>480<", ">ErrorMailRecipientNotFound<"} {
		if !strings.Contains(merged, want) {
			t.Errorf("lacks %s\n%s", want, merged)
		}
	}
	for _, secret := range []string{"Dentist", "Away", "Ulm", "Lunch", "Birthday"} {
		if strings.Contains(merged, secret) {
			t.Errorf("Anna is told of %s\n%s", secret, merged)
		}
	}
	// Who may read the calendar is told what with, but of private events.
	box := w.mailbox(w.bob)
	folder, err := box.RoleID(store.RoleCalendar)
	if err != nil {
		t.Fatal(err)
	}
	if err := box.SetPermissions(t.Context(), folder, []store.Permission{{Member: w.anna.SID, Rights: store.RightReadAny | store.RightFolderVisible}}); err != nil {
		t.Fatal(err)
	}
	if detailed := answer("Detailed"); !strings.Contains(detailed, "<t:Subject>Away<") || !strings.Contains(detailed, "<t:Location>Ulm<") || !strings.Contains(detailed, "<t:IsPrivate>true<") ||
		!strings.Contains(detailed, "<t:IsRecurring>true<") || strings.Contains(detailed, "Dentist") || strings.Contains(detailed, "MergedFreeBusy") {
		t.Error(detailed)
	}
	if err := box.SetPermissions(t.Context(), folder, nil); err != nil {
		t.Fatal(err)
	}
	if none := answer("FreeBusy"); !strings.Contains(none, ">ErrorNoFreeBusyAccess<") || strings.Contains(none, "CalendarEvent") {
		t.Error(none)
	}
	// Who has full access is told what the owner is told, whatever the calendar's permissions say.
	w.bob.FullAccess = []guid.GUID{w.anna.GUID}
	if full := answer("Detailed"); !strings.Contains(full, "<t:Subject>Dentist<") || !strings.Contains(full, "<t:Subject>Away<") {
		t.Error(full)
	}

	for code, request := range map[string]string{
		"ErrorTimeIntervalTooBig":            availabilityOf(berlinZone, "2026-07-01T00:00:00", "2026-09-02T00:00:00", "FreeBusy", "", "bob@contoso.com"),
		"ErrorInvalidTimeInterval":           availabilityOf(berlinZone, "2026-07-02T00:00:00", "2026-07-01T00:00:00", "FreeBusy", "", "bob@contoso.com"),
		"ErrorInvalidFreeBusyViewType":       availabilityOf(berlinZone, "2026-07-01T00:00:00", "2026-07-02T00:00:00", "Everything", "", "bob@contoso.com"),
		"ErrorMissingArgument":               availabilityOf(berlinZone, "", "", "", "", "bob@contoso.com"),
		"ErrorInvalidTimeZone":               availabilityOf(strings.Replace(berlinZone, "<t:Bias>-60<", "<t:Bias>-6000<", 1), "2026-07-01T00:00:00", "2026-07-02T00:00:00", "FreeBusy", "", "bob@contoso.com"),
		"ErrorInvalidMergedFreeBusyInterval": strings.Replace(day("MergedOnly"), ">60</t:Merged", ">1</t:Merged", 1),
	} {
		w.refused(code, request)
	}
}

// TestAvailabilityOfARoom: a room's account is disabled, its calendar is told of.
func TestAvailabilityOfARoom(t *testing.T) {
	w := newWorld(t)
	w.room = person(3, "Danube", "dddddddd-0000-4000-8000-000000000003")
	w.room.Type, w.room.Enabled, w.room.Resource = org.TypeRoom, false, &org.Resource{}
	w.event(w.room, "Booked", time.Date(2026, 7, 1, 8, 0, 0, 0, time.UTC), time.Date(2026, 7, 1, 9, 0, 0, 0, time.UTC), nil, nil)
	request := wrap(availabilityOf(berlinZone, "2026-07-01T09:00:00", "2026-07-01T12:00:00", "MergedOnly", "", w.room.PrimarySMTP))
	if _, answer := w.ask(request); !strings.Contains(answer, "<t:MergedFreeBusy>020<") {
		t.Error(answer)
	}
	w.room.Type, w.room.Resource = org.TypeUser, nil
	if _, answer := w.ask(request); !strings.Contains(answer, ">ErrorMailRecipientNotFound<") {
		t.Errorf("somebody whose account is disabled: %s", answer)
	}
}

// TestSuggestions finds a time that suits two people.
func TestSuggestions(t *testing.T) {
	w := newWorld(t)
	at := func(hour int) time.Time { return time.Date(2026, 7, 1, hour, 0, 0, 0, time.UTC) } // a Wednesday
	w.event(w.bob, "Morning", at(8), at(12), nil, nil)
	w.event(w.anna, "Afternoon", at(13), at(16), nil, nil)
	options := func(more string) string {
		return `<t:SuggestionsViewOptions><t:MaximumResultsByDay>3</t:MaximumResultsByDay><t:MeetingDurationInMinutes>60</t:MeetingDurationInMinutes>` + more +
			`<t:DetailedSuggestionsWindow><t:StartTime>2026-07-01T00:00:00</t:StartTime><t:EndTime>2026-07-02T00:00:00</t:EndTime></t:DetailedSuggestionsWindow></t:SuggestionsViewOptions>`
	}
	_, answer := w.ask(wrap(availabilityOf("", "", "", "", options(`<t:MinimumSuggestionQuality>Good</t:MinimumSuggestionQuality>`), "anna@contoso.com", "bob@contoso.com", "nobody@contoso.com")))
	var times []string
	for rest := answer; ; {
		_, after, found := strings.Cut(rest, "<t:MeetingTime>")
		if !found {
			break
		}
		times = append(times, after[:len("2026-07-01T00:00:00")])
		rest = after
	}
	if fmt.Sprint(times) != "[2026-07-01T12:00:00 2026-07-01T16:00:00]" || !strings.Contains(answer, "<t:DayQuality>Excellent<") || strings.Count(answer, "<t:UnknownAttendeeConflictData/>") != 2 {
		t.Errorf("%v\n%s", times, answer)
	}
	w.refused("ErrorInvalidArgument", availabilityOf("", "", "", "", strings.Replace(options(""), ">60<", ">10<", 1), "anna@contoso.com"))
}
