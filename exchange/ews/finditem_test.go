package ews

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func mailFrom(name, subject string, minute int) string {
	return fmt.Sprintf("From: %s <%s@contoso.com>\nTo: Anna <anna@contoso.com>\nSubject: %s\nDate: Sun, 01 Mar 2026 11:%02d:00 +0000\n\nwords\n", name, strings.ToLower(name), subject, minute)
}

var foundGroup = regexp.MustCompile(`<t:GroupIndex>(\d+)</t:GroupIndex>|<t:Subject>(.*?)</t:Subject>`)

// groups returns what FindItem in the inbox tells of groups: "0: a b 1: c".
func (w *world) groups(elements string) string {
	w.t.Helper()
	answer := w.answered(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Subject"/></t:AdditionalProperties></m:ItemShape>` +
		elements + inInbox + `</m:FindItem>`)
	if strings.Count(answer, "<t:Groups>") != 1 || strings.Count(answer, "<t:GroupedItems>") != strings.Count(answer, "<t:Items>") {
		w.t.Fatalf("%s: %s", elements, answer)
	}
	var words []string
	for _, m := range foundGroup.FindAllStringSubmatch(answer, -1) {
		if m[1] != "" {
			words = append(words, m[1]+":")
		} else {
			words = append(words, m[2])
		}
	}
	return strings.Join(words, " ")
}

func TestGroups(t *testing.T) {
	w := newWorld(t)
	for i, m := range []string{"Bob one", "Carol two", "bob three", "Dora two", "Carol four"} {
		name, subject, _ := strings.Cut(m, " ")
		w.deliver(mailFrom(name, subject, i))
	}
	by := func(order, uri, aggregate, on string) string {
		return `<m:GroupBy Order="` + order + `"><t:FieldURI FieldURI="` + uri + `"/><t:AggregateOn Aggregate="` + aggregate + `"><t:FieldURI FieldURI="` + on + `"/></t:AggregateOn></m:GroupBy>`
	}
	newest := `<m:SortOrder><t:FieldOrder Order="Descending"><t:FieldURI FieldURI="item:DateTimeReceived"/></t:FieldOrder></m:SortOrder>`
	page := func(n, offset int, base string) string {
		return fmt.Sprintf(`<m:IndexedPageItemView MaxEntriesReturned="%d" Offset="%d" BasePoint="%s"/>`, n, offset, base)
	}
	for _, c := range []struct{ elements, want string }{
		{by("Descending", "message:From", "Minimum", "item:DateTimeReceived") + newest, "0: two 1: four two 2: three one"},
		{by("Descending", "message:From", "Maximum", "item:DateTimeReceived") + newest, "0: four two 1: two 2: three one"},
		{by("Ascending", "item:Subject", "Minimum", "message:From") + newest, "0: one 1: three 2: four 3: two two"},
		{page(2, 0, "Beginning") + by("Descending", "message:From", "Minimum", "item:DateTimeReceived") + newest, "0: two 1: four"},
		{page(2, 2, "Beginning") + by("Descending", "message:From", "Minimum", "item:DateTimeReceived") + newest, "1: two 2: three"},
		{page(1, 0, "End") + by("Descending", "message:From", "Minimum", "item:DateTimeReceived") + newest, "2: one"},
		{page(5, 9, "Beginning") + by("Descending", "message:From", "Minimum", "item:DateTimeReceived") + newest, ""},
		{`<m:DistinguishedGroupBy Order="Descending"><t:StandardGroupBy>ConversationTopic</t:StandardGroupBy></m:DistinguishedGroupBy>` + newest, "0: four 1: two two 2: three 3: one"},
		{by("Ascending", "message:From", "Minimum", "item:Subject") + `<m:Restriction>` + equalTo("item:Subject", "two") + `</m:Restriction>`, "0: two 1: two"},
	} {
		if got := w.groups(c.elements); got != c.want {
			t.Errorf("%s: %s, want %s", c.elements, got, c.want)
		}
	}
}

func TestSeekToCondition(t *testing.T) {
	w := newWorld(t)
	for i, subject := range []string{"one", "two", "three", "four", "five"} {
		w.deliver(mailFrom("Bob", subject, i))
	}
	oldest := `<m:SortOrder><t:FieldOrder Order="Ascending"><t:FieldURI FieldURI="item:DateTimeReceived"/></t:FieldOrder></m:SortOrder>`
	seek := func(base, subject string) []string {
		return w.find(`<m:SeekToConditionPageItemView MaxEntriesReturned="2" BasePoint="` + base + `"><t:Condition>` + equalTo("item:Subject", subject) + `</t:Condition></m:SeekToConditionPageItemView>` + oldest + inInbox)
	}
	for _, c := range []struct {
		base, subject string
		want          []string
	}{
		{"Beginning", "three", []string{"three", "four"}}, {"Beginning", "five", []string{"five"}}, {"Beginning", "nine", nil},
		{"End", "three", []string{"two", "three"}}, {"End", "one", []string{"one"}}, {"End", "nine", nil},
	} {
		if got := seek(c.base, c.subject); !slices.Equal(got, c.want) {
			t.Errorf("from the %s to %s: %v, want %v", c.base, c.subject, got, c.want)
		}
	}
	answer := w.answered(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:SeekToConditionPageItemView MaxEntriesReturned="2" BasePoint="Beginning"><t:Condition>` +
		equalTo("item:Subject", "two") + `</t:Condition></m:SeekToConditionPageItemView>` + oldest + inInbox + `</m:FindItem>`)
	if !strings.Contains(answer, `TotalItemsInView="5" IncludesLastItemInRange="false" IndexedPagingOffset="3"`) {
		t.Errorf("got %s", answer)
	}
	w.refused("ErrorInvalidOperation", `<m:FindConversation><m:SeekToConditionPageItemView BasePoint="Beginning"><t:Condition>`+equalTo("item:Subject", "two")+
		`</t:Condition></m:SeekToConditionPageItemView><m:ParentFolderId><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderId></m:FindConversation>`)
}

// TestContactsView holds contacts by their names, and the orders that clients list contacts and tasks in.
func TestContactsView(t *testing.T) {
	w := newWorld(t)
	for _, names := range [][2]string{{"Kelly Rollin", "Rollin"}, {"álvaro", "Z"}, {"Bea", "M"}, {"Kelso", "A"}, {"Zoe", "b"}} {
		w.answered(`<m:CreateItem><m:Items><t:Contact><t:Subject>` + names[0] + `</t:Subject><t:FileAs>` + names[1] + `</t:FileAs><t:DisplayName>` + names[0] + `</t:DisplayName></t:Contact></m:Items></m:CreateItem>`)
	}
	inContacts := `<m:ParentFolderIds><t:DistinguishedFolderId Id="contacts"/></m:ParentFolderIds>`
	by := func(order, uri string) string {
		return `<m:SortOrder><t:FieldOrder Order="` + order + `"><t:FieldURI FieldURI="` + uri + `"/></t:FieldOrder></m:SortOrder>`
	}
	for _, c := range []struct {
		elements string
		want     []string
	}{
		{`<m:ContactsView/>`, []string{"álvaro", "Bea", "Kelly Rollin", "Kelso", "Zoe"}},
		{`<m:ContactsView MaxEntriesReturned="2" InitialName="kelly rollin"/>`, []string{"Kelly Rollin", "Kelso"}},
		{`<m:ContactsView InitialName="B" FinalName="Kelly Rollin"/>`, []string{"Bea", "Kelly Rollin"}},
		{`<m:ContactsView FinalName="Kelly"/>`, []string{"álvaro", "Bea"}},
		{`<m:ContactsView InitialName="Zz"/>`, nil},
		{`<m:ContactsView InitialName="C"/>` + by("Descending", "contacts:DisplayName"), []string{"Zoe", "Kelso", "Kelly Rollin"}},
		{`<m:ContactsView InitialName="C"/><m:Restriction>` + equalTo("contacts:FileAs", "a") + `</m:Restriction>`, []string{"Kelso"}},
		{by("Ascending", "contacts:FileAs"), []string{"Kelso", "Zoe", "Bea", "Kelly Rollin", "álvaro"}},
	} {
		if got := w.find(c.elements + inContacts); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.elements, got, c.want)
		}
	}
	for i, due := range []string{"2026-03-05", "2026-03-03", "2026-03-04"} {
		w.answered(fmt.Sprintf(`<m:CreateItem><m:Items><t:Task><t:Subject>%d</t:Subject><t:DueDate>%sT00:00:00Z</t:DueDate><t:Companies><t:String>c</t:String></t:Companies><t:Mileage>%d</t:Mileage></t:Task></m:Items></m:CreateItem>`, i, due, 3-i))
	}
	inTasks := `<m:ParentFolderIds><t:DistinguishedFolderId Id="tasks"/></m:ParentFolderIds>`
	for uri, want := range map[string]string{"task:DueDate": "1 2 0", "task:Mileage": "2 1 0"} {
		if got := strings.Join(w.find(by("Ascending", uri)+inTasks), " "); got != want {
			t.Errorf("by %s: %s, want %s", uri, got, want)
		}
	}
}
