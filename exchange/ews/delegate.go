package ews

import (
	"errors"
	"slices"
	"strings"

	"hma/exchange/org"
	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// What the operations about delegates have in common (MS-OXWSDLGM): GetDelegate,
// AddDelegate, UpdateDelegate and RemoveDelegate.

var (
	errDelegateExists     = &problem{"ErrorDelegateAlreadyExists", "The user is already a delegate for the mailbox."}
	errDelegateOwner      = &problem{"ErrorDelegateCannotAddOwner", "The owner of a mailbox cannot be a delegate for it."}
	errDelegateNoUser     = &problem{"ErrorDelegateNoUser", "The delegate is no user of the directory."}
	errNotDelegate        = &problem{"ErrorNotDelegate", "The user is not a delegate for the mailbox."}
	errDelegateUserID     = &problem{"ErrorInvalidDelegateUserId", "A delegate is named by a SID or a primary SMTP address."}
	errDelegateSID        = &problem{"ErrorInvalidUserSid", "The SID is malformed."}
	errDistinguishedUser  = &problem{"ErrorDistinguishedUserNotSupported", "Everybody and anonymous users cannot be delegates."}
	errDelegatePermission = &problem{"ErrorInvalidDelegatePermission", "The permission level is none that a delegate can be given."}
	errTooManyDelegates   = &problem{"ErrorDelegateValidationFailed", "The mailbox would have too many delegates."}
)

// deliveries are the words of DeliverMeetingRequestsType (MS-OXWSDLGM 2.2.5.1) in the order of the store's.
var deliveries = []string{"DelegatesAndSendInformationToMe", "DelegatesOnly", "DelegatesAndMe", "NoForward"}

// delegateFolders are the folders of DelegatePermissionsType in its order.
var delegateFolders = []struct {
	element string
	role    store.Role
}{
	{"CalendarFolderPermissionLevel", store.RoleCalendar},
	{"TasksFolderPermissionLevel", store.RoleTasks},
	{"InboxFolderPermissionLevel", store.RoleInbox},
	{"ContactsFolderPermissionLevel", store.RoleContacts},
	{"NotesFolderPermissionLevel", store.RoleNotes},
	{"JournalFolderPermissionLevel", store.RoleJournal},
}

// delegateLevels are the levels that a delegate can be given (DelegateFolderPermissionLevelType without Custom).
var delegateLevels = []string{levelNone, "Reviewer", "Author", "Editor"}

// delegating opens the mailbox whose delegates the request is about.
func (c *call) delegating() (*store.Mailbox, error) {
	e, err := c.child("Mailbox")
	if err != nil {
		return nil, err
	}
	if e.Child(soap.NSTypes, "EmailAddress") == nil {
		return nil, invalid(e, "EmailAddress is missing")
	}
	return c.mailboxOf(e)
}

// delegateNamed is somebody whom a request names as a delegate.
type delegateNamed struct {
	sid    string
	person *org.Recipient // nil for a SID that the directory does not know (any more)
	err    error          // why the name is none
	user   *soap.Element  // the DelegateUser, nil where the request has only the name
}

// unknown is why somebody named is no delegate.
func (d *delegateNamed) unknown() error {
	if d.person == nil {
		return errDelegateNoUser
	}
	return errNotDelegate
}

// delegatesNamed reads the DelegateUsers or the UserIds of the request.
func (c *call) delegatesNamed(list *soap.Element) ([]delegateNamed, error) {
	if len(list.Children) > store.MaxDelegates {
		return nil, errTooManyDelegates
	}
	named := make([]delegateNamed, len(list.Children))
	for i, e := range list.Children {
		d := &named[i]
		if e.Name.Local == "DelegateUser" {
			d.user, e = e, e.Child(soap.NSTypes, "UserId")
		}
		d.sid, d.person, d.err = c.delegateUser(e)
		if _, told := errors.AsType[*problem](d.err); d.err != nil && !told {
			return nil, d.err
		}
	}
	return named, nil
}

// delegateUser finds out whom a UserId names.
func (c *call) delegateUser(e *soap.Element) (sid string, r *org.Recipient, err error) {
	given := e.Child(soap.NSTypes, "SID")
	switch {
	case e.Child(soap.NSTypes, "DistinguishedUser") != nil:
		return "", nil, errDistinguishedUser
	case given != nil && !isSID(given.Text):
		return "", nil, errDelegateSID
	case given == nil && e.Child(soap.NSTypes, "PrimarySmtpAddress") == nil:
		return "", nil, errDelegateUserID
	}
	switch sid, r, err = c.userID(e); {
	case err != errPermissionUser:
		return sid, r, err
	case given == nil:
		return "", nil, errDelegateNoUser
	}
	return given.Text, nil, nil
}

// isSID tells whether a text is a SID (MS-DTYP 2.4.2.1).
func isSID(text string) bool {
	parts := strings.Split(text, "-")
	return len(text) <= 184 && len(parts) >= 4 && strings.EqualFold(parts[0], "S") && !slices.ContainsFunc(parts[1:], func(p string) bool { return p == "" || !digits(p) })
}

// delegateDraft is what a DelegateUser element says; what is nil stays.
type delegateDraft struct {
	copies, private *bool
	grants          []store.Grant
}

// delegateDraft reads a DelegateUser element.
func (c *call) delegateDraft(box *store.Mailbox, d *delegateNamed) (draft delegateDraft, err error) {
	for name, to := range map[string]**bool{"ReceiveCopiesOfMeetingMessages": &draft.copies, "ViewPrivateItems": &draft.private} {
		e := d.user.Child(soap.NSTypes, name)
		if e == nil {
			continue
		}
		v, ok := parseValue(mapi.Boolean, e.Text)
		if !ok {
			return draft, invalid(e, "%s is no Boolean", name)
		}
		*to = new(v.(bool))
	}
	levels := d.user.Child(soap.NSTypes, "DelegatePermissions")
	for _, f := range delegateFolders {
		e := levels.Child(soap.NSTypes, f.element)
		if e == nil {
			continue
		}
		if !slices.Contains(delegateLevels, e.Text) {
			return draft, errDelegatePermission
		}
		folder, err := box.RoleID(f.role)
		if err != nil {
			return draft, err
		}
		rights, _ := levelRights(e.Text, f.role == store.RoleCalendar)
		draft.grants = append(draft.grants, store.Grant{SID: d.sid, Folder: folder, Rights: rights})
	}
	return draft, nil
}

// apply puts a draft into a delegate.
func (draft *delegateDraft) apply(one *store.Delegate) {
	if draft.copies != nil {
		one.MeetingCopies = *draft.copies
	}
	if draft.private != nil {
		one.ViewPrivate = *draft.private
	}
}

// setDelegates serves AddDelegate and UpdateDelegate: put makes the change of one
// delegate in the list. What is wrong with one of them is told of that one, the
// others are changed.
func (c *call) setDelegates(put func(box *store.Mailbox, list *store.Delegates, d *delegateNamed, draft *delegateDraft) error) error {
	box, err := c.delegating()
	if err != nil {
		return err
	}
	var named []delegateNamed
	if users := c.req.Child(soap.NSMessages, "DelegateUsers"); users != nil {
		if named, err = c.delegatesNamed(users); err != nil {
			return err
		}
	}
	delivery := -1
	if e := c.req.Child(soap.NSMessages, "DeliverMeetingRequests"); e != nil {
		if delivery = slices.Index(deliveries, e.Text); delivery < 0 {
			return invalid(e, "%q is no way to deliver meeting requests", e.Text)
		}
	}
	if len(named) == 0 && delivery < 0 {
		return invalid(c.req, "neither DelegateUsers nor DeliverMeetingRequests says what to change")
	}
	drafts := make([]delegateDraft, len(named))
	for i := range named {
		d := &named[i]
		if d.err != nil {
			continue
		}
		if d.user == nil {
			return invalid(c.req, "DelegateUsers holds something else than a DelegateUser")
		}
		if drafts[i], d.err = c.delegateDraft(box, d); d.err != nil && d.err != errDelegatePermission {
			return d.err
		}
	}
	var failed []error
	var after []store.Delegate
	err = box.UpdateDelegates(c.ctx, func(list *store.Delegates) error {
		failed, after = make([]error, len(named)), make([]store.Delegate, len(named))
		for i := range named {
			d := &named[i]
			if failed[i] = d.err; failed[i] != nil {
				continue
			}
			if failed[i] = put(box, list, d, &drafts[i]); failed[i] != nil {
				continue
			}
			after[i] = *list.Find(d.sid)
			list.Grants = append(list.Grants, drafts[i].grants...)
		}
		if delivery >= 0 {
			list.Delivery = store.MeetingDelivery(delivery)
		}
		return nil
	})
	if errors.Is(err, store.ErrTooMany) {
		return errTooManyDelegates
	}
	if err != nil {
		return err
	}
	return c.alone(func() error {
		c.writeDelegates(named, func(i int) error { return failed[i] }, func(i int) { c.writeDelegate(named[i].person, after[i], nil) })
		return nil
	})
}

// writeDelegates writes a response message for each of those named; write writes what it carries.
func (c *call) writeDelegates(named []delegateNamed, failed func(i int) error, write func(i int)) {
	if len(named) == 0 {
		return // clients take an empty list for the end of the answer
	}
	const message = "m:DelegateUserResponseMessageType"
	c.w.Start("m:ResponseMessages")
	for i := range named {
		if err := failed(i); err != nil {
			c.w.Start(message, "ResponseClass", "Error")
			c.writeProblem(err)
		} else {
			c.w.Start(message, "ResponseClass", "Success")
			c.w.Element("m:ResponseCode", "NoError")
			write(i)
		}
		c.w.End(message)
	}
	c.w.End("m:ResponseMessages")
}

// writeDelegate writes a DelegateUser; levels are those of delegateFolders, nil to leave them out.
// A delegate whom the directory does not know any more has a SID alone.
func (c *call) writeDelegate(person *org.Recipient, d store.Delegate, levels []string) {
	c.w.Start("m:DelegateUser")
	if person != nil {
		c.writeUserID(person.SID, person)
	} else {
		c.w.Start("t:UserId")
		c.w.Element("t:SID", d.SID)
		c.w.End("t:UserId")
	}
	if levels != nil {
		c.w.Start("t:DelegatePermissions")
		for i, f := range delegateFolders {
			c.w.Element("t:"+f.element, levels[i])
		}
		c.w.End("t:DelegatePermissions")
	}
	c.w.Bool("t:ReceiveCopiesOfMeetingMessages", d.MeetingCopies)
	c.w.Bool("t:ViewPrivateItems", d.ViewPrivate)
	c.w.End("m:DelegateUser")
}
