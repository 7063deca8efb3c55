package org_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hma/exchange/org"
	"hma/internal/sealed"
	"hma/internal/sqldb/sqldbtest"
)

// howTo is the file with the how-to's two lines.
const howTo = `<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <configSections><section name="x"/></configSections>
  <appSettings>
    <!-- a remark -->
    <add key="Other" value="1"/>
    <add key="OAuthHttpModule.ConvertToSidBasedIdentity" value="true"/>
    <add key="OAuthHttpModule.UseMasterAccountSid" value="true"/>
  </appSettings>
  <system.web><appSettings><add key="Elsewhere" value="true"/></appSettings></system.web>
</configuration>`

func TestParseWebConfig(t *testing.T) {
	settings, err := org.ParseWebConfig([]byte("\ufeff" + howTo))
	must(t, err)
	if !settings.True("oauthhttpmodule.convertToSidBasedIdentity") || !settings.True("OAuthHttpModule.UseMasterAccountSid") || settings.True("Elsewhere") || len(settings) != 3 {
		t.Errorf("settings are %v", settings)
	}
	const open, end = "<configuration><appSettings>", "</appSettings></configuration>"
	for text, want := range map[string]int{
		"<configuration/>": 0, open + `<add key="a" value="b"/><add key="A" value="c"/>` + end: 1,
		open + `<add key="a" value="b"/><clear/><add key="c" value=""/>` + end: 1, open + `<add key="a" value="b"/><remove key="A"/>` + end: 0,
	} {
		if s, err := org.ParseWebConfig([]byte(text)); err != nil || len(s) != want {
			t.Errorf("%s: %v, %v", text, s, err)
		}
	}
	for _, bad := range []string{"", "x", "<configuration>", "<configuration></appSettings>", "<other/>", "<configuration/><configuration/>",
		open + `<add value="b"/>` + end, open + `<ad key="a"/>` + end, `<!DOCTYPE c [<!ENTITY e "x">]><configuration/>`, open + `<add key="&e;"/>` + end,
		howTo + strings.Repeat(" ", 1<<20)} {
		if s, err := org.ParseWebConfig([]byte(bad)); err == nil {
			t.Errorf("%.60q gives %v", bad, s)
		}
	}
}

func FuzzParseWebConfig(f *testing.F) {
	f.Add([]byte(howTo))
	f.Add([]byte("<configuration><appSettings><clear/></appSettings></configuration>"))
	f.Fuzz(func(t *testing.T, text []byte) {
		settings, err := org.ParseWebConfig(text)
		if err != nil && settings != nil {
			t.Error("settings beside an error")
		}
		for name := range settings {
			if name == "" {
				t.Error("a setting without a name")
			}
		}
	})
}

// TestWebConfigIsTakenUp edits the file of one server: the change is there after the pick-up, a broken file counts as none.
func TestWebConfigIsTakenUp(t *testing.T) {
	dir := t.TempDir()
	install := func(server string) string { return filepath.Join(dir, server) }
	o, err := org.Open(t.Context(), sqldbtest.Memory(t), org.Options{Now: func() time.Time { return start }, PickUp: time.Millisecond,
		Key: sealed.New(), PasswordCost: bcrypt.MinCost, InstallPath: install})
	must(t, err)
	t.Cleanup(o.Close)
	must(t, o.CreateOrganization(t.Context(), org.NewOrganization{Name: "Contoso", Domain: "contoso.com"}))
	must(t, o.CreateServer(t.Context(), org.NewServer{Name: "EX1", FQDN: "ex1.contoso.com", Version: org.MinimumSignIn}))
	must(t, org.InstallWebConfig(install("EX1")))
	ex1, err := o.Server(t.Context(), "EX1")
	must(t, err)
	path := filepath.Join(install("EX1"), "ClientAccess", "Owa", "web.config")
	for _, step := range []struct {
		text string
		want bool
	}{{howTo, true}, {"<configuration", false}, {howTo + "\n", true}} {
		must(t, os.WriteFile(path, []byte(step.text), 0o600))
		for deadline := time.Now().Add(10 * time.Second); ex1.Snapshot().OwaSettings.True("OAuthHttpModule.UseMasterAccountSid") != step.want; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%.20s was not taken up", step.text)
			}
		}
	}
	if ex1.Snapshot().MasterAccounts() {
		t.Error("without the override")
	}
	must(t, org.InstallWebConfig(install("EX1")))
	if text, _ := os.ReadFile(path); string(text) != howTo+"\n" {
		t.Error("an edited file was replaced")
	}
}
