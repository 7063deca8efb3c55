package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"
)

// loadCommand is the argument that makes this program a source of load: it reads a
// loadSpec and then durations in nanoseconds, and answers each with a loadResult.
const loadCommand = "load"

// answerSize is what every request is answered with, in bytes.
const answerSize = 1024

// loadSpec says where the requests go and what they are; connections take them in turn.
type loadSpec struct {
	Address     string
	Secure      bool
	Connections int
	Requests    [][]byte
}

type loadResult struct {
	Requests int
	Seconds  float64
	Error    string
}

// load is a running source of load. Its connections stay open until stop.
type load struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *json.Decoder
}

func startLoad(ctx context.Context, spec loadSpec) (*load, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	l := &load{cmd: exec.CommandContext(ctx, self, loadCommand)}
	l.cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	l.cmd.Stderr = os.Stderr
	if l.in, err = l.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := l.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	l.out = json.NewDecoder(out)
	if err := l.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start load: %w", err)
	}
	if err := json.NewEncoder(l.in).Encode(spec); err != nil {
		l.stop()
		return nil, fmt.Errorf("start load: %w", err)
	}
	return l, nil
}

// run sends requests for d.
func (l *load) run(d time.Duration) (r loadResult, err error) {
	if err = json.NewEncoder(l.in).Encode(d); err == nil {
		err = l.out.Decode(&r)
	}
	if err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	if err != nil {
		err = fmt.Errorf("load: %w", err)
	}
	return r, err
}

func (l *load) stop() {
	l.in.Close()
	l.cmd.Wait() // what it had to say was said in its results
}

// serveLoad is the other end of startLoad.
func serveLoad(in io.Reader, out io.Writer) error {
	orders := json.NewDecoder(in)
	var spec loadSpec
	if err := orders.Decode(&spec); err != nil {
		return err
	}
	conns := make([]net.Conn, spec.Connections)
	for i := range conns {
		c, err := net.Dial("tcp", spec.Address)
		if err != nil {
			return err
		}
		if spec.Secure {
			c = tls.Client(c, &tls.Config{InsecureSkipVerify: true}) // what is measured is the cost, and the certificate is made for this run
		}
		conns[i] = c
	}
	for {
		var d time.Duration
		if err := orders.Decode(&d); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := json.NewEncoder(out).Encode(spec.send(conns, d)); err != nil {
			return err
		}
	}
}

func (spec loadSpec) send(conns []net.Conn, d time.Duration) loadResult {
	runtime.GC()
	counts, errs := make([]int, len(conns)), make([]error, len(conns))
	start := time.Now()
	var all sync.WaitGroup
	for i, c := range conns {
		all.Go(func() {
			buffer := make([]byte, 8<<10)
			for n := i; time.Since(start) < d; n += len(conns) {
				if errs[i] = exchange(c, spec.Requests[n%len(spec.Requests)], buffer); errs[i] != nil {
					return
				}
				counts[i]++
			}
		})
	}
	all.Wait()
	r := loadResult{Seconds: time.Since(start).Seconds()}
	for _, n := range counts {
		r.Requests += n
	}
	if err := errors.Join(errs...); err != nil {
		r.Error = err.Error()
	}
	return r
}

// exchange sends a request and reads an answer of answerSize bytes. It looks at no
// more of it than it must: the load has to cost less than what it measures.
func exchange(c net.Conn, request, buffer []byte) error {
	if _, err := c.Write(request); err != nil {
		return err
	}
	n, body := 0, -1
	for body < 0 || n < body+answerSize {
		if n == len(buffer) {
			return errors.New("answer too long")
		}
		m, err := c.Read(buffer[n:])
		if err != nil {
			return err
		}
		n += m
		if body < 0 {
			if i := bytes.Index(buffer[:n], []byte("\r\n\r\n")); i >= 0 {
				body = i + 4
				if !bytes.HasPrefix(buffer, []byte("HTTP/1.1 200 ")) {
					return fmt.Errorf("answer %.40q", buffer[:n])
				}
			}
		}
	}
	return nil
}
