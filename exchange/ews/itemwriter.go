package ews

import (
	"encoding/base64"
	"encoding/binary"
	"io"
	"slices"
	"strconv"
	"strings"

	"hma/exchange/calendar"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/soap"
)

// maxValue is how long a property kept apart may be to be written as a value.
const maxValue = oxcmail.MaxBody

// itemWriter writes one item in a shape.
type itemWriter struct {
	*call
	r    *readItem
	item *store.Item
	box  *store.Mailbox // where the item lives
	in   *embedded      // the item is that of an attachment

	html, plain string // once bodies has run
	native      string // HTML or Text
	loaded      bool
	blocked     bool // images were taken out of what was written

	event      *calendar.Event         // once theEvent has run, or one that is told as an item
	neighbours *calendar.Neighbourhood // once writeNeighbours has run
}

// writeItem writes an item that was read with r.want.
func (c *call) writeItem(r *readItem, item *store.Item) error {
	return (&itemWriter{call: c, r: r, item: item, box: c.box(item.ID)}).writeItem()
}

func (x *itemWriter) writeItem() error {
	kind := kindOf(x.item.Props.String(mapi.PidTagMessageClass))
	element := "t:" + kind.element
	x.w.Start(element)
	extended := len(x.r.extended) == 0
	for _, p := range x.r.props {
		if p.of != 0 && p.of&kind.kind == 0 || x.in != nil && p.in&stored != 0 {
			continue
		}
		// ExtendedProperty stands between HasAttachments and EffectiveRights.
		if !extended && afterExtended[p] {
			extended = true
			if err := x.writeExtendedProperties(); err != nil {
				return err
			}
		}
		if err := x.writeProperty(p); err != nil {
			return err
		}
	}
	if !extended {
		if err := x.writeExtendedProperties(); err != nil {
			return err
		}
	}
	x.w.End(element)
	return x.w.Err()
}

var afterExtended = make(map[*itemProperty]bool)

func init() {
	after := false
	for _, p := range itemProperties {
		after = after || p.uri == "item:EffectiveRights"
		afterExtended[p] = after
	}
}

func (x *itemWriter) writeProperty(p *itemProperty) error {
	name := "t:" + p.element
	if p.bit != 0 {
		x.w.Bool(name, x.item.Props.Int32(mapi.PidTagMessageFlags)&p.bit != 0)
		return nil
	}
	if p.write != nil {
		return p.write(x, p)
	}
	_, v, ok := x.item.Props.Find(p.tag)
	if !ok {
		if v = p.or; v == nil {
			return nil
		}
	}
	if p.enum != nil {
		if i, is := v.(int32); is && i >= 0 && int(i) < len(p.enum) {
			x.w.Element(name, p.enum[i])
		}
		return nil
	}
	if texts, ok := valueTexts(p.tag.Type(), v); ok {
		x.w.Element(name, texts[0])
	}
	return nil
}

// writeExtendedProperties writes the extended properties that the item has, in
// the order asked for.
func (x *itemWriter) writeExtendedProperties() error {
	for i, e := range x.r.extended {
		tag := x.r.tags[i]
		v := x.computed(tag)
		if v == nil {
			if tag == 0 {
				continue
			}
			found, value, ok := x.item.Props.Find(tag)
			if !ok {
				continue
			}
			// Resolved apart from the item, so that one long value at a time is in memory.
			one := mapi.Bag{found: value}
			if err := x.box.Resolve(x.ctx, one, maxValue); err != nil {
				return err
			}
			v = one[found]
		}
		writeExtended(x.w, e, v)
	}
	return nil
}

// computed returns the properties that are not kept but follow from who the item is.
func (x *itemWriter) computed(tag mapi.Tag) any {
	switch tag {
	case mapi.PidTagEntryID:
		return itemEntryID(x.box, x.item)
	case mapi.PidTagRecordKey, mapi.PidTagInstanceKey:
		return x.instanceKey()
	case mapi.PidTagChangeKey:
		return x.item.ChangeKey
	case mapi.PidTagPredecessorChangeList:
		return x.item.PCL
	case mapi.PidTagSourceKey:
		return mapi.XID{Replica: x.box.DatabaseGUID(), Local: x.item.ID.Mid}.Bytes()
	case mapi.PidTagParentEntryID:
		return folderEntryID(x.box, x.item.Folder)
	}
	return nil
}

func (x *itemWriter) instanceKey() []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(x.item.ID.Mid))
}

func writeID(x *itemWriter, _ *itemProperty) error {
	if x.event != nil {
		x.writeID(x.event.ID(), x.item.ChangeKey)
	} else {
		x.writeID(x.item.ID, x.item.ChangeKey)
	}
	return nil
}

func writeParent(x *itemWriter, _ *itemProperty) error {
	x.w.Empty("t:ParentFolderId", "Id", x.item.Folder.Encode(x.door.opts.IDKey))
	return nil
}

// writeMIME streams the message. Nothing of it is kept.
// That of an event is its iCalendar, alone, as DavMail reads it; that of a contact its vCard.
func writeMIME(x *itemWriter, _ *itemProperty) error {
	var r io.Reader
	var err error
	switch {
	case x.in != nil:
		var c io.ReadCloser
		if c, err = x.in.mime(x.call); err == nil {
			defer c.Close()
			r = c
		}
	case kindOf(x.item.Props.String(mapi.PidTagMessageClass)).kind == calendarItem:
		r, err = transport.OpenEvent(x.ctx, x.box, x.item.ID)
	case kindOf(x.item.Props.String(mapi.PidTagMessageClass)).kind == contactItem:
		r, err = transport.OpenContact(x.ctx, x.box, x.item.ID)
	default:
		var c io.ReadCloser
		if c, err = transport.OpenMIME(x.ctx, x.box, x.item); err == nil {
			defer c.Close()
			r = c
		}
	}
	if err != nil {
		return err
	}
	x.w.Start("t:MimeContent", "CharacterSet", "UTF-8")
	if err := x.w.Base64(r); err != nil {
		return err
	}
	x.w.End("t:MimeContent")
	return nil
}

// bodies reads the bodies, once.
func (x *itemWriter) bodies() error {
	if x.loaded {
		return nil
	}
	x.loaded = true
	p := x.item.Props
	if err := x.box.Resolve(x.ctx, p, maxValue, mapi.PidTagBody, mapi.PidTagHTML, mapi.PidTagBodyHTML); err != nil {
		return err
	}
	x.plain = p.String(mapi.PidTagBody)
	switch _, v, _ := p.Find(mapi.PidTagHTML); v := v.(type) {
	case []byte:
		x.html = string(v)
	case string:
		x.html = v
	}
	x.native = "Text"
	if x.html != "" {
		x.native = "HTML"
		if x.plain == "" {
			x.plain = oxcmail.PlainFromHTML(x.html)
		}
	}
	return nil
}

// cut shortens text to at most max letters, 0 for no limit.
func cut(text string, max int) (string, bool) {
	if max == 0 || len(text) <= max {
		return text, false
	}
	n := 0
	for i := range text {
		if n == max {
			return text[:i], true
		}
		n++
	}
	return text, false
}

// body returns the item's body in the type that the shape asks for: own makes of a text
// and of a document what is told of them, nil for all of it.
func (x *itemWriter) body(typ string, ownText, ownHTML func(string) string) (string, string, error) {
	if err := x.bodies(); err != nil {
		return "", "", err
	}
	if typ == "Best" {
		typ = x.native
	}
	plain, html := x.plain, x.html
	if ownHTML != nil && html != "" {
		html = ownHTML(html)
		plain = oxcmail.PlainFromHTML(html)
	} else if ownText != nil {
		plain = ownText(plain)
	}
	if typ == "Text" {
		return typ, plain, nil
	}
	if x.native == "Text" {
		html = oxcmail.HTMLFromPlain(plain)
	}
	return typ, x.shown(html), nil
}

// shown makes of an HTML document what the shape wants shown of it.
func (x *itemWriter) shown(html string) string {
	if x.r.filter {
		html = oxcmail.FilterHTML(html)
	}
	if x.r.block {
		var blocked bool
		html, blocked = oxcmail.BlockImages(html)
		x.blocked = x.blocked || blocked
	}
	if x.r.blank {
		html = oxcmail.BlankTargets(html)
	}
	return html
}

func writeBody(x *itemWriter, _ *itemProperty) error {
	typ, text, err := x.body(x.r.bodyType, nil, nil)
	x.writeCut("t:Body", typ, text)
	return err
}

// writeUniqueBody writes what the item says without the messages that it quotes.
func writeUniqueBody(x *itemWriter, _ *itemProperty) error {
	typ, text, err := x.body(x.r.uniqueType, oxcmail.UniqueText, oxcmail.UniqueHTML)
	x.writeCut("t:UniqueBody", typ, text)
	return err
}

func writeNormalizedBody(x *itemWriter, _ *itemProperty) error {
	typ, text, err := x.body(x.r.normalType, nil, oxcmail.NormalHTML)
	x.writeCut("t:NormalizedBody", typ, text)
	return err
}

// writeBlockStatus tells whether images from outside are taken out of the bodies.
func writeBlockStatus(x *itemWriter, _ *itemProperty) error {
	x.w.Bool("t:BlockStatus", x.r.block)
	return nil
}

// writeBlockedImages tells whether any were, of the bodies that the answer has or of the
// body when it has none.
func writeBlockedImages(x *itemWriter, _ *itemProperty) error {
	if x.r.block && !x.blocked {
		if _, _, err := x.body("HTML", nil, nil); err != nil {
			return err
		}
	}
	x.w.Bool("t:HasBlockedImages", x.blocked)
	return nil
}

func (x *itemWriter) writeCut(name, typ, text string) {
	text, truncated := cut(text, x.r.maxBody)
	if truncated {
		x.w.Element(name, text, "BodyType", typ, "IsTruncated", "true")
	} else {
		x.w.Element(name, text, "BodyType", typ)
	}
}

func writeTextBody(x *itemWriter, _ *itemProperty) error {
	if err := x.bodies(); err != nil {
		return err
	}
	x.writeCut("t:TextBody", "Text", x.plain)
	return nil
}

// writePreview writes the first 255 letters of the text, as Exchange does.
func writePreview(x *itemWriter, _ *itemProperty) error {
	if err := x.bodies(); err != nil {
		return err
	}
	text, _ := cut(strings.TrimSpace(x.plain), 255)
	x.w.Element("t:Preview", text)
	return nil
}

func writeStrings(x *itemWriter, p *itemProperty) error {
	list := x.item.Props.Strings(p.tag)
	if len(list) == 0 {
		return nil
	}
	x.w.Start("t:" + p.element)
	for _, s := range list {
		x.w.Element("t:String", s)
	}
	x.w.End("t:" + p.element)
	return nil
}

// headers calls fn for each field of a message's header, unfolded, in its order.
func (x *itemWriter) headers(fn func(name, value string)) error {
	tag, _, ok := x.item.Props.Find(mapi.PidTagTransportMessageHeaders)
	if !ok {
		return nil
	}
	if err := x.box.Resolve(x.ctx, x.item.Props, maxValue, tag); err != nil {
		return err
	}
	var name string
	var value strings.Builder
	for line := range strings.Lines(x.item.Props.String(tag)) {
		line = strings.TrimRight(line, "\r\n")
		if line != "" && (line[0] == ' ' || line[0] == '\t') {
			value.WriteString(" " + strings.TrimLeft(line, " \t"))
			continue
		}
		if name != "" {
			fn(name, value.String())
		}
		var first string
		name, first, _ = strings.Cut(line, ":")
		value.Reset()
		value.WriteString(strings.TrimSpace(first))
	}
	if name != "" {
		fn(name, value.String())
	}
	return nil
}

// writeHeaders writes the header's fields, or only those asked for by name.
func writeHeaders(x *itemWriter, _ *itemProperty) error {
	open := false
	err := x.headers(func(name, value string) {
		if x.r.headers != nil && !x.r.headers[strings.ToLower(name)] {
			return
		}
		if !open {
			open = true
			x.w.Start("t:InternetMessageHeaders")
		}
		x.w.Element("t:InternetMessageHeader", value, "HeaderName", name)
	})
	if open {
		x.w.End("t:InternetMessageHeaders")
	}
	return err
}

func writeRights(x *itemWriter, p *itemProperty) error { return x.writeItemRights(x.item) }

func writeAssociated(x *itemWriter, _ *itemProperty) error {
	x.w.Bool("t:IsAssociated", x.item.Associated)
	return nil
}

func writeConversationID(x *itemWriter, p *itemProperty) error {
	if id, ok := x.item.Conversation(); ok {
		x.w.Empty("t:ConversationId", "Id", id.Encode(x.door.opts.IDKey))
	}
	return nil
}

func writeInstanceKey(x *itemWriter, _ *itemProperty) error {
	x.w.Element("t:InstanceKey", base64.StdEncoding.EncodeToString(x.instanceKey()))
	return nil
}

// writeMailbox writes an address; MailboxType is guessed to be Mailbox, as the
// directory is not asked.
func writeMailbox(w *soap.Writer, name, address, routing string) {
	w.Start("t:Mailbox")
	if name != "" {
		w.Element("t:Name", name)
	}
	if address != "" {
		w.Element("t:EmailAddress", address)
		w.Element("t:RoutingType", routing)
		w.Element("t:MailboxType", "Mailbox")
	}
	w.End("t:Mailbox")
}

// writeAuthor writes From or Sender; also names the tags of its name, address and SMTP address.
func writeAuthor(x *itemWriter, p *itemProperty) error {
	name, address := x.item.Props.String(p.also[0]), x.item.Props.String(p.also[2])
	if address == "" {
		address = x.item.Props.String(p.also[1])
	}
	x.writeSingle(p, name, address)
	return nil
}

// writeReceived writes who received the message, or on whose behalf; also names the tags of name and address.
func writeReceived(x *itemWriter, p *itemProperty) error {
	x.writeSingle(p, x.item.Props.String(p.also[0]), x.item.Props.String(p.also[1]))
	return nil
}

func (x *itemWriter) writeSingle(p *itemProperty, name, address string) {
	if name == "" && address == "" {
		return
	}
	x.w.Start("t:" + p.element)
	writeMailbox(x.w, name, address, "SMTP")
	x.w.End("t:" + p.element)
}

func writeRecipients(x *itemWriter, p *itemProperty) error {
	open := false
	for _, r := range x.item.Recipients {
		if r.Type != p.rcpt {
			continue
		}
		if !open {
			open = true
			x.w.Start("t:" + p.element)
		}
		address, routing := r.SMTP, "SMTP"
		if address == "" {
			address, routing = r.Address, r.AddressType
		}
		writeMailbox(x.w, r.Name, address, routing)
	}
	if open {
		x.w.End("t:" + p.element)
	}
	return nil
}

func writeReplyTo(x *itemWriter, p *itemProperty) error {
	if err := x.box.Resolve(x.ctx, x.item.Props, maxValue, p.also...); err != nil {
		return err
	}
	list := oxcmail.ReplyTo(x.item.Props)
	if len(list) == 0 {
		return nil
	}
	x.w.Start("t:ReplyTo")
	for _, a := range list {
		writeMailbox(x.w, a.Name, a.Email, "SMTP")
	}
	x.w.End("t:ReplyTo")
	return nil
}

func writeAttachments(x *itemWriter, _ *itemProperty) error {
	list := slices.DeleteFunc(calendar.Visible(x.item.Attachments), func(a store.Attachment) bool {
		return a.ID == (store.AttachmentID{}) || a.Method == mapi.AttachByWebRef && x.schema < elementsSince["ReferenceAttachment"]
	})
	if len(list) == 0 {
		return nil
	}
	x.w.Start("t:Attachments")
	for i := range list {
		x.w.End(x.startAttachment(&list[i]))
	}
	x.w.End("t:Attachments")
	return nil
}

// startAttachment writes an attachment's element as far as its content, and
// returns its name.
func (c *call) startAttachment(a *store.Attachment) (element string) {
	element = "t:FileAttachment"
	switch a.Method {
	case mapi.AttachEmbedded:
		element = "t:ItemAttachment"
	case mapi.AttachByWebRef:
		element = "t:ReferenceAttachment"
	}
	c.w.Start(element)
	c.w.Empty("t:AttachmentId", "Id", a.ID.Encode(c.door.opts.IDKey))
	name := a.Filename
	if name == "" {
		name = "attachment"
	}
	c.w.Element("t:Name", name)
	contentType := a.ContentType
	switch {
	case contentType == store.PackedType:
		contentType = "message/rfc822" // what its MIME form is
	case contentType == "" && a.Method != mapi.AttachEmbedded:
		contentType = "application/octet-stream"
	}
	if contentType != "" {
		c.w.Element("t:ContentType", contentType)
	}
	if a.ContentID != "" {
		c.w.Element("t:ContentId", a.ContentID)
	}
	if c.schema < exchange2010 {
		return element
	}
	c.w.Element("t:Size", strconv.FormatInt(a.Content.Size, 10))
	if at := a.Props.Time(mapi.PidTagLastModificationTime); !at.IsZero() {
		c.w.Element("t:LastModifiedTime", timeText(at))
	}
	c.w.Bool("t:IsInline", a.Inline)
	if element == "t:FileAttachment" && a.Props.Bool(mapi.PidTagAttachmentContactPhoto) {
		c.w.Bool("t:IsContactPhoto", true)
	}
	if element == "t:ReferenceAttachment" {
		c.writeReference(a)
	}
	return element
}

// folderEntryID returns a folder's MAPI entry id.
func folderEntryID(m *store.Mailbox, id store.FolderID) []byte {
	return mapi.FolderEntryID{Mailbox: m.GUID(), Database: m.DatabaseGUID(), Folder: id.Folder}.Bytes()
}

// itemEntryID returns an item's MAPI entry id.
func itemEntryID(m *store.Mailbox, item *store.Item) []byte {
	db := m.DatabaseGUID()
	return mapi.MessageEntryID{Mailbox: m.GUID(), FolderDatabase: db, Folder: item.Folder.Folder, Database: db, Message: item.ID.Mid}.Bytes()
}

// writeStoreEntryID writes the item's MAPI entry id.
func writeStoreEntryID(x *itemWriter, _ *itemProperty) error {
	x.w.Element("t:StoreEntryId", base64.StdEncoding.EncodeToString(itemEntryID(x.box, x.item)))
	return nil
}

// writeRetentionTag writes the GUID of a retention tag that somebody put on the item.
func writeRetentionTag(x *itemWriter, p *itemProperty) error {
	if raw := x.item.Props.Bytes(p.tag); len(raw) == 16 {
		x.w.Element("t:"+p.element, guid.FromBytesLE([16]byte(raw)).String(), "IsExplicit", "true")
	}
	return nil
}

// icons are the words of PidTagIconIndex (MS-OXOMSG 2.2.1.10, MS-OXWSCDATA 2.2.5.16).
var icons = map[int32]string{
	-1: "Default", 0x001: "PostItem", 0x100: "MailRead", 0x101: "MailUnread", 0x105: "MailReplied", 0x106: "MailForwarded",
	0x110: "MailEncrypted", 0x111: "MailSmimeSigned", 0x113: "MailEncryptedReplied", 0x114: "MailSmimeSignedReplied",
	0x115: "MailEncryptedForwarded", 0x116: "MailSmimeSignedForwarded", 0x117: "MailEncryptedRead", 0x118: "MailSmimeSignedRead",
	0x400: "AppointmentItem", 0x401: "AppointmentRecur", 0x402: "AppointmentMeet", 0x403: "AppointmentMeetRecur", 0x404: "AppointmentMeetNY",
	0x405: "AppointmentMeetYes", 0x406: "AppointmentMeetNo", 0x407: "AppointmentMeetMaybe", 0x408: "AppointmentMeetCancel",
	0x409: "AppointmentMeetInfo", 0x500: "TaskItem", 0x501: "TaskRecur", 0x502: "TaskOwned", 0x503: "TaskDelegated",
}

// writeIconIndex writes the icon that somebody gave the item.
func writeIconIndex(x *itemWriter, p *itemProperty) error {
	if icon, set := x.item.Props[p.tag].(int32); set && icons[icon] != "" {
		x.w.Element("t:IconIndex", icons[icon])
	}
	return nil
}
