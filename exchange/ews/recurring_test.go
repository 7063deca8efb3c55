package ews

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// weekly is a series in Berlin on Mondays and Wednesdays at nine, ten times, over the
// change of the clock on 29 March.
const weekly = `<t:Subject>Stand-up</t:Subject><t:Body BodyType="Text">as ever</t:Body><t:Categories><t:String>Blue</t:String></t:Categories>` +
	`<t:Start>2026-03-16T09:00:00</t:Start><t:End>2026-03-16T09:15:00</t:End><t:Location>Room 1</t:Location>` +
	`<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday Wednesday</t:DaysOfWeek></t:WeeklyRecurrence>` +
	`<t:NumberedRecurrence><t:StartDate>2026-03-16</t:StartDate><t:NumberOfOccurrences>10</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>` +
	`<t:StartTimeZone Id="W. Europe Standard Time"/>`

func viewOf(from, to string, uris ...string) string {
	var paths strings.Builder
	for _, uri := range uris {
		paths.WriteString(`<t:FieldURI FieldURI="` + uri + `"/>`)
	}
	return `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>` + paths.String() + `</t:AdditionalProperties></m:ItemShape>` +
		`<m:CalendarView StartDate="` + from + `" EndDate="` + to + `"/><m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>`
}

func updateOne(id, key, resolution, updates string) string {
	return `<m:UpdateItem ConflictResolution="` + resolution + `" SendMeetingInvitationsOrCancellations="SendToNone"><m:ItemChanges><t:ItemChange><t:ItemId Id="` + id + `" ChangeKey="` + key +
		`"/><t:Updates>` + updates + `</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`
}

func setField(uri, value string) string {
	_, name, _ := strings.Cut(uri, ":")
	return `<t:SetItemField><t:FieldURI FieldURI="` + uri + `"/><t:CalendarItem><t:` + name + `>` + value + `</t:` + name + `></t:CalendarItem></t:SetItemField>`
}

var starts = regexp.MustCompile(`<t:Start>([^<]+)</t:Start>`)

func allStarts(answer string) (list []string) {
	for _, m := range starts.FindAllStringSubmatch(answer, -1) {
		list = append(list, m[1])
	}
	return list
}

// TestSeries follows a series through its life: its occurrences in a view and by
// number, one of them changed, one deleted, one moved too far, and the series itself.
func TestSeries(t *testing.T) {
	w := newWorld(t)
	master := itemIDs.FindStringSubmatch(w.answered(createEvent("", weekly)))
	occurrence := func(n int) string {
		return fmt.Sprintf(`<t:OccurrenceItemId RecurringMasterId="%s" InstanceIndex="%d"/>`, master[1], n)
	}

	list := w.answered(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>`)
	if !strings.Contains(list, "<t:CalendarItemType>RecurringMaster</t:CalendarItemType>") {
		t.Errorf("a list of the folder: %s", list)
	}
	answer := w.answered(get(master[0]))
	for _, want := range []string{"<t:CalendarItemType>RecurringMaster</t:CalendarItemType>", "<t:Start>2026-03-16T08:00:00Z</t:Start>", "<t:IsRecurring>true</t:IsRecurring>",
		"<t:DaysOfWeek>Monday Wednesday</t:DaysOfWeek>", "<t:NumberOfOccurrences>10</t:NumberOfOccurrences>", "<t:FirstOccurrence>", "<t:LastOccurrence>", "<t:Start>2026-04-15T07:00:00Z</t:Start>"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the series lacks %s\n%s", want, answer)
		}
	}
	whole := allStarts(w.answered(viewOf("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "calendar:Start")))
	want := []string{"2026-03-16T08:00:00Z", "2026-03-18T08:00:00Z", "2026-03-23T08:00:00Z", "2026-03-25T08:00:00Z", "2026-03-30T07:00:00Z",
		"2026-04-01T07:00:00Z", "2026-04-06T07:00:00Z", "2026-04-08T07:00:00Z", "2026-04-13T07:00:00Z", "2026-04-15T07:00:00Z"}
	if !slices.Equal(whole, want) {
		t.Errorf("occurrences %v, want %v", whole, want)
	}

	// The third one is moved, renamed and gets another text.
	answer = w.answered(get(occurrence(3), "item:Subject", "calendar:Start", "calendar:CalendarItemType", "calendar:OriginalStart", "item:Categories", "item:TextBody", "calendar:UID"))
	third := itemIDs.FindStringSubmatch(answer)
	if third[1] == master[1] || element(answer, "Start") != want[2] || element(answer, "CalendarItemType") != "Occurrence" || !strings.Contains(answer, "<t:String>Blue</t:String>") {
		t.Fatal(answer)
	}
	w.refused("ErrorOccurrenceCrossingBoundary", updateOne(third[1], third[2], "AlwaysOverwrite", setField("calendar:Start", "2026-03-25T08:00:00Z")+setField("calendar:End", "2026-03-25T09:00:00Z")))
	w.refused("ErrorInvalidPropertySet", updateOne(third[1], third[2], "AlwaysOverwrite", `<t:DeleteItemField><t:FieldURI FieldURI="calendar:Recurrence"/></t:DeleteItemField>`))
	changed := itemIDs.FindStringSubmatch(w.answered(updateOne(third[1], third[2], "NeverOverwrite", setField("calendar:Start", "2026-03-24T10:00:00Z")+setField("calendar:End", "2026-03-24T11:00:00Z")+
		setField("item:Subject", "Retrospective")+setField("calendar:Location", "Garden")+setField("item:Importance", "High")+
		`<t:SetItemField><t:FieldURI FieldURI="item:Body"/><t:CalendarItem><t:Body BodyType="Text">bring cake</t:Body></t:CalendarItem></t:SetItemField>`)))
	if changed[1] != third[1] || changed[2] == third[2] {
		t.Errorf("changed %v, before %v", changed, third)
	}
	// Somebody who read it before is told.
	w.refused("ErrorIrresolvableConflict", updateOne(third[1], third[2], "NeverOverwrite", setField("item:Subject", "Other")))
	answer = w.answered(get(changed[0], "item:Subject", "calendar:Start", "calendar:End", "calendar:CalendarItemType", "calendar:OriginalStart", "item:TextBody", "item:Importance", "item:Categories", "calendar:Location", "item:HasAttachments"))
	for _, want := range []string{">Retrospective<", ">2026-03-24T10:00:00Z<", ">2026-03-24T11:00:00Z<", ">Exception<", "<t:OriginalStart>2026-03-23T08:00:00Z<", ">bring cake<", ">High<", ">Garden<", ">Blue<", "<t:HasAttachments>false"} {
		if !strings.Contains(answer, want) {
			t.Errorf("the exception lacks %s\n%s", want, answer)
		}
	}

	// The fourth one goes; the others keep their numbers.
	w.answered(`<m:DeleteItem DeleteType="MoveToDeletedItems" SendMeetingCancellations="SendToNone"><m:ItemIds>` + occurrence(4) + `</m:ItemIds></m:DeleteItem>`)
	w.refused("ErrorCalendarOccurrenceIsDeletedFromRecurrence", get(occurrence(4)))
	w.refused("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange", get(occurrence(11)))
	w.refused("ErrorCalendarOccurrenceIndexIsOutOfRecurrenceRange", get(occurrence(0)))
	answer = w.answered(viewOf("2026-03-23T00:00:00Z", "2026-03-31T00:00:00Z", "calendar:Start", "item:Subject", "item:Importance"))
	if got := allStarts(answer); !slices.Equal(got, []string{"2026-03-24T10:00:00Z", "2026-03-30T07:00:00Z"}) || !strings.Contains(answer, "Retrospective") || !strings.Contains(answer, ">High<") {
		t.Errorf("%v\n%s", got, answer)
	}
	answer = w.answered(get(`<t:RecurringMasterItemId OccurrenceId="`+third[1]+`"/>`, "calendar:ModifiedOccurrences", "calendar:DeletedOccurrences", "item:Subject", "item:Attachments"))
	if !strings.Contains(answer, master[1]) || !strings.Contains(answer, "<t:ModifiedOccurrences>") || !strings.Contains(answer, "<t:OriginalStart>2026-03-23T08:00:00Z") ||
		!strings.Contains(answer, "<t:DeletedOccurrence><t:Start>2026-03-25T08:00:00Z") || !strings.Contains(answer, ">Stand-up<") || strings.Contains(answer, "FileAttachment") || strings.Contains(answer, "ItemAttachment") {
		t.Error(answer)
	}
	w.refused("ErrorCalendarCannotUseIdForRecurringMasterId", get(`<t:OccurrenceItemId RecurringMasterId="`+third[1]+`" InstanceIndex="1"/>`))
	w.refused("ErrorCalendarCannotUseIdForOccurrenceId", get(`<t:RecurringMasterItemId OccurrenceId="`+master[1]+`"/>`))

	// A list of the folder has the series once; so has a synchronisation.
	answer = w.answered(`<m:SyncFolderItems><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id="calendar"/></m:SyncFolderId>` +
		`<m:MaxChangesReturned>10</m:MaxChangesReturned></m:SyncFolderItems>`)
	if n := strings.Count(answer, "<t:CalendarItem>"); n != 1 || !strings.Contains(answer, master[1]) {
		t.Errorf("%d changes\n%s", n, answer)
	}

	// Renaming the series keeps its exceptions, another pattern loses them.
	master = itemIDs.FindStringSubmatch(w.answered(get(master[0], "item:Subject")))
	master = itemIDs.FindStringSubmatch(w.answered(updateOne(master[1], master[2], "NeverOverwrite", setField("item:Subject", "Daily"))))
	if got := allStarts(w.answered(viewOf("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "calendar:Start"))); len(got) != 9 {
		t.Errorf("after a new name: %v", got)
	}
	w.answered(updateOne(master[1], master[2], "NeverOverwrite", setField("calendar:Recurrence", `<t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:EndDateRecurrence>`+
		`<t:StartDate>2026-03-20</t:StartDate><t:EndDate>2026-03-22</t:EndDate></t:EndDateRecurrence>`)))
	if got := allStarts(w.answered(viewOf("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "calendar:Start"))); !slices.Equal(got, []string{"2026-03-20T08:00:00Z", "2026-03-21T08:00:00Z", "2026-03-22T08:00:00Z"}) {
		t.Errorf("with another pattern: %v", got)
	}
	w.refused("ErrorItemNotFound", get(third[0]))
}

// TestLastOccurrence holds that a series does not lose its last occurrence alone.
func TestLastOccurrence(t *testing.T) {
	w := newWorld(t)
	two := strings.Replace(weekly, "<t:NumberOfOccurrences>10<", "<t:NumberOfOccurrences>2<", 1)
	master := itemIDs.FindStringSubmatch(w.answered(createEvent("", two)))
	del := func(n int) string {
		return fmt.Sprintf(`<m:DeleteItem DeleteType="HardDelete" SendMeetingCancellations="SendToNone"><m:ItemIds><t:OccurrenceItemId RecurringMasterId="%s" InstanceIndex="%d"/></m:ItemIds></m:DeleteItem>`, master[1], n)
	}
	w.answered(del(1))
	w.refused("ErrorRecurrenceHasNoOccurrence", del(2))
	if got := allStarts(w.answered(viewOf("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "calendar:Start"))); len(got) != 1 {
		t.Error(got)
	}
}
