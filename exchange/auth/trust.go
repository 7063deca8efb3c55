package auth

import (
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"sync"
	"sync/atomic"

	"hma/exchange/org"
)

// issuer is an enabled AuthServer with its keys made ready.
type issuer struct {
	server *org.AuthServer
	keys   map[string]*rsa.PublicKey // by x5t: base64url of SHA-1 of the certificate (RFC 7515 4.1.7)
}

// trust is a trust generation: the AuthServers and keys of one version of the
// configuration. Verified tokens are kept under it and are void under another.
type trust struct {
	digest  [32]byte
	issuers []*issuer
}

// find returns the AuthServer that the iss claim names: its IssuerIdentifier, or
// IssuerIdentifier@Realm for the Access Control Service, whose tenants share one identifier.
func (t *trust) find(iss string) *issuer {
	for _, i := range t.issuers {
		if i.server.Type == org.MicrosoftACS {
			if id, realm, ok := strings.Cut(iss, "@"); ok && id == i.server.IssuerIdentifier && strings.EqualFold(realm, i.server.Realm) {
				return i
			}
		} else if iss == i.server.IssuerIdentifier {
			return i
		}
	}
	return nil
}

// trusts remembers the trust generations of the snapshots in use.
type trusts struct {
	mu    sync.Mutex
	bound atomic.Pointer[[]binding]
}

type binding struct {
	snapshot *org.Snapshot
	trust    *trust
}

// maxBindings is more than the servers of a process: two snapshots of each are in use while one replaces the other.
const maxBindings = 16

func (t *trusts) of(s *org.Snapshot) *trust {
	if bound := t.bound.Load(); bound != nil {
		for i := range *bound {
			if (*bound)[i].snapshot == s {
				return (*bound)[i].trust
			}
		}
	}
	return t.bind(s)
}

func (t *trusts) bind(s *org.Snapshot) *trust {
	t.mu.Lock()
	defer t.mu.Unlock()
	var old []binding
	if bound := t.bound.Load(); bound != nil {
		old = *bound
	}
	digest := trustDigest(s)
	var made *trust
	for _, b := range old {
		if b.snapshot == s {
			return b.trust
		}
		if b.trust.digest == digest {
			made = b.trust
		}
	}
	if made == nil {
		made = &trust{digest: digest}
		for _, server := range s.AuthServers {
			if server.Enabled && server.IssuerIdentifier != "" {
				made.issuers = append(made.issuers, &issuer{server, parseKeys(server.CertificateStrings)})
			}
		}
	}
	list := append([]binding{{s, made}}, old[:min(len(old), maxBindings-1)]...)
	t.bound.Store(&list)
	return made
}

// trustDigest names a trust generation: configuration version and everything that decides about a token.
func trustDigest(s *org.Snapshot) [32]byte {
	h := sha256.New()
	text := func(v string) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(v))))
		h.Write([]byte(v))
	}
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(s.Version)))
	for _, a := range s.AuthServers {
		if !a.Enabled {
			continue
		}
		text(a.IssuerIdentifier)
		text(a.Realm)
		text(a.Type)
		for _, c := range a.CertificateStrings {
			text(c)
		}
		text("")
	}
	return [32]byte(h.Sum(nil))
}

// parseKeys makes certificates (base64 DER) ready. What is no certificate with
// an RSA key of 2048 to 8192 bits is left out: a token cannot name it.
func parseKeys(certs []string) map[string]*rsa.PublicKey {
	keys := make(map[string]*rsa.PublicKey, len(certs))
	for _, text := range certs {
		der, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			continue
		}
		cert, err := x509.ParseCertificate(der)
		if err != nil {
			continue
		}
		if key, ok := cert.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() >= 2048 && key.N.BitLen() <= 8192 {
			sum := sha1.Sum(der)
			keys[base64.RawURLEncoding.EncodeToString(sum[:])] = key
		}
	}
	return keys
}
