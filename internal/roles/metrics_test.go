package roles

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"hma/internal/sealed"
	"hma/internal/sqldb"
)

// TestUnready holds that the databases are asked once in readyFor, however often somebody
// asks whether the process is ready, be it ready or not.
func TestUnready(t *testing.T) {
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	var log bytes.Buffer
	r, err := Open(t.Context(), Config{Entra: "sqlite::memory:", Org: "sqlite::memory:", Mailbox: "sqlite::memory:", Key: sealed.New(), Now: func() time.Time { return now },
		Log: slog.New(slog.NewTextHandler(&log, nil)), Origin: "https://cloud.test", MailHost: "mail.contoso.com"})
	if err != nil {
		t.Fatal(err)
	}
	if why := r.unready(); why != "" {
		t.Fatalf("at the start: %s", why)
	}
	gone, err := sqldb.Open(t.Context(), "sqlite::memory:")
	if err == nil {
		err = gone.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	open := r.dbs[2]
	r.dbs[2] = gone
	for _, c := range []struct {
		step  time.Duration
		why   string
		asked int
	}{
		{readyFor - 1, "", 0},
		{1, "the mailbox database does not answer", 1},
		{readyFor - 1, "the mailbox database does not answer", 1},
		{1, "the mailbox database does not answer", 2},
		{-time.Hour, "the mailbox database does not answer", 3},
	} {
		now = now.Add(c.step)
		for range 3 {
			if why := r.unready(); why != c.why {
				t.Errorf("after %v: %q, want %q", c.step, why, c.why)
			}
		}
		if asked := strings.Count(log.String(), `msg="not ready"`); asked != c.asked {
			t.Errorf("after %v the databases were asked %d times in vain, want %d", c.step, asked, c.asked)
		}
	}
	r.dbs[2] = open
	if err := r.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if why := r.unready(); why != "the process is stopping" {
		t.Errorf("after the end: %q", why)
	}
}
