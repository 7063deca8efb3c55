package addressbook

import (
	"hma/exchange/org"
	"hma/exchange/store"
)

// MailboxInfo returns what the store must know of a person to open the mailbox:
// every door opens it with the same.
func MailboxInfo(r *org.Recipient) store.MailboxInfo {
	quota, retain := r.Limits()
	return store.MailboxInfo{OwnerSID: r.SID, LegacyDN: r.LegacyDN, DisplayName: r.DisplayName,
		WarnQuota: quota.IssueWarning, SendQuota: quota.ProhibitSend, Quota: quota.ProhibitSendReceive, RetainDeleted: retain}
}
