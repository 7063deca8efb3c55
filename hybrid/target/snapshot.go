package target

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"hma/wire/psobject"
)

// ErrSnapshot is a file that is no snapshot, or snapshots that do not fit together.
var ErrSnapshot = errors.New("no snapshot")

// maxSnapshot bounds a collected file.
const maxSnapshot = 256 << 20

// The parts of a snapshot, by the scripts that write them.
const (
	PartExchange = "exchange"
	PartGraph    = "graph"
)

// A part is one collected file: what was run, and what it found.
type part struct {
	Version int
	Part    string // PartExchange or PartGraph
	// Collected is when the script ran, and Script its version; the first ones wrote neither.
	Collected string
	Script    int
	Sections  []section
}

type section struct {
	Cmdlet     string
	Parameters map[string]any
	Error      string
	Objects    any
}

// ReadSnapshot returns the organisation that files hold which the scripts of hma
// collect wrote: one Exchange part at most, and one Graph part for each tenant. A
// part that is not among them is a face that the target does not have; a section
// that is not there, or failed where it was collected, is an error of its reading.
// What is not a snapshot is ErrSnapshot.
func ReadSnapshot(files ...io.Reader) (Target, error) {
	var t Target
	var ids []string
	for _, f := range files {
		p, err := readPart(f)
		if err != nil {
			return Target{}, err
		}
		switch {
		case p.Part == PartExchange && t.Cmdlets == nil:
			t.Cmdlets, t.Files = collected(p.Sections), records(p.Sections)
			t.Collected = append(t.Collected, p.collection(""))
		case p.Part == PartExchange:
			return Target{}, fmt.Errorf("%w: two Exchange parts; give the one of this organisation", ErrSnapshot)
		case p.Part == PartGraph:
			g := tenantPart{p.Sections}
			o, err := g.Organization(context.Background())
			name := o.InitialDomain()
			if err != nil || name == "" {
				name = fmt.Sprintf("tenant %d", len(t.Tenants)+1)
			}
			if slices.ContainsFunc(t.Tenants, func(other Tenant) bool { return other.Name == name }) {
				return Target{}, fmt.Errorf("%w: two Graph parts of %s", ErrSnapshot, name)
			}
			t.Tenants = append(t.Tenants, Tenant{name, g})
			t.Collected = append(t.Collected, p.collection(name))
			ids = append(ids, strings.ToLower(o.ID))
		default:
			return Target{}, fmt.Errorf("%w: its part is %q: want exchange or graph, as hma collect's scripts write them", ErrSnapshot, p.Part)
		}
	}
	if exchange, ok := t.Cmdlets.(collected); ok && len(t.Tenants) > 0 {
		t.Tenants = append(t.Tenants, exchange.others(ids)...)
	}
	return t, nil
}

// SignedIn adds the tenants at which somebody has signed in, instead of Graph parts. Each takes the
// name of the domain that came with it, and keeps its own where the tenant does not tell. ErrSnapshot
// when there are Graph parts.
func (t *Target) SignedIn(ctx context.Context, tenants ...Tenant) error {
	if len(t.Tenants) > 0 {
		return fmt.Errorf("%w: the tenant is asked itself: leave its Graph part out", ErrSnapshot)
	}
	var ids []string
	for _, tenant := range tenants {
		ids = append(ids, strings.ToLower(tenant.Name))
		if o, err := tenant.Graph.Organization(ctx); err == nil && o.InitialDomain() != "" {
			tenant.Name = o.InitialDomain()
			ids = append(ids, strings.ToLower(o.ID))
		}
		t.Tenants = append(t.Tenants, tenant)
	}
	if exchange, ok := t.Cmdlets.(collected); ok {
		t.Tenants = append(t.Tenants, exchange.others(ids)...)
	}
	return ctx.Err()
}

// Missing says which parts of the organisation no file was given for: its own, and that of
// each tenant whose token service it trusts.
func (t Target) Missing() []string {
	var missing []string
	if t.Cmdlets == nil {
		missing = append(missing, "the Exchange part")
	}
	if len(t.Tenants) == 0 {
		missing = append(missing, "the Graph part")
	}
	for _, tenant := range t.Tenants {
		if g, ok := tenant.Graph.(tenantPart); ok && g.sections == nil {
			missing = append(missing, "the Graph part of "+tenant.Name)
		}
	}
	return missing
}

// others are the tenants of which no Graph part is there, though the organisation trusts
// their token service: all that they would tell is missing.
func (c collected) others(ids []string) []Tenant {
	servers, err := c.Invoke(context.Background(), psobject.Invocation{Cmdlet: "Get-AuthServer"})
	if err != nil {
		return nil // is missing itself
	}
	var all []Tenant
	for _, o := range servers.Output {
		realm := strings.ToLower(o.String("Realm"))
		if o.String("Type") == "AzureAD" && o.Bool("Enabled") && !slices.Contains(ids, realm) {
			all, ids = append(all, Tenant{realm, tenantPart{}}), append(ids, realm)
		}
	}
	return all
}

func readPart(r io.Reader) (*part, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxSnapshot+1))
	if err != nil {
		return nil, err
	}
	if len(raw) > maxSnapshot {
		return nil, fmt.Errorf("%w: longer than %d MiB", ErrSnapshot, maxSnapshot>>20)
	}
	if raw, err = unicodeText(raw); err != nil {
		return nil, err
	}
	var p part
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: more than one JSON value", ErrSnapshot)
	}
	if p.Version != 1 {
		return nil, fmt.Errorf("%w: version %d; this program reads version 1", ErrSnapshot, p.Version)
	}
	if _, ok := when(p.Collected); p.Collected != "" && !ok {
		return nil, fmt.Errorf("%w: it was collected at %.40q, which is no time", ErrSnapshot, p.Collected)
	}
	return &p, nil
}

// collection says when the part, of the tenant where it is a Graph part, was collected.
func (p *part) collection(tenant string) Collection {
	c := Collection{Part: p.Part, Tenant: tenant, Script: p.Script}
	if at, ok := when(p.Collected); ok {
		c.At = at
	}
	return c
}

// records are the request records of an Exchange part: what its script read in the servers' HttpProxy logs.
type records []section

// RecordsPath is the path that the section of the records names.
const RecordsPath = "HttpProxy"

// ReadFile returns the records as JSON lines, as our own servers log requests; a line with the message "missing" names a
// server whose logs could not be read. A part of a script that did not read them has none.
func (r records) ReadFile(ctx context.Context, name string) ([]byte, error) {
	if name != RecordsFile {
		return nil, fs.ErrNotExist
	}
	objects, err := find(r, "Get-Content", map[string]string{"path": RecordsPath})
	if errors.Is(err, errNoSection) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	lines := []byte{}
	for _, object := range objects {
		e := &entity{values: object}
		line := map[string]any{"msg": "request", "time": e.time("DateTime"), "door": e.text("Protocol"), "authn": e.text("AuthenticationType"),
			"user": e.text("AuthenticatedUser"), "agent": e.text("UserAgent")}
		if problem := e.text("Problem"); problem != "" {
			line = map[string]any{"msg": "missing", "server": e.text("Server"), "problem": problem}
		}
		text, err := json.Marshal(line)
		if err := cmp.Or(e.err, err); err != nil {
			return nil, fmt.Errorf("records: %w", err)
		}
		lines = append(append(lines, text...), '\n')
	}
	return lines, ctx.Err()
}

// unicodeText returns text as UTF-8 without its mark: Windows PowerShell writes UTF-8
// with one, and UTF-16 where it was not told otherwise.
func unicodeText(raw []byte) ([]byte, error) {
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(raw, []byte{0xFF, 0xFE}):
		order = binary.LittleEndian
	case bytes.HasPrefix(raw, []byte{0xFE, 0xFF}):
		order = binary.BigEndian
	default:
		raw = bytes.TrimPrefix(raw, []byte{0xEF, 0xBB, 0xBF})
		if !utf8.Valid(raw) {
			return nil, fmt.Errorf("%w: neither UTF-8 nor UTF-16", ErrSnapshot)
		}
		return raw, nil
	}
	if len(raw)%2 != 0 {
		return nil, fmt.Errorf("%w: UTF-16 of an odd length", ErrSnapshot)
	}
	units := make([]uint16, len(raw)/2-1)
	for i := range units {
		units[i] = order.Uint16(raw[2*i+2:])
	}
	return []byte(string(utf16.Decode(units))), nil
}

// find returns the objects of the section that ran the cmdlet with the parameters.
func find(sections []section, cmdlet string, parameters map[string]string) ([]map[string]any, error) {
	for _, s := range sections {
		if !strings.EqualFold(s.Cmdlet, cmdlet) || !s.ran(parameters) {
			continue
		}
		if s.Error != "" {
			return nil, fmt.Errorf("failed when it was collected: %s", s.Error)
		}
		var all []map[string]any
		for _, item := range items(s.Objects) {
			object, ok := item.(map[string]any)
			if !ok {
				return nil, errors.New("the snapshot has something else than objects here: collect it again, with the depth of hma collect's script")
			}
			all = append(all, object)
		}
		if all == nil && slices.Contains(never, s.Cmdlet) {
			return nil, errors.New("found nothing when it was collected: was it run as somebody who may see it?")
		}
		return all, nil
	}
	return nil, errNoSection
}

var errNoSection = errors.New("not in the snapshot")

// never are the cmdlets that find something in any organisation and tenant.
var never = []string{"Get-ExchangeServer", "Get-OrganizationConfig", "Get-AuthConfig", "Get-AcceptedDomain", "Get-User", "Get-MgUser", "Get-MgOrganization"}

func (s *section) ran(parameters map[string]string) bool {
	if len(s.Parameters) != len(parameters) {
		return false
	}
	for name, value := range s.Parameters {
		want, ok := parameters[strings.ToLower(name)]
		if !ok || !strings.EqualFold(fmt.Sprint(value), want) {
			return false
		}
	}
	return true
}

// items returns the elements of a list: ConvertTo-Json may have made a list of one its
// element, and wraps a list that carries properties into {"value":[...],"Count":n}.
func items(v any) []any {
	switch v := plain(v).(type) {
	case nil:
		return nil
	case []any:
		return slices.DeleteFunc(slices.Clone(v), func(item any) bool { return item == nil })
	default:
		return []any{v}
	}
}

// plain takes away what ConvertTo-Json of Windows PowerShell puts around a value that
// carries properties: {"value":...,"Count":2}, {"value":"\/Date(0)\/","DateTime":"..."},
// and for the enumerations of a remote session {"value":4,"Value":"Running"}.
func plain(v any) any {
	m, ok := v.(map[string]any)
	if !ok {
		return v
	}
	inner, ok := m["value"]
	if !ok {
		return v
	}
	if text, ok := m["Value"].(string); ok {
		return text
	}
	for name := range m {
		if !slices.Contains([]string{"value", "Value", "Count", "DisplayHint", "DateTime"}, name) {
			return v
		}
	}
	return inner
}

// shown are the properties in which .NET's objects have their text, the surest first: Uri,
// ProxyAddress, SmtpAddress, SecurityIdentifier, Guid, ADObjectId.
var shown = []string{"OriginalString", "AbsoluteUri", "ProxyAddressString", "Address", "Value", "Guid", "Name"}

// truncated are the beginnings of what ConvertTo-Json writes for an object below its depth.
var truncated = []string{"System.Collections.", "System.Object", "Microsoft.Exchange.", "Microsoft.Graph.", "@{"}

// scalar returns one value as a property has it.
func scalar(v any) (any, error) {
	switch v := plain(v).(type) {
	case nil, bool:
		return v, nil
	case json.Number:
		n, err := strconv.ParseInt(v.String(), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is no whole number", v)
		}
		return n, nil
	case string:
		if slices.ContainsFunc(truncated, func(begin string) bool { return strings.HasPrefix(v, begin) }) {
			return nil, fmt.Errorf("cut off at ConvertTo-Json's depth: %.40q", v)
		}
		if t, ok := when(v); ok {
			return t, nil
		}
		switch v {
		case "True":
			return true, nil
		case "False":
			return false, nil
		}
		return v, nil
	case map[string]any:
		if v["Major"] != nil && v["Build"] != nil { // ServerVersion
			return fmt.Sprintf("Version %v.%v (Build %v.%v)", v["Major"], v["Minor"], v["Build"], v["Revision"]), nil
		}
		for _, name := range shown {
			if text, ok := v[name].(string); ok {
				return text, nil
			}
		}
		return nil, errors.New("is an object that has no text")
	}
	return nil, errors.New("is a list inside a list")
}

var jsonDate = regexp.MustCompile(`^/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/$`)

// when reads a time: /Date(milliseconds)/ of Windows PowerShell, RFC 3339 of PowerShell 7.
func when(text string) (time.Time, bool) {
	if m := jsonDate.FindStringSubmatch(text); m != nil {
		ms, err := strconv.ParseInt(m[1], 10, 64)
		return time.UnixMilli(ms).UTC(), err == nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	return t.UTC(), err == nil
}

// enumerations are properties whose values are words: a number tells nothing that is documented.
var enumerations = []string{"Type", "RecipientTypeDetails", "ClientCertAuth", "Status"}

// times are properties whose values are times.
var times = []string{"NotBefore", "NotAfter", "NextCertificateEffectiveDate"}

// property returns a value in the form in which the Admin API has it.
func property(name string, v any) (any, error) {
	v = plain(v)
	words := strings.HasSuffix(name, "AuthenticationMethods")
	if list, ok := v.([]any); ok {
		all := make([]string, 0, len(list))
		for _, item := range list {
			x, err := scalar(item)
			if err != nil {
				return nil, err
			}
			text, ok := x.(string)
			if !ok {
				return nil, fmt.Errorf("holds %v where a word is wanted: collect it with hma collect's script, which makes enumerations text", item)
			}
			all = append(all, text)
		}
		return all, nil
	}
	x, err := scalar(v)
	if err != nil {
		return nil, err
	}
	number, isNumber := x.(int64)
	text, isText := x.(string)
	switch {
	case isText && words: // a list of one, or one that its depth made a sentence
		return strings.Fields(text), nil
	case isNumber && name == "UserAccountControl": // MS-ADTS 2.2.16: 0x2 is ADS_UF_ACCOUNTDISABLE
		if number&2 != 0 {
			return "AccountDisabled", nil
		}
		return "", nil
	case isNumber && (words || slices.Contains(enumerations, name)):
		return nil, fmt.Errorf("is the number %d where a word is wanted: collect it with hma collect's script, which makes enumerations text", number)
	case x != nil && slices.Contains(times, name):
		if _, ok := x.(time.Time); !ok {
			return nil, fmt.Errorf("is no time: %.40q", fmt.Sprint(x))
		}
	}
	return x, nil
}

// collected are the cmdlets of an Exchange part.
type collected []section

// Invoke answers a reading cmdlet with what it found when it was collected.
func (c collected) Invoke(ctx context.Context, call psobject.Invocation) (psobject.Result, error) {
	if err := ctx.Err(); err != nil {
		return psobject.Result{}, err
	}
	parameters := map[string]string{}
	for _, p := range call.Parameters {
		parameters[strings.ToLower(p.Name)] = psobject.Text(p.Value)
	}
	objects, err := find(c, call.Cmdlet, parameters)
	if err != nil {
		return psobject.Result{}, err
	}
	var result psobject.Result
	for _, object := range objects {
		o := psobject.Object{}
		for _, name := range slices.Sorted(maps.Keys(object)) {
			value, err := property(name, object[name])
			if err != nil {
				return psobject.Result{}, fmt.Errorf("%s %w", name, err)
			}
			o.Properties = append(o.Properties, psobject.Property{Name: name, Value: value})
		}
		result.Output = append(result.Output, o)
	}
	return result, nil
}
