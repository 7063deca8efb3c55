package ntlm

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The messages of MS-NLMP 4.2.4: User of Domain with the password Password, at COMPUTER.
const (
	specChallenge = `4e544c4d53535000 02000000 0c000c0038000000 33828ae2 0123456789abcdef 0000000000000000 2400240044000000
		060070170000000f 530065007200760065007200
		02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000`
	specAuthenticate = `4e544c4d53535000 03000000 180018006c000000 5400540084000000 0c000c0048000000 0800080054000000 100010005c000000
		10001000d8000000 358288e2 0501280a0000000f
		44006f006d00610069006e00 5500730065007200 43004f004d0050005500540045005200
		86c35097ac9cec102554764a57cccc19 aaaaaaaaaaaaaaaa
		68cd0ab851e51c96aabc927bebef6a1c 0101000000000000 0000000000000000 aaaaaaaaaaaaaaaa 00000000
		02000c0044006f006d00610069006e00 01000c00530065007200760065007200 00000000 00000000
		c5dad2544fc9799094ce1ce90bc9d03e`
)

// TestSpecification holds the values of MS-NLMP 4.2.4 (NTLMv2 authentication).
func TestSpecification(t *testing.T) {
	hash := HashPassword("Password")
	for name, v := range map[string]struct{ got, want string }{
		"NTOWFv1 (4.2.2.1.2)": {hex.EncodeToString(hash[:]), "a4f49c406510bdcab6824ee7c30fd852"},
		"NTOWFv2 (4.2.4.1.1)": {hex.EncodeToString(hash.ownerKey("User", "Domain")), "0c868a403bfd7a93a3001ef22ef02e3f"},
	} {
		if v.got != v.want {
			t.Errorf("%s is %s, want %s", name, v.got, v.want)
		}
	}

	challenge := unhex(t, specChallenge)
	info, err := field(challenge, 40, headChallenge)
	if err != nil {
		t.Fatal(err)
	}
	c := &Client{User: "User", Domain: "Domain", Hash: hash}
	response, session := c.respond(challenge[24:32], info, make([]byte, 8), [8]byte(bytes.Repeat([]byte{0xaa}, 8)))
	if got, want := hex.EncodeToString(session.key), "8de40ccadbc14a82f15cb0ad0de95ca3"; got != want {
		t.Errorf("session base key (4.2.4.1.2) is %s, want %s", got, want)
	}
	a, err := ParseAuthenticate(unhex(t, specAuthenticate))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(response, a.response) {
		t.Errorf("NTLMv2 response (4.2.4.2.2) is %x, want %x", response, a.response)
	}
	if a.User != "User" || a.Domain != "Domain" || a.Workstation != "COMPUTER" {
		t.Errorf("read %q %q %q", a.User, a.Domain, a.Workstation)
	}

	s := &Server{nonce: [8]byte(challenge[24:32]), challenge: challenge}
	session, right := s.Verify(a, hash)
	if !right {
		t.Fatal("the answer does not match")
	}
	if got, want := hex.EncodeToString(session.key), strings.Repeat("55", 16); got != want {
		t.Errorf("exported session key (4.2.4.2.3) is %s, want %s", got, want)
	}
	if got, want := hex.EncodeToString(session.sealKey(true)), "59f600973cc4960a25480a7c196e4c58"; got != want {
		t.Errorf("seal key (4.2.4.4) is %s, want %s", got, want)
	}
	if got, want := hex.EncodeToString(magic(session.key, true, "signing")), "4788dc861b4782f35d43fd98fe1a2d39"; got != want {
		t.Errorf("sign key (4.2.4.4) is %s, want %s", got, want)
	}
	plain := utf16le("Plaintext")
	if got, want := hex.EncodeToString(session.sign(true, plain, plain)), "010000007fb38ec5c55d497600000000"; got != want {
		t.Errorf("signature (4.2.4.4) is %s, want %s", got, want)
	}
}

var now = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// shake carries out a handshake in which tamper may change each of the three messages.
func shake(t *testing.T, c *Client, password string, tamper func(kind int, m []byte) []byte) error {
	t.Helper()
	if tamper == nil {
		tamper = func(_ int, m []byte) []byte { return m }
	}
	s, challenge, err := Accept(tamper(1, c.Negotiate()), Target{"CONTOSO", "EX1", "contoso.com", "ex1.contoso.com"}, [8]byte{1, 2, 3}, now)
	if err != nil {
		return err
	}
	answer, _, err := c.Authenticate(tamper(2, bytes.Clone(challenge)), [8]byte{4, 5, 6})
	if err != nil {
		return err
	}
	a, err := ParseAuthenticate(tamper(3, bytes.Clone(answer)))
	if err != nil {
		return err
	}
	if _, right := s.Verify(a, HashPassword(password)); !right {
		return errProof
	}
	return nil
}

var errProof = errors.New("answer does not match")

func TestHandshake(t *testing.T) {
	client := func(user, domain, password string) *Client {
		return &Client{User: user, Domain: domain, Hash: HashPassword(password)}
	}
	tests := map[string]struct {
		client   *Client
		password string
		tamper   func(kind int, m []byte) []byte
		want     error
	}{
		"account of a domain":  {client("alice", "CONTOSO", "pass"), "pass", nil, nil},
		"principal name":       {client("alice@contoso.com", "", "pass"), "pass", nil, nil},
		"letters beyond ASCII": {client("björn", "contoso", "Grüße für 2026 🐟"), "Grüße für 2026 🐟", nil, nil},
		"wrong password":       {client("alice", "CONTOSO", "pass"), "Pass", nil, errProof},
		"another user's name put in": {client("alice", "CONTOSO", "pass"), "pass", func(k int, m []byte) []byte {
			return bytes.Replace(m, utf16le("alice"), utf16le("chenw"), 1)
		}, errProof},
		"a flag taken away on the way": {client("alice", "CONTOSO", "pass"), "pass", func(k int, m []byte) []byte {
			if k == 1 {
				m = bytes.Clone(m)
				m[13] &^= 0x80 // ALWAYS_SIGN
			}
			return m
		}, errProof},
		"MIC changed": {client("alice", "CONTOSO", "pass"), "pass", func(k int, m []byte) []byte {
			if k == 3 {
				m[micAt] ^= 1
			}
			return m
		}, errProof},
		"challenge of another handshake": {client("alice", "CONTOSO", "pass"), "pass", func(k int, m []byte) []byte {
			if k == 2 {
				m[24] ^= 1
			}
			return m
		}, errProof},
		"anonymous": {client("", "", ""), "", nil, ErrMessage},
		"NTLMv1": {client("alice", "CONTOSO", "pass"), "pass", func(k int, m []byte) []byte {
			if k == 3 {
				binary.LittleEndian.PutUint16(m[20:], 24)
			}
			return m
		}, ErrMessage},
		"field outside the message": {client("alice", "CONTOSO", "pass"), "pass", func(k int, m []byte) []byte {
			if k == 3 {
				binary.LittleEndian.PutUint32(m[24:], 1<<31)
			}
			return m
		}, ErrMessage},
		"another message first": {client("alice", "CONTOSO", "pass"), "pass", func(k int, m []byte) []byte {
			if k == 1 {
				m = bytes.Clone(m)
				m[8] = 3
			}
			return m
		}, ErrMessage},
		"too long": {client("alice", "CONTOSO", "pass"), "pass", func(k int, m []byte) []byte {
			if k == 3 {
				m = append(m, make([]byte, MaxMessage)...)
			}
			return m
		}, ErrMessage},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := shake(t, tt.client, tt.password, tt.tamper); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// TestOEM reads names of a client that asks for no Unicode.
func TestOEM(t *testing.T) {
	negotiate := (&Client{}).Negotiate()
	binary.LittleEndian.PutUint32(negotiate[12:], uint32(FlagOEM|FlagNTLM))
	_, challenge, err := Accept(negotiate, Target{NetBIOSDomain: "CONTOSO"}, [8]byte{}, now)
	if err != nil {
		t.Fatal(err)
	}
	if flags := Flags(binary.LittleEndian.Uint32(challenge[20:])); flags&FlagUnicode != 0 || flags&FlagOEM == 0 || !bytes.Contains(challenge, []byte("CONTOSO")) {
		t.Errorf("flags %x, challenge %q", flags, challenge)
	}
	message := unhex(t, specAuthenticate)
	message[60] = message[60]&^1 | 2
	a, err := ParseAuthenticate(message)
	if err != nil || a.User != "U\x00s\x00e\x00r\x00" {
		t.Errorf("read %q, %v", a.User, err)
	}
}

func TestSPNEGO(t *testing.T) {
	c := &Client{User: "alice", Hash: HashPassword("pass")}
	first := c.Negotiate()
	init, err := ParseInit(NewInit(first))
	if err != nil || !init.First || !bytes.Equal(init.Token, first) {
		t.Fatalf("%+v, %v", init, err)
	}
	if want := unhex(t, "300c060a2b06010401823702020a"); !bytes.Equal(init.Mechanisms, want) {
		t.Errorf("mechanisms are %x, want %x", init.Mechanisms, want)
	}
	for _, r := range []Response{{State: RequestMIC, Selected: true}, {State: AcceptIncomplete, Selected: true, Token: first}, {State: AcceptCompleted, MIC: []byte("0123456789abcdef")}} {
		got, err := ParseResponse(r.Marshal())
		if err != nil || got.State != r.State || got.Selected != r.Selected || !bytes.Equal(got.Token, r.Token) || !bytes.Equal(got.MIC, r.MIC) {
			t.Errorf("%+v comes back as %+v, %v", r, got, err)
		}
	}
	if got, want := hex.EncodeToString((&Response{State: AcceptCompleted}).Marshal()), "a1073005a0030a0100"; got != want {
		t.Errorf("accept-completed is %s, want %s", got, want) // as IIS sends it
	}

	// Kerberos first, as a client in a domain begins, and NTLM behind it.
	kerberos := unhex(t, "6021 06062b0601050502 a017 3015 a013 3011 06032a0304 060a2b06010401823702020a")
	init, err = ParseInit(kerberos)
	if err != nil || init.First || init.Token != nil {
		t.Errorf("Kerberos first: %+v, %v", init, err)
	}
	for name, data := range map[string][]byte{
		"nothing":       nil,
		"raw NTLM":      first,
		"only Kerberos": unhex(t, "6015 06062b0601050502 a00b 3009 a007 3005 06032a0304"),
		"cut off":       NewInit(first)[:20],
		"more behind":   append(NewInit(first), 0),
		"too long":      make([]byte, MaxToken+1),
	} {
		if _, err := ParseInit(data); !errors.Is(err, ErrToken) {
			t.Errorf("%s: %v, want %v", name, err, ErrToken)
		}
	}
}

func FuzzMessages(f *testing.F) {
	c := &Client{User: "alice", Domain: "CONTOSO", Hash: HashPassword("pass")}
	f.Add(c.Negotiate())
	_, challenge, err := Accept(c.Negotiate(), Target{"CONTOSO", "EX1", "contoso.com", "ex1.contoso.com"}, [8]byte{1}, now)
	if err != nil {
		f.Fatal(err)
	}
	answer, _, err := c.Authenticate(challenge, [8]byte{2})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(challenge)
	f.Add(answer)
	f.Add(unhex(f, specAuthenticate))
	f.Add(NewInit(c.Negotiate()))
	f.Add((&Response{State: AcceptIncomplete, Selected: true, Token: challenge}).Marshal())
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, _, err := Accept(data, Target{NetBIOSDomain: "CONTOSO"}, [8]byte{1}, now); err == nil {
			a, err := ParseAuthenticate(answer)
			if err != nil {
				t.Fatal(err)
			}
			if _, right := s.Verify(a, c.Hash); right {
				t.Error("an answer to another challenge is good")
			}
		}
		if a, err := ParseAuthenticate(data); err == nil {
			s := &Server{nonce: [8]byte{9}}
			if _, right := s.Verify(a, c.Hash); right {
				t.Error("an answer to no challenge is good")
			}
		}
		_, _, _ = c.Authenticate(data, [8]byte{2})
		if i, err := ParseInit(data); err == nil && len(i.Mechanisms) == 0 {
			t.Error("an init token without mechanisms")
		}
		if r, err := ParseResponse(data); err == nil {
			again, err := ParseResponse(r.MarshalClient())
			if err != nil || !bytes.Equal(again.Token, r.Token) || !bytes.Equal(again.MIC, r.MIC) {
				t.Errorf("%+v comes back as %+v, %v", r, again, err)
			}
		}
	})
}
