package ews

import (
	"slices"
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/oxcmail"
	"hma/wire/soap"
)

// ruleActions are the elements of RuleActionsType in the order of the schema
// (MS-OXWSRULES 2.2.4.6).
var ruleActions = []string{"AssignCategories", "CopyToFolder", "Delete", "ForwardAsAttachmentToRecipients", "ForwardToRecipients",
	"MarkImportance", "MarkAsRead", "MoveToFolder", "PermanentDelete", "RedirectToRecipients", "SendSMSAlertToRecipients",
	"ServerReplyWithMessage", "StopProcessingRules"}

const redirection = mapi.ForwardPreserveSender | mapi.ForwardNoChange

// actions reads Actions into a rule.
func (c *call) actions(e *soap.Element, r *store.Rule) (errs []*ruleError, err error) {
	if e == nil {
		return []*ruleError{fieldError("Actions", "MissingAction", "The rule does nothing.", "")}, nil
	}
	seen := map[string]bool{}
	stop := false
	for _, child := range e.Children {
		name := child.Name.Local
		if !slices.Contains(ruleActions, name) || seen[name] {
			return nil, invalid(child, "%s has no place here", name)
		}
		seen[name] = true
		var bad *ruleError
		if name == "StopProcessingRules" {
			stop, bad = ruleFlag(child, "Action:"+name)
			if stop {
				r.State |= store.RuleExitLevel
			}
		} else {
			var a *mapi.Action
			if a, bad, err = c.action(child, "Action:"+name); err != nil {
				return nil, err
			}
			if a != nil {
				r.Actions = append(r.Actions, *a)
			}
		}
		if bad != nil {
			errs = append(errs, bad)
		}
	}
	if len(errs) == 0 && len(r.Actions) == 0 && !stop {
		errs = append(errs, fieldError("Actions", "MissingAction", "The rule does nothing.", ""))
	}
	return errs, nil
}

func ruleFlag(e *soap.Element, field string) (bool, *ruleError) {
	v, ok := parseValue(mapi.Boolean, e.Text)
	if !ok {
		return false, fieldError(field, "InvalidValue", "The value is no Boolean.", e.Text)
	}
	return v.(bool), nil
}

// action reads one action; nil for a Boolean that is false.
func (c *call) action(e *soap.Element, field string) (*mapi.Action, *ruleError, error) {
	switch e.Name.Local {
	case "AssignCategories":
		var words []string
		for _, child := range e.Children {
			if bad := ruleText(child.Text, field); bad != nil {
				return nil, bad, nil
			}
			words = append(words, child.Text)
		}
		if len(words) == 0 || len(words) > maxRuleStrings {
			return nil, fieldError(field, "EmptyValueFound", "The list has no or too many categories.", ""), nil
		}
		return &mapi.Action{Type: mapi.ActionTag, Tag: mapi.PidNameKeywords, Value: words}, nil, nil
	case "CopyToFolder", "MoveToFolder":
		folder, bad, err := c.ruleFolder(e, field)
		if bad != nil || err != nil {
			return nil, bad, err
		}
		kind := mapi.ActionMove
		if e.Name.Local == "CopyToFolder" {
			kind = mapi.ActionCopy
		}
		return &mapi.Action{Type: kind, Folder: folder.Folder}, nil, nil
	case "Delete", "MarkAsRead", "PermanentDelete":
		v, bad := ruleFlag(e, field)
		if bad != nil || !v {
			return nil, bad, nil
		}
		switch e.Name.Local {
		case "MarkAsRead":
			return &mapi.Action{Type: mapi.ActionMarkAsRead}, nil, nil
		case "PermanentDelete":
			return &mapi.Action{Type: mapi.ActionDelete}, nil, nil
		}
		bin, err := c.mailbox.RoleID(store.RoleDeletedItems)
		return &mapi.Action{Type: mapi.ActionMove, Folder: bin.Folder}, nil, err
	case "MarkImportance":
		n := slices.Index(importances, strings.TrimSpace(e.Text))
		if n < 0 {
			return nil, fieldError(field, "InvalidValue", "The value is no importance.", e.Text), nil
		}
		return &mapi.Action{Type: mapi.ActionTag, Tag: mapi.PidTagImportance, Value: int32(n)}, nil, nil
	case "ForwardAsAttachmentToRecipients":
		a, bad := ruleForward(e, mapi.ForwardAsAttachment, field)
		return a, bad, nil
	case "ForwardToRecipients":
		a, bad := ruleForward(e, 0, field)
		return a, bad, nil
	case "RedirectToRecipients":
		a, bad := ruleForward(e, redirection, field)
		return a, bad, nil
	}
	return nil, fieldError(field, "NotSettable", "The server does not do this.", ""), nil
}

// ruleFolder reads the folder of an action, which must be one of the caller's own that is there.
func (c *call) ruleFolder(e *soap.Element, field string) (store.FolderID, *ruleError, error) {
	id, err := c.target(e)
	switch {
	case err == nil && id.Mailbox == c.mailbox.GUID():
		return id, nil, nil
	case err == nil:
		return id, fieldError(field, "InvalidFolderId", "The folder is in another mailbox.", ""), nil
	case !told(err):
		return id, nil, err
	case err == errFolderNotFound:
		return id, fieldError(field, "FolderDoesNotExist", "The folder is not there.", ""), nil
	}
	return id, fieldError(field, "InvalidFolderId", "The id is not that of a folder of this mailbox.", ""), nil
}

func ruleForward(e *soap.Element, flavor uint32, field string) (*mapi.Action, *ruleError) {
	a := &mapi.Action{Type: mapi.ActionForward, Flavor: flavor}
	for _, child := range e.Children {
		to, bad := ruleAddress(child, field)
		if bad != nil {
			return nil, bad
		}
		a.Recipients = append(a.Recipients, mapi.Bag{
			mapi.PidTagDisplayName: to.Display(), mapi.PidTagAddressType: "SMTP", mapi.PidTagEmailAddress: to.Email, mapi.PidTagSmtpAddress: to.Email,
			mapi.PidTagEntryID: oxcmail.OneOff(to), mapi.PidTagRecipientType: mapi.RecipientTo})
	}
	switch {
	case len(a.Recipients) == 0:
		return nil, fieldError(field, "EmptyValueFound", "The list is empty.", "")
	case len(a.Recipients) > maxRuleTo:
		return nil, fieldError(field, "InvalidValue", "The list has too many recipients.", "")
	}
	return a, nil
}

// ruleAddress reads an address of a rule. Only SMTP addresses can be given.
func ruleAddress(e *soap.Element, field string) (a oxcmail.Address, bad *ruleError) {
	routing := "SMTP"
	for _, child := range e.Children {
		switch child.Name.Local {
		case "Name":
			a.Name = child.Text
		case "EmailAddress":
			a.Email = strings.TrimSpace(child.Text)
		case "RoutingType":
			routing = strings.TrimSpace(child.Text)
		}
	}
	if routing != "" && !strings.EqualFold(routing, "SMTP") {
		return a, fieldError(field, "UnsupportedAddress", "The address is no SMTP address.", a.Email)
	}
	if len([]rune(a.Name)) > maxRuleString {
		return a, fieldError(field, "StringValueTooBig", "A name is too long.", "")
	}
	a.Name = strings.Map(func(r rune) rune {
		if r < ' ' {
			return -1
		}
		return r
	}, a.Name)
	local, domain, ok := strings.Cut(a.Email, "@")
	if !ok || local == "" || domain == "" || len(a.Email) > 254 || strings.ContainsAny(a.Email, " \t\r\n<>\",;") {
		return a, fieldError(field, "InvalidAddress", "The address is not valid.", a.Email)
	}
	return a, nil
}

func writeRuleAddress(w *soap.Writer, name, email string) {
	w.Start("t:Address")
	if name == "" {
		name = email
	}
	w.Element("t:Name", name)
	w.Element("t:EmailAddress", email)
	w.Element("t:RoutingType", "SMTP")
	w.End("t:Address")
}

// actionWriters returns what writes a rule's actions, in the order of the schema;
// false when EWS has no element for one of them.
func (c *call) actionWriters(r *store.Rule) (list []func(w *soap.Writer) error, ok bool) {
	found := map[string]func(w *soap.Writer) error{}
	for _, a := range r.Actions {
		name, write := c.actionWriter(a)
		if write == nil || found[name] != nil {
			return nil, false
		}
		found[name] = write
	}
	if r.State&store.RuleExitLevel != 0 {
		found["StopProcessingRules"] = writeTrue("StopProcessingRules")
	}
	for _, name := range ruleActions {
		if write := found[name]; write != nil {
			list = append(list, write)
		}
	}
	return list, true
}

func writeTrue(name string) func(w *soap.Writer) error {
	return func(w *soap.Writer) error {
		w.Bool("t:"+name, true)
		return nil
	}
}

func (c *call) actionWriter(a mapi.Action) (name string, write func(w *soap.Writer) error) {
	switch {
	case (a.Type == mapi.ActionMove || a.Type == mapi.ActionCopy) && a.Folder != 0:
		bin, err := c.mailbox.RoleID(store.RoleDeletedItems)
		if err == nil && a.Type == mapi.ActionMove && a.Folder == bin.Folder {
			return "Delete", writeTrue("Delete")
		}
		if name = "MoveToFolder"; a.Type == mapi.ActionCopy {
			name = "CopyToFolder"
		}
		return name, func(w *soap.Writer) error { return c.writeRuleFolder(name, a.Folder) }
	case a.Type == mapi.ActionDelete:
		return "PermanentDelete", writeTrue("PermanentDelete")
	case a.Type == mapi.ActionMarkAsRead:
		return "MarkAsRead", writeTrue("MarkAsRead")
	case a.Type == mapi.ActionTag && a.Tag == mapi.PidTagImportance:
		if n, ok := a.Value.(int32); ok && n >= 0 && int(n) < len(importances) {
			return "MarkImportance", func(w *soap.Writer) error {
				w.Element("t:MarkImportance", importances[n])
				return nil
			}
		}
	case a.Type == mapi.ActionTag && a.Tag == mapi.PidNameKeywords:
		words, _ := a.Value.([]string)
		return "AssignCategories", func(w *soap.Writer) error {
			w.Start("t:AssignCategories")
			for _, word := range words {
				w.Element("t:String", word)
			}
			w.End("t:AssignCategories")
			return nil
		}
	case a.Type == mapi.ActionForward:
		name, known := map[uint32]string{0: "ForwardToRecipients", mapi.ForwardAsAttachment: "ForwardAsAttachmentToRecipients", redirection: "RedirectToRecipients"}[a.Flavor]
		if known {
			return name, func(w *soap.Writer) error {
				w.Start("t:" + name)
				for _, to := range a.Recipients {
					writeRuleAddress(w, to.String(mapi.PidTagDisplayName), to.String(mapi.PidTagSmtpAddress))
				}
				w.End("t:" + name)
				return nil
			}
		}
	}
	return "", nil
}

// writeRuleFolder writes a folder's id, with its change key while it is there.
func (c *call) writeRuleFolder(name string, fid mapi.GlobCnt) error {
	id := store.FolderID{Mailbox: c.mailbox.GUID(), Folder: fid}
	f, err := c.mailbox.Folder(c.ctx, id)
	if err != nil && orFolder(err) != errFolderNotFound {
		return err
	}
	c.w.Start("t:" + name)
	if err == nil {
		c.writeFolderID("t:FolderId", f)
	} else {
		c.w.Empty("t:FolderId", "Id", id.Encode(c.door.opts.IDKey))
	}
	c.w.End("t:" + name)
	return nil
}
