package shell

import (
	"errors"
	"fmt"
	"strings"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// Failure is the error of the statement at which a text stopped. It has been
// written to Session.Err already, with its place.
type Failure struct {
	Pos parse.Pos
	Err error // *parse.Error or *psobject.ErrorRecord

	id      string // FullyQualifiedErrorId; "" means that Err's reason and cmdlet make it
	text    string // what Pos lies in
	length  int    // of what is underlined, in bytes of text from Pos
	plainly bool   // CategoryInfo shows no target's type
}

// Error returns the cause's text.
func (f *Failure) Error() string {
	if record, ok := f.Err.(*psobject.ErrorRecord); ok && record.Cmdlet == "" {
		return record.Message
	}
	return f.Err.Error()
}

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.Err }

// errorAction is what happens to an error that need not end the text.
type errorAction int

const (
	stop errorAction = iota
	carryOn
	silentlyContinue
	ignore
)

var errorActions = map[string]errorAction{"stop": stop, "continue": carryOn, "silentlycontinue": silentlyContinue, "ignore": ignore}

// preference is what $ErrorActionPreference says; Stop when nobody set it.
func (r *runner) preference() errorAction {
	return errorActions[strings.ToLower(text(r.state.variables["erroractionpreference"]))]
}

// fail makes the failure of what stands at the extent.
func (r *runner) fail(at parse.Extent, id string, record psobject.ErrorRecord) *Failure {
	return &Failure{Pos: at.Pos, Err: &record, id: id, text: r.text, length: at.End - at.Start, plainly: record.Target == ""}
}

// wrong is the failure of an expression.
func (r *runner) wrong(at parse.Extent, id, format string, args ...any) *Failure {
	return r.fail(at, id, psobject.ErrorRecord{Message: fmt.Sprintf(format, args...), Category: "InvalidOperation", Reason: "RuntimeException"})
}

// unbound is the failure of a command's arguments.
func (r *runner) unbound(at parse.Extent, cmdlet, id, format string, args ...any) *Failure {
	return r.fail(at, id+","+cmdlet, psobject.ErrorRecord{Message: fmt.Sprintf(format, args...), Category: "InvalidArgument", Reason: "ParameterBindingException", Cmdlet: cmdlet})
}

// lines are message, place and record as the console shows them.
func (f *Failure) lines() string {
	var name, message, info, id string
	if record, ok := errors.AsType[*psobject.ErrorRecord](f.Err); ok {
		name, message, id = record.Cmdlet, record.Message, f.id
		target := ":"
		if !f.plainly {
			target = record.Target + ":String"
		}
		info = fmt.Sprintf("%s: (%s) [%s], %s", record.Category, target, record.Cmdlet, record.Reason)
		if id == "" {
			id = record.Reason + "," + record.Cmdlet
		}
	} else if bad, ok := errors.AsType[*parse.Error](f.Err); ok {
		name, message = "hma shell", bad.Message
		if bad.Hint != "" {
			message += ": " + bad.Hint
		}
		info, id = "ParserError: (:) [], ParseException", f.id
		switch {
		case id != "":
		case bad.Incomplete:
			id = "IncompleteText"
		default:
			id = "NotUnderstood"
		}
	}
	var b strings.Builder
	if name != "" {
		message = name + " : " + message
	}
	fmt.Fprintf(&b, "%s\nAt line:%d char:%d\n", clean(message), f.Pos.Line, f.Pos.Column)
	b.WriteString(f.excerpt())
	fmt.Fprintf(&b, "    + CategoryInfo          : %s\n    + FullyQualifiedErrorId : %s\n", clean(info), clean(id))
	return b.String()
}

// excerptWidth is how much of a line is shown around its fault, in characters.
const excerptWidth = 100

// excerpt is the line with what is wrong in it underlined.
func (f *Failure) excerpt() string {
	text := f.text
	for range f.Pos.Line - 1 {
		_, text, _ = strings.Cut(text, "\n")
	}
	line, _, _ := strings.Cut(text, "\n")
	runes := []rune(strings.TrimRight(line, "\r"))
	from := min(f.Pos.Column-1, len(runes))
	n := len([]rune(text[len(string(runes[:from])):][:min(f.length, len(text)-len(string(runes[:from])))]))
	n = max(1, min(n, len(runes)-from))
	before, after := "", ""
	if len(runes) > excerptWidth {
		cut := max(0, from-excerptWidth/3)
		if cut > 0 {
			before = "... "
		}
		runes, from = runes[cut:], from-cut
		if len(runes) > excerptWidth {
			runes, after = runes[:excerptWidth], " ..."
		}
		n = min(n, max(1, len(runes)-from))
	}
	shown := strings.ReplaceAll(clean(string(runes)), "\t", " ")
	return fmt.Sprintf("+ %s%s%s\n+ %s%s\n", before, shown, after, strings.Repeat(" ", len(before)+from), strings.Repeat("~", n))
}

// report writes a failure to Err and remembers it.
func (r *runner) report(f *Failure) {
	r.remember(f)
	fmt.Fprint(r.Err, f.lines())
}

// maxErrors is how many errors $Error keeps, as $MaximumErrorCount does.
const maxErrors = 256

// remember puts a failure in front of $Error.
func (r *runner) remember(f *Failure) {
	r.complained = true
	errs := append([]any{f.object()}, r.state.errors...)
	r.state.errors = errs[:min(len(errs), maxErrors)]
}

// object is the failure as $Error holds it.
func (f *Failure) object() *object {
	message, category, reason, cmdlet, target := f.Error(), "ParserError", "ParseException", "", any(nil)
	if record, ok := errors.AsType[*psobject.ErrorRecord](f.Err); ok {
		message, category, reason, cmdlet = record.Message, record.Category, record.Reason, record.Cmdlet
		if record.Target != "" {
			target = record.Target
		}
	}
	id := f.id
	if id == "" {
		id = strings.TrimSuffix(reason+","+cmdlet, ",")
	}
	return &object{typ: errorRecord, properties: []property{
		{"Exception", &object{typ: "System.Management.Automation." + reason, properties: []property{{"Message", message}}}},
		{"TargetObject", target},
		{"CategoryInfo", &object{typ: "System.Management.Automation.ErrorCategoryInfo", properties: []property{{"Category", category}, {"Activity", cmdlet}, {"Reason", reason}, {"TargetName", target}}}},
		{"FullyQualifiedErrorId", id},
		{"InvocationInfo", &object{typ: "System.Management.Automation.InvocationInfo", properties: []property{
			{"ScriptLineNumber", int64(f.Pos.Line)}, {"OffsetInLine", int64(f.Pos.Column)}, {"PositionMessage", fmt.Sprintf("At line:%d char:%d\n%s", f.Pos.Line, f.Pos.Column, strings.TrimSuffix(f.excerpt(), "\n"))}}}},
	}, shown: f.lines()}
}

// errorRecord is the type of the objects in $Error.
const errorRecord = "System.Management.Automation.ErrorRecord"
