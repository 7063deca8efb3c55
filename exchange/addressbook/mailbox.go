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

// ArchiveInfo is what the store is told of the recipient's archive mailbox, which
// has no limits of its own.
func ArchiveInfo(r *org.Recipient) store.MailboxInfo {
	_, retain := r.Limits()
	return store.MailboxInfo{OwnerSID: r.SID, LegacyDN: r.LegacyDN, DisplayName: r.Archive.Name, RetainDeleted: retain}
}
