package ews

import (
	"encoding/base64"
	"fmt"
	"strings"
	"sync"
	"testing"

	"hma/exchange/store"
	"hma/wire/mapi"
)

// updating is an UpdateItem of the first draft; each change is the kind of change,
// the FieldURI and the element.
func updating(attrs string, changes ...[3]string) string {
	var b strings.Builder
	for _, c := range changes {
		fmt.Fprintf(&b, `<t:%s><t:FieldURI FieldURI="%s"/>`, c[0], c[1])
		if c[2] != "" {
			b.WriteString("<t:Message>" + c[2] + "</t:Message>")
		}
		b.WriteString("</t:" + c[0] + ">")
	}
	return wrap(`<m:UpdateItem ConflictResolution="AlwaysOverwrite" ` + attrs + `><m:ItemChanges><t:ItemChange><t:ItemId Id="{draft0}"/><t:Updates>` + b.String() + `</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
}

func mailboxes(element string, addresses ...string) string {
	out := ""
	for _, a := range addresses {
		out += "<t:Mailbox><t:EmailAddress>" + a + "</t:EmailAddress></t:Mailbox>"
	}
	return "<t:" + element + ">" + out + "</t:" + element + ">"
}

// draft returns the first draft, whole.
func (w *world) draft() *store.Item {
	w.t.Helper()
	item := w.items(store.RoleDrafts)[0]
	if err := w.mailbox(w.anna).Resolve(w.t.Context(), item.Props, maxValue); err != nil {
		w.t.Fatal(err)
	}
	return item
}

// TestAppend holds what AppendToItemField adds to, and to what nothing is added.
func TestAppend(t *testing.T) {
	w := newWorld(t)
	w.ask(create("SaveOnly", `<t:Message><t:Body BodyType="Text">one</t:Body>`+mailboxes("ToRecipients", "a@contoso.com")+mailboxes("ReplyTo", "r@contoso.com")+`</t:Message>`))
	_, answer := w.ask(w.fill(updating(`MessageDisposition="SaveOnly"`,
		[3]string{"AppendToItemField", "item:Body", `<t:Body BodyType="Text"> two</t:Body>`},
		[3]string{"AppendToItemField", "message:ToRecipients", mailboxes("ToRecipients", "b@contoso.com")},
		[3]string{"AppendToItemField", "message:ReplyTo", mailboxes("ReplyTo", "s@contoso.com")})))
	if !strings.Contains(answer, "NoError") {
		t.Fatal(answer)
	}
	item := w.draft()
	if body := item.Props.String(mapi.PidTagBody); body != "one two" {
		t.Errorf("body %q", body)
	}
	if to, reply := item.Props.String(mapi.PidTagDisplayTo), item.Props.String(mapi.PidTagReplyRecipientNames); to != "a@contoso.com; b@contoso.com" || reply != "r@contoso.com;s@contoso.com" {
		t.Errorf("to %q, reply to %q", to, reply)
	}
	w.ask(w.fill(updating("", [3]string{"AppendToItemField", "item:Body", `<t:Body BodyType="HTML">&lt;html&gt;&lt;body&gt;&lt;b&gt;three&lt;/b&gt;&lt;/body&gt;&lt;/html&gt;</t:Body>`})))
	if html := string(w.draft().Props.Bytes(mapi.PidTagHTML)); html != "<html><body><div>one two</div><b>three</b></body></html>" {
		t.Errorf("HTML %q", html)
	}
	for uri, element := range map[string]string{"item:Subject": "<t:Subject>x</t:Subject>", "item:Importance": "<t:Importance>High</t:Importance>"} {
		if _, answer := w.ask(w.fill(updating("", [3]string{"AppendToItemField", uri, element}))); !strings.Contains(answer, "ErrorInvalidPropertyAppend") {
			t.Errorf("%s: %s", uri, answer)
		}
	}
}

// TestTwoClients has two clients add to one list and one text at the same time:
// nothing that either was told is done is lost, and NeverOverwrite lets one alone through.
func TestTwoClients(t *testing.T) {
	w := newWorld(t)
	w.ask(create("SaveOnly", `<t:Message><t:Body BodyType="Text">0</t:Body></t:Message>`))
	var wg sync.WaitGroup
	var mu sync.Mutex
	accepted := map[string]bool{}
	for client := range 2 {
		for i := range 5 {
			address := fmt.Sprintf("c%d-%d@contoso.com", client, i)
			document := w.fill(updating("",
				[3]string{"AppendToItemField", "message:ToRecipients", mailboxes("ToRecipients", address)},
				[3]string{"AppendToItemField", "item:Body", `<t:Body BodyType="Text">` + address + `;</t:Body>`}))
			wg.Go(func() {
				if _, answer := w.ask(document); strings.Contains(answer, "NoError") {
					mu.Lock()
					accepted[address] = true
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	item := w.draft()
	if len(accepted) == 0 || len(item.Recipients) != len(accepted) {
		t.Errorf("%d accepted, %d recipients", len(accepted), len(item.Recipients))
	}
	for address := range accepted {
		if strings.Count(item.Props.String(mapi.PidTagBody), address) != 1 {
			t.Errorf("%s is not once in %q", address, item.Props.String(mapi.PidTagBody))
		}
	}
	never := func(subject string) string {
		return wrap(w.fill(`<m:UpdateItem ConflictResolution="NeverOverwrite"><m:ItemChanges><t:ItemChange><t:ItemId Id="{draft0}" ChangeKey="{draft0.key}"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="item:Subject"/><t:Message><t:Subject>` + subject + `</t:Subject></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`))
	}
	var answers [2]string
	documents := [2]string{never("a"), never("b")}
	for i := range answers {
		wg.Go(func() { _, answers[i] = w.ask(documents[i]) })
	}
	wg.Wait()
	all := answers[0] + answers[1]
	if strings.Count(all, "NoError") != 1 || strings.Count(all, "<m:ResponseCode>ErrorIrresolvableConflict") != 1 {
		t.Error(all)
	}
}

// TestUpdateSends holds that a message that is changed can be sent with the change.
func TestUpdateSends(t *testing.T) {
	for disposition, kept := range map[string]int{"SendOnly": 0, "SendAndSaveCopy": 1} {
		w := newWorld(t)
		w.ask(create("SaveOnly", `<t:Message>`+mailboxes("ToRecipients", "bob@contoso.com")+`</t:Message>`))
		_, answer := w.ask(w.fill(updating(`MessageDisposition="`+disposition+`"`, [3]string{"SetItemField", "item:Subject", "<t:Subject>changed</t:Subject>"})))
		if !strings.Contains(answer, "<m:Items/>") {
			t.Error(answer)
		}
		got := w.inbox(w.bob)
		if len(got) != 1 || got[0].Props.String(mapi.PidTagSubject) != "changed" || len(w.items(store.RoleDrafts)) != 0 || len(w.items(store.RoleSentItems)) != kept {
			t.Errorf("%s: %d received, %d drafts, %d sent", disposition, len(got), len(w.items(store.RoleDrafts)), len(w.items(store.RoleSentItems)))
		}
	}
}

// TestReplaceMIME holds that other bytes make another message of an item, and what stays.
func TestReplaceMIME(t *testing.T) {
	w := newWorld(t)
	w.ask(create("SaveOnly", `<t:Message>`+mimeContent(strings.ReplaceAll(attachedMail, "\n", "\r\n"))+`<t:Categories><t:String>red</t:String></t:Categories></t:Message>`))
	before := w.draft()
	_, answer := w.ask(w.fill(updating("", [3]string{"SetItemField", "item:MimeContent", mimeContent(ownMIME)}, [3]string{"SetItemField", "item:Importance", "<t:Importance>High</t:Importance>"})))
	if !strings.Contains(answer, "NoError") {
		t.Fatal(answer)
	}
	item := w.draft()
	p := item.Props
	if item.ID != before.ID || p.String(mapi.PidTagSubject) != "own" || p.String(mapi.PidTagInternetMessageID) != "" || len(item.Attachments) != 0 || p.Bool(mapi.PidTagHasAttachments) ||
		p.Int32(mapi.PidTagImportance) != 2 || p.String(mapi.PidTagDisplayTo) != "anna@contoso.com" || len(p.Bytes(mapi.PidTagHTML)) != 0 || strings.Join(p.Strings(mapi.PidNameKeywords), "") != "red" {
		t.Errorf("%v", p)
	}
	_, answer = w.ask(wrap(w.fill(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds><t:ItemId Id="{draft0}"/></m:ItemIds></m:GetItem>`)))
	if !strings.Contains(answer, base64.StdEncoding.EncodeToString([]byte(ownMIME))) {
		t.Error(answer)
	}
	if err := w.mailbox(w.anna).Check(t.Context(), false, func(d store.Damage) { t.Errorf("%+v", d) }); err != nil {
		t.Error(err)
	}
}

// TestFlag holds which flags can be set, and that an item without one has nothing of it left.
func TestFlag(t *testing.T) {
	w := newWorld(t)
	w.ask(create("SaveOnly", `<t:Message/>`))
	get := wrap(w.fill(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="item:Flag"/></t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id="{draft0}"/></m:ItemIds></m:GetItem>`))
	const start, due, done = "<t:StartDate>2026-03-02T00:00:00Z</t:StartDate>", "<t:DueDate>2026-03-05T00:00:00Z</t:DueDate>", "<t:CompleteDate>2026-03-04T08:30:15Z</t:CompleteDate>"
	status := func(s string) string { return "<t:FlagStatus>" + s + "</t:FlagStatus>" }
	for _, c := range []struct {
		flag, want string // "" is refused
		tags       int    // of the flag on the item afterwards
	}{
		{status("Flagged"), status("Flagged"), 9},
		{status("Flagged") + start + due, status("Flagged") + start + due, 13},
		{status("Flagged") + start, "", 13},
		{status("Flagged") + due + "<t:StartDate>2026-03-06T00:00:00Z</t:StartDate>", "", 13},
		{status("Flagged") + done, "", 13},
		{status("Complete") + done, status("Complete") + "<t:CompleteDate>2026-03-04T08:30:00Z</t:CompleteDate>", 10},
		{status("Complete") + due, "", 10},
		{status("Waving"), "", 10},
		{"", "", 10},
		{status("NotFlagged") + due, "", 10},
		{status("NotFlagged"), status("NotFlagged"), 0},
	} {
		_, answer := w.ask(w.fill(updating("", [3]string{"SetItemField", "item:Flag", "<t:Flag>" + c.flag + "</t:Flag>"})))
		if refused := strings.Contains(answer, "ErrorInvalidValueForProperty"); refused != (c.want == "") || refused == strings.Contains(answer, "NoError") {
			t.Errorf("%s: %s", c.flag, answer)
		}
		if _, answer := w.ask(get); !strings.Contains(answer, "<t:Flag>"+c.want) {
			t.Errorf("%s: %s", c.flag, answer)
		}
		tags := 0
		for _, tag := range flagTags {
			if _, _, has := w.draft().Props.Find(tag); has {
				tags++
			}
		}
		if tags != c.tags {
			t.Errorf("%s: %d properties, want %d", c.flag, tags, c.tags)
		}
	}
	w.ask(create("SaveOnly", `<t:Task><t:Subject>t</t:Subject></t:Task>`))
	_, answer := w.ask(w.fill(strings.ReplaceAll(updating("", [3]string{"SetItemField", "item:Flag", "<t:Flag>" + status("Flagged") + "</t:Flag>"}), "{draft0}", "{task0}")))
	if !strings.Contains(answer, "ErrorInvalidPropertySet") {
		t.Error(answer)
	}
}

// TestTwoEditors lets two clients change one item of every kind, the second with the change key from before the
// first: NeverOverwrite refuses it, AutoResolve and AlwaysOverwrite change what it names and leave the first's change.
func TestTwoEditors(t *testing.T) {
	for kind, element := range map[string]string{"item": "Message", "event": "CalendarItem", "occurrence": "CalendarItem", "contact": "Contact", "list": "DistributionList"} {
		w := newWorld(t)
		has := w.belong(w.anna, "plain")
		id := has[kind]
		key := func() string {
			return itemIDs.FindStringSubmatch(w.answered(get(`<t:ItemId Id="`+id+`"/>`, "item:Subject")))[2]
		}
		old := key()
		edit := func(resolution, key, uri, value string) string {
			_, name, _ := strings.Cut(uri, ":")
			if key != "" {
				key = ` ChangeKey="` + key + `"`
			}
			_, answer := w.ask(wrap(`<m:UpdateItem ConflictResolution="` + resolution + `" MessageDisposition="SaveOnly" SendMeetingInvitationsOrCancellations="SendToNone"><m:ItemChanges><t:ItemChange><t:ItemId Id="` + id + `"` + key +
				`/><t:Updates><t:SetItemField><t:FieldURI FieldURI="` + uri + `"/><t:` + element + `><t:` + name + `>` + value + `</t:` + name + `></t:` + element + `></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`))
			return answer
		}
		for _, step := range []struct{ resolution, key, uri, value, code string }{
			{"NeverOverwrite", old, "item:Subject", "first", "NoError"},
			{"NeverOverwrite", old, "item:Importance", "High", "ErrorIrresolvableConflict"},
			{"NeverOverwrite", "", "item:Importance", "High", "ErrorChangeKeyRequiredForWriteOperations"},
			{"AutoResolve", "", "item:Importance", "High", "ErrorChangeKeyRequiredForWriteOperations"},
			{"AutoResolve", old, "item:Importance", "High", "NoError"},
			{"AlwaysOverwrite", "", "item:Sensitivity", "Personal", "NoError"},
			{"Sometimes", old, "item:Importance", "Low", "ErrorSchemaValidation"},
		} {
			if answer := edit(step.resolution, step.key, step.uri, step.value); !strings.Contains(answer, ">"+step.code+"<") && !strings.Contains(answer, ">t:"+step.code+"<") {
				t.Errorf("%s: %+v: %s", kind, step, answer)
			}
		}
		answer := w.answered(get(`<t:ItemId Id="`+id+`"/>`, "item:Subject", "item:Importance", "item:Sensitivity"))
		for _, want := range []string{"<t:Subject>first<", "<t:Importance>High<", "<t:Sensitivity>Personal<"} {
			if !strings.Contains(answer, want) {
				t.Errorf("%s: no %s in %s", kind, want, answer)
			}
		}
		if now := key(); now == old {
			t.Errorf("%s: the change key is the old one", kind)
		}
	}
}
