package procedure

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"hma/wire/psobject"
)

// newPolicy is the cmdlet that creates an authentication policy, the only kind of object that a plan creates.
const newPolicy = "New-AuthenticationPolicy"

// creation tells whether the change creates an object: while there is none its values are null.
func (c *Change) creation() bool { return c.Action == ActionCreate }

// Effect says in words what the authentication policy does that the change creates.
func (c *Change) Effect() string {
	var blocked []string
	for prefix, way := range map[string]string{"BlockLegacyAuth": "legacy", "BlockModernAuth": "modern"} {
		var protocols []string
		for _, s := range c.Settings {
			if protocol, of := strings.CutPrefix(s.Property, prefix); of && s.After.V == true {
				protocols = append(protocols, protocol)
			}
		}
		if protocols != nil {
			blocked = append(blocked, way+" authentication of "+strings.Join(protocols, ", "))
		}
	}
	slices.Sort(blocked)
	if blocked == nil {
		return "blocks nothing"
	}
	return "blocks " + strings.Join(blocked, " and ")
}

// validCreation refuses what is no new policy, or one that nobody could sign in under.
func (c *Change) validCreation() error {
	if c.Cmdlet != newPolicy || !c.creation() {
		return errors.New("creates something else than an authentication policy")
	}
	blocked := map[string]bool{}
	for _, s := range c.Settings {
		on, ok := s.After.V.(bool)
		if !ok || s.Before.V != nil {
			return fmt.Errorf("%s of a new policy is no switch", s.Property)
		}
		protocol := strings.TrimPrefix(strings.TrimPrefix(s.Property, "BlockLegacyAuth"), "BlockModernAuth")
		if on && blocked[protocol] {
			return fmt.Errorf("a policy that blocks both ways in to %s lets nobody in", protocol)
		}
		blocked[protocol] = blocked[protocol] || on
	}
	return nil
}

// create makes the policy with the switches that are on, or takes it away when it is to be absent.
func (p *Procedure) create(ctx context.Context, c *Change, to values) error {
	if to.equal(make(values, len(c.Settings))) {
		_, err := p.invoke(ctx, "Remove-AuthenticationPolicy", []psobject.Property{{Name: "Identity", Value: c.Identity}})
		return err
	}
	params := []psobject.Property{{Name: "Name", Value: c.Identity}}
	for i, s := range c.Settings {
		if to[i].V == true {
			params = append(params, psobject.Property{Name: s.Property, Value: true})
		}
	}
	_, err := p.invoke(ctx, c.Cmdlet, params)
	return err
}

// readCreated reads the switches of the change's policy, all null while there is none.
func (p *Procedure) readCreated(ctx context.Context, c *Change) (values, error) {
	const get = "Get-AuthenticationPolicy"
	all, err := p.invoke(ctx, get, nil)
	if err != nil {
		return nil, err
	}
	v := make(values, len(c.Settings))
	i := slices.IndexFunc(all, func(o psobject.Object) bool { return strings.EqualFold(o.String("Name"), c.Identity) })
	if i < 0 {
		return v, nil
	}
	for n, s := range c.Settings {
		on, ok := all[i].Get(s.Property)
		if !ok {
			return nil, fmt.Errorf("%s: %s shows no %s", get, c.Address, s.Property)
		}
		v[n] = Value{on}
	}
	return v, nil
}

// used says for whom a policy that the change created is still needed, "" when for nobody: whoever it
// was given to by somebody else would be let in, or not, by another one without it.
func (p *Procedure) used(ctx context.Context, c *Change) (string, error) {
	if !c.creation() {
		return "", nil
	}
	organization, err := p.invoke(ctx, "Get-OrganizationConfig", nil)
	if err != nil {
		return "", err
	}
	for _, o := range organization {
		if strings.EqualFold(o.String("DefaultAuthenticationPolicy"), c.Identity) {
			return "it is the organisation's default policy", nil
		}
	}
	people, err := p.invoke(ctx, "Get-User", []psobject.Property{{Name: "ResultSize", Value: "Unlimited"}})
	if err != nil {
		return "", err
	}
	var users []string
	for _, o := range people {
		if strings.EqualFold(o.String("AuthenticationPolicy"), c.Identity) {
			users = append(users, o.String("UserPrincipalName"))
		}
	}
	if users == nil {
		return "", nil
	}
	return fmt.Sprintf("it applies to %d people, %s among them", len(users), users[0]), nil
}
