package main

import (
	"context"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestQuestions asks every question of the group ews once in a small folder.
func TestQuestions(t *testing.T) {
	d, err := openDoor(t.Context(), &bench{cache: t.TempDir(), text: os.Stdout}, 60)
	if err != nil {
		t.Fatal(err)
	}
	defer d.db.Close()
	for _, q := range questions {
		if err := d.call(q.request(d), q.want); err != nil {
			t.Errorf("%s: %v", q.id, err)
		}
	}
}

// processorTime is what the process has spent in user and system time.
func processorTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkMIME reports beside the time what client and server spend of the processor,
// which others on the machine hardly change.
func BenchmarkMIME(b *testing.B) {
	r, err := openReader(context.Background(), &bench{cache: "../../.cache/bench", text: os.Stdout})
	if err != nil {
		b.Fatal(err)
	}
	defer r.close()
	b.Run("one", func(b *testing.B) {
		i, begun := 0, processorTime(b)
		for b.Loop() {
			i = (i + 617) % len(r.ids)
			if _, err := r.mime(r.ids[i]); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(processorTime(b)-begun)/float64(b.N), "cpu-ns/op")
	})
	b.Run("bulk", func(b *testing.B) {
		i, begun := 0, processorTime(b)
		var n int64
		for b.Loop() {
			i = (i + 617) % (len(r.ids) - bulk)
			if _, err := r.mime(r.ids[i : i+bulk]...); err != nil {
				b.Fatal(err)
			}
			n += r.size(i, i+bulk)
		}
		b.SetBytes(n / int64(b.N))
		b.ReportMetric(float64(processorTime(b)-begun)/float64(b.N), "cpu-ns/op")
	})
}
