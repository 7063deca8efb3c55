package clientaccess

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/org"
)

// BenchmarkFrontEnd answers 1 KiB on 64 connections, behind the full check and
// with the check switched off; frontend.bearer.ratio is one over the other.
func BenchmarkFrontEnd(b *testing.B) {
	for _, transport := range []string{"plain", "tls"} {
		for _, tokens := range []int{1, 1000} {
			for _, check := range []bool{false, true} {
				b.Run(fmt.Sprintf("%s/tokens=%d/check=%v", transport, tokens, check), func(b *testing.B) {
					benchmarkFrontEnd(b, transport == "tls", tokens, check)
				})
			}
		}
	}
}

const connections = 64

func benchmarkFrontEnd(b *testing.B, secure bool, tokens int, check bool) {
	e := authtest.New()
	answer := make([]byte, 1024)
	door := doorFunc(func(w http.ResponseWriter, r *Request) {
		w.Header()["Content-Length"] = []string{"1024"}
		w.Write(answer)
	})
	a := auth.New(auth.Options{People: authtest.NewPeople()})
	front := New(Options{Snapshots: fixed{e.Snapshot()}, Auth: a, Doors: map[org.Kind]Door{org.WebServices: door},
		Now: func() time.Time { return authtest.Now }, Log: slog.New(slog.NewJSONHandler(io.Discard, nil))})
	if !check {
		front.check = func(context.Context, *auth.Facts) (*auth.Identity, *auth.Denial) {
			return &auth.Identity{Recipient: &org.Recipient{UPN: e.UPN}, AuthN: "Bearer*", Application: "d3590ed6-52b3-4102-aeff-aad2292ab01c"}, nil
		}
	}
	server := httptest.NewUnstartedServer(front)
	server.Config.MaxHeaderBytes = MaxHeaderBytes
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	defer server.Close()

	requests := make([][]byte, tokens)
	for i := range requests {
		c := e.Delegated().With(authtest.Claims{"n": i, "aio": fmt.Sprintf("%0700d", i)})
		requests[i] = fmt.Appendf(nil, "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: %s\r\nUser-Agent: bench\r\nAuthorization: Bearer %s\r\nContent-Length: 0\r\n\r\n", e.Host, e.Sign(c))
	}
	conns := make([]net.Conn, connections)
	for i := range conns {
		c, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		if secure {
			c = tls.Client(c, &tls.Config{InsecureSkipVerify: true})
		}
		defer c.Close()
		conns[i] = c
	}
	run := func(n int) {
		var all sync.WaitGroup
		for i, c := range conns {
			all.Go(func() {
				in := bufio.NewReaderSize(c, 4096)
				for j := i; j < n; j += connections {
					if _, err := c.Write(requests[j%tokens]); err != nil {
						b.Error(err)
						return
					}
					resp, err := http.ReadResponse(in, nil)
					if err != nil {
						b.Error(err)
						return
					}
					io.Copy(io.Discard, resp.Body)
					if resp.StatusCode != http.StatusOK {
						b.Errorf("status %d", resp.StatusCode)
						return
					}
				}
			})
		}
		all.Wait()
	}
	run(max(tokens, connections)) // handshakes are done, tokens are known
	b.ResetTimer()
	run(b.N)
}
