package ews

import (
	"hma/exchange/store"
	"hma/wire/mapi"
)

// picture is what a contact says of its photo once the attachment is there, or gone (MS-OXOCNTC 2.2.1.8);
// nil for an attachment that is no photo.
func picture(a *store.Attachment, there bool) mapi.Bag {
	if !a.Props.Bool(mapi.PidTagAttachmentContactPhoto) {
		return nil
	}
	return mapi.Bag{mapi.PidLidHasPicture: there}
}
