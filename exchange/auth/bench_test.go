package auth_test

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/org"
)

// realistic is a token of the size that Entra issues, some 2 KB.
func (w *world) realistic() string {
	return w.Sign(w.Delegated().With(authtest.Claims{"aio": strings.Repeat("A", 300), "rh": strings.Repeat("r", 100), "puid": "100320012345678A",
		"xms_pad": strings.Repeat("x", 400), "uti": "0123456789012345678901"}))
}

// BenchmarkValidatorHit is the check of a token that was seen before.
func BenchmarkValidatorHit(b *testing.B) {
	w := newWorld()
	f := w.facts(org.WebServices, "Bearer "+w.realistic())
	ctx := context.Background()
	if _, d := w.auth.Authenticate(ctx, f); d != nil {
		b.Fatal(d.Reason)
	}
	b.ReportAllocs()
	for b.Loop() {
		w.auth.Authenticate(ctx, f)
	}
}

// BenchmarkValidatorHit1000 is the same with 1,000 tokens in turn, which do not all lie in the processor's nearest caches.
func BenchmarkValidatorHit1000(b *testing.B) {
	w := newWorld()
	ctx := context.Background()
	tokens := make([]*auth.Facts, 1000)
	for i := range tokens {
		tokens[i] = w.facts(org.WebServices, "Bearer "+w.Sign(w.Delegated().With(authtest.Claims{"n": i, "aio": strings.Repeat("A", 300), "xms_pad": strings.Repeat("x", 600)})))
		if _, d := w.auth.Authenticate(ctx, tokens[i]); d != nil {
			b.Fatal(d.Reason)
		}
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		w.auth.Authenticate(ctx, tokens[i%len(tokens)])
	}
}

// BenchmarkSHA256Lookup is the yardstick of BenchmarkValidatorHit: hash the token, look it up in a map.
func BenchmarkSHA256Lookup(b *testing.B) {
	token := []byte(newWorld().realistic())
	known := map[[32]byte]int{sha256.Sum256(token): 1}
	b.ReportAllocs()
	for b.Loop() {
		if known[sha256.Sum256(token)] != 1 {
			b.Fatal("not found")
		}
	}
}

// BenchmarkValidatorMiss is the check of a token that is new to a validator that knows the keys.
func BenchmarkValidatorMiss(b *testing.B) {
	w := newWorld()
	tokens := make([]*auth.Facts, 512)
	for i := range tokens {
		tokens[i] = w.facts(org.WebServices, "Bearer "+w.Sign(w.Delegated().With(authtest.Claims{"n": i, "aio": strings.Repeat("A", 300), "rh": strings.Repeat("r", 100), "xms_pad": strings.Repeat("x", 400)})))
	}
	ctx := context.Background()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(tokens) == 0 {
			b.StopTimer()
			w.auth = auth.New(auth.Options{People: w.people})
			w.ask(org.WebServices, "Bearer "+w.realistic()) // keys and person are known
			b.StartTimer()
		}
		if _, d := w.auth.Authenticate(ctx, tokens[i%len(tokens)]); d != nil {
			b.Fatal(d.Reason)
		}
	}
}

// BenchmarkRSAVerify is the yardstick of BenchmarkValidatorMiss: one bare RSA-2048 verification.
func BenchmarkRSAVerify(b *testing.B) {
	w := newWorld()
	token := w.realistic()
	dot := strings.LastIndexByte(token, '.')
	signature, err := base64.RawURLEncoding.DecodeString(token[dot+1:])
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte(token[:dot]))
	b.ReportAllocs()
	for b.Loop() {
		if err := rsa.VerifyPKCS1v15(&w.Key.PublicKey, crypto.SHA256, digest[:], signature); err != nil {
			b.Fatal(err)
		}
	}
}
