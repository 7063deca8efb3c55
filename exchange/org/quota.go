package org

import (
	"time"

	"hma/wire/guid"
)

// Quota are the sizes at which a mailbox is warned, may not send any more, and may
// neither send nor receive (Set-Mailbox). They are bytes; 0 is unlimited.
type Quota struct {
	IssueWarning        int64 `json:",omitempty"`
	ProhibitSend        int64 `json:",omitempty"`
	ProhibitSendReceive int64 `json:",omitempty"`
}

// MailboxDatabase is what the mailboxes in it that have no limits of their own may hold
// (Get-MailboxDatabase). There is one, and every mailbox is in it.
type MailboxDatabase struct {
	Stamp
	GUID  guid.GUID
	Name  string
	Quota Quota
	// DeletedItemRetention is how long what was deleted from Deleted Items is kept.
	DeletedItemRetention time.Duration
}

// StockDatabase returns the database of a fresh organisation (New-MailboxDatabase).
func StockDatabase() *MailboxDatabase {
	return &MailboxDatabase{Name: "Mailbox Database", DeletedItemRetention: 14 * 24 * time.Hour,
		Quota: Quota{IssueWarning: 1945 << 20, ProhibitSend: 2 << 30, ProhibitSendReceive: 2355 << 20}}
}

// Database returns the mailbox database. An organisation that was made before there was
// one has the stock one, which is none of the Databases until it is changed.
func (c *Configuration) Database() *MailboxDatabase {
	if len(c.Databases) > 0 {
		return c.Databases[0]
	}
	return StockDatabase()
}

// Limits returns what counts for the mailbox: its own limits, or its database's as the
// configuration was when it was last read here. A change by another process counts as late
// as one of the other settings does.
func (r *Recipient) Limits() (quota Quota, retainDeleted time.Duration) {
	database := StockDatabase() // of somebody who was not read from the directory
	if r.config != nil {
		if c := r.config.Load(); c != nil {
			database = c.Database()
		}
	}
	quota, retainDeleted = database.Quota, database.DeletedItemRetention
	if r.OwnQuota {
		quota = r.Quota
	}
	if r.OwnRetention {
		retainDeleted = r.RetainDeletedItemsFor
	}
	return quota, retainDeleted
}
