package ews

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// ruleOrganizer is the class of the item in which Outlook keeps its own form of
// the rules, those that only it can run among them (MS-OXORULE 2.2.4).
const ruleOrganizer = "IPM.RuleOrganizer"

// getInboxRules answers GetInboxRules (MS-OXWSRULES 3.1.4.1): the rules of the
// caller's Inbox in the order in which they run. One that a MAPI client made of
// what EWS has no element for is named as not supported.
func getInboxRules(c *call) error {
	if err := c.ownRules(); err != nil {
		return err
	}
	inbox, err := c.mailbox.RoleID(store.RoleInbox)
	if err != nil {
		return err
	}
	rules, err := c.mailbox.Rules(c.ctx, inbox)
	if err != nil {
		return err
	}
	blob, err := c.ruleBlob(inbox)
	if err != nil {
		return err
	}
	return c.alone(func() error {
		c.w.Bool("m:OutlookRuleBlobExists", len(blob) > 0)
		if len(rules) == 0 {
			return nil
		}
		c.w.Start("m:InboxRules")
		for _, r := range rules {
			if err := c.writeRule(r); err != nil {
				return err
			}
		}
		c.w.End("m:InboxRules")
		return nil
	})
}

// ownRules refuses a request about another mailbox.
func (c *call) ownRules() error {
	if e := c.req.Child(soap.NSMessages, "MailboxSmtpAddress"); e != nil && !hasAddress(c.person, e.Text) {
		return errAccessDenied
	}
	return nil
}

// ruleBlob returns the items of Outlook's own form of the rules.
func (c *call) ruleBlob(inbox store.FolderID) ([]*store.Item, error) {
	page, err := c.mailbox.List(c.ctx, store.Query{Folder: inbox, View: store.AssociatedView, Where: is(mapi.PidTagMessageClass, ruleOrganizer)})
	if err != nil {
		return nil, err
	}
	return page.Items, nil
}

// ruleID is a rule's id as text. It names a rule of the caller's own Inbox and nothing else.
func ruleID(id mapi.GlobCnt) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, uint64(id)))
}

func (c *call) writeRule(r *store.Rule) error {
	conditions, exceptions, ok := split(r.Condition)
	var must, mustNot []func(w *soap.Writer)
	var acts []func(w *soap.Writer) error
	if ok = ok && readable(r); ok {
		must, ok = writers(conditions)
	}
	if ok {
		mustNot, ok = writers(exceptions)
	}
	if ok {
		acts, ok = c.actionWriters(r)
	}
	w := c.w
	w.Start("t:Rule")
	w.Element("t:RuleId", ruleID(r.ID))
	w.Element("t:DisplayName", r.Name)
	w.Element("t:Priority", strconv.Itoa(int(r.Sequence)))
	w.Bool("t:IsEnabled", r.State&store.RuleEnabled != 0)
	if !ok {
		w.Bool("t:IsNotSupported", true)
	}
	if r.State&store.RuleInError != 0 {
		w.Bool("t:IsInError", true)
	}
	if ok {
		for _, part := range []struct {
			name string
			list []func(w *soap.Writer)
		}{{"t:Conditions", must}, {"t:Exceptions", mustNot}} {
			if len(part.list) > 0 {
				w.Start(part.name)
				for _, write := range part.list {
					write(w)
				}
				w.End(part.name)
			}
		}
		w.Start("t:Actions")
		for _, write := range acts {
			if err := write(w); err != nil {
				return err
			}
		}
		w.End("t:Actions")
	}
	w.End("t:Rule")
	return w.Err()
}
