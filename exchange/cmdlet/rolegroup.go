package cmdlet

import (
	"crypto/sha256"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

// roleGroups are the role groups that there are, with the roles and the words that Exchange gives them.
var roleGroups = []struct {
	name        org.RoleGroup
	roles       []string
	description string
}{
	{org.OrganizationManagement, []string{"Organization Configuration", "Organization Client Access", "Recipient Policies", "Mail Recipients",
		"Role Management", "View-Only Configuration", "View-Only Recipients", "View-Only Audit Logs"}, "Members of this group may run every cmdlet."},
	{org.ViewOnlyManagement, []string{"View-Only Configuration", "View-Only Recipients", "View-Only Audit Logs"},
		"Members of this group may run the cmdlets that change nothing: Get, Test and Search."},
}

// roleGroup: who may run what.
func roleGroup() []*cmdlet {
	return []*cmdlet{{psobject.Command{Name: "Get-RoleGroup", Synopsis: "Shows the role groups with their members.", Asks: askAdministers,
		Params: []psobject.Parameter{identity(false)}}, getRoleGroup}}
}

func getRoleGroup(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	members := map[org.RoleGroup][]string{}
	for page := (*org.Recipient)(nil); ; {
		people, err := c.r.org.AllRecipients(c, page, pageSize)
		if err != nil {
			return err
		}
		for _, p := range people {
			page = p
			for _, g := range roleGroups {
				if p.In(g.name) {
					members[g.name] = append(members[g.name], personTail(cfg, p).identity)
				}
			}
		}
		if len(people) < pageSize {
			break
		}
	}
	identity := c.args.text("Identity")
	found := identity == ""
	for _, g := range roleGroups {
		name := string(g.name)
		id := roleGroupGUID(cfg, name)
		dn := "CN=" + name + ",OU=Microsoft Exchange Security Groups," + domainDN(cfg)
		if identity != "" && !is(identity, id, name, dn) {
			continue
		}
		found = true
		c.put(newObject("Microsoft.Exchange.Data.Directory.Management.RoleGroup").
			add("ManagedBy", []string{cfg.Org.Domain + "/Microsoft Exchange Security Groups/" + string(org.OrganizationManagement)}).
			add("Roles", g.roles).add("DisplayName", nil).add("Members", members[g.name]).add("SamAccountName", name).
			add("Description", g.description).add("RoleGroupType", "Standard").
			tail(cfg, tail{version: "0.10 (14.0.100.0)", name: name, dn: dn, identity: cfg.Org.Domain + "/Microsoft Exchange Security Groups/" + name, guid: id,
				category: "Group", classes: []string{"top", "group"}, stamp: cfg.Org.Stamp}).Object)
	}
	if !found {
		return notFound(identity)
	}
	return nil
}

// roleGroupGUID is the same for a group of one organisation each time: the groups are no rows.
func roleGroupGUID(cfg *org.Configuration, name string) guid.GUID {
	sum := sha256.Sum256([]byte(cfg.Org.GUID.String() + name))
	return guid.FromBytesLE([16]byte(sum[:16]))
}
