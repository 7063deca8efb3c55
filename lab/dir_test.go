package lab

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenDir(t *testing.T) {
	t.Run("new", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "a", "b")
		d, c, err := openDir(path)
		if err != nil {
			t.Fatal(err)
		}
		if c.Seeded {
			t.Error("a new directory is seeded")
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("mode %v, %v: want 0700", info.Mode(), err)
		}
		c.Cloud, c.Seeded = "localhost:1", true
		if err := d.save(c); err != nil {
			t.Fatal(err)
		}
		if _, _, err := openDir(path); !errors.Is(err, ErrLocked) {
			t.Errorf("opened twice: %v", err)
		}
		d.Close()
		again, c, err := openDir(path)
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close()
		if c.Cloud != "localhost:1" || !c.Seeded {
			t.Errorf("the choices were not kept: %+v", c)
		}
	})
	t.Run("foreign", func(t *testing.T) {
		path := t.TempDir()
		precious := filepath.Join(path, "precious")
		if err := os.WriteFile(precious, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := openDir(path); !errors.Is(err, ErrForeign) {
			t.Errorf("got %v, want ErrForeign", err)
		}
		if entries, _ := os.ReadDir(path); len(entries) != 1 {
			t.Errorf("%d entries in the foreign directory: something was written there", len(entries))
		}
	})
	t.Run("cut off before its marker", func(t *testing.T) {
		path := t.TempDir()
		for _, name := range []string{"lock", temporary(marker) + "123"} {
			if err := os.WriteFile(filepath.Join(path, name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		d, c, err := openDir(path)
		if err != nil || c.Seeded {
			t.Fatalf("%+v, %v: want an empty directory of ours", c, err)
		}
		d.Close()
	})
	t.Run("cut off while it was filled", func(t *testing.T) {
		path := t.TempDir()
		d, _, err := openDir(path)
		if err != nil {
			t.Fatal(err)
		}
		defer d.Close()
		if err := d.save(&choices{}); err != nil {
			t.Fatal(err)
		}
		made := []string{"key", secretsFile, "ca.pem", "ca.key", "org.db", "org.db-wal", temporary("ca.pem") + "1"}
		for _, name := range append(made, "mine.txt") {
			if err := os.WriteFile(d.file(name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.clear(); err != nil {
			t.Fatal(err)
		}
		for _, name := range made {
			if _, err := os.Stat(d.file(name)); err == nil {
				t.Errorf("%s is still there", name)
			}
		}
		if _, err := os.Stat(d.file("mine.txt")); err != nil {
			t.Error("a file that no start made was removed")
		}
	})
	t.Run("a file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := openDir(path); err == nil {
			t.Error("a file was opened as a directory")
		}
	})
	t.Run("newer", func(t *testing.T) {
		path := t.TempDir()
		if err := os.WriteFile(filepath.Join(path, marker), []byte(`{"version":2}`), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := openDir(path); err == nil || !strings.Contains(err.Error(), "newer") {
			t.Errorf("got %v, want a refusal of newer data", err)
		}
	})
	t.Run("damaged marker", func(t *testing.T) {
		path := t.TempDir()
		if err := os.WriteFile(filepath.Join(path, marker), []byte(`{`), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := openDir(path); err == nil {
			t.Error("a damaged marker was accepted")
		}
	})
}

func TestListenLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "192.0.2.1:0", "[::]:0", "example.com:0", "x"} {
		l, err := listenLoopback(address)
		if err == nil {
			l.Close()
		}
		if !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v, want ErrAddress", address, err)
		}
	}
	l, err := listenLoopback("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if _, err := listenLoopback(l.Addr().String()); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a busy port gave %v", err)
	}
}

func TestSocketPath(t *testing.T) {
	short := socketPath(&dir{path: "/tmp/x"})
	if short != "/tmp/x/admin.sock" {
		t.Errorf("short path gave %s", short)
	}
	long := socketPath(&dir{path: "/" + strings.Repeat("x", 120)})
	if len(long) > socketMax || strings.HasPrefix(long, "/xxx") {
		t.Errorf("long path gave %s", long)
	}
}
