package ews

import (
	"net/url"
	"strconv"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// referenceProperties are the elements of a ReferenceAttachment (MS-OXWSATT
// 2.2.4.13) in their order, with the properties behind them.
var referenceProperties = []struct {
	element string
	tag     mapi.Tag
}{
	{"AttachLongPathName", mapi.PidTagAttachLongPathname},
	{"ProviderType", mapi.PidNameAttachmentProviderType},
	{"ProviderEndpointUrl", mapi.PidNameAttachmentProviderEndpointURL},
	{"AttachmentThumbnailUrl", mapi.PidNameAttachmentThumbnailURL},
	{"AttachmentPreviewUrl", mapi.PidNameAttachmentPreviewURL},
	{"PermissionType", mapi.PidNameAttachmentPermissionType},
	{"AttachmentIsFolder", mapi.PidNameAttachmentIsFolder},
}

// setReference takes an element of a ReferenceAttachment. What it refers to is
// never fetched; it must be a web address, for readers follow it.
func setReference(a *store.Attachment, e *soap.Element) error {
	for _, p := range referenceProperties {
		if p.element != e.Name.Local {
			continue
		}
		v, ok := parseValue(p.tag.Type(), e.Text)
		if text, is := v.(string); is && p.tag != mapi.PidNameAttachmentProviderType && text != "" {
			u, err := url.Parse(text)
			ok = err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
		}
		if !ok {
			return errPropertyValue
		}
		a.Props[p.tag] = v
		return nil
	}
	return errUnsupported
}

func (c *call) writeReference(a *store.Attachment) {
	for _, p := range referenceProperties {
		switch v := a.Props[p.tag].(type) {
		case string:
			c.w.Element("t:"+p.element, v)
		case int32:
			c.w.Element("t:"+p.element, strconv.Itoa(int(v)))
		case bool:
			c.w.Bool("t:"+p.element, v)
		}
	}
}
