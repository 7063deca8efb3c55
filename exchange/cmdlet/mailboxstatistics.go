package cmdlet

import (
	"errors"

	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/psobject"
)

// mailboxStatistics: how much mailboxes hold, and how they stand to their quotas.
func mailboxStatistics() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Get-MailboxStatistics", Synopsis: "Shows how much a mailbox holds.",
		Asks: "what Set-Mailbox's quotas are held against", Params: []psobject.Parameter{identity(true)}}, getMailboxStatistics}}
}

func getMailboxStatistics(c *call) error {
	p, err := c.onePerson(hasMailbox)
	if err != nil {
		return err
	}
	u, err := c.r.opts.Usage(c, p)
	if errors.Is(err, store.ErrNotFound) {
		c.warn("The user hasn't logged on to mailbox '%s', so there is no data to return.", p.DisplayName)
		return nil
	}
	if err != nil {
		return err
	}
	o := newObject("Microsoft.Exchange.Management.MapiTasks.Presentation.MailboxStatistics").
		add("AssociatedItemCount", u.Associated).add("DeletedItemCount", u.Deleted).add("DisplayName", p.DisplayName).add("ItemCount", u.Items)
	c.put(o.add("LastLogonTime", when(u.LastLogon)).add("LegacyDN", p.LegacyDN).add("MailboxGuid", p.MailboxGUID.String()).add("StorageLimitStatus", string(statusUnder(u, p))).
		add("TotalDeletedItemSize", byteSize(u.DeletedSize)).add("TotalItemSize", byteSize(u.Size)).add("Identity", p.MailboxGUID.String()).Object)
	return nil
}

// statusUnder is how the mailbox stands to the limits that the directory has now.
func statusUnder(u store.Usage, p *org.Recipient) store.Status {
	quota, _ := p.Limits()
	u.Info.WarnQuota, u.Info.SendQuota, u.Info.Quota = quota.IssueWarning, quota.ProhibitSend, quota.ProhibitSendReceive
	return u.Status()
}
