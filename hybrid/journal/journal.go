package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Version is the version of the format, in the first line of every journal.
const Version = 1

// Kind is what an Entry marks.
type Kind string

// The boundaries of a run. Change entries carry the change's number.
const (
	Begin      Kind = "begin"      // the run begins; Plan holds what it will do
	Resume     Kind = "resume"     // a later process goes on
	Proved     Kind = "proved"     // Detail is an administrator who signed in through the cloud
	Accepted   Kind = "accepted"   // Detail names the administrators whose lock-out was accepted
	Intend     Kind = "intend"     // about to change; Before is what was read
	Dropped    Kind = "dropped"    // the last intention was given up before anything was written
	Done       Kind = "done"       // changed and read back
	Already    Kind = "already"    // found as wanted; not ours to undo
	Failed     Kind = "failed"     // could not; Detail says why
	End        Kind = "end"        // the run is complete
	Rollback   Kind = "rollback"   // the way back begins, or goes on
	Unintend   Kind = "unintend"   // about to restore
	Undone     Kind = "undone"     // restored and read back
	Left       Kind = "left"       // not restored, because it was moved since
	RolledBack Kind = "rolledback" // the way back is complete
)

// Entry is one line.
type Entry struct {
	Version  int             `json:"version,omitempty"` // in the first line only
	Kind     Kind            `json:"kind"`
	Time     time.Time       `json:"time"` // UTC
	Operator string          `json:"operator,omitempty"`
	Plan     json.RawMessage `json:"plan,omitempty"`   // Begin
	Change   int             `json:"change,omitempty"` // number of the change, from 1
	Values   json.RawMessage `json:"values,omitempty"` // what was read (Intend), for the writer to interpret
	Detail   string          `json:"detail,omitempty"`
}

// maxLine bounds a line; a plan of a thousand servers is well below.
const maxLine = 64 << 20

// Journal is an open journal of one run. One writer at a time; the lease sees to that.
type Journal struct {
	f       *os.File
	ID      string
	Entries []Entry // what the file holds, in order
}

func path(dir, id string) string { return filepath.Join(dir, "journal", id+".jsonl") }

// Create begins the journal of run id under dir with its first entry and makes
// both file and folder durable. An id that exists is an error.
func Create(dir, id string, first Entry) (*Journal, error) {
	if err := validID(id); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(dir, "journal"), 0o700); err != nil {
		return nil, fmt.Errorf("create journal: %w", err)
	}
	f, err := os.OpenFile(path(dir, id), os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create journal: %w", err)
	}
	j := &Journal{f: f, ID: id}
	first.Version = Version
	if err := j.Append(first); err != nil {
		f.Close()
		return nil, err
	}
	if err := syncDir(filepath.Join(dir, "journal")); err != nil {
		f.Close()
		return nil, fmt.Errorf("create journal: %w", err)
	}
	return j, nil
}

// Open opens the journal of run id for more entries. A torn last line is cut off.
func Open(dir, id string) (*Journal, error) {
	if err := validID(id); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path(dir, id), os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	entries, whole, err := decode(f)
	if err == nil {
		err = f.Truncate(whole)
	}
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("open journal %s: %w", id, err)
	}
	return &Journal{f: f, ID: id, Entries: entries}, nil
}

// Read returns the entries of run id without opening it for writing.
func Read(dir, id string) ([]Entry, error) {
	if err := validID(id); err != nil {
		return nil, err
	}
	f, err := os.Open(path(dir, id))
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	defer f.Close()
	entries, _, err := decode(f)
	if err != nil {
		return nil, fmt.Errorf("read journal %s: %w", id, err)
	}
	return entries, nil
}

// List returns the ids of the runs under dir in the order of their names. A file
// whose first line never became whole is no run: nothing was changed under it.
func List(dir string) ([]string, error) {
	names, err := os.ReadDir(filepath.Join(dir, "journal"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list journals: %w", err)
	}
	var ids []string
	for _, n := range names {
		id, ok := strings.CutSuffix(n.Name(), ".jsonl")
		if !ok || !n.Type().IsRegular() || validID(id) != nil {
			continue
		}
		if _, err := Read(dir, id); errors.Is(err, errEmpty) {
			continue
		}
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids, nil
}

// Append writes an entry and returns when it is on disk.
func (j *Journal) Append(e Entry) error {
	e.Time = e.Time.UTC()
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if _, err := j.f.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	if err := j.f.Sync(); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	j.Entries = append(j.Entries, e)
	return nil
}

// Close closes the file.
func (j *Journal) Close() error { return j.f.Close() }

var errEmpty = errors.New("empty journal")

// decode reads the whole lines and tells how many bytes they take. Only the last
// line may be unreadable: it was torn by a crash. Elsewhere it is damage.
func decode(r io.Reader) (entries []Entry, whole int64, err error) {
	br := bufio.NewReader(r)
	for {
		line, readErr := readLine(br)
		if readErr != nil && !errors.Is(readErr, io.EOF) {
			return nil, 0, readErr
		}
		if errors.Is(readErr, io.EOF) {
			// No newline: torn, or the end.
			break
		}
		var e Entry
		if err := json.Unmarshal(line, &e); err != nil {
			if _, peek := br.Peek(1); errors.Is(peek, io.EOF) && len(entries) > 0 {
				break
			}
			return nil, 0, fmt.Errorf("line %d is damaged: %w", len(entries)+1, err)
		}
		if len(entries) == 0 {
			if e.Version > Version {
				return nil, 0, fmt.Errorf("written by a newer hma (version %d, this one reads %d)", e.Version, Version)
			}
			if e.Version < 1 || e.Kind != Begin {
				return nil, 0, errors.New("not a journal")
			}
		}
		entries = append(entries, e)
		whole += int64(len(line)) + 1
	}
	if len(entries) == 0 {
		return nil, 0, errEmpty
	}
	return entries, whole, nil
}

// readLine returns the next line without its newline, io.EOF when none ends.
func readLine(br *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxLine {
			return nil, fmt.Errorf("a line is longer than %d bytes", maxLine)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return bytes.TrimSuffix(line, []byte("\n")), nil
	}
}

// validID admits what NewID makes, and nothing that could leave the folder: of
// any other name there is no run (fs.ErrNotExist).
func validID(id string) error {
	if id == "" || len(id) > 64 {
		return fmt.Errorf("%q is no run id: %w", id, fs.ErrNotExist)
	}
	for _, c := range id {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return fmt.Errorf("%q is no run id: %w", id, fs.ErrNotExist)
		}
	}
	return nil
}

// WriteFile writes data to name by rename, durable on return, for nobody else to read. What is
// there and no file, such as /dev/stdout or a pipe, is written into instead.
func WriteFile(name string, data []byte) error {
	if at, err := os.Stat(name); err == nil && !at.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.Write(data)
		return errors.Join(err, f.Close())
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		return err
	}
	return syncDir(dir)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if closeErr := d.Close(); err == nil {
		err = closeErr
	}
	return err
}
