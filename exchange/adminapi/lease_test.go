package adminapi

import (
	"testing"
	"time"
)

// TestLeaseAfterCmdlets: the lease of a holder that is gone is not given on while
// a cmdlet still runs that it may have asked for.
func TestLeaseAfterCmdlets(t *testing.T) {
	var l Lease
	if ok, _, _ := l.take("first", time.Time{}); !ok {
		t.Fatal("a free lease was refused")
	}
	released := make(chan struct{})
	l.during(func() {
		go func() {
			l.release()
			close(released)
		}()
		for range 100 {
			if ok, other, _ := l.take("second", time.Time{}); ok || other != "first" {
				t.Fatalf("taken while a cmdlet runs: %v, %q", ok, other)
			}
		}
	})
	<-released
	if ok, _, _ := l.take("second", time.Time{}); !ok {
		t.Error("the lease was not let go")
	}
}
