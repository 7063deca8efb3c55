package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// bench is one run of the command.
type bench struct {
	cache string // folder that is kept between runs
	work  string // folder of this run alone, on the same disk
	hma   string // the built program
	items int    // of one more folder in the group ews
	text  io.Writer
	json  io.Writer
}

// A group is figures that share what they are measured on.
type group struct {
	name string
	run  func(context.Context, *bench) error
}

var groups = []group{
	{"validator", validator},
	{"frontend", frontend},
	{"sts", tokenService},
	{"ews", webServices},
	{"streaming", streaming},
	{"reading", reading},
	{"memory", memory},
	{"delivery", delivery},
	{"org", organisation},
	{"check", check},
	{"up", up},
	{"shell", shellStartup},
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == loadCommand {
		if err := serveLoad(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "load:", err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	b := &bench{text: os.Stdout}
	out := flag.String("out", "bench.json", "`file` for the figures as JSON lines")
	flag.StringVar(&b.cache, "cache", ".cache/bench", "`folder` for data sets")
	flag.StringVar(&b.hma, "hma", "bin/hma", "the built `program`")
	flag.IntVar(&b.items, "items", 0, "the group ews compares a folder of this `number` of items too")
	flag.Parse()
	for _, name := range flag.Args() {
		if !slices.ContainsFunc(groups, func(g group) bool { return g.name == name }) {
			return fmt.Errorf("no group %q of figures: want validator, frontend, sts, ews, streaming, reading, memory, delivery, org, check, up or shell", name)
		}
	}
	if err := os.MkdirAll(b.cache, 0o755); err != nil {
		return err
	}
	var err error
	if b.work, err = os.MkdirTemp(b.cache, "run-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.work)
	if b.work, err = filepath.Abs(b.work); err != nil {
		return err
	}
	file, err := os.Create(*out)
	if err != nil {
		return err
	}
	defer file.Close()
	b.json = file

	failed := 0
	for _, g := range groups {
		measure := func() error { return b.apart(ctx, g.name) }
		switch {
		case flag.NArg() == 1 && flag.Arg(0) == g.name:
			measure = func() error { return g.run(ctx, b) }
		case flag.NArg() > 0 && !slices.Contains(flag.Args(), g.name):
			continue
		}
		start := time.Now()
		if err := measure(); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			// The other groups still have something to say.
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n", g.name, err)
			failed++
		}
		if flag.NArg() != 1 {
			fmt.Fprintf(b.text, "       %s took %.0f s\n", g.name, time.Since(start).Seconds())
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d groups of figures could not be measured", failed)
	}
	return file.Close()
}

// apart measures a group in a process of its own: what the ones before leave behind,
// stacks of thousands of goroutines and heaps, would slow it down.
func (b *bench) apart(ctx context.Context, name string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	figures := filepath.Join(b.work, name+".json")
	cmd := exec.CommandContext(ctx, program, "-cache", b.cache, "-hma", b.hma, "-items", strconv.Itoa(b.items), "-out", figures, name)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 30 * time.Second // it ends the programs that it started
	cmd.Stdout, cmd.Stderr = b.text, os.Stderr
	measured := cmd.Run()
	lines, err := os.ReadFile(figures)
	if err == nil {
		_, err = b.json.Write(lines)
	}
	return errors.Join(measured, err)
}

// print writes a figure, unless measuring it failed.
func (b *bench) print(f figure, err error) error {
	if err != nil {
		return err
	}
	return f.print(b.text, b.json)
}
