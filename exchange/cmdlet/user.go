package cmdlet

import (
	"hma/exchange/org"
	"hma/wire/psobject"
)

const askSync = `how-to, prerequisite 6: "Ensure that all user identities are synchronized with Microsoft Entra ID"`

// user: who is synchronised, and which authentication policy applies to whom.
func user() []*cmdlet {
	return []*cmdlet{
		{psobject.Command{Name: "Get-User", Synopsis: "Shows people; page with -ResultSize and -Filter \"Guid -gt '<last one>'\".", Asks: askSync + "; " + askPolicy,
			Params: peopleParams()}, func(c *call) error { return c.eachPerson(isAccount, simply(showUser)) }},
		{psobject.Command{Name: "Set-User", Synopsis: "Changes a person's names and authentication policy.", Asks: askPolicy,
			Params: []psobject.Parameter{identity(true), param("AuthenticationPolicy", "string"), param("UserPrincipalName", "string"),
				param("DisplayName", "string"), param("FirstName", "string"), param("LastName", "string"), confirm}}, setUser},
	}
}

func showUser(cfg *org.Configuration, p *org.Recipient) psobject.Object {
	control := "NormalAccount"
	if !p.Enabled {
		control = "AccountDisabled, NormalAccount"
	}
	return newObject("Microsoft.Exchange.Data.Directory.Management.User").
		add("SamAccountName", p.SAMAccount).add("Sid", p.SID).add("UserPrincipalName", p.UPN).add("UserAccountControl", control).
		add("AccountDisabled", !p.Enabled).add("AuthenticationPolicy", policyName(cfg, p.AuthenticationPolicy)).
		add("IsDirSynced", p.Synchronised()).add("ImmutableId", blank(p.ImmutableID)).add("ExternalDirectoryObjectId", blank(p.ObjectID)).
		add("DisplayName", p.DisplayName).add("FirstName", blank(p.GivenName)).add("LastName", blank(p.Surname)).
		add("IsLinked", p.MasterAccountSID != "").add("LinkedMasterAccount", blank(p.LinkedMasterAccount)).
		add("WindowsEmailAddress", blank(p.PrimarySMTP)).add("RecipientType", recipientType(p)).add("RecipientTypeDetails", recipientDetails(p)).
		tail(cfg, personTail(cfg, p)).Object
}

func setUser(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	policy, err := policyID(cfg, c.args.text("AuthenticationPolicy"))
	if err != nil {
		return err
	}
	if upn := c.args.text("UserPrincipalName"); c.args.has("UserPrincipalName") {
		p, err := c.onePerson(isAccount)
		if err != nil {
			return err
		}
		if !validAddress(upn) {
			return invalid("UserPrincipalName", "'%s' is no user principal name.", upn)
		}
		if err := c.free(p, upn); err != nil {
			return err
		}
	}
	return c.updatePerson(isAccount, func(p *org.Recipient) error {
		if c.args.has("AuthenticationPolicy") {
			p.AuthenticationPolicy = policy
		}
		for name, field := range map[string]*string{"UserPrincipalName": &p.UPN, "DisplayName": &p.DisplayName, "FirstName": &p.GivenName, "LastName": &p.Surname} {
			if c.args.has(name) {
				*field = c.args.text(name)
			}
		}
		return nil
	})
}
