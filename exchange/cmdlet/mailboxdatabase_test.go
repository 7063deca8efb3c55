package cmdlet_test

import (
	"testing"
	"time"

	"hma/exchange/org"
)

// What the database says counts for whoever has no limits of their own.
func TestMailboxDatabase(t *testing.T) {
	l := newLab(t)
	limits := func() (org.Quota, time.Duration) {
		t.Helper()
		list, err := l.org.BySMTP(t.Context(), "anna@contoso.com")
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		return list[0].Limits()
	}
	shows := func(want map[string]string) {
		t.Helper()
		list := l.ok("Get-MailboxDatabase").Output
		if len(list) != 1 {
			t.Fatal(list)
		}
		for name, value := range want {
			if got := list[0].String(name); got != value {
				t.Errorf("%s is %q, want %q", name, got, value)
			}
		}
	}
	shows(map[string]string{"Name": "Mailbox Database", "IssueWarningQuota": "1.899 GB (2,039,480,320 bytes)", "ProhibitSendQuota": "2 GB (2,147,483,648 bytes)",
		"ProhibitSendReceiveQuota": "2.3 GB (2,469,396,480 bytes)", "DeletedItemRetention": "14.00:00:00"})
	if quota, retain := limits(); quota != org.StockDatabase().Quota || retain != 14*24*time.Hour {
		t.Errorf("stock limits are %v, %v", quota, retain)
	}
	l.ok("Set-MailboxDatabase", "Identity", "Mailbox Database", "IssueWarningQuota", "1MB", "ProhibitSendQuota", "2MB", "ProhibitSendReceiveQuota", "Unlimited", "DeletedItemRetention", "30")
	want := org.Quota{IssueWarning: 1 << 20, ProhibitSend: 2 << 20}
	if quota, retain := limits(); quota != want || retain != 30*24*time.Hour {
		t.Errorf("limits of the database are %v, %v", quota, retain)
	}
	shows(map[string]string{"ProhibitSendReceiveQuota": "Unlimited", "DeletedItemRetention": "30.00:00:00"})
	if got := l.ok("Get-Mailbox", "Identity", "Anna").Output; len(got) != 1 || got[0].String("RetainDeletedItemsFor") != "30.00:00:00" || got[0].String("ProhibitSendQuota") != "Unlimited" {
		t.Errorf("the mailbox shows %v", got)
	}
	l.ok("Set-Mailbox", "Identity", "Anna", "UseDatabaseRetentionDefaults", false)
	l.ok("Set-MailboxDatabase", "Identity", "Mailbox Database", "DeletedItemRetention", "7")
	if _, retain := limits(); retain != 30*24*time.Hour {
		t.Errorf("a mailbox that left the database's defaults keeps %v", retain)
	}
	l.ok("Set-Mailbox", "Identity", "Anna", "UseDatabaseQuotaDefaults", false, "ProhibitSendQuota", "5MB")
	if quota, _ := limits(); quota.ProhibitSend != 5<<20 || quota.IssueWarning != 0 {
		t.Errorf("limits of the mailbox's own are %v", quota)
	}
	l.refused("InvalidArgument", "must rise", "Set-MailboxDatabase", "Identity", "Mailbox Database", "IssueWarningQuota", "3GB")
	l.refused("InvalidArgument", "24855", "Set-MailboxDatabase", "Identity", "Mailbox Database", "DeletedItemRetention", "0")
	l.refused("ObjectNotFound", "Other", "Set-MailboxDatabase", "Identity", "Other", "DeletedItemRetention", "1")
	l.refused("ObjectNotFound", "Other", "Get-MailboxDatabase", "Identity", "Other")
}
