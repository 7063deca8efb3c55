package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// FileLock is the Lock of an organisation that has none of its own: a file on the operators'
// machine, which keeps apart those who use one data directory. Nobody else sees it.
type FileLock struct{ Path string }

// maxHolder bounds the name of who holds a FileLock.
const maxHolder = 256

// Acquire locks the file, which is made where it is not there, with its folder, and writes the
// operator into it. The system lets it go with the process.
func (l FileLock) Acquire(_ context.Context, operator string) (Lease, error) {
	if err := os.MkdirAll(filepath.Dir(l.Path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(l.Path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := io.ReadAll(io.LimitReader(f, maxHolder)) // who holds it may not have written yet
		f.Close()
		name, _, _ := strings.Cut(string(holder), "\n")
		if name == "" {
			name = "somebody else"
		}
		return nil, &HeldError{Operator: name}
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteString(operator + "\n")
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", l.Path, err)
	}
	return fileLease{f}, nil
}

type fileLease struct{ f *os.File }

// Lost is never closed: the system keeps the lock for as long as the file is open.
func (fileLease) Lost() <-chan struct{} { return nil }

func (l fileLease) Release() { l.f.Close() }
