package lab

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// Default ports of the lab.
const (
	cloudPort = "9443"
	firstPort = 8443 // of the servers, one after the other
	lmtpPort  = "2424"
	// metricsPort is the one that exporters of OpenTelemetry use for Prometheus.
	metricsPort = "9464"
)

// listeners are the lab's, all on loopback.
type listeners struct {
	cloud, lmtp, metrics net.Listener
	servers              map[string]net.Listener
}

func (l *listeners) close() {
	for _, one := range slices.AppendSeq([]net.Listener{l.cloud, l.lmtp, l.metrics}, maps.Values(l.servers)) {
		if one != nil {
			one.Close()
		}
	}
}

// listen opens the lab's listeners on the addresses that the first start chose,
// or chooses them now.
func listen(c *choices, o Options) (_ *listeners, err error) {
	l := &listeners{servers: map[string]net.Listener{}}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if c.Servers == nil {
		c.Servers = map[string]string{}
	}
	if o.Cloud != "" && !c.Seeded {
		c.Cloud = o.Cloud
	}
	open := func(address *string, port string) net.Listener {
		if err != nil {
			return nil
		}
		if *address == "" {
			if o.FreePorts {
				port = "0"
			}
			*address = net.JoinHostPort("localhost", port)
		}
		var one net.Listener
		if one, err = listenLoopback(*address); err != nil {
			return nil
		}
		if host, port, _ := net.SplitHostPort(*address); port == "0" {
			_, chosen, _ := net.SplitHostPort(one.Addr().String())
			*address = net.JoinHostPort(host, chosen)
		}
		return one
	}
	l.cloud = open(&c.Cloud, cloudPort)
	for i, s := range c.servers() {
		address := c.Servers[s.Name]
		l.servers[s.Name] = open(&address, strconv.Itoa(firstPort+i))
		c.Servers[s.Name] = address
	}
	l.lmtp = open(&c.LMTP, lmtpPort)
	l.metrics = open(&c.Metrics, metricsPort)
	return l, err
}

// listenLoopback listens on 127.0.0.1 for localhost, and refuses what is not loopback.
func listenLoopback(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w: want host:port", address, ErrAddress)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listen on %s: %w: it listens on loopback only", address, ErrAddress)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: the port is in use: stop what uses it, or start a new --data with other ports (--ports auto, --cloud)", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

// socketMax is what the path of a Unix socket may be long everywhere.
const socketMax = 100

// socketPath is where the admin socket lies: in the data directory, or in the
// runtime directory where the path would be too long.
func socketPath(d *dir) string {
	path := d.file("admin.sock")
	name := fmt.Sprintf("hma-%d-%s.sock", os.Getuid(), strings.ToLower(hash(d.path)))
	for _, folder := range []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir(), "/tmp"} {
		if len(path) <= socketMax {
			break
		}
		if folder != "" {
			path = filepath.Join(folder, name)
		}
	}
	return path
}
