package ews

import (
	"errors"
	"strings"

	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// PermissionSet of folders (MS-OXWSFOLD 2.2.4.9, MS-OXWSCDATA 2.2.4): a folder's
// permission table, for who owns the folder.

var (
	errPermission          = &problem{"ErrorInvalidPermissionSettings", "A permission of the folder is not valid."}
	errPermissionUser      = &problem{"ErrorInvalidUserInfo", "A user of a permission is not known."}
	errPermissionTwice     = &problem{"ErrorDuplicateUserIdsSpecified", "A user has two permissions."}
	errCalendarPermission  = &problem{"ErrorCannotSetCalendarPermissionOnNonCalendarFolder", "Calendar permissions cannot be set on a folder that is no calendar."}
	errPlainPermission     = &problem{"ErrorCannotSetNonCalendarPermissionOnCalendarFolder", "A calendar takes calendar permissions."}
	errPermissionsUnknown  = &problem{"ErrorCannotSetPermissionUnknownEntries", "Unknown entries cannot be set."}
	freeBusy               = store.RightFreeBusySimple | store.RightFreeBusyDetailed
	errTooManyPermissions  = &problem{"ErrorInvalidPermissionSettings", "The folder has too many permissions."}
	levelCustom, levelNone = "Custom", "None"
)

// permissionLevels are the levels with their rights (MS-OXCPERM 2.2.7; the sums are
// Outlook's). Free/busy rights come with a calendar's.
var permissionLevels = []struct {
	name   string
	rights store.Rights
}{
	{levelNone, 0},
	{"Owner", store.AllRights},
	{"PublishingEditor", editorRights | store.RightCreateSubfolder},
	{"Editor", editorRights},
	{"PublishingAuthor", authorRights | store.RightCreateSubfolder},
	{"Author", authorRights},
	{"NoneditingAuthor", authorRights &^ store.RightEditOwned},
	{"Reviewer", reviewerRights},
	{"Contributor", store.RightCreate | store.RightFolderVisible},
}

// The rights of three levels.
const (
	reviewerRights = store.RightReadAny | store.RightFolderVisible
	authorRights   = reviewerRights | store.RightCreate | store.RightEditOwned | store.RightDeleteOwned
	editorRights   = authorRights | store.RightEditAny | store.RightDeleteAny
)

// The levels of calendars alone.
const (
	levelTimeOnly = "FreeBusyTimeOnly"
	levelLimited  = "FreeBusyTimeAndSubjectAndLocation"
)

// levelOf returns the level of rights, Custom for a sum that has no name.
func levelOf(rights store.Rights, calendar bool) string {
	plain := rights &^ (freeBusy | store.RightFolderContact)
	if calendar && plain == 0 {
		switch {
		case rights&store.RightFreeBusyDetailed != 0:
			return levelLimited
		case rights&store.RightFreeBusySimple != 0:
			return levelTimeOnly
		}
	}
	for _, l := range permissionLevels {
		if l.rights&^store.RightFolderContact == plain {
			return l.name
		}
	}
	return levelCustom
}

// levelRights returns the rights of a level; false for Custom and what is none.
func levelRights(level string, calendar bool) (store.Rights, bool) {
	if calendar {
		switch level {
		case levelTimeOnly:
			return store.RightFreeBusySimple, true
		case levelLimited:
			return freeBusy, true
		}
	}
	for _, l := range permissionLevels {
		if l.name == level {
			if calendar && l.rights&store.RightReadAny != 0 {
				return l.rights | freeBusy, true
			}
			return l.rights, true
		}
	}
	return 0, false
}

// writePermissionSet writes a folder's permissions; nothing for who does not own the folder.
func (c *call) writePermissionSet(f *store.Folder) error {
	mine, err := c.rights(f.ID)
	if err != nil || mine.Rights&store.RightFolderOwner == 0 {
		return err
	}
	list, err := c.box(f.ID).Permissions(c.ctx, f.ID)
	if err != nil {
		return err
	}
	calendar := folderElement(f) == "t:CalendarFolder"
	element := "t:Permission"
	if calendar {
		element = "t:CalendarPermission"
	}
	// These two are always shown.
	rows := []store.Permission{{Member: store.MemberDefault}, {Member: store.MemberAnonymous}}
	var unknown []string
	c.w.Start("t:PermissionSet")
	c.w.Start(element + "s")
	for _, p := range list {
		switch p.Member {
		case store.MemberDefault:
			rows[0] = p
		case store.MemberAnonymous:
			rows[1] = p
		default:
			rows = append(rows, p)
		}
	}
	for _, p := range rows {
		var r *org.Recipient
		if p.Member != store.MemberDefault && p.Member != store.MemberAnonymous {
			if r, err = c.door.opts.People.BySID(c.ctx, p.Member); errors.Is(err, org.ErrNotFound) {
				unknown = append(unknown, p.Member)
				continue
			}
			if err != nil {
				return err
			}
		}
		c.w.Start(element)
		c.writeUserID(p.Member, r)
		c.writePermission(p.Rights, calendar)
		c.w.End(element)
	}
	c.w.End(element + "s")
	if unknown != nil {
		c.w.Start("t:UnknownEntries")
		for _, sid := range unknown {
			c.w.Element("t:UnknownEntry", sid)
		}
		c.w.End("t:UnknownEntries")
	}
	c.w.End("t:PermissionSet")
	return nil
}

// writeUserID writes a UserId (MS-OXWSCDATA 2.2.4.77): a person, or for nil one of the two members of every table.
func (c *call) writeUserID(member string, r *org.Recipient) {
	c.w.Start("t:UserId")
	switch {
	case r != nil:
		c.w.Element("t:SID", r.SID)
		c.w.Element("t:PrimarySmtpAddress", r.PrimarySMTP)
		c.w.Element("t:DisplayName", r.DisplayName)
	case member == store.MemberDefault:
		c.w.Element("t:DistinguishedUser", "Default")
	default:
		c.w.Element("t:DistinguishedUser", "Anonymous")
	}
	c.w.End("t:UserId")
}

// writePermission writes what a permission gives (BasePermissionType and what follows it).
func (c *call) writePermission(rights store.Rights, calendar bool) {
	c.w.Bool("t:CanCreateItems", rights&store.RightCreate != 0)
	c.w.Bool("t:CanCreateSubFolders", rights&store.RightCreateSubfolder != 0)
	c.w.Bool("t:IsFolderOwner", rights&store.RightFolderOwner != 0)
	c.w.Bool("t:IsFolderVisible", rights&store.RightFolderVisible != 0)
	c.w.Bool("t:IsFolderContact", rights&store.RightFolderContact != 0)
	whose := func(any, owned store.Rights) string {
		switch {
		case rights&any != 0:
			return "All"
		case rights&owned != 0:
			return "Owned"
		}
		return levelNone
	}
	c.w.Element("t:EditItems", whose(store.RightEditAny, store.RightEditOwned))
	c.w.Element("t:DeleteItems", whose(store.RightDeleteAny, store.RightDeleteOwned))
	read := levelNone
	switch {
	case rights&store.RightReadAny != 0:
		read = "FullDetails"
	case calendar && rights&store.RightFreeBusyDetailed != 0:
		read = "TimeAndSubjectAndLocation"
	case calendar && rights&store.RightFreeBusySimple != 0:
		read = "TimeOnly"
	}
	c.w.Element("t:ReadItems", read)
	if calendar {
		c.w.Element("t:CalendarPermissionLevel", levelOf(rights, true))
	} else {
		c.w.Element("t:PermissionLevel", levelOf(rights, false))
	}
}

// userID returns the member of permission tables that a UserId element names, and who that is.
func (c *call) userID(e *soap.Element) (member string, r *org.Recipient, err error) {
	if e == nil {
		return "", nil, errPermissionUser
	}
	var list []*org.Recipient
	for _, child := range e.Children {
		switch child.Name.Local {
		case "DistinguishedUser":
			switch child.Text {
			case "Default":
				return store.MemberDefault, nil, nil
			case "Anonymous":
				return store.MemberAnonymous, nil, nil
			}
			return "", nil, errPermissionUser
		case "SID":
			one, err := c.door.opts.People.BySID(c.ctx, child.Text)
			if errors.Is(err, org.ErrNotFound) {
				return "", nil, errPermissionUser
			}
			if err != nil {
				return "", nil, err
			}
			list = []*org.Recipient{one}
		case "PrimarySmtpAddress":
			if list != nil {
				continue // the SID decides
			}
			if list, err = c.door.opts.People.BySMTP(c.ctx, child.Text); err != nil {
				return "", nil, err
			}
		}
	}
	// Groups are no members: the store asks no directory who is in one.
	if len(list) != 1 || list[0].SID == "" || list[0].Type.Group() {
		return "", nil, errPermissionUser
	}
	return list[0].SID, list[0], nil
}

// permissionSet reads a PermissionSet; calendar tells of which kind it is.
func (c *call) permissionSet(e *soap.Element) (list []store.Permission, calendar bool, err error) {
	if len(e.Children) != 1 {
		if e.Child(soap.NSTypes, "UnknownEntries") != nil {
			return nil, false, errPermissionsUnknown
		}
		return nil, false, invalid(e, "PermissionSet must hold one list of permissions")
	}
	rows := e.Children[0]
	switch rows.Name.Local {
	case "Permissions":
	case "CalendarPermissions":
		calendar = true
	default:
		return nil, false, errPermissionsUnknown
	}
	if len(rows.Children) > store.MaxPermissions {
		return nil, false, errTooManyPermissions
	}
	seen := map[string]bool{}
	for _, row := range rows.Children {
		member, _, err := c.userID(row.Child(soap.NSTypes, "UserId"))
		if err != nil {
			return nil, false, err
		}
		if seen[strings.ToUpper(member)] {
			return nil, false, errPermissionTwice
		}
		seen[strings.ToUpper(member)] = true
		rights, err := permission(row, calendar)
		if err != nil {
			return nil, false, err
		}
		list = append(list, store.Permission{Member: member, Rights: rights})
	}
	return list, calendar, nil
}

// permission reads what one permission gives: its level, or with Custom its parts.
func permission(e *soap.Element, calendar bool) (rights store.Rights, err error) {
	name := "PermissionLevel"
	if calendar {
		name = "CalendarPermissionLevel"
	}
	level := e.Child(soap.NSTypes, name)
	if level == nil {
		return 0, errPermission
	}
	if rights, known := levelRights(level.Text, calendar); known {
		return rights, nil
	}
	if level.Text != levelCustom {
		return 0, errPermission
	}
	choose := map[string]map[string]store.Rights{
		"EditItems":   {levelNone: 0, "Owned": store.RightEditOwned, "All": store.RightEditOwned | store.RightEditAny},
		"DeleteItems": {levelNone: 0, "Owned": store.RightDeleteOwned, "All": store.RightDeleteOwned | store.RightDeleteAny},
		"ReadItems":   {levelNone: 0, "FullDetails": store.RightReadAny},
	}
	if calendar {
		choose["ReadItems"] = map[string]store.Rights{levelNone: 0, "TimeOnly": store.RightFreeBusySimple, "TimeAndSubjectAndLocation": freeBusy, "FullDetails": store.RightReadAny | freeBusy}
	}
	flags := map[string]store.Rights{"CanCreateItems": store.RightCreate, "CanCreateSubFolders": store.RightCreateSubfolder, "IsFolderOwner": store.RightFolderOwner,
		"IsFolderVisible": store.RightFolderVisible, "IsFolderContact": store.RightFolderContact}
	for _, part := range e.Children {
		if right, flag := flags[part.Name.Local]; flag {
			v, ok := parseValue(mapi.Boolean, part.Text)
			if !ok {
				return 0, errPermission
			}
			if v.(bool) {
				rights |= right
			}
		}
		if values := choose[part.Name.Local]; values != nil {
			right, known := values[part.Text]
			if !known {
				return 0, errPermission
			}
			rights |= right
		}
	}
	return rights, nil
}

// folderDraft is what a request says of a folder to create or to change.
type folderDraft struct {
	store.FolderUpdate
	calendar bool // the permissions are in a calendar's form
}

// fits refuses permissions of another form than the folder's.
func (d *folderDraft) fits(class string) error {
	calendar := folderElement(&store.Folder{Class: class}) == "t:CalendarFolder"
	switch {
	case d.Permissions == nil || d.calendar == calendar:
		return nil
	case d.calendar:
		return errCalendarPermission
	}
	return errPlainPermission
}
