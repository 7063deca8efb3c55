package ews

import (
	"strings"

	"hma/exchange/store"
)

// addDelegate answers AddDelegate (MS-OXWSDLGM 3.1.4.2).
func addDelegate(c *call) error {
	if _, err := c.child("DelegateUsers"); err != nil {
		return err
	}
	return c.setDelegates(func(box *store.Mailbox, list *store.Delegates, d *delegateNamed, draft *delegateDraft) error {
		switch {
		case strings.EqualFold(d.sid, box.Info().OwnerSID):
			return errDelegateOwner
		case d.person == nil:
			return errDelegateNoUser
		case list.Find(d.sid) != nil:
			return errDelegateExists
		}
		one := store.Delegate{SID: strings.ToUpper(d.sid)}
		draft.apply(&one)
		list.List = append(list.List, one)
		return nil
	})
}
