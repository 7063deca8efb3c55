package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const (
	starts = 9
	// idle is how long a lab is left alone before its memory is read.
	idle = 2 * time.Second
)

// up measures the start of a lab and the memory that it keeps.
func up(ctx context.Context, b *bench) error {
	var ready, rss []float64
	for n := range starts {
		seconds, err := withLab(ctx, b.hma, filepath.Join(b.work, fmt.Sprintf("lab-%d", n)), func(pid int) error {
			time.Sleep(idle)
			bytes, err := resident(pid)
			rss = append(rss, bytes/1e6)
			return err
		})
		if err != nil {
			return err
		}
		ready = append(ready, seconds)
	}
	note := fmt.Sprintf("%d starts, new folder each; process start to endpoints.json", starts)
	if err := b.print(below(2).judge("up.ready", "s", ready, note), nil); err != nil {
		return err
	}
	return b.print(below(80).judge("up.rss", "MB", rss, fmt.Sprintf("resident %s after the lab was ready", idle)), nil)
}

// withLab starts a lab in a new folder, calls use with its process id, and ends it. It
// returns the time until endpoints.json was there.
func withLab(ctx context.Context, program, dir string, use func(pid int) error) (seconds float64, err error) {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "up", "--ports", "auto", "--data", dir)
	cmd.Stdout, cmd.Stderr = &said, &said
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			cmd.Process.Kill()
			<-ended
			err = errors.Join(err, errors.New("the lab did not end when it was told to"))
		}
	}()
	for {
		_, err := os.Stat(filepath.Join(dir, "endpoints.json"))
		if err == nil {
			seconds = time.Since(start).Seconds()
			break
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
		select {
		case err := <-ended:
			ended <- err
			return 0, fmt.Errorf("%s up ended before it was ready: %v: %s", program, err, said.Bytes())
		case <-time.After(2 * time.Millisecond):
		}
		if time.Since(start) > time.Minute {
			return 0, fmt.Errorf("%s up was not ready after a minute", program)
		}
	}
	return seconds, use(cmd.Process.Pid)
}

// resident is the memory in bytes that a process has resident.
func resident(pid int) (float64, error) { return status(pid, "VmRSS:") }

// status is a field of /proc/PID/status in bytes.
func status(pid int, field string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if rest, ok := bytes.CutPrefix(line, []byte(field)); ok {
			fields := bytes.Fields(rest)
			if len(fields) == 2 && string(fields[1]) == "kB" {
				n, err := strconv.ParseInt(string(fields[0]), 10, 64)
				return float64(n) * 1024, err
			}
		}
	}
	return 0, fmt.Errorf("no %s in /proc/%d/status", field, pid)
}
