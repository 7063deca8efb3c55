package witness

import (
	"bufio"
	"context"
	"crypto/sha1" // the form in which DavMail names a certificate
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hma/internal/testenv"
)

// davMail is a running gateway from IMAP, SMTP and CalDAV to the lab's EWS.
type davMail struct {
	imap, smtp, caldav int
	work               string
	user               string
}

// davMailClasses are Debian's jars for it.
const davMailClasses = "/usr/share/davmail/davmail.jar:/usr/share/java/*"

// startDavMail compiles the class that gives DavMail the lab's token and starts
// the gateway on free ports.
func startDavMail(t *testing.T, e *testenv.Env) *davMail {
	t.Helper()
	need(t, "java", "javac", "davmail")
	d := &davMail{work: t.TempDir(), user: e.User("user").UPN}
	file := func(name string) string { return filepath.Join(d.work, name) }
	classes := file("classes")
	if out, err := exec.Command("javac", "-nowarn", "-cp", davMailClasses, "-d", classes, "davmail/davmail/exchange/auth/LabAuthenticator.java").CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	origin := e.Endpoints.Servers[0].URL
	if err := os.MkdirAll(file("tokens"), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, file("tokens/"+d.user), curlAsks(t, e, origin))
	for _, port := range []*int{&d.imap, &d.smtp, &d.caldav} {
		*port = freePort(t)
	}
	settings := []string{
		"davmail.server=true", "davmail.mode=O365Manual", "davmail.authenticator=davmail.exchange.auth.LabAuthenticator",
		"davmail.url=" + origin + "/EWS/Exchange.asmx", "davmail.server.certificate.hash=" + fingerprint(t, e, origin),
		"hma.tokens=" + file("tokens"), "davmail.bindAddress=127.0.0.1", "davmail.popPort=", "davmail.ldapPort=",
		fmt.Sprint("davmail.imapPort=", d.imap), fmt.Sprint("davmail.smtpPort=", d.smtp), fmt.Sprint("davmail.caldavPort=", d.caldav),
		// With it DavMail puts a blank into the answer to SELECT of a folder with more than 500 messages.
		"davmail.enableKeepAlive=false", "davmail.disableUpdateCheck=true", "log4j.rootLogger=WARN", "log4j.logger.davmail=DEBUG",
		"davmail.logFilePath=" + file("davmail.log"),
	}
	write(t, file("davmail.properties"), strings.Join(settings, "\n")+"\n")
	ctx, stop := context.WithCancel(t.Context())
	gateway := exec.CommandContext(ctx, "java", "-Djava.awt.headless=true", "-Xmx512m", "-cp", classes+":"+davMailClasses, "davmail.DavGateway", "-notray", file("davmail.properties"))
	if err := gateway.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		gateway.Wait() // killed: the error says so
		if log, err := os.ReadFile(file("davmail.log")); err == nil && t.Failed() {
			t.Logf("DavMail's log ends:\n%s", tail(string(log), 80))
		}
	})
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", d.imap))
		if err == nil {
			c.SetReadDeadline(time.Now().Add(20 * time.Second))
			_, err = bufio.NewReader(c).ReadString('\n') // its greeting: it has asked EWS
			c.Close()
			if err == nil {
				return d
			}
		}
		if time.Since(begun) > time.Minute {
			t.Fatalf("DavMail does not listen: %v", err)
		}
	}
}

// davMailMirror has mbsync mirror a folder both ways through DavMail. HMA_WITNESS_MESSAGES
// says with how many messages (200).
func davMailMirror(t *testing.T, d *davMail) {
	needPython(t, "imaplib")
	need(t, "mbsync")
	count := os.Getenv("HMA_WITNESS_MESSAGES")
	if count == "" {
		count = "200"
	}
	lines := script(t, map[string]string{"HMA_IMAP": strconv.Itoa(d.imap), "HMA_SMTP_PORT": strconv.Itoa(d.smtp), "HMA_USER": d.user,
		"HMA_COUNT": count, "HMA_WORK": filepath.Join(d.work, "mirror")}, python, "davmail/mirror.py")
	expect(t, lines, "ok mirror there and back", "ok changes on both sides", "ok search, copy, move, folders", "ok send by SMTP", "ok all")
}

// davMailCalendar has curl keep a recurring meeting by CalDAV.
func davMailCalendar(t *testing.T, d *davMail) {
	need(t, "curl", python)
	lines := script(t, map[string]string{"HMA_CALDAV": strconv.Itoa(d.caldav), "HMA_USER": d.user}, python, "davmail/caldav.py")
	expect(t, lines, "ok calendar found", "ok recurring meeting written", "ok recurring meeting read", "ok meeting found by time", "ok recurring meeting changed", "ok recurring meeting deleted", "ok all")
}

// fingerprint is the SHA-1 of a server's certificate as DavMail writes it.
func fingerprint(t *testing.T, e *testenv.Env, origin string) string {
	t.Helper()
	u, err := url.Parse(origin)
	if err != nil {
		t.Fatal(err)
	}
	c, err := tls.Dial("tcp", u.Host, e.HTTP.Transport.(*http.Transport).TLSClientConfig.Clone())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	sum := sha1.Sum(c.ConnectionState().PeerCertificates[0].Raw)
	return strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":")
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
