package org

import "hma/wire/guid"

// Archive is the second mailbox of somebody who has one, for what is old (Enable-Mailbox -Archive).
type Archive struct {
	GUID guid.GUID // of the mailbox
	Name string
	// Disabled tells that it was taken away (Disable-Mailbox -Archive): nobody opens it, and with
	// Enable-Mailbox it comes back with what is in it.
	Disabled bool `json:",omitempty"`
}

// ArchiveGUID returns the GUID of the recipient's archive mailbox, the nil GUID without one.
func (r *Recipient) ArchiveGUID() guid.GUID {
	if r.Archive == nil || r.Archive.Disabled {
		return guid.Nil
	}
	return r.Archive.GUID
}

// EnableArchive gives the recipient an archive mailbox, or the one back that was taken away; name is what
// it is called, "" for the stock name.
func (r *Recipient) EnableArchive(name string) {
	if r.Archive == nil {
		r.Archive = &Archive{GUID: guid.New(), Name: "In-Place Archive - " + r.DisplayName}
	}
	if r.Archive.Disabled = false; name != "" {
		r.Archive.Name = name
	}
}
