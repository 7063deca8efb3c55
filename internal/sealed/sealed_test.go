package sealed

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

func TestSealAndOpen(t *testing.T) {
	key := New()
	box := key.Seal("signing", []byte("secret"))
	if bytes.Contains(box, []byte("secret")) {
		t.Error("the box shows its content")
	}
	plain, err := key.Open("signing", box)
	if err != nil || string(plain) != "secret" {
		t.Fatalf("Open = %q, %v", plain, err)
	}
	damaged := bytes.Clone(box)
	damaged[len(damaged)-1]++
	for name, try := range map[string]func() ([]byte, error){
		"other purpose": func() ([]byte, error) { return key.Open("session", box) },
		"other key":     func() ([]byte, error) { return New().Open("signing", box) },
		"damaged":       func() ([]byte, error) { return key.Open("signing", damaged) },
		"empty":         func() ([]byte, error) { return key.Open("signing", nil) },
		"short":         func() ([]byte, error) { return key.Open("signing", box[:10]) },
	} {
		if _, err := try(); !errors.Is(err, ErrForeign) {
			t.Errorf("%s: %v, want ErrForeign", name, err)
		}
	}
}

func TestLoadOrCreate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	first, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := LoadOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := second.Open("x", first.Seal("x", []byte("y"))); err != nil || string(plain) != "y" {
		t.Errorf("the file does not keep the key: %q, %v", plain, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreate(path); err == nil {
		t.Error("a key file that others can read was accepted")
	}
	other := filepath.Join(t.TempDir(), "other")
	if err := os.WriteFile(other, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadOrCreate(other); err == nil {
		t.Error("a foreign file was accepted as a key file")
	}
}

// Whoever comes second, or at the same time, gets the same key, and nothing else is left beside it.
func TestOneKeyAmongThoseWhoStartAtOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "key")
	keys := make([]*Key, 16)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			key, err := LoadOrCreate(path)
			if err != nil {
				t.Error(err)
				return
			}
			keys[i] = key
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	for _, key := range keys {
		if plain, err := key.Open("x", keys[0].Seal("x", []byte("y"))); err != nil || string(plain) != "y" {
			t.Errorf("another key: %q, %v", plain, err)
		}
	}
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 {
		t.Errorf("beside the key: %v, %v", names, err)
	}
}
