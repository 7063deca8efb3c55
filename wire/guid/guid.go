// Package guid is the globally unique identifier of both wires: text in the
// cloud's tokens and documents, little-endian bytes in MAPI structures
// (MS-DTYP 2.3.4). It makes no other kind of id and never guesses at bad input.
package guid

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
)

// GUID is sixteen bytes in the order in which the text form shows them. The zero value is the nil GUID.
type GUID [16]byte

// Nil is the all-zero GUID.
var Nil GUID

// ErrSyntax is what Parse returns for text that is no GUID.
var ErrSyntax = errors.New("not a GUID: want 8-4-4-4-12 hexadecimal digits")

// New returns a random GUID (RFC 9562 version 4).
func New() GUID {
	var g GUID
	rand.Read(g[:])
	g[6] = g[6]&0x0f | 0x40
	g[8] = g[8]&0x3f | 0x80
	return g
}

// Parse reads the 36 character form in any case, with or without braces.
func Parse(text string) (GUID, error) {
	if len(text) == 38 && text[0] == '{' && text[37] == '}' {
		text = text[1:37]
	}
	if len(text) != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-' {
		return Nil, ErrSyntax
	}
	var digits [32]byte
	copy(digits[:], text[:8])
	copy(digits[8:], text[9:13])
	copy(digits[12:], text[14:18])
	copy(digits[16:], text[19:23])
	copy(digits[20:], text[24:])
	var g GUID
	if _, err := hex.Decode(g[:], digits[:]); err != nil {
		return Nil, ErrSyntax
	}
	return g, nil
}

// MustParse is Parse for constants; it panics on bad text.
func MustParse(text string) GUID {
	g, err := Parse(text)
	if err != nil {
		panic("guid: " + text + ": " + err.Error())
	}
	return g
}

// String returns the lower-case form without braces.
func (g GUID) String() string {
	var out [36]byte
	hex.Encode(out[:8], g[:4])
	out[8] = '-'
	hex.Encode(out[9:13], g[4:6])
	out[13] = '-'
	hex.Encode(out[14:18], g[6:8])
	out[18] = '-'
	hex.Encode(out[19:23], g[8:10])
	out[23] = '-'
	hex.Encode(out[24:], g[10:])
	return string(out[:])
}

// IsNil tells whether g is the nil GUID.
func (g GUID) IsNil() bool { return g == Nil }

// BytesLE returns the wire form of MS-DTYP 2.3.4.2: the first three groups little-endian.
func (g GUID) BytesLE() [16]byte { return swap(g) }

// FromBytesLE reads the wire form of MS-DTYP 2.3.4.2.
func FromBytesLE(b [16]byte) GUID { return swap(b) }

func swap(b [16]byte) [16]byte {
	b[0], b[1], b[2], b[3] = b[3], b[2], b[1], b[0]
	b[4], b[5] = b[5], b[4]
	b[6], b[7] = b[7], b[6]
	return b
}

// MarshalText implements encoding.TextMarshaler with String's form.
func (g GUID) MarshalText() ([]byte, error) { return []byte(g.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler with Parse's forms.
func (g *GUID) UnmarshalText(text []byte) (err error) {
	*g, err = Parse(string(text))
	return err
}
