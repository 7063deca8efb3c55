package mapi

import "fmt"

// Type is a property type (MS-OXCDATA 2.11.1).
type Type uint16

// The property types, each with the Go type that a Bag holds for it. A
// multi-valued type holds a slice of the same.
const (
	Unspecified Type = 0x0000 // any type, in requests only
	Null        Type = 0x0001 // nil, in answers only
	Integer16   Type = 0x0002 // int16
	Integer32   Type = 0x0003 // int32
	Floating32  Type = 0x0004 // float32
	Floating64  Type = 0x0005 // float64
	Currency    Type = 0x0006 // int64, in ten-thousandths
	AppTime     Type = 0x0007 // float64, days since 30 December 1899
	ErrorCode   Type = 0x000A // uint32
	Boolean     Type = 0x000B // bool
	Object      Type = 0x000D // []byte
	Integer64   Type = 0x0014 // int64
	String8     Type = 0x001E // string, kept as UTF-8
	Unicode     Type = 0x001F // string
	Time        Type = 0x0040 // time.Time, UTC, kept in units of 100 ns
	GUID        Type = 0x0048 // guid.GUID
	ServerID    Type = 0x00FB // []byte
	Restrict    Type = 0x00FD // []byte
	RuleAction  Type = 0x00FE // []byte
	Binary      Type = 0x0102 // []byte

	MultiInteger16  Type = 0x1002 // []int16
	MultiInteger32  Type = 0x1003 // []int32
	MultiFloating32 Type = 0x1004 // []float32
	MultiFloating64 Type = 0x1005 // []float64
	MultiCurrency   Type = 0x1006 // []int64
	MultiAppTime    Type = 0x1007 // []float64
	MultiInteger64  Type = 0x1014 // []int64
	MultiString8    Type = 0x101E // []string
	MultiUnicode    Type = 0x101F // []string
	MultiTime       Type = 0x1040 // []time.Time
	MultiGUID       Type = 0x1048 // []guid.GUID
	MultiBinary     Type = 0x1102 // [][]byte
)

// multi is the bit that makes a type multi-valued.
const multi Type = 0x1000

// IsMulti tells whether t is a multi-valued type.
func (t Type) IsMulti() bool { return t&multi != 0 }

// Single returns the type of one element of a multi-valued type, and any other type as it is.
func (t Type) Single() Type { return t &^ multi }

// IsString tells whether t is one of the two single string types.
func (t Type) IsString() bool { return t == Unicode || t == String8 }

// Tag is a property tag: the property's id in the upper half, its type in the lower (MS-OXCDATA 2.9).
type Tag uint32

// NewTag joins an id and a type.
func NewTag(id uint16, t Type) Tag { return Tag(id)<<16 | Tag(t) }

// ID returns the property id. Ids from 0x8000 on are named properties and mean what the mailbox's map says.
func (t Tag) ID() uint16 { return uint16(t >> 16) }

// Type returns the property type.
func (t Tag) Type() Type { return Type(t) }

// WithType returns the same property under another type.
func (t Tag) WithType(typ Type) Tag { return NewTag(t.ID(), typ) }

// IsNamed tells whether the tag's id is a mailbox's number for a named property.
func (t Tag) IsNamed() bool { return t.ID() >= 0x8000 }

// String returns the tag in hexadecimal, as a trace shows it.
func (t Tag) String() string { return fmt.Sprintf("0x%08x", uint32(t)) }
