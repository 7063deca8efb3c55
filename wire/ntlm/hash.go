package ntlm

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rc4"
	"encoding/binary"
	"unicode"
	"unicode/utf16"

	//lint:ignore SA1019 the NT hash is MD4, and a directory keeps nothing else for NTLM
	"golang.org/x/crypto/md4"
)

// This file alone names MD4, MD5 and RC4: the protocol knows no others.

// Hash is what NTLM proves the knowledge of: MD4 of the password (MS-NLMP 3.3.1,
// NTOWFv1). It is as good as the password itself.
type Hash [16]byte

// HashPassword returns the hash of a password.
func HashPassword(password string) Hash {
	h := md4.New()
	h.Write(utf16le(password)) // a hash takes everything
	return Hash(h.Sum(nil))
}

// ownerKey is NTOWFv2 (MS-NLMP 3.3.2): the hash bound to user and domain as the client wrote them.
func (h Hash) ownerKey(user, domain string) []byte {
	upper := []rune(user)
	for i, r := range upper {
		upper[i] = unicode.ToUpper(r)
	}
	return hmacMD5(h[:], utf16le(string(upper)+domain))
}

func hmacMD5(key []byte, parts ...[]byte) []byte {
	mac := hmac.New(md5.New, key)
	for _, p := range parts {
		mac.Write(p)
	}
	return mac.Sum(nil)
}

func hashMD5(parts ...[]byte) []byte {
	h := md5.New()
	for _, p := range parts {
		h.Write(p)
	}
	return h.Sum(nil)
}

// encryptRC4 encrypts or decrypts data with a key of 16 bytes.
func encryptRC4(key, data []byte) []byte {
	c, err := rc4.NewCipher(key)
	if err != nil {
		panic("ntlm: " + err.Error()) // only a key without bytes fails
	}
	out := make([]byte, len(data))
	c.XORKeyStream(out, data)
	return out
}

func utf16le(text string) []byte {
	units := utf16.Encode([]rune(text))
	b := make([]byte, 0, 2*len(units))
	for _, u := range units {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// fromUTF16 reads UTF-16LE; a last odd byte is left out.
func fromUTF16(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
