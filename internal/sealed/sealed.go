// Package sealed keeps small secrets (signing keys, the session key) encrypted
// at rest under a key file. A sealed value names its key, so that a second key
// can take over while old values still open. It holds no secrets in clear
// beyond the key itself and never writes one to a log or an error.
package sealed

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Key seals and opens values. It is safe for concurrent use.
type Key struct {
	id     [8]byte
	secret []byte
}

// ErrForeign is what Open returns for a value that another key sealed, that
// was sealed for another purpose, or that was changed.
var ErrForeign = errors.New("sealed value does not open with this key file")

const (
	version = 1
	size    = 32
	header  = "hma-key-1 "
)

// New returns a fresh random key that is in no file: for tests and rehearsals.
func New() *Key {
	secret := make([]byte, size)
	rand.Read(secret)
	return fromSecret(secret)
}

func fromSecret(secret []byte) *Key {
	k := &Key{secret: secret}
	sum := sha256.Sum256(append([]byte("hma key id"), secret...))
	copy(k.id[:], sum[:])
	return k
}

// LoadOrCreate reads the key file at path, or makes one that only its owner can
// read. A file that is no key file, or that others can read, is refused. The file
// appears whole and durable or not at all, so that whoever dies here, or is second,
// leaves or finds a key that opens what it sealed.
func LoadOrCreate(path string) (*Key, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err = create(path); err == nil || errors.Is(err, fs.ErrExist) {
			info, err = os.Stat(path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s can be read by others: chmod 600 it", path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read key file: %w", err)
	}
	encoded, ok := strings.CutPrefix(strings.TrimSpace(string(text)), header)
	secret, err := base64.StdEncoding.DecodeString(encoded)
	if !ok || err != nil || len(secret) != size {
		return nil, fmt.Errorf("key file %s is not one that hma made", path)
	}
	return fromSecret(secret), nil
}

// create writes a fresh key beside path and links it there; fs.ErrExist says that another process was first.
func create(path string) error {
	dir := filepath.Dir(path)
	file, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = fmt.Fprintf(file, "%s%s\n", header, base64.StdEncoding.EncodeToString(New().secret))
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

// Derive returns n bytes that depend on the key and the purpose alone, for
// keyed checksums (ids, cookies). The purpose separates the uses.
func (k *Key) Derive(purpose string, n int) []byte {
	out, err := hkdf.Key(sha256.New, k.secret, nil, "hma derive "+purpose, n)
	if err != nil {
		panic("sealed: " + err.Error()) // n beyond 255 hashes: a programming error
	}
	return out
}

func (k *Key) aead(purpose string) cipher.AEAD {
	derived, err := hkdf.Key(sha256.New, k.secret, nil, "hma seal "+purpose, size)
	if err != nil {
		panic("sealed: " + err.Error())
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		panic("sealed: " + err.Error())
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("sealed: " + err.Error())
	}
	return aead
}

// Seal encrypts plain for one purpose. The result is: version byte, key id (8
// bytes), AES-256-GCM with its nonce in front.
func (k *Key) Seal(purpose string, plain []byte) []byte {
	box := append([]byte{version}, k.id[:]...)
	return k.aead(purpose).Seal(box, nil, plain, box[:9])
}

// Open decrypts what Seal made for the same purpose, or returns ErrForeign.
func (k *Key) Open(purpose string, box []byte) ([]byte, error) {
	if len(box) < 9 || box[0] != version || string(box[1:9]) != string(k.id[:]) {
		return nil, ErrForeign
	}
	plain, err := k.aead(purpose).Open(nil, nil, box[9:], box[:9])
	if err != nil {
		return nil, ErrForeign
	}
	return plain, nil
}
