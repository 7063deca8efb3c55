package procedure

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/client/graph"
	"hma/hybrid/procedure/desired"
	"hma/hybrid/procedure/facts"
	"hma/hybrid/target"
	"hma/wire/psobject"
	"hma/wire/wellknown"
)

// values are what the properties of a change hold, in the order of its settings.
type values []Value

// String returns the values as a person reads them.
func (v values) String() string {
	parts := make([]string, len(v))
	for i, x := range v {
		parts[i] = x.String()
	}
	return "found " + strings.Join(parts, ", ")
}

func (v values) equal(o values) bool {
	return slices.EqualFunc(v, o, func(a, b Value) bool { return a.equal(b) })
}

// planned and wanted are the change's values before and after.
func (c *Change) planned() values {
	v := make(values, len(c.Settings))
	for i, s := range c.Settings {
		v[i] = s.Before
	}
	return v
}

func (c *Change) wanted() values {
	v := make(values, len(c.Settings))
	for i, s := range c.Settings {
		v[i] = s.After
	}
	return v
}

// state is what an object holds: in the directory, and what its server runs. For
// objects of the organisation they are the same.
type state struct{ ad, live values }

// all tells whether both are these values.
func (s state) all(v values) bool { return s.ad.equal(v) && s.live.equal(v) }

// among tells whether each of the two is one of these values: a cmdlet sets all or
// nothing, so anything else was somebody else. Where the two differ, IIS alone was changed.
func (s state) among(known ...values) bool {
	return slices.ContainsFunc(known, s.ad.equal) && slices.ContainsFunc(known, s.live.equal)
}

func (p *Procedure) invoke(ctx context.Context, cmdlet string, params []psobject.Property) ([]psobject.Object, error) {
	if p.o.Target.Cmdlets == nil {
		return nil, fmt.Errorf("%s: %w", cmdlet, target.ErrNoFace)
	}
	res, err := p.o.Target.Cmdlets.Invoke(ctx, psobject.Invocation{Cmdlet: cmdlet, Parameters: params})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmdlet, err)
	}
	return res.Output, nil
}

// settings reads the change's properties: the AD copy beside what the server
// runs. While they differ, and not by values that are known, a server is about to take
// something up, so it waits, within patience, until they agree.
func (p *Procedure) settings(ctx context.Context, c *Change, known ...values) (state, error) {
	var s state
	err := p.until(ctx, func() (bool, error) {
		var err error
		s, err = p.readSettings(ctx, c)
		return s.ad.equal(s.live) || s.among(known...), err
	})
	if err == errImpatient {
		err = nil // the server does not take it up; its values are judged as they are
	}
	return s, err
}

func (p *Procedure) readSettings(ctx context.Context, c *Change) (state, error) {
	var s state
	var err error
	if s.live, err = p.read(ctx, c, false); err != nil {
		return s, err
	}
	s.ad = s.live
	if strings.HasSuffix(c.Cmdlet, "VirtualDirectory") {
		s.ad, err = p.read(ctx, c, true)
	}
	return s, err
}

func (p *Procedure) read(ctx context.Context, c *Change, ad bool) (values, error) {
	if c.creation() {
		return p.readCreated(ctx, c)
	}
	get := "Get-" + strings.TrimPrefix(c.Cmdlet, "Set-")
	var params []psobject.Property
	if c.Identity != "" {
		params = append(params, psobject.Property{Name: "Identity", Value: c.Identity})
	}
	if ad {
		params = append(params, psobject.Property{Name: "ADPropertiesOnly", Value: true})
	}
	found, err := p.invoke(ctx, get, params)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("%s: %d objects are called %q", get, len(found), c.Identity)
	}
	v := make(values, len(c.Settings))
	for i, s := range c.Settings {
		raw, ok := found[0].Get(s.Property)
		if on, isSwitch := facts.Listed(s.Property, found[0].Strings("InternalAuthenticationMethods")); ad && isSwitch {
			raw, ok = on, true
		}
		if !ok {
			return nil, fmt.Errorf("%s: %s shows no %s", get, c.Address, s.Property)
		}
		if _, isList := s.After.V.([]string); isList {
			raw = append([]string{}, found[0].Strings(s.Property)...)
		}
		if raw == "" { // a reference to no object
			raw = nil
		}
		v[i] = Value{raw}
	}
	return v, nil
}

// set sets the change's properties. Where a list shrinks (on the way back only)
// the cmdlet wants -Force. An object is created, and on the way back removed.
func (p *Procedure) set(ctx context.Context, c *Change, now, to values) error {
	if c.creation() {
		return p.create(ctx, c, to)
	}
	var params []psobject.Property
	if c.Identity != "" {
		params = append(params, psobject.Property{Name: "Identity", Value: c.Identity})
	}
	force := false
	for i, s := range c.Settings {
		params = append(params, psobject.Property{Name: s.Property, Value: to[i].V})
		force = force || !subset(folded(now[i].Strings()), folded(to[i].Strings()))
	}
	if force {
		params = append(params, psobject.Property{Name: "Force", Value: true})
	}
	_, err := p.invoke(ctx, c.Cmdlet, params)
	return err
}

// await waits until both the directory and the server have the values.
func (p *Procedure) await(ctx context.Context, c *Change, want values) error {
	var s state
	err := p.until(ctx, func() (bool, error) {
		var err error
		s, err = p.readSettings(ctx, c)
		return s.all(want), err
	})
	if err == errImpatient {
		return fmt.Errorf("set, but after %s the server still runs the old values (%s)", p.o.Patience, s.live)
	}
	return err
}

// graph returns the Graph of the change's tenant; a plan that names none was made for the first one.
func (p *Procedure) graph(c *Change) (target.Graph, error) {
	for _, t := range p.o.Target.Tenants {
		if c.Tenant == "" || strings.EqualFold(c.Tenant, t.Name) {
			return t.Graph, nil
		}
	}
	return nil, fmt.Errorf("tenant %s: %w", c.Tenant, target.ErrNoFace)
}

func (p *Procedure) list(ctx context.Context, c *Change) ([]string, error) {
	g, err := p.graph(c)
	if err != nil {
		return nil, err
	}
	sp, err := g.ServicePrincipal(ctx, wellknown.Exchange)
	if err != nil {
		return nil, err
	}
	if sp.ID != c.ObjectID {
		return nil, fmt.Errorf("%w: the Exchange service principal is %s, the plan was made for %s", ErrMoved, sp.ID, c.ObjectID)
	}
	return listOf(sp, c), nil
}

func listOf(sp graph.ServicePrincipal, c *Change) []string {
	if c.Settings[0].Property == desired.Names {
		return sp.ServicePrincipalNames
	}
	return sp.ReplyURLs
}

func (p *Procedure) setList(ctx context.Context, c *Change, whole []string) error {
	g, err := p.graph(c)
	if err != nil {
		return err
	}
	if c.Settings[0].Property == desired.Names {
		return g.SetServicePrincipalNames(ctx, c.ObjectID, whole)
	}
	return g.SetReplyURLs(ctx, c.ObjectID, whole)
}

// awaitList waits until the list reads as it should: the tenant's copies follow one another.
func (p *Procedure) awaitList(ctx context.Context, c *Change, good func([]string) bool) error {
	err := p.until(ctx, func() (bool, error) {
		list, err := p.list(ctx, c)
		return err == nil && good(list), err
	})
	if err == errImpatient {
		return fmt.Errorf("written, but after %s the tenant's %s does not read so", p.o.Patience, c.Settings[0].Property)
	}
	return err
}

type impatient struct{}

func (impatient) Error() string { return "waited too long" }

var errImpatient error = impatient{}

// until asks again and again, at growing intervals, until ok or patience is spent.
func (p *Procedure) until(ctx context.Context, ask func() (ok bool, err error)) error {
	pause, spent := 50*time.Millisecond, time.Duration(0)
	for {
		ok, err := ask()
		if err != nil || ok {
			return err
		}
		if spent >= p.o.Patience {
			return errImpatient
		}
		if err := p.o.Sleep(ctx, pause); err != nil {
			return err
		}
		spent += pause
		pause = min(2*pause, 2*time.Second)
	}
}
