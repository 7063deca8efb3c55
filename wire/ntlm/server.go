package ntlm

import (
	"bytes"
	"crypto/hmac"
	"encoding/binary"
	"time"
)

const (
	proofLength         = 16 // NTProofStr (MS-NLMP 2.2.2.8)
	clientChallengeHead = 28 // NTLMv2_CLIENT_CHALLENGE up to its AV_PAIRs (2.2.2.7)
)

// Target is the server as its challenge names it.
type Target struct {
	NetBIOSDomain, NetBIOSComputer string // CONTOSO, EX1
	DNSDomain, DNSComputer         string // contoso.com, ex1.contoso.com
}

// Server is the server's end of one handshake, between its challenge and the answer
// to it. It is good for one answer.
type Server struct {
	nonce                [8]byte
	negotiate, challenge []byte
}

// Accept answers a NEGOTIATE_MESSAGE with a CHALLENGE_MESSAGE (MS-NLMP 3.2.5.1.1). nonce
// must be random and new; now goes into the challenge, which makes clients add a MIC.
func Accept(negotiate []byte, t Target, nonce [8]byte, now time.Time) (s *Server, challenge []byte, err error) {
	if err := kind(negotiate, typeNegotiate, 16); err != nil {
		return nil, nil, err
	}
	asked := Flags(binary.LittleEndian.Uint32(negotiate[12:]))
	granted := FlagNTLM | FlagTargetInfo | FlagTargetTypeDomain | FlagRequestTarget |
		asked&(FlagSign|FlagSeal|FlagAlwaysSign|FlagExtendedSecurity|FlagKeyExchange|Flag128|Flag56)
	name := []byte(t.NetBIOSDomain)
	if asked&FlagUnicode != 0 || asked&FlagOEM == 0 {
		granted |= FlagUnicode
		name = utf16le(t.NetBIOSDomain)
	} else {
		granted |= FlagOEM
	}
	var info []byte
	for _, pair := range []struct {
		id   uint16
		name string
	}{{avNetBIOSDomain, t.NetBIOSDomain}, {avNetBIOSComputer, t.NetBIOSComputer}, {avDNSDomain, t.DNSDomain}, {avDNSComputer, t.DNSComputer}} {
		if pair.name != "" {
			info = appendAV(info, pair.id, utf16le(pair.name))
		}
	}
	info = appendAV(info, avTimestamp, binary.LittleEndian.AppendUint64(nil, filetime(now)))
	info = appendAV(info, avEnd, nil)

	m := newBuilder(typeChallenge, headChallenge)
	m.flags(20, granted)
	copy(m.b[24:], nonce[:])
	m.field(12, name)
	m.field(40, info)
	return &Server{nonce: nonce, negotiate: bytes.Clone(negotiate), challenge: m.b}, m.b, nil
}

// filetime is a time as Windows counts it: 100 ns since 1601.
func filetime(t time.Time) uint64 {
	return uint64(t.Unix()+11_644_473_600)*10_000_000 + uint64(t.Nanosecond()/100)
}

// Verify checks an answer against the password's hash (MS-NLMP 3.2.5.1.2): the proof,
// and the MIC over the three messages where the client says that there is one. The time that
// the client states is not judged: the challenge is new for each handshake.
func (s *Server) Verify(a *Authenticate, h Hash) (session *Session, right bool) {
	owner := h.ownerKey(a.User, a.Domain)
	proof, client := a.response[:proofLength], a.response[proofLength:]
	want := hmacMD5(owner, s.nonce[:], client)
	session = &Session{key: hmacMD5(owner, want), flags: a.Flags}
	if a.Flags&FlagKeyExchange != 0 {
		session.key = encryptRC4(session.key, a.key)
	}
	if !hmac.Equal(proof, want) {
		return nil, false
	}
	if mic := a.mic(); mic != nil && !hmac.Equal(mic, session.mic(s.negotiate, s.challenge, a.raw)) {
		return nil, false
	}
	return session, true
}

// Session is what a handshake leaves: the key that both ends know.
type Session struct {
	key   []byte // ExportedSessionKey
	flags Flags
}

// mic is the code over the three messages, the last one with its place for it empty (MS-NLMP 3.1.5.1.2).
func (s *Session) mic(negotiate, challenge, authenticate []byte) []byte {
	if len(authenticate) < headAuthenticateMIC {
		return hmacMD5(s.key)
	}
	return hmacMD5(s.key, negotiate, challenge, authenticate[:micAt], make([]byte, 16), authenticate[micAt+16:])
}

// Sign returns the signature of the first message that an end signs (MS-NLMP 3.4.4.2,
// extended session security, sequence number 0), for SPNEGO's mechListMIC. Without
// that security there is none: it returns nil.
func (s *Session) Sign(byClient bool, message []byte) []byte {
	if s.flags&FlagExtendedSecurity == 0 {
		return nil
	}
	return s.sign(byClient, message, nil)
}

// sign is Sign after the bytes of sealed, which the same stream has encrypted before.
func (s *Session) sign(byClient bool, message, sealed []byte) []byte {
	const number = "\x00\x00\x00\x00"
	sum := hmacMD5(magic(s.key, byClient, "signing"), []byte(number), message)[:8]
	if s.flags&FlagKeyExchange != 0 {
		stream := encryptRC4(s.sealKey(byClient), append(append([]byte(nil), sealed...), sum...))
		sum = stream[len(sealed):]
	}
	return append(append([]byte{1, 0, 0, 0}, sum...), number...)
}

func (s *Session) sealKey(byClient bool) []byte {
	key := s.key
	switch {
	case s.flags&Flag128 != 0:
	case s.flags&Flag56 != 0:
		key = key[:7]
	default:
		key = key[:5]
	}
	return magic(key, byClient, "sealing")
}

// magic derives the key for a direction and a use (MS-NLMP 3.4.5.2 and 3.4.5.3).
func magic(key []byte, byClient bool, use string) []byte {
	direction := "server-to-client"
	if byClient {
		direction = "client-to-server"
	}
	return hashMD5(key, []byte("session key to "+direction+" "+use+" key magic constant\x00"))
}
