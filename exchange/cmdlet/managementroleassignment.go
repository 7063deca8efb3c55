package cmdlet

import (
	"strings"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

const askAssignments = "issue: impersonation by applications (role ApplicationImpersonation)"

// managementRoleAssignment: who opens mailboxes as their owners.
func managementRoleAssignment() []*cmdlet {
	return []*cmdlet{
		{psobject.Command{Name: "Get-ManagementRoleAssignment", Synopsis: "Shows who may open which mailboxes as their owners.", Asks: askAssignments,
			Params: []psobject.Parameter{identity(false)}}, assignments.get},
		{psobject.Command{Name: "New-ManagementRoleAssignment", Synopsis: "Lets an application or a person open the mailboxes of a group's members, or of everybody, as their owners.", Asks: askAssignments,
			Params: []psobject.Parameter{param("Name", "string"), {Name: "Role", Type: "string", Mandatory: true, Values: []string{org.ApplicationImpersonation}},
				param("App", "string"), param("User", "string"), param("RecipientGroupScope", "string"), confirm}}, newManagementRoleAssignment},
		{psobject.Command{Name: "Remove-ManagementRoleAssignment", Synopsis: "Takes that away.", Asks: askAssignments,
			Params: []psobject.Parameter{identity(true), confirm}}, assignments.remove},
	}
}

func assignmentDN(cfg *org.Configuration, a *org.ManagementRoleAssignment) string {
	return "CN=" + a.Name + ",CN=Role Assignments,CN=RBAC," + orgDN(cfg)
}

var assignments = &noun[org.ManagementRoleAssignment]{
	list: func(cfg *org.Configuration) *[]*org.ManagementRoleAssignment { return &cfg.Assignments },
	named: func(cfg *org.Configuration, a *org.ManagementRoleAssignment, identity string) bool {
		return is(identity, a.GUID, a.Name, assignmentDN(cfg, a))
	},
	name: func(a *org.ManagementRoleAssignment) string { return a.Name },
	show: func(cfg *org.Configuration, a *org.ManagementRoleAssignment) psobject.Object {
		kind, assignee, scope, group := "ServicePrincipal", a.App, "Organization", any(nil)
		if a.App == "" {
			kind, assignee = "User", a.User.String()
		}
		if !a.Group.IsNil() {
			scope, group = "CustomRecipientScope", a.Group.String()
		}
		return newObject("Microsoft.Exchange.Data.Directory.SystemConfiguration.ExchangeRoleAssignmentPresentation").
			add("Role", a.Role).add("RoleAssigneeType", kind).add("RoleAssignee", assignee).add("App", blank(a.App)).
			add("RecipientWriteScope", scope).add("CustomRecipientWriteScope", group).add("RecipientGroupScope", group).add("Enabled", true).
			tail(cfg, tail{version: "0.11 (14.0.509.0)", name: a.Name, dn: assignmentDN(cfg, a), identity: a.Name, guid: a.GUID,
				category: "ms-Exch-Role-Assignment", classes: []string{"top", "msExchRoleAssignment"}, stamp: a.Stamp}).Object
	},
}

func newManagementRoleAssignment(c *call) error {
	a := org.ManagementRoleAssignment{GUID: guid.New(), Name: c.args.text("Name"), Role: c.args.text("Role"), App: strings.ToLower(c.args.text("App"))}
	if strings.EqualFold(a.Role, org.ApplicationImpersonation) {
		a.Role = org.ApplicationImpersonation
	}
	assignee := a.App
	if c.args.has("User") {
		p, err := c.one(c.args.text("User"), func(p *org.Recipient) bool { return !p.Type.Group() })
		if err != nil {
			return err
		}
		a.User, assignee = p.GUID, p.DisplayName
	}
	// An empty scope is a mistake, and must not mean everybody.
	if c.args.has("RecipientGroupScope") {
		g, err := c.one(c.args.text("RecipientGroupScope"), func(p *org.Recipient) bool { return p.Type.Group() })
		if err != nil {
			return err
		}
		a.Group = g.GUID
	}
	if a.Name == "" {
		a.Name = a.Role + "-" + assignee
	}
	if err := a.Check(); err != nil {
		return err
	}
	return assignments.create(c, a.GUID, a)
}
