package graph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answers is a Graph that answers in turn.
type answers struct {
	list  []answer
	asked []string // method and token of each request
}

type answer struct {
	status     int
	retryAfter string
	body       string
}

func (a *answers) RoundTrip(r *http.Request) (*http.Response, error) {
	a.asked = append(a.asked, r.Method+" "+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	next := answer{status: 500}
	if len(a.list) > 0 {
		next, a.list = a.list[0], a.list[1:]
	}
	h := http.Header{}
	if next.retryAfter != "" {
		h.Set("Retry-After", next.retryAfter)
	}
	return &http.Response{StatusCode: next.status, Header: h, Body: io.NopCloser(strings.NewReader(next.body)), Request: r}, nil
}

const busyBody = `{"error":{"code":"TooManyRequests","message":"Busy."}}`

// A busy Graph is left alone for as long as it says, and asked again for what is only read.
func TestBusy(t *testing.T) {
	good := answer{status: 200, body: `{"value":[{"id":"1"}]}`}
	full := make([]answer, 20)
	for i := range full {
		full[i] = answer{status: 503}
	}
	for name, c := range map[string]struct {
		list   []answer
		write  bool
		waited time.Duration
		asked  int
		want   string // in the error, "" for none
	}{
		"says when":                 {[]answer{{429, "7", busyBody}, good}, false, 7 * time.Second, 2, ""},
		"twice":                     {[]answer{{503, "3", ""}, {504, "", ""}, good}, false, 5 * time.Second, 3, ""},
		"says nothing of use":       {[]answer{{429, "Fri, 31 Dec 1999 23:59:59 GMT", ""}, good}, false, time.Second, 2, ""},
		"says too long":             {[]answer{{429, "3600", busyBody}, good}, false, 0, 1, "it may be asked again in 1h0m0s"},
		"stays busy":                {full, false, 31 * time.Second, 1 + maxRepeats, "graph answered 503"},
		"a write is not sent twice": {[]answer{{429, "7", busyBody}, {204, "", ""}}, true, 0, 1, "429 TooManyRequests: Busy; it may be asked again in 7s"},
		"another failure":           {[]answer{{500, "7", ""}, good}, false, 0, 1, "graph answered 500"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &answers{list: c.list}
				g, err := New("https://graph.example/v1.0", &http.Client{Transport: a}, func(context.Context) (string, error) { return "t", nil })
				if err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				if c.write {
					err = g.SetReplyURLs(t.Context(), "1", []string{"x"})
				} else {
					_, err = g.Organization(t.Context())
				}
				if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
					t.Errorf("got %v, want %q", err, c.want)
				}
				if waited := time.Since(begun); waited != c.waited || len(a.asked) != c.asked {
					t.Errorf("asked %d times in %s, want %d in %s", len(a.asked), waited, c.asked, c.waited)
				}
			})
		})
	}
}

func TestBusyCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		g, err := New("https://graph.example/v1.0", &http.Client{Transport: &answers{list: []answer{{429, "30", ""}}}}, func(context.Context) (string, error) { return "t", nil })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := g.Organization(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

// A token that ends mid-way is renewed once, and the request repeated, a write too: Graph refused it
// before it did anything.
func TestRenewed(t *testing.T) {
	refused := answer{status: 401, body: `{"error":{"code":"InvalidAuthenticationToken","message":"Lifetime validation failed, the token is expired."}}`}
	for name, c := range map[string]struct {
		list  []answer
		asked []string
		fails bool
	}{
		"once":  {[]answer{refused, {status: 204}}, []string{"PATCH t1", "PATCH t2"}, false},
		"twice": {[]answer{refused, refused, {status: 204}}, []string{"PATCH t1", "PATCH t2"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			a, token := &answers{list: c.list}, 1
			g, err := New("https://graph.example/v1.0", &http.Client{Transport: a}, func(context.Context) (string, error) { return fmt.Sprint("t", token), nil })
			if err != nil {
				t.Fatal(err)
			}
			g.renew = func(_ context.Context, refused string) error {
				if refused != "t1" {
					t.Error(refused)
				}
				token++
				return nil
			}
			err = g.SetServicePrincipalNames(t.Context(), "1", []string{"x"})
			if (err != nil) != c.fails || !slices.Equal(a.asked, c.asked) {
				t.Errorf("asked %q: %v", a.asked, err)
			}
		})
	}
}

// A refusal says which permission it is about.
func TestNeeds(t *testing.T) {
	g, err := New("https://graph.example/v1.0", &http.Client{Transport: &answers{list: slices.Repeat([]answer{{status: 403,
		body: `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`}}, 6)}}, func(context.Context) (string, error) { return "t", nil })
	if err != nil {
		t.Fatal(err)
	}
	for want, ask := range map[string]func(context.Context) error{
		"Application.Read.All":      func(ctx context.Context) error { _, err := g.ServicePrincipal(ctx, "a"); return err },
		"User.Read.All":             func(ctx context.Context) error { _, err := g.Users(ctx); return err },
		"Directory.Read.All":        func(ctx context.Context) error { _, err := g.Organization(ctx); return err },
		"Domain.Read.All":           func(ctx context.Context) error { _, err := g.Domains(ctx); return err },
		"Application.ReadWrite.All": func(ctx context.Context) error { return g.SetReplyURLs(ctx, "1", nil) },
	} {
		if err := ask(t.Context()); err == nil || !strings.Contains(err.Error(), "complete the operation; it needs the permission "+want+",") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
