package ews

import (
	"regexp"
	"strings"
	"testing"
)

// answered sends a request and wants it answered with success; it returns the answer.
func (w *world) answered(body string) string {
	w.t.Helper()
	status, answer := w.ask(wrap(body))
	if status != 200 || strings.Contains(answer, `ResponseClass="Error"`) {
		w.t.Fatalf("%d: %s\n%s", status, body, answer)
	}
	return answer
}

// refused sends a request and wants the response code.
func (w *world) refused(code, body string) {
	w.t.Helper()
	_, answer := w.ask(wrap(body))
	if !strings.Contains(answer, ">"+code+"<") {
		w.t.Errorf("want %s: %s\n%s", code, body, answer)
	}
}

var itemIDs = regexp.MustCompile(`<t:ItemId Id="([^"]+)" ChangeKey="([^"]+)"/>`)

// element returns the text of the first element with a name, "" for none.
func element(answer, name string) string {
	_, rest, found := strings.Cut(answer, "<t:"+name+">")
	if !found {
		return ""
	}
	text, _, _ := strings.Cut(rest, "<")
	return text
}

func createEvent(attrs, elements string) string {
	return `<m:CreateItem SendMeetingInvitations="SendToNone" ` + attrs + `><m:Items><t:CalendarItem>` + elements + `</t:CalendarItem></m:Items></m:CreateItem>`
}

func get(id string, uris ...string) string {
	var paths strings.Builder
	for _, uri := range uris {
		paths.WriteString(`<t:FieldURI FieldURI="` + uri + `"/>`)
	}
	base := "IdOnly"
	if len(uris) == 0 {
		base = "AllProperties"
	}
	return `<m:GetItem><m:ItemShape><t:BaseShape>` + base + `</t:BaseShape><t:AdditionalProperties>` + paths.String() +
		`</t:AdditionalProperties></m:ItemShape><m:ItemIds>` + id + `</m:ItemIds></m:GetItem>`
}

// TestEventTimes holds the three forms of a time (UTC, offset, none) and all-day
// events against what they mean.
func TestEventTimes(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ name, elements, start, end, more string }{
		{"UTC", `<t:Start>2026-07-01T10:00:00Z</t:Start><t:End>2026-07-01T11:30:00Z</t:End>`, "2026-07-01T10:00:00Z", "2026-07-01T11:30:00Z", "<t:Duration>PT1H30M</t:Duration>"},
		{"offset and zone", `<t:Start>2026-07-01T10:00:00+02:00</t:Start><t:End>2026-07-01T11:00:00+02:00</t:End><t:StartTimeZone Id="W. Europe Standard Time"/>`,
			"2026-07-01T08:00:00Z", "2026-07-01T09:00:00Z", `<t:StartWallClock>2026-07-01T10:00:00+02:00</t:StartWallClock>`},
		{"local and zone", `<t:Start>2026-01-15T10:00:00</t:Start><t:End>2026-01-15T11:00:00</t:End><t:StartTimeZone Id="W. Europe Standard Time"/>`,
			"2026-01-15T09:00:00Z", "2026-01-15T10:00:00Z", `<t:EndTimeZoneId>W. Europe Standard Time</t:EndTimeZoneId>`},
		{"local and meeting zone", `<t:Start>2026-01-15T10:00:00</t:Start><t:End>2026-01-15T11:00:00</t:End><t:MeetingTimeZone TimeZoneName="Pacific Standard Time"/>`,
			"2026-01-15T18:00:00Z", "2026-01-15T19:00:00Z", `<t:StartTimeZone Id="Pacific Standard Time"`},
		{"two zones", `<t:Start>2026-01-15T10:00:00</t:Start><t:End>2026-01-15T11:00:00</t:End><t:StartTimeZone Id="W. Europe Standard Time"/><t:EndTimeZone Id="GMT Standard Time"/>`,
			"2026-01-15T09:00:00Z", "2026-01-15T11:00:00Z", `<t:EndTimeZone Id="GMT Standard Time"`},
		{"local without a zone", `<t:Start>2026-01-15T10:00:00</t:Start><t:End>2026-01-15T11:00:00</t:End>`, "2026-01-15T10:00:00Z", "2026-01-15T11:00:00Z", ""},
		{"all day", `<t:Start>2026-07-01T09:00:00</t:Start><t:End>2026-07-02T10:00:00</t:End><t:IsAllDayEvent>true</t:IsAllDayEvent><t:StartTimeZone Id="W. Europe Standard Time"/>`,
			"2026-06-30T22:00:00Z", "2026-07-02T22:00:00Z", "<t:Duration>P2D</t:Duration>"},
		{"all day that is", `<t:Start>2026-07-01T00:00:00Z</t:Start><t:End>2026-07-02T00:00:00Z</t:End><t:IsAllDayEvent>true</t:IsAllDayEvent>`,
			"2026-07-01T00:00:00Z", "2026-07-02T00:00:00Z", "<t:IsAllDayEvent>true</t:IsAllDayEvent>"},
		{"nothing", `<t:Subject>x</t:Subject>`, "2026-03-01T12:30:00Z", "2026-03-01T13:00:00Z", "<t:CalendarItemType>Single</t:CalendarItemType>"},
		{"no length", `<t:Start>2026-07-01T10:00:00Z</t:Start><t:End>2026-07-01T10:00:00Z</t:End>`, "2026-07-01T10:00:00Z", "2026-07-01T10:00:00Z", "<t:Duration>PT0S</t:Duration>"},
	} {
		id := itemIDs.FindString(w.answered(createEvent("", c.elements)))
		answer := w.answered(get(id))
		if start, end := element(answer, "Start"), element(answer, "End"); start != c.start || end != c.end || !strings.Contains(answer, c.more) {
			t.Errorf("%s: %s to %s, want %s to %s and %s\n%s", c.name, start, end, c.start, c.end, c.more, answer)
		}
	}
	for code, elements := range map[string]string{
		"ErrorCalendarEndDateIsEarlierThanStartDate": `<t:Start>2026-07-01T10:00:00Z</t:Start><t:End>2026-07-01T09:59:59Z</t:End>`,
		"ErrorCalendarDurationIsTooLong":             `<t:Start>2026-07-01T10:00:00Z</t:Start><t:End>2036-07-01T09:00:00Z</t:End>`,
		"ErrorCalendarInvalidTimeZone":               `<t:Start>2026-07-01T10:00:00</t:Start><t:StartTimeZone Id="Middle-earth"/>`,
		"ErrorInvalidValueForProperty":               `<t:Start>tomorrow</t:Start>`,
		"ErrorInvalidPropertySet":                    `<t:IsMeeting>true</t:IsMeeting>`,
	} {
		w.refused(code, createEvent("", elements))
	}
	w.refused("ErrorSendMeetingInvitationsRequired", `<m:CreateItem><m:Items><t:CalendarItem><t:Subject>x</t:Subject></t:CalendarItem></m:Items></m:CreateItem>`)
}

// TestEventLife changes and deletes a single event, with the attributes that must be
// there and with a change key that is too old.
func TestEventLife(t *testing.T) {
	w := newWorld(t)
	first := itemIDs.FindStringSubmatch(w.answered(createEvent("", `<t:Subject>Plan</t:Subject><t:Start>2026-07-01T10:00:00Z</t:Start><t:End>2026-07-01T11:00:00Z</t:End>`+
		`<t:LegacyFreeBusyStatus>OOF</t:LegacyFreeBusyStatus><t:Location>Room</t:Location>`)))
	update := func(key, attrs, set string) string {
		return `<m:UpdateItem ConflictResolution="NeverOverwrite" ` + attrs + `><m:ItemChanges><t:ItemChange><t:ItemId Id="` + first[1] + `" ChangeKey="` + key + `"/><t:Updates>` + set +
			`</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`
	}
	field := func(uri, element, value string) string {
		return `<t:SetItemField><t:FieldURI FieldURI="` + uri + `"/><t:CalendarItem><t:` + element + `>` + value + `</t:` + element + `></t:CalendarItem></t:SetItemField>`
	}
	move := field("calendar:Start", "Start", "2026-07-02T10:00:00Z") + field("calendar:End", "End", "2026-07-02T12:00:00Z")
	const none = `SendMeetingInvitationsOrCancellations="SendToNone"`
	w.refused("ErrorSendMeetingInvitationsOrCancellationsRequired", update(first[2], "", move))
	w.refused("ErrorCalendarEndDateIsEarlierThanStartDate", update(first[2], none, field("calendar:End", "End", "2026-07-01T09:00:00Z")))
	second := itemIDs.FindStringSubmatch(w.answered(update(first[2], none, move+field("calendar:LegacyFreeBusyStatus", "LegacyFreeBusyStatus", "Free")+
		`<t:DeleteItemField><t:FieldURI FieldURI="calendar:Location"/></t:DeleteItemField>`)))
	w.refused("ErrorIrresolvableConflict", update(first[2], none, field("item:Subject", "Subject", "Other")))
	answer := w.answered(get(second[0]))
	if element(answer, "Start") != "2026-07-02T10:00:00Z" || element(answer, "Duration") != "PT2H" || element(answer, "LegacyFreeBusyStatus") != "Free" || element(answer, "Location") != "" {
		t.Error(answer)
	}
	view := func(from, to, more string) string {
		return `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:CalendarView StartDate="` + from + `" EndDate="` + to + `"/>` + more +
			`<m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>`
	}
	for window, want := range map[[2]string]int{
		{"2026-07-02T00:00:00Z", "2026-07-03T00:00:00Z"}: 1, {"2026-07-02T11:59:59Z", "2026-07-02T13:00:00Z"}: 1,
		{"2026-07-02T12:00:00Z", "2026-07-02T13:00:00Z"}: 0, {"2026-07-01T00:00:00Z", "2026-07-02T10:00:00Z"}: 0,
	} {
		if n := len(itemIDs.FindAllString(w.answered(view(window[0], window[1], "")), -1)); n != want {
			t.Errorf("%v: %d events, want %d", window, n, want)
		}
	}
	w.refused("ErrorCalendarEndDateIsEarlierThanStartDate", view("2026-07-02T00:00:00Z", "2026-07-01T00:00:00Z", ""))
	w.refused("ErrorCalendarViewRangeTooBig", view("2026-07-02T00:00:00Z", "2028-07-04T00:00:00Z", ""))
	w.refused("ErrorInvalidOperation", view("2026-07-02T00:00:00Z", "2026-07-03T00:00:00Z",
		`<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:Subject"/></t:FieldOrder></m:SortOrder>`))
	del := func(attrs string) string {
		return `<m:DeleteItem DeleteType="MoveToDeletedItems" ` + attrs + `><m:ItemIds>` + second[0] + `</m:ItemIds></m:DeleteItem>`
	}
	w.refused("ErrorSendMeetingCancellationsRequired", del(""))
	w.answered(del(`SendMeetingCancellations="SendToNone"`))
	w.refused("ErrorItemNotFound", get(second[0]))
}
