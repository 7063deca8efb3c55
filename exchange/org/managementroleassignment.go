package org

import (
	"context"
	"slices"
	"strings"

	"hma/wire/guid"
)

// ManagementRoleAssignment gives somebody a management role (Get-ManagementRoleAssignment).
type ManagementRoleAssignment struct {
	Stamp
	GUID guid.GUID
	Name string
	Role string
	// App is the id of the application that has the role, "" when User has it.
	App  string
	User guid.GUID
	// Group has those for whose mailboxes the role is, each a member of its own; the nil GUID means the whole organisation.
	Group guid.GUID
}

// ApplicationImpersonation is the role of those who open mailboxes in EWS as their owners, the one role that is assigned here.
const ApplicationImpersonation = "ApplicationImpersonation"

// Check refuses an assignment without a name, of another role, and to none or to two.
func (a *ManagementRoleAssignment) Check() error {
	if strings.TrimSpace(a.Name) == "" || len(a.Name) > 64 {
		return refuse("The name of a management role assignment has 1 to 64 characters.")
	}
	if a.Role != ApplicationImpersonation {
		return refuse("The role '%s' cannot be assigned; %s can.", a.Role, ApplicationImpersonation)
	}
	if (a.App == "") == a.User.IsNil() {
		return refuse("A management role is assigned to an application or to a user.")
	}
	if id, err := guid.Parse(a.App); a.App != "" && (err != nil || id.IsNil()) {
		return refuse("'%s' is no application id; it is a GUID.", a.App)
	}
	return nil
}

// MayImpersonate tells whether an application, "" for none, or a person, nil for none, has the role ApplicationImpersonation
// for the mailbox of somebody.
func (o *Organization) MayImpersonate(ctx context.Context, application string, caller, whom *Recipient) (bool, error) {
	c, err := o.Configuration(ctx)
	if err != nil {
		return false, err
	}
	for _, a := range c.Assignments {
		switch {
		case a.Role != ApplicationImpersonation:
		case a.App != "" && (caller != nil || !strings.EqualFold(a.App, application)):
		case a.App == "" && (caller == nil || a.User.IsNil() || a.User != caller.GUID):
		case a.Group.IsNil():
			return true, nil
		default:
			if in, err := o.memberOf(ctx, whom.GUID, a.Group); in || err != nil {
				return in, err
			}
		}
	}
	return false, nil
}

// memberOf tells whether a recipient is a member of the group's own.
func (o *Organization) memberOf(ctx context.Context, member, group guid.GUID) (bool, error) {
	for after := guid.Nil; ; {
		page, err := o.GroupsOf(ctx, member, after, groupPage)
		if err != nil {
			return false, err
		}
		if slices.ContainsFunc(page, func(g *Recipient) bool { return g.GUID == group }) {
			return true, nil
		}
		if len(page) < groupPage {
			return false, nil
		}
		after = page[len(page)-1].GUID
	}
}
