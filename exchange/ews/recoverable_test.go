package ews

import (
	"regexp"
	"strings"
	"testing"

	"hma/exchange/org"
	"hma/exchange/store"
)

// TestRecoverableItems walks an item through the folders of Recoverable Items over
// SOAP: it is listed where it was deleted to, comes back by a move, and is gone for
// good when it is deleted there.
func TestRecoverableItems(t *testing.T) {
	w := newWorld(t)
	w.deliver("From: carol@example.com\r\nTo: anna@contoso.com\r\nSubject: Lost and found\r\n\r\nWords.\r\n")
	id := regexp.MustCompile(`<t:ItemId Id="([^"]*)"`)
	find := func(folder string) string {
		t.Helper()
		status, answer := w.ask(wrap(`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId Id="` + folder + `"/></m:ParentFolderIds></m:FindItem>`))
		if status != 200 || !strings.Contains(answer, "NoError") {
			t.Fatalf("FindItem in %s: %d %s", folder, status, answer)
		}
		if found := id.FindStringSubmatch(answer); found != nil {
			return found[1]
		}
		return ""
	}
	do := func(body string) {
		t.Helper()
		if status, answer := w.ask(wrap(body)); status != 200 || !strings.Contains(answer, "NoError") {
			t.Fatalf("%s: %d %s", body, status, answer)
		}
	}
	remove := func(item, how string) {
		t.Helper()
		do(`<m:DeleteItem DeleteType="` + how + `"><m:ItemIds><t:ItemId Id="` + item + `"/></m:ItemIds></m:DeleteItem>`)
	}
	for _, folder := range []string{"recoverableitemsroot", "recoverableitemsdeletions", "recoverableitemsversions", "recoverableitemspurges"} {
		do(`<m:GetFolder><m:FolderShape><t:BaseShape>Default</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="` + folder + `"/></m:FolderIds></m:GetFolder>`)
		if find(folder) != "" {
			t.Errorf("%s is not empty", folder)
		}
	}
	remove(find("inbox"), "SoftDelete")
	lost := find("recoverableitemsdeletions")
	if lost == "" || find("inbox") != "" {
		t.Fatal("a soft deletion does not lead to Recoverable Items")
	}
	do(`<m:MoveItem><m:ToFolderId><t:DistinguishedFolderId Id="inbox"/></m:ToFolderId><m:ItemIds><t:ItemId Id="` + lost + `"/></m:ItemIds></m:MoveItem>`)
	if find("inbox") == "" || find("recoverableitemsdeletions") != "" {
		t.Fatal("a move does not bring it back")
	}
	remove(find("inbox"), "MoveToDeletedItems")
	remove(find("deleteditems"), "SoftDelete")
	remove(find("recoverableitemsdeletions"), "HardDelete")
	for _, folder := range []string{"inbox", "deleteditems", "recoverableitemsdeletions", "recoverableitemspurges"} {
		if find(folder) != "" {
			t.Errorf("it is in %s still", folder)
		}
	}
}

// TestQuotaExceeded holds what a full mailbox answers to sending and to new items.
func TestQuotaExceeded(t *testing.T) {
	w := newWorld(t)
	w.deliver("From: carol@example.com\r\nTo: anna@contoso.com\r\nSubject: x\r\n\r\nWords.\r\n")
	create := func(disposition string) string {
		_, answer := w.ask(wrap(`<m:CreateItem MessageDisposition="` + disposition + `"><m:Items><t:Message><t:Subject>y</t:Subject><t:Body BodyType="Text">z</t:Body>
			<t:ToRecipients><t:Mailbox><t:EmailAddress>bob@contoso.com</t:EmailAddress></t:Mailbox></t:ToRecipients></t:Message></m:Items></m:CreateItem>`))
		return answer
	}
	w.anna.OwnQuota, w.anna.Quota = true, org.Quota{IssueWarning: 1, ProhibitSend: 1}
	if answer := create("SendOnly"); !strings.Contains(answer, "ErrorQuotaExceeded") {
		t.Errorf("sent past ProhibitSend: %s", answer)
	}
	if answer := create("SaveOnly"); !strings.Contains(answer, "NoError") {
		t.Errorf("not saved below ProhibitSendReceive: %s", answer)
	}
	if err := w.mail.WarnQuota(t.Context(), w.mailbox(w.anna), w.anna.PrimarySMTP); err != nil {
		t.Fatal(err)
	}
	if items := w.items(store.RoleInbox); len(items) != 2 {
		t.Errorf("%d messages in the inbox, want the warning too", len(items))
	}
	w.anna.Quota.ProhibitSendReceive = 1
	if answer := create("SaveOnly"); !strings.Contains(answer, "ErrorQuotaExceeded") {
		t.Errorf("saved past ProhibitSendReceive: %s", answer)
	}
}
