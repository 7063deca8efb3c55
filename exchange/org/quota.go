package org

import "time"

// Quota are the sizes at which a mailbox is warned, may not send any more, and may
// neither send nor receive (Set-Mailbox). They are bytes; 0 is unlimited.
type Quota struct {
	IssueWarning        int64 `json:",omitempty"`
	ProhibitSend        int64 `json:",omitempty"`
	ProhibitSendReceive int64 `json:",omitempty"`
}

// DatabaseQuota and DatabaseRetention are what a stock mailbox database gives the
// mailboxes in it that have no limits of their own (New-MailboxDatabase).
var DatabaseQuota = Quota{IssueWarning: 1945 << 20, ProhibitSend: 2 << 30, ProhibitSendReceive: 2355 << 20}

// DatabaseRetention is how long a stock database keeps what was deleted from Deleted Items.
const DatabaseRetention = 14 * 24 * time.Hour

// Limits returns what counts for the mailbox: its own limits, or its database's.
func (r *Recipient) Limits() (quota Quota, retainDeleted time.Duration) {
	quota, retainDeleted = DatabaseQuota, DatabaseRetention
	if r.OwnQuota {
		quota = r.Quota
	}
	if r.OwnRetention {
		retainDeleted = r.RetainDeletedItemsFor
	}
	return quota, retainDeleted
}
