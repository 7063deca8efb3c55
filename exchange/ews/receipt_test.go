package ews

import (
	"encoding/base64"
	"strings"
	"testing"

	"hma/exchange/store"
	"hma/wire/mapi"
)

// TestReceiptsOverSOAP has Anna ask for receipts, and Bob read, delete and keep quiet.
func TestReceiptsOverSOAP(t *testing.T) {
	w := newWorld(t)
	w.mailbox(w.bob)
	sent := 0
	send := func() string {
		t.Helper()
		_, answer := w.ask(create("SendAndSaveCopy", `<t:Message><t:Subject>Budget</t:Subject><t:ToRecipients><t:Mailbox><t:EmailAddress>bob@contoso.com</t:EmailAddress></t:Mailbox></t:ToRecipients>`+
			`<t:IsReadReceiptRequested>true</t:IsReadReceiptRequested><t:IsDeliveryReceiptRequested>true</t:IsDeliveryReceiptRequested></t:Message>`))
		if !strings.Contains(answer, "NoError") {
			t.Fatal(answer)
		}
		sent++
		inbox, _ := w.mailbox(w.bob).RoleID(store.RoleInbox)
		page, err := w.mailbox(w.bob).List(t.Context(), store.Query{Folder: inbox})
		if err != nil || len(page.Items) == 0 {
			t.Fatal(page, err)
		}
		return page.Items[0].ID.Encode(idKey)
	}
	// got is how many receipts of a class Anna has had.
	got := func(class string) (n int) {
		t.Helper()
		if _, err := w.mail.SendWaiting(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, it := range w.items(store.RoleInbox) {
			if it.Props.String(mapi.PidTagMessageClass) == class {
				n++
			}
		}
		return n
	}
	bob := func(body string) string {
		t.Helper()
		_, answer := w.askAs(w.bob, wrap(body))
		if !strings.Contains(answer, "NoError") {
			t.Fatal(answer)
		}
		return answer
	}
	get := func(id string) string {
		return bob(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties><t:FieldURI FieldURI="message:IsReadReceiptRequested"/><t:FieldURI FieldURI="message:IsDeliveryReceiptRequested"/><t:FieldURI FieldURI="item:ResponseObjects"/></t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id="` + id + `"/></m:ItemIds></m:GetItem>`)
	}
	mark := func(id, attributes string) {
		t.Helper()
		bob(`<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"` + attributes + `><m:ItemChanges><t:ItemChange><t:ItemId Id="` + id + `"/><t:Updates><t:SetItemField><t:FieldURI FieldURI="message:IsRead"/><t:Message><t:IsRead>true</t:IsRead></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
	}
	const arrived, read, notRead = "REPORT.IPM.Note.DR", "REPORT.IPM.Note.IPNRN", "REPORT.IPM.Note.IPNNRN"
	expect := func(when string, reads, unread int) {
		t.Helper()
		if a, r, n := got(arrived), got(read), got(notRead); a != sent || r != reads || n != unread {
			t.Errorf("%s: %d delivered, %d read, %d not read, want %d, %d, %d", when, a, r, n, sent, reads, unread)
		}
	}

	id := send()
	if answer := get(id); !strings.Contains(answer, "<t:IsReadReceiptRequested>true<") || !strings.Contains(answer, "<t:IsDeliveryReceiptRequested>true<") || !strings.Contains(answer, "<t:SuppressReadReceipt/>") {
		t.Errorf("what Bob sees: %s", answer)
	}
	expect("delivered", 0, 0)
	mark(id, ` SuppressReadReceipts="false"`)
	mark(id, "")
	expect("read", 1, 0)
	if answer := get(id); strings.Contains(answer, "SuppressReadReceipt") {
		t.Errorf("told already: %s", answer)
	}
	mark(send(), ` SuppressReadReceipts="true"`)
	expect("suppressed", 1, 0)
	mime := base64.StdEncoding.EncodeToString([]byte("From: anna@contoso.com\r\nTo: bob@contoso.com\r\nSubject: Budget\r\n\r\nshorter\r\n"))
	bob(`<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly" SuppressReadReceipts="true"><m:ItemChanges><t:ItemChange><t:ItemId Id="` + send() + `"/><t:Updates>` +
		`<t:SetItemField><t:FieldURI FieldURI="item:MimeContent"/><t:Message><t:MimeContent>` + mime + `</t:MimeContent></t:Message></t:SetItemField>` +
		`<t:SetItemField><t:FieldURI FieldURI="message:IsRead"/><t:Message><t:IsRead>true</t:IsRead></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`)
	expect("suppressed with new content", 1, 0)

	id = send()
	if answer := bob(`<m:CreateItem MessageDisposition="SaveOnly"><m:Items><t:SuppressReadReceipt><t:ReferenceItemId Id="` + id + `"/></t:SuppressReadReceipt></m:Items></m:CreateItem>`); !strings.Contains(answer, "<m:Items/>") {
		t.Errorf("SuppressReadReceipt: %s", answer)
	}
	mark(id, "")
	expect("settled", 1, 0)

	all := func(suppress string) {
		t.Helper()
		bob(`<m:MarkAllItemsAsRead><m:ReadFlag>true</m:ReadFlag><m:SuppressReadReceipts>` + suppress + `</m:SuppressReadReceipts><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:MarkAllItemsAsRead>`)
	}
	send()
	all("true")
	expect("all, suppressed", 1, 0)
	send()
	send()
	all("false")
	expect("all", 3, 0)

	remove := func(id, attributes string) {
		t.Helper()
		bob(`<m:DeleteItem DeleteType="HardDelete"` + attributes + `><m:ItemIds><t:ItemId Id="` + id + `"/></m:ItemIds></m:DeleteItem>`)
	}
	remove(send(), ` SuppressReadReceipts="true"`)
	expect("deleted, suppressed", 3, 0)
	remove(send(), "")
	expect("deleted unread", 3, 1)
	// The receipts themselves ask for nothing.
	if answer := bob(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:Restriction><t:Contains ContainmentMode="Prefixed" ContainmentComparison="IgnoreCase"><t:FieldURI FieldURI="item:ItemClass"/><t:Constant Value="REPORT"/></t:Contains></m:Restriction><m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>`); !strings.Contains(answer, `TotalItemsInView="0"`) {
		t.Errorf("Bob got receipts: %s", answer)
	}
}
