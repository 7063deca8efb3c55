package journal

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func begin(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Create(dir, "run-1", Entry{Kind: Begin, Time: noon, Operator: "ada"})
	if err != nil {
		t.Fatal(err)
	}
	if err := j.Append(Entry{Kind: Intend, Time: noon, Change: 1}); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	return j
}

func TestTornLine(t *testing.T) {
	dir := t.TempDir()
	begin(t, dir)
	whole, err := os.ReadFile(path(dir, "run-1"))
	if err != nil {
		t.Fatal(err)
	}
	first := strings.IndexByte(string(whole), '\n') + 1
	for n := range len(whole) + 1 {
		if err := os.WriteFile(path(dir, "run-1"), whole[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		want := 0
		if n >= first {
			want = 1
		}
		if n == len(whole) {
			want = 2
		}
		entries, err := Read(dir, "run-1")
		if len(entries) != want || (err == nil) != (want > 0) {
			t.Fatalf("%d bytes: %d entries, %v; want %d", n, len(entries), err, want)
		}
		ids, err := List(dir)
		if err != nil || (len(ids) == 1) != (want > 0) {
			t.Fatalf("%d bytes: listed %v, %v", n, ids, err)
		}
		if want == 0 {
			continue
		}
		j, err := Open(dir, "run-1")
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Append(Entry{Kind: End, Time: noon}); err != nil {
			t.Fatal(err)
		}
		j.Close()
		if entries, err = Read(dir, "run-1"); err != nil || len(entries) != want+1 || entries[want].Kind != End {
			t.Fatalf("%d bytes, appended: %v, %v", n, entries, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"newer":           `{"version":2,"kind":"begin","time":"2026-11-23T12:00:00Z"}` + "\n",
		"no beginning":    `{"version":1,"kind":"done","time":"2026-11-23T12:00:00Z"}` + "\n",
		"damaged between": `{"version":1,"kind":"begin","time":"2026-11-23T12:00:00Z"}` + "\nx\n" + `{"kind":"end","time":"2026-11-23T12:00:00Z"}` + "\n",
	} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "journal"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path(dir, "run-1"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(dir, "run-1"); err == nil {
			t.Errorf("%s: read", name)
		}
		if ids, err := List(dir); err != nil || len(ids) != 1 {
			t.Errorf("%s: not listed, so nobody would hear of it: %v, %v", name, ids, err)
		}
	}
	for _, id := range []string{"", "..", "a/b", "../x", "A", strings.Repeat("a", 65)} {
		if _, err := Create(t.TempDir(), id, Entry{Kind: Begin}); err == nil {
			t.Errorf("id %q was taken", id)
		}
	}
	dir := t.TempDir()
	begin(t, dir)
	if _, err := Create(dir, "run-1", Entry{Kind: Begin}); err == nil {
		t.Error("a run was begun twice")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"version":1,"kind":"begin","time":"2026-11-23T12:00:00Z"}` + "\nx"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, whole, err := decode(strings.NewReader(string(data)))
		if err == nil && (len(entries) == 0 || whole > int64(len(data))) {
			t.Errorf("%d entries in %d of %d bytes", len(entries), whole, len(data))
		}
	})
}

// TestWriteFile: a file is replaced and is its owner's alone; what is no file stays what it is.
func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "plan.json")
	if err := os.WriteFile(name, []byte("old and longer"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(name, []byte("new")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if at, _ := os.Stat(name); err != nil || string(text) != "new" || at.Mode().Perm() != 0o600 {
		t.Errorf("the file holds %q, mode %v: %v", text, at.Mode(), err)
	}

	null := filepath.Join(dir, "null")
	if err := os.Symlink(os.DevNull, null); err != nil {
		t.Skip(err)
	}
	if err := WriteFile(null, []byte("new")); err != nil {
		t.Fatal(err)
	}
	if at, err := os.Lstat(null); err != nil || at.Mode().Type() != os.ModeSymlink {
		t.Errorf("what leads to %s became %v: %v", os.DevNull, at.Mode(), err)
	}
	if err := WriteFile(dir, []byte("new")); err == nil {
		t.Error("a folder is written into")
	}
}
