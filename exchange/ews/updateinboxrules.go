package ews

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"
	"strings"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// updateInboxRules answers UpdateInboxRules (MS-OXWSRULES 3.1.4.2): it creates,
// changes and deletes rules of the caller's Inbox, all of the operations or none.
// What is wrong with single fields is told for each operation.
func updateInboxRules(c *call) error {
	if err := c.ownRules(); err != nil {
		return err
	}
	e, err := c.child("RemoveOutlookRuleBlob")
	if err != nil {
		return err
	}
	remove, ok := parseValue(mapi.Boolean, e.Text)
	if !ok {
		return invalid(e, "RemoveOutlookRuleBlob is no Boolean")
	}
	list, err := c.ids("Operations")
	if err != nil {
		return err
	}
	if len(list) > store.MaxRules {
		return invalid(c.req, "the request has too many operations")
	}
	inbox, err := c.mailbox.RoleID(store.RoleInbox)
	if err != nil {
		return err
	}
	blob, err := c.ruleBlob(inbox)
	if err != nil {
		return err
	}
	if len(blob) > 0 && !remove.(bool) {
		// Outlook would put its own rules over those that are changed here.
		return &problem{"ErrorOutlookRuleBlobExists", "The mailbox has rules that only Outlook runs, and the request does not remove them."}
	}
	change := &ruleChange{}
	for i, op := range list {
		if err := c.ruleOperation(i, op, change); err != nil {
			return err
		}
	}
	if len(change.errs) == 0 {
		err := c.mailbox.UpdateRules(c.ctx, inbox, change.make)
		if errors.Is(err, store.ErrTooMany) {
			return &problem{"ErrorQuotaExceeded", "The rules are too many, or too large together."}
		}
		if err != nil && !errors.Is(err, errRuleRefused) {
			return err
		}
	}
	if len(change.errs) > 0 {
		c.begun = true
		c.w.Begin(c.version)
		change.write(c)
		c.w.Finish()
		return c.w.Err()
	}
	for _, item := range blob {
		if _, err := c.mailbox.DeleteItem(c.ctx, item.ID, store.HardDelete); err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return c.alone(nil)
}

// errRuleRefused ends a change whose operations do not fit the rules that there are.
var errRuleRefused = errors.New("rule operation refused")

// ruleChange is what the operations of a request do, and what is wrong with them.
type ruleChange struct {
	steps []ruleStep
	errs  []operationError
}

type ruleStep struct {
	index int
	id    mapi.GlobCnt // 0 creates
	rule  *store.Rule  // nil deletes
}

type operationError struct {
	index int
	errs  []*ruleError
}

func (ch *ruleChange) fail(index int, errs ...*ruleError) {
	ch.errs = append(ch.errs, operationError{index, errs})
}

// ruleOperation reads one operation.
func (c *call) ruleOperation(i int, op *soap.Element, change *ruleChange) error {
	step := ruleStep{index: i}
	var errs []*ruleError
	switch op.Name.Local {
	case "DeleteRuleOperation":
		id := op.Child(soap.NSTypes, "RuleId")
		if id == nil {
			return invalid(op, "RuleId is missing")
		}
		if step.id = parseRuleID(id.Text); step.id == 0 {
			errs = append(errs, fieldError("RuleId", "RuleNotFound", "There is no such rule.", id.Text))
		}
	case "CreateRuleOperation", "SetRuleOperation":
		e := op.Child(soap.NSTypes, "Rule")
		if e == nil {
			return invalid(op, "Rule is missing")
		}
		id := e.Child(soap.NSTypes, "RuleId")
		set := op.Name.Local == "SetRuleOperation"
		switch {
		case id != nil && !set:
			errs = append(errs, fieldError("RuleId", "CreateWithRuleId", "A new rule gets its id from the server.", id.Text))
		case id == nil && set:
			errs = append(errs, fieldError("RuleId", "MissingParameter", "The rule's id is missing.", ""))
		case set:
			if step.id = parseRuleID(id.Text); step.id == 0 {
				errs = append(errs, fieldError("RuleId", "RuleNotFound", "There is no such rule.", id.Text))
			}
		}
		rule, bad, err := c.readRule(e)
		if err != nil {
			return err
		}
		step.rule, errs = rule, append(errs, bad...)
		for _, earlier := range change.steps {
			if earlier.rule != nil && earlier.rule.Sequence == rule.Sequence {
				errs = append(errs, fieldError("Priority", "DuplicatedPriority", "Two rules of the request have one priority.", strconv.Itoa(int(rule.Sequence))))
				break
			}
		}
	default:
		return invalid(op, "%s is no operation on rules", op.Name.Local)
	}
	if step.id != 0 && slices.ContainsFunc(change.steps, func(s ruleStep) bool { return s.id == step.id }) {
		errs = append(errs, fieldError("RuleId", "DuplicatedOperationOnTheSameRule", "The request has two operations on one rule.", ruleID(step.id)))
	}
	if len(errs) > 0 {
		change.fail(i, errs...)
	}
	change.steps = append(change.steps, step)
	return nil
}

// parseRuleID reads what ruleID wrote; 0 for anything else.
func parseRuleID(text string) mapi.GlobCnt {
	b, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != 8 {
		return 0
	}
	id := mapi.GlobCnt(binary.BigEndian.Uint64(b))
	if id > mapi.MaxGlobCnt {
		return 0
	}
	return id
}

// readRule reads a Rule element without its id.
func (c *call) readRule(e *soap.Element) (*store.Rule, []*ruleError, error) {
	r := &store.Rule{Provider: "RuleOrganizer"}
	var errs []*ruleError
	add := func(bad ...*ruleError) { errs = append(errs, bad...) }
	if name := e.Child(soap.NSTypes, "DisplayName"); name == nil || strings.TrimSpace(name.Text) == "" {
		add(fieldError("DisplayName", "EmptyValueFound", "The rule has no name.", ""))
	} else if r.Name = name.Text; len([]rune(r.Name)) > store.MaxRuleName {
		add(fieldError("DisplayName", "StringValueTooBig", "The name is too long.", ""))
	}
	priority := e.Child(soap.NSTypes, "Priority")
	if priority == nil {
		return nil, nil, invalid(e, "Priority is missing")
	}
	n, ok := parseValue(mapi.Integer32, priority.Text)
	if ok {
		r.Sequence = n.(int32)
	}
	if !ok || r.Sequence < 1 || r.Sequence > maxPriority {
		add(fieldError("Priority", "InvalidValue", "The priority is no number from 1 on.", priority.Text))
	}
	enabled := e.Child(soap.NSTypes, "IsEnabled")
	if enabled == nil {
		return nil, nil, invalid(e, "IsEnabled is missing")
	}
	on, ok := parseValue(mapi.Boolean, enabled.Text)
	if !ok {
		return nil, nil, invalid(enabled, "IsEnabled is no Boolean")
	}
	if on.(bool) {
		r.State = store.RuleEnabled
	}
	must, bad, err := c.predicates(e.Child(soap.NSTypes, "Conditions"), "Condition:")
	if err != nil {
		return nil, nil, err
	}
	add(bad...)
	mustNot, bad, err := c.predicates(e.Child(soap.NSTypes, "Exceptions"), "Exception:")
	if err != nil {
		return nil, nil, err
	}
	add(bad...)
	if r.Condition = condition(must, mustNot); !mapi.WithinLimits(r.Condition) {
		add(fieldError("IsNotSupported", "UnsupportedRule", "The rule has too many conditions.", ""))
	}
	bad, err = c.actions(e.Child(soap.NSTypes, "Actions"), r)
	add(bad...)
	return r, errs, err
}

// maxPriority leaves room for rules that are moved behind another one.
const maxPriority = 1 << 30

// make applies the operations to the rules that there are. It may run more than once.
func (ch *ruleChange) make(rules []*store.Rule) ([]*store.Rule, error) {
	ch.errs = nil
	for _, s := range ch.steps {
		at := slices.IndexFunc(rules, func(r *store.Rule) bool { return r.ID == s.id })
		switch {
		case s.id != 0 && at < 0:
			ch.fail(s.index, fieldError("RuleId", "RuleNotFound", "There is no such rule.", ruleID(s.id)))
			continue
		case s.rule == nil:
			rules = slices.Delete(rules, at, at+1)
			continue
		case s.id != 0 && !readable(rules[at]):
			ch.fail(s.index, fieldError("IsNotSupported", "UnsupportedRule", "The rule cannot be changed here.", ""))
			continue
		case s.id != 0:
			rules = slices.Delete(rules, at, at+1)
		}
		rule := *s.rule
		rule.ID = s.id
		if slices.ContainsFunc(rules, func(r *store.Rule) bool { return r.Sequence == rule.Sequence }) {
			// The rules from this place on come after it.
			for _, r := range rules {
				if r.Sequence >= rule.Sequence {
					r.Sequence++
				}
			}
		}
		rules = append(rules, &rule)
	}
	if len(ch.errs) > 0 {
		return nil, errRuleRefused
	}
	return rules, nil
}

// write writes the answer that tells what is wrong (MS-OXWSRULES 2.2.4.4).
func (ch *ruleChange) write(c *call) {
	w := c.w
	w.Start("m:UpdateInboxRulesResponse", "ResponseClass", "Error")
	c.writeProblem(&problem{"ErrorInboxRulesValidationError", "A validation error occurred while executing the rule operation."})
	w.Start("m:RuleOperationErrors")
	for _, op := range ch.errs {
		w.Start("t:RuleOperationError")
		w.Element("t:OperationIndex", strconv.Itoa(op.index))
		w.Start("t:ValidationErrors")
		for _, e := range op.errs {
			w.Start("t:Error")
			w.Element("t:FieldURI", e.field)
			w.Element("t:ErrorCode", e.code)
			w.Element("t:ErrorMessage", e.text)
			w.Element("t:FieldValue", e.value)
			w.End("t:Error")
		}
		w.End("t:ValidationErrors")
		w.End("t:RuleOperationError")
	}
	w.End("m:RuleOperationErrors")
	w.End("m:UpdateInboxRulesResponse")
}
