package adminapi

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/exchange/cmdlet"
	"hma/wire/guid"
	"hma/wire/psobject"
)

// Limits of the form that Exchange Online's REST cmdlets use.
const (
	maxParameters = 200
	maxPage       = 1000 // objects of one answer; Prefer: odata.maxpagesize asks for fewer
)

// commandInput is the body of an InvokeCommand: {"CmdletInput":{"CmdletName":"Get-Mailbox","Parameters":{...}}}.
type commandInput struct {
	psobject.Invocation
}

// inputError says in words for the caller what is wrong with a commandInput.
type inputError string

func (e inputError) Error() string { return string(e) }

// UnmarshalJSON implements json.Unmarshaler. What OData adds beside CmdletInput is passed over.
func (c *commandInput) UnmarshalJSON(data []byte) error {
	var body struct {
		CmdletInput struct {
			CmdletName string
			Parameters map[string]json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &body); err != nil {
		return err
	}
	in := &body.CmdletInput
	if in.CmdletName == "" || len(in.Parameters) > maxParameters {
		return inputError(fmt.Sprintf("want a CmdletName and at most %d Parameters", maxParameters))
	}
	c.Invocation = psobject.Invocation{Cmdlet: in.CmdletName}
	for _, name := range slices.Sorted(maps.Keys(in.Parameters)) {
		if strings.Contains(name, "@") {
			continue // an annotation, for example "Identity@odata.type"
		}
		value, err := parameterValue(in.Parameters[name])
		if err != nil {
			return inputError(fmt.Sprintf("parameter %q: %v", name, err))
		}
		c.Parameters = append(c.Parameters, psobject.Property{Name: name, Value: value})
	}
	return nil
}

// parameterValue reads one parameter: a text, a number, a Boolean, null, a list of texts (bare, or as
// {"@odata.type":"#Collection(String)","value":[...]}), or a hashtable {"@odata.type":"#Exchange.GenericHashTable","Add":...,"Remove":...}.
func parameterValue(data json.RawMessage) (any, error) {
	switch data[0] {
	case '[':
		return textList(data)
	case '{':
		var object map[string]json.RawMessage
		if err := json.Unmarshal(data, &object); err != nil {
			return nil, err
		}
		return hashtable(object)
	}
	var value any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		return nil, err
	}
	if n, ok := value.(json.Number); ok {
		whole, err := n.Int64()
		if err != nil {
			return nil, fmt.Errorf("%s is no whole number", n)
		}
		return whole, nil
	}
	return value, nil
}

// hashtable reads an object: a list with its type, or what joins and leaves a list. An empty one is
// how scripts send an empty list.
func hashtable(object map[string]json.RawMessage) (any, error) {
	var e psobject.Edit
	for name, data := range object {
		var into *[]string
		switch strings.ToLower(name) {
		case "@odata.type", "add@odata.type", "remove@odata.type":
			continue
		case "value":
			return textList(data)
		case "add":
			into = &e.Add
		case "remove":
			into = &e.Remove
		default:
			return nil, fmt.Errorf("a hashtable has Add and Remove, not %q", name)
		}
		list, err := textList(data)
		if err != nil {
			return nil, err
		}
		*into = append(*into, list...)
	}
	if len(e.Add)+len(e.Remove) == 0 {
		return []string{}, nil
	}
	return e, nil
}

// textList reads a list of texts and numbers; one text is a list of one.
func textList(data json.RawMessage) ([]string, error) {
	var items []any
	if data[0] != '[' {
		data = slices.Concat(json.RawMessage("["), data, json.RawMessage("]"))
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&items); err != nil {
		return nil, err
	}
	list := make([]string, 0, len(items))
	for _, item := range items {
		switch v := item.(type) {
		case string:
			list = append(list, v)
		case json.Number:
			list = append(list, v.String())
		default:
			return nil, errors.New("a list holds texts only")
		}
	}
	return list, nil
}

// invokeCommand runs one cmdlet in the form of Exchange Online's REST cmdlets. The status speaks of the cmdlet too.
func (h *handler) invokeCommand(w http.ResponseWriter, r *http.Request, caller cmdlet.Caller) {
	organization := r.PathValue("organization")
	if ok, err := h.registry.Serves(r.Context(), organization); err != nil || !ok {
		if err != nil {
			h.opts.Log.Error("admin API: organisation not read", "error", err)
		}
		refuseOData(w, http.StatusNotFound, "there is no organization "+strconv.QuoteToASCII(organization)+" here: name it by tenant id, accepted domain or its own name")
		return
	}
	if format := r.Header.Get("X-ResponseFormat"); format != "" && !strings.EqualFold(format, "json") {
		refuseOData(w, http.StatusNotAcceptable, "only X-ResponseFormat json is spoken here")
		return
	}
	var in commandInput
	if !readBody(w, r, refuseOData, &in) {
		return
	}
	size, skip, ok := page(r)
	if !ok {
		refuseOData(w, http.StatusBadRequest, "the $skiptoken is none of ours")
		return
	}
	if skip > 0 && !cmdlet.Reads(in.Cmdlet) {
		refuseOData(w, http.StatusBadRequest, "what changes something is not run again for a further page")
		return
	}
	res := h.run(r, caller, in.Invocation)
	// The lines of -WhatIf have no place of their own in this form.
	warnings := slices.Concat(res.Warnings, res.WhatIf)
	if res.Error != nil {
		status := odataStatus(res.Error)
		write(w, status, odataError(status, res.Error, warnings))
		return
	}
	base := "https://" + r.Host + "/adminapi/beta/" + url.PathEscape(organization)
	output, next := res.Output, ""
	if cmdlet.Reads(in.Cmdlet) {
		output = output[min(skip, len(output)):]
		if len(output) > size {
			output, next = output[:size], base+"/InvokeCommand?%24skiptoken="+strconv.Itoa(skip+size)
		}
	}
	body := odataObject{{"@odata.context", base + "/$metadata#Collection(Exchange.GenericHashTable)"},
		{"adminapi.warnings@odata.type", "#Collection(String)"}, {"@adminapi.warnings", append([]string{}, warnings...)}}
	if next != "" {
		body = append(body, member{"@odata.nextLink", next})
	}
	value := make([]odataObject, 0, len(output))
	for i := range output {
		value = append(value, odataValue(&output[i]))
	}
	write(w, http.StatusOK, append(body, member{"value", value}))
}

// page returns how many objects the caller wants of an answer, and how many come before them.
func page(r *http.Request) (size, skip int, ok bool) {
	size = maxPage
	for _, preference := range strings.Split(r.Header.Get("Prefer"), ",") {
		if text, found := strings.CutPrefix(strings.TrimSpace(preference), "odata.maxpagesize="); found {
			if n, err := strconv.Atoi(text); err == nil && n > 0 {
				size = min(n, maxPage)
			}
		}
	}
	token := r.URL.Query().Get("$skiptoken")
	if token == "" {
		return size, 0, true
	}
	skip, err := strconv.Atoi(token)
	return size, skip, err == nil && skip > 0
}

// member is one name of an odataObject with its value.
type member struct {
	name  string
	value any
}

// odataObject is a JSON object whose members keep their order.
type odataObject []member

// MarshalJSON implements json.Marshaler.
func (o odataObject) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// odataValue is an object of the output with the annotations of its values' types.
func odataValue(o *psobject.Object) odataObject {
	list := make(odataObject, 0, 2*len(o.Properties))
	for _, p := range o.Properties {
		value := p.Value
		switch v := p.Value.(type) {
		case int64:
			list = append(list, member{p.Name + "@data.type", "System.Int32"})
		case time.Time:
			list = append(list, member{p.Name + "@data.type", "System.DateTime"})
			layout := "2006-01-02T15:04:05.0000000-07:00"
			if strings.HasSuffix(p.Name, "UTC") {
				layout = "2006-01-02T15:04:05.0000000Z"
			}
			value = v.UTC().Format(layout)
		case []string:
			list = append(list, member{p.Name + "@odata.type", "#Collection(String)"})
			value = append([]string{}, v...)
		case string:
			if _, err := guid.Parse(v); err == nil && strings.HasSuffix(strings.ToLower(p.Name), "guid") {
				list = append(list, member{p.Name + "@data.type", "System.Guid"}, member{p.Name + "@odata.type", "#Guid"})
			}
		}
		list = append(list, member{p.Name, value})
	}
	return list
}

// odataStatus is the status of an answer to a cmdlet that failed.
func odataStatus(e *psobject.ErrorRecord) int {
	switch e.Category {
	case "PermissionDenied", "NotImplemented":
		return http.StatusForbidden
	case "ObjectNotFound":
		if e.Reason == "CommandNotFoundException" {
			return http.StatusForbidden // as for any cmdlet that the caller's roles do not hold
		}
		return http.StatusNotFound
	case "ResourceUnavailable":
		return http.StatusServiceUnavailable
	}
	return http.StatusBadRequest
}

// odataCodes are the words for the statuses in an error's body.
var odataCodes = map[int]string{
	http.StatusBadRequest: "BadRequest", http.StatusUnauthorized: "Unauthorized", http.StatusForbidden: "Forbidden", http.StatusNotFound: "NotFound",
	http.StatusNotAcceptable: "NotAcceptable", http.StatusRequestEntityTooLarge: "RequestEntityTooLarge",
	http.StatusUnsupportedMediaType: "UnsupportedMediaType", http.StatusServiceUnavailable: "ServiceUnavailable",
}

// exceptions are the namespaces of the errors that are not Exchange's own.
var exceptions = map[string]string{
	"ArgumentException": "System.", "InvalidOperationException": "System.", "NotSupportedException": "System.", "UnauthorizedAccessException": "System.",
	"ParameterBindingException": "System.Management.Automation.", "ParameterBindingArgumentTransformationException": "System.Management.Automation.",
	"CommandNotFoundException": "System.Management.Automation.", "PipelineStoppedException": "System.Management.Automation.",
}

// odataError is the body of an answer to a cmdlet that failed: clients read the reason in details and in innererror.
func odataError(status int, e *psobject.ErrorRecord, warnings []string) odataObject {
	const general = "Invalid Operation"
	typ := cmp.Or(exceptions[e.Reason], "Microsoft.Exchange.Configuration.Tasks.") + e.Reason
	inner := odataObject{{"message", general}, {"type", "Microsoft.Exchange.Admin.OData.Core.ODataServiceException"}, {"stacktrace", ""},
		{"internalexception", odataObject{{"message", e.Message}, {"type", typ}, {"stacktrace", ""}}}}
	details := []odataObject{{{"code", "Client"}, {"target", e.Target}, {"message", "|" + typ + "|" + e.Message}}}
	return odataObject{{"error", odataObject{{"code", odataCodes[status]}, {"message", general}, {"details", details}, {"innererror", inner},
		{"adminapi.warnings@odata.type", "#Collection(String)"}, {"@adminapi.warnings", append([]string{}, warnings...)}}}}
}

// refuseOData answers a request that came to no cmdlet.
func refuseOData(w http.ResponseWriter, status int, message string) {
	write(w, status, odataObject{{"error", odataObject{{"code", odataCodes[status]}, {"message", message}}}})
}
