package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hma/exchange/store"
	"hma/internal/sqldb"
)

// Saved is an open backup. Close ends it.
type Saved struct {
	*store.Store
	Manifest Manifest
	db       *sqldb.DB
	scratch  string // holds the copy of a file that an older program saved
}

// readManifest reads what a folder says of itself.
func readManifest(folder string) (m Manifest, err error) {
	f, err := os.Open(filepath.Join(folder, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("it has no %s: want a folder mailbox-TIME, as a backup makes it", manifestFile)
	}
	if err != nil {
		return m, fmt.Errorf("%s: %w: %w", folder, ErrNotWhole, err)
	}
	defer f.Close() // only read
	// A manifest names each mailbox in some 200 bytes.
	text, err := io.ReadAll(io.LimitReader(f, 64<<20))
	if err == nil {
		err = json.Unmarshal(text, &m)
	}
	if err == nil && m.Version != 1 {
		err = fmt.Errorf("manifest of version %d, want 1", m.Version)
	}
	if err != nil {
		return m, fmt.Errorf("%s: %w: %w", folder, ErrNotWhole, err)
	}
	return m, nil
}

// Open opens a backup to restore from, after the hash of its file was compared.
// Of a file that an older program saved a copy is brought up to date in the
// folder for temporary files.
func Open(ctx context.Context, folder string, now func() time.Time) (*Saved, error) {
	m, err := readManifest(folder)
	if err != nil {
		return nil, fmt.Errorf("open backup: %w", err)
	}
	s := &Saved{Manifest: m}
	if err := s.open(ctx, filepath.Join(folder, dataFile), now); err != nil {
		return nil, fmt.Errorf("open backup: %w", errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Saved) open(ctx context.Context, data string, now func() time.Time) error {
	hash, size, err := sum(ctx, data, io.Discard)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotWhole, err)
	}
	if hash != s.Manifest.SHA256 || size != s.Manifest.Size {
		return fmt.Errorf("%s: %w: the file is not the one that was saved", data, ErrNotWhole)
	}
	if s.db, err = sqldb.OpenSaved(ctx, data); err != nil {
		return err
	}
	s.Store, err = store.OpenSaved(ctx, s.db, store.Options{Now: now})
	if !errors.Is(err, store.ErrOlder) {
		return err
	}
	if s.scratch, err = os.MkdirTemp("", "hma-backup-"); err != nil {
		return err
	}
	copied := filepath.Join(s.scratch, dataFile)
	out, err := os.OpenFile(copied, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, _, err = sum(ctx, data, out)
	if err := errors.Join(err, out.Close(), s.db.Close()); err != nil {
		return err
	}
	if s.db, err = sqldb.Open(ctx, "sqlite:"+copied); err != nil {
		return err
	}
	s.Store, err = store.Open(ctx, s.db, store.Options{Now: now})
	return err
}

// Close closes the backup.
func (s *Saved) Close() (err error) {
	if s.db != nil {
		err = s.db.Close()
	}
	if s.scratch != "" {
		err = errors.Join(err, os.RemoveAll(s.scratch))
	}
	return err
}

// Verify reads everything in a backup: the file's hash, its pages, each mailbox as
// Check does, and whether the manifest lists what is there. A folder that is not
// as it was made is ErrNotWhole; damages that were in the mailboxes before go to found.
func Verify(ctx context.Context, folder string, now func() time.Time, found func(Found)) (*Manifest, error) {
	s, err := Open(ctx, folder, now)
	if err != nil {
		return nil, err
	}
	defer s.Close() // only read
	if err := s.db.Integrity(ctx); err != nil {
		return nil, fmt.Errorf("verify backup: %s: %w: %w", folder, ErrNotWhole, err)
	}
	list, damages, err := look(ctx, s.Store, found)
	if err != nil {
		return nil, fmt.Errorf("verify backup: %w", err)
	}
	if damages != s.Manifest.Damages || !slices.Equal(list, s.Manifest.Mailboxes) {
		return nil, fmt.Errorf("verify backup: %s: %w: the manifest tells of other mailboxes or damages", folder, ErrNotWhole)
	}
	return &s.Manifest, nil
}

// Place writes a backup's mailboxes to path as a database of its own that a server
// can open, with clients starting anew (store.Store.Renew). What is at path is replaced.
func Place(ctx context.Context, folder, path string, now func() time.Time) (*Manifest, error) {
	m, err := readManifest(folder)
	if err == nil {
		err = place(ctx, folder, path, &m, now)
	}
	if err != nil {
		return nil, fmt.Errorf("restore: %w", err)
	}
	return &m, nil
}

func place(ctx context.Context, folder, path string, m *Manifest, now func() time.Time) error {
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	hash, size, err := sum(ctx, filepath.Join(folder, dataFile), out)
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		return err
	}
	if hash != m.SHA256 || size != m.Size {
		return fmt.Errorf("%s: %w: the file is not the one that was saved", folder, ErrNotWhole)
	}
	db, err := sqldb.Open(ctx, "sqlite:"+path)
	if err != nil {
		return err
	}
	st, err := store.Open(ctx, db, store.Options{Now: now})
	if err == nil {
		err = st.Renew(ctx)
	}
	return errors.Join(err, db.Close(), noLog(path), settle(path))
}

// noLog holds that a closed database is its file alone: SQLite closes one whose log it could
// not write back, for example where the disk is full, without a word.
func noLog(path string) error {
	if _, err := os.Lstat(path + "-wal"); err == nil {
		return fmt.Errorf("the log of %s could not be written back: is the disk full?", path)
	}
	return nil
}
