package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/psobject"
)

const askBooking = "rule: a room answers invitations by itself"

// calendarProcessing: what mailboxes do with invitations.
func calendarProcessing() []*cmdlet {
	return []*cmdlet{
		{psobject.Command{Name: "Get-CalendarProcessing", Synopsis: "Shows what mailboxes do with invitations.", Asks: askBooking,
			Params: []psobject.Parameter{identity(true), param("ResultSize", "string")}}, func(c *call) error { return c.eachPerson(hasMailbox, simply(showCalendarProcessing)) }},
		{psobject.Command{Name: "Set-CalendarProcessing", Synopsis: "Changes how a room or a piece of equipment is booked.", Asks: askBooking,
			Params: []psobject.Parameter{identity(true), {Name: "AutomateProcessing", Type: "string",
				Values: []string{string(org.ProcessNone), string(org.ProcessUpdate), string(org.ProcessAccept)}}, param("AllowConflicts", "bool"), confirm}}, setCalendarProcessing},
	}
}

func showCalendarProcessing(cfg *org.Configuration, p *org.Recipient) psobject.Object {
	r := org.Resource{Processing: org.ProcessUpdate} // a person answers himself
	if p.Resource != nil {
		r = *p.Resource
	}
	who := personTail(cfg, p).identity
	return newObject("Microsoft.Exchange.Data.Storage.Management.CalendarConfiguration").
		add("AutomateProcessing", string(r.Processing)).add("AllowConflicts", r.AllowConflicts).
		add("MailboxOwnerId", who).add("Identity", who).add("Guid", p.GUID.String()).add("IsValid", true).add("ObjectState", "Changed").Object
}

func setCalendarProcessing(c *call) error {
	return c.updatePerson(hasMailbox, func(p *org.Recipient) error {
		if p.Resource == nil {
			return &failure{"'" + p.DisplayName + "' is neither a room nor a piece of equipment: its owner answers invitations.", "InvalidOperation", "InvalidOperationException", p.DisplayName}
		}
		if c.args.has("AutomateProcessing") {
			p.Resource.Processing = org.AutomateProcessing(c.args.text("AutomateProcessing"))
		}
		c.setSwitch("AllowConflicts", &p.Resource.AllowConflicts)
		return nil
	})
}
