package org_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hma/exchange/org"
	"hma/internal/sealed"
	"hma/internal/sqldb"
	"hma/internal/sqldb/sqldbtest"
	"hma/wire/guid"
	"hma/wire/ntlm"
)

var start = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

func open(t *testing.T, db *sqldb.DB) *org.Organization {
	t.Helper()
	o, err := org.Open(t.Context(), db, org.Options{Now: func() time.Time { return start }, PickUp: 5 * time.Millisecond,
		Key: sealed.New(), PasswordCost: bcrypt.MinCost})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(o.Close)
	return o
}

// contoso makes an organisation with two servers.
func contoso(t *testing.T, db *sqldb.DB) *org.Organization {
	t.Helper()
	o := open(t, db)
	must(t, o.CreateOrganization(t.Context(), org.NewOrganization{Name: "Contoso", Domain: "contoso.com"}))
	for _, name := range []string{"EX1", "EX2"} {
		must(t, o.CreateServer(t.Context(), org.NewServer{Name: name, FQDN: strings.ToLower(name) + ".contoso.com", Version: org.MinimumSignIn,
			InternalHost: "localhost:844" + name[2:], ExternalHost: "mail.contoso.com", AutodiscoverHost: "autodiscover.contoso.com"}))
	}
	return o
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestChange(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		before, err := o.Version(t.Context())
		must(t, err)
		same, changed, err := o.Change(t.Context(), func(c *org.Configuration) error { return nil })
		if err != nil || changed || same != before {
			t.Errorf("an empty change: version %d, changed %v, %v; want %d, false", same, changed, err, before)
		}
		version, changed, err := o.Change(t.Context(), func(c *org.Configuration) error {
			c.VirtualDirectory("ex1", org.Oab).OAuthAuthentication = false
			return nil
		})
		if err != nil || !changed || version != before+1 {
			t.Errorf("a change: version %d, changed %v, %v; want %d, true", version, changed, err, before+1)
		}
		boom := errors.New("boom")
		if _, _, err := o.Change(t.Context(), func(c *org.Configuration) error {
			c.Org.OAuth2ClientProfileEnabled = true
			return boom
		}); err != boom {
			t.Errorf("got %v, want the closure's own error", err)
		}
		c, err := o.Configuration(t.Context())
		must(t, err)
		if c.Org.OAuth2ClientProfileEnabled || c.VirtualDirectory("EX1", org.Oab).OAuthAuthentication || !c.VirtualDirectory("EX2", org.Oab).OAuthAuthentication || c.Version != version {
			t.Errorf("the stored configuration is not what was written")
		}
		err = o.CreateServer(t.Context(), org.NewServer{Name: "ex1", FQDN: "x"})
		if !errors.Is(err, org.ErrExists) {
			t.Errorf("a second EX1: %v", err)
		}
	})
}

// TestChangeObject changes one virtual directory and the organisation; what was read before stays as it was.
func TestChangeObject(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		before, err := o.Configuration(t.Context())
		must(t, err)
		vd := before.VirtualDirectory("EX2", org.Mapi)
		for _, want := range []bool{true, false} {
			_, changed, err := o.ChangeObject(t.Context(), vd.GUID, func(c *org.Configuration) error {
				c.Org.OAuth2ClientProfileEnabled = true
				c.VirtualDirectory("EX2", org.Mapi).IISAuthenticationMethods = []org.Method{org.MethodOAuth}
				return nil
			})
			if err != nil || changed != want {
				t.Errorf("changed %v, %v; want %v", changed, err, want)
			}
		}
		for _, reader := range []*org.Organization{o, open(t, db)} {
			c, err := reader.Configuration(t.Context())
			must(t, err)
			if got := c.VirtualDirectory("EX2", org.Mapi); !c.Org.OAuth2ClientProfileEnabled || len(got.ExternalAuthenticationMethods) != 1 || len(c.VirtualDirectory("EX1", org.Mapi).IISAuthenticationMethods) != 3 {
				t.Errorf("after the change: %+v", got)
			}
		}
		if before.Org.OAuth2ClientProfileEnabled || len(vd.IISAuthenticationMethods) != 3 {
			t.Error("what was read before has changed")
		}
	})
}

// TestConcurrentChanges lets many write at the same time: none may be lost, and each has its own version.
func TestConcurrentChanges(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		const writers = 20
		var mu sync.Mutex
		versions := map[int64]bool{}
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				version, changed, err := o.Change(t.Context(), func(c *org.Configuration) error {
					c.Servers[0].FQDN += "x"
					c.Policies = append(c.Policies, &org.AuthenticationPolicy{Name: strconv.Itoa(i)})
					return nil
				})
				if err != nil || !changed {
					t.Errorf("changed %v, %v", changed, err)
				}
				mu.Lock()
				versions[version] = true
				mu.Unlock()
			})
			wg.Go(func() {
				if _, err := o.CreateRecipient(t.Context(), org.NewRecipient(strconv.Itoa(i)+"@contoso.com", "P")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		c, err := o.Configuration(t.Context())
		must(t, err)
		if len(c.Policies) != writers || c.Servers[0].FQDN != "ex1.contoso.com"+strings.Repeat("x", writers) || len(versions) != writers {
			t.Errorf("%d policies, %s, %d versions", len(c.Policies), c.Servers[0].FQDN, len(versions))
		}
		people, err := o.RecipientsByGUID(t.Context(), guid.Nil, 100)
		must(t, err)
		sids := map[string]bool{}
		for _, p := range people {
			sids[p.SID] = true
		}
		if len(sids) != writers {
			t.Errorf("%d people have %d SIDs", len(people), len(sids))
		}
	})
}

// TestTwoProcesses opens the organisation twice: what one writes, the other takes up by the version row.
func TestTwoProcesses(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		here := contoso(t, db)
		there := open(t, db)
		var servers []*org.ServerConfig
		for _, name := range []string{"EX1", "EX2"} {
			s, err := there.Server(t.Context(), name)
			must(t, err)
			servers = append(servers, s)
		}
		people := there.PeopleVersion()
		version, _, err := here.Change(t.Context(), func(c *org.Configuration) error {
			c.Org.OAuth2ClientProfileEnabled = true
			return nil
		})
		must(t, err)
		must(t, here.WaitLive(t.Context(), version))
		for _, s := range servers {
			if !s.Snapshot().Org.OAuth2ClientProfileEnabled {
				t.Errorf("%s says that it runs version %d and does not", s.Snapshot().Server.Name, version)
			}
		}
		_, err = here.CreateRecipient(t.Context(), org.NewRecipient("anna@contoso.com", "Anna"))
		must(t, err)
		for there.PeopleVersion() == people {
			time.Sleep(time.Millisecond)
		}
	})
}

func TestTwoDefaultEndpointsAreRefused(t *testing.T) {
	o := contoso(t, sqldbtest.Memory(t))
	for _, name := range []string{"A", "B"} {
		_, err := o.CreateAuthServer(t.Context(), org.NewAuthServer{Name: name, Type: org.AzureAD, Enabled: true,
			AuthMetadataURL: "https://localhost:9443/t/federationmetadata/2007-06/federationmetadata.xml"})
		must(t, err)
	}
	_, _, err := o.Change(t.Context(), func(c *org.Configuration) error {
		for _, a := range c.AuthServers {
			a.IsDefaultAuthorizationEndpoint = true
		}
		return nil
	})
	if _, ok := errors.AsType[*org.RuleError](err); !ok {
		t.Errorf("two default authorization endpoints: %v", err)
	}
}

func TestAuthServerEndpoints(t *testing.T) {
	for _, test := range []struct{ typ, url, token, authorize string }{
		{org.AzureAD, "https://login.windows.net/tid/federationmetadata/2007-06/federationmetadata.xml", "https://login.windows.net/common/oauth2/token", "https://login.windows.net/common/oauth2/authorize"},
		{org.ADFS, "https://adfs.contoso.com/FederationMetadata/2007-06/FederationMetadata.xml", "https://adfs.contoso.com/adfs/oauth2/token", "https://adfs.contoso.com/adfs/oauth2/authorize"},
		{org.MicrosoftACS, "https://accounts.accesscontrol.windows.net/tid/metadata/json/1", "https://accounts.accesscontrol.windows.net/tid/tokens/OAuth/2", ""},
	} {
		a := org.AuthServer{Type: test.typ}
		must(t, a.SetMetadataURL(test.url))
		if a.TokenIssuingEndpoint != test.token || a.AuthorizationEndpoint != test.authorize {
			t.Errorf("%s: got %s and %s", test.typ, a.TokenIssuingEndpoint, a.AuthorizationEndpoint)
		}
	}
	for _, bad := range []string{"", "http://login.windows.net/x", "https://", "https://u:p@host/x", "::"} {
		if err := (&org.AuthServer{Type: org.AzureAD}).SetMetadataURL(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func TestMetadataMovesTheVersionOnlyWhenKeysChange(t *testing.T) {
	o := contoso(t, sqldbtest.Memory(t))
	id, err := o.CreateAuthServer(t.Context(), org.NewAuthServer{Name: "EvoSts - x", Type: org.AzureAD, AuthMetadataURL: "https://localhost/f"})
	must(t, err)
	must(t, o.SetAuthServerMetadata(t.Context(), id, "https://localhost/f", "https://sts/t/", "t", []string{"AA=="}, start))
	v1, _ := o.Version(t.Context())
	must(t, o.SetAuthServerMetadata(t.Context(), id, "https://localhost/f", "https://sts/t/", "t", []string{"AA=="}, start.Add(time.Hour)))
	if v2, _ := o.Version(t.Context()); v2 != v1 {
		t.Errorf("the same keys moved the version from %d to %d", v1, v2)
	}
	c, err := o.Configuration(t.Context())
	must(t, err)
	if at := c.AuthServer(id).MetadataFetched; !at.Equal(start.Add(time.Hour)) {
		t.Errorf("fetched at %v", at)
	}
	must(t, o.SetAuthServerMetadata(t.Context(), id, "https://localhost/f", "https://sts/t/", "t", []string{"AA==", "BB=="}, start))
	if v3, _ := o.Version(t.Context()); v3 == v1 {
		t.Error("new keys did not move the version")
	}
	if err := o.SetAuthServerMetadata(t.Context(), id, "https://localhost/f", "https://sts/t/", "t", nil, start); err == nil {
		t.Error("metadata without keys replaced good ones")
	}
	// A fetch that was under way while an administrator named another document.
	_, _, err = o.Change(t.Context(), func(c *org.Configuration) error { return c.AuthServer(id).SetMetadataURL("https://localhost/other") })
	must(t, err)
	if err := o.SetAuthServerMetadata(t.Context(), id, "https://localhost/f", "https://sts/old/", "old", []string{"CC=="}, start); err == nil {
		t.Error("the document of the former URL replaced the trust")
	}
	c, err = o.Configuration(t.Context())
	must(t, err)
	if a := c.AuthServer(id); a.IssuerIdentifier != "https://sts/t/" || len(a.CertificateStrings) != 2 {
		t.Errorf("after a refused document: %+v", a)
	}
}

func TestServerTakesUp(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		if _, err := o.Server(t.Context(), "EX9"); !errors.Is(err, org.ErrNotFound) {
			t.Errorf("EX9: %v", err)
		}
		ex1, err := o.Server(t.Context(), "EX1")
		must(t, err)
		first := ex1.Snapshot()
		want := map[string]bool{"localhost:8441": true, "mail.contoso.com": true, "autodiscover.contoso.com": true}
		if len(first.Hosts) != len(want) {
			t.Errorf("hosts are %v", first.Hosts)
		}
		for h := range want {
			if !first.Hosts[h] {
				t.Errorf("host %s is missing", h)
			}
		}
		version, _, err := o.Change(t.Context(), func(c *org.Configuration) error {
			c.VirtualDirectory("EX1", org.Owa).OAuthAuthentication = true
			return nil
		})
		must(t, err)
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := o.WaitLive(short, version); err == nil || !strings.Contains(err.Error(), "ex2") {
			t.Errorf("EX2 does not run, and the wait says %v", err)
		}
		ex2, err := o.Server(t.Context(), "EX2")
		must(t, err)
		must(t, o.WaitLive(t.Context(), version))
		if first.VirtualDirectory(org.Owa).OAuthAuthentication || !ex1.Snapshot().VirtualDirectory(org.Owa).OAuthAuthentication {
			t.Error("the old snapshot changed, or the new one did not")
		}
		ex2.Close()
		live, err := o.LiveVirtualDirectories(t.Context(), guid.Nil)
		must(t, err)
		i := slices.IndexFunc(live, func(vd *org.VirtualDirectory) bool { return vd.Server == "EX1" && vd.Kind == org.Owa })
		if i < 0 || !live[i].OAuthAuthentication || len(live) != 2*len(org.Kinds) {
			t.Errorf("the live row does not say what EX1 runs")
		}
		must(t, o.RefreshServer(t.Context(), ""))
	})
}

func TestPeople(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		version := o.PeopleVersion()
		anna := org.NewRecipient("anna@contoso.com", "Änne Berg")
		anna.Addresses = []string{"smtp-first@contoso.com", "Anna@contoso.com", "ANNA.B@contoso.com"}
		anna.ObjectID = "11111111-2222-3333-4444-555555555555"
		a, err := o.CreateRecipient(t.Context(), anna)
		must(t, err)
		if !strings.HasPrefix(a.SID, "S-1-5-21-") || !strings.HasSuffix(a.SID, "-1104") || a.Addresses[0] != "anna@contoso.com" || len(a.Addresses) != 3 {
			t.Errorf("created %+v", a)
		}
		if o.PeopleVersion() == version {
			t.Error("a new person did not move the people version")
		}
		bob := org.NewRecipient("bob@contoso.com", "Bob")
		bob.Addresses = append(bob.Addresses, "anna.b@contoso.com")
		b, err := o.CreateRecipient(t.Context(), bob)
		must(t, err)

		builtin := org.NewRecipient("administrator@contoso.com", "Administrator")
		builtin.CriticalSystemObject, builtin.MailboxGUID = true, guid.Nil
		if r, err := o.CreateRecipient(t.Context(), builtin); err != nil || !strings.HasSuffix(r.SID, "-500") {
			t.Errorf("the built-in Administrator: %v, %v", r, err)
		}
		both, err := o.BySMTP(t.Context(), "Anna.B@Contoso.com")
		if err != nil || len(both) != 2 {
			t.Errorf("an address of two people finds %d, %v", len(both), err)
		}
		for what, find := range map[string]func() ([]*org.Recipient, error){
			"UPN":       func() ([]*org.Recipient, error) { return o.ByUPN(t.Context(), "ANNA@contoso.com") },
			"object id": func() ([]*org.Recipient, error) { return o.ByObjectID(t.Context(), strings.ToUpper(anna.ObjectID)) },
			"SID": func() ([]*org.Recipient, error) {
				r, err := o.BySID(t.Context(), a.SID)
				return []*org.Recipient{r}, err
			},
			"mailbox": func() ([]*org.Recipient, error) {
				r, err := o.ByMailbox(t.Context(), a.MailboxGUID)
				return []*org.Recipient{r}, err
			},
			"display name": func() ([]*org.Recipient, error) { return o.Find(t.Context(), "anne berg") },
			"DN": func() ([]*org.Recipient, error) {
				return o.Find(t.Context(), "CN=Änne Berg,CN=Users,DC=contoso,DC=com")
			},
			"account": func() ([]*org.Recipient, error) { return o.Find(t.Context(), `CONTOSO\anna`) },
		} {
			if list, err := find(); err != nil || len(list) != 1 || list[0].GUID != a.GUID {
				t.Errorf("by %s: %v, %v", what, list, err)
			}
		}
		// A modifier letter b is no b: what differs in the cloud differs here.
		if list, _ := o.Find(t.Context(), "bo\u1d47@contoso.com"); len(list) != 0 {
			t.Error("a foreign letter was folded")
		}
		if _, err := o.ByMailbox(t.Context(), guid.Nil); !errors.Is(err, org.ErrNotFound) {
			t.Errorf("the nil mailbox: %v", err)
		}

		version = o.PeopleVersion()
		changed, err := o.UpdateRecipient(t.Context(), b.GUID, func(r *org.Recipient) error { return nil })
		if err != nil || changed || o.PeopleVersion() != version {
			t.Errorf("an empty update: %v, %v", changed, err)
		}
		changed, err = o.UpdateRecipient(t.Context(), b.GUID, func(r *org.Recipient) error { r.Addresses = nil; r.Enabled = false; return nil })
		if err != nil || !changed || o.PeopleVersion() == version {
			t.Errorf("an update: %v, %v", changed, err)
		}
		if one, _ := o.BySMTP(t.Context(), "anna.b@contoso.com"); len(one) != 1 {
			t.Errorf("a removed address still finds %d", len(one))
		}

		var names []string
		for after := (*org.Recipient)(nil); ; {
			page, err := o.AllRecipients(t.Context(), after, 1)
			must(t, err)
			if len(page) == 0 {
				break
			}
			after = page[0]
			names = append(names, after.DisplayName)
		}
		if !slices.Equal(names, []string{"Administrator", "Änne Berg", "Bob"}) {
			t.Errorf("pages give %q", names)
		}
	})
}

// Many people with one password are made at once; who cannot be made is told, and the others are there.
func TestManyPeople(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		alice := org.NewRecipient("alice@contoso.com", "Alice Novak")
		again, nameless := alice, org.NewRecipient("nobody@contoso.com", "")
		bjorn := org.NewRecipient("bjorn@contoso.com", "Björn Lindqvist")
		bjorn.SID = "S-1-5-21-1-2-3-1105"
		twin := org.NewRecipient("twin@contoso.com", "Twin")
		twin.SID = bjorn.SID
		refused, err := o.CreateRecipients(t.Context(), []org.Recipient{alice, again, nameless, bjorn, twin}, "Lab-Password1")
		must(t, err)
		var rule *org.RuleError
		if len(refused) != 3 || !errors.Is(refused[1], org.ErrExists) || !errors.As(refused[2], &rule) || !errors.Is(refused[4], org.ErrExists) {
			t.Fatalf("refused: %v", refused)
		}
		for _, upn := range []string{"alice@contoso.com", "bjorn@contoso.com"} {
			who, err := o.VerifyPassword(t.Context(), upn, "Lab-Password1")
			must(t, err)
			if found, err := o.BySMTP(t.Context(), upn); err != nil || len(found) != 1 || found[0].SID != who.SID || who.SID == "" || who.LegacyDN == "" {
				t.Errorf("%s: %+v, %v", upn, found, err)
			}
			if _, _, err := o.PasswordHash(t.Context(), who.GUID); err != nil {
				t.Errorf("%s: %v", upn, err)
			}
		}
		if _, err := o.CreateRecipients(t.Context(), []org.Recipient{org.NewRecipient("late@contoso.com", "Late")}, ""); !errors.As(err, &rule) {
			t.Errorf("no password: %v", err)
		}
	})
}

func TestPersonLookupsUseIndexes(t *testing.T) {
	db := sqldbtest.Memory(t)
	contoso(t, db)
	for _, query := range []string{
		"SELECT body FROM person WHERE sid = $1 LIMIT 10", "SELECT body FROM person WHERE upn = $1 LIMIT 10",
		"SELECT body FROM person WHERE mailbox = $1 LIMIT 10", "SELECT body FROM person WHERE object_id = $1 LIMIT 10",
		"SELECT p.body FROM person_address a JOIN person p ON p.guid = a.person WHERE a.address = $1 LIMIT 10",
		"SELECT body FROM person WHERE (display, guid) > ($1, $1) ORDER BY display, guid LIMIT 5",
		"SELECT p.body FROM group_member m JOIN person p ON p.guid = m.member WHERE m.grp = $1 AND m.member > $1 ORDER BY m.member LIMIT 5",
		"SELECT p.body FROM group_member m JOIN person p ON p.guid = m.grp WHERE m.member = $1 AND m.grp > $1 ORDER BY m.grp LIMIT 5",
	} {
		plan, err := db.Explain(t.Context(), query, "x")
		must(t, err)
		for _, line := range plan {
			if strings.Contains(line, "SCAN") || strings.Contains(line, "TEMP B-TREE") {
				t.Errorf("%s: %s", query, line)
			}
		}
	}
}

func TestPasswords(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		a, err := o.CreateRecipient(t.Context(), org.NewRecipient("anna@contoso.com", "Anna"))
		must(t, err)
		secret := strings.Repeat("long ", 30) + "pässword"
		if _, err := o.VerifyPassword(t.Context(), "anna@contoso.com", ""); err != org.ErrPassword {
			t.Errorf("no password yet, none given: %v", err)
		}
		must(t, o.SetPassword(t.Context(), a.GUID, secret))
		for _, login := range []string{"ANNA@contoso.com", `contoso\anna`, `CONTOSO.COM\Anna`, "Anna", `\anna`} {
			if r, err := o.VerifyPassword(t.Context(), login, secret); err != nil || r.GUID != a.GUID {
				t.Errorf("%s: %v", login, err)
			}
		}
		for login, password := range map[string]string{"anna@contoso.com": secret + "x", "nobody@contoso.com": secret, `fabrikam\anna`: secret, "": ""} {
			if _, err := o.VerifyPassword(t.Context(), login, password); err != org.ErrPassword {
				t.Errorf("%q: %v", login, err)
			}
		}
		pph1, at, err := o.PasswordHash(t.Context(), a.GUID)
		if err != nil || !strings.HasPrefix(pph1, "v1;PPH1_MD4,") || !at.Equal(start) {
			t.Errorf("%q, %v, %v", pph1, at, err)
		}
		if at, err := o.PasswordChanged(t.Context(), a.GUID); err != nil || !at.Equal(start) {
			t.Errorf("changed %v, %v", at, err)
		}
		if _, err := o.PasswordChanged(t.Context(), guid.New()); !errors.Is(err, org.ErrNotFound) {
			t.Errorf("nobody's password: %v", err)
		}
		_, err = o.UpdateRecipient(t.Context(), a.GUID, func(r *org.Recipient) error { r.Enabled = false; return nil })
		must(t, err)
		if _, err := o.VerifyPassword(t.Context(), "anna@contoso.com", secret); err != org.ErrPassword {
			t.Errorf("a disabled person: %v", err)
		}
	})
}

// TestNTHash holds when the NT hash is there: only while some virtual directory takes NTLM,
// bare or inside Negotiate; afterwards the first right password makes it again.
func TestNTHash(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		ctx := t.Context()
		a, err := o.CreateRecipient(ctx, org.NewRecipient("anna@contoso.com", "Anna"))
		must(t, err)
		windows := func(on bool, but ...org.Kind) {
			t.Helper()
			_, _, err := o.Change(ctx, func(c *org.Configuration) error {
				for _, vd := range c.VirtualDirectories {
					keep := on || slices.Contains(but, vd.Kind)
					vd.WindowsAuthentication = keep && vd.Kind != org.Mapi && vd.Kind != org.PowerShell
					if vd.Kind == org.Mapi {
						vd.IISAuthenticationMethods = []org.Method{org.MethodOAuth}
						if keep {
							vd.IISAuthenticationMethods = []org.Method{org.MethodOAuth, org.MethodNtlm}
						}
					}
				}
				return nil
			})
			must(t, err)
		}
		kept := func() bool {
			t.Helper()
			var box []byte
			must(t, db.QueryRow(ctx, "SELECT nt FROM person_password WHERE person = $1", a.GUID.String()).Scan(&box))
			if hash := ntlm.HashPassword("secret"); bytes.Contains(box, hash[:]) {
				t.Error("the hash is not sealed")
			}
			return box != nil
		}
		signIn := func(login, password string) (calls int, err error) {
			r, err := o.VerifyNT(ctx, login, func(h ntlm.Hash) bool { calls++; return h == ntlm.HashPassword(password) })
			if (err == nil) != (r != nil) || err == nil && r.GUID != a.GUID {
				t.Errorf("%s: %v, %v", login, r, err)
			}
			return calls, err
		}

		must(t, o.SetPassword(ctx, a.GUID, "secret"))
		for _, login := range []string{"ANNA@contoso.com", `CONTOSO\anna`, `contoso.com\anna`, "anna", `\anna`} {
			if _, err := signIn(login, "secret"); err != nil {
				t.Errorf("%s: %v", login, err)
			}
		}
		for login, password := range map[string]string{"anna": "other", "nobody": "secret", `FABRIKAM\anna`: "secret"} {
			if calls, err := signIn(login, password); err != org.ErrPassword || calls != 1 {
				t.Errorf("%s: %v after %d checks", login, err, calls)
			}
		}
		windows(false, org.Mapi)
		if !kept() {
			t.Error("erased while MAPI takes NTLM")
		}
		windows(false)
		if kept() {
			t.Error("kept although nothing takes NTLM")
		}
		if calls, err := signIn("anna", "secret"); err != org.ErrPassword || calls != 1 {
			t.Errorf("without a hash: %v after %d checks", err, calls)
		}
		_, err = o.VerifyPassword(ctx, "anna", "secret")
		must(t, err)
		must(t, o.SetPassword(ctx, a.GUID, "secret"))
		if kept() {
			t.Error("made although nothing takes NTLM")
		}
		windows(true)
		if kept() {
			t.Error("where should it come from?")
		}
		if _, err := o.VerifyPassword(ctx, "anna", "wrong"); err != org.ErrPassword || kept() {
			t.Errorf("after a wrong password: %v, kept %t", err, kept())
		}
		_, err = o.VerifyPassword(ctx, "anna", "secret")
		must(t, err)
		if _, err := signIn("anna", "secret"); err != nil || !kept() {
			t.Errorf("after a right password: %v", err)
		}
		_, err = o.UpdateRecipient(ctx, a.GUID, func(r *org.Recipient) error { r.Enabled = false; return nil })
		must(t, err)
		if _, err := signIn("anna", "secret"); err != org.ErrPassword {
			t.Errorf("a disabled person: %v", err)
		}
	})
}

func TestPPH1(t *testing.T) {
	got, err := org.PPH1("Password1!", []byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 0xff})
	must(t, err)
	if want := "v1;PPH1_MD4,000102030405060708ff,1000,939a057e5bc3fa3af818477c8343897d8a9b3a5eeb5dea8dc106586196e4bbaf;"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOAuthCertificate(t *testing.T) {
	o := contoso(t, sqldbtest.Memory(t))
	thumbprint, err := o.CreateOAuthCertificate(t.Context(), start, start.AddDate(5, 0, 0))
	must(t, err)
	c, err := o.Configuration(t.Context())
	must(t, err)
	if c.Auth.CurrentCertificateThumbprint != thumbprint || len(c.Certificates) != 2 {
		t.Fatalf("AuthConfig names %s on %d servers", c.Auth.CurrentCertificateThumbprint, len(c.Certificates))
	}
	x, err := c.Certificates[0].X509()
	must(t, err)
	key, err := o.CertificateKey(t.Context(), strings.ToLower(thumbprint))
	must(t, err)
	if pub, ok := key.Public().(*rsa.PublicKey); !ok || !pub.Equal(x.PublicKey) {
		t.Error("the key is not the certificate's")
	}
	if x.NotAfter.Year() != 2031 {
		t.Errorf("valid until %v", x.NotAfter)
	}
}

// state is OWA's and ECP's methods of one server in a short form: o for old ones on, T for OAuth.
func state(c *org.Configuration) string {
	s := ""
	for _, kind := range []org.Kind{org.Owa, org.Ecp} {
		vd := c.VirtualDirectory("EX1", kind)
		if vd.Legacy() {
			s += "o"
		}
		if vd.OAuthAuthentication {
			s += "T"
		}
		s += "/"
	}
	return s
}

// TestSignInOrder walks every single step from every state and compares with the how-to's order and its mirror.
func TestSignInOrder(t *testing.T) {
	type step struct {
		kind  org.Kind
		oauth bool // the switch that the step sets, else the old methods
		on    bool
	}
	allowed := map[string]bool{}
	for _, owaOld := range []bool{true, false} {
		for _, ecpOld := range []bool{true, false} {
			for _, owaNew := range []bool{true, false} {
				for _, ecpNew := range []bool{true, false} {
					for _, st := range []step{{org.Owa, false, true}, {org.Owa, false, false}, {org.Owa, true, true}, {org.Owa, true, false},
						{org.Ecp, false, true}, {org.Ecp, false, false}, {org.Ecp, true, true}, {org.Ecp, true, false}} {
						c := &org.Configuration{Servers: []*org.Server{{Name: "EX1", Version: org.MinimumSignIn}}, VirtualDirectories: []*org.VirtualDirectory{
							{Server: "EX1", Kind: org.Owa, Name: "owa", BasicAuthentication: owaOld, OAuthAuthentication: owaNew},
							{Server: "EX1", Kind: org.Ecp, Name: "ecp", BasicAuthentication: ecpOld, OAuthAuthentication: ecpNew}}}
						from := state(c)
						vd := c.VirtualDirectory("EX1", st.kind)
						before := *vd
						if st.oauth {
							vd.OAuthAuthentication = st.on
						} else {
							vd.BasicAuthentication = st.on
						}
						if state(c) != from {
							allowed[from+" to "+state(c)] = org.CheckSignIn(c, &before, vd) == nil
						}
					}
				}
			}
		}
	}
	way := []string{"o/o/", "/o/", "//", "/T/", "T/T/"}
	for i := range len(way) - 1 {
		for _, move := range []string{way[i] + " to " + way[i+1], way[i+1] + " to " + way[i]} {
			if !allowed[move] {
				t.Errorf("%s is refused", move)
			}
		}
	}
	for _, move := range []string{"o/o/ to o//", "o/o/ to oT/o/", "o/o/ to o/oT/", "// to T//", "/o/ to T/o/", "/o/ to /oT/", "T/T/ to T//", "T/T/ to oT/T/", "T/T/ to T/oT/"} {
		if ok, known := allowed[move]; ok || !known {
			t.Errorf("%s: allowed %v, known %v; it must be refused", move, ok, known)
		}
	}
}

func TestPublicHost(t *testing.T) {
	for authority, want := range map[string]string{
		"Mail.Contoso.com": "mail.contoso.com", "MAIL.contoso.com:443": "mail.contoso.com", "localhost:8443": "localhost:8443",
		"[::1]:443": "[::1]", "mail.contoso.com:4430": "mail.contoso.com:4430", "": "", "mail.contoso.com.": "mail.contoso.com.", "\u212aing.test": "\u212aing.test",
	} {
		if got := org.PublicHost(authority); got != want {
			t.Errorf("%q gives %q, want %q", authority, got, want)
		}
	}
}

// TestListsKeepTheirOrder adds, renames, changes and removes in one change, and reads what is kept and what is stored.
func TestListsKeepTheirOrder(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		names := func(o *org.Organization) string {
			c, err := o.Configuration(t.Context())
			must(t, err)
			list := ""
			for _, p := range c.Policies {
				list += p.Name + " "
			}
			return list
		}
		for _, step := range []struct {
			want string
			fn   func(c *org.Configuration)
		}{
			{"A C D ", func(c *org.Configuration) {
				for _, n := range []string{"D", "A", "C"} {
					c.Policies = append(c.Policies, &org.AuthenticationPolicy{Name: n})
				}
			}},
			{"A B D ", func(c *org.Configuration) { c.Policies[1].Name = "B" }},
			{"B D E ", func(c *org.Configuration) {
				c.Policies = append(c.Policies[1:], &org.AuthenticationPolicy{Name: "E"})
			}},
			{"F ", func(c *org.Configuration) { c.Policies = c.Policies[2:]; c.Policies[0].Name = "F" }},
		} {
			before, err := o.Configuration(t.Context())
			must(t, err)
			was := len(before.Policies)
			_, changed, err := o.Change(t.Context(), func(c *org.Configuration) error { step.fn(c); return nil })
			if err != nil || !changed || len(before.Policies) != was {
				t.Fatalf("changed %v, %v; %d policies where %d were read before", changed, err, len(before.Policies), was)
			}
			if here, there := names(o), names(open(t, db)); here != step.want || there != step.want {
				t.Errorf("kept %q, stored %q, want %q", here, there, step.want)
			}
		}
	})
}

// TestDrift changes IIS behind the directory's back: the server obeys, the directory does not know, a Set mends it.
func TestDrift(t *testing.T) {
	sqldbtest.Each(t, func(t *testing.T, db *sqldb.DB) {
		o := contoso(t, db)
		ex2, err := o.Server(t.Context(), "EX2")
		must(t, err)
		state := func() string {
			c, err := o.Configuration(t.Context())
			must(t, err)
			live, err := o.LiveVirtualDirectories(t.Context(), c.Server("EX2").GUID)
			must(t, err)
			i := slices.IndexFunc(live, func(vd *org.VirtualDirectory) bool { return vd.Kind == org.Oab })
			return strconv.FormatBool(c.VirtualDirectory("EX2", org.Oab).OAuth()) + " " + strconv.FormatBool(live[i].OAuth()) + " " +
				strconv.FormatBool(ex2.Snapshot().VirtualDirectory(org.Oab).OAuth())
		}
		off := func(vd *org.VirtualDirectory) { vd.OAuthAuthentication = false }
		must(t, o.ChangeIIS(t.Context(), "EX2", org.Oab, off))
		must(t, o.ChangeIIS(t.Context(), "ex2", org.Oab, func(vd *org.VirtualDirectory) { vd.BasicAuthentication = true }))
		if got := state(); got != "true false false" {
			t.Errorf("directory, recorded, running: %s", got)
		}
		must(t, o.RefreshServer(t.Context(), "EX2"))
		if got := state(); got != "true false false" {
			t.Errorf("after a restart: %s", got)
		}
		_, changed, err := o.Change(t.Context(), func(c *org.Configuration) error {
			c.WriteIIS(c.VirtualDirectory("EX2", org.Oab))
			return nil
		})
		if err != nil || !changed {
			t.Errorf("a Set to what the directory says changes IIS: %v, %v", changed, err)
		}
		must(t, ex2.Refresh(t.Context()))
		if got := state(); got != "true true true" {
			t.Errorf("after a Set: %s", got)
		}
		if err := o.ChangeIIS(t.Context(), "EX9", org.Oab, off); !errors.Is(err, org.ErrNotFound) {
			t.Errorf("EX9: %v", err)
		}
	})
}
