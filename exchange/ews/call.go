package ews

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"

	"hma/exchange/addressbook"
	"hma/exchange/clientaccess"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/oxocal"
	"hma/wire/soap"
)

// call is one request on its way through the door.
type call struct {
	door    *Door
	ctx     context.Context
	timed   context.Context // ends when the request has taken too long
	stop    context.CancelCauseFunc
	request *clientaccess.Request
	body    io.Reader // of the request
	w       *soap.Writer
	answer  *response
	version soap.ServerVersion
	schema  schema       // of the request, the newest when it names none
	zone    *oxocal.Zone // of dates and times that name none
	op      *operation
	req     *soap.Element
	begun   bool         // the answer has response messages
	then    func() error // goes on with the answer after the operation, on less stack

	person  *org.Recipient // whose mailbox the request is about
	mailbox *store.Mailbox

	// Other mailboxes, see look and admit.
	about     guid.GUID // which mailbox the ids of the request are in
	mixed     bool      // in several
	named     bool      // named properties were found in that one
	boxes     map[guid.GUID]*store.Mailbox
	effective map[store.FolderID]effective

	succeeded int // response messages of success so far

	leave func() // gives the place of the request among its person's back; nil without one
}

// serve reads the request and runs its operation. Errors are those of the
// request as a whole.
func (c *call) serve() error {
	reader := soap.NewReader(c.body, soap.DefaultLimits)
	reader.SetBytes(maxBody)
	env, err := reader.Envelope()
	if err != nil {
		return err
	}
	if v := env.Block(soap.NSTypes, "RequestServerVersion"); v != nil {
		name, _ := v.Attr("Version")
		if !validVersion(name) {
			return &soap.Fault{Code: "ErrorInvalidServerVersion", Message: "The request names a server version that does not exist."}
		}
		c.schema = schemaOf(name)
	}
	c.op = operations[env.Operation.Local]
	if env.Operation.Space != soap.NSMessages {
		c.op = nil
	}
	if c.op == nil || c.op.serve == nil {
		// The name comes from the client: only those of the table reach the record.
		if c.op != nil {
			c.request.Record.Begin(c.op.name, c.op.waits)
		}
		return &soap.Fault{Code: "ErrorInvalidOperation", Message: "The server does not offer the operation."}
	}
	c.request.Record.Begin(c.op.name, c.op.waits)
	if c.op.since > c.schema {
		return errSchemaVersion
	}
	if err := c.identify(env); err != nil {
		return err
	}
	if err := c.enter(); err != nil {
		return err
	}
	if c.zone, err = c.clock(env); err != nil {
		return err
	}
	if err := c.open(); err != nil {
		return err
	}
	if c.op.content > 0 {
		reader.SetBytes(c.op.content)
	}
	if c.req, err = env.Request(streamed, c.keep); err != nil {
		return err
	}
	if !c.schema.has(c.req) {
		return errSchemaVersion
	}
	if err = c.look(c.req); err != nil {
		return err
	}
	if err = c.op.serve(c); err == nil || c.begun || !told(err) {
		return err
	}
	if c.op.failed != nil {
		return c.op.failed(c, err)
	}
	// What a request names wrongly for all its objects is told once for each of them.
	c.begin()
	for range min(max(len(c.listed()), 1), maxIDs) {
		if err := c.failure(err); err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

// listed returns the objects that the request is about.
func (c *call) listed() []*soap.Element {
	if e := c.req.Child(soap.NSMessages, c.op.list); e != nil {
		return e.Children
	}
	return nil
}

// validVersion admits every name that Exchange has given or could give a schema.
func validVersion(v string) bool {
	year, rest, _ := strings.Cut(strings.TrimPrefix(v, "V"), "_")
	if strings.HasPrefix(v, "Exchange") {
		year, rest, _ = strings.Cut(strings.TrimPrefix(v, "Exchange"), "_")
		if rest == "" {
			return len(v) == len("Exchange2016") && digits(year) && strings.HasPrefix(year, "20")
		}
		sp, found := strings.CutPrefix(rest, "SP")
		return digits(year) && len(year) == 4 && strings.HasPrefix(year, "20") && found && len(sp) == 1 && digits(sp)
	}
	month, day, _ := strings.Cut(rest, "_")
	return strings.HasPrefix(v, "V20") && len(v) == len("V2017_07_11") && digits(year) && digits(month) && digits(day)
}

func digits(s string) bool {
	for _, c := range s {
		if c < '0' || c > '9' {
			return false
		}
	}
	return s != ""
}

// identify finds the person whose mailbox the request is about: the caller, or
// whom an application impersonates.
func (c *call) identify(env *soap.Envelope) error {
	id := c.request.Identity
	if id == nil {
		c.request.Record.Reason = "no identity"
		return errAccessDenied
	}
	block := env.Block(soap.NSTypes, "ExchangeImpersonation")
	if id.Recipient != nil {
		c.person = id.Recipient
		if block == nil {
			return nil
		}
		// Naming oneself is harmless, and some libraries always do.
		person, err := c.connecting(block)
		if err == nil && person != nil && person.GUID == id.Recipient.GUID {
			return nil
		}
		if err != nil {
			c.request.Record.Reason = "ExchangeImpersonation names nobody"
			return errors.Join(impersonationDenied, err)
		}
		return c.impersonate("", id.Recipient, person)
	}
	if !slices.Contains(id.Roles, "full_access_as_app") || id.Application == "" {
		c.request.Record.Reason = "application without the role full_access_as_app"
		return &soap.Fault{Code: codeForbidden, Message: "The token contains not enough scope to make this call."}
	}
	if block == nil {
		c.request.Record.Reason = "application without ExchangeImpersonation"
		return &soap.Fault{Code: codeForbidden, Message: "ExchangeImpersonation SOAP header must be present for this type of OAuth token."}
	}
	person, err := c.connecting(block)
	if err != nil {
		return err
	}
	return c.impersonate(id.Application, nil, person)
}

// impersonate makes the request one of the person, nil for nobody, whom an application
// or a caller names, if they may.
func (c *call) impersonate(application string, caller, person *org.Recipient) error {
	allowed, err := false, error(nil)
	if person != nil && c.door.opts.MayImpersonate != nil {
		if allowed, err = c.door.opts.MayImpersonate(c.ctx, application, caller, person); err != nil {
			return err
		}
	}
	if !allowed {
		c.request.Record.Reason = "no role ApplicationImpersonation for this person"
		return impersonationDenied
	}
	c.person = person
	c.request.Record.Impersonated = person.UPN
	return nil
}

// impersonationDenied is the same for somebody who does not exist and somebody
// whom the caller may not impersonate.
var impersonationDenied = &soap.Fault{Code: "ErrorImpersonateUserDenied", Message: "The account does not have permission to impersonate the requested user."}

// connecting returns the person of ConnectingSID; nil for nobody, or for a name
// that more than one person has.
func (c *call) connecting(block *soap.Element) (*org.Recipient, error) {
	sid := block.Child(soap.NSTypes, "ConnectingSID")
	if sid == nil || len(sid.Children) != 1 {
		return nil, invalid(block, "ConnectingSID must name one person")
	}
	var list []*org.Recipient
	var err error
	switch e := sid.Children[0]; e.Name.Local {
	case "PrimarySmtpAddress", "SmtpAddress":
		list, err = c.door.opts.People.BySMTP(c.ctx, e.Text)
	case "PrincipalName":
		list, err = c.door.opts.People.ByUPN(c.ctx, e.Text)
	case "SID":
		var one *org.Recipient
		if one, err = c.door.opts.People.BySID(c.ctx, e.Text); errors.Is(err, org.ErrNotFound) {
			return nil, nil
		}
		list = []*org.Recipient{one}
	default:
		return nil, invalid(e, "ConnectingSID cannot hold %s", e.Name.Local)
	}
	if err != nil || len(list) != 1 {
		return nil, err
	}
	return list[0], nil
}

// open opens the person's mailbox, as its owner.
func (c *call) open() error {
	p := c.person
	if !p.Receives() {
		return errNoMailbox
	}
	if !p.EwsEnabled {
		c.request.Record.Reason = "EWS is switched off for the mailbox"
		return errAccessDenied
	}
	mailbox, err := c.door.store.OpenMailbox(c.ctx, p.MailboxGUID, addressbook.MailboxInfo(p))
	if err != nil {
		return err
	}
	if c.mailbox, err = mailbox.As(c.ctx, p.SID); err != nil {
		return err
	}
	if err := mailbox.LoggedOn(c.ctx); err != nil {
		// It is for statistics; on a full disk people go on reading.
		c.door.opts.Log.Warn("logon not noted", "error", err)
	}
	return nil
}

// streamed are the elements whose base64 content is not kept in memory.
var streamed = map[soap.Name]bool{
	{Space: soap.NSTypes, Local: "MimeContent"}: true,
	{Space: soap.NSTypes, Local: "Content"}:     true,
	{Space: soap.NSTypes, Local: "Data"}:        true,
}

// keep puts the content of such an element into the mailbox as a blob. What no
// item comes to refer to is swept later.
func (c *call) keep(_ soap.Name, content io.Reader) (any, error) {
	if c.op.content == 0 {
		return nil, nil
	}
	blob, err := c.mailbox.WriteBlob(c.ctx, content)
	if err != nil {
		return nil, err
	}
	return blob, nil
}

// begin starts the answer with response messages.
func (c *call) begin() {
	c.begun = true
	c.w.Begin(c.version)
	c.w.Start("m:" + c.op.name + "Response")
	c.w.Start("m:ResponseMessages")
}

// finish ends what begin began.
func (c *call) finish() {
	c.w.End("m:ResponseMessages")
	c.w.End("m:" + c.op.name + "Response")
	c.w.Finish()
}

// success writes a response message; payload, when not nil, writes what it
// carries. When that fails early enough the message becomes one of failure, so
// that the other messages of the answer are not lost.
func (c *call) success(payload func() error) error { return c.warning(nil, payload) }

// warning is success with something that the client must know of, nil for nothing.
func (c *call) warning(what *problem, payload func() error) error {
	name := "m:" + c.op.name + "ResponseMessage"
	mark := c.w.Mark()
	if what == nil {
		c.w.Start(name, "ResponseClass", "Success")
		c.w.Element("m:ResponseCode", "NoError")
	} else {
		c.w.Start(name, "ResponseClass", "Warning")
		c.w.Element("m:MessageText", what.text)
		c.w.Element("m:ResponseCode", what.code)
		c.w.Element("m:DescriptiveLinkKey", "0")
	}
	if payload != nil {
		if err := payload(); err != nil {
			if c.w.Err() == nil && c.w.Cut(mark) {
				return c.failure(err)
			}
			return err
		}
	}
	c.w.End(name)
	c.succeeded++
	return c.w.Err()
}

// failure writes a response message that tells of an error. A fault ends the
// request, and so does the end of its time, unless something was done already that
// the client must be told of.
func (c *call) failure(err error) error {
	over := context.Cause(c.ctx)
	if c.succeeded > 0 && errors.Is(over, context.DeadlineExceeded) {
		err, over = over, nil
	}
	if _, fault := errors.AsType[*soap.Fault](err); fault && c.succeeded == 0 && !c.w.Flushed() {
		return err
	}
	name := "m:" + c.op.name + "ResponseMessage"
	c.w.Start(name, "ResponseClass", "Error")
	c.writeProblem(err)
	if c.op.payload != "" {
		c.w.Empty(c.op.payload)
	}
	c.w.End(name)
	return errors.Join(c.w.Err(), over)
}

// unfinished is the failure of what should have followed on something that is done:
// a response message of warning tells of it, with the payload of success.
type unfinished struct{ error }

// each answers a request about a list of objects: one response message for each,
// in their order. one does the work for an object and returns what writes the
// payload of its message, nil for none.
// Beside that the error can be unfinished.
func (c *call) each(list []*soap.Element, one func(e *soap.Element) (payload func() error, err error)) error {
	c.begin()
	for _, e := range list {
		payload, err := one(e)
		if undone, ok := errors.AsType[*unfinished](err); ok {
			code, text := c.door.codeOf(c.request, undone.error)
			err = c.warning(&problem{code, text}, payload)
		} else if err != nil {
			err = c.failure(err)
		} else {
			err = c.success(payload)
		}
		if err != nil {
			return err
		}
	}
	c.finish()
	return nil
}

// item returns what writes an Items element with the id of one item, of the class.
func (c *call) item(class string, stamp store.Stamp) func() error {
	return c.itemWith(class, stamp.ID, stamp.ChangeKey)
}

// itemWith is item for an item or an occurrence of one.
func (c *call) itemWith(class string, id store.ID, key []byte) func() error {
	return func() error {
		element := "t:" + kindOf(class).element
		c.w.Start("m:Items")
		c.w.Start(element)
		c.writeID(id, key)
		c.w.End(element)
		c.w.End("m:Items")
		return nil
	}
}

// flag returns a Boolean attribute of the request, which must be there.
func (c *call) flag(name string) (bool, error) {
	text, _ := c.req.Attr(name)
	v, ok := parseValue(mapi.Boolean, text)
	if !ok {
		return false, invalid(c.req, "%s is no Boolean", name)
	}
	return v.(bool), nil
}

// suppress returns the request's SuppressReadReceipts, false without one.
func (c *call) suppress() (bool, error) {
	if _, given := c.req.Attr("SuppressReadReceipts"); !given {
		return false, nil
	}
	return c.flag("SuppressReadReceipts")
}

// deletions are the ways to delete by their words.
var deletions = map[string]store.Deletion{"HardDelete": store.HardDelete, "SoftDelete": store.SoftDelete, "MoveToDeletedItems": store.ToDeletedItems}

// deletion returns the request's DeleteType.
func (c *call) deletion() (store.Deletion, error) {
	text, _ := c.req.Attr("DeleteType")
	how, known := deletions[text]
	if !known {
		return how, invalid(c.req, "%q is no way to delete", text)
	}
	return how, nil
}

// child returns a child of the request in the messages namespace that must be there.
func (c *call) child(local string) (*soap.Element, error) {
	e := c.req.Child(soap.NSMessages, local)
	if e == nil {
		return nil, invalid(c.req, "%s is missing", local)
	}
	return e, nil
}

// ids returns the children of a list of ids that must be there.
func (c *call) ids(local string) ([]*soap.Element, error) {
	list, err := c.child(local)
	if err != nil {
		return nil, err
	}
	if len(list.Children) == 0 {
		return nil, invalid(list, "%s is empty", local)
	}
	if len(list.Children) > maxIDs {
		return nil, &soap.Fault{Code: "ErrorInvalidOperation", Message: "The request names too many ids."}
	}
	return list.Children, nil
}

// parse reads an id and opens the mailbox that it is in. What the caller may do with
// what it names the mailbox says.
func (c *call) parse(text string) (store.ID, error) {
	if text == "" {
		return nil, errIDEmpty
	}
	id, err := store.ParseID(c.door.opts.IDKey, text)
	if err != nil {
		return nil, err
	}
	if id.InMailbox() != c.mailbox.GUID() {
		if _, err := c.admit(id.InMailbox()); err != nil {
			return nil, err
		}
	}
	return id, nil
}

// box returns the mailbox that an id which parse admitted lives in, as the caller sees it.
func (c *call) box(id store.ID) *store.Mailbox {
	if id.InMailbox() == c.mailbox.GUID() {
		return c.mailbox
	}
	if m := c.boxes[id.InMailbox()]; m != nil {
		return m
	}
	panic("ews: an id of a mailbox that was not opened") // parse admits no other
}

// itemID reads an ItemId element; key is its change key, nil without one.
func (c *call) itemID(e *soap.Element) (id store.ItemID, key []byte, err error) {
	switch e.Name.Local {
	case "ItemId", "ReferenceItemId", "ParentItemId":
	case "OccurrenceItemId", "RecurringMasterItemId", "RecurringMasterItemIdRanges":
		return id, nil, errUnsupported
	default:
		return id, nil, invalid(e, "%s is no item id", e.Name.Local)
	}
	text, _ := e.Attr("Id")
	parsed, err := c.parse(text)
	if err != nil {
		return id, nil, err
	}
	switch v := parsed.(type) {
	case store.ItemID:
		id = v
	case store.FolderID:
		return id, nil, errFolderForItem
	default:
		return id, nil, errInvalidID
	}
	if text, given := e.Attr("ChangeKey"); given {
		if key, err = parseChangeKey(text, itemKey); err != nil {
			return id, nil, err
		}
	}
	return id, key, nil
}

// folderID reads a FolderId or a DistinguishedFolderId.
func (c *call) folderID(e *soap.Element) (id store.FolderID, err error) {
	text, _ := e.Attr("Id")
	switch e.Name.Local {
	case "FolderId":
		parsed, err := c.parse(text)
		if err != nil {
			return id, err
		}
		switch v := parsed.(type) {
		case store.FolderID:
			id = v
		case store.ItemID:
			return id, errItemForFolder
		default:
			return id, errInvalidID
		}
	case "DistinguishedFolderId":
		m, role, err := c.distinguished(e)
		if err != nil {
			return id, orFolder(err)
		}
		if id, err = m.RoleID(role); err != nil {
			return id, orFolder(err)
		}
	default:
		return id, invalid(e, "%s is no folder id", e.Name.Local)
	}
	if text, given := e.Attr("ChangeKey"); given {
		_, err = parseChangeKey(text, folderKey)
	}
	return id, err
}

// target reads an element that holds one folder id.
func (c *call) target(e *soap.Element) (store.FolderID, error) {
	if len(e.Children) != 1 {
		return store.FolderID{}, invalid(e, "%s must hold one folder id", e.Name.Local)
	}
	id, err := c.folderID(e.Children[0])
	if err != nil {
		return id, err
	}
	_, err = c.box(id).Folder(c.ctx, id)
	return id, orFolder(err)
}

// Kinds of change key: the first bytes that Exchange gives them.
const (
	folderKey = 1
	itemKey   = 9
)

// changeKey returns an object's change key as text: its kind, the length, and the
// 22 bytes of the store.
func changeKey(kind uint32, key []byte) string {
	raw := binary.LittleEndian.AppendUint32(make([]byte, 0, 30), kind)
	raw = binary.LittleEndian.AppendUint32(raw, uint32(len(key)))
	return base64.StdEncoding.EncodeToString(append(raw, key...))
}

// parseChangeKey reads what changeKey wrote. Whether it is current is not looked at.
func parseChangeKey(text string, kind uint32) ([]byte, error) {
	raw, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(raw) != 30 || binary.LittleEndian.Uint32(raw) != kind || binary.LittleEndian.Uint32(raw[4:]) != 22 {
		return nil, errChangeKey
	}
	return raw[8:], nil
}

// writeItemID writes an item's id and change key.
func (c *call) writeItemID(id store.ItemID, key []byte) { c.writeID(id, key) }

// writeID writes the id of an item, or of an occurrence of one, with the change key.
func (c *call) writeID(id store.ID, key []byte) {
	c.w.Empty("t:ItemId", "Id", id.Encode(c.door.opts.IDKey), "ChangeKey", changeKey(itemKey, key))
}

func (c *call) writeFolderID(element string, f *store.Folder) {
	c.w.Empty(element, "Id", f.ID.Encode(c.door.opts.IDKey), "ChangeKey", changeKey(folderKey, f.ChangeKey))
}
