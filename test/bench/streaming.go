package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"runtime"
	"strings"
	"time"

	"hma/exchange/auth"
	"hma/exchange/auth/authtest"
	"hma/exchange/clientaccess"
	"hma/exchange/ews"
	"hma/exchange/org"
	"hma/exchange/store"
	"hma/exchange/transport"
	"hma/internal/sqldb"
	"hma/wire/guid"
)

const (
	// waiting is how many connections wait at a time, and each is how many of them a person has.
	waiting = 10_000
	each    = 10
	// streamed is the longest time that all of them may take to get there.
	streamed = 3 * time.Minute
)

// streaming measures what a streaming subscription that waits keeps in memory, beside
// a handler that waits on the same kind of connection and does nothing.
func streaming(ctx context.Context, b *bench) error {
	ctx, cancel := context.WithTimeout(ctx, streamed)
	defer cancel()
	people := make([]*org.Recipient, waiting/each)
	for i := range people {
		r := org.NewRecipient(fmt.Sprintf("person%d@contoso.com", i), fmt.Sprintf("Person %d", i))
		r.SID, r.LegacyDN = fmt.Sprintf("S-1-5-21-1-2-3-%d", 2000+i), fmt.Sprintf("/o=Contoso/cn=%d", i)
		r.GUID, r.MailboxGUID = guid.New(), guid.New()
		people[i] = &r
	}
	bare, err := waitingMemory(ctx, func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}, people, func(*org.Recipient) (string, error) { return getStream("x"), nil })
	if err != nil {
		return err
	}
	db, err := sqldb.Open(ctx, "sqlite::memory:")
	if err != nil {
		return err
	}
	defer db.Close()
	st, err := store.Open(ctx, db, store.Options{Now: time.Now})
	if err != nil {
		return err
	}
	mail := transport.New(transport.Config{Store: st, Directory: nobody{}, Now: time.Now, Host: "ex1.contoso.com", PostmasterAddress: "postmaster@contoso.com",
		MaySendAs: func(context.Context, string, string) (bool, error) { return false, nil }})
	door := ews.New(st, mail, ews.Options{Now: time.Now, IDKey: idKey, People: nobody{}})
	front := clientaccess.New(clientaccess.Options{Snapshots: oneSnapshot{authtest.New().Snapshot()}, Auth: byName(people), Now: time.Now,
		Doors: map[org.Kind]clientaccess.Door{org.WebServices: door}})
	ours, err := waitingMemory(ctx, front.ServeHTTP, people, func(r *org.Recipient) (string, error) {
		d := &mailDoor{door: door, snapshot: authtest.New().Snapshot(), owner: r}
		if err := d.call(subscribeAll, "SubscriptionId"); err != nil {
			return "", err
		}
		_, rest, _ := strings.Cut(d.answer.String(), "<m:SubscriptionId>")
		id, _, _ := strings.Cut(rest, "<")
		return getStream(id), nil
	})
	if err != nil {
		return err
	}
	note := fmt.Sprintf("%d streams that wait keep %.1f KiB each, a bare TLS handler that waits %.1f KiB", waiting, ours/1024, bare/1024)
	return b.print(atMost(8).judge("ews.streaming.memory", "KiB", []float64{(ours - bare) / 1024}, note), nil)
}

// byName admits who says his name: the check itself is measured elsewhere.
type byName []*org.Recipient

func (p byName) Authenticate(_ context.Context, f *auth.Facts) (*auth.Identity, *auth.Denial) {
	var n int
	if _, err := fmt.Sscanf(f.UserIdentity, "person%d@contoso.com", &n); err != nil || n < 0 || n >= len(p) {
		return nil, &auth.Denial{Status: http.StatusUnauthorized}
	}
	return &auth.Identity{Recipient: p[n], AuthN: "Bearer*"}, nil
}

// waitingMemory opens the connections, each with the request that body makes for its
// person, waits until all have had their first word, and returns the bytes that one keeps.
func waitingMemory(ctx context.Context, h http.HandlerFunc, people []*org.Recipient, body func(*org.Recipient) (string, error)) (float64, error) {
	certificate, err := quickCertificate()
	if err != nil {
		return 0, err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	ctx, stop := context.WithCancel(ctx)
	server := &http.Server{Handler: h, BaseContext: func(net.Listener) context.Context { return ctx }}
	go server.Serve(tls.NewListener(l, config))
	defer func() {
		stop()
		server.Close()
	}()
	var bodies []string
	for _, r := range people {
		for range each {
			text, err := body(r)
			if err != nil {
				return 0, err
			}
			bodies = append(bodies, fmt.Sprintf("POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: mail.contoso.com\r\nX-User-Identity: %s\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%s", r.UPN, len(text), text))
		}
	}
	before := inUse()
	clients := make([]net.Conn, 0, len(bodies))
	defer func() {
		for _, c := range clients {
			c.Close()
		}
	}()
	for _, text := range bodies {
		conn, err := l.dial(ctx)
		if err != nil {
			return 0, err
		}
		client := tls.Client(conn, &tls.Config{InsecureSkipVerify: true}) // it is the server above
		clients = append(clients, client)
		if _, err := io.WriteString(client, text); err != nil {
			return 0, err
		}
		line, err := bufio.NewReaderSize(client, 4<<10).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "HTTP/1.1 200") {
			return 0, errors.Join(fmt.Errorf("a stream answers %q", line), err)
		}
	}
	return (inUse() - before) / float64(len(bodies)), nil
}

// quickCertificate is one of a kind of key that signs fast: ten thousand handshakes are no part of the figure.
func quickCertificate() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// inUse is what heap and stacks of this process hold, after rubbish is gone.
func inUse() float64 {
	time.Sleep(200 * time.Millisecond) // what was told last has been told
	for range 8 {                      // stacks shrink by half each time
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}

// pipes is a listener in memory: so many connections are more than a process may have open.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

// Accept implements net.Listener.
func (l *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *pipes) Close() error   { close(l.closed); return nil }
func (l *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

func (l *pipes) dial(ctx context.Context) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

const subscribeAll = envelope + `<m:Subscribe><m:StreamingSubscriptionRequest SubscribeToAllFolders="true"><t:EventTypes><t:EventType>NewMailEvent</t:EventType></t:EventTypes></m:StreamingSubscriptionRequest></m:Subscribe>` + end

func getStream(id string) string {
	return envelope + `<m:GetStreamingEvents><m:SubscriptionIds><t:SubscriptionId>` + id + `</t:SubscriptionId></m:SubscriptionIds><m:ConnectionTimeout>30</m:ConnectionTimeout></m:GetStreamingEvents>` + end
}
