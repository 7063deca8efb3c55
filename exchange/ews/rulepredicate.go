package ews

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/exchange/store"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// predicate is one of the conditions and exceptions that a rule can have
// (RulePredicatesType, MS-OXWSRULES 2.2.4.7). A rule is kept as a restriction:
// restrict makes one of what the element says, and what a restriction says is
// found by making it again of the values in it.
type predicate struct {
	name string
	kind predicateKind
	// words are the values of a choice.
	words []string
	// flag is the restriction of a Boolean that is true.
	flag mapi.Restriction
	// one is the restriction for one string, address or choice.
	one func(value string, n int32) mapi.Restriction
	// tag is the property of a range.
	tag mapi.Tag
	// code is why a predicate is refused, "" when it is not.
	code string
}

type predicateKind int

const (
	stringsPredicate predicateKind = iota
	addressesPredicate
	flagPredicate
	choicePredicate
	datesPredicate
	sizesPredicate
)

func has(tag mapi.Tag, value string) mapi.Restriction {
	return mapi.Content{Tag: tag, Fuzzy: mapi.Substring | mapi.IgnoreCase, Value: value}
}

func is(tag mapi.Tag, value any) mapi.Restriction {
	return mapi.Property{Op: mapi.EQ, Tag: tag, Value: value}
}

// class is the restriction to a class of message and those made of it.
func class(prefix string) mapi.Restriction {
	return mapi.Content{Tag: mapi.PidTagMessageClass, Fuzzy: mapi.Prefix | mapi.IgnoreCase, Value: prefix}
}

func recipient(parts ...mapi.Restriction) mapi.Restriction {
	return mapi.Sub{Object: mapi.Recipients, Part: mapi.Or(parts)}
}

// flagRequests are the texts behind FlaggedForActionType (MS-OXOFLAG 2.2.1.9); Any is every one.
var flagRequests = []string{"", "Call", "Do not Forward", "Follow up", "For Your Information", "Forward", "No Response Necessary", "Read", "Reply", "Reply to All", "Review"}

// predicates are in the order of the schema. What this server cannot know of a
// message is refused: it has no connected accounts and no classifications.
var predicates = []predicate{
	{name: "Categories", one: func(s string, _ int32) mapi.Restriction {
		return mapi.Content{Tag: mapi.PidNameKeywords, Fuzzy: mapi.FullString | mapi.IgnoreCase, Value: s}
	}},
	{name: "ContainsBodyStrings", one: func(s string, _ int32) mapi.Restriction { return has(mapi.PidTagBody, s) }},
	{name: "ContainsHeaderStrings", one: func(s string, _ int32) mapi.Restriction { return has(mapi.PidTagTransportMessageHeaders, s) }},
	{name: "ContainsRecipientStrings", one: func(s string, _ int32) mapi.Restriction {
		return recipient(has(mapi.PidTagDisplayName, s), has(mapi.PidTagSmtpAddress, s))
	}},
	{name: "ContainsSenderStrings", one: func(s string, _ int32) mapi.Restriction {
		return mapi.Or{has(mapi.PidTagSentRepresentingName, s), has(mapi.PidTagSentRepresentingEmail, s)}
	}},
	{name: "ContainsSubjectOrBodyStrings", one: func(s string, _ int32) mapi.Restriction {
		return mapi.Or{has(mapi.PidTagSubject, s), has(mapi.PidTagBody, s)}
	}},
	{name: "ContainsSubjectStrings", one: func(s string, _ int32) mapi.Restriction { return has(mapi.PidTagSubject, s) }},
	{name: "FlaggedForAction", kind: choicePredicate,
		words: []string{"Any", "Call", "DoNotForward", "FollowUp", "FYI", "Forward", "NoResponseNecessary", "Read", "Reply", "ReplyToAll", "Review"},
		one: func(_ string, n int32) mapi.Restriction {
			if n == 0 {
				return mapi.Exist{Tag: mapi.PidLidFlagRequest}
			}
			return is(mapi.PidLidFlagRequest, flagRequests[n])
		}},
	{name: "FromAddresses", kind: addressesPredicate, one: func(s string, _ int32) mapi.Restriction { return is(mapi.PidTagSentRepresentingEmail, s) }},
	{name: "FromConnectedAccounts", code: "ConnectedAccountNotFound"},
	{name: "HasAttachments", kind: flagPredicate, flag: is(mapi.PidTagHasAttachments, true)},
	{name: "Importance", kind: choicePredicate, words: importances, one: func(_ string, n int32) mapi.Restriction { return is(mapi.PidTagImportance, n) }},
	{name: "IsApprovalRequest", kind: flagPredicate, flag: class("IPM.Note.Microsoft.Approval.Request")},
	{name: "IsAutomaticForward", kind: flagPredicate, flag: is(mapi.PidTagAutoForwarded, true)},
	{name: "IsAutomaticReply", kind: flagPredicate, flag: has(mapi.PidTagTransportMessageHeaders, "\nauto-submitted: auto-replied")},
	{name: "IsEncrypted", kind: flagPredicate, flag: mapi.Or{is(mapi.PidTagMessageClass, "IPM.Note.SMIME"), has(mapi.PidTagTransportMessageHeaders, "enveloped-data")}},
	{name: "IsMeetingRequest", kind: flagPredicate, flag: class("IPM.Schedule.Meeting.Request")},
	{name: "IsMeetingResponse", kind: flagPredicate, flag: class("IPM.Schedule.Meeting.Resp")},
	{name: "IsNDR", kind: flagPredicate, flag: is(mapi.PidTagMessageClass, "REPORT.IPM.Note.NDR")},
	{name: "IsPermissionControlled", kind: flagPredicate, flag: is(mapi.PidNameContentClass, "rpmsg.message")},
	{name: "IsReadReceipt", kind: flagPredicate, flag: is(mapi.PidTagMessageClass, "REPORT.IPM.Note.IPNRN")},
	{name: "IsSigned", kind: flagPredicate, flag: mapi.Or{is(mapi.PidTagMessageClass, "IPM.Note.SMIME.MultipartSigned"), has(mapi.PidTagTransportMessageHeaders, "multipart/signed")}},
	{name: "IsVoicemail", kind: flagPredicate, flag: class("IPM.Note.Microsoft.Voicemail")},
	{name: "ItemClasses", one: func(s string, _ int32) mapi.Restriction { return is(mapi.PidTagMessageClass, s) }},
	{name: "MessageClassifications", code: "MessageClassificationNotFound"},
	{name: "NotSentToMe", kind: flagPredicate, flag: mapi.Not{Part: is(mapi.PidTagMessageToMe, true)}},
	{name: "SentCcMe", kind: flagPredicate, flag: is(mapi.PidTagMessageCcMe, true)},
	{name: "SentOnlyToMe", kind: flagPredicate, flag: mapi.And{is(mapi.PidTagMessageToMe, true),
		mapi.Not{Part: mapi.Content{Tag: mapi.PidTagDisplayTo, Fuzzy: mapi.Substring, Value: ";"}}, is(mapi.PidTagDisplayCc, "")}},
	{name: "SentToAddresses", kind: addressesPredicate, one: func(s string, _ int32) mapi.Restriction { return recipient(is(mapi.PidTagSmtpAddress, s)) }},
	{name: "SentToMe", kind: flagPredicate, flag: is(mapi.PidTagMessageToMe, true)},
	{name: "SentToOrCcMe", kind: flagPredicate, flag: is(mapi.PidTagMessageRecipientMe, true)},
	{name: "Sensitivity", kind: choicePredicate, words: sensitivities, one: func(_ string, n int32) mapi.Restriction { return is(mapi.PidTagSensitivity, n) }},
	{name: "WithinDateRange", kind: datesPredicate, tag: mapi.PidTagMessageDeliveryTime},
	{name: "WithinSizeRange", kind: sizesPredicate, tag: mapi.PidTagMessageSize},
}

// Limits of a rule's values.
const (
	maxRuleStrings = 100
	maxRuleString  = 255 // letters
	maxRuleTo      = 10  // recipients of one forward
	kilobyte       = 1024
)

// ruleError is what is wrong with one field of a rule (RuleValidationErrorType).
type ruleError struct{ field, code, text, value string }

func fieldError(field, code, text, value string) *ruleError {
	return &ruleError{field, code, text, value}
}

// predicates reads Conditions or Exceptions; field is the beginning of a field's name in errors.
func (c *call) predicates(e *soap.Element, field string) (parts []mapi.Restriction, errs []*ruleError, err error) {
	if e == nil {
		return nil, nil, nil
	}
	seen := map[string]bool{}
	for _, child := range e.Children {
		i := slices.IndexFunc(predicates, func(p predicate) bool { return p.name == child.Name.Local })
		if i < 0 || seen[child.Name.Local] {
			return nil, nil, invalid(child, "%s has no place here", child.Name.Local)
		}
		seen[child.Name.Local] = true
		part, bad := predicates[i].read(child, field+predicates[i].name)
		if bad != nil {
			errs = append(errs, bad)
		} else if part != nil {
			parts = append(parts, part)
		}
	}
	return parts, errs, nil
}

// read makes a restriction of an element; nil for a Boolean that is false.
func (p *predicate) read(e *soap.Element, field string) (mapi.Restriction, *ruleError) {
	if p.code != "" {
		return nil, fieldError(field, p.code, "The server does not know this of a message.", "")
	}
	switch p.kind {
	case flagPredicate:
		v, ok := parseValue(mapi.Boolean, e.Text)
		if !ok {
			return nil, fieldError(field, "InvalidValue", "The value is no Boolean.", e.Text)
		}
		if !v.(bool) {
			return nil, nil
		}
		return p.flag, nil
	case choicePredicate:
		n := slices.Index(p.words, strings.TrimSpace(e.Text))
		if n < 0 {
			return nil, fieldError(field, "InvalidValue", "The value is none of those that there are.", e.Text)
		}
		return p.one("", int32(n)), nil
	case datesPredicate, sizesPredicate:
		return p.readRange(e, field)
	}
	var values []string
	for _, child := range e.Children {
		value := child.Text
		if p.kind == addressesPredicate {
			a, bad := ruleAddress(child, field)
			if bad != nil {
				return nil, bad
			}
			value = a.Email
		}
		if bad := ruleText(value, field); bad != nil {
			return nil, bad
		}
		if !slices.Contains(values, value) {
			values = append(values, value)
		}
	}
	switch {
	case len(values) == 0:
		return nil, fieldError(field, "EmptyValueFound", "The list is empty.", "")
	case len(values) > maxRuleStrings:
		return nil, fieldError(field, "InvalidValue", "The list has too many values.", "")
	}
	return p.list(values), nil
}

func (p *predicate) list(values []string) mapi.Restriction {
	parts := mapi.Or{}
	for _, value := range values {
		parts = append(parts, p.one(value, 0))
	}
	return parts
}

func ruleText(value, field string) *ruleError {
	switch {
	case strings.TrimSpace(value) == "":
		return fieldError(field, "EmptyValueFound", "A value is empty.", "")
	case len([]rune(value)) > maxRuleString:
		return fieldError(field, "StringValueTooBig", "A value is too long.", string([]rune(value)[:maxRuleString]))
	}
	return nil
}

func (p *predicate) readRange(e *soap.Element, field string) (mapi.Restriction, *ruleError) {
	low, high, invalidRange := "StartDateTime", "EndDateTime", "InvalidDateRange"
	if p.kind == sizesPredicate {
		low, high, invalidRange = "MinimumSize", "MaximumSize", "InvalidSizeRange"
	}
	var ends [2]any
	for i, name := range []string{low, high} {
		child := e.Child(soap.NSTypes, name)
		if child == nil {
			continue
		}
		if p.kind == datesPredicate {
			v, ok := parseTime(strings.TrimSpace(child.Text))
			if !ok {
				return nil, fieldError(field, "InvalidValue", "The value is no date.", child.Text)
			}
			ends[i] = v
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(child.Text), 10, 32)
		switch {
		case err != nil || n > 1<<31/kilobyte-1:
			return nil, fieldError(field, "InvalidValue", "The value is no size.", child.Text)
		case n < 0:
			return nil, fieldError(field, "SizeLessThanZero", "The size is less than zero.", child.Text)
		}
		ends[i] = int32(n) * kilobyte
	}
	if ends == [2]any{} {
		return nil, fieldError(field, "MissingRangeValue", "The range has neither end.", "")
	}
	if a, ok := ends[0].(time.Time); ok {
		if b, ok := ends[1].(time.Time); ok && b.Before(a) {
			return nil, fieldError(field, invalidRange, "The range ends before it begins.", "")
		}
	}
	if a, ok := ends[0].(int32); ok {
		if b, ok := ends[1].(int32); ok && b < a {
			return nil, fieldError(field, invalidRange, "The range ends before it begins.", "")
		}
	}
	return p.between(ends), nil
}

func (p *predicate) between(ends [2]any) mapi.Restriction {
	parts := mapi.And{}
	if ends[0] != nil {
		parts = append(parts, mapi.Property{Op: mapi.GE, Tag: p.tag, Value: ends[0]})
	}
	if ends[1] != nil {
		parts = append(parts, mapi.Property{Op: mapi.LE, Tag: p.tag, Value: ends[1]})
	}
	return parts
}

// writer returns what writes the predicate's element, when r is its restriction.
func (p *predicate) writer(r mapi.Restriction) func(w *soap.Writer) {
	same := func(made mapi.Restriction) bool { return made != nil && reflect.DeepEqual(made, r) }
	switch {
	case p.code != "":
	case p.kind == flagPredicate:
		if same(p.flag) {
			return func(w *soap.Writer) { w.Bool("t:"+p.name, true) }
		}
	case p.kind == choicePredicate:
		for n, word := range p.words {
			if same(p.one("", int32(n))) {
				return func(w *soap.Writer) { w.Element("t:"+p.name, word) }
			}
		}
	case p.kind == datesPredicate || p.kind == sizesPredicate:
		ends := rangeIn(r)
		if ends != [2]any{} && same(p.between(ends)) {
			return func(w *soap.Writer) { p.writeRange(w, ends) }
		}
	default:
		if values := stringsIn(r, nil); len(values) > 0 && same(p.list(values)) {
			return func(w *soap.Writer) { p.writeList(w, values) }
		}
	}
	return nil
}

// stringsIn adds the texts of a restriction to a list, each once.
func stringsIn(r mapi.Restriction, list []string) []string {
	var value any
	switch r := r.(type) {
	case mapi.Or:
		for _, part := range r {
			list = stringsIn(part, list)
		}
	case mapi.Sub:
		return stringsIn(r.Part, list)
	case mapi.Content:
		value = r.Value
	case mapi.Property:
		value = r.Value
	}
	if text, ok := value.(string); ok && !slices.Contains(list, text) {
		list = append(list, text)
	}
	return list
}

// rangeIn returns the two ends that a restriction sets.
func rangeIn(r mapi.Restriction) (ends [2]any) {
	parts, _ := r.(mapi.And)
	for _, part := range parts {
		if p, ok := part.(mapi.Property); ok {
			switch p.Op {
			case mapi.GE:
				ends[0] = p.Value
			case mapi.LE:
				ends[1] = p.Value
			}
		}
	}
	return ends
}

func (p *predicate) writeRange(w *soap.Writer, ends [2]any) {
	names := [2]string{"t:StartDateTime", "t:EndDateTime"}
	if p.kind == sizesPredicate {
		names = [2]string{"t:MinimumSize", "t:MaximumSize"}
	}
	w.Start("t:" + p.name)
	for i, end := range ends {
		switch v := end.(type) {
		case time.Time:
			w.Element(names[i], v.UTC().Format("2006-01-02T15:04:05Z"))
		case int32:
			w.Element(names[i], strconv.Itoa(int(v)/kilobyte))
		}
	}
	w.End("t:" + p.name)
}

func (p *predicate) writeList(w *soap.Writer, values []string) {
	w.Start("t:" + p.name)
	for _, value := range values {
		if p.kind == addressesPredicate {
			writeRuleAddress(w, "", value)
		} else {
			w.Element("t:String", value)
		}
	}
	w.End("t:" + p.name)
}

// condition joins what must and what must not hold.
func condition(conditions, exceptions []mapi.Restriction) mapi.Restriction {
	all := append(mapi.And{}, conditions...)
	if len(exceptions) > 0 {
		all = append(all, mapi.Not{Part: mapi.Or(exceptions)})
	}
	return all
}

// split is condition the other way round.
func split(r mapi.Restriction) (conditions, exceptions []mapi.Restriction, ok bool) {
	all, ok := r.(mapi.And)
	if !ok {
		return nil, nil, false
	}
	conditions = all
	if n := len(all); n > 0 {
		if not, ok := all[n-1].(mapi.Not); ok {
			if list, ok := not.Part.(mapi.Or); ok {
				return conditions[:n-1], list, true
			}
		}
	}
	return conditions, nil, true
}

// writers returns what writes the predicates of a list of restrictions, in the
// order of the schema; false when one of them is none, or two are one.
func writers(parts []mapi.Restriction) (list []func(w *soap.Writer), ok bool) {
	found := make([]func(w *soap.Writer), len(predicates))
	for _, part := range parts {
		i := -1
		for n := range predicates {
			if w := predicates[n].writer(part); w != nil && found[n] == nil {
				i, found[n] = n, w
				break
			}
		}
		if i < 0 {
			return nil, false
		}
	}
	for _, w := range found {
		if w != nil {
			list = append(list, w)
		}
	}
	return list, true
}

// readable tells whether a rule can be shown and changed as EWS has rules.
func readable(r *store.Rule) bool {
	return r.State&store.RuleParseError == 0 && r.State&store.RuleOnlyWhenOof == 0 && r.Level == 0
}
