package auth

import (
	"crypto/hmac"
	"errors"

	"hma/wire/ntlm"
)

// spnego is what Negotiate adds to a handshake (RFC 4178; MS-SPNG).
type spnego struct {
	mechanisms []byte // the client's list, which the MICs are over
	first      bool   // NTLM was the client's first choice: MICs are only exchanged when it wants that
	begun      bool   // our first token, which names the mechanism, has been sent
}

// unwrap takes NTLM's message out of a token of Negotiate, with the mechListMIC beside it.
// When there is no message yet, because the client began with another mechanism, it
// returns the reply that chooses NTLM. NTLM may also come without SPNEGO (MS-SPNG 3.3.5.1).
func (h *handshake) unwrap(token []byte) (message, mic, reply []byte, err error) {
	if ntlm.IsMessage(token) {
		if h.spnego != nil {
			*h = handshake{scheme: h.scheme}
		}
		return token, nil, nil, nil
	}
	if h.spnego != nil {
		if r, err := ntlm.ParseResponse(token); err == nil {
			return r.Token, r.MIC, nil, nil
		}
	}
	init, err := ntlm.ParseInit(token)
	if err != nil {
		return nil, nil, nil, err
	}
	*h = handshake{scheme: h.scheme, spnego: &spnego{mechanisms: init.Mechanisms, first: init.First}}
	if init.First && len(init.Token) > 0 {
		return init.Token, nil, nil, nil
	}
	h.spnego.begun = true
	chosen := ntlm.Response{State: ntlm.RequestMIC, Selected: true}
	if init.First {
		chosen.State = ntlm.AcceptIncomplete
	}
	return nil, nil, chosen.Marshal(), nil
}

// challenge wraps NTLM's challenge; without SPNEGO it is the token itself.
func (s *spnego) challenge(message []byte) []byte {
	if s == nil {
		return message
	}
	r := ntlm.Response{State: ntlm.AcceptIncomplete, Selected: !s.begun, Token: message}
	s.begun = true
	return r.Marshal()
}

var errMIC = errors.New("mechListMIC is missing or does not match")

// complete checks the client's mechListMIC and returns the last token, with ours when
// there was one (RFC 4178 5): the list must be signed when NTLM was not its first entry,
// or somebody on the way could have struck out a better mechanism.
func (s *spnego) complete(session *ntlm.Session, mic []byte) ([]byte, error) {
	last := ntlm.Response{State: ntlm.AcceptCompleted}
	switch {
	case mic != nil:
		if want := session.Sign(true, s.mechanisms); want == nil || !hmac.Equal(mic, want) {
			return nil, errMIC
		}
		last.MIC = session.Sign(false, s.mechanisms)
	case !s.first:
		return nil, errMIC
	}
	return last.Marshal(), nil
}
