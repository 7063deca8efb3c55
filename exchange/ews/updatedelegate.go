package ews

import "hma/exchange/store"

// updateDelegate answers UpdateDelegate (MS-OXWSDLGM 3.1.4.4). What the request does not name stays.
func updateDelegate(c *call) error {
	return c.setDelegates(func(_ *store.Mailbox, list *store.Delegates, d *delegateNamed, draft *delegateDraft) error {
		one := list.Find(d.sid)
		if one == nil {
			return d.unknown()
		}
		draft.apply(one)
		return nil
	})
}
