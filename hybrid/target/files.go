package target

import (
	"context"
	"io"
	"io/fs"
	"os"
)

// GivenFiles are files that the operator named on the command line: what the
// procedure calls a file, and where it is.
type GivenFiles map[string]string

// maxFile bounds a file that is read whole.
const maxFile = 8 << 20

// ReadFile reads a given file, its first 8 MiB.
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
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxFile))
}
