package main

import (
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/org"
)

const validatorTime = 40 * time.Millisecond

// token signs a delegated token of the size that Entra issues, some 2 KB; n makes it differ.
func token(e authtest.Env, n int) string {
	return e.Sign(e.Delegated().With(authtest.Claims{"n": n, "aio": strings.Repeat("A", 300), "rh": strings.Repeat("r", 100),
		"puid": "100320012345678A", "uti": "0123456789012345678901", "xms_pad": strings.Repeat("x", 400)}))
}

// validator measures the check of a token: seen before, and new.
func validator(ctx context.Context, b *bench) error {
	e := authtest.New()
	people, snapshot := authtest.NewPeople(), e.Snapshot()
	vd := snapshot.VirtualDirectory(org.WebServices)
	facts := func(token string) *auth.Facts {
		return &auth.Facts{Snapshot: snapshot, VirtualDirectory: vd, Authorization: []string{"Bearer " + token}, Host: e.Host, Now: e.Now}
	}
	check := func(a *auth.Authenticator, f *auth.Facts) error {
		if _, denial := a.Authenticate(ctx, f); denial != nil {
			return errors.New("good token refused: " + denial.Reason)
		}
		return nil
	}

	text := token(e, 0)
	known := auth.New(auth.Options{People: people})
	seen := facts(text)
	if err := check(known, seen); err != nil {
		return err
	}
	hit := func() error { return check(known, seen) }
	raw := []byte(text)
	byHash := map[[sha256.Size]byte]int{sha256.Sum256(raw): 1}
	lookup := func() error {
		if byHash[sha256.Sum256(raw)] != 1 {
			return errors.New("token not found")
		}
		return nil
	}
	f, err := ratio("validator.hit", atMost(1.5), fmt.Sprintf("token of %d bytes; yardstick: its SHA-256 and one map look-up", len(text)), timed(hit), timed(lookup))
	if err := b.print(f, err); err != nil {
		return err
	}
	var failed error
	allocations := testing.AllocsPerRun(10_000, func() {
		if err := hit(); err != nil {
			failed = err
		}
	})
	if failed != nil {
		return failed
	}
	if err := b.print(atMost(0).judge("validator.hit.allocs", "allocations", []float64{allocations}, "beside the request record"), nil); err != nil {
		return err
	}

	dot := strings.LastIndexByte(text, '.')
	signature, err := base64.RawURLEncoding.DecodeString(text[dot+1:])
	if err != nil {
		return err
	}
	digest := sha256.Sum256(raw[:dot])
	verify := func() error { return rsa.VerifyPKCS1v15(&e.Key.PublicKey, crypto.SHA256, digest[:], signature) }
	fresh := make([]*auth.Facts, 512)
	for i := range fresh {
		fresh[i] = facts(token(e, i+1))
	}
	// A validator that knows keys and person, and none of the fresh tokens.
	miss := func() (float64, error) {
		var spent time.Duration
		n := 0
		for spent < validatorTime {
			a := auth.New(auth.Options{People: people})
			if err := check(a, seen); err != nil {
				return 0, err
			}
			start := time.Now()
			for _, f := range fresh {
				if err := check(a, f); err != nil {
					return 0, err
				}
			}
			spent += time.Since(start)
			n += len(fresh)
		}
		return spent.Seconds() / float64(n), nil
	}
	f, err = ratio("validator.miss", atMost(2.5), "yardstick: one bare RSA-2048 verification", miss, timed(verify))
	return b.print(f, err)
}

// timed is one side of a ratio: the seconds of one call.
func timed(fn func() error) func() (float64, error) {
	return func() (float64, error) { return perOp(validatorTime, fn) }
}
