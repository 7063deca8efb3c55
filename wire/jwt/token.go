package jwt

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"hma/wire/bearer"
)

const (
	// Skew is how far the clocks of client, cloud and server may lie apart.
	Skew = 5 * time.Minute
	// MaxSize bounds a token in bytes; what is longer is refused before it is read.
	MaxSize = 16 << 10
	// maxDepth bounds the nesting of a token's claims.
	maxDepth = 16
)

// algorithm is the one that tokens are signed with (RFC 7518 3.3).
const algorithm = "RS256"

// Claims are the claims that decide something.
type Claims struct {
	Issuer     string    // iss
	Audience   string    // aud
	Expires    time.Time // exp, zero without
	NotBefore  time.Time // nbf, zero without
	Tenant     string    // tid
	SID        string    // onprem_sid
	PrimarySID string    // primarysid
	UPN        string    // upn
	UniqueName string    // unique_name
	SMTP       string    // smtp
	ObjectID   string    // oid
	Scopes     string    // scp
	Roles      []string  // roles
	AppID      string    // appid
	IDType     string    // idtyp
	Nonce      string    // nonce
	CodeHash   string    // c_hash
	Actor      string    // actortoken
}

var claimNames = []string{"iss", "aud", "exp", "nbf", "tid", "onprem_sid", "primarysid", "upn", "unique_name", "smtp", "oid", "scp", "roles",
	"appid", "idtyp", "nonce", "c_hash", "actortoken"}

// read reads the claim of the name, and any other too.
func (c *Claims) read(name string, r *reader) error {
	switch name {
	case "iss":
		return r.text(&c.Issuer)
	case "aud":
		return r.text(&c.Audience)
	case "exp":
		return r.date(&c.Expires)
	case "nbf":
		return r.date(&c.NotBefore)
	case "tid":
		return r.text(&c.Tenant)
	case "onprem_sid":
		return r.text(&c.SID)
	case "primarysid":
		return r.text(&c.PrimarySID)
	case "upn":
		return r.text(&c.UPN)
	case "unique_name":
		return r.text(&c.UniqueName)
	case "smtp":
		return r.text(&c.SMTP)
	case "oid":
		return r.text(&c.ObjectID)
	case "scp":
		return r.text(&c.Scopes)
	case "roles":
		return r.texts(&c.Roles)
	case "appid":
		return r.text(&c.AppID)
	case "idtyp":
		return r.text(&c.IDType)
	case "nonce":
		return r.text(&c.Nonce)
	case "c_hash":
		return r.text(&c.CodeHash)
	case "actortoken":
		return r.text(&c.Actor)
	}
	if err := checkOther(name); err != nil {
		return err
	}
	return r.skip()
}

// checkOther refuses a name that is a claim's but for case, or that could spell one another way.
func checkOther(name string) error {
	for _, known := range claimNames {
		if len(name) == len(known) && strings.EqualFold(name, known) {
			return errors.New("name in another case")
		}
	}
	for i := range len(name) {
		if name[i] == '\\' || name[i] >= 0x80 {
			return errors.New("name with an escape or beyond ASCII")
		}
	}
	return nil
}

// header is the JOSE header (RFC 7515 4). What would bring a key, name a place to get
// one, or change how the token is read (jwk, jku, x5c, x5u, crit, b64, zip) is refused
// by not being here.
type header struct{ algorithm, kid, x5t string }

func (h *header) read(name string, r *reader) error {
	switch name {
	case "alg":
		return r.text(&h.algorithm)
	case "kid":
		return r.text(&h.kid)
	case "x5t":
		return r.text(&h.x5t)
	case "typ", "x5t#S256": // texts too (RFC 7515 4.1.8, 4.1.9)
		_, _, err := r.quoted()
		return err
	}
	return errors.New("parameter not allowed")
}

// Name is the claim that holds the user principal name.
func (c *Claims) Name() string {
	if c.UPN != "" {
		return c.UPN
	}
	return c.UniqueName
}

// Token is a signed token as it is written; nothing about it is verified.
type Token struct {
	Claims
	// KeyID names the key: kid, or x5t where there is no kid.
	KeyID string
	// Signature is over everything before the last dot of the text, RS256.
	Signature []byte
}

// Refusal is why a token is not taken: what the client is told, and in plain
// words what was found.
type Refusal struct {
	Code   bearer.Code
	Reason string // of x-ms-diagnostics
	Found  string
}

// Parse reads a signed token in its compact form (RFC 7515 7.1) and refuses everything odd
// about it: size, header parameters off the list, another algorithm than RS256, two claims of one
// name, names that are claims in another case. Nothing is verified.
func Parse(text string) (*Token, *Refusal) {
	t, err := parse(text)
	if err != nil {
		return nil, &Refusal{bearer.Unparsable, bearer.ReasonUnparsable, "token cannot be read: " + err.Error()}
	}
	return t, nil
}

func parse(text string) (*Token, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("%d bytes are too long", len(text))
	}
	segments, err := split(text)
	if err != nil {
		return nil, err
	}
	var h header
	if err := members(string(segments[0]), h.read); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if h.algorithm != algorithm {
		return nil, errors.New("not signed with " + algorithm)
	}
	t := &Token{KeyID: h.kid, Signature: segments[2]}
	if t.KeyID == "" {
		t.KeyID = h.x5t
	}
	if err := members(string(segments[1]), t.Claims.read); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return t, nil
}

// What Lifetime finds.
const (
	Endless     = "token never expires"
	Expired     = "token is expired"
	NotYetValid = "token is not yet valid"
)

// Lifetime refuses a token that never expires, has expired, or is not valid yet.
func (c *Claims) Lifetime(now time.Time) *Refusal {
	if c.Expires.IsZero() {
		return &Refusal{bearer.Unparsable, bearer.ReasonUnparsable, Endless}
	}
	if !now.Before(c.Expires.Add(Skew)) {
		return &Refusal{bearer.Unparsable, bearer.ReasonExpired, Expired}
	}
	if now.Before(c.NotBefore.Add(-Skew)) {
		return &Refusal{bearer.Unparsable, bearer.ReasonExpired, NotYetValid}
	}
	return nil
}

// segmentByte tells what may stand in a token: base64url and the dot.
var segmentByte = func() (allowed [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.") {
		allowed[c] = true
	}
	return allowed
}()

// split decodes the three segments of a token.
func split(text string) (segments [3][]byte, err error) {
	for i := range len(text) {
		if !segmentByte[text[i]] {
			return segments, errors.New("character outside base64url") // what the decoder would pass over is refused too
		}
	}
	if strings.Count(text, ".") != 2 {
		return segments, errors.New("want three segments")
	}
	for i := range segments {
		var encoded string
		encoded, text, _ = strings.Cut(text, ".")
		if segments[i], err = base64.RawURLEncoding.DecodeString(encoded); err != nil {
			return segments, errors.New("segment is no base64url")
		}
	}
	return segments, nil
}
