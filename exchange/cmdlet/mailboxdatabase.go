package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/psobject"
)

const askDatabase = "issue: quotas and deleted items retention (UseDatabaseQuotaDefaults)"

// mailboxDatabase: what mailboxes without limits of their own may hold.
func mailboxDatabase() []*cmdlet {
	return []*cmdlet{
		{psobject.Command{Name: "Get-MailboxDatabase", Synopsis: "Shows the mailbox database with the limits that it gives its mailboxes.", Asks: askDatabase,
			Params: []psobject.Parameter{identity(false)}}, getMailboxDatabase},
		{psobject.Command{Name: "Set-MailboxDatabase", Synopsis: "Changes the limits of mailboxes that have none of their own.", Asks: askDatabase,
			Params: []psobject.Parameter{identity(true), param("IssueWarningQuota", "string"), param("ProhibitSendQuota", "string"), param("ProhibitSendReceiveQuota", "string"),
				param("DeletedItemRetention", "string"), confirm}}, setMailboxDatabase},
	}
}

func databaseDN(cfg *org.Configuration, d *org.MailboxDatabase) string {
	return "CN=" + d.Name + ",CN=Databases,CN=Exchange Administrative Group (FYDIBOHF23SPDLT),CN=Administrative Groups," + orgDN(cfg)
}

// theDatabase returns the one that there is, when the identity names it.
func theDatabase(cfg *org.Configuration, identity string) (*org.MailboxDatabase, error) {
	d := cfg.Database()
	if !is(identity, d.GUID, d.Name, databaseDN(cfg, d)) {
		return nil, notFound(identity)
	}
	return d, nil
}

func getMailboxDatabase(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	d := cfg.Database()
	if identity := c.args.text("Identity"); identity != "" {
		if d, err = theDatabase(cfg, identity); err != nil {
			return err
		}
	}
	c.put(newObject("Microsoft.Exchange.Data.Directory.SystemConfiguration.MailboxDatabase").
		add("IssueWarningQuota", byteLimit(d.Quota.IssueWarning)).add("ProhibitSendQuota", byteLimit(d.Quota.ProhibitSend)).
		add("ProhibitSendReceiveQuota", byteLimit(d.Quota.ProhibitSendReceive)).add("DeletedItemRetention", timeSpan(d.DeletedItemRetention)).
		tail(cfg, tail{version: "0.10 (14.0.100.0)", name: d.Name, dn: databaseDN(cfg, d), identity: d.Name, guid: d.GUID,
			category: "ms-Exch-Private-MDB", classes: []string{"top", "msExchMDB", "msExchPrivateMDB"}, stamp: d.Stamp}).Object)
	return nil
}

func setMailboxDatabase(c *call) error {
	identity := c.args.text("Identity")
	return c.change(func() string { return identity }, func(cfg *org.Configuration) error {
		d, err := theDatabase(cfg, identity)
		if err != nil {
			return err
		}
		if len(cfg.Databases) == 0 {
			cfg.Databases = []*org.MailboxDatabase{d}
		}
		if err := c.quota(&d.Quota, d.Name); err != nil {
			return err
		}
		if c.args.has("DeletedItemRetention") {
			d.DeletedItemRetention, err = c.retention("DeletedItemRetention")
		}
		return err
	})
}
