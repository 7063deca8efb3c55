package shell

import (
	"bufio"
	"fmt"
	"io"
	"os"
)

// maxFile is how many bytes Get-Content and Select-String read of a file.
const maxFile = 64 << 20

// lines calls take with each line of a file, without its end.
func (c *call) lines(name string, take func(line string) error) error {
	f, err := os.Open(name)
	if err != nil {
		return c.complain(c.fileFailure(c.source.Extent, c.name, err))
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && !info.Mode().IsRegular() {
		return c.complain(c.fileFailure(c.source.Extent, c.name, fmt.Errorf("read %s: not a file", name)))
	}
	scan := bufio.NewScanner(io.LimitReader(f, maxFile+1))
	scan.Buffer(nil, maxFile+1)
	size := 0
	for first := true; scan.Scan(); first = false {
		line := scan.Text()
		if size += len(line) + 1; size > maxFile {
			return c.complain(c.fileFailure(c.source.Extent, c.name, fmt.Errorf("read %s: longer than %d bytes", name, maxFile)))
		}
		if first && len(line) >= 3 && line[:3] == "\ufeff" {
			line = line[3:]
		}
		if err := take(line); err != nil {
			return err
		}
	}
	if err := scan.Err(); err != nil {
		return c.complain(c.fileFailure(c.source.Extent, c.name, fmt.Errorf("read %s: %w", name, err)))
	}
	return nil
}

// create opens the file that -FilePath or -Path names for writing.
func (c *call) create(parameter string, more bool) (*os.File, error) {
	flags := os.O_WRONLY | os.O_CREATE
	switch {
	case more:
		flags |= os.O_APPEND
	case c.flag("NoClobber"):
		flags |= os.O_EXCL
	default:
		flags |= os.O_TRUNC
	}
	f, err := os.OpenFile(c.string(parameter), flags, 0o600)
	if err != nil {
		return nil, c.fileFailure(c.args[parameter].at, c.name, err)
	}
	return f, nil
}

// written closes a file behind the error of what was written to it.
func (c *call) written(f *os.File, err error) error {
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return c.fileFailure(c.source.Extent, c.name, err)
	}
	return nil
}
