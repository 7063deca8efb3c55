package cmdlet

import (
	"time"

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

// quota sets what is given of the quotas of somebody or something.
func (c *call) quota(q *org.Quota, of string) error {
	for name, limit := range map[string]*int64{"IssueWarningQuota": &q.IssueWarning, "ProhibitSendQuota": &q.ProhibitSend, "ProhibitSendReceiveQuota": &q.ProhibitSendReceive} {
		if c.args.has(name) {
			n, err := parseByteLimit(name, c.args.text(name))
			if err != nil {
				return err
			}
			*limit = n
		}
	}
	for _, pair := range [][2]int64{{q.IssueWarning, q.ProhibitSend}, {q.IssueWarning, q.ProhibitSendReceive}, {q.ProhibitSend, q.ProhibitSendReceive}} {
		if pair[0] > pair[1] && pair[1] > 0 {
			return invalid("IssueWarningQuota", "The quotas of '%s' must rise: IssueWarningQuota, ProhibitSendQuota, ProhibitSendReceiveQuota.", of)
		}
	}
	return nil
}

// retention reads how long something is kept.
func (c *call) retention(name string) (time.Duration, error) {
	text := c.args.text(name)
	d, ok := parseTimeSpan(text)
	if !ok || d <= 0 || d > maxRetention {
		return 0, invalid(name, "'%s' is no time from a second to 24855 days; want 14.00:00:00.", text)
	}
	return d, nil
}

// limits sets what is given of the limits.
func (c *call) limits(p *org.Recipient) error {
	if err := c.quota(&p.Quota, p.DisplayName); err != nil {
		return err
	}
	if c.args.has("UseDatabaseQuotaDefaults") {
		p.OwnQuota = !c.args.bool("UseDatabaseQuotaDefaults")
	}
	if c.args.has("RetainDeletedItemsFor") {
		d, err := c.retention("RetainDeletedItemsFor")
		if err != nil {
			return err
		}
		p.RetainDeletedItemsFor, p.OwnRetention = d, true
	}
	if c.args.has("UseDatabaseRetentionDefaults") {
		if own := !c.args.bool("UseDatabaseRetentionDefaults"); own && p.RetainDeletedItemsFor == 0 {
			_, p.RetainDeletedItemsFor = p.Limits()
		}
		p.OwnRetention = !c.args.bool("UseDatabaseRetentionDefaults")
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
