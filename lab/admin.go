package lab

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
)

// adminHandler serves what only a lab offers on its admin socket.
func (l *Lab) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+SpoilPath, l.spoilToken)
	mux.HandleFunc("GET "+ClockPath, l.showClock)
	mux.HandleFunc("PUT "+ClockPath, l.moveClock)
	mux.HandleFunc("GET "+FaultsPath, l.showFaults)
	mux.HandleFunc("POST "+FaultsPath, l.changeFaults)
	mux.HandleFunc("DELETE "+FaultsPath, l.changeFaults)
	return mux
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base32.StdEncoding.EncodeToString(sum[:10])
}

// serveAdmin opens the admin socket for its owner alone: whoever can open it may run any cmdlet.
func (l *Lab) serveAdmin() error {
	path := socketPath(l.dir)
	// The directory is locked, so a socket that is there is a dead one.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("open admin socket: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return fmt.Errorf("open admin socket: %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		listener.Close()
		return fmt.Errorf("open admin socket: %w", err)
	}
	l.Roles.ServeAdmin(listener, l.adminHandler())
	return nil
}
