package cmdlet

import (
	"slices"
	"strings"

	"hma/exchange/org"
	"hma/wire/psobject"
)

// adUser: isCriticalSystemObject, which keeps the built-in Administrator from being synchronised.
func adUser() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Get-ADUser", Synopsis: "Shows directory accounts; -Properties adds attributes, for example isCriticalSystemObject.",
		Asks: `how-to, "Steps to enable ... OWA and ECP", step 10: accounts with isCriticalSystemObject`,
		Params: []psobject.Parameter{identity(false), param("Filter", "string"), param("Properties", "strings"),
			{Name: "ResultSize", Type: "string", Aliases: []string{"ResultSetSize"}}}}, getADUser}}
}

// getADUser wants an identity or a filter, "*" for everybody, as the directory's own cmdlet does.
func getADUser(c *call) error {
	if c.args.text("Identity") == "" && c.args.text("Filter") == "" {
		return invalid("Filter", "Give an -Identity or a -Filter; * is everybody.")
	}
	// A filter may name attributes that are not shown: it sees them all.
	wanted := c.args.strings("Properties")
	extra := func(name string) bool {
		return slices.ContainsFunc(wanted, func(w string) bool { return w == "*" || strings.EqualFold(w, name) })
	}
	from := len(c.res.Output)
	err := c.eachPerson(isAccount, simply(showADUser))
	for i := from; i < len(c.res.Output); i++ {
		o := &c.res.Output[i]
		o.Properties = slices.DeleteFunc(o.Properties, func(p psobject.Property) bool {
			return slices.Contains(adExtras, p.Name) && !extra(p.Name)
		})
	}
	return err
}

// adExtras are attributes that -Properties must ask for.
var adExtras = []string{"adminCount", "Guid", "isCriticalSystemObject", "mail", "mS-DS-ConsistencyGuid", "msExchMasterAccountSid", "proxyAddresses"}

func showADUser(cfg *org.Configuration, p *org.Recipient) psobject.Object {
	o := newObject("Microsoft.ActiveDirectory.Management.ADUser").
		add("DistinguishedName", personDN(cfg, p)).add("Enabled", p.Enabled).add("GivenName", blank(p.GivenName)).add("Name", p.DisplayName).
		add("ObjectClass", "user").add("ObjectGUID", p.GUID.String()).add("SamAccountName", p.SAMAccount).add("SID", p.SID).
		add("Surname", blank(p.Surname)).add("UserPrincipalName", p.UPN).add("Guid", p.GUID.String())
	if p.Administrator {
		o.add("adminCount", int64(1))
	} else {
		o.add("adminCount", nil)
	}
	// The attribute is absent on ordinary accounts.
	if p.CriticalSystemObject {
		o.add("isCriticalSystemObject", true)
	} else {
		o.add("isCriticalSystemObject", nil)
	}
	return o.add("mail", blank(p.PrimarySMTP)).add("mS-DS-ConsistencyGuid", blank(p.ImmutableID)).
		add("msExchMasterAccountSid", blank(p.MasterAccountSID)).add("proxyAddresses", proxyAddresses(p)).Object
}
