package cmdlet

import (
	"slices"

	"hma/exchange/org"
	"hma/wire/guid"
	"hma/wire/psobject"
)

// noun is what the cmdlets of a plain class of configuration objects share: objects in one list of
// the configuration, each with a name, that are shown, made, changed and removed one at a time.
type noun[T any] struct {
	list  func(cfg *org.Configuration) *[]*T
	named func(cfg *org.Configuration, x *T, identity string) bool
	name  func(x *T) string
	show  func(cfg *org.Configuration, x *T) psobject.Object
}

// find returns the object that the identity names.
func (n *noun[T]) find(cfg *org.Configuration, identity string) (*T, error) {
	for _, x := range *n.list(cfg) {
		if n.named(cfg, x, identity) {
			return x, nil
		}
	}
	return nil, notFound(identity)
}

// get puts out the object of the identity, or all of them.
func (n *noun[T]) get(c *call) error {
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	list := *n.list(cfg)
	if identity := c.args.text("Identity"); identity != "" {
		x, err := n.find(cfg, identity)
		if err != nil {
			return err
		}
		list = []*T{x}
	}
	for _, x := range list {
		c.put(n.show(cfg, x))
	}
	return nil
}

// create adds x, which has the GUID, and puts out what was made.
func (n *noun[T]) create(c *call, id guid.GUID, x T) error {
	_, err := c.edit(func() string { return n.name(&x) }, func(cfg *org.Configuration) error {
		list := n.list(cfg)
		*list = append(*list, new(x))
		return nil
	})
	if err != nil || c.whatIf() {
		return err
	}
	cfg, err := c.r.org.Configuration(c)
	if err != nil {
		return err
	}
	made, err := n.find(cfg, id.String())
	if err != nil {
		return err
	}
	c.put(n.show(cfg, made))
	return nil
}

// update applies fn to the object of the call's identity.
func (n *noun[T]) update(c *call, fn func(cfg *org.Configuration, x *T) error) error {
	identity := c.args.text("Identity")
	shown := identity
	return c.change(func() string { return shown }, func(cfg *org.Configuration) error {
		x, err := n.find(cfg, identity)
		if err != nil {
			return err
		}
		shown = n.name(x)
		return fn(cfg, x)
	})
}

// remove takes the object of the call's identity out.
func (n *noun[T]) remove(c *call) error {
	return n.update(c, func(cfg *org.Configuration, x *T) error {
		list := n.list(cfg)
		*list = slices.DeleteFunc(*list, func(other *T) bool { return other == x })
		return nil
	})
}

// setText sets a text from its parameter.
func (c *call) setText(name string, field *string) {
	if c.args.has(name) {
		*field = c.args.text(name)
	}
}

// setList sets a list of the object from its parameter; one with the same entries stays as it is.
func (c *call) setList(identity, name string, field *[]string) error {
	if !c.args.has(name) {
		return nil
	}
	next, err := c.args.list(identity, name, *field)
	if err == nil && !sameSet(*field, next) {
		*field = next
	}
	return err
}
