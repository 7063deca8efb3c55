package witness

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"hma/internal/testenv"
)

// A browser is a headless Chromium, driven by chromedriver (W3C WebDriver over
// plain HTTP). It trusts the lab's authority through its own certificate
// database and finds the lab's names by a resolver rule.
type browser struct {
	t       *testing.T
	session string // URL of the WebDriver session
}

var driverReady = regexp.MustCompile(`started successfully on port (\d+)`)

// openBrowser starts a browser with an empty profile, ended with the test.
func openBrowser(t *testing.T, e *testenv.Env) *browser {
	t.Helper()
	need(t, "chromium", "chromedriver", "certutil")
	home := t.TempDir()
	database := filepath.Join(home, ".pki", "nssdb")
	if err := os.MkdirAll(database, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"-N", "--empty-password"}, {"-A", "-t", "C,,", "-n", "lab", "-i", e.Endpoints.CA}} {
		if out, err := exec.Command("certutil", append([]string{"-d", "sql:" + database}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("certutil %s: %v\n%s", args[0], err, out)
		}
	}
	driver := exec.Command("chromedriver", "--port=0")
	driver.Env = append(os.Environ(), "HOME="+home, "XDG_DATA_HOME=", "XDG_CONFIG_HOME=", "XDG_CACHE_HOME=")
	out, err := driver.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := driver.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		driver.Process.Kill() // the session has ended before
		driver.Wait()
	})
	port := make(chan string, 1)
	go func() {
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := driverReady.FindStringSubmatch(lines.Text()); m != nil {
				port <- m[1]
			}
		}
	}()
	b := &browser{t: t}
	select {
	case p := <-port:
		b.session = "http://127.0.0.1:" + p
	case <-time.After(20 * time.Second):
		t.Fatal("chromedriver did not start")
	}
	var rules []string
	for name, at := range e.Endpoints.Names {
		rules = append(rules, "MAP "+name+":443 "+at)
	}
	args := []string{"--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--no-proxy-server", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--user-data-dir=" + filepath.Join(home, "profile"), "--host-resolver-rules=" + strings.Join(rules, ",")}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ SessionID string }
	b.call("POST", "/session", map[string]any{"capabilities": map[string]any{"alwaysMatch": map[string]any{"acceptInsecureCerts": false,
		"goog:chromeOptions": map[string]any{"binary": chromium, "args": args}}}}, &made)
	b.session += "/session/" + made.SessionID
	t.Cleanup(func() { b.call("DELETE", "", nil, nil) })
	return b
}

// call sends one WebDriver command; an error of the browser ends the test.
func (b *browser) call(method, path string, body, into any) {
	b.t.Helper()
	var data io.Reader
	if method == "POST" {
		if body == nil {
			body = map[string]any{}
		}
		text, err := json.Marshal(body)
		if err != nil {
			b.t.Fatal(err)
		}
		data = bytes.NewReader(text)
	}
	req, err := http.NewRequest(method, b.session+path, data)
	if err != nil {
		b.t.Fatal(err)
	}
	client := http.Client{Timeout: time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	answer := struct{ Value json.RawMessage }{}
	if err := json.Unmarshal(text, &answer); err != nil || resp.StatusCode != http.StatusOK {
		b.t.Fatalf("WebDriver %s %s: %d %.800s", method, path, resp.StatusCode, text)
	}
	if into != nil {
		if err := json.Unmarshal(answer.Value, into); err != nil {
			b.t.Fatalf("WebDriver %s %s: %v", method, path, err)
		}
	}
}

// open visits a URL and waits for the page.
func (b *browser) open(url string) {
	b.t.Helper()
	b.call("POST", "/url", map[string]string{"url": url}, nil)
}

// at returns the address of the page.
func (b *browser) at() (url string) {
	b.t.Helper()
	b.call("GET", "/url", nil, &url)
	return url
}

// text returns what a person reads on the page.
func (b *browser) text() (text string) {
	b.t.Helper()
	b.run("return document.body ? document.body.innerText : ''", &text)
	return text
}

// run runs a script in the page.
func (b *browser) run(script string, into any) {
	b.t.Helper()
	b.call("POST", "/execute/sync", map[string]any{"script": script, "args": []any{}}, into)
}

// find returns the element of a CSS selector.
func (b *browser) find(selector string) string {
	b.t.Helper()
	element := map[string]string{}
	b.call("POST", "/element", map[string]string{"using": "css selector", "value": selector}, &element)
	for _, id := range element {
		return id
	}
	b.t.Fatalf("no element %s", selector)
	return ""
}

// fill types into a field, in place of what is there.
func (b *browser) fill(selector, text string) {
	b.t.Helper()
	id := b.find(selector)
	b.call("POST", "/element/"+id+"/clear", nil, nil)
	b.call("POST", "/element/"+id+"/value", map[string]string{"text": text}, nil)
}

// click clicks an element and waits for the page that follows.
func (b *browser) click(selector string) {
	b.t.Helper()
	b.call("POST", "/element/"+b.find(selector)+"/click", nil, nil)
}

// arrive waits until the address begins with the URL and the page holds the text.
func (b *browser) arrive(url, text string) {
	b.t.Helper()
	for deadline := time.Now().Add(15 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		at, shown := b.at(), b.text()
		if strings.HasPrefix(at, url) && strings.Contains(shown, text) {
			return
		}
		if time.Now().After(deadline) {
			b.shoot("failed")
			b.t.Fatalf("the browser is at %s and shows\n%s\nwant %s and %q", at, shown, url, text)
		}
	}
}

// screens are those that pages are looked at on.
var screens = []struct {
	name          string
	width, height int
	scheme        string
}{{"desktop", 1200, 800, "light"}, {"phone", 390, 844, "light"}, {"phone-dark", 390, 844, "dark"}}

// shoot keeps pictures of the page in the folder HMA_SCREENSHOTS, when there is one,
// and holds that no page is wider than a phone's screen.
func (b *browser) shoot(name string) {
	b.t.Helper()
	folder := os.Getenv("HMA_SCREENSHOTS")
	devtools := func(command string, parameters map[string]any) {
		b.t.Helper()
		b.call("POST", "/goog/cdp/execute", map[string]any{"cmd": command, "params": parameters}, nil)
	}
	for _, s := range screens {
		devtools("Emulation.setDeviceMetricsOverride", map[string]any{"width": s.width, "height": s.height, "deviceScaleFactor": 1, "mobile": s.width < 1000})
		devtools("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{{"name": "prefers-color-scheme", "value": s.scheme}}})
		var wide int
		b.run("return document.documentElement.scrollWidth", &wide)
		if wide > s.width {
			b.t.Errorf("%s is %d pixels wide on a %s of %d", name, wide, s.name, s.width)
		}
		if folder == "" {
			continue
		}
		var picture string
		b.call("GET", "/screenshot", nil, &picture)
		data, err := base64.StdEncoding.DecodeString(picture)
		if err != nil {
			b.t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s-%s.png", name, s.name)), data, 0o644); err != nil {
			b.t.Fatal(err)
		}
	}
	devtools("Emulation.clearDeviceMetricsOverride", map[string]any{})
	devtools("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{}})
}
