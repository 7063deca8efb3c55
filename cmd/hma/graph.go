package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"hma/client/graph"
	"hma/client/mail"
	"hma/internal/sealed"
	"hma/lab"
	"hma/shell"
)

// graph is how the shell's Graph cmdlets reach a cloud: the lab's, or without a lab
// Microsoft's. At a terminal the person signs in with a browser; elsewhere the lab's own administrator
// does, and at Microsoft's a device code asks. A lab's connection is kept in its data directory.
func (a *app) graph(r *running) *shell.Graph {
	var g *shell.Graph
	if r == nil {
		g = &shell.Graph{Cloud: graph.Microsoft(mail.New(mail.Options{}))}
	} else {
		kept := keptConnection{dir: a.data}
		g = &shell.Graph{Cloud: graph.Cloud{Login: r.Cloud, Endpoint: r.Graph, Mail: r.mail}, Load: kept.load, Save: kept.save}
		g.SignIn = func(ctx context.Context, tenant string, scopes []string, say func(string)) (*graph.Connection, error) {
			return r.labAdministrator(ctx, g.Cloud, tenant, scopes, say)
		}
	}
	if a.prompter() != nil {
		g.SignIn = func(ctx context.Context, tenant string, scopes []string, say func(string)) (*graph.Connection, error) {
			return withBrowser(ctx, g.Cloud, tenant, scopes, say, openBrowser)
		}
	}
	return g
}

// labAdministrator signs the synchronised administrator of the tenant in, whose password a lab knows, through the
// cloud's own pages, and accepts what they ask consent for.
func (r *running) labAdministrator(ctx context.Context, cloud graph.Cloud, tenant string, scopes []string, say func(string)) (*graph.Connection, error) {
	u, err := r.administratorOf(tenant)
	if err != nil {
		return nil, err
	}
	conn, err := cloud.Browser(ctx, tenant, "http://localhost", scopes, r.browser(u).Redirected)
	if err != nil {
		return nil, err
	}
	say(fmt.Sprintf("Signed in as %s, the lab's administrator, because there is no terminal to ask at.", conn.Account))
	return conn, nil
}

// administratorOf returns the synchronised administrator of the tenant: an id, a domain, or "" for the first one.
func (r *running) administratorOf(tenant string) (lab.User, error) {
	home := ""
	for _, t := range r.Tenants {
		if tenant == "" || strings.EqualFold(tenant, t.ID) || strings.EqualFold(tenant, t.Domain) {
			home = t.Domain
			break
		}
	}
	for _, u := range r.Users {
		_, domain, _ := strings.Cut(u.UPN, "@")
		if u.Administers() && (strings.EqualFold(domain, tenant) || home != "" && cmp.Or(u.Tenant, r.Tenant.Domain) == home) {
			return u, nil
		}
	}
	return lab.User{}, unreachable(fmt.Errorf("endpoints.json names no synchronised administrator of the tenant %s", tenant))
}

// withBrowser has the person sign in with a browser of this machine.
func withBrowser(ctx context.Context, cloud graph.Cloud, tenant string, scopes []string, say func(string), open func(string) error) (*graph.Connection, error) {
	back, err := mail.NewLoopback(func(address string) {
		say("Sign in with the browser. If none opens, open this address on this machine:\n" + address)
		if err := open(address); err != nil {
			say("No browser was opened: " + err.Error() + ". Connect-MgGraph -UseDeviceCode needs none here.")
		}
	})
	if err != nil {
		return nil, err
	}
	defer back.Close()
	return cloud.Browser(ctx, tenant, back.Redirect(), scopes, back.Browser)
}

// openBrowser opens an address in the person's browser.
func openBrowser(address string) error {
	name := "xdg-open"
	if runtime.GOOS == "darwin" {
		name = "open"
	}
	cmd := exec.Command(name, address)
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() { _ = cmd.Wait() }() // how it ends is the browser's affair
	return nil
}

// keptConnection is the connection to Graph in a data directory: sealed with the directory's key.
type keptConnection struct{ dir string }

const (
	connectionFile    = "graph.connection"
	connectionPurpose = "graph connection"
)

func (k keptConnection) key() (*sealed.Key, error) {
	return sealed.LoadOrCreate(filepath.Join(k.dir, "key"))
}

func (k keptConnection) load() (*graph.Connection, error) {
	path := filepath.Join(k.dir, connectionFile)
	box, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the kept connection: %w", err)
	}
	key, err := k.key()
	if err != nil {
		return nil, err
	}
	conn := new(graph.Connection)
	plain, err := key.Open(connectionPurpose, box)
	if err == nil {
		err = json.Unmarshal(plain, conn)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w: Disconnect-MgGraph removes it", path, err)
	}
	return conn, nil
}

// save writes the connection whole or not at all, or with nil removes it.
func (k keptConnection) save(conn *graph.Connection) error {
	path := filepath.Join(k.dir, connectionFile)
	if conn == nil {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("forget the connection: %w", err)
		}
		return nil
	}
	key, err := k.key()
	if err != nil {
		return err
	}
	plain, err := json.Marshal(conn)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(k.dir, "."+connectionFile+"-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep the connection: %w", err)
	}
	defer os.Remove(file.Name())
	_, err = file.Write(key.Seal(connectionPurpose, plain))
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("keep the connection: %w", err)
	}
	return nil
}
