package mailfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// placesFile lies at the top of what was written when a folder is not where its names
// say, because they are too long for a file system: JSON, the names of each such folder by
// its path below the top. What lies below it is named as ever.
const placesFile = "hma-folders.json"

// Limits of what is given to a file system, which takes names of 255 bytes and paths of
// 4,096: the name of a folder still gets ".mbox", the path a top and a file's name.
const (
	maxName   = 245
	maxPath   = 2048
	shortName = 40 // letters that are kept of a longer name
)

// maxPlaces bounds placesFile.
const maxPlaces = 16 << 20

// places gives folders their paths below the top of what is written.
type places struct {
	root  string // of them all
	join  func(parent, name string) string
	paths map[string]string   // by the folder's names, with 0 between them
	taken map[string]bool     // by path
	moved map[string][]string // those that are not where their names say
}

// newTree returns the places of a tree of folders below root.
func newTree(root string) *places {
	return newPlaces(root, func(parent, name string) string { return filepath.Join(parent, encodeName(name)) })
}

func newPlaces(root string, join func(parent, name string) string) *places {
	return &places{root: root, join: join, paths: map[string]string{}, taken: map[string]bool{}, moved: map[string][]string{}}
}

// of returns the path of a folder, the root's for none.
func (p *places) of(folder []string) string {
	if len(folder) == 0 {
		return p.root
	}
	key := strings.Join(folder, "\x00")
	if path, ok := p.paths[key]; ok {
		return path
	}
	name := folder[len(folder)-1]
	path := p.join(p.of(folder[:len(folder)-1]), name)
	if p.taken[path] || len(path) > maxPath || len(filepath.Base(path)) > maxName {
		short := []rune(name)
		short = short[:min(len(short), shortName)]
		for n := len(p.moved) + 1; p.taken[path] || len(path) > maxPath || len(filepath.Base(path)) > maxName; n++ {
			path = p.join(p.root, fmt.Sprintf("%s~%d", string(short), n))
		}
		p.moved[path] = slices.Clone(folder)
	}
	p.paths[key], p.taken[path] = path, true
	return path
}

// write writes placesFile, where it says anything.
func (p *places) write(top string) error {
	if len(p.moved) == 0 {
		return nil
	}
	text, err := json.MarshalIndent(p.moved, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(top, placesFile), append(text, '\n'), 0o600)
}

// readPlaces reads placesFile; nothing where there is no file of that name.
func readPlaces(top string) (moved map[string][]string, err error) {
	path := filepath.Join(top, placesFile)
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close() // only read
	text, err := io.ReadAll(io.LimitReader(f, maxPlaces+1))
	if err == nil && len(text) > maxPlaces {
		err = fmt.Errorf("longer than %d bytes", maxPlaces)
	}
	if err == nil {
		err = json.Unmarshal(text, &moved)
	}
	for path, folder := range moved {
		if err == nil && (len(folder) == 0 || len(folder) > maxDepth+1) {
			err = fmt.Errorf("folder %q has %d names", path, len(folder))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return moved, nil
}
