package ntlm

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Flags are the negotiate flags (MS-NLMP 2.2.2.5).
type Flags uint32

// The flags that mean something here.
const (
	FlagUnicode          Flags = 0x00000001
	FlagOEM              Flags = 0x00000002
	FlagRequestTarget    Flags = 0x00000004
	FlagSign             Flags = 0x00000010
	FlagSeal             Flags = 0x00000020
	FlagNTLM             Flags = 0x00000200
	FlagAnonymous        Flags = 0x00000800
	FlagAlwaysSign       Flags = 0x00008000
	FlagTargetTypeDomain Flags = 0x00010000
	FlagExtendedSecurity Flags = 0x00080000
	FlagTargetInfo       Flags = 0x00800000
	FlagVersion          Flags = 0x02000000
	Flag128              Flags = 0x20000000
	FlagKeyExchange      Flags = 0x40000000
	Flag56               Flags = 0x80000000
	signature                  = "NTLMSSP\x00"
	typeNegotiate              = 1
	typeChallenge              = 2
	typeAuthenticate           = 3
	headChallenge              = 48 // without Version
	headAuthenticate           = 64 // without Version and MIC
	micAt                      = 72
	headAuthenticateMIC        = 88
)

// MaxMessage bounds a message in bytes; the longest real ones have a third of it.
const MaxMessage = 8 << 10

// ErrMessage says that bytes are no NTLM message of the kind that is due.
var ErrMessage = errors.New("malformed NTLM message")

// IsMessage tells whether bytes begin as an NTLM message does, which Negotiate may
// carry without SPNEGO around it (MS-SPNG 3.3.5.1).
func IsMessage(data []byte) bool {
	return len(data) >= len(signature) && string(data[:len(signature)]) == signature
}

// IsNegotiate tells whether bytes begin as a NEGOTIATE_MESSAGE does, which begins a handshake.
func IsNegotiate(data []byte) bool {
	return IsMessage(data) && len(data) >= 12 && binary.LittleEndian.Uint32(data[8:]) == typeNegotiate
}

// kind checks the head of a message.
func kind(data []byte, want uint32, head int) error {
	switch {
	case len(data) > MaxMessage:
		return fmt.Errorf("%w: longer than %d bytes", ErrMessage, MaxMessage)
	case len(data) < head || !IsMessage(data):
		return fmt.Errorf("%w: no message, or cut off", ErrMessage)
	case binary.LittleEndian.Uint32(data[8:]) != want:
		return fmt.Errorf("%w: type %d, want %d", ErrMessage, binary.LittleEndian.Uint32(data[8:]), want)
	}
	return nil
}

// field returns the payload that the field descriptor at an offset points to (length,
// allocated length, offset), which must lie behind the head.
func field(data []byte, at, head int) ([]byte, error) {
	length, offset := int(binary.LittleEndian.Uint16(data[at:])), int64(binary.LittleEndian.Uint32(data[at+4:]))
	if length == 0 {
		return nil, nil
	}
	if offset < int64(head) || offset+int64(length) > int64(len(data)) {
		return nil, fmt.Errorf("%w: field at %d lies outside", ErrMessage, at)
	}
	return data[offset : offset+int64(length)], nil
}

// builder puts a message together: a head of fixed length, and the payload behind it.
type builder struct{ b []byte }

func newBuilder(kind uint32, head int) *builder {
	b := make([]byte, head)
	copy(b, signature)
	binary.LittleEndian.PutUint32(b[8:], kind)
	return &builder{b}
}

func (m *builder) flags(at int, f Flags) { binary.LittleEndian.PutUint32(m.b[at:], uint32(f)) }

func (m *builder) field(at int, payload []byte) {
	binary.LittleEndian.PutUint16(m.b[at:], uint16(len(payload)))
	binary.LittleEndian.PutUint16(m.b[at+2:], uint16(len(payload)))
	binary.LittleEndian.PutUint32(m.b[at+4:], uint32(len(m.b)))
	m.b = append(m.b, payload...)
}

// Ids of AV_PAIRs (MS-NLMP 2.2.2.1).
const (
	avEnd             = 0
	avNetBIOSComputer = 1
	avNetBIOSDomain   = 2
	avDNSComputer     = 3
	avDNSDomain       = 4
	avFlags           = 6
	avTimestamp       = 7
)

// avMIC is the bit of avFlags which says that the message carries a MIC.
const avMIC = 2

func appendAV(b []byte, id uint16, value []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, id)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return append(b, value...)
}

// findAV returns the first AV_PAIR of the id; false without one, and for a list that is not well formed.
func findAV(list []byte, id uint16) ([]byte, bool) {
	for len(list) >= 4 {
		found, n := binary.LittleEndian.Uint16(list), int(binary.LittleEndian.Uint16(list[2:]))
		if found == avEnd || len(list) < 4+n {
			return nil, false
		}
		if found == id {
			return list[4 : 4+n], true
		}
		list = list[4+n:]
	}
	return nil, false
}

// Authenticate is an AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3).
type Authenticate struct {
	// User and Domain are who signs in, as the client wrote them: the domain is empty
	// when the name is a user principal name or an account of the default domain.
	User, Domain string
	Workstation  string
	Flags        Flags

	raw      []byte
	response []byte // NTLMv2_RESPONSE: proof and client challenge
	key      []byte // EncryptedRandomSessionKey
}

// ParseAuthenticate reads an AUTHENTICATE_MESSAGE. What is no NTLMv2 response is refused
// here: the anonymous logon, LM and NTLMv1.
func ParseAuthenticate(data []byte) (*Authenticate, error) {
	if err := kind(data, typeAuthenticate, headAuthenticate); err != nil {
		return nil, err
	}
	a := &Authenticate{raw: data, Flags: Flags(binary.LittleEndian.Uint32(data[60:]))}
	for _, f := range []struct {
		at   int
		into *string
	}{{28, &a.Domain}, {36, &a.User}, {44, &a.Workstation}} {
		b, err := field(data, f.at, headAuthenticate)
		if err != nil {
			return nil, err
		}
		*f.into = a.text(b)
	}
	var err error
	if a.response, err = field(data, 20, headAuthenticate); err != nil {
		return nil, err
	}
	if a.key, err = field(data, 52, headAuthenticate); err != nil {
		return nil, err
	}
	switch {
	case a.Flags&FlagAnonymous != 0 || a.User == "":
		return nil, fmt.Errorf("%w: anonymous logon", ErrMessage)
	case len(a.response) < proofLength+clientChallengeHead:
		return nil, fmt.Errorf("%w: no NTLMv2 response", ErrMessage)
	case a.Flags&FlagKeyExchange != 0 && len(a.key) != 16:
		return nil, fmt.Errorf("%w: no session key", ErrMessage)
	}
	return a, nil
}

// text reads a name: UTF-16, or bytes of a code page that nobody names, of which ASCII is common to all.
func (a *Authenticate) text(b []byte) string {
	if a.Flags&FlagUnicode != 0 {
		return fromUTF16(b)
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// mic returns the message integrity code, nil when the client's AV_PAIRs promise none.
// A promise without room for it gives 16 bytes that match nothing.
func (a *Authenticate) mic() []byte {
	flags, ok := findAV(a.response[proofLength+clientChallengeHead:], avFlags)
	if !ok || len(flags) != 4 || binary.LittleEndian.Uint32(flags)&avMIC == 0 {
		return nil
	}
	if len(a.raw) < headAuthenticateMIC {
		return make([]byte, 16)
	}
	return a.raw[micAt : micAt+16]
}
