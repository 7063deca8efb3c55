// Package backup keeps copies of all mailboxes in folders that say whether they
// are whole: the mailboxes as one SQLite file, whatever database they come from,
// and a manifest with its hash, written last. A folder gets its name when
// everything in it is on disk and has been read again.
//
// It holds mail alone. Recipients, configuration and the key that seals ids and
// secrets lie elsewhere. Start reading at Make, then Open.
package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
)

const (
	dataFile     = "mailbox.db"
	manifestFile = "manifest.json"
	prefix       = "mailbox-"
	partial      = ".partial-"
)

// ErrNotWhole is a folder that is no backup, or one that is not as it was made.
var ErrNotWhole = errors.New("not a whole backup")

// Manifest says what a backup holds.
type Manifest struct {
	Version   int             `json:"version"`
	Made      time.Time       `json:"made"`
	Size      int64           `json:"size"`   // of mailbox.db in bytes
	SHA256    string          `json:"sha256"` // of mailbox.db
	Mailboxes []store.Holding `json:"mailboxes"`
	// Damages is how many damages the check found in the mailboxes: they were there before.
	Damages int `json:"damages"`
}

// Found is a damage and the name of its mailbox.
type Found struct {
	Mailbox string
	store.Damage
}

// Make writes a backup of the store into a new folder below to, beside everything
// that goes on in the store, and reads it again as Verify does. It returns the
// folder's path. What another run that was cut off has left in to is removed; a
// second one at the same time is refused.
func Make(ctx context.Context, st *store.Store, to string, now func() time.Time, step func(string), found func(Found)) (path string, m *Manifest, err error) {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return "", nil, fmt.Errorf("backup: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(to, ".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", nil, fmt.Errorf("backup: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return "", nil, fmt.Errorf("backup: another one is being written to %s", to)
	}
	if err := clear(to); err != nil {
		return "", nil, fmt.Errorf("backup: %w", err)
	}
	name := prefix + now().UTC().Format("20060102T150405Z")
	path = filepath.Join(to, name)
	if _, err := os.Lstat(path); err == nil {
		return "", nil, fmt.Errorf("backup: %s is there already", path)
	}
	half := filepath.Join(to, partial+name)
	defer func() {
		if err != nil {
			err = fmt.Errorf("backup: %w", errors.Join(err, os.RemoveAll(half)))
		}
	}()
	if err := os.Mkdir(half, 0o700); err != nil {
		return "", nil, err
	}
	m = &Manifest{Version: 1, Made: now().UTC().Truncate(time.Second)}
	step("copying")
	data := filepath.Join(half, dataFile)
	if err := st.Save(ctx, data); err != nil {
		return "", nil, err
	}
	if err := settle(data); err != nil {
		return "", nil, err
	}
	step("reading again")
	if m.SHA256, m.Size, err = sum(ctx, data, io.Discard); err != nil {
		return "", nil, err
	}
	if m.Mailboxes, m.Damages, err = read(ctx, data, now, found); err != nil {
		return "", nil, err
	}
	text, err := json.MarshalIndent(m, "", "\t")
	if err != nil {
		return "", nil, err
	}
	if err := write(filepath.Join(half, manifestFile), append(text, '\n')); err != nil {
		return "", nil, err
	}
	if err := settle(half); err != nil {
		return "", nil, err
	}
	if err := os.Rename(half, path); err != nil {
		return "", nil, err
	}
	return path, m, settle(to)
}

// clear removes what runs that were cut off have left.
func clear(to string) error {
	entries, err := os.ReadDir(to)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), partial+prefix) {
			if err := os.RemoveAll(filepath.Join(to, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// settle makes a file or a folder's list durable, for its owner alone.
func settle(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil && !info.IsDir() {
		err = f.Chmod(0o600)
	}
	return errors.Join(err, f.Sync(), f.Close())
}

func write(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}

// sum copies a file to w and returns its hash and size.
func sum(ctx context.Context, path string, w io.Writer) (string, int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", 0, err
	}
	defer f.Close() // only read
	hash := sha256.New()
	n, err := io.CopyBuffer(struct{ io.Writer }{io.MultiWriter(hash, w)}, bounded{ctx, f}, make([]byte, 1<<20))
	return hex.EncodeToString(hash.Sum(nil)), n, err
}

// bounded is a reader that ends with a context.
type bounded struct {
	ctx context.Context
	io.Reader
}

func (b bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.Reader.Read(p)
}

// read reads everything in the file: its pages, and each mailbox with the hash of every content.
func read(ctx context.Context, data string, now func() time.Time, found func(Found)) ([]store.Holding, int, error) {
	db, err := sqldb.OpenSaved(ctx, data)
	if err != nil {
		return nil, 0, err
	}
	defer db.Close() // only read
	if err := db.Integrity(ctx); err != nil {
		return nil, 0, err
	}
	st, err := store.OpenSaved(ctx, db, store.Options{Now: now})
	if err != nil {
		return nil, 0, err
	}
	return look(ctx, st, found)
}

// look checks each mailbox.
func look(ctx context.Context, st *store.Store, found func(Found)) (list []store.Holding, damages int, err error) {
	if list, err = st.Holdings(ctx); err != nil {
		return nil, 0, err
	}
	for _, h := range list {
		mailbox, err := st.FindMailbox(ctx, h.Mailbox)
		if err == nil {
			err = mailbox.Check(ctx, false, func(d store.Damage) {
				damages++
				found(Found{h.Name, d})
			})
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return list, damages, nil
}
