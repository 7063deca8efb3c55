package ews

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hma/wire/guid"
	"hma/wire/mapi"
	"hma/wire/soap"
)

// extended is an ExtendedFieldURI (MS-OXWSXPROP 2.1.5): a property known by its
// tag or by its name, with its type.
type extended struct {
	name  mapi.Name // zero for a property known by its tag
	tag   mapi.Tag  // for a named one the type alone counts
	attrs []string  // how an answer names it
}

var extendedTypes = map[string]mapi.Type{
	"ApplicationTime": mapi.AppTime, "Binary": mapi.Binary, "Boolean": mapi.Boolean, "CLSID": mapi.GUID,
	"Currency": mapi.Currency, "Double": mapi.Floating64, "Float": mapi.Floating32, "Integer": mapi.Integer32,
	"Long": mapi.Integer64, "Short": mapi.Integer16, "String": mapi.Unicode, "SystemTime": mapi.Time,
	"ApplicationTimeArray": mapi.MultiAppTime, "BinaryArray": mapi.MultiBinary, "CLSIDArray": mapi.MultiGUID,
	"CurrencyArray": mapi.MultiCurrency, "DoubleArray": mapi.MultiFloating64, "FloatArray": mapi.MultiFloating32,
	"IntegerArray": mapi.MultiInteger32, "LongArray": mapi.MultiInteger64, "ShortArray": mapi.MultiInteger16,
	"StringArray": mapi.MultiUnicode, "SystemTimeArray": mapi.MultiTime,
}

// distinguishedSets are the names of DistinguishedPropertySetType (MS-OXWSXPROP 2.1.7).
var distinguishedSets = map[string]guid.GUID{
	"Address": mapi.PSETIDAddress, "Appointment": mapi.PSETIDAppointment, "CalendarAssistant": mapi.PSETIDCalendarAssistant,
	"Common": mapi.PSETIDCommon, "InternetHeaders": mapi.PSInternetHeaders, "Meeting": mapi.PSETIDMeeting,
	"PublicStrings": mapi.PSPublicStrings, "Sharing": mapi.PSETIDSharing, "Task": mapi.PSETIDTask,
	"UnifiedMessaging": mapi.PSETIDUnifiedMessaging,
}

// parseExtended reads an ExtendedFieldURI.
func parseExtended(e *soap.Element) (extended, error) {
	var x extended
	typeName, _ := e.Attr("PropertyType")
	typ, known := extendedTypes[typeName]
	if !known {
		return x, errExtended
	}
	tag, byTag := e.Attr("PropertyTag")
	distinguished, byDistinguished := e.Attr("DistinguishedPropertySetId")
	set, bySet := e.Attr("PropertySetId")
	number, byNumber := e.Attr("PropertyId")
	name, byName := e.Attr("PropertyName")
	if byTag {
		id, err := strconv.ParseUint(tag, 0, 16)
		if err != nil || id == 0 || id >= 0x8000 || byDistinguished || bySet || byNumber || byName {
			return x, errExtended
		}
		x.tag = mapi.NewTag(uint16(id), typ)
		// Clients compare the text: the shortest hexadecimal form, whatever was asked.
		x.attrs = []string{"PropertyTag", "0x" + strconv.FormatUint(id, 16), "PropertyType", typeName}
		return x, nil
	}
	if byDistinguished == bySet || byNumber == byName {
		return x, errExtended
	}
	x.tag = mapi.NewTag(0, typ)
	if byDistinguished {
		if x.name.Set, known = distinguishedSets[distinguished]; !known {
			return x, errExtended
		}
		x.attrs = []string{"DistinguishedPropertySetId", distinguished}
	} else {
		var err error
		if x.name.Set, err = guid.Parse(strings.ToLower(set)); err != nil {
			return x, errExtended
		}
		x.attrs = []string{"PropertySetId", x.name.Set.String()}
	}
	if byNumber {
		id, err := strconv.ParseUint(number, 0, 32)
		if err != nil {
			return x, errExtended
		}
		x.name.LID = uint32(id)
		x.attrs = append(x.attrs, "PropertyId", strconv.FormatUint(id, 10))
	} else {
		if name == "" {
			return x, errExtended
		}
		x.name.Text = name
		x.attrs = append(x.attrs, "PropertyName", name)
	}
	x.attrs = append(x.attrs, "PropertyType", typeName)
	return x, nil
}

// tags returns the tags of extended properties in the mailbox that the request is
// about, in their order; 0 for a name that the mailbox does not know.
func (c *call) tags(list []extended, create bool) ([]mapi.Tag, error) {
	out := make([]mapi.Tag, len(list))
	var names []mapi.Name
	var at []int
	for i, x := range list {
		if x.name == (mapi.Name{}) {
			out[i] = x.tag
			continue
		}
		names, at = append(names, x.name), append(at, i)
	}
	if names == nil {
		return out, nil
	}
	box, err := c.focus()
	if err != nil {
		return nil, err
	}
	ids, err := box.NamedIDs(c.ctx, names, create)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(ids, ofMailbox) {
		if c.named = true; c.mixed {
			return nil, errMixed
		}
	}
	for n, i := range at {
		if ids[n] != 0 {
			out[i] = mapi.NewTag(ids[n], list[i].tag.Type())
		}
	}
	return out, nil
}

// extendedValue reads an ExtendedProperty that is set: its tag in the mailbox that the request is about, which learns its name, and its value.
func (c *call) extendedValue(e *soap.Element) (mapi.Tag, any, error) {
	path := e.Child(soap.NSTypes, "ExtendedFieldURI")
	if path == nil {
		return 0, nil, errExtended
	}
	x, err := parseExtended(path)
	if err != nil {
		return 0, nil, err
	}
	v, err := parseExtendedValue(x.tag.Type(), e)
	if err != nil {
		return 0, nil, err
	}
	tags, err := c.tags([]extended{x}, true)
	if err != nil {
		return 0, nil, err
	}
	return tags[0], v, nil
}

// writeExtended writes one ExtendedProperty when the value is one of its type.
func writeExtended(w *soap.Writer, x extended, value any) {
	texts, ok := valueTexts(x.tag.Type(), value)
	if !ok {
		return
	}
	w.Start("t:ExtendedProperty")
	w.Empty("t:ExtendedFieldURI", x.attrs...)
	if x.tag.Type().IsMulti() {
		w.Start("t:Values")
		for _, text := range texts {
			w.Element("t:Value", text)
		}
		w.End("t:Values")
	} else {
		w.Element("t:Value", texts[0])
	}
	w.End("t:ExtendedProperty")
}

// valueTexts returns a value as XML has it; false when it is not of the type.
func valueTexts(typ mapi.Type, value any) (texts []string, ok bool) {
	if i, is := value.(int64); is && typ == mapi.Integer32 {
		value = int32(i)
	}
	if b, is := value.([]byte); is && typ == mapi.Unicode { // PidTagHtml asked for as text
		value = string(b)
	}
	if s, is := value.(string); is && typ == mapi.Binary {
		value = []byte(s)
	}
	if mapi.CheckValue(mapi.NewTag(1, typ), value) != nil {
		return nil, false
	}
	switch v := value.(type) {
	case []string:
		texts = v
	case []int16:
		texts = each(v, text)
	case []int32:
		texts = each(v, text)
	case []int64:
		texts = each(v, text)
	case []float32:
		texts = each(v, text)
	case []float64:
		texts = each(v, text)
	case []time.Time:
		texts = each(v, text)
	case []guid.GUID:
		texts = each(v, text)
	case [][]byte:
		texts = each(v, text)
	case mapi.Blob:
		return nil, false
	default:
		texts = []string{text(v)}
	}
	return texts, true
}

func each[T any](list []T, fn func(any) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = fn(v)
	}
	return out
}

// text returns a single value as XML has it.
func text(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case int16:
		return strconv.Itoa(int(v))
	case int32:
		return strconv.Itoa(int(v))
	case int64:
		return strconv.FormatInt(v, 10)
	case uint32:
		return strconv.FormatUint(uint64(v), 10)
	case float32:
		return floatText(float64(v), 32)
	case float64:
		return floatText(v, 64)
	case bool:
		return strconv.FormatBool(v)
	case time.Time:
		return timeText(v)
	case guid.GUID:
		return v.String()
	case []byte:
		return base64.StdEncoding.EncodeToString(v)
	}
	return ""
}

// floatText is xs:float or xs:double, which have their own words for infinity (XML Schema
// Part 2, 3.2.4.1); strconv.ParseFloat takes them.
func floatText(v float64, bits int) string {
	switch {
	case math.IsInf(v, 1):
		return "INF"
	case math.IsInf(v, -1):
		return "-INF"
	}
	return strconv.FormatFloat(v, 'g', -1, bits)
}

// timeText is xs:dateTime in UTC, to the second as Exchange gives it.
func timeText(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// parseValue reads a single value of a type.
func parseValue(typ mapi.Type, s string) (any, bool) {
	trimmed := strings.TrimSpace(s)
	switch typ {
	case mapi.Unicode, mapi.String8:
		return s, true
	case mapi.Boolean:
		switch trimmed {
		case "true", "1", "True":
			return true, true
		case "false", "0", "False":
			return false, true
		}
		return nil, false
	case mapi.Integer16:
		v, err := strconv.ParseInt(trimmed, 10, 16)
		return int16(v), err == nil
	case mapi.Integer32:
		v, err := strconv.ParseInt(trimmed, 10, 32)
		return int32(v), err == nil
	case mapi.Integer64, mapi.Currency:
		v, err := strconv.ParseInt(trimmed, 10, 64)
		return v, err == nil
	case mapi.Floating32:
		v, err := strconv.ParseFloat(trimmed, 32)
		return float32(v), err == nil
	case mapi.Floating64, mapi.AppTime:
		v, err := strconv.ParseFloat(trimmed, 64)
		return v, err == nil
	case mapi.Time:
		return parseTime(trimmed)
	case mapi.GUID:
		v, err := guid.Parse(strings.ToLower(trimmed))
		return v, err == nil
	case mapi.Binary:
		v, err := base64.StdEncoding.DecodeString(trimmed)
		return v, err == nil
	}
	return nil, false
}

// parseTime reads an xs:dateTime or xs:date; one without a zone is taken as UTC.
func parseTime(s string) (any, bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02Z07:00", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), t.Year() >= 1601 // the oldest FILETIME
		}
	}
	return nil, false
}

// parseExtendedValue reads Value or Values of an ExtendedProperty.
func parseExtendedValue(typ mapi.Type, e *soap.Element) (any, error) {
	if !typ.IsMulti() {
		value := e.Child(soap.NSTypes, "Value")
		if value == nil {
			return nil, errExtendedValue
		}
		v, ok := parseValue(typ, value.Text)
		if !ok {
			return nil, errExtendedValue
		}
		return v, nil
	}
	values := e.Child(soap.NSTypes, "Values")
	if values == nil {
		return nil, errExtendedValue
	}
	var list []any
	for _, child := range values.Children {
		v, ok := parseValue(typ.Single(), child.Text)
		if !ok {
			return nil, errExtendedValue
		}
		list = append(list, v)
	}
	switch typ {
	case mapi.MultiUnicode:
		return collect[string](list), nil
	case mapi.MultiInteger16:
		return collect[int16](list), nil
	case mapi.MultiInteger32:
		return collect[int32](list), nil
	case mapi.MultiInteger64, mapi.MultiCurrency:
		return collect[int64](list), nil
	case mapi.MultiFloating32:
		return collect[float32](list), nil
	case mapi.MultiFloating64, mapi.MultiAppTime:
		return collect[float64](list), nil
	case mapi.MultiTime:
		return collect[time.Time](list), nil
	case mapi.MultiGUID:
		return collect[guid.GUID](list), nil
	case mapi.MultiBinary:
		return collect[[]byte](list), nil
	}
	return nil, errExtendedValue
}

func collect[T any](list []any) []T {
	out := make([]T, len(list))
	for i, v := range list {
		out[i], _ = v.(T)
	}
	return out
}
