package sts

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"testing"

	"hma/entra"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
)

// BenchmarkRSASign is the yardstick: one RSA-2048 signature, nothing else.
func BenchmarkRSASign(b *testing.B) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("yardstick"))
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, digest[:]); err != nil {
				b.Error(err)
			}
		}
	})
}

// post sends a token request through the handler, without a socket.
func (e *env) post(b *testing.B, form url.Values) map[string]any {
	r := httptest.NewRequest("POST", e.origin+"/"+tenantID+"/oauth2/v2.0/token", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	e.handler.ServeHTTP(w, r)
	if w.Code != 200 {
		b.Errorf("%d %s", w.Code, w.Body)
		return nil
	}
	var out map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
		b.Error(err)
	}
	return out
}

func BenchmarkClientCredentials(b *testing.B) {
	e := newEnv(b)
	form := values("grant_type", "client_credentials", "client_id", confidential, "client_secret", secret, "scope", "https://mail.contoso.com/.default")
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			e.post(b, form)
		}
	})
}

// BenchmarkRefresh renews with a durable write each; callers share commits.
func BenchmarkRefresh(b *testing.B) {
	e := newEnvOn(b, sqldbtest.Disk(b), "https://localhost:9443")
	scope := "https://mail.contoso.com/EWS.AccessAsUser.All offline_access"
	const callers = 64
	tokens := make(chan string, callers*runtime.GOMAXPROCS(0))
	for range cap(tokens) {
		token, err := e.dir.IssueRefreshToken(b.Context(), entra.RefreshToken{AppID: mailClient, Scopes: scope,
			SignIn: entra.SignIn{Tenant: tenantID, Person: e.alice, Session: guid.New().String(), AuthTime: e.clock, AMR: []string{"pwd"}}})
		if err != nil {
			b.Fatal(err)
		}
		tokens <- token
	}
	b.SetParallelism(callers)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		token := <-tokens
		for pb.Next() {
			got := e.post(b, values("grant_type", "refresh_token", "client_id", mailClient, "refresh_token", token, "scope", scope))
			token, _ = got["refresh_token"].(string)
		}
		tokens <- token
	})
}
