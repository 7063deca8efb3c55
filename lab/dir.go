package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// Errors that tell a command which exit code fits.
var (
	// ErrForeign is a data directory that is not empty and was not made by hma.
	ErrForeign = errors.New("not an hma data directory")
	// ErrLocked is a data directory that another hma has open.
	ErrLocked = errors.New("in use by another hma")
	// ErrUsed is a data directory that is no longer as a first start makes it.
	ErrUsed = errors.New("has been used")
	// ErrAddress is an address that a lab does not listen on.
	ErrAddress = errors.New("no address for a lab")
)

// marker is the file that says a directory is ours; it keeps what the first start chose.
const marker = "hma.json"

// Made tells whether the folder is a lab's data directory.
func Made(path string) bool {
	_, err := os.Stat(filepath.Join(path, marker))
	return err == nil
}

// choices are what the first start of a directory decided and later starts keep.
type choices struct {
	Version int  `json:"version"`
	Healthy bool `json:"healthy"`
	topology
	// Addresses of the listeners, host:port.
	Cloud   string            `json:"cloud"`
	Servers map[string]string `json:"servers"`
	LMTP    string            `json:"lmtp"`
	Metrics string            `json:"metrics"`
	// Seeded is set when the organisation is complete: a directory whose first
	// start was cut off is filled again from the beginning.
	Seeded bool `json:"seeded"`
}

// dir is an open, locked data directory.
type dir struct {
	path string
	lock *os.File
}

// openDir makes or opens the data directory at path, for its owner alone, and locks it.
func openDir(path string) (*dir, *choices, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, nil, fmt.Errorf("open data directory: %w", err)
	}
	entries, err := os.ReadDir(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, nil, fmt.Errorf("make data directory: %w", err)
		}
	case err != nil:
		return nil, nil, fmt.Errorf("open data directory: %w", err)
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(path, marker)); errors.Is(err, fs.ErrNotExist) && !beforeMarker(entries) {
			return nil, nil, fmt.Errorf("data directory %s is not empty and %w: give --data an empty or a new folder", path, ErrForeign)
		}
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("lock data directory: %w", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, nil, fmt.Errorf("data directory %s is %w: stop it, or give another --data", path, ErrLocked)
	}
	d := &dir{path: path, lock: lock}
	if err := os.Chmod(path, 0o700); err != nil {
		d.Close()
		return nil, nil, fmt.Errorf("open data directory: %w", err)
	}
	var c choices
	text, err := os.ReadFile(d.file(marker))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return d, &choices{}, nil
	case err != nil:
		d.Close()
		return nil, nil, fmt.Errorf("open data directory: %w", err)
	}
	if err := json.Unmarshal(text, &c); err != nil {
		d.Close()
		return nil, nil, fmt.Errorf("read %s: %w", d.file(marker), err)
	}
	if c.Version > 1 {
		d.Close()
		return nil, nil, fmt.Errorf("data directory %s was made by a newer hma: run that one", path)
	}
	return d, &c, nil
}

// beforeMarker tells whether a first start was cut off before its marker was in place.
func beforeMarker(entries []os.DirEntry) bool {
	return !slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		return e.Name() != "lock" && !strings.HasPrefix(e.Name(), temporary(marker))
	})
}

// temporary is how the name of a file begins that is to become the named one.
func temporary(name string) string { return "." + name + "-" }

func (d *dir) file(name string) string { return filepath.Join(d.path, name) }

// Close lets the directory go.
func (d *dir) Close() error { return d.lock.Close() }

// save writes the marker.
func (d *dir) save(c *choices) error {
	c.Version = 1
	text, err := json.MarshalIndent(c, "", "\t")
	if err != nil {
		return err
	}
	return d.replace(marker, append(text, '\n'))
}

// replace writes a file whole or not at all.
func (d *dir) replace(name string, text []byte) error {
	tmp, err := os.CreateTemp(d.path, temporary(name)+"*")
	if err != nil {
		return fmt.Errorf("write %s: %w", d.file(name), err)
	}
	defer os.Remove(tmp.Name()) // after the rename there is nothing to remove
	_, err = tmp.Write(text)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), d.file(name))
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", d.file(name), err)
	}
	return nil
}

// room is how many bytes a start wants free: a new lab takes a third of it.
// SQLite tells of a full disk as "disk I/O error".
const room = 16 << 20

// checkRoom refuses to start on a disk that is as good as full.
func (d *dir) checkRoom() error {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(d.path, &fs); err != nil {
		return fmt.Errorf("open data directory: %w", err)
	}
	if free := int64(fs.Bavail) * int64(fs.Bsize); free < room {
		return fmt.Errorf("data directory %s has %d KB left on its disk, a lab wants %d: make room, or give another --data", d.path, free>>10, room>>10)
	}
	return nil
}

// clear removes what an unfinished first start left behind.
func (d *dir) clear() error {
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("clear data directory: %w", err)
	}
	// Only what a first start makes; anything else stays. The key goes with all that it sealed.
	made := []string{"key", "ca.pem", "ca.key", secretsFile, endpointsFile, rehearsalFile}
	for _, e := range entries {
		half := slices.ContainsFunc(append(made, marker), func(name string) bool { return strings.HasPrefix(e.Name(), temporary(name)) })
		if half || slices.Contains(made, e.Name()) || strings.Contains(e.Name(), ".db") {
			if err := os.Remove(d.file(e.Name())); err != nil {
				return fmt.Errorf("clear data directory: %w", err)
			}
		}
	}
	return nil
}
