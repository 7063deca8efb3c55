package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hma/exchange/auth/authtest"
)

// haproxyConfig verifies a token and compares what a careful administrator would;
// its payload is decoded once.
const haproxyConfig = `global
	nbthread 1
defaults
	mode http
	timeout connect 5s
	timeout client 60s
	timeout server 60s
frontend doors
	bind %s
	http-request set-var(txn.bearer) http_auth_bearer
	http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
	http-request deny deny_status 401 unless { var(txn.alg) -m str RS256 }
	http-request deny deny_status 401 unless { var(txn.bearer),jwt_verify(txn.alg,"%s") 1 }
	http-request set-var(txn.claims) var(txn.bearer),word(2,.),ub64dec
	http-request set-var(txn.now) date()
	http-request deny deny_status 401 unless { var(txn.claims),json_query('$.iss') -m str %s }
	http-request deny deny_status 401 unless { var(txn.claims),json_query('$.aud') -m str https://%s }
	http-request deny deny_status 401 unless { var(txn.claims),json_query('$.tid') -m str %s }
	http-request deny deny_status 401 unless { var(txn.claims),json_query('$.exp','int'),sub(txn.now) -m int gt 0 }
	default_backend handler
backend handler
	server handler %s
`

// haproxy measures Debian's haproxy with jwt_verify in front of a bare handler and
// returns a line about it, or why it could not.
func haproxy(ctx context.Context, b *bench, e authtest.Env, requests [][]byte) (string, error) {
	program, err := exec.LookPath("haproxy")
	if err != nil {
		return "haproxy is not installed, not measured", nil
	}
	server := newServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { kib(w) }), false)
	defer server.Close()
	der, err := x509.MarshalPKIXPublicKey(&e.Key.PublicKey)
	if err != nil {
		return "", err
	}
	key := filepath.Join(b.work, "key.pem")
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		return "", err
	}
	address, err := freeAddress()
	if err != nil {
		return "", err
	}
	config := filepath.Join(b.work, "haproxy.cfg")
	if err := os.WriteFile(config, fmt.Appendf(nil, haproxyConfig, address, key, e.Issuer, e.Host, e.Tenant, server.Listener.Addr()), 0o600); err != nil {
		return "", err
	}
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "-db", "-f", config)
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return "", err
	}
	defer cmd.Wait() // killed: its status says no more
	defer cmd.Process.Kill()
	if err := awaitListener(ctx, address); err != nil {
		return "", fmt.Errorf("%w: %s", err, said.String())
	}
	l, err := startLoad(ctx, loadSpec{Address: address, Connections: connections, Requests: requests})
	if err != nil {
		return "", err
	}
	defer l.stop()
	behind := &side{server: server, load: l}
	if _, err := behind.measure(); err != nil { // warms up
		return "", err
	}
	before, err := processTime(cmd.Process.Pid)
	if err != nil {
		return "", err
	}
	behind.cpu, behind.rates = nil, nil
	var answered float64
	for range pairs {
		if _, err := behind.measure(); err != nil {
			return "", err
		}
		answered += behind.rates[len(behind.rates)-1] * frontendTime.Seconds()
	}
	after, err := processTime(cmd.Process.Pid)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("haproxy with jwt_verify %.1f us of its own CPU a request, the bare handler behind it %s",
		(after-before).Seconds()/answered*1e6, behind), nil
}

// freeAddress finds a port of loopback that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

func awaitListener(ctx context.Context, address string) error {
	deadline := time.Now().Add(5 * time.Second)
	for {
		c, err := net.Dial("tcp", address)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// processTime is the CPU time that another process has used, from
// /proc/PID/stat: fields 14 and 15 in hundredths of a second (proc_pid_stat(5)).
func processTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, err
	}
	// The second field is a name in parentheses that may hold blanks.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("read CPU time of %d: %d fields", pid, len(fields))
	}
	var sum time.Duration
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read CPU time of %d: %w", pid, err)
		}
		sum += time.Duration(n) * 10 * time.Millisecond
	}
	return sum, nil
}
