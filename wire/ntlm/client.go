package ntlm

import (
	"encoding/binary"
	"fmt"
)

// Client is the client's end of one handshake.
type Client struct {
	User, Domain string // DOMAIN\account in two parts, or a user principal name and no domain
	Hash         Hash

	negotiate []byte
}

// clientFlags is what the client asks for: it signs nothing, so it needs no key exchange.
const clientFlags = FlagUnicode | FlagRequestTarget | FlagNTLM | FlagAlwaysSign | FlagExtendedSecurity | FlagTargetInfo | Flag128 | Flag56

// Negotiate returns the NEGOTIATE_MESSAGE that begins the handshake (MS-NLMP 2.2.1.1).
func (c *Client) Negotiate() []byte {
	m := newBuilder(typeNegotiate, 32)
	m.flags(12, clientFlags)
	c.negotiate = m.b
	return m.b
}

// Authenticate answers a CHALLENGE_MESSAGE (MS-NLMP 3.1.5.1.2). nonce must be random. A challenge
// without a time or without Unicode is refused: no server of this century sends one.
func (c *Client) Authenticate(challenge []byte, nonce [8]byte) (answer []byte, session *Session, err error) {
	if err := kind(challenge, typeChallenge, headChallenge); err != nil {
		return nil, nil, err
	}
	flags := Flags(binary.LittleEndian.Uint32(challenge[20:])) & clientFlags
	info, err := field(challenge, 40, headChallenge)
	if err != nil {
		return nil, nil, err
	}
	now, ok := findAV(info, avTimestamp)
	if !ok || len(now) != 8 || flags&FlagUnicode == 0 {
		return nil, nil, fmt.Errorf("%w: challenge without a time or without Unicode", ErrMessage)
	}
	promise := appendAV(nil, avFlags, []byte{avMIC, 0, 0, 0})
	response, session := c.respond(challenge[24:32], append(promise, info...), now, nonce)
	session.flags = flags

	m := newBuilder(typeAuthenticate, headAuthenticateMIC)
	m.flags(60, flags)
	m.field(28, utf16le(c.Domain))
	m.field(36, utf16le(c.User))
	m.field(12, make([]byte, 24)) // no LM response where there is a time (3.1.5.1.2)
	m.field(20, response)
	copy(m.b[micAt:], session.mic(c.negotiate, challenge, m.b))
	return m.b, session, nil
}

// respond computes the NTLMv2_RESPONSE (MS-NLMP 3.3.2) to the server's nonce, over AV_PAIRs as they are.
func (c *Client) respond(serverNonce, pairs, now []byte, nonce [8]byte) ([]byte, *Session) {
	client := make([]byte, clientChallengeHead, clientChallengeHead+len(pairs)+4)
	client[0], client[1] = 1, 1 // RespType, HiRespType
	copy(client[8:], now)
	copy(client[16:], nonce[:])
	client = append(append(client, pairs...), 0, 0, 0, 0)
	owner := c.Hash.ownerKey(c.User, c.Domain)
	proof := hmacMD5(owner, serverNonce, client)
	return append(proof, client...), &Session{key: hmacMD5(owner, proof)}
}
