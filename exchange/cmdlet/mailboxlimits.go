package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/psobject"
)

// limitParams are the parameters of Set-Mailbox that limit how much it holds.
func limitParams() []psobject.Parameter {
	return []psobject.Parameter{param("IssueWarningQuota", "string"), param("ProhibitSendQuota", "string"), param("ProhibitSendReceiveQuota", "string"),
		param("UseDatabaseQuotaDefaults", "bool"), param("RetainDeletedItemsFor", "string"), param("UseDatabaseRetentionDefaults", "bool")}
}

// maxRetention bounds RetainDeletedItemsFor, as Exchange does: 24,855 days.
const maxRetention = 24855 * day

// limits sets what is given of the limits.
func (c *call) limits(p *org.Recipient) error {
	for name, limit := range map[string]*int64{"IssueWarningQuota": &p.Quota.IssueWarning, "ProhibitSendQuota": &p.Quota.ProhibitSend, "ProhibitSendReceiveQuota": &p.Quota.ProhibitSendReceive} {
		if c.args.has(name) {
			n, err := parseByteLimit(name, c.args.text(name))
			if err != nil {
				return err
			}
			*limit = n
		}
	}
	q := p.Quota
	for _, pair := range [][2]int64{{q.IssueWarning, q.ProhibitSend}, {q.IssueWarning, q.ProhibitSendReceive}, {q.ProhibitSend, q.ProhibitSendReceive}} {
		if pair[0] > pair[1] && pair[1] > 0 {
			return invalid("IssueWarningQuota", "The quotas of '%s' must rise: IssueWarningQuota, ProhibitSendQuota, ProhibitSendReceiveQuota.", p.DisplayName)
		}
	}
	if c.args.has("UseDatabaseQuotaDefaults") {
		p.OwnQuota = !c.args.bool("UseDatabaseQuotaDefaults")
	}
	if c.args.has("RetainDeletedItemsFor") {
		text := c.args.text("RetainDeletedItemsFor")
		d, ok := parseTimeSpan(text)
		if !ok || d <= 0 || d > maxRetention {
			return invalid("RetainDeletedItemsFor", "'%s' is no time from a second to 24855 days; want 14.00:00:00.", text)
		}
		p.RetainDeletedItemsFor, p.OwnRetention = d, true
	}
	if c.args.has("UseDatabaseRetentionDefaults") {
		p.OwnRetention = !c.args.bool("UseDatabaseRetentionDefaults")
		if p.OwnRetention && p.RetainDeletedItemsFor == 0 {
			p.RetainDeletedItemsFor = org.DatabaseRetention
		}
	}
	return nil
}

// showLimits adds the mailbox's own limits, as Get-Mailbox shows them.
func showLimits(o *object, p *org.Recipient) *object {
	_, retain := p.Limits()
	return o.add("IssueWarningQuota", byteLimit(p.Quota.IssueWarning)).add("ProhibitSendQuota", byteLimit(p.Quota.ProhibitSend)).
		add("ProhibitSendReceiveQuota", byteLimit(p.Quota.ProhibitSendReceive)).add("UseDatabaseQuotaDefaults", !p.OwnQuota).
		add("RetainDeletedItemsFor", timeSpan(retain)).add("UseDatabaseRetentionDefaults", !p.OwnRetention)
}
