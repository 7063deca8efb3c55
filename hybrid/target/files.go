package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// RecordsFile is the name under which Files is asked for request records.
const RecordsFile = "records"

// FirstOf is the files of each, the first one's where several have one of a name.
type FirstOf []Files

// ReadFile reads the file from the first that has it.
func (all FirstOf) ReadFile(ctx context.Context, name string) ([]byte, error) {
	for _, files := range all {
		if files == nil {
			continue
		}
		if text, err := files.ReadFile(ctx, name); !errors.Is(err, fs.ErrNotExist) {
			return text, err
		}
	}
	return nil, fs.ErrNotExist
}

// GivenFiles are files that the operator named on the command line: what the
// procedure calls a file, and where it is.
type GivenFiles map[string]string

// maxFile bounds a file that is read whole.
const maxFile = 64 << 20

// ReadFile reads a given file of 64 MiB at most. Only a name for which nobody gave a
// file is fs.ErrNotExist: a given file that is not there is another error.
func (g GivenFiles) ReadFile(ctx context.Context, name string) ([]byte, error) {
	path := g[name]
	if path == "" {
		return nil, fs.ErrNotExist
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%v", err) // unwrapped
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s: longer than %d MiB", path, maxFile>>20)
	}
	return text, err
}
