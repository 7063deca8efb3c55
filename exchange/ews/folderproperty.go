package ews

import (
	"strconv"
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// folderProperty ties a folder property's FieldURI, element and MAPI property together.
type folderProperty struct {
	uri   string
	since schema   // the first that has it
	tag   mapi.Tag // what a restriction looks at; 0 when it cannot
	write func(c *call, f *store.Folder) error
}

// folderProperties is in the order of the schema (BaseFolderType, FolderType, SearchFolderType).
var folderProperties = []folderProperty{
	{"folder:FolderId", exchange2007, 0, func(c *call, f *store.Folder) error {
		c.writeFolderID("t:FolderId", f)
		return nil
	}},
	{"folder:ParentFolderId", exchange2007, 0, func(c *call, f *store.Folder) error {
		if f.Parent.Folder != 0 {
			c.w.Empty("t:ParentFolderId", "Id", f.Parent.Encode(c.door.opts.IDKey))
		}
		return nil
	}},
	{"folder:FolderClass", exchange2007, mapi.PidTagContainerClass, func(c *call, f *store.Folder) error {
		if f.Class != "" {
			c.w.Element("t:FolderClass", f.Class)
		}
		return nil
	}},
	{"folder:DisplayName", exchange2007, mapi.PidTagDisplayName, folderText("t:DisplayName", func(f *store.Folder) string { return f.Name })},
	{"folder:TotalCount", exchange2007, mapi.PidTagContentCount, folderText("t:TotalCount", func(f *store.Folder) string { return strconv.Itoa(f.Total) })},
	{"folder:ChildFolderCount", exchange2007, 0, folderText("t:ChildFolderCount", func(f *store.Folder) string { return strconv.Itoa(f.Children) })},
	{"", exchange2007, 0, nil}, // ExtendedProperty
	{"folder:EffectiveRights", exchange2007, 0, (*call).writeFolderRights},
	{"folder:DistinguishedFolderId", exchange2013, 0, func(c *call, f *store.Folder) error {
		if f.Role != "" {
			name := string(f.Role)
			if f.ID.Mailbox == c.person.ArchiveGUID() {
				name = archivePrefix + name
			}
			c.w.Element("t:DistinguishedFolderId", name)
		}
		return nil
	}},
	{permissionSetURI, exchange2007, 0, (*call).writePermissionSet},
	{"folder:UnreadCount", exchange2007, mapi.PidTagContentUnreadCount, func(c *call, f *store.Folder) error {
		if folderElement(f) != "t:CalendarFolder" { // CalendarFolderType has none
			c.w.Element("t:UnreadCount", strconv.Itoa(f.Unread))
		}
		return nil
	}},
	{searchParametersURI, exchange2007, 0, (*call).writeSearchParameters},
}

// permissionSetURI is the property that is there only when it is asked for by name: it costs a query for each folder.
const permissionSetURI = "folder:PermissionSet"

// folderText returns what writes a text of a folder.
func folderText(element string, text func(*store.Folder) string) func(*call, *store.Folder) error {
	return func(c *call, f *store.Folder) error {
		c.w.Element(element, text(f))
		return nil
	}
}

// folderField returns what a restriction on folders looks at for a FieldURI.
func folderField(uri string) (field, bool) {
	for _, p := range folderProperties {
		if p.uri == uri && p.tag != 0 {
			return field{tags: []mapi.Tag{p.tag}}, true
		}
	}
	return field{}, false
}

// folderElement returns a folder's element by its kind and class (MS-OXWSFOLD 2.2.4).
func folderElement(f *store.Folder) string {
	class := strings.ToLower(f.Class)
	under := func(prefix string) bool { return class == prefix || strings.HasPrefix(class, prefix+".") }
	switch {
	case f.Kind == store.SearchFolder:
		return "t:SearchFolder"
	case under("ipf.appointment"):
		return "t:CalendarFolder"
	case under("ipf.contact"):
		return "t:ContactsFolder"
	case under("ipf.task"):
		return "t:TasksFolder"
	}
	return "t:Folder"
}

// folderShape is a FolderShape made ready for the caller's mailbox.
type folderShape struct {
	uris     map[string]bool
	extended []extended
	tags     []mapi.Tag
}

func (c *call) folderShape() (*folderShape, error) {
	e, err := c.child("FolderShape")
	if err != nil {
		return nil, err
	}
	s := &folderShape{uris: map[string]bool{"folder:FolderId": true}}
	base := e.Child(soap.NSTypes, "BaseShape")
	if base == nil {
		return nil, invalid(e, "BaseShape is missing")
	}
	switch base.Text {
	case "IdOnly":
	case "Default":
		for _, uri := range []string{"folder:DisplayName", "folder:TotalCount", "folder:ChildFolderCount", "folder:UnreadCount"} {
			s.uris[uri] = true
		}
	case "AllProperties":
		for _, p := range folderProperties {
			s.uris[p.uri] = p.uri != permissionSetURI && p.since <= c.schema
		}
	default:
		return nil, invalid(base, "%q is no base shape", base.Text)
	}
	if more := e.Child(soap.NSTypes, "AdditionalProperties"); more != nil {
		for _, path := range more.Children {
			switch path.Name.Local {
			case "FieldURI":
				uri, _ := path.Attr("FieldURI")
				if prefix, _, found := strings.Cut(uri, ":"); !found || !fieldPrefixes[prefix] {
					return nil, invalid(path, "%q is no FieldURI", uri)
				}
				s.uris[uri] = true
			case "ExtendedFieldURI":
				x, err := parseExtended(path)
				if err != nil {
					return nil, err
				}
				s.extended = append(s.extended, x)
			case "IndexedFieldURI": // no folder has one
			default:
				return nil, invalid(path, "%s is no path to a property", path.Name.Local)
			}
		}
	}
	s.tags, err = c.tags(s.extended, false)
	return s, err
}

// writeFolder writes a folder in a shape.
func (c *call) writeFolder(s *folderShape, f *store.Folder) error {
	element := folderElement(f)
	c.w.Start(element)
	for _, p := range folderProperties {
		if p.write == nil {
			if err := c.writeFolderExtended(s, f); err != nil {
				return err
			}
		} else if s.uris[p.uri] {
			if err := p.write(c, f); err != nil {
				return err
			}
		}
	}
	c.w.End(element)
	return c.w.Err()
}

func (c *call) writeFolderExtended(s *folderShape, f *store.Folder) error {
	if len(s.extended) == 0 {
		return nil
	}
	props := f.Properties()
	for i, x := range s.extended {
		var v any
		switch s.tags[i] {
		case 0:
			continue
		case mapi.PidTagEntryID, mapi.PidTagRecordKey:
			v = folderEntryID(c.box(f.ID), f.ID)
		case mapi.PidTagChangeKey:
			v = f.ChangeKey
		default:
			tag, value, ok := props.Find(s.tags[i])
			if !ok {
				continue
			}
			if _, apart := value.(mapi.Blob); apart {
				if err := c.box(f.ID).Resolve(c.ctx, props, maxValue, tag); err != nil {
					return err
				}
				value = props[tag]
			}
			v = value
		}
		writeExtended(c.w, x, v)
	}
	return nil
}
