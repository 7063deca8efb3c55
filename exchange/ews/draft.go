package ews

import (
	"bytes"
	"slices"
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/soap"
)

// draft gathers what the elements of an item set, for a new item or a change.
type draft struct {
	*call
	kind        kinds
	props       mapi.Bag
	delete      []mapi.Tag
	recipients  map[int32][]store.Recipient // the types that were set, replaced as a whole
	attachments []store.Attachment
	read        *bool
	mime        *mapi.Blob  // the MIME form that was given
	rewritten   bool        // something that a MIME form tells otherwise was set
	flags       *int32      // PidTagMessageFlags
	old         *store.Item // what is changed, with its recipients; nil for a new item
	depth       int         // in how many item attachments the item lies
	whole       bool        // the change was made of what old holds: it is for that alone
	event       eventDraft
	organizer   oxcmail.Address // the author where the elements name nobody: the owner of the calendar that an event is for
}

func (c *call) newDraft(kind kinds) *draft {
	return &draft{call: c, kind: kind, organizer: c.me(), props: mapi.Bag{}, recipients: map[int32][]store.Recipient{}}
}

// put sets a property, under whatever type it was set before.
func (d *draft) put(tag mapi.Tag, v any) {
	for t := range d.props {
		if t.ID() == tag.ID() {
			delete(d.props, t)
		}
	}
	d.delete = slices.DeleteFunc(d.delete, func(t mapi.Tag) bool { return t.ID() == tag.ID() })
	d.props[tag] = v
}

func (d *draft) remove(tags ...mapi.Tag) {
	for _, tag := range tags {
		for t := range d.props {
			if t.ID() == tag.ID() {
				delete(d.props, t)
			}
		}
		d.delete = append(d.delete, tag)
	}
}

// element takes one child element of an item.
func (d *draft) element(e *soap.Element) error {
	if e.Name.Local == "ExtendedProperty" {
		return d.extendedProperty(e)
	}
	p := itemByElement(d.kind, e.Name.Local)
	if p == nil {
		return errUnsupported
	}
	return d.setProperty(p, e)
}

// setProperty takes the element of a property.
func (d *draft) setProperty(p *itemProperty, e *soap.Element) error {
	if p.in&readOnly != 0 {
		return errPropertySet
	}
	// Some clients do not escape the HTML of a text; taking it for no text would lose it.
	if len(e.Children) > 0 && (p.set == nil || p.in&wantBody != 0) {
		return invalid(e, "%s must not hold elements", e.Name.Local)
	}
	if p.set != nil {
		return p.set(d, p, e)
	}
	v, ok := field{enum: p.enum}.constant(p.tag, e.Text)
	if !ok || v == nil || p.enum != nil && int(v.(int32)) >= len(p.enum) {
		return errPropertyValue
	}
	d.put(p.tag, v)
	return nil
}

func (d *draft) extendedProperty(e *soap.Element) error {
	tag, v, err := d.extendedValue(e)
	if err != nil {
		return err
	}
	if tag == mapi.PidTagMessageFlags {
		flags := v.(int32)
		read := flags&mapi.MsgFlagRead != 0
		d.flags, d.read = &flags, &read
		return nil
	}
	if len(d.props) >= maxExtended {
		return errTooLarge
	}
	d.put(tag, v)
	return nil
}

func setMIME(d *draft, _ *itemProperty, e *soap.Element) error {
	if d.kind&(message|postItem|calendarItem|contactItem) == 0 {
		return errUnsupported
	}
	blob, ok := e.Content.(mapi.Blob)
	if !ok || blob.Size == 0 {
		return errMimeInvalid
	}
	d.mime = &blob
	return nil
}

func setSubject(d *draft, p *itemProperty, e *soap.Element) error {
	d.put(p.tag, e.Text)
	_, normalized := oxcmail.SplitSubject(e.Text)
	d.put(mapi.PidTagNormalizedSubject, normalized)
	d.rewritten = true
	return nil
}

// Values of PidTagNativeBody (MS-OXCMSG 2.2.1.58.2), and the code page of UTF-8.
const (
	nativePlain int32 = 1
	nativeHTML  int32 = 3
	utf8Page    int32 = 65001
)

func setBody(d *draft, _ *itemProperty, e *soap.Element) error {
	switch typ, _ := e.Attr("BodyType"); typ {
	case "Text", "HTML":
		return d.body(typ, e.Text)
	default:
		return invalid(e, "%q is no body type", typ)
	}
}

// body sets the text of an item, Text or HTML.
func (d *draft) body(typ, text string) error {
	d.rewritten = true
	if len(text) > oxcmail.MaxBody {
		return errTooLarge // a longer one would neither be read back nor sent
	}
	switch typ {
	case "Text":
		d.put(mapi.PidTagBody, text)
		d.put(mapi.PidTagNativeBody, nativePlain)
		d.remove(mapi.PidTagHTML)
	case "HTML":
		d.put(mapi.PidTagBody, oxcmail.PlainFromHTML(text))
		d.put(mapi.PidTagHTML, []byte(text))
		d.put(mapi.PidTagNativeBody, nativeHTML)
		d.put(mapi.PidTagInternetCodepage, utf8Page)
	}
	return nil
}

// addBody puts text behind the text that the item has, or was given before.
func addBody(d *draft, _ *itemProperty, e *soap.Element) error {
	props := d.props
	if _, given := props[mapi.PidTagBody]; !given {
		item, err := d.reread([]mapi.Tag{mapi.PidTagBody, mapi.PidTagHTML})
		if err != nil {
			return err
		}
		props = item.Props
	}
	text, html := props.String(mapi.PidTagBody), string(props.Bytes(mapi.PidTagHTML))
	typ, _ := e.Attr("BodyType")
	switch {
	case typ != "Text" && typ != "HTML":
		return invalid(e, "%q is no body type", typ)
	case typ == "Text" && html == "":
		return d.body("Text", text+e.Text)
	}
	if html == "" {
		html = oxcmail.HTMLFromPlain(text)
	}
	added := e.Text
	if typ == "Text" {
		added = oxcmail.HTMLFromPlain(added)
	}
	return d.body("HTML", oxcmail.AppendHTML(html, added))
}

// reread reads long properties of the item under change. The change is made of
// what they are now: it is for the item as it is now, too.
func (d *draft) reread(tags []mapi.Tag) (*store.Item, error) {
	item, err := d.box(d.old.ID).Item(d.ctx, d.old.ID, store.Want{Tags: tags})
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(item.ChangeKey, d.old.ChangeKey) {
		return nil, store.ErrConflict
	}
	d.whole = true
	return item, d.box(item.ID).Resolve(d.ctx, item.Props, maxValue)
}

func setStrings(d *draft, p *itemProperty, e *soap.Element) error {
	list := []string{}
	for _, s := range e.Children {
		list = append(list, s.Text)
	}
	if len(list) == 0 {
		d.remove(p.tag)
	} else {
		d.put(p.tag, list)
	}
	return nil
}

func setRead(d *draft, _ *itemProperty, e *soap.Element) error {
	v, ok := parseValue(mapi.Boolean, e.Text)
	if !ok {
		return errPropertyValue
	}
	d.read = new(v.(bool))
	return nil
}

// address reads a Mailbox element. Only SMTP addresses can be given.
func address(e *soap.Element) (oxcmail.Address, error) {
	if e == nil || e.Name.Local != "Mailbox" {
		return oxcmail.Address{}, errPropertyValue
	}
	var a oxcmail.Address
	if name := e.Child(soap.NSTypes, "Name"); name != nil {
		a.Name = name.Text
	}
	if email := e.Child(soap.NSTypes, "EmailAddress"); email != nil {
		a.Email = strings.TrimSpace(email.Text)
	}
	if routing := e.Child(soap.NSTypes, "RoutingType"); routing != nil && routing.Text != "" && !strings.EqualFold(routing.Text, "SMTP") || a.Email == "" {
		return a, &problem{"ErrorInvalidRecipients", "At least one recipient is not valid."}
	}
	return a, nil
}

func setRecipients(d *draft, p *itemProperty, e *soap.Element) error {
	d.recipients[p.rcpt] = []store.Recipient{}
	return addRecipients(d, p, e)
}

// addRecipients adds to the recipients that the item has, or was given before.
func addRecipients(d *draft, p *itemProperty, e *soap.Element) error {
	list, given := d.recipients[p.rcpt]
	if !given {
		for _, r := range d.old.Recipients {
			if r.Type == p.rcpt {
				list = append(list, r)
			}
		}
	}
	for _, child := range e.Children {
		a, err := address(child)
		if err != nil {
			return err
		}
		list = append(list, store.Recipient{Type: p.rcpt, AddressType: "SMTP", Address: a.Email, SMTP: a.Email, Name: a.Display(), EntryID: oxcmail.OneOff(a)})
	}
	d.recipients[p.rcpt] = list
	d.rewritten = true
	return nil
}

func setSender(d *draft, _ *itemProperty, e *soap.Element) error {
	a, err := singleAddress(e)
	if err == nil {
		d.sender(a)
	}
	return err
}

func setFrom(d *draft, _ *itemProperty, e *soap.Element) error {
	a, err := singleAddress(e)
	if err == nil {
		d.from(a)
	}
	return err
}

func singleAddress(e *soap.Element) (oxcmail.Address, error) {
	if len(e.Children) != 1 {
		return oxcmail.Address{}, errPropertyValue
	}
	return address(e.Children[0])
}

// sender sets the properties of who sends (MS-OXOMSG 2.2.1.48 to 2.2.1.54).
func (d *draft) sender(a oxcmail.Address) {
	d.rewritten = true
	d.put(mapi.PidTagSenderName, a.Display())
	d.put(mapi.PidTagSenderAddressType, "SMTP")
	d.put(mapi.PidTagSenderEmail, a.Email)
	d.put(mapi.PidTagSenderSmtpAddress, a.Email)
	d.put(mapi.PidTagSenderEntryID, oxcmail.OneOff(a))
}

// from sets the properties of the author (MS-OXOMSG 2.2.1.55 to 2.2.1.60).
func (d *draft) from(a oxcmail.Address) {
	d.rewritten = true
	d.put(mapi.PidTagSentRepresentingName, a.Display())
	d.put(mapi.PidTagSentRepresentingAddressType, "SMTP")
	d.put(mapi.PidTagSentRepresentingEmail, a.Email)
	d.put(mapi.PidTagSentRepresentingSmtp, a.Email)
	d.put(mapi.PidTagSentRepresentingEntryID, oxcmail.OneOff(a))
}

func setReplyTo(d *draft, _ *itemProperty, e *soap.Element) error { return d.replyTo(nil, e) }

func addReplyTo(d *draft, p *itemProperty, e *soap.Element) error {
	props := d.props
	if _, given := props[mapi.PidTagReplyRecipientEntries]; !given {
		item, err := d.reread(p.also)
		if err != nil {
			return err
		}
		props = item.Props
	}
	return d.replyTo(oxcmail.ReplyTo(props), e)
}

func (d *draft) replyTo(list []oxcmail.Address, e *soap.Element) error {
	for _, child := range e.Children {
		a, err := address(child)
		if err != nil {
			return err
		}
		list = append(list, a)
	}
	var names []string
	var entries [][]byte
	for _, a := range list {
		names = append(names, a.Display())
		entries = append(entries, oxcmail.OneOff(a))
	}
	d.rewritten = true
	d.put(mapi.PidTagReplyRecipientNames, strings.Join(names, ";"))
	d.put(mapi.PidTagReplyRecipientEntries, flatEntryList(entries))
	return nil
}

// flatEntryList packs entry ids as a FlatEntryList (MS-OXCDATA 2.3.3).
func flatEntryList(entries [][]byte) []byte {
	var body []byte
	for _, id := range entries {
		body = le32(body, len(id))
		body = append(body, id...)
		for len(body)%4 != 0 {
			body = append(body, 0)
		}
	}
	return append(le32(le32(nil, len(entries)), len(body)), body...)
}

func le32(b []byte, n int) []byte {
	return append(b, byte(n), byte(n>>8), byte(n>>16), byte(n>>24))
}

func setAttachments(d *draft, _ *itemProperty, e *soap.Element) error {
	d.rewritten = true
	for _, a := range e.Children {
		one, err := d.newAttachment(a, d.depth+1)
		if err != nil {
			return err
		}
		d.attachments = append(d.attachments, one)
		for tag, v := range picture(&one, true) {
			d.put(tag, v)
		}
	}
	return nil
}

// newAttachment reads a FileAttachment, an ItemAttachment, which is given as MIME
// or as elements, or a ReferenceAttachment. depth is 1 for one of an item of the request itself.
func (c *call) newAttachment(e *soap.Element, depth int) (a store.Attachment, err error) {
	a = store.Attachment{Method: mapi.AttachByValue, Rendering: -1, Props: mapi.Bag{}}
	for _, child := range e.Children {
		switch child.Name.Local {
		case "Name":
			a.Filename = child.Text
		case "ContentType":
			a.ContentType = child.Text
		case "ContentId":
			a.ContentID = child.Text
		case "ContentLocation":
			a.Props[mapi.PidTagAttachContentLocation] = child.Text
		case "IsInline", "IsContactPhoto":
			v, ok := parseValue(mapi.Boolean, child.Text)
			if !ok {
				return a, errPropertyValue
			}
			if child.Name.Local == "IsContactPhoto" {
				if v.(bool) {
					a.Props[mapi.PidTagAttachmentContactPhoto] = true
				}
				continue
			}
			a.Inline = v.(bool)
			a.Hidden = a.Inline
		case "Content":
			a.Content, _ = child.Content.(mapi.Blob)
		case "AttachmentId", "Size", "LastModifiedTime":
		default:
			switch e.Name.Local {
			case "ReferenceAttachment":
				err = setReference(&a, child)
			case "ItemAttachment":
				err = c.setItem(&a, child, depth)
			default:
				err = errUnsupported
			}
			if err != nil {
				return a, err
			}
		}
	}
	switch e.Name.Local {
	case "FileAttachment":
	case "ItemAttachment":
		if a.Method != mapi.AttachEmbedded {
			return a, errUnsupported
		}
	case "ReferenceAttachment":
		a.Method = mapi.AttachByWebRef
		if a.Props.String(mapi.PidTagAttachLongPathname) == "" {
			return a, errPropertyValue
		}
	default:
		return a, errUnsupported
	}
	if a.Filename == "" {
		return a, errPropertyValue
	}
	return a, nil
}

// setItem takes the item of an ItemAttachment.
func (c *call) setItem(a *store.Attachment, e *soap.Element, depth int) (err error) {
	a.Method = mapi.AttachEmbedded
	if mime := e.Child(soap.NSTypes, "MimeContent"); mime != nil && e.Name.Local == "Message" {
		a.ContentType = "message/rfc822"
		if a.Content, _ = mime.Content.(mapi.Blob); a.Content.IsZero() {
			err = errMimeInvalid
		}
		return err
	}
	a.ContentType = store.PackedType
	a.Content, err = c.packElements(e, depth)
	return err
}

// merged returns old with the types that were set replaced, in the order To, Cc, Bcc.
func (d *draft) merged(old []store.Recipient) []store.Recipient {
	out := []store.Recipient{}
	for _, typ := range []int32{mapi.RecipientTo, mapi.RecipientCc, mapi.RecipientBcc} {
		if list, set := d.recipients[typ]; set {
			out = append(out, list...)
			continue
		}
		for _, r := range old {
			if r.Type == typ {
				out = append(out, r)
			}
		}
	}
	return out
}
