package ews

import (
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// awaited tells whether the sender of the item is to be told when it is read.
func awaited(x *itemWriter) bool {
	return x.item.Props.Int32(mapi.PidTagMessageFlags)&mapi.MsgFlagNotifyRead != 0
}

// suppressReadReceipt answers CreateItem with SuppressReadReceipt (MS-OXWSMSG
// 2.2.4.4): the sender of the item is told nothing. It makes no item.
func suppressReadReceipt(c *call, e *soap.Element, _ string, _ *store.FolderID) (store.Stamp, string, error) {
	item, err := c.referenced(e)
	if err != nil {
		return store.Stamp{}, "", err
	}
	return store.Stamp{}, "", c.box(item.ID).SettleReceipts(c.ctx, item.ID)
}
