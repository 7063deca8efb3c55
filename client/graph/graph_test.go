package graph

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func serve(t *testing.T, h http.HandlerFunc) (*Client, string) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	c, err := New(s.URL+"/v1.0/", s.Client(), func(context.Context) (string, error) { return "t", nil })
	if err != nil {
		t.Fatal(err)
	}
	return c, s.URL + "/v1.0"
}

// Of a Graph that does not answer people read its name and the reason, and no address.
func TestNoAnswer(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	hc := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, s.Listener.Addr().String())
	}}}
	c, err := New("https://graph.example/v1.0", hc, func(context.Context) (string, error) { return "t", nil })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Organization(t.Context()); err == nil || !strings.HasSuffix(err.Error(), "graph: graph.example does not answer: connection refused") {
		t.Error(err)
	}
}

func TestServicePrincipal(t *testing.T) {
	var body string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer t" {
			t.Error("no token")
		}
		switch r.Method {
		case http.MethodGet:
			if r.URL.Query().Get("$filter") != "appId eq 'app'" || !strings.Contains(r.URL.Query().Get("$select"), "replyUrls") {
				t.Error(r.URL)
			}
			fmt.Fprint(w, `{"value":[{"id":"1","appId":"app","servicePrincipalNames":["a"],"replyUrls":["b"]}]}`)
		case http.MethodPatch:
			data, _ := io.ReadAll(r.Body)
			body = r.URL.Path + " " + string(data)
			w.WriteHeader(204)
		}
	})
	sp, err := c.ServicePrincipal(t.Context(), "app")
	if err != nil || sp.ID != "1" || sp.ServicePrincipalNames[0] != "a" || sp.ReplyURLs[0] != "b" {
		t.Fatal(sp, err)
	}
	if err := c.SetReplyURLs(t.Context(), "1", []string{"x"}); err != nil || body != `/v1.0/servicePrincipals/1 {"replyUrls":["x"]}` {
		t.Error(body, err)
	}
	if err := c.SetServicePrincipalNames(t.Context(), "1", nil); err != nil || body != `/v1.0/servicePrincipals/1 {"servicePrincipalNames":[]}` {
		t.Error(body, err)
	}
}

func TestPages(t *testing.T) {
	base := ""
	c, root := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("$skiptoken") {
		case "":
			fmt.Fprintf(w, `{"value":[{"id":"1","onPremisesSyncEnabled":null}],"@odata.nextLink":"%s/users?$skiptoken=2"}`, base)
		case "2":
			fmt.Fprintf(w, `{"value":[{"id":"2","onPremisesSyncEnabled":true}]}`)
		}
	})
	base = root
	users, err := c.Users(t.Context())
	if err != nil || len(users) != 2 || users[0].OnPremisesSyncEnabled || !users[1].OnPremisesSyncEnabled {
		t.Error(users, err)
	}
	// The token must not go to another origin.
	base = "https://evil.example/v1.0"
	if _, err := c.Users(t.Context()); err == nil {
		t.Error("a nextLink led away")
	}
}

func TestErrors(t *testing.T) {
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("request-id", "r")
		w.WriteHeader(403)
		fmt.Fprint(w, `{"error":{"code":"Authorization_RequestDenied","message":"no"}}`)
	})
	_, err := c.Organization(t.Context())
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != "Authorization_RequestDenied" || e.Status != 403 || e.RequestID != "r" {
		t.Error(err)
	}
	if _, err := New("http://a", nil, nil); err == nil {
		t.Error("plain http was taken")
	}
}
