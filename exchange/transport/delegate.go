package transport

import (
	"context"
	"errors"
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
)

// Copies of meeting messages for delegates: what the delegate rule of MS-OXODLGT does,
// by the settings of the mailbox.

// PrincipalWantsCopy is PidLidMeetingType of a request that delegates handle and that
// its receiver has to look at (MS-OXOCAL 2.2.6.5).
const PrincipalWantsCopy int32 = 0x0010_0000

// private is PidTagSensitivity of what delegates do not get (MS-OXCMSG 2.2.1.13).
const private int32 = 2

// person returns the mailbox of the person with the SID.
func (t *Transport) person(ctx context.Context, sid string) (*Mailbox, error) {
	if t.cfg.Person == nil || sid == "" {
		return nil, ErrUnknownRecipient
	}
	return t.cfg.Person(ctx, sid)
}

// delegate adds to what becomes of a meeting message the delegates who get copies of
// such, and where the owner has it then. A private one, one that went to junk, one that
// a rule deletes and one that is a delegate's copy itself stay.
func (d *delivery) delegate(ctx context.Context, v *verdict) error {
	class := strings.ToUpper(d.item.Props.String(mapi.PidTagMessageClass))
	if !strings.HasPrefix(class, "IPM.SCHEDULE.MEETING.") || d.principal != nil || d.item.Props.Int32(mapi.PidTagSensitivity) == private || v.gone || d.junk(v) {
		return nil
	}
	list, err := d.mailbox.Delegates(ctx)
	if err != nil || list.Delivery == store.NoForward {
		return err
	}
	for _, one := range list.List {
		if !one.MeetingCopies {
			continue
		}
		who, err := d.person(ctx, one.SID)
		if errors.Is(err, ErrUnknownRecipient) {
			continue
		}
		if err != nil {
			return err
		}
		v.delegates = append(v.delegates, who.Address)
	}
	if len(v.delegates) == 0 {
		return nil
	}
	switch list.Delivery {
	case store.DelegatesOnly:
		deleted, err := d.mailbox.RoleID(store.RoleDeletedItems)
		if err != nil {
			return err
		}
		v.folder, v.applied = deleted, v.applied+1
	case store.DelegatesAndSendInformationToMe:
		if strings.HasPrefix(class, "IPM.SCHEDULE.MEETING.REQUEST") {
			d.item.Props[mapi.PidLidMeetingType] = PrincipalWantsCopy
		}
	}
	return nil
}

// represent tells in a delegate's copy whose it is (MS-OXOMSG 2.2.1.23 to 2.2.1.26);
// it returns that address, "" for what is no copy.
func (d *delivery) represent() string {
	if d.principal == nil {
		return ""
	}
	a := oxcmail.Address{Name: d.principal.Info.DisplayName, Email: d.principal.Address}
	p := d.item.Props
	p[mapi.PidTagReceivedRepresentingName], p[mapi.PidTagReceivedRepresentingAddressType] = a.Display(), "SMTP"
	p[mapi.PidTagReceivedRepresentingEmail], p[mapi.PidTagReceivedRepresentingEntryID] = a.Email, oxcmail.OneOff(a)
	p[mapi.PidTagDelegatedByRule] = true
	return a.Email
}
