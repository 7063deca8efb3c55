package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"hma/entra"
	"hma/entra/signin"
	"hma/entra/sts"
	"hma/internal/sealed"
	"hma/internal/sqldb"
	"hma/wire/guid"
	"hma/wire/wellknown"
)

const (
	stsTime = 300 * time.Millisecond
	// callers is how many clients each processor has when writes are shared.
	callers = 64

	cloud      = "https://localhost:9443"
	tenantID   = "11111111-2222-3333-4444-555555555555"
	mailClient = "aaaaaaaa-1111-4111-8111-000000000001"
	daemon     = "aaaaaaaa-1111-4111-8111-000000000002"
	scopes     = "https://mail.contoso.com/EWS.AccessAsUser.All offline_access"
)

// tokenService measures grants against the machine's signing rate.
func tokenService(ctx context.Context, b *bench) error {
	db, err := sqldb.Open(ctx, "sqlite:"+filepath.Join(b.work, "entra.db"))
	if err != nil {
		return err
	}
	defer db.Close()
	c, err := newCloud(ctx, db)
	if err != nil {
		return err
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte("yardstick"))
	processors := runtime.GOMAXPROCS(0)
	sign := func() (float64, error) {
		return rate(processors, func(int) error {
			_, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:])
			return err
		})
	}

	credentials := url.Values{"grant_type": {"client_credentials"}, "client_id": {daemon}, "client_secret": {c.secret}, "scope": {"https://mail.contoso.com/.default"}}.Encode()
	application := func() (float64, error) {
		return rate(processors, func(int) error {
			_, err := c.post(credentials)
			return err
		})
	}
	note := fmt.Sprintf("yardstick: bare RSA-2048 signatures on %d processors", processors)
	f, err := ratio("sts.client_credentials.ratio", atLeast(0.95), note, application, sign)
	if err := b.print(f, err); err != nil {
		return err
	}

	tokens := make([]string, callers*processors)
	for i := range tokens {
		if tokens[i], err = c.signIn(ctx); err != nil {
			return err
		}
	}
	refresh := func() (float64, error) {
		return rate(len(tokens), func(i int) (err error) {
			tokens[i], err = c.post(url.Values{"grant_type": {"refresh_token"}, "client_id": {mailClient}, "refresh_token": {tokens[i]}, "scope": {scopes}}.Encode())
			return err
		})
	}
	f, err = ratio("sts.refresh.ratio", atLeast(0.85), note+fmt.Sprintf("; %d callers, each renewal durable on disk", len(tokens)), refresh, sign)
	return b.print(f, err)
}

// cloudHalf is a token service with one tenant, one person and two clients.
type cloudHalf struct {
	dir     *entra.Directory
	handler http.Handler
	person  string
	secret  string
}

func newCloud(ctx context.Context, db *sqldb.DB) (*cloudHalf, error) {
	c := &cloudHalf{secret: entra.NewSecret()}
	var err error
	if c.dir, err = entra.Open(ctx, db, entra.Options{Now: time.Now, Key: sealed.New()}); err != nil {
		return nil, err
	}
	steps := []func() error{
		func() error {
			_, err := c.dir.CreateTenant(ctx, entra.NewTenant{ID: tenantID, DisplayName: "Contoso", Initial: "contoso.onmicrosoft.com", Domains: []string{"contoso.com"}, SyncEnabled: true})
			return err
		},
		func() error { return c.dir.SeedExchange(ctx, tenantID, []string{"https://mail.contoso.com/"}, nil) },
		func() error {
			_, err := c.dir.CreateApplication(ctx, entra.Application{Tenant: tenantID, AppID: mailClient, DisplayName: "Mail", Public: true, RefreshWindow: entra.DefaultRefreshWindow})
			return err
		},
		func() error {
			return c.dir.Consent(ctx, tenantID, mailClient, wellknown.Exchange, "", "EWS.AccessAsUser.All")
		},
		func() error {
			_, err := c.dir.CreateApplication(ctx, entra.Application{Tenant: tenantID, AppID: daemon, DisplayName: "Daemon", RefreshWindow: entra.DefaultRefreshWindow})
			return err
		},
		func() error { return c.dir.SetSecret(ctx, tenantID, daemon, c.secret, time.Time{}) },
		func() error { return c.dir.AssignRole(ctx, tenantID, daemon, wellknown.Exchange, "full_access_as_app") },
		func() (err error) {
			c.person, err = c.dir.CreateUser(ctx, entra.User{Tenant: tenantID, UPN: "alice@contoso.com", DisplayName: "Alice Novak", Mail: "alice@contoso.com",
				Enabled: true, SyncEnabled: true, ImmutableID: "abc=", OnPremSID: "S-1-5-21-1-2-3-1104"}, entra.Secret{})
			return err
		},
		func() (err error) {
			c.handler, err = sts.New(c.dir, sts.Options{Origin: cloud, Now: time.Now, SignIn: signin.New("", slog.New(slog.DiscardHandler))})
			return err
		},
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// signIn returns a refresh token.
func (c *cloudHalf) signIn(ctx context.Context) (string, error) {
	return c.dir.IssueRefreshToken(ctx, entra.RefreshToken{AppID: mailClient, Scopes: scopes,
		SignIn: entra.SignIn{Tenant: tenantID, Person: c.person, Session: guid.New().String(), AuthTime: time.Now(), AMR: []string{"pwd"}}})
}

// post sends a token request through the handler and returns the refresh token of the answer.
func (c *cloudHalf) post(form string) (refresh string, err error) {
	r, err := http.NewRequest(http.MethodPost, cloud+"/"+tenantID+"/oauth2/v2.0/token", strings.NewReader(form))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer bytes.Buffer
	c.handler.ServeHTTP(writer{http.Header{}, &answer}, r)
	if field(answer.Bytes(), "access_token") == "" {
		return "", fmt.Errorf("token request: %.500s", answer.Bytes())
	}
	return field(answer.Bytes(), "refresh_token"), nil
}

// field takes a text without escapes from an answer. Decoding the JSON would be the
// client's work, and is not measured.
func field(answer []byte, name string) string {
	_, rest, _ := bytes.Cut(answer, []byte(`"`+name+`":"`))
	value, _, _ := bytes.Cut(rest, []byte{'"'})
	return string(value)
}

// rate runs fn from a number of goroutines for stsTime and returns the calls a second.
func rate(workers int, fn func(worker int) error) (float64, error) {
	runtime.GC()
	counts, errs := make([]int, workers), make([]error, workers)
	start := time.Now()
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			for time.Since(start) < stsTime && errs[i] == nil {
				errs[i] = fn(i)
				counts[i]++
			}
		})
	}
	all.Wait()
	seconds := time.Since(start).Seconds()
	sum := 0
	for i := range counts {
		if errs[i] != nil {
			return 0, errs[i]
		}
		sum += counts[i]
	}
	return float64(sum) / seconds, nil
}
