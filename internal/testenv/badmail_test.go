package testenv

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"hma/lab"
)

// TestBadMail says to the LMTP listener what no relay would: each line has its own
// error, the conversation goes on, and mail that is too large costs no memory.
func TestBadMail(t *testing.T) {
	e := Start(t, lab.Options{Messages: 5})
	to := e.User("user").UPN
	talk := func(t *testing.T) (say func(line string) string, conn net.Conn) {
		t.Helper()
		conn, err := net.Dial("tcp", e.Endpoints.LMTP)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
		conn.SetDeadline(time.Now().Add(30 * time.Second))
		in := bufio.NewReader(conn)
		hear := func() string {
			var all strings.Builder
			for {
				line, err := in.ReadString('\n')
				all.WriteString(line)
				if err != nil || len(line) < 4 || line[3] != '-' {
					return all.String()
				}
			}
		}
		hear()
		return func(line string) string {
			if _, err := io.WriteString(conn, line); err != nil {
				return err.Error()
			}
			return hear()
		}, conn
	}
	want := func(t *testing.T, answer, code string) {
		t.Helper()
		if !strings.HasPrefix(answer, code) {
			t.Errorf("answered %q, want %s", answer, code)
		}
	}
	begin := func(t *testing.T, say func(string) string) {
		t.Helper()
		want(t, say("LHLO relay.example\r\n"), "250")
		want(t, say("MAIL FROM:<a@example.org>\r\n"), "250")
		want(t, say("RCPT TO:<"+to+">\r\n"), "250")
	}

	t.Run("words", func(t *testing.T) {
		say, _ := talk(t)
		want(t, say("FROB\r\n"), "5")
		want(t, say("EHLO x\r\n"), "5") // RFC 2033 4.1: LMTP greets with LHLO
		want(t, say("LHLO relay.example\r\n"), "250")
		want(t, say("DATA\r\n"), "5")
		want(t, say("RCPT TO:<"+to+">\r\n"), "5")
		want(t, say("MAIL FROM:garbage\r\n"), "5")
		want(t, say("MAIL FROM:<a@example.org>\r\n"), "250")
		want(t, say("RCPT TO:<nobody@contoso.com>\r\n"), "550")
		want(t, say("RCPT TO:<someone@elsewhere.example>\r\n"), "5")
		want(t, say("RCPT TO:<"+to+"\x00>\r\n"), "5")
		want(t, say("DATA\r\n"), "5")
		want(t, say("RSET\r\n"), "250")
		want(t, say("NOOP\r\n"), "250")
	})
	t.Run("not a message", func(t *testing.T) {
		for _, text := range []string{"", "no header at all", "\x00\x01\x02", "Subject: " + strings.Repeat("x", 1<<19), "Content-Type: multipart/mixed; boundary=b\r\n\r\n" + strings.Repeat("--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n", 5000),
			"Subject: =?utf-8?q?" + strings.Repeat("=FF", 10000) + "?=", strings.Repeat("A: b\r\n", 100_000)} {
			say, _ := talk(t)
			begin(t, say)
			want(t, say("DATA\r\n"), "354")
			// Taken as it is or refused for good: never a fault of the server, which the relay would try again and again.
			if answer := say(text + "\r\n.\r\n"); !strings.HasPrefix(answer, "250") && !strings.HasPrefix(answer, "5") {
				t.Errorf("%.40q: %q", text, answer)
			}
			want(t, say("NOOP\r\n"), "250")
		}
	})
	t.Run("line of 2 MB", func(t *testing.T) {
		say, _ := talk(t)
		begin(t, say)
		want(t, say("DATA\r\n"), "354")
		want(t, say("Subject: "+strings.Repeat("x", 2<<20)+"\r\n.\r\n"), "5")
	})
	t.Run("100 MB", func(t *testing.T) {
		say, conn := talk(t)
		begin(t, say)
		want(t, say("DATA\r\n"), "354")
		memory := watchMemory()
		line := strings.Repeat("x", 998) + "\r\n"
		block := strings.Repeat(line, 100)
		for range 1050 {
			if _, err := io.WriteString(conn, block); err != nil {
				t.Fatalf("the connection was cut: %v", err)
			}
		}
		want(t, say(".\r\n"), "552")
		if peak := memory(); peak > 128<<20 {
			t.Errorf("the heap grew by %d MB", peak>>20)
		}
		want(t, say("NOOP\r\n"), "250")
	})
	t.Run("announced too large", func(t *testing.T) {
		say, _ := talk(t)
		want(t, say("LHLO relay.example\r\n"), "250")
		want(t, say(fmt.Sprintf("MAIL FROM:<a@example.org> SIZE=%d\r\n", 200<<20)), "552")
	})
	t.Run("many recipients", func(t *testing.T) {
		say, _ := talk(t)
		begin(t, say)
		refused := false
		for range 2000 {
			if answer := say("RCPT TO:<" + to + ">\r\n"); !strings.HasPrefix(answer, "250") {
				want(t, answer, "452")
				refused = true
				break
			}
		}
		if !refused {
			t.Error("2000 recipients were taken")
		}
	})
}
