package ntlm

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// MaxToken bounds a token in bytes: a client of a domain begins with a Kerberos ticket in it.
const MaxToken = 64 << 10

// ErrToken says that bytes are no SPNEGO token, or none that NTLM can be spoken with.
var ErrToken = errors.New("malformed SPNEGO token")

var (
	oidSPNEGO = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 2}
	oidNTLM   = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 311, 2, 2, 10}
)

// State is negState of RFC 4178 4.2.2.
type State int

// The states that a server answers with.
const (
	AcceptCompleted  State = 0
	AcceptIncomplete State = 1
	RequestMIC       State = 3
)

// Init is a NegTokenInit (RFC 4178 4.2.1), with which a client begins.
type Init struct {
	// Mechanisms is the list of mechanisms in its DER encoding, over which mechListMIC is made.
	Mechanisms []byte
	// First tells that NTLM is the client's first choice, so that Token is NTLM's. Otherwise
	// Token belongs to another mechanism, and MICs must be exchanged in the end (RFC 4178 5).
	First bool
	Token []byte
}

// Response is a NegTokenResp (RFC 4178 4.2.2), all that follows in both directions.
type Response struct {
	State State // of a server
	// Selected tells that the token names NTLM as the mechanism.
	Selected bool
	Token    []byte // of NTLM
	MIC      []byte // mechListMIC
}

var (
	context0 = tag.Tag(0).ContextSpecific().Constructed()
	context1 = tag.Tag(1).ContextSpecific().Constructed()
	context2 = tag.Tag(2).ContextSpecific().Constructed()
	context3 = tag.Tag(3).ContextSpecific().Constructed()
	generic  = tag.Tag(0x60) // [APPLICATION 0] of RFC 2743 3.1
)

// ParseInit reads the token that a client begins with. One that does not list NTLM is refused.
func ParseInit(data []byte) (*Init, error) {
	if len(data) > MaxToken {
		return nil, ErrToken
	}
	in := cryptobyte.String(data)
	var outer, choice, fields, list, mechanisms cryptobyte.String
	var oid asn1.ObjectIdentifier
	if !in.ReadASN1(&outer, generic) || !in.Empty() || !outer.ReadASN1ObjectIdentifier(&oid) || !oid.Equal(oidSPNEGO) ||
		!outer.ReadASN1(&choice, context0) || !choice.ReadASN1(&fields, tag.SEQUENCE) ||
		!fields.ReadASN1(&list, context0) || !list.ReadASN1Element(&mechanisms, tag.SEQUENCE) {
		return nil, ErrToken
	}
	init := &Init{Mechanisms: bytes.Clone(mechanisms)} // outlives the token, which may be long
	var offered []bool
	var all cryptobyte.String
	if !mechanisms.ReadASN1(&all, tag.SEQUENCE) {
		return nil, ErrToken
	}
	for !all.Empty() {
		var m asn1.ObjectIdentifier
		if !all.ReadASN1ObjectIdentifier(&m) {
			return nil, ErrToken
		}
		offered = append(offered, m.Equal(oidNTLM))
	}
	if !slices.Contains(offered, true) {
		return nil, ErrToken
	}
	init.First = offered[0]
	var token cryptobyte.String
	var there bool
	if !fields.SkipOptionalASN1(context1) || !fields.ReadOptionalASN1(&token, &there, context2) {
		return nil, ErrToken
	}
	if there && !readOctets(token, &init.Token) {
		return nil, ErrToken
	}
	return init, nil
}

// ParseResponse reads a token that follows the first one.
func ParseResponse(data []byte) (*Response, error) {
	if len(data) > MaxToken {
		return nil, ErrToken
	}
	in := cryptobyte.String(data)
	var choice, fields, state, mechanism, token, mic cryptobyte.String
	var hasState, hasMechanism, hasToken, hasMIC bool
	if !in.ReadASN1(&choice, context1) || !in.Empty() || !choice.ReadASN1(&fields, tag.SEQUENCE) ||
		!fields.ReadOptionalASN1(&state, &hasState, context0) || !fields.ReadOptionalASN1(&mechanism, &hasMechanism, context1) ||
		!fields.ReadOptionalASN1(&token, &hasToken, context2) || !fields.ReadOptionalASN1(&mic, &hasMIC, context3) {
		return nil, ErrToken
	}
	r := new(Response)
	var value int
	if hasState {
		if !state.ReadASN1Enum(&value) {
			return nil, ErrToken
		}
		r.State = State(value)
	}
	if hasMechanism {
		var oid asn1.ObjectIdentifier
		if !mechanism.ReadASN1ObjectIdentifier(&oid) {
			return nil, ErrToken
		}
		r.Selected = oid.Equal(oidNTLM)
	}
	if hasToken && !readOctets(token, &r.Token) || hasMIC && !readOctets(mic, &r.MIC) {
		return nil, ErrToken
	}
	return r, nil
}

func readOctets(in cryptobyte.String, into *[]byte) bool {
	return in.ReadASN1Bytes(into, tag.OCTET_STRING)
}

// NewInit returns the token of a client that knows NTLM alone.
func NewInit(negotiate []byte) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(generic, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidSPNEGO)
			b.AddASN1(context0, func(b *cryptobyte.Builder) {
				b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
					b.AddASN1(context0, func(b *cryptobyte.Builder) {
						b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidNTLM) })
					})
					octets(b, context2, negotiate)
				})
			})
		})
	})
}

// Marshal returns the token of a server, whose State always stands in it.
func (r *Response) Marshal() []byte { return r.marshal(true) }

// MarshalClient returns the token of a client, which states nothing.
func (r *Response) MarshalClient() []byte { return r.marshal(false) }

func (r *Response) marshal(state bool) []byte {
	return build(func(b *cryptobyte.Builder) {
		b.AddASN1(context1, func(b *cryptobyte.Builder) {
			b.AddASN1(tag.SEQUENCE, func(b *cryptobyte.Builder) {
				if state {
					b.AddASN1(context0, func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(r.State)) })
				}
				if r.Selected {
					b.AddASN1(context1, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(oidNTLM) })
				}
				octets(b, context2, r.Token)
				octets(b, context3, r.MIC)
			})
		})
	})
}

// octets adds an explicitly tagged OCTET STRING, or nothing when it is empty.
func octets(b *cryptobyte.Builder, t tag.Tag, value []byte) {
	if len(value) > 0 {
		b.AddASN1(t, func(b *cryptobyte.Builder) { b.AddASN1OctetString(value) })
	}
}

func build(fn func(*cryptobyte.Builder)) []byte {
	b := cryptobyte.NewBuilder(nil)
	fn(b)
	return b.BytesOrPanic() // own tokens are short and well formed
}
