package entra

import (
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf16"

	"golang.org/x/crypto/md4" //lint:ignore SA1019 the NT hash is MD4, and password hash synchronisation carries nothing else
)

// pph1 is what password hash synchronisation copies for a person: PBKDF2 with
// HMAC-SHA-256 over the UTF-16LE form of the upper-case hexadecimal NT hash.
// Its text is "v1;PPH1_MD4,<salt hex>,<iterations>,<hash hex>;".
type pph1 struct {
	salt       []byte
	iterations int
	hash       []byte
}

// maxIterations keeps a hostile record from costing minutes.
const maxIterations = 1_000_000

func parsePPH1(text string) (pph1, error) {
	bad := func(what string) (pph1, error) {
		return pph1{}, fmt.Errorf("synchronised password hash: %s: %w", what, ErrInvalid)
	}
	body, ok := strings.CutPrefix(text, "v1;PPH1_MD4,")
	body, ended := strings.CutSuffix(body, ";")
	parts := strings.Split(body, ",")
	if !ok || !ended || len(parts) != 3 {
		return bad("want v1;PPH1_MD4,salt,iterations,hash;")
	}
	salt, err := hex.DecodeString(parts[0])
	if err != nil || len(salt) == 0 || len(salt) > 64 {
		return bad("salt")
	}
	iterations, err := strconv.Atoi(parts[1])
	if err != nil || iterations < 1 || iterations > maxIterations {
		return bad("iterations")
	}
	hash, err := hex.DecodeString(parts[2])
	if err != nil || len(hash) != sha256.Size {
		return bad("hash")
	}
	return pph1{salt: salt, iterations: iterations, hash: hash}, nil
}

// derive computes the hash of a password under p's salt and iterations.
func (p pph1) derive(password string) []byte {
	nt := md4.New()
	nt.Write(utf16le(password))
	sum, err := pbkdf2.Key(sha256.New, string(utf16le(strings.ToUpper(hex.EncodeToString(nt.Sum(nil))))), p.salt, p.iterations, sha256.Size)
	if err != nil {
		panic("entra: " + err.Error()) // only a key length out of range, which it is not
	}
	return sum
}

func utf16le(s string) []byte {
	units := utf16.Encode([]rune(s))
	out := make([]byte, 0, 2*len(units))
	for _, u := range units {
		out = append(out, byte(u), byte(u>>8))
	}
	return out
}
