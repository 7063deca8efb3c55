package oxocfg

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Type is what a key or a value of a dictionary is.
type Type int

// The types, by the numbers that stand before a value's text (the CLR's type
// codes). MS-OXOCFG 2.2.2.2 names Boolean, Integer32 and String; the numbers of the
// others are those of the CLR, and those of the two kinds of array this project's.
const (
	Boolean           Type = 3
	Byte              Type = 6
	Integer32         Type = 9
	UnsignedInteger32 Type = 10
	Integer64         Type = 11
	UnsignedInteger64 Type = 12
	DateTime          Type = 16
	String            Type = 18
	StringArray       Type = 64
	ByteArray         Type = 65
)

// Object is a key or a value: one text, or several for an array of strings. A
// Boolean is true or false, a time is RFC 3339, an array of bytes base64.
type Object struct {
	Type  Type
	Texts []string
}

// Entry is one entry of a dictionary.
type Entry struct{ Key, Value Object }

// Limits of a dictionary.
const (
	MaxEntries    = 1000
	MaxTexts      = 1000 // of one array
	MaxDictionary = 1 << 20
)

// ErrSyntax is what is no dictionary, or passes a limit.
var ErrSyntax = errors.New("malformed dictionary")

// Check tells whether an object's texts fit its type.
func (o Object) Check() error {
	if o.Type == StringArray {
		if len(o.Texts) > MaxTexts {
			return fmt.Errorf("%d texts: %w", len(o.Texts), ErrSyntax)
		}
		for _, s := range o.Texts {
			if !clean(s) {
				return fmt.Errorf("a text that XML cannot hold: %w", ErrSyntax)
			}
		}
		return nil
	}
	if len(o.Texts) != 1 {
		return fmt.Errorf("%d texts for one value: %w", len(o.Texts), ErrSyntax)
	}
	s := o.Texts[0]
	var err error
	switch o.Type {
	case Boolean:
		if s != "true" && s != "false" {
			err = ErrSyntax
		}
	case Byte:
		_, err = strconv.ParseUint(s, 10, 8)
	case Integer32:
		_, err = strconv.ParseInt(s, 10, 32)
	case UnsignedInteger32:
		_, err = strconv.ParseUint(s, 10, 32)
	case Integer64:
		_, err = strconv.ParseInt(s, 10, 64)
	case UnsignedInteger64:
		_, err = strconv.ParseUint(s, 10, 64)
	case DateTime:
		_, err = time.Parse(time.RFC3339Nano, s)
	case ByteArray:
		_, err = base64.StdEncoding.DecodeString(s)
	case String:
		if !clean(s) {
			err = ErrSyntax
		}
	default:
		err = ErrSyntax
	}
	if err != nil {
		return fmt.Errorf("a text that is none of its type %d: %w", o.Type, ErrSyntax)
	}
	return nil
}

// clean tells whether XML can hold a text as it is.
func clean(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' || r == 0xFFFE || r == 0xFFFF })
}

// namespace is that of the schema in MS-OXOCFG 2.2.2.2.
const namespace = "dictionary.xsd"

// version says who wrote the document; readers look at Outlook's major version alone.
const version = "Outlook.16"

// end is how a document ends.
const end = "</Data></UserConfiguration>"

// EncodeDictionary returns the document of a dictionary. An object that does not
// fit its type, a key twice, or more than the limits is ErrSyntax.
func EncodeDictionary(entries []Entry) ([]byte, error) {
	if len(entries) > MaxEntries {
		return nil, fmt.Errorf("encode %d entries: %w", len(entries), ErrSyntax)
	}
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="utf-8"?><UserConfiguration xmlns="` + namespace + `"><Info version="` + version + `"/><Data>`)
	keys := map[string]bool{}
	for _, e := range entries {
		for _, o := range []Object{e.Key, e.Value} {
			if err := o.Check(); err != nil {
				return nil, fmt.Errorf("encode dictionary: %w", err)
			}
		}
		key := e.Key.text()
		if keys[key] {
			return nil, fmt.Errorf("encode dictionary: a key is there twice: %w", ErrSyntax)
		}
		keys[key] = true
		b.WriteString(`<e k="`)
		xml.EscapeText(&b, []byte(key))
		b.WriteString(`" v="`)
		xml.EscapeText(&b, []byte(e.Value.text()))
		b.WriteString(`"/>`)
		if b.Len()+len(end) > MaxDictionary {
			return nil, fmt.Errorf("encode dictionary: too large: %w", ErrSyntax)
		}
	}
	b.WriteString(end)
	return b.Bytes(), nil
}

// text is an object as the value of an attribute: its type, a dash, its text.
func (o Object) text() string {
	s := ""
	switch o.Type {
	case Boolean:
		s = map[string]string{"true": "True", "false": "False"}[o.Texts[0]]
	case StringArray:
		parts := make([]string, len(o.Texts))
		for i, t := range o.Texts {
			parts[i] = base64.StdEncoding.EncodeToString([]byte(t))
		}
		s = fmt.Sprint(len(parts)) + " " + strings.Join(parts, " ")
	default:
		s = o.Texts[0]
	}
	return strconv.Itoa(int(o.Type)) + "-" + s
}

// DecodeDictionary reads a dictionary. Entries of types that are not known are left out.
func DecodeDictionary(document []byte) ([]Entry, error) {
	if len(document) > MaxDictionary {
		return nil, fmt.Errorf("decode dictionary of %d bytes: %w", len(document), ErrSyntax)
	}
	var entries []Entry
	keys := map[string]bool{}
	d := xml.NewDecoder(bytes.NewReader(document))
	depth := 0
	for {
		token, err := d.Token()
		if err == io.EOF && depth == 0 {
			return entries, nil
		}
		if err != nil {
			return nil, fmt.Errorf("decode dictionary: %w", ErrSyntax)
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth > 3 {
				return nil, fmt.Errorf("decode dictionary: too deep: %w", ErrSyntax)
			}
			if depth == 1 && token.Name.Local != "UserConfiguration" {
				return nil, fmt.Errorf("decode dictionary: no UserConfiguration: %w", ErrSyntax)
			}
			if depth != 3 || token.Name.Local != "e" {
				continue
			}
			e, key, ok := entry(token.Attr)
			if !ok || keys[key] {
				continue
			}
			keys[key] = true
			if entries = append(entries, e); len(entries) > MaxEntries {
				return nil, fmt.Errorf("decode dictionary: too many entries: %w", ErrSyntax)
			}
		case xml.EndElement:
			depth--
		case xml.Directive:
			return nil, fmt.Errorf("decode dictionary: a document type: %w", ErrSyntax)
		}
	}
}

func entry(attrs []xml.Attr) (e Entry, key string, ok bool) {
	var value string
	for _, a := range attrs {
		switch a.Name.Local {
		case "k":
			key = a.Value
		case "v":
			value = a.Value
		}
	}
	e.Key, ok = object(key)
	if ok {
		e.Value, ok = object(value)
	}
	return e, key, ok
}

func object(text string) (o Object, ok bool) {
	number, text, ok := strings.Cut(text, "-")
	n, err := strconv.Atoi(number)
	if !ok || err != nil {
		return o, false
	}
	o = Object{Type: Type(n), Texts: []string{text}}
	switch o.Type {
	case Boolean:
		o.Texts[0] = strings.ToLower(text)
	case StringArray:
		words := strings.Split(text, " ")
		count, err := strconv.Atoi(words[0])
		if count == 0 {
			words = words[:1] // the text ends with the space behind the count
		}
		if err != nil || count != len(words)-1 {
			return o, false
		}
		o.Texts = []string{}
		for _, word := range words[1:] {
			b, err := base64.StdEncoding.DecodeString(word)
			if err != nil {
				return o, false
			}
			o.Texts = append(o.Texts, string(b))
		}
	}
	return o, o.Check() == nil
}
