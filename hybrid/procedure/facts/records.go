package facts

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Records tell who came how, by the servers' request records.
type Records struct {
	Clients map[Client]time.Time // when each came last
	// Missing are servers whose records are not among them, with the reason.
	Missing []Missing
}

// Client is one person's client at one door with one method.
type Client struct{ User, Door, Method, Agent string }

// Missing is a server whose records could not be collected.
type Missing struct{ Server, Problem string }

// Limits on request records: a line of the front end's log is some kilobytes, and ten thousand people with
// ten clients each are told apart.
const (
	maxRecord  = 1 << 20
	maxClients = 100_000
)

// ParseRecords reads request records: JSON lines as our servers log them and a snapshot keeps them, or Exchange's own HttpProxy
// logs (CSV whose columns a line names that begins with DateTime or #Fields:), several of them one after the other.
// Lines that are no request with a person are passed over; a text without a single line of either form is an error.
func ParseRecords(text []byte) (*Records, error) {
	r := &Records{Clients: map[Client]time.Time{}}
	lines := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
	lines.Buffer(nil, maxRecord)
	var columns map[string]int // of the log that is being read
	known := false
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		var err error
		switch {
		case line == "":
		case strings.HasPrefix(line, "{"):
			known = true
			err = r.logged([]byte(line))
		case strings.HasPrefix(line, "DateTime,"), strings.HasPrefix(line, "#Fields: "):
			known = true
			columns = map[string]int{}
			for i, name := range strings.Split(strings.TrimPrefix(line, "#Fields: "), ",") {
				columns[strings.ToLower(strings.Trim(name, `" `))] = i
			}
		case columns != nil && !strings.HasPrefix(line, "#"):
			err = r.proxied(columns, line)
		}
		if err != nil {
			return nil, err
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if !known && len(text) > 0 {
		return nil, errors.New("are neither JSON lines nor HttpProxy logs, whose columns a line names")
	}
	return r, nil
}

// logged takes a line of our own servers' log, or of a snapshot.
func (r *Records) logged(line []byte) error {
	var l struct {
		Time    time.Time `json:"time"`
		Message string    `json:"msg"`
		Door    string    `json:"door"`
		AuthN   string    `json:"authn"`
		User    string    `json:"user"`
		Agent   string    `json:"agent"`
		Server  string    `json:"server"`
		Problem string    `json:"problem"`
	}
	if json.Unmarshal(line, &l) != nil {
		return nil
	}
	switch l.Message {
	case "request":
		return r.came(Client{l.User, l.Door, l.AuthN, l.Agent}, l.Time)
	case "missing":
		r.Missing = append(r.Missing, Missing{l.Server, l.Problem})
	}
	return nil
}

// doors are the doors by the names that HttpProxy logs have for them.
var doors = map[string]string{"autodiscover": "Autodiscover", "eas": "ActiveSync", "ecp": "ECP", "ews": "EWS", "mapi": "MAPI", "oab": "OAB", "owa": "OWA",
	"rpchttp": "Outlook Anywhere"}

// proxied takes a line of an HttpProxy log.
func (r *Records) proxied(columns map[string]int, line string) error {
	c := csv.NewReader(strings.NewReader(line))
	c.LazyQuotes, c.FieldsPerRecord = true, -1
	cells, err := c.Read()
	if err != nil {
		return nil
	}
	cell := func(name string) string {
		if i, ok := columns[name]; ok && i < len(cells) {
			return cells[i]
		}
		return ""
	}
	at, err := time.Parse(time.RFC3339Nano, cell("datetime"))
	if err != nil {
		return nil
	}
	return r.came(Client{cell("authenticateduser"), cell("protocol"), cell("authenticationtype"), cell("useragent")}, at)
}

// came notes a person's request. Monitoring mailboxes and the accounts of machines are no people.
func (r *Records) came(c Client, at time.Time) error {
	c.User, c.Door = strings.ToLower(c.User), cmp.Or(doors[strings.ToLower(c.Door)], c.Door)
	if c.User == "" || c.Method == "" || strings.Contains(c.User, "healthmailbox") || strings.HasSuffix(c.User, "$") {
		return nil
	}
	last, known := r.Clients[c]
	if !known && len(r.Clients) == maxClients {
		return fmt.Errorf("more than %d clients", maxClients)
	}
	if !known || at.After(last) {
		r.Clients[c] = at
	}
	return nil
}

// records reads the request records that somebody gave.
func (r *reader) records() *Records {
	text := r.file(SourceRecords, RecordsFile)
	if text == nil {
		return nil
	}
	records, err := ParseRecords(text)
	if err != nil {
		r.unread(SourceRecords, RecordsFile, err)
		return nil
	}
	slices.SortFunc(records.Missing, func(a, b Missing) int { return strings.Compare(a.Server, b.Server) })
	return records
}
