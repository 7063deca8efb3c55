package ews

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"
)

// TestEventFromICalendar makes calendar items of iCalendars as DavMail sends them, bare, and reads them
// with their iCalendar.
func TestEventFromICalendar(t *testing.T) {
	w := newWorld(t)
	for file, want := range map[string][]string{
		"apple": {"<t:Subject>Standup</t:Subject>", "<t:Start>2026-03-10T14:00:00Z</t:Start>", "<t:CalendarItemType>RecurringMaster</t:CalendarItemType>",
			"<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence>", "<t:NumberOfOccurrences>10</t:NumberOfOccurrences>", "<t:UID>0E7A8F2C-9B3D-4A65-8E1A-2D1B6C9F0A11</t:UID>",
			"<t:OriginalStart>2026-03-13T14:00:00Z</t:OriginalStart>", "<t:StartTimeZone Id=\"Eastern Standard Time\""},
		"nextcloud": {"<t:IsAllDayEvent>true</t:IsAllDayEvent>", "<t:DaysOfWeek>Monday</t:DaysOfWeek><t:DayOfWeekIndex>First</t:DayOfWeekIndex><t:Month>April</t:Month>"},
		"fastmail":  {"<t:LegacyFreeBusyStatus>Free</t:LegacyFreeBusyStatus>", "<t:DayOfWeekIndex>Last</t:DayOfWeekIndex>"},
		"old":       {"<t:CalendarItemType>Single</t:CalendarItemType>", "<t:Location>Straße</t:Location>"},
	} {
		raw, err := os.ReadFile("../../wire/oxcical/testdata/" + file + ".ics")
		if err != nil {
			t.Fatal(err)
		}
		made := w.answered(createEvent("", `<t:MimeContent>`+base64.StdEncoding.EncodeToString(raw)+`</t:MimeContent>`))
		id := itemIDs.FindString(made)
		got := w.answered(get(id))
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %s in\n%s", file, part, got)
			}
		}
		_, text, _ := strings.Cut(w.answered(get(id, "item:MimeContent")), `<t:MimeContent CharacterSet="UTF-8">`)
		text, _, _ = strings.Cut(text, "<")
		mime, err := base64.StdEncoding.DecodeString(text)
		if err != nil || !strings.HasPrefix(string(mime), "BEGIN:VCALENDAR\r\n") || !strings.Contains(string(mime), "BEGIN:VEVENT") {
			t.Errorf("%s: %v\n%s", file, err, mime)
		}
		// What was made of it makes the same again.
		again := w.answered(createEvent("", `<t:MimeContent>`+text+`</t:MimeContent>`))
		second := w.answered(get(itemIDs.FindString(again)))
		for _, name := range []string{"Subject", "Start", "End", "Location", "CalendarItemType", "UID"} {
			if element(got, name) != element(second, name) {
				t.Errorf("%s: %s was %q, is %q", file, name, element(got, name), element(second, name))
			}
		}
	}
	w.refused("ErrorMimeContentInvalid", createEvent("", `<t:MimeContent>`+base64.StdEncoding.EncodeToString([]byte("BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"))+`</t:MimeContent>`))
	// An element beside the calendar wins.
	made := w.answered(createEvent("", `<t:MimeContent>`+base64.StdEncoding.EncodeToString([]byte("BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:b\r\nDTSTART:20260101T100000Z\r\nDTEND:20260101T110000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"))+
		`</t:MimeContent><t:Subject>mine</t:Subject>`))
	if got := w.answered(get(itemIDs.FindString(made))); element(got, "Subject") != "mine" || element(got, "Start") != "2026-01-01T10:00:00Z" {
		t.Error(got)
	}
}
