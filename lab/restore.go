package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"hma/exchange/store/backup"
	"hma/internal/sqldb"
)

// RestoreMail puts the mail of a backup in place of that of a data directory on
// which no lab runs. The database that was there is kept beside it under the
// returned name, "" where there was none. The new one is complete before it takes
// the place; a run that was cut off is begun again with the same command.
func RestoreMail(ctx context.Context, path, folder string, now func() time.Time) (m *backup.Manifest, kept string, err error) {
	if !Made(path) {
		return nil, "", fmt.Errorf("%s is %w", path, ErrForeign)
	}
	d, _, err := openDir(path)
	if err != nil {
		return nil, "", err
	}
	defer d.Close()
	current, next := d.file("mailbox.db"), d.file("mailbox.db.restore")
	if m, err = backup.Place(ctx, folder, next, now); err != nil {
		return nil, "", errors.Join(err, removeDatabase(next))
	}
	// A lab that was killed leaves a log. It goes into the database first, so that a restore that
	// is cut off between the log and the database leaves a database that lacks nothing. One that is
	// too damaged to be opened is kept with its log as it is.
	if _, err := os.Stat(current + "-wal"); err == nil {
		if db, err := sqldb.Open(ctx, "sqlite:"+current); err == nil {
			db.Close() // the last one to close writes the log back; what it could not is still there
		}
	}
	kept = current + ".before-" + now().UTC().Format("20060102T150405Z")
	// The log belongs to the old file: it is kept with it, and must not lie beside the new one.
	for _, suffix := range []string{"", "-wal"} {
		err := os.Link(current+suffix, kept+suffix)
		if errors.Is(err, fs.ErrNotExist) {
			if suffix == "" {
				kept = ""
			}
			continue
		}
		if err != nil {
			return nil, "", fmt.Errorf("restore: keep the old database: %w", err)
		}
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(current + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, "", fmt.Errorf("restore: %w", err)
		}
	}
	if err := os.Rename(next, current); err != nil {
		return nil, "", fmt.Errorf("restore: %w", err)
	}
	folderFile, err := os.Open(filepath.Dir(current))
	if err == nil {
		err = errors.Join(folderFile.Sync(), folderFile.Close())
	}
	if err != nil {
		return nil, "", fmt.Errorf("restore: %w", err)
	}
	return m, kept, nil
}

// removeDatabase removes a SQLite database with what lies beside it.
func removeDatabase(path string) error {
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
