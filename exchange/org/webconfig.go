package org

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// AppSettings are the appSettings of a web.config file, names in lower case: .NET compares them without case.
type AppSettings map[string]string

// True tells whether the setting is true.
func (a AppSettings) True(name string) bool { return strings.EqualFold(a[asciiLower(name)], "true") }

const (
	// maxWebConfig bounds a web.config file in bytes; the one that Exchange ships has some 60 KB.
	maxWebConfig = 1 << 20
	// maxSettings bounds its appSettings.
	maxSettings = 10_000
)

// owaWebConfig is the file below ExchangeInstallPath that the how-to has an administrator edit.
var owaWebConfig = filepath.Join("ClientAccess", "Owa", "web.config")

// stockWebConfig is what setup leaves there, without the parts that configure IIS.
const stockWebConfig = `<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <appSettings>
  </appSettings>
</configuration>
`

// InstallWebConfig puts OWA's web.config as Exchange ships it below the folder of a server's ExchangeInstallPath,
// unless there is one.
func InstallWebConfig(installPath string) error {
	path := filepath.Join(installPath, owaWebConfig)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("install web.config: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("install web.config: %w", err)
	}
	_, err = f.WriteString(stockWebConfig)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("install web.config: %w", err)
	}
	return nil
}

// ParseWebConfig reads configuration/appSettings of a web.config file: add, remove and clear, in their order. The
// rest of the file is passed over. A file that is too long, no XML, or without configuration as its root is an error.
func ParseWebConfig(text []byte) (AppSettings, error) {
	if len(text) > maxWebConfig {
		return nil, fmt.Errorf("web.config has more than %d bytes", maxWebConfig)
	}
	settings := make(AppSettings)
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	var path []string
	for roots := 0; ; {
		t, err := d.Token()
		if errors.Is(err, io.EOF) && roots == 1 {
			return settings, nil
		}
		if err != nil {
			return nil, fmt.Errorf("web.config is no XML: %w", err)
		}
		switch t := t.(type) {
		case xml.Directive:
			return nil, errors.New("web.config has a document type")
		case xml.EndElement:
			path = path[:len(path)-1]
		case xml.StartElement:
			if len(path) == 0 {
				if roots++; roots > 1 || t.Name.Local != "configuration" {
					return nil, errors.New("web.config has another root than one configuration")
				}
			}
			if len(path) == 2 && path[1] == "appSettings" {
				if err := settings.apply(t); err != nil {
					return nil, err
				}
			}
			path = append(path, t.Name.Local)
		}
	}
}

// apply does what one element of appSettings says.
func (a AppSettings) apply(e xml.StartElement) error {
	var key, value string
	for _, attr := range e.Attr {
		switch attr.Name.Local {
		case "key":
			key = asciiLower(attr.Value)
		case "value":
			value = attr.Value
		}
	}
	switch e.Name.Local {
	case "clear":
		clear(a)
	case "remove":
		delete(a, key)
	case "add":
		if key == "" || len(a) >= maxSettings {
			return errors.New("web.config has a setting without a key, or too many")
		}
		a[key] = value
	default:
		return fmt.Errorf("web.config has <%s> among its appSettings", e.Name.Local)
	}
	return nil
}

// fileState tells one state of a file from another; the zero value is that of no file.
type fileState struct {
	size     int64
	modified time.Time
}

func (s *ServerConfig) webConfigPath() string {
	if s.o.opts.InstallPath == nil {
		return ""
	}
	if folder := s.o.opts.InstallPath(s.name); folder != "" {
		return filepath.Join(folder, owaWebConfig)
	}
	return ""
}

func stateOf(path string) fileState {
	info, err := os.Stat(path)
	if err != nil {
		return fileState{}
	}
	return fileState{info.Size(), info.ModTime()}
}

// fileChanged tells whether the web.config file is no longer the one that was read.
func (s *ServerConfig) fileChanged() bool {
	path := s.webConfigPath()
	if path == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return stateOf(path) != s.file
}

// readWebConfig reads the server's appSettings. A file that cannot be read has none, and the log says why.
func (s *ServerConfig) readWebConfig() AppSettings {
	path := s.webConfigPath()
	if path == "" {
		return nil
	}
	s.file = stateOf(path)
	settings, err := func() (AppSettings, error) {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		text, err := io.ReadAll(io.LimitReader(f, maxWebConfig+1))
		if err != nil {
			return nil, err
		}
		return ParseWebConfig(text)
	}()
	if err != nil {
		s.o.opts.Log.Error("web.config not read; the server runs without its settings", "server", s.name, "path", path, "error", err)
	}
	return settings
}
