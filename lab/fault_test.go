package lab

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestParseFault holds the grammar of faults.
func TestParseFault(t *testing.T) {
	for text, want := range map[string]string{
		"cloud-down": "cloud-down", "roll-keys": "roll-keys", "cert-expired": "cert-expired", "503": "503", "503:ex1": "503:EX1", "503:cloud": "503:cloud",
		"slow": "slow=3s", "slow=500ms": "slow=500ms", "slow:cloud": "slow:cloud=3s", "slow:EX2=1m": "slow:EX2=1m0s",
		"iis-drift:EX2/oab": "iis-drift:EX2/oab", "iis-drift:ex1/MAPI": "iis-drift:EX1/mapi",
	} {
		if f, err := parseFault(text, defaultServers); err != nil || f.String() != want {
			t.Errorf("%s: %s, %v; want %s", text, f, err, want)
		}
	}
	for text, says := range map[string]string{
		"": "want cloud-down, slow[:", "x": "want cloud-down", "cloud-down:EX1": "want cloud-down", "roll-keys=1s": "want roll-keys", "503=1s": "want 503[:cloud|SERVER]",
		"503:EX9": "no server EX9", "503:EX1/owa": "want 503", "slow=0s": "TIME", "slow=2m": "TIME", "slow=x": "TIME", "slow:": "want cloud-down",
		"iis-drift": "want iis-drift:SERVER/DOOR", "iis-drift:EX1": "want iis-drift", "iis-drift:cloud/oab": "no server cloud", "iis-drift:EX1/rpc": "DOOR",
		"iis-drift:EX1/ActiveSync": "its lists", "iis-drift:EX1/Microsoft-Server-ActiveSync": "its lists",
	} {
		if f, err := parseFault(text, defaultServers); !errors.Is(err, ErrFault) || !strings.Contains(err.Error(), says) {
			t.Errorf("%q is taken as %v: %v; want %q", text, f.kind, err, says)
		}
	}
}

// TestFaultsFromTheStart: an unknown one is refused before anything is made; with the others the organisation is made first.
func TestFaultsFromTheStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	o := Options{Dir: dir, FreePorts: true, Messages: 5, Healthy: true, Faults: []string{"iis-drift:EX2/oab", "503:EX9"}}
	if _, err := Start(t.Context(), o); !errors.Is(err, ErrFault) {
		t.Fatalf("a server that is not there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "org.db")); err == nil {
		t.Error("the organisation was begun")
	}
	o.Faults[1] = cloudDown
	l, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	cloud := strings.TrimPrefix(l.Endpoints.Cloud, "https://")
	answers := func() error {
		conn, err := (&tls.Dialer{Config: &tls.Config{RootCAs: l.ca.pool()}}).DialContext(t.Context(), "tcp", cloud)
		if err == nil {
			conn.Close()
		}
		return err
	}
	if answers() == nil {
		t.Error("the cloud is down and answers")
	}
	c, err := l.Roles.Org.Configuration(t.Context())
	if err != nil || len(c.Drifts) != 1 {
		t.Errorf("%d virtual directories drift, want 1: %v", len(c.Drifts), err)
	}
	if err := l.ClearFaults(); err != nil || answers() != nil {
		t.Errorf("after all was cleared: %v, %v", err, answers())
	}
}
