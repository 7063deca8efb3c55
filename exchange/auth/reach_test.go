package auth_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"hma/exchange/auth"
)

// roundTrip is a network that is one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// TestReaches holds that any answer is one, and how often the endpoint is asked.
func TestReaches(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	asked, up := 0, true
	m := auth.NewMetadata(auth.MetadataOptions{Now: func() time.Time { return now }, Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		asked++
		if r.Method != http.MethodHead || r.URL.Host != "login.example.com" {
			t.Errorf("%s %s", r.Method, r.URL)
		}
		if !up {
			return nil, errors.New("connection refused")
		}
		return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {"https://elsewhere.example.com/"}}, Body: http.NoBody, Request: r}, nil
	})})
	const endpoint = "https://login.example.com/common/oauth2/authorize"
	for i, step := range []struct {
		wait  time.Duration
		up    bool
		want  bool
		asked int
	}{
		{0, true, true, 1}, {9 * time.Second, false, true, 1}, {time.Second, false, false, 2}, {500 * time.Millisecond, true, false, 2}, {500 * time.Millisecond, true, true, 3},
	} {
		now, up = now.Add(step.wait), step.up
		if got := m.Reaches(t.Context(), endpoint); got != step.want || asked != step.asked {
			t.Errorf("step %d: %v after %d questions, want %v after %d", i, got, asked, step.want, step.asked)
		}
	}
	for _, bad := range []string{"", "http://login.example.com/", "https://", "%"} {
		if m.Reaches(t.Context(), bad) {
			t.Errorf("%q is reached", bad)
		}
	}
}
