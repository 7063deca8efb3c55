package main

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"time"

	"golang.org/x/crypto/bcrypt"

	"hma/exchange/auth"
	"hma/exchange/clientaccess"
	"hma/exchange/cmdlet"
	"hma/exchange/org"
	"hma/internal/sealed"
	"hma/internal/sqldb"
	"hma/wire/psobject"
)

// orgTime is how long one side is run at a time.
const orgTime = 150 * time.Millisecond

// organizations are the servers of the organisations that are compared; each has eight virtual directories that doors serve.
var organizations = []int{100, 2}

// organisation measures whether the number of servers shows in what an administrator does with one of them, and in a
// request to one.
func organisation(ctx context.Context, b *bench) error {
	var sides []*servers
	for _, n := range organizations {
		s, err := openServers(ctx, b, n)
		if err != nil {
			return err
		}
		defer s.close()
		sides = append(sides, s)
	}
	note := fmt.Sprintf("%d servers against %d", organizations[0], organizations[1])
	for _, m := range []struct {
		id string
		op func(*servers) error
	}{
		{"org.scale.get", func(s *servers) error {
			return s.run(ctx, "Get-OwaVirtualDirectory", psobject.Property{Name: "Server", Value: "EX1"})
		}},
		{"org.scale.set", func(s *servers) error {
			s.on = !s.on
			return s.run(ctx, "Set-OabVirtualDirectory", psobject.Property{Name: "Identity", Value: `EX1\OAB (Default Web Site)`},
				psobject.Property{Name: "OAuthAuthentication", Value: s.on})
		}},
		{"org.scale.request", (*servers).request},
	} {
		side := func(s *servers) func() (float64, error) {
			return func() (float64, error) { return perOp(orgTime, func() error { return m.op(s) }) }
		}
		f, err := ratio(m.id, atMost(1.3), note, side(sides[0]), side(sides[1]))
		if err := b.print(f, err); err != nil {
			return err
		}
	}
	return nil
}

// servers is one organisation with its cmdlets and the front end of its first server.
type servers struct {
	db    *sqldb.DB
	org   *org.Organization
	reg   *cmdlet.Registry
	front http.Handler
	on    bool
}

func (s *servers) close() {
	if s.org != nil {
		s.org.Close()
	}
	s.db.Close()
}

func openServers(ctx context.Context, b *bench, n int) (_ *servers, err error) {
	s := &servers{}
	if s.db, err = sqldb.Open(ctx, "sqlite:"+filepath.Join(b.work, fmt.Sprintf("org-%d.db", n))); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	// Nothing but what is measured happens meanwhile: servers pick up later.
	if s.org, err = org.Open(ctx, s.db, org.Options{Now: time.Now, PickUp: time.Hour, Key: sealed.New(), PasswordCost: bcrypt.MinCost}); err != nil {
		return nil, err
	}
	if err := s.org.CreateOrganization(ctx, org.NewOrganization{Name: "Contoso", Domain: "contoso.com"}); err != nil {
		return nil, err
	}
	for i := range n {
		name := fmt.Sprintf("EX%d", i+1)
		if err := s.org.CreateServer(ctx, org.NewServer{Name: name, FQDN: name + ".contoso.com", Version: org.MinimumSignIn, ExternalHost: "mail.contoso.com"}); err != nil {
			return nil, err
		}
		server, err := s.org.Server(ctx, name)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			s.front = clientaccess.New(clientaccess.Options{Snapshots: server, Auth: auth.New(auth.Options{People: s.org}), Now: time.Now, Log: slog.New(slog.DiscardHandler)})
		}
	}
	s.reg = cmdlet.New(s.org, cmdlet.Options{Now: time.Now})
	return s, nil
}

func (s *servers) run(ctx context.Context, name string, parameters ...psobject.Property) error {
	res := s.reg.Run(ctx, cmdlet.Caller{Name: "bench", Administrator: true, Server: "EX1"}, psobject.Invocation{Cmdlet: name, Parameters: parameters})
	if res.Error != nil {
		return res.Error
	}
	return nil
}

// request is a probe of a mail client, answered by the front end alone.
func (s *servers) request() error {
	r := httptest.NewRequest(http.MethodPost, "https://mail.contoso.com/ews/exchange.asmx", nil)
	r.Header.Set("Authorization", "Bearer")
	w := httptest.NewRecorder()
	if s.front.ServeHTTP(w, r); w.Code != http.StatusUnauthorized {
		return fmt.Errorf("a probe was answered %d", w.Code)
	}
	return nil
}
