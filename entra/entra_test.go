package entra

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hma/internal/sealed"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/wellknown"
)

const vector = "v1;PPH1_MD4,000102030405060708ff,1000,939a057e5bc3fa3af818477c8343897d8a9b3a5eeb5dea8dc106586196e4bbaf;"

func TestPPH1(t *testing.T) {
	r, err := (&Directory{passwordCost: bcrypt.MinCost}).newRecord(Secret{PPH1: vector})
	if err != nil {
		t.Fatal(err)
	}
	if !r.match("Password1!") || r.match("password1!") || r.match("") {
		t.Error("the vector does not verify")
	}
	if strings.Contains(r.hash, "939a") {
		t.Error("the synchronised hash is stored bare")
	}
	for _, bad := range []string{"", "v1;PPH1_MD4,00,1000,00;", "v1;PPH1_MD4,,1000,", strings.TrimSuffix(vector, ";"), strings.Replace(vector, "1000", "0", 1),
		strings.Replace(vector, ",1000,", ",99999999999,", 1), strings.Replace(vector, "v1", "v2", 1), strings.Replace(vector, "00", "zz", 1)} {
		if _, err := parsePPH1(bad); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// TestPasswordCost holds that nobody gets a cheap hash who does not ask for one.
func TestPasswordCost(t *testing.T) {
	for asked, want := range map[int]int{0: 10, bcrypt.MinCost: bcrypt.MinCost} {
		d, err := Open(t.Context(), sqldbtest.Memory(t), Options{Now: time.Now, Key: sealed.New(), PasswordCost: asked})
		if err != nil {
			t.Fatal(err)
		}
		r, err := d.newRecord(Secret{Password: "Password1!"})
		if err != nil {
			t.Fatal(err)
		}
		for _, hash := range []string{r.hash, d.decoy} {
			if cost, err := bcrypt.Cost([]byte(hash)); err != nil || cost != want {
				t.Errorf("cost %d (%v), want %d", cost, err, want)
			}
		}
	}
}

func FuzzPPH1(f *testing.F) {
	f.Add(vector)
	f.Fuzz(func(t *testing.T, text string) {
		p, err := parsePPH1(text)
		if err == nil && (len(p.hash) != 32 || len(p.salt) == 0 || p.iterations < 1 || p.iterations > maxIterations) {
			t.Errorf("%q gave %+v", text, p)
		}
	})
}

type clock struct{ now time.Time }

func open(t *testing.T, db *sqldb.DB, key *sealed.Key, c *clock) *Directory {
	t.Helper()
	d, err := Open(t.Context(), db, Options{Now: func() time.Time { return c.now }, Key: key, PasswordCost: bcrypt.MinCost})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func seeded(t *testing.T, db *sqldb.DB) (*Directory, string, *clock, *sealed.Key) {
	t.Helper()
	c, key := &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}, sealed.New()
	d := open(t, db, key, c)
	tenant, err := d.CreateTenant(t.Context(), NewTenant{DisplayName: "Contoso", Initial: "contoso.onmicrosoft.com", Domains: []string{"Contoso.com"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{d.SeedExchange(t.Context(), tenant, []string{"https://mail.contoso.com/", "https://one.contoso.com", "https://one.contoso.com/"}, nil),
		d.SeedGraph(t.Context(), tenant), d.SeedWellKnownClients(t.Context(), tenant)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return d, tenant, c, key
}

// TestResource is the table of what a requested resource names.
func TestResource(t *testing.T) {
	d, tenant, _, _ := seeded(t, sqldbtest.Memory(t))
	s, err := d.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"https://mail.contoso.com/":           wellknown.Exchange,
		"https://mail.contoso.com":            wellknown.Exchange,
		"HTTPS://Mail.Contoso.COM/":           wellknown.Exchange,
		"https://one.contoso.com":             wellknown.Exchange,
		wellknown.Exchange:                    wellknown.Exchange,
		strings.ToUpper(wellknown.Exchange):   wellknown.Exchange,
		wellknown.Exchange + "/outlook.com":   wellknown.Exchange,
		wellknown.Exchange + "/x.outlook.com": wellknown.Exchange,
		"https://a.b.outlook.com/":            wellknown.Exchange,
		"https://a.outlook.com":               wellknown.Exchange,
		"https://graph.microsoft.com/":        wellknown.Graph,
		wellknown.Office:                      wellknown.Office,
		"https://mail.contoso.com//":          "",
		"https://mail.contoso.com/ews":        "",
		"https://mail.contoso.com:8443/":      "",
		"http://mail.contoso.com/":            "",
		"https://mail.contoso.com.evil.com/":  "",
		"https://evil.com/.outlook.com/":      "",
		"https://a@x.outlook.com/":            "",
		"https://.outlook.com/":               "",
		"https://*.outlook.com/":              "",
		"https://mail.contoso.com?":           "",
		"mail.contoso.com":                    "",
		"":                                    "",
		"https://":                            "",
		"\x00":                                "",
	} {
		got := ""
		if sp := s.Tenant(tenant).Resource(name); sp != nil {
			got = sp.AppID
		}
		if got != want {
			t.Errorf("%q names %q, want %q", name, got, want)
		}
	}
}

func TestSeedLists(t *testing.T) {
	d, tenant, _, _ := seeded(t, sqldbtest.Memory(t))
	s, _ := d.Snapshot(t.Context())
	sp := s.Tenant("CONTOSO.com").ServicePrincipalByAppID(wellknown.Exchange)
	if sp.Names[0] != "https://mail.contoso.com/" || len(sp.Names) != len(exchangeNames)+3 || len(sp.ReplyURLs) != len(exchangeReplyURLs) {
		t.Errorf("names %v, reply URLs %v", sp.Names, sp.ReplyURLs)
	}
	if err := d.SeedExchange(t.Context(), tenant, nil, nil); !errors.Is(err, ErrExists) {
		t.Errorf("seeded twice: %v", err)
	}
	c, ok := s.Tenant(tenant).Client(wellknown.GraphPowerShell)
	if !ok {
		t.Fatal("no Graph PowerShell")
	}
	for uri, want := range map[string]bool{"http://localhost": true, "http://localhost:51234": true, "http://localhost:51234/": true, "http://localhost:1/x": false,
		"https://localhost:1": false, "http://127.0.0.1:1": false, "http://localhost:1/?a=b": false, nativeClient: true, nativeClient + "/": false} {
		if _, ok := c.Redirect(uri); ok != want {
			t.Errorf("%s: %v", uri, ok)
		}
	}
}

// Many people with one password are made at once; who cannot be made is told, and the others are there.
func TestManyUsers(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		d, tenant, _, _ := seeded(t, db)
		alice := User{Tenant: tenant, UPN: "alice@contoso.com", Enabled: true, ImmutableID: "anchor"}
		twin := User{Tenant: tenant, UPN: "twin@contoso.com", Enabled: true, ImmutableID: "anchor"}
		foreign := User{Tenant: tenant, UPN: "x@fabrikam.com", Enabled: true}
		bjorn := User{Tenant: tenant, UPN: "bjorn@contoso.com", Enabled: true}
		refused, err := d.CreateUsers(t.Context(), []User{alice, twin, foreign, bjorn}, Secret{Password: "Lab-Password1"})
		if err != nil {
			t.Fatal(err)
		}
		if len(refused) != 2 || !errors.Is(refused[1], ErrExists) || !errors.Is(refused[2], ErrInvalid) {
			t.Errorf("refused: %v", refused)
		}
		for _, upn := range []string{alice.UPN, bjorn.UPN} {
			if u, err := d.CheckPassword(t.Context(), tenant, upn, "Lab-Password1"); err != nil || u.UPN != upn || u.PUID == "" {
				t.Errorf("%s: %+v, %v", upn, u, err)
			}
		}
		if err := d.Revoke(t.Context(), tenant, wellknown.AppleAccounts); err != nil {
			t.Fatal(err)
		}
		s, err := d.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		held := map[string]int{}
		for _, g := range s.Tenant(tenant).Grants() {
			for _, app := range []string{wellknown.AppleAccounts, wellknown.Thunderbird} {
				if g.Client == s.Tenant(tenant).Resource(app).ID {
					held[app]++
				}
			}
		}
		if held[wellknown.AppleAccounts] != 0 || held[wellknown.Thunderbird] == 0 {
			t.Errorf("after revoking: %v", held)
		}
	})
}

// TestStoresAndProcesses runs the directory on each kind of database, and looks at it from a second process.
func TestStoresAndProcesses(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		d, tenant, c, key := seeded(t, db)
		other := open(t, db, key, c)
		keys := func(d *Directory) string {
			s, err := d.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			ids := ""
			for _, k := range s.Keys() {
				ids += k.ID + " "
			}
			return ids
		}
		if err := d.RotateKeys(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.now = c.now.Add(2 * time.Second)
		if keys(d) != keys(other) {
			t.Error("a rotation did not reach the second process")
		}
		if _, err := Open(t.Context(), db, Options{Now: func() time.Time { return c.now }, Key: sealed.New()}); !errors.Is(err, sealed.ErrForeign) {
			t.Errorf("another key file opened the signing keys: %v", err)
		}

		id, err := d.CreateUser(t.Context(), User{Tenant: tenant, UPN: "Alice@contoso.com", Enabled: true}, Secret{PPH1: vector})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.CreateUser(t.Context(), User{Tenant: tenant, UPN: "alice@CONTOSO.com"}, Secret{}); !errors.Is(err, ErrExists) {
			t.Errorf("the name twice: %v", err)
		}
		if _, err := d.CreateUser(t.Context(), User{Tenant: tenant, UPN: "x@fabrikam.com"}, Secret{}); !errors.Is(err, ErrInvalid) {
			t.Errorf("foreign domain: %v", err)
		}
		if u, err := d.CheckPassword(t.Context(), tenant, "alice@contoso.com", "Password1!"); err != nil || u.ID != id {
			t.Errorf("password: %v", err)
		}
		if err := d.SetPassword(t.Context(), id, Secret{Password: strings.Repeat("long ", 20)}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.CheckPassword(t.Context(), tenant, "alice@contoso.com", strings.Repeat("long ", 19)+"other"); !errors.Is(err, ErrBadPassword) {
			t.Errorf("bytes past the 72nd do not count: %v", err)
		}
		if err := d.UpdateUser(t.Context(), id, func(u *User) error { u.Enabled = false; return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := d.CheckPassword(t.Context(), tenant, "alice@contoso.com", strings.Repeat("long ", 20)); !errors.Is(err, ErrDisabled) {
			t.Errorf("disabled: %v", err)
		}

		// Of many who redeem a code or a single-use token at once, one wins, and has no token for long: the others were thieves, or it was.
		if err := d.UpdateUser(t.Context(), id, func(u *User) error { u.Enabled = true; return nil }); err != nil {
			t.Fatal(err)
		}
		signIn := SignIn{Tenant: tenant, Person: id, AuthTime: c.now}
		code, err := d.IssueCode(t.Context(), Code{SignIn: signIn, AppID: wellknown.Office})
		if err != nil {
			t.Fatal(err)
		}
		refresh, err := d.IssueRefreshToken(t.Context(), RefreshToken{SignIn: signIn, AppID: wellknown.Office})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		codes, tokens := 0, 0
		var given []string
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				first, err := d.RedeemCode(t.Context(), code, func(c *Code, _ *User) (*RefreshToken, error) {
					return &RefreshToken{SignIn: c.SignIn, AppID: c.AppID}, nil
				})
				next, err2 := d.RotateRefreshToken(t.Context(), refresh, wellknown.Office, 0, func(*RefreshToken, *User) error { return nil })
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					codes++
					given = append(given, first)
				} else if !errors.Is(err, ErrCodeRedeemed) {
					t.Errorf("redeem: %v", err)
				}
				if err2 == nil {
					tokens++
					given = append(given, next)
				} else if !errors.Is(err2, ErrTokenReused) && !errors.Is(err2, ErrTokenUnknown) {
					t.Errorf("renew: %v", err2)
				}
			})
		}
		wg.Wait()
		if codes != 1 || tokens != 1 {
			t.Errorf("%d codes and %d tokens were good", codes, tokens)
		}
		for _, token := range given {
			if _, err := d.RotateRefreshToken(t.Context(), token, wellknown.Office, time.Hour, func(*RefreshToken, *User) error { return nil }); !errors.Is(err, ErrTokenUnknown) {
				t.Errorf("a token of a family that was used twice: %v", err)
			}
		}
		for i := range 3 {
			if _, err := d.CreateUser(t.Context(), User{Tenant: tenant, UPN: fmt.Sprintf("u%d@contoso.com", i)}, Secret{}); err != nil {
				t.Fatal(err)
			}
		}
		page, err := d.Users(t.Context(), tenant, AnyUser, "", "alice@contoso.com", 2)
		if err != nil || len(page) != 2 || page[0].UPN != "u0@contoso.com" {
			t.Errorf("page %v, %v", page, err)
		}
	})
}
