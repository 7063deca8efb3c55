package mapi

import (
	"fmt"
	"time"

	"hma/wire/guid"
)

// Bag is an object's properties. The value's Go type follows the tag's type as
// the list at Type says; a string or binary value may be a Blob instead, which
// stands for a value kept elsewhere. A bag holds one value for each property id.
type Bag map[Tag]any

// Blob stands for a long value that is kept apart from its bag: its SHA-256 hash
// and its length in bytes. The zero value is no blob.
type Blob struct {
	Hash [32]byte
	Size int64
}

// IsZero tells whether b stands for nothing.
func (b Blob) IsZero() bool { return b == Blob{} }

// String returns a string property, "" when it is missing or kept as a Blob.
func (b Bag) String(tag Tag) string { return value[string](b, tag) }

// Int32 returns an Integer32 property, 0 when it is missing.
func (b Bag) Int32(tag Tag) int32 { return value[int32](b, tag) }

// Int64 returns an Integer64 property, 0 when it is missing.
func (b Bag) Int64(tag Tag) int64 { return value[int64](b, tag) }

// Bool returns a Boolean property, false when it is missing.
func (b Bag) Bool(tag Tag) bool { return value[bool](b, tag) }

// Time returns a Time property, the zero time when it is missing.
func (b Bag) Time(tag Tag) time.Time { return value[time.Time](b, tag) }

// Bytes returns a Binary property, nil when it is missing or kept as a Blob.
func (b Bag) Bytes(tag Tag) []byte { return value[[]byte](b, tag) }

// Strings returns a MultiUnicode property, nil when it is missing.
func (b Bag) Strings(tag Tag) []string { return value[[]string](b, tag) }

func value[T any](b Bag, tag Tag) T {
	v, _ := b[tag].(T)
	return v
}

// Find returns the value of a property under whatever type the bag has it.
func (b Bag) Find(tag Tag) (Tag, any, bool) {
	if v, ok := b[tag]; ok {
		return tag, v, true
	}
	for t, v := range b {
		if t.ID() == tag.ID() {
			return t, v, true
		}
	}
	return 0, nil, false
}

// CheckValue tells whether v is what a bag may hold for tag; the error names the tag only.
func CheckValue(tag Tag, v any) error {
	if tag.Type().storable(v) {
		return nil
	}
	return fmt.Errorf("property %s: a %T is no value of its type: %w", tag, v, ErrSyntax)
}

func (t Type) storable(v any) bool {
	if b, ok := v.(Blob); ok {
		return b.Size >= 0 && (t.IsString() || t == Binary || t == Object)
	}
	var ok bool
	switch t {
	case Integer16:
		_, ok = v.(int16)
	case Integer32:
		_, ok = v.(int32)
	case Floating32:
		_, ok = v.(float32)
	case Floating64, AppTime:
		_, ok = v.(float64)
	case Currency, Integer64:
		_, ok = v.(int64)
	case ErrorCode:
		_, ok = v.(uint32)
	case Boolean:
		_, ok = v.(bool)
	case String8, Unicode:
		_, ok = v.(string)
	case Time:
		_, ok = v.(time.Time)
	case GUID:
		_, ok = v.(guid.GUID)
	case Object, ServerID, Restrict, RuleAction, Binary:
		_, ok = v.([]byte)
	case MultiInteger16:
		_, ok = v.([]int16)
	case MultiInteger32:
		_, ok = v.([]int32)
	case MultiFloating32:
		_, ok = v.([]float32)
	case MultiFloating64, MultiAppTime:
		_, ok = v.([]float64)
	case MultiCurrency, MultiInteger64:
		_, ok = v.([]int64)
	case MultiString8, MultiUnicode:
		_, ok = v.([]string)
	case MultiTime:
		_, ok = v.([]time.Time)
	case MultiGUID:
		_, ok = v.([]guid.GUID)
	case MultiBinary:
		_, ok = v.([][]byte)
	}
	return ok
}
