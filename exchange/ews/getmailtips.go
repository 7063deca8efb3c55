package ews

import (
	"slices"
	"strconv"
	"strings"

	"hma/exchange/transport"
	"hma/wire/oxcmail"
	"hma/wire/soap"
)

// maxTips is how many recipients one request may ask about, as clients are told by GetServiceConfiguration.
const maxTips = 50

// mailTipTypes are the values of MailTipsRequested (MailTipTypes, MS-OXWMT 2.2.5.1).
var mailTipTypes = []string{"All", "OutOfOfficeMessage", "MailboxFullStatus", "CustomMailTip", "ExternalMemberCount", "TotalMemberCount",
	"MaxMessageSize", "DeliveryRestriction", "ModerationStatus", "InvalidRecipient"}

// getMailTips answers GetMailTips (MS-OXWMT 3.1.4.1): what a sender should know of
// each recipient before sending. There are no custom tips and no moderation here.
func getMailTips(c *call) error {
	if e := c.req.Child(soap.NSMessages, "SendingAs"); e == nil {
		return invalid(c.req, "SendingAs is missing")
	}
	list, err := c.ids("Recipients")
	if err != nil {
		return err
	}
	if len(list) > maxTips {
		return &problem{"ErrorInvalidRecipients", "The request names too many recipients."}
	}
	wanted, err := c.wantedTips()
	if err != nil {
		return err
	}
	var people []oxcmail.Address
	for _, e := range list {
		a, err := address(e)
		if err != nil {
			return err
		}
		people = append(people, a)
	}
	return c.alone(func() error {
		c.w.Start("m:ResponseMessages")
		for _, a := range people {
			tip, err := c.door.mail.Tip(c.ctx, a.Email, c.person.SID)
			if err != nil {
				return err
			}
			c.w.Start("m:MailTipsResponseMessageType", "ResponseClass", "Success")
			c.w.Element("m:ResponseCode", "NoError")
			c.writeTip(a, tip, wanted)
			c.w.End("m:MailTipsResponseMessageType")
		}
		c.w.End("m:ResponseMessages")
		return c.w.Err()
	})
}

// wantedTips returns the function that tells whether a type of tip is asked for.
func (c *call) wantedTips() (func(string) bool, error) {
	e, err := c.child("MailTipsRequested")
	if err != nil {
		return nil, err
	}
	asked := strings.Fields(e.Text)
	for _, name := range asked {
		if !slices.Contains(mailTipTypes, name) {
			return nil, invalid(e, "%q is no type of mail tip", name)
		}
	}
	return func(name string) bool { return slices.Contains(asked, "All") || slices.Contains(asked, name) }, nil
}

func (c *call) writeTip(a oxcmail.Address, tip transport.Tip, wanted func(string) bool) {
	w := c.w
	w.Start("m:MailTips")
	w.Start("t:RecipientAddress")
	w.Element("t:Name", a.Display())
	w.Element("t:EmailAddress", a.Email)
	w.Element("t:RoutingType", "SMTP")
	w.End("t:RecipientAddress")
	w.Element("t:PendingMailTips", "")
	if wanted("OutOfOfficeMessage") && tip.OutOfOffice.Text != "" {
		w.Start("t:OutOfOffice")
		c.writeReply("t:ReplyBody", tip.OutOfOffice)
		if !tip.Start.IsZero() {
			c.writeDuration(tip.Start, tip.End)
		}
		w.End("t:OutOfOffice")
	}
	if wanted("MailboxFullStatus") {
		w.Bool("t:MailboxFull", tip.Full)
	}
	if tip.Members > 0 && wanted("TotalMemberCount") {
		w.Element("t:TotalMemberCount", strconv.Itoa(tip.Members))
	}
	if tip.Members > 0 && wanted("ExternalMemberCount") {
		w.Element("t:ExternalMemberCount", "0") // who receives mail here is of this organisation
	}
	if wanted("MaxMessageSize") && !tip.Outside && !tip.Invalid {
		w.Element("t:MaxMessageSize", strconv.Itoa(transport.MaxMessage))
	}
	if wanted("DeliveryRestriction") {
		w.Bool("t:DeliveryRestricted", tip.Restricted)
	}
	if wanted("ModerationStatus") {
		w.Bool("t:IsModerated", false)
	}
	if wanted("InvalidRecipient") {
		w.Bool("t:InvalidRecipient", tip.Invalid)
	}
	w.End("m:MailTips")
}
