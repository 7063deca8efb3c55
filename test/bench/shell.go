package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// shells is how often the shell is started.
const shells = 25

// shellStartup measures hma shell from the start of its process to its end.
func shellStartup(ctx context.Context, b *bench) error {
	const text = "Get-MapiVirtualDirectory | fl"
	var milliseconds []float64
	dir := filepath.Join(b.work, "shell")
	_, err := withLab(ctx, b.hma, dir, func(int) error {
		for range shells {
			start := time.Now()
			out, err := exec.CommandContext(ctx, b.hma, "shell", "--data", dir, "-c", text).CombinedOutput()
			if err != nil {
				return fmt.Errorf("hma shell: %w: %s", err, out)
			}
			milliseconds = append(milliseconds, time.Since(start).Seconds()*1000)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.print(below(100).judge("shell.startup", "ms", milliseconds, fmt.Sprintf("%d processes, each hma shell -c '%s' against a lab", shells, text)), nil)
}
