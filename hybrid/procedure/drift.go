package procedure

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hma/hybrid/journal"
	"hma/hybrid/procedure/facts"
)

// Drift is what has moved since a run ended.
type Drift struct {
	Version int       `json:"version"`
	Run     string    `json:"run"`
	At      time.Time `json:"at"`
	// Changes are those of the run that no longer stand.
	Changes []Moved `json:"changes"`
	// Since is what else is another than it was when the run ended.
	Since []Moved `json:"since"`
	// Known tells that what the organisation was at the run's end was kept with it; runs of older
	// programs have their own values only.
	Known bool `json:"known"`
}

// Moved is one value that is another than it was.
type Moved struct {
	Change   int    `json:"change,omitempty"` // number in the run
	Object   string `json:"object"`
	Property string `json:"property"`
	Was      string `json:"was"`
	Is       string `json:"is"`
}

// Any tells whether anything moved.
func (d *Drift) Any() bool { return len(d.Changes)+len(d.Since) > 0 }

// Drift compares the organisation with what a finished run left. ErrUnreadable when a fact is
// missing, ErrUnfinished for a run that is not over.
func (p *Procedure) Drift(ctx context.Context, id string) (*Drift, error) {
	run, err := p.Run(id)
	if err != nil {
		return nil, err
	}
	if run.Unfinished() {
		return nil, fmt.Errorf("drift since %s: %w", id, ErrUnfinished)
	}
	f, err := p.complete(ctx)
	if err != nil {
		return nil, err
	}
	d := &Drift{Version: 1, Run: id, At: p.o.Now().UTC(), Changes: []Moved{}, Since: []Moved{}}
	for i := range run.plan.Changes {
		c := &run.plan.Changes[i]
		rec := run.records[c.Number]
		if rec.undone || rec.left || !rec.done && !rec.already {
			continue
		}
		moved, err := p.driftOf(ctx, c)
		if err != nil {
			return nil, err
		}
		d.Changes = append(d.Changes, moved...)
	}
	before, err := p.readAfter(id)
	if err != nil {
		return nil, err
	}
	if before == nil {
		return d, nil
	}
	d.Known = true
	after, err := asObject(f)
	if err != nil {
		return nil, err
	}
	compareObjects(before, after, "", func(m Moved) {
		told := slices.ContainsFunc(d.Changes, func(own Moved) bool { return run.plan.Changes[own.Change-1].tells(own, m) })
		if !told {
			d.Since = append(d.Since, m)
		}
	})
	d.Since = joined(d.Since)
	return d, nil
}

// factOf is what a property that a change sets is called among the facts.
var factOf = map[string]string{
	"OAuthAuthentication": "oauth", "BasicAuthentication": "basic", "DigestAuthentication": "digest", "FormsAuthentication": "forms", "AdfsAuthentication": "adfs",
	"IISAuthenticationMethods": "iis", "InternalAuthenticationMethods": "internal", "ExternalAuthenticationMethods": "external",
	"DomainName": "domain_name", "IsDefaultAuthorizationEndpoint": "default",
	"OAuth2ClientProfileEnabled": "oauth2_client_profile_enabled", "DefaultAuthenticationPolicy": "default_authentication_policy", "AuthenticationPolicy": "policy",
}

// tells tells whether what moved of the change, own, is what a comparison of the facts found as m:
// the same is told once, and what else moved of the same object still is.
func (c *Change) tells(own, m Moved) bool {
	if m.Object != cmp.Or(c.Identity, c.Tenant, "organization") {
		return false
	}
	fact := m.Property[strings.LastIndexByte(m.Property, '.')+1:]
	if c.Cmdlet == "" {
		return fact == own.Property && m.Was == own.Was
	}
	if fact == "internal" || fact == "external" { // the lists have a word for each switch
		if listed, _ := facts.Listed(own.Property, []string{m.Was, m.Is}); listed {
			return true
		}
	}
	return fact == factOf[own.Property]
}

// joined tells once what moved alike in the directory and in what the server runs, and says
// where when it is one of them.
func joined(moved []Moved) []Moved {
	out := []Moved{}
	for _, m := range moved {
		property, ad := strings.CutPrefix(m.Property, "ad.")
		_, live := strings.CutPrefix(m.Property, "live.")
		other := m
		other.Property = "live." + property
		switch {
		case ad && slices.Contains(moved, other):
			continue
		case ad:
			m.Property = property + " in the directory"
		case live:
			m.Property = strings.TrimPrefix(m.Property, "live.")
			other.Property = "ad." + m.Property
			if !slices.Contains(moved, other) {
				m.Property += " as it runs"
			}
		}
		out = append(out, m)
	}
	return out
}

// driftOf returns the values of a change that are no longer as it made them.
func (p *Procedure) driftOf(ctx context.Context, c *Change) ([]Moved, error) {
	if c.Cmdlet == "" {
		list, err := p.list(ctx, c)
		if err != nil {
			return nil, err
		}
		var moved []Moved
		for _, entry := range c.missing(list) {
			moved = append(moved, Moved{c.Number, c.Address, c.Settings[0].Property, entry, "not there"})
		}
		return moved, nil
	}
	s, err := p.readSettings(ctx, c)
	if err != nil {
		return nil, err
	}
	var moved []Moved
	for i, setting := range c.Settings {
		is := s.live[i]
		where := ""
		if is.equal(setting.After) && !s.ad[i].equal(setting.After) {
			is, where = s.ad[i], " in the directory"
		}
		if !is.equal(setting.After) {
			moved = append(moved, Moved{c.Number, c.Address, setting.Property, setting.After.String(), is.String() + where})
		}
	}
	return moved, nil
}

func afterPath(dir, run string) string { return filepath.Join(dir, "journal", run+".after.json") }

// saveAfter keeps what the organisation is at a run's end. What cannot be read or written is no
// failure of the run: drift then knows the run's own values only.
func (p *Procedure) saveAfter(ctx context.Context, run string) {
	f, err := p.complete(ctx)
	if err == nil {
		var data []byte
		if data, err = json.Marshal(f); err == nil {
			err = journal.WriteFile(afterPath(p.o.Dir, run), data)
		}
	}
	if err != nil {
		// One of before would be compared with what this run made.
		_ = os.Remove(afterPath(p.o.Dir, run))
	}
}

// maxAfter bounds the file: 500 servers with 20 tenants take a tenth of it.
const maxAfter = 64 << 20

// readKept returns a file that a run kept, nil when there is none.
func readKept(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && info.Size() > maxAfter {
		err = fmt.Errorf("%w: %d bytes", ErrInvalid, info.Size())
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(name)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return data, nil
}

// readAfter returns what saveAfter kept, nil when there is nothing.
func (p *Procedure) readAfter(run string) (map[string]any, error) {
	name := afterPath(p.o.Dir, run)
	data, err := readKept(name)
	if data == nil || err != nil {
		return nil, err
	}
	var before map[string]any
	if err := json.Unmarshal(data, &before); err != nil {
		return nil, fmt.Errorf("read %s: %w: %w", name, ErrInvalid, err)
	}
	return before, nil
}

// asObject returns facts as their JSON has them.
func asObject(f *facts.Facts) (map[string]any, error) {
	data, err := json.Marshal(f)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	return object, json.Unmarshal(data, &object)
}

// compareObjects tells of every value that is not the same in two objects, the fields in their
// order of names. object names the thing that the fields are of, "" for the organisation itself.
func compareObjects(before, after map[string]any, object string, tell func(Moved)) {
	fields := maps.Clone(before)
	maps.Copy(fields, after)
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		compareValues(before[name], after[name], object, name, tell)
	}
}

func compareValues(before, after any, object, name string, tell func(Moved)) {
	a, isObject := before.(map[string]any)
	b, stays := after.(map[string]any)
	if isObject && stays {
		compareFields(a, b, object, name, tell)
		return
	}
	was, now := members(before), members(after)
	if was == nil && now == nil {
		if x, y := plain(before), plain(after); x != y {
			tell(Moved{0, cmp.Or(object, name), name, x, y})
		}
		return
	}
	keys := maps.Clone(was)
	if keys == nil {
		keys = map[string]any{}
	}
	maps.Copy(keys, now)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		old, had := was[key]
		is, has := now[key]
		x, isObject := old.(map[string]any)
		y, stays := is.(map[string]any)
		switch {
		case isObject && stays:
			compareObjects(x, y, label(y), tell)
		case !had:
			tell(Moved{0, cmp.Or(object, labelOf(is, name)), name, "not there", labelOf(is, key)})
		case !has:
			tell(Moved{0, cmp.Or(object, labelOf(old, name)), name, labelOf(old, key), "not there"})
		}
	}
}

// compareFields compares an object inside of another: its fields are named with it.
func compareFields(before, after map[string]any, object, name string, tell func(Moved)) {
	compareObjects(before, after, object, func(m Moved) {
		m.Object = cmp.Or(object, name)
		m.Property = name + "." + strings.TrimPrefix(m.Property, name+".")
		tell(m)
	})
}

// members returns a list by what its members are known by; nil for what is no list.
func members(v any) map[string]any {
	list, ok := v.([]any)
	if !ok {
		return nil
	}
	all := make(map[string]any, len(list))
	for _, item := range list {
		key := plain(item)
		if object, ok := item.(map[string]any); ok {
			key = plain(object["sid"]) + "|" + plain(object["server"]) + "|" + label(object) + "|" + plain(object["thumbprint"])
			if sid := plain(object["sid"]); sid != "" {
				key = sid // who is renamed stays who he is
			}
		}
		all[key] = item
	}
	return all
}

// label is what a person calls an object.
func label(object map[string]any) string {
	for _, field := range []string{"identity", "upn", "account", "name", "thumbprint", "server", "object"} {
		if text := plain(object[field]); text != "" {
			return text
		}
	}
	return plain(object)
}

func labelOf(v any, otherwise string) string {
	if object, ok := v.(map[string]any); ok {
		return label(object)
	}
	return otherwise
}

// plain is a value as a person reads it; null is nothing.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return string(text)
}
