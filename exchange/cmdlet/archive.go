package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/psobject"
)

const askArchive = "issue: ArchiveItem, which exchangelib and ews-javascript-api offer"

// archive: the second mailboxes of people.
func archive() []*cmdlet {
	needed := psobject.Parameter{Name: "Archive", Type: "switch", Mandatory: true}
	return []*cmdlet{
		{psobject.Command{Name: "Enable-Mailbox", Synopsis: "Gives somebody with a mailbox an archive mailbox too; one that was taken away comes back as it was.", Asks: askArchive,
			Params: []psobject.Parameter{identity(true), needed, param("ArchiveName", "string"), confirm}}, enableMailbox},
		{psobject.Command{Name: "Disable-Mailbox", Synopsis: "Takes the archive mailbox away; what is in it is kept.", Asks: askArchive,
			Params: []psobject.Parameter{identity(true), needed, confirm}}, disableMailbox},
	}
}

func enableMailbox(c *call) error {
	if err := c.archiveAlone(); err != nil {
		return err
	}
	return c.updatePerson(hasMailbox, func(p *org.Recipient) error {
		if !p.ArchiveGUID().IsNil() {
			return archiveFailure(p, "'"+p.DisplayName+"' has an archive mailbox already.")
		}
		p.EnableArchive(c.args.text("ArchiveName"))
		return nil
	})
}

// archiveAlone refuses what the cmdlets do elsewhere to the mailbox itself.
func (c *call) archiveAlone() error {
	if !c.args.bool("Archive") {
		return invalid("Archive", "Only an archive mailbox can be enabled and disabled here: say -Archive.")
	}
	return nil
}

func disableMailbox(c *call) error {
	if err := c.archiveAlone(); err != nil {
		return err
	}
	return c.updatePerson(hasMailbox, func(p *org.Recipient) error {
		if p.ArchiveGUID().IsNil() {
			return archiveFailure(p, "'"+p.DisplayName+"' has no archive mailbox.")
		}
		p.Archive.Disabled = true
		return nil
	})
}

func archiveFailure(p *org.Recipient, text string) error {
	return &failure{text, "InvalidOperation", "RecipientTaskException", p.DisplayName}
}

// showArchive adds what Get-Mailbox tells of the archive.
func showArchive(o *object, p *org.Recipient) *object {
	id, name, state, status := p.ArchiveGUID(), any(nil), "None", "None"
	if !id.IsNil() {
		name, state, status = p.Archive.Name, "Local", "Active"
	}
	return o.add("ArchiveGuid", id.String()).add("ArchiveName", name).add("ArchiveState", state).add("ArchiveStatus", status)
}
