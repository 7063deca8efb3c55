package target

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestFileLock(t *testing.T) {
	dir := t.TempDir()
	lock := FileLock{filepath.Join(dir, "new", "cloud.lock")}
	lease, err := lock.Acquire(t.Context(), "ines@host with a long name")
	if err != nil {
		t.Fatal(err)
	}
	_, err = lock.Acquire(t.Context(), "omar@host")
	if held, ok := errors.AsType[*HeldError](err); !ok || held.Operator != "ines@host with a long name" {
		t.Errorf("a second operator: %v", err)
	}
	select {
	case <-lease.Lost():
		t.Error("lost")
	default:
	}
	lease.Release()
	if lease, err = lock.Acquire(t.Context(), "omar"); err != nil {
		t.Fatal(err)
	}
	_, err = lock.Acquire(t.Context(), "ines")
	if held, ok := errors.AsType[*HeldError](err); !ok || held.Operator != "omar" {
		t.Errorf("after a longer name: %v", err)
	}
	lease.Release()
	if _, err := (FileLock{dir}).Acquire(t.Context(), "x"); err == nil {
		t.Error("a folder was locked")
	}
}
