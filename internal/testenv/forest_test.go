package testenv

import (
	"html"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hma/client/mail"
	"hma/lab"
)

const howToSettings = `<configuration><appSettings>
<add key="OAuthHttpModule.ConvertToSidBasedIdentity" value="true"/>
<add key="OAuthHttpModule.UseMasterAccountSid" value="true"/>
</appSettings></configuration>`

// TestResourceForest turns modern authentication on where all mailboxes are linked ones, and has download domains in
// use: OWA and ECP open only with step 9 of the how-to done, downloads only with step 8.
func TestResourceForest(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e := Start(t, lab.Options{Dir: dir, Forest: true, Servers: []lab.Server{{Name: "EX1", Build: lab.DefaultBuild}}, Messages: 60})
	e.Enable(t)
	c := clientOf(t, e)
	user := e.User("user")
	const origin = "https://mail.contoso.com"
	token := e.Token(t, user, origin)
	browser := c.Pages(e.Endpoints.Cloud, user.UPN, user.Password).Posted
	opened := func() string {
		t.Helper()
		list := ""
		for _, d := range doors(origin) {
			var h mail.Handshake
			if d.Protocol.Browser() {
				all := c.SignIn(t.Context(), d, browser)
				h = all[len(all)-1]
			} else {
				h = c.Present(t.Context(), d, mail.Credential{Token: token})
			}
			if h.Accepted {
				list += string(d.Protocol) + " "
			}
		}
		return strings.TrimSpace(list)
	}
	refresh := func() { e.Run(t, "Restart-Service", "Name", []string{"W3SVC", "WAS"}, "Force", true) }
	mailDoors := "Autodiscover MAPI EWS ActiveSync OAB"
	override := func(name, section string) {
		e.Run(t, "New-SettingOverride", "Name", name, "Component", "OAuth", "Section", section, "Parameters", []string{"Enabled=true"}, "Reason", "test")
		refresh()
	}
	if got := opened(); got != mailDoors {
		t.Errorf("without step 9: %s", got)
	}
	override("OWA HMA AFRF Support", "OwaHMAFixForAfRfScenarios")
	if got := opened(); got != mailDoors {
		t.Errorf("with the override alone: %s", got)
	}
	if err := os.WriteFile(filepath.Join(dir, "EX1", "ClientAccess", "Owa", "web.config"), []byte(howToSettings), 0o600); err != nil {
		t.Fatal(err)
	}
	refresh()
	if got := opened(); got != mailDoors+" OWA ECP" {
		t.Errorf("with step 9: %s", got)
	}

	e.Run(t, "Set-OwaVirtualDirectory", "Identity", `EX1\owa (Default Web Site)`, "ExternalDownloadHostName", "download.contoso.com")
	e.Run(t, "Set-OrganizationConfig", "EnableDownloadDomains", true)
	refresh()
	link := func() string {
		t.Helper()
		home := homePage(t, e, origin+"/owa", browser)
		found := regexp.MustCompile(`href="(https://download\.contoso\.com/owa/attachments/[^"]+)"`).FindSubmatch(home)
		if found == nil {
			t.Fatalf("no link to the download host in\n%s", home)
		}
		return html.UnescapeString(string(found[1]))
	}
	for _, want := range []int{http.StatusUnauthorized, http.StatusOK} {
		resp, body := ask(t, e.HTTP, http.MethodGet, link(), nil, nil)
		if resp.StatusCode != want || want == http.StatusOK && (len(body) == 0 || !strings.HasPrefix(resp.Header.Get("Content-Disposition"), "attachment")) {
			t.Errorf("download: %d %v", resp.StatusCode, resp.Header)
		}
		if want != http.StatusOK {
			override("OWA HMA Download Domain Support", "OAuthIdentityCacheFixForDownloadDomains")
		}
	}
	if resp, _ := ask(t, e.HTTP, http.MethodGet, "https://download.contoso.com/owa/", nil, nil); resp.StatusCode != http.StatusNotFound {
		t.Errorf("the download host serves OWA: %d", resp.StatusCode)
	}
}

// homePage signs in at the door and returns its page.
func homePage(t *testing.T, e *Env, door string, browser mail.Browser) []byte {
	t.Helper()
	away, _ := ask(t, e.HTTP, http.MethodGet, door+"/", nil, nil)
	form, err := browser(t.Context(), away.Header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	cookies := func(resp *http.Response) http.Header {
		h := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		for _, c := range resp.Cookies() {
			if c.MaxAge >= 0 {
				h.Add("Cookie", c.Name+"="+c.Value)
			}
		}
		return h
	}
	back, _ := ask(t, e.HTTP, http.MethodPost, door, cookies(away), strings.NewReader(form.Values.Encode()))
	_, page := ask(t, e.HTTP, http.MethodGet, door+"/", cookies(back), nil)
	return page
}
