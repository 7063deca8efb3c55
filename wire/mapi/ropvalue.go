package mapi

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"

	"hma/wire/guid"
)

// The forms of this file are those of a ROP buffer (MS-OXCDATA 2.11.2.1, 2.12 and
// MS-OXORULE 2.2.5): text is UTF-16 ended by a zero, a binary value has a count of
// two bytes, a list of values one of four.

// appendTagged writes a tag and its value (TaggedPropertyValue, MS-OXCDATA 2.11.4).
func appendTagged(out []byte, tag Tag, v any) ([]byte, error) {
	if err := CheckValue(tag, v); err != nil {
		return nil, err
	}
	out = binary.LittleEndian.AppendUint32(out, uint32(tag))
	return appendROPValue(out, tag, v)
}

func appendROPValue(out []byte, tag Tag, v any) ([]byte, error) {
	le := binary.LittleEndian
	switch v := v.(type) {
	case string:
		if strings.IndexByte(v, 0) >= 0 {
			return nil, fmt.Errorf("property %s: text with a zero in it: %w", tag, ErrSyntax)
		}
		if tag.Type() == String8 {
			return append(append(out, v...), 0), nil
		}
		for _, unit := range utf16.Encode([]rune(v)) {
			out = le.AppendUint16(out, unit)
		}
		return append(out, 0, 0), nil
	case []byte:
		if len(v) > 0xFFFF {
			return nil, fmt.Errorf("property %s: %d bytes: %w", tag, len(v), ErrSyntax)
		}
		return append(le.AppendUint16(out, uint16(len(v))), v...), nil
	case guid.GUID:
		b := v.BytesLE()
		return append(out, b[:]...), nil
	case []string:
		out = le.AppendUint32(out, uint32(len(v)))
		for _, s := range v {
			var err error
			if out, err = appendROPValue(out, tag.WithType(tag.Type().Single()), s); err != nil {
				return nil, err
			}
		}
		return out, nil
	case int16, int32, uint32, int64, float32, float64, bool:
		return appendValue(out, tag.Type(), v), nil
	}
	if tag.Type() == Time {
		return appendValue(out, tag.Type(), v), nil
	}
	return nil, fmt.Errorf("property %s: a %T has no place here: %w", tag, v, ErrSyntax)
}

// tagged reads what appendTagged wrote.
func (r *reader) tagged() (Tag, any) {
	tag := Tag(r.uint32())
	return tag, r.ropValue(tag.Type())
}

func (r *reader) ropValue(t Type) any {
	switch t {
	case Unicode:
		var units []uint16
		for !r.bad {
			unit := r.uint16()
			if unit == 0 {
				break
			}
			units = append(units, unit)
		}
		return string(utf16.Decode(units))
	case String8:
		i := bytes.IndexByte(r.rest, 0)
		if i < 0 {
			r.bad = true
			return nil
		}
		text := strings.ToValidUTF8(string(r.take(i)), "\uFFFD")
		r.take(1)
		return text
	case Binary, ServerID:
		return append([]byte{}, r.take(int(r.uint16()))...)
	case GUID:
		return guid.FromBytesLE([16]byte(r.take(16)))
	case MultiUnicode:
		n := r.uint32()
		if int64(n) > int64(len(r.rest)/2) {
			r.bad = true
			return nil
		}
		list := make([]string, n)
		for i := range list {
			list[i], _ = r.ropValue(Unicode).(string)
		}
		return list
	case Integer16, Integer32, Floating32, Floating64, AppTime, Currency, Integer64, ErrorCode, Boolean, Time:
		return r.value(t)
	}
	r.bad = true
	return nil
}
