package ews

import (
	"bytes"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxocfg"
	"hma/wire/soap"
)

// The operations on user configurations (MS-OXWSUSRCFG) share how one is named and what it holds.

// dictionaryTypes are the types of UserConfigurationDictionaryObjectTypesType (MS-OXWSUSRCFG 2.2.5.1).
var dictionaryTypes = map[string]oxocfg.Type{
	"DateTime": oxocfg.DateTime, "Boolean": oxocfg.Boolean, "Byte": oxocfg.Byte, "String": oxocfg.String,
	"Integer32": oxocfg.Integer32, "UnsignedInteger32": oxocfg.UnsignedInteger32, "Integer64": oxocfg.Integer64,
	"UnsignedInteger64": oxocfg.UnsignedInteger64, "StringArray": oxocfg.StringArray, "ByteArray": oxocfg.ByteArray,
}

var dictionaryTypeNames = func() map[oxocfg.Type]string {
	names := map[oxocfg.Type]string{}
	for name, t := range dictionaryTypes {
		names[t] = name
	}
	return names
}()

var (
	errConfigurationName = &problem{"ErrorInvalidValueForProperty", "The name of a configuration has 1 to 237 letters, digits and periods."}
	errItemSave          = &problem{"ErrorItemSave", "A configuration with this name exists in the folder."}
	errDictionary        = &problem{"ErrorInvalidValueForProperty", "The dictionary has a key twice, a value that does not fit its type, or too much."}
)

// configurationName reads a UserConfigurationName: the folder and the name in it.
func (c *call) configurationName(e *soap.Element) (folder store.FolderID, name string, err error) {
	name, _ = e.Attr("Name")
	if len(e.Children) != 1 {
		return folder, "", invalid(e, "UserConfigurationName must hold one folder id")
	}
	if folder, err = c.folderID(e.Children[0]); err != nil {
		return folder, "", err
	}
	bad := func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.')
	}
	if name == "" || len(name) > 237 || strings.ContainsFunc(name, bad) {
		return folder, "", errConfigurationName
	}
	return folder, name, nil
}

// userConfiguration reads a UserConfiguration. What it does not have is not in the bag.
func (c *call) userConfiguration(e *soap.Element) (folder store.FolderID, name string, props mapi.Bag, err error) {
	id := e.Child(soap.NSTypes, "UserConfigurationName")
	if id == nil {
		return folder, "", nil, invalid(e, "UserConfigurationName is missing")
	}
	if folder, name, err = c.configurationName(id); err != nil {
		return folder, "", nil, err
	}
	props = mapi.Bag{}
	for _, child := range e.Children {
		switch child.Name.Local {
		case "Dictionary":
			if props[mapi.PidTagRoamingDictionary], err = readDictionary(child); err != nil {
				return folder, "", nil, err
			}
		case "XmlData", "BinaryData":
			data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(child.Text), ""))
			if err != nil {
				return folder, "", nil, invalid(child, "%s is no base64", child.Name.Local)
			}
			tag := mapi.PidTagRoamingBinary
			if child.Name.Local == "XmlData" {
				tag = mapi.PidTagRoamingXMLStream
			}
			props[tag] = data
		case "UserConfigurationName", "ItemId":
		default:
			return folder, "", nil, invalid(child, "%s has no place here", child.Name.Local)
		}
	}
	return folder, name, props, nil
}

// roaming are the bits of PidTagRoamingDatatypes for the values of a configuration.
var roaming = map[mapi.Tag]int32{
	mapi.PidTagRoamingDictionary: mapi.RoamingDictionary, mapi.PidTagRoamingXMLStream: mapi.RoamingXML, mapi.PidTagRoamingBinary: mapi.RoamingBinary,
}

// datatypes returns the bits for what a bag has.
func datatypes(props mapi.Bag) (bits int32) {
	for tag, bit := range roaming {
		if _, there := props[tag]; there {
			bits |= bit
		}
	}
	return bits
}

func readDictionary(e *soap.Element) ([]byte, error) {
	var entries []oxocfg.Entry
	for _, child := range e.Children {
		key := child.Child(soap.NSTypes, "DictionaryKey")
		value := child.Child(soap.NSTypes, "DictionaryValue")
		if child.Name.Local != "DictionaryEntry" || key == nil {
			return nil, invalid(child, "malformed dictionary entry")
		}
		k, ok := dictionaryObject(key)
		if !ok {
			return nil, errDictionary
		}
		v := oxocfg.Object{Type: oxocfg.String, Texts: []string{""}} // nil is kept as an empty text
		if value != nil && len(value.Children) > 0 {
			if v, ok = dictionaryObject(value); !ok {
				return nil, errDictionary
			}
		}
		entries = append(entries, oxocfg.Entry{Key: k, Value: v})
	}
	document, err := oxocfg.EncodeDictionary(entries)
	if errors.Is(err, oxocfg.ErrSyntax) {
		return nil, errDictionary
	}
	return document, err
}

func dictionaryObject(e *soap.Element) (o oxocfg.Object, ok bool) {
	o.Texts = []string{}
	for _, child := range e.Children {
		switch child.Name.Local {
		case "Type":
			o.Type, ok = dictionaryTypes[strings.TrimSpace(child.Text)]
		case "Value":
			o.Texts = append(o.Texts, child.Text)
		}
	}
	if ok && len(o.Texts) == 1 {
		switch text := strings.TrimSpace(o.Texts[0]); o.Type {
		case oxocfg.Boolean:
			v, valid := parseValue(mapi.Boolean, text)
			if !valid {
				return o, false
			}
			o.Texts[0] = map[bool]string{true: "true", false: "false"}[v.(bool)]
		case oxocfg.DateTime:
			v, valid := parseTime(text)
			if !valid {
				return o, false
			}
			o.Texts[0] = v.(time.Time).Format(time.RFC3339Nano)
		case oxocfg.String, oxocfg.StringArray:
		default:
			o.Texts[0] = text
		}
	}
	return o, ok && o.Check() == nil
}

// writeConfiguration writes a UserConfiguration with what is wanted of it.
func (c *call) writeConfiguration(name *soap.Element, it *store.Item, wanted func(string) bool) error {
	w := c.w
	w.Start("m:UserConfiguration")
	text, _ := name.Attr("Name")
	w.Start("t:UserConfigurationName", "Name", text)
	f, err := c.box(it.Folder).Folder(c.ctx, it.Folder)
	if err != nil {
		return orFolder(err)
	}
	c.writeFolderID("t:FolderId", f)
	w.End("t:UserConfigurationName")
	if wanted("Id") {
		c.writeItemID(it.ID, it.ChangeKey)
	}
	if document := it.Props.Bytes(mapi.PidTagRoamingDictionary); document != nil && wanted("Dictionary") {
		entries, err := oxocfg.DecodeDictionary(document)
		if err != nil {
			return &problem{"ErrorCorruptData", "The dictionary of the configuration cannot be read."}
		}
		w.Start("t:Dictionary")
		for _, e := range entries {
			w.Start("t:DictionaryEntry")
			c.writeDictionaryObject("t:DictionaryKey", e.Key)
			c.writeDictionaryObject("t:DictionaryValue", e.Value)
			w.End("t:DictionaryEntry")
		}
		w.End("t:Dictionary")
	}
	for _, part := range []struct {
		asked, element string
		tag            mapi.Tag
	}{{"XmlData", "t:XmlData", mapi.PidTagRoamingXMLStream}, {"BinaryData", "t:BinaryData", mapi.PidTagRoamingBinary}} {
		if data := it.Props.Bytes(part.tag); data != nil && wanted(part.asked) {
			w.Start(part.element)
			if err := w.Base64(bytes.NewReader(data)); err != nil {
				return err
			}
			w.End(part.element)
		}
	}
	w.End("m:UserConfiguration")
	return nil
}

func (c *call) writeDictionaryObject(name string, o oxocfg.Object) {
	c.w.Start(name)
	c.w.Element("t:Type", dictionaryTypeNames[o.Type])
	for _, text := range o.Texts {
		c.w.Element("t:Value", text)
	}
	c.w.End(name)
}

// configurationParts reads UserConfigurationProperties.
func (c *call) configurationParts() (func(string) bool, error) {
	e, err := c.child("UserConfigurationProperties")
	if err != nil {
		return nil, err
	}
	asked := strings.Fields(e.Text)
	for _, name := range asked {
		if !slices.Contains([]string{"Id", "Dictionary", "XmlData", "BinaryData", "All"}, name) {
			return nil, invalid(e, "%q is no part of a configuration", name)
		}
	}
	return func(name string) bool { return slices.Contains(asked, "All") || slices.Contains(asked, name) }, nil
}

// one answers a request about one object with one response message.
func (c *call) one(payload func() error) error {
	c.begin()
	err := c.success(payload)
	if err == nil {
		c.finish()
	}
	return err
}
