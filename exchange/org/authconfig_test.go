package org_test

import (
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hma/exchange/org"
	"hma/internal/sealed"
	"hma/internal/sqldb/sqldbtest"
)

// TestStagedCertificate lets the effective date of a staged certificate come, in time and after the
// certificate has expired.
func TestStagedCertificate(t *testing.T) {
	for name, c := range map[string]struct {
		comes time.Time // where the clock jumps
		want  func(old, next string) string
	}{
		"in time": {start.Add(72 * time.Hour), func(_, next string) string { return next }},
		"expired": {start.AddDate(2, 0, 0), func(old, _ string) string { return old }},
	} {
		t.Run(name, func(t *testing.T) {
			var clock atomic.Int64
			clock.Store(start.UnixMicro())
			o, err := org.Open(t.Context(), sqldbtest.Memory(t), org.Options{Now: func() time.Time { return time.UnixMicro(clock.Load()).UTC() },
				PickUp: time.Millisecond, Key: sealed.New(), PasswordCost: bcrypt.MinCost})
			must(t, err)
			t.Cleanup(o.Close)
			must(t, o.CreateOrganization(t.Context(), org.NewOrganization{Name: "Contoso", Domain: "contoso.com"}))
			for _, name := range []string{"EX1", "EX2"} {
				must(t, o.CreateServer(t.Context(), org.NewServer{Name: name, FQDN: name + ".contoso.com", Version: org.MinimumSignIn}))
			}
			old, err := o.CreateOAuthCertificate(t.Context(), start.AddDate(-1, 0, 0), start.AddDate(5, 0, 0))
			must(t, err)
			next, err := o.CreateCertificate(t.Context(), org.NewCertificate{Server: "EX2", Subject: org.OAuthCertificateSubject, KeySize: 2048,
				NotBefore: start, NotAfter: start.AddDate(1, 0, 0)})
			must(t, err)
			version, _, err := o.Change(t.Context(), func(c *org.Configuration) error {
				return c.StageCertificate(next, start.Add(72*time.Hour), start)
			})
			must(t, err)
			s, err := o.Server(t.Context(), "EX1")
			must(t, err)
			t.Cleanup(s.Close)
			if auth := s.Snapshot().Auth; auth.CurrentCertificateThumbprint != old || auth.NextCertificateThumbprint != next {
				t.Fatalf("staged: %+v", auth)
			}
			clock.Store(c.comes.UnixMicro())
			must(t, o.WaitLive(t.Context(), version+1, "EX1"))
			if auth := s.Snapshot().Auth; auth.CurrentCertificateThumbprint != c.want(old, next) || auth.NextCertificateThumbprint != "" {
				t.Errorf("when the date has come: %+v", auth)
			}
		})
	}
}
