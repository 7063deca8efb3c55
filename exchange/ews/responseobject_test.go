package ews

import (
	"strings"
	"testing"

	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/mapi"
)

// inbox returns what a person received, whole.
func (w *world) inbox(r *org.Recipient) []*store.Item {
	w.t.Helper()
	m := w.mailbox(r)
	id, err := m.RoleID(store.RoleInbox)
	if err != nil {
		w.t.Fatal(err)
	}
	page, err := m.List(w.t.Context(), store.Query{Folder: id, Want: store.Want{All: true, Recipients: true, Attachments: true}})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Items
}

const quotedMail = `From: Bob <bob@contoso.com>
To: Anna <anna@contoso.com>, Dora <dora@example.net>
Cc: carol@example.net, ANNA@contoso.com
Bcc: hidden@example.net
Subject: Aw: Plan
Date: Sun, 01 Mar 2026 11:00:00 +0000
Message-ID: <plan2@contoso.com>
References: <plan1@contoso.com>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=b

--b
Content-Type: multipart/related; boundary=r

--r
Content-Type: text/html; charset=utf-8

<html><body><p>old words <img src="cid:pic"></p></body></html>
--r
Content-Type: image/png
Content-ID: <pic>
Content-Disposition: inline; filename=pic.png

PNG
--r--
--b
Content-Type: application/pdf
Content-Disposition: attachment; filename=plan.pdf

PDF
--b--
`

func answerTo(element, inner string) string {
	return `<t:` + element + `>` + inner + `<t:ReferenceItemId Id="{item0}" ChangeKey="{item0.key}"/><t:NewBodyContent BodyType="Text">new &lt;words&gt;</t:NewBodyContent></t:` + element + `>`
}

// TestAnswers holds what an answer is made of, who gets it, and what the original is told.
func TestAnswers(t *testing.T) {
	const to = `<t:ToRecipients><t:Mailbox><t:EmailAddress>bob@contoso.com</t:EmailAddress></t:Mailbox></t:ToRecipients>`
	for _, c := range []struct {
		element, inner, subject string
		recipients, files       string
		verb, icon              int32
	}{
		{"ReplyToItem", "", "RE: Plan", "1 bob@contoso.com", "pic.png", 102, 0x105},
		{"ReplyAllToItem", "", "RE: Plan", "1 bob@contoso.com,1 dora@example.net,2 carol@example.net", "pic.png", 103, 0x105},
		{"ForwardItem", to, "FW: Plan", "1 bob@contoso.com", "pic.png,plan.pdf", 104, 0x106},
		{"ReplyToItem", "<t:Subject>Other</t:Subject>" + to, "Other", "1 bob@contoso.com", "pic.png", 102, 0x105},
	} {
		for _, disposition := range []string{"SendAndSaveCopy", "SaveOnly"} {
			w := newWorld(t)
			w.deliver(quotedMail)
			original := w.items(store.RoleInbox)[0]
			if _, answer := w.ask(w.fill(create(disposition, answerTo(c.element, c.inner)))); !strings.Contains(answer, "NoError") {
				t.Fatalf("%s: %s", c.element, answer)
			}
			if disposition == "SaveOnly" {
				if before := w.items(store.RoleInbox)[0]; before.Props.Int32(mapi.PidTagLastVerbExecuted) != 0 {
					t.Errorf("%s: the original is marked before anything is sent", c.element)
				}
				_, answer := w.ask(wrap(w.fill(`<m:SendItem SaveItemToFolder="true"><m:ItemIds><t:ItemId Id="{draft0}" ChangeKey="{draft0.key}"/></m:ItemIds></m:SendItem>`)))
				if !strings.Contains(answer, "NoError") {
					t.Fatalf("%s: %s", c.element, answer)
				}
			}
			var got *store.Item
			for _, item := range w.inbox(w.bob) {
				if item.Props.String(mapi.PidTagSubject) == c.subject {
					got = item
				}
			}
			if got == nil {
				t.Fatalf("%s: Bob did not get %q", c.element, c.subject)
			}
			sent := w.items(store.RoleSentItems)[0]
			var recipients, files []string
			for _, r := range sent.Recipients {
				recipients = append(recipients, string(rune('0'+r.Type))+" "+r.SMTP)
			}
			for _, a := range got.Attachments {
				files = append(files, a.Filename)
			}
			if r, f := strings.Join(recipients, ","), strings.Join(files, ","); r != c.recipients || f != c.files {
				t.Errorf("%s: to %s with %s, want %s with %s", c.element, r, f, c.recipients, c.files)
			}
			p := got.Props
			if err := w.mailbox(w.bob).Resolve(t.Context(), p, maxValue); err != nil {
				t.Fatal(err)
			}
			html := string(p.Bytes(mapi.PidTagHTML))
			if !strings.Contains(html, "new &lt;words&gt;") || strings.Index(html, "new") > strings.Index(html, "old words") || strings.Contains(html, "hidden") {
				t.Errorf("%s: body %s", c.element, html)
			}
			if p.String(mapi.PidTagInReplyToID) != "<plan2@contoso.com>" || p.String(mapi.PidTagInternetReferences) != "<plan1@contoso.com> <plan2@contoso.com>" {
				t.Errorf("%s: in reply to %q, references %q", c.element, p.String(mapi.PidTagInReplyToID), p.String(mapi.PidTagInternetReferences))
			}
			if id := p.Bytes(mapi.PidTagConversationID); string(id) != string(original.Props.Bytes(mapi.PidTagConversationID)) {
				t.Errorf("%s: another conversation", c.element)
			}
			if _, _, kept := sent.Props.Find(mapi.PidNameAnsweredItem); kept {
				t.Errorf("%s: what was sent still names its original", c.element)
			}
			marked, err := w.mailbox(w.anna).Item(t.Context(), original.ID, store.Want{All: true})
			if err != nil {
				t.Fatal(err)
			}
			after := marked.Props
			if after.Int32(mapi.PidTagLastVerbExecuted) != c.verb || after.Int32(mapi.PidTagIconIndex) != c.icon || after.Time(mapi.PidTagLastVerbExecutionTime).IsZero() {
				t.Errorf("%s: the original is marked %d, %#x", c.element, after.Int32(mapi.PidTagLastVerbExecuted), after.Int32(mapi.PidTagIconIndex))
			}
			if marked.MIME != original.MIME {
				t.Errorf("%s: the original lost its bytes", c.element)
			}
		}
	}
}

// TestAnswerRefused holds what is no answer.
func TestAnswerRefused(t *testing.T) {
	w := newWorld(t)
	w.deliver(plainMail)
	w.ask(create("SaveOnly", `<t:Contact><t:DisplayName>C</t:DisplayName></t:Contact>`))
	for _, c := range []struct{ name, item, disposition, code string }{
		{"change key", w.fill(`<t:ReplyToItem><t:ReferenceItemId Id="{item0}" ChangeKey="AAAA"/></t:ReplyToItem>`), "SaveOnly", "ErrorInvalidChangeKey"},
		{"a body of elements", w.fill(`<t:ReplyToItem><t:ReferenceItemId Id="{item0}"/><t:NewBodyContent BodyType="HTML"><t:p>x</t:p></t:NewBodyContent></t:ReplyToItem>`), "SaveOnly", "ErrorSchemaValidation"},
		{"no item", `<t:ReplyToItem/>`, "SaveOnly", "ErrorSchemaValidation"},
		{"a contact", `<t:ForwardItem><t:ReferenceItemId Id="` + w.fill("{contact0}") + `"/></t:ForwardItem>`, "SaveOnly", "ErrorInvalidOperation"},
		{"a message for a post", w.fill(`<t:PostReplyItem><t:ReferenceItemId Id="{item0}"/></t:PostReplyItem>`), "SaveOnly", "ErrorInvalidOperation"},
		{"nobody to send to", w.fill(answerTo("ForwardItem", "")), "SendOnly", "ErrorInvalidRecipients"},
		{"body type", w.fill(`<t:ReplyToItem><t:ReferenceItemId Id="{item0}"/><t:NewBodyContent BodyType="RTF">x</t:NewBodyContent></t:ReplyToItem>`), "SaveOnly", "ErrorSchemaValidation"},
		{"attachments", w.fill(`<t:ReplyToItem><t:ReferenceItemId Id="{item0}"/><t:Attachments/></t:ReplyToItem>`), "SaveOnly", "ErrorInvalidOperation"},
	} {
		if _, answer := w.ask(create(c.disposition, c.item)); !strings.Contains(answer, c.code) || len(w.items(store.RoleDrafts)) != 0 {
			t.Errorf("%s: want %s: %s", c.name, c.code, answer)
		}
	}
	if w.items(store.RoleInbox)[0].Props.Int32(mapi.PidTagLastVerbExecuted) != 0 {
		t.Error("the original of an answer that nobody got is marked")
	}
}

// TestForgedAnswer holds that what a client writes where a draft keeps what it answers opens nothing.
func TestForgedAnswer(t *testing.T) {
	w := newWorld(t)
	bob := w.mailbox(w.bob)
	inbox, err := bob.RoleID(store.RoleInbox)
	if err != nil {
		t.Fatal(err)
	}
	stamp, err := bob.CreateItem(t.Context(), store.NewItem{Folder: inbox})
	if err != nil {
		t.Fatal(err)
	}
	c := &call{door: w.door, ctx: t.Context(), request: w.request(w.anna, nil), person: w.anna, mailbox: w.mailbox(w.anna)}
	for _, raw := range [][]byte{nil, {1}, make([]byte, 36), append(append([]byte{0, 0, 0, 102}, w.bob.MailboxGUID[:]...), 0, 0, 0, 0, 0, 0, byte(stamp.ID.Row>>8), byte(stamp.ID.Row), 0, 0, 0, 0, 0, 0, byte(stamp.ID.Mid>>8), byte(stamp.ID.Mid))} {
		item := store.NewItem{Folder: w.folder(store.RoleDrafts), Props: mapi.Bag{mapi.PidNameAnsweredItem: raw},
			Recipients: []store.Recipient{{Type: mapi.RecipientTo, AddressType: "SMTP", Address: "anna@contoso.com", SMTP: "anna@contoso.com"}}}
		d := c.newDraft(message)
		d.author()
		d.onto(&item)
		item.Recipients = []store.Recipient{{Type: mapi.RecipientTo, AddressType: "SMTP", Address: "anna@contoso.com", SMTP: "anna@contoso.com"}}
		if err := c.sendNew(item, false); err != nil {
			t.Error(err)
		}
	}
	item, err := bob.Item(t.Context(), stamp.ID, store.Want{All: true})
	if err != nil || item.Props.Int32(mapi.PidTagLastVerbExecuted) != 0 {
		t.Errorf("%v, marked %d", err, item.Props.Int32(mapi.PidTagLastVerbExecuted))
	}
}

// TestPostReply holds that a reply to a post lies beside it.
func TestPostReply(t *testing.T) {
	w := newWorld(t)
	if _, answer := w.ask(create("SaveOnly", `<t:PostItem><t:Subject>Post</t:Subject><t:Body BodyType="Text">old</t:Body></t:PostItem>`)); !strings.Contains(answer, "NoError") {
		t.Fatal(answer)
	}
	id := w.items(store.RoleDrafts)[0].ID
	if _, err := w.mailbox(w.anna).MoveItem(t.Context(), id, w.folder(store.RoleInbox)); err != nil {
		t.Fatal(err)
	}
	_, answer := w.ask(w.fill(create("SaveOnly", answerTo("PostReplyItem", ""))))
	if !strings.Contains(answer, "<t:PostItem>") {
		t.Fatal(answer)
	}
	reply := w.items(store.RoleInbox)[0]
	if reply.Props.String(mapi.PidTagSubject) != "RE: Post" || reply.Props.String(mapi.PidTagMessageClass) != "IPM.Post" || len(reply.Recipients) != 0 || reply.Props.Int32(mapi.PidTagMessageFlags)&mapi.MsgFlagUnsent != 0 {
		t.Errorf("%v", reply.Props)
	}
}
