package mail_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"hma/client/mail"
)

func TestLoopback(t *testing.T) {
	get := func(address string) (int, string) {
		resp, err := http.Get(address)
		if err != nil {
			t.Error(err)
			return 0, ""
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(body)
	}
	done := make(chan struct{})
	var back *mail.Loopback
	back, err := mail.NewLoopback(func(address string) {
		go func() {
			defer close(done)
			if address != "https://cloud/authorize" {
				t.Errorf("opened %s", address)
			}
			for _, other := range []string{"/favicon.ico", "/", "/other?code=1"} {
				if status, _ := get(back.Redirect() + other); status != http.StatusNotFound {
					t.Errorf("%s: %d", other, status)
				}
			}
			if status, text := get(back.Redirect() + "/?code=a%2Bb&state=s"); status != http.StatusOK || !strings.Contains(text, "close this window") {
				t.Errorf("%d %s", status, text)
			}
		}()
	})
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	final, err := back.Browser(t.Context(), "https://cloud/authorize")
	if want := back.Redirect() + "/?code=a%2Bb&state=s"; err != nil || final != want {
		t.Errorf("came back to %s, %v; want %s", final, err, want)
	}
	<-done
}

func TestLoopbackEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	back, err := mail.NewLoopback(func(string) { cancel() })
	if err != nil {
		t.Fatal(err)
	}
	defer back.Close()
	if _, err := back.Browser(ctx, "https://cloud/authorize"); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
