package mapi

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"hma/wire/guid"
)

// The packed form of a bag: a version byte, the number of properties, then for
// each, in ascending order of tags, the tag (four bytes, little endian), a form
// byte (inline or blob) and the value. Numbers are little endian, lengths and
// counts are unsigned varints, text is UTF-8, times are FILETIMEs.
const (
	bagVersion = 1
	formInline = 0
	formBlob   = 1
)

// Limits of a packed bag.
const (
	MaxBagProperties = 8192
	MaxBagBytes      = 16 << 20
)

// fileTimeEpoch is the Unix second of 1 January 1601 (MS-DTYP 2.3.3).
const fileTimeEpoch = -11644473600

// FileTime returns a time as units of 100 ns since 1601; a time before that is 0.
func FileTime(t time.Time) uint64 {
	seconds := t.Unix() - fileTimeEpoch
	if seconds < 0 || seconds > math.MaxInt64/10_000_000-1 {
		return 0
	}
	return uint64(seconds)*10_000_000 + uint64(t.Nanosecond()/100)
}

// FromFileTime returns the UTC time of a FILETIME; values past the year 30828 become the latest one.
func FromFileTime(ft uint64) time.Time {
	ft = min(ft, math.MaxInt64)
	return time.Unix(int64(ft/10_000_000)+fileTimeEpoch, int64(ft%10_000_000)*100).UTC()
}

// Encode returns the packed form. A value that does not fit its tag, two
// properties of one id, or a bag beyond the limits is ErrSyntax.
func (b Bag) Encode() ([]byte, error) {
	if len(b) > MaxBagProperties {
		return nil, fmt.Errorf("pack %d properties: %w", len(b), ErrSyntax)
	}
	out := binary.AppendUvarint([]byte{bagVersion}, uint64(len(b)))
	var last Tag
	for i, tag := range slices.Sorted(maps.Keys(b)) {
		if i > 0 && tag.ID() == last.ID() {
			return nil, fmt.Errorf("pack: property %s is there twice: %w", tag, ErrSyntax)
		}
		last = tag
		if err := CheckValue(tag, b[tag]); err != nil {
			return nil, fmt.Errorf("pack: %w", err)
		}
		out = binary.LittleEndian.AppendUint32(out, uint32(tag))
		if blob, ok := b[tag].(Blob); ok {
			out = append(append(out, formBlob), blob.Hash[:]...)
			out = binary.AppendUvarint(out, uint64(blob.Size))
			continue
		}
		out = appendValue(append(out, formInline), tag.Type(), b[tag])
		if len(out) > MaxBagBytes {
			return nil, fmt.Errorf("pack: more than %d bytes: %w", MaxBagBytes, ErrSyntax)
		}
	}
	return out, nil
}

func appendValue(out []byte, t Type, v any) []byte {
	le := binary.LittleEndian
	switch v := v.(type) {
	case int16:
		return le.AppendUint16(out, uint16(v))
	case int32:
		return le.AppendUint32(out, uint32(v))
	case uint32:
		return le.AppendUint32(out, v)
	case int64:
		return le.AppendUint64(out, uint64(v))
	case float32:
		return le.AppendUint32(out, math.Float32bits(v))
	case float64:
		return le.AppendUint64(out, math.Float64bits(v))
	case bool:
		if v {
			return append(out, 1)
		}
		return append(out, 0)
	case string:
		return append(binary.AppendUvarint(out, uint64(len(v))), v...)
	case []byte:
		return append(binary.AppendUvarint(out, uint64(len(v))), v...)
	case time.Time:
		return le.AppendUint64(out, FileTime(v))
	case guid.GUID:
		return append(out, v[:]...)
	case []int16:
		return appendMany(out, t, v)
	case []int32:
		return appendMany(out, t, v)
	case []int64:
		return appendMany(out, t, v)
	case []float32:
		return appendMany(out, t, v)
	case []float64:
		return appendMany(out, t, v)
	case []string:
		return appendMany(out, t, v)
	case []time.Time:
		return appendMany(out, t, v)
	case []guid.GUID:
		return appendMany(out, t, v)
	case [][]byte:
		return appendMany(out, t, v)
	}
	return out
}

func appendMany[T any](out []byte, t Type, values []T) []byte {
	out = binary.AppendUvarint(out, uint64(len(values)))
	for _, v := range values {
		out = appendValue(out, t.Single(), v)
	}
	return out
}

// DecodeBag reads the packed form. Anything else, unknown versions included, is ErrSyntax.
func DecodeBag(packed []byte) (Bag, error) {
	if len(packed) > MaxBagBytes || len(packed) == 0 || packed[0] != bagVersion {
		return nil, fmt.Errorf("unpack properties: %w", ErrSyntax)
	}
	r := reader{rest: packed[1:]}
	n := r.count(5)
	if n > MaxBagProperties {
		r.bad = true
		n = 0
	}
	bag := make(Bag, n)
	last := -1
	for range n {
		tag := Tag(r.uint32())
		if int(tag.ID()) <= last {
			r.bad = true
		}
		last = int(tag.ID())
		var v any
		switch form := r.take(1); {
		case r.bad:
		case form[0] == formInline:
			v = r.value(tag.Type())
		case form[0] == formBlob:
			var blob Blob
			copy(blob.Hash[:], r.take(32))
			size := r.uvarint()
			blob.Size = int64(size)
			v = blob
			r.bad = r.bad || size > math.MaxInt64 || !tag.Type().storable(blob)
		default:
			r.bad = true
		}
		if r.bad {
			break
		}
		bag[tag] = v
	}
	if r.bad || len(r.rest) > 0 {
		return nil, fmt.Errorf("unpack properties: %w", ErrSyntax)
	}
	return bag, nil
}

// reader consumes a packed bag; after the first fault everything it gives is zero.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) take(n int) []byte {
	if r.bad || n > len(r.rest) {
		r.bad = true
		return make([]byte, min(n, 32))
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) uint16() uint16 { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *reader) uint32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.rest)
	if n <= 0 || r.bad {
		r.bad = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

// count reads a number of elements that take at least size bytes each.
func (r *reader) count(size int) int {
	n := r.uvarint()
	if n > uint64(len(r.rest)/size) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *reader) bytes() []byte {
	b := r.take(r.count(1))
	if r.bad {
		return nil
	}
	return slices.Clone(b)
}

func (r *reader) text() string {
	b := r.take(r.count(1))
	if r.bad {
		return ""
	}
	return string(b)
}

func (r *reader) guid() guid.GUID { return guid.GUID(r.take(16)) }
func (r *reader) time() time.Time { return FromFileTime(r.uint64()) }
func (r *reader) i16() int16      { return int16(r.uint16()) }
func (r *reader) i32() int32      { return int32(r.uint32()) }
func (r *reader) i64() int64      { return int64(r.uint64()) }
func (r *reader) f32() float32    { return math.Float32frombits(r.uint32()) }
func (r *reader) f64() float64    { return math.Float64frombits(r.uint64()) }

func (r *reader) value(t Type) any {
	switch t {
	case Integer16:
		return r.i16()
	case Integer32:
		return r.i32()
	case Floating32:
		return r.f32()
	case Floating64, AppTime:
		return r.f64()
	case Currency, Integer64:
		return r.i64()
	case ErrorCode:
		return r.uint32()
	case Boolean:
		b := r.take(1)[0]
		r.bad = r.bad || b > 1
		return b == 1
	case String8, Unicode:
		return r.text()
	case Time:
		return r.time()
	case GUID:
		return r.guid()
	case Object, ServerID, Restrict, RuleAction, Binary:
		return r.bytes()
	case MultiInteger16:
		return many(r, 2, r.i16)
	case MultiInteger32:
		return many(r, 4, r.i32)
	case MultiFloating32:
		return many(r, 4, r.f32)
	case MultiFloating64, MultiAppTime:
		return many(r, 8, r.f64)
	case MultiCurrency, MultiInteger64:
		return many(r, 8, r.i64)
	case MultiString8, MultiUnicode:
		return many(r, 1, r.text)
	case MultiTime:
		return many(r, 8, r.time)
	case MultiGUID:
		return many(r, 16, r.guid)
	case MultiBinary:
		return many(r, 1, r.bytes)
	}
	r.bad = true
	return nil
}

func many[T any](r *reader, size int, one func() T) []T {
	values := make([]T, r.count(size))
	for i := range values {
		values[i] = one()
	}
	return values
}
