package jwt

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	jose "github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json"
	"github.com/go-jose/go-jose/v4/jwt"

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

// algorithms is the allow list of signature algorithms.
var algorithms = []jose.SignatureAlgorithm{jose.RS256}

// headerNames are the header parameters that a token may have. Everything that
// would bring a key, name a place to get one, or change how the token is read
// (jwk, jku, x5c, x5u, crit, b64, zip) is refused by not being here.
var headerNames = []string{"typ", "alg", "kid", "x5t", "x5t#S256"}

// Claims are the claims that decide something.
type Claims struct {
	Issuer     string           `json:"iss"`
	Audience   string           `json:"aud"`
	Expires    *jwt.NumericDate `json:"exp"`
	NotBefore  *jwt.NumericDate `json:"nbf"`
	Tenant     string           `json:"tid"`
	SID        string           `json:"onprem_sid"`
	PrimarySID string           `json:"primarysid"`
	UPN        string           `json:"upn"`
	UniqueName string           `json:"unique_name"`
	SMTP       string           `json:"smtp"`
	ObjectID   string           `json:"oid"`
	Scopes     string           `json:"scp"`
	Roles      []string         `json:"roles"`
	AppID      string           `json:"appid"`
	IDType     string           `json:"idtyp"`
	Nonce      string           `json:"nonce"`
	CodeHash   string           `json:"c_hash"`
	Actor      string           `json:"actortoken"`
}

var claimNames = []string{"iss", "aud", "exp", "nbf", "tid", "onprem_sid", "primarysid", "upn", "unique_name", "smtp", "oid", "scp", "roles",
	"appid", "idtyp", "nonce", "c_hash", "actortoken"}

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
	if err := checkSegments(text); err != nil {
		return nil, err
	}
	first, _, _ := strings.Cut(text, ".")
	head, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		return nil, errors.New("header is no base64url")
	}
	if err := checkNames(head, headerNames, true); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	signed, err := jose.ParseSignedCompact(text, algorithms)
	if err != nil {
		return nil, errors.New("not signed with RS256")
	}
	payload := signed.UnsafePayloadWithoutVerification() // only read, to find the key that verifies it
	if err := checkNames(payload, claimNames, false); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	t := &Token{Signature: signed.Signatures[0].Signature}
	h := signed.Signatures[0].Header
	t.KeyID = h.KeyID
	if x5t, _ := h.ExtraHeaders["x5t"].(string); t.KeyID == "" {
		t.KeyID = x5t
	}
	if err := json.Unmarshal(payload, &t.Claims); err != nil {
		return nil, errors.New("claims are malformed or named twice")
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
	if c.Expires == nil {
		return &Refusal{bearer.Unparsable, bearer.ReasonUnparsable, Endless}
	}
	if !now.Before(c.Expires.Time().Add(Skew)) {
		return &Refusal{bearer.Unparsable, bearer.ReasonExpired, Expired}
	}
	if c.NotBefore != nil && now.Before(c.NotBefore.Time().Add(-Skew)) {
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

// checkSegments wants three segments of base64url characters.
func checkSegments(text string) error {
	for i := range len(text) {
		if !segmentByte[text[i]] {
			return errors.New("character outside base64url")
		}
	}
	if strings.Count(text, ".") != 2 {
		return errors.New("want three segments")
	}
	return nil
}

// checkNames walks a JSON object without decoding it. It refuses nesting beyond
// maxDepth, names of the object itself that are written with escapes, and names
// that equal a known one but for case; with only, every name that is not known.
// It leaves syntax to the decoder.
func checkNames(data []byte, known []string, only bool) error {
	depth := 0
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			if depth++; depth > maxDepth {
				return errors.New("nested too deep")
			}
		case '}', ']':
			depth--
		case '"':
			start := i + 1
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if i >= len(data) {
				return errors.New("string without an end")
			}
			if depth != 1 || !isName(data[i+1:]) {
				continue
			}
			if err := checkName(data[start:i], known, only); err != nil {
				return err
			}
		}
	}
	return nil
}

func isName(rest []byte) bool {
	for _, c := range rest {
		switch c {
		case ' ', '\t', '\r', '\n':
			continue
		}
		return c == ':'
	}
	return false
}

func checkName(name []byte, known []string, only bool) error {
	for _, k := range known {
		if string(name) == k {
			return nil
		}
		if len(name) == len(k) && strings.EqualFold(string(name), k) {
			return errors.New("name in another case")
		}
	}
	if only {
		return errors.New("parameter not allowed")
	}
	for _, c := range name {
		if c == '\\' || c >= 0x80 { // either can spell a claim's name another way
			return errors.New("name with an escape or beyond ASCII")
		}
	}
	return nil
}
