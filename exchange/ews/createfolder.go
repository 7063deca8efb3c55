package ews

import (
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// folderClasses are the elements of a folder to create with the class that each has by itself.
var folderClasses = map[string]string{"Folder": "IPF.Note", "CalendarFolder": "IPF.Appointment", "ContactsFolder": "IPF.Contact", "TasksFolder": "IPF.Task", "SearchFolder": "IPF.Note"}

var errFolderProperty = &problem{"ErrorFolderSavePropertyError", "A property of the folder cannot be set, or its name is missing."}

// createFolder answers CreateFolder (MS-OXWSFOLD 3.1.4.2): one message for each folder.
func createFolder(c *call) error {
	to, err := c.child("ParentFolderId")
	if err != nil {
		return err
	}
	list, err := c.ids("Folders")
	if err != nil {
		return err
	}
	parent, err := c.target(to)
	if err != nil {
		return err
	}
	return c.each(list, func(e *soap.Element) (func() error, error) {
		class, known := folderClasses[e.Name.Local]
		if !known {
			return nil, errUnsupported
		}
		var u folderDraft
		for _, child := range e.Children {
			if err := c.folderField(&u, child); err != nil {
				return nil, err
			}
		}
		if u.Name == nil || (u.Search != nil) != (e.Name.Local == "SearchFolder") {
			return nil, errFolderProperty
		}
		made := store.NewFolder{Parent: parent, Name: *u.Name, Class: class, Props: u.Set, Search: u.Search, Permissions: u.Permissions}
		if u.Class != nil && *u.Class != "" {
			made.Class = *u.Class
		}
		made.Hidden = u.Hidden != nil && *u.Hidden
		if err := u.fits(made.Class); err != nil {
			return nil, err
		}
		f, err := c.box(parent).CreateFolder(c.ctx, made)
		if err != nil {
			return nil, orFolder(err)
		}
		return c.folderResult(f), nil
	})
}

// folderField takes one child element of a folder to create or to change.
func (c *call) folderField(u *folderDraft, e *soap.Element) error {
	switch e.Name.Local {
	case "DisplayName":
		u.Name = new(e.Text)
		return nil
	case "FolderClass":
		u.Class = new(e.Text)
		return nil
	case "ExtendedProperty":
	case "SearchParameters":
		s, err := c.searchParameters(e)
		u.Search = s
		return err
	case "PermissionSet":
		list, calendar, err := c.permissionSet(e)
		u.Permissions, u.calendar = &list, calendar
		return err
	default:
		return errFolderProperty
	}
	tag, v, err := c.extendedValue(e)
	if err != nil {
		return err
	}
	switch tag {
	case mapi.PidTagDisplayName:
		u.Name = new(v.(string))
	case mapi.PidTagContainerClass:
		u.Class = new(v.(string))
	case mapi.PidTagAttributeHidden:
		u.Hidden = new(v.(bool))
	default:
		if computedFolder(tag) {
			return errFolderProperty
		}
		if u.Set == nil {
			u.Set = mapi.Bag{}
		}
		u.Set[tag] = v
	}
	return nil
}

// computedFolder tells whether the store makes a folder's property itself.
func computedFolder(tag mapi.Tag) bool {
	for known := range (&store.Folder{Class: "IPF"}).Properties() {
		if known.ID() == tag.ID() {
			return true
		}
	}
	return false
}
