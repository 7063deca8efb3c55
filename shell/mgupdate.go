package shell

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"hma/client/graph"
	"hma/wire/psobject"
)

func updateMgServicePrincipal() *cmdlet {
	cmd := psobject.Command{Name: "Update-MgServicePrincipal", Synopsis: "Changes a service principal. An entry of a list that the new list leaves out stays, unless -Force replaces.",
		Asks: "how-to: Update-MgServicePrincipal -ServicePrincipalNames, -ReplyUrls",
		Params: []psobject.Parameter{needed(at(0, named("ServicePrincipalId", "string"))), named("ServicePrincipalNames", "strings"), named("ReplyUrls", "strings"), named("AppId", "string"),
			named("BodyParameter", "any"), named("Force", "switch"), named("WhatIf", "switch", "wi"), named("Confirm", "switch", "cf")}}
	return once(cmd, func(c *call) error { return c.updateServicePrincipal(&cmd) })
}

// principalLists are the lists that are not to lose an entry unasked. Graph replaces a list as a
// whole, and the how-to's own snippet sends only what it wants to add.
var principalLists = []string{"servicePrincipalNames", "replyUrls"}

// listChange is what becomes of one list.
type listChange struct {
	name   string   // as Graph spells it
	wanted []string // as the command gave it
	before []string
	lost   []string // of before, which wanted leaves out
}

// union is before with what is new behind it.
func (l *listChange) union() []string {
	return distinct(append(slices.Clone(l.before), l.wanted...))
}

// distinct leaves an entry out that stands before it in another case or twice: Graph refuses both.
func distinct(entries []string) []string {
	var kept []string
	for _, e := range entries {
		if !holds(kept, e) {
			kept = append(kept, e)
		}
	}
	return kept
}

func holds(entries []string, e string) bool {
	return slices.ContainsFunc(entries, func(have string) bool { return strings.EqualFold(have, e) })
}

func (c *call) updateServicePrincipal(cmd *psobject.Command) error {
	body, err := c.principalBody()
	if err != nil {
		return err
	}
	id := c.string("ServicePrincipalId")
	return c.graph(func(g *graph.Client) error {
		sp, err := readPrincipal(c.ctx, g, id)
		if err != nil {
			return err
		}
		if appID, ok := body["appId"]; ok && !strings.EqualFold(text(appID), text(sp.get("AppId"))) {
			return c.complain(c.failed("InvalidArgument", "Exception", "Request_BadRequest", "", "-AppId %s is not the application of the service principal %s, which is %s: an application's id cannot be changed.",
				text(appID), text(sp.get("DisplayName")), text(sp.get("AppId"))))
		}
		lists, err := c.listChanges(body, sp)
		if err != nil {
			return err
		}
		replace, ok, err := c.keepOrReplace(g, id, sp, lists)
		if err != nil || !ok {
			return err
		}
		for _, l := range lists {
			to := l.union()
			if replace {
				to = distinct(l.wanted)
			}
			if slices.Equal(to, l.before) {
				delete(body, l.name) // there is nothing to do
				continue
			}
			body[l.name] = to
		}
		return c.writePrincipal(g, cmd, id, sp, body)
	})
}

// principalBody is what the command's parameters ask to be changed, as Graph spells it.
func (c *call) principalBody() (map[string]any, error) {
	body := map[string]any{}
	if c.has("BodyParameter") {
		given := c.args["BodyParameter"]
		switch v := given.value.(type) {
		case *hash:
			for _, p := range v.pairs {
				body[camel(text(p.key))] = p.value
			}
		case *object:
			for _, p := range v.properties {
				if p.value != nil && !is(p.name, "AdditionalProperties") {
					body[camel(p.name)] = p.value
				}
			}
		default:
			return nil, c.unbound(given.at, c.name, "CannotConvertArgument", "Cannot bind parameter 'BodyParameter': give a hashtable such as @{ replyUrls = @('https://mail.contoso.com/owa') }.")
		}
	}
	for _, name := range []string{"ServicePrincipalNames", "ReplyUrls", "AppId"} {
		if c.has(name) {
			body[camel(name)] = c.args[name].value
		}
	}
	if len(body) == 0 {
		return nil, c.unbound(c.source.Extent, c.name, "NothingToChange", "There is nothing to change: give -ServicePrincipalNames, -ReplyUrls or -BodyParameter.")
	}
	return body, nil
}

// listChanges compares the lists of the body with those that are there.
func (c *call) listChanges(body map[string]any, sp *object) ([]*listChange, error) {
	var lists []*listChange
	for _, name := range principalLists {
		value, ok := body[name]
		if !ok {
			continue
		}
		l := &listChange{name: name, before: entriesOf(sp.get(pascal(name)))}
		for _, item := range list(value) {
			entry := text(item)
			if _, isText := item.(string); !isText || entry == "" {
				return nil, c.unbound(c.source.Extent, c.name, "ParameterArgumentValidationError", "Cannot validate argument on parameter '%s'. An entry is empty or no text: give a list of addresses.", pascal(name))
			}
			l.wanted = append(l.wanted, entry)
		}
		for _, have := range l.before {
			if !holds(l.wanted, have) {
				l.lost = append(l.lost, have)
			}
		}
		lists = append(lists, l)
	}
	return lists, nil
}

// keepOrReplace decides what becomes of entries that the new lists leave out: with -Force they go, without it they
// stay; at a terminal the person says. ok is false where nothing is to be done.
func (c *call) keepOrReplace(g *graph.Client, id string, sp *object, lists []*listChange) (replace, ok bool, err error) {
	if c.flag("Force") {
		return true, true, nil
	}
	var lines []string
	for _, l := range lists {
		if len(l.lost) > 0 {
			lines = append(lines, fmt.Sprintf("The new %s leave out %d of %d entries: %s", pascal(l.name), len(l.lost), len(l.before), strings.Join(l.lost, ", ")))
		}
	}
	if lines == nil {
		return false, true, nil
	}
	if c.Ask != nil && !c.flag("WhatIf") {
		i, err := c.Ask.Choose(c.ctx, fmt.Sprintf("%s: %s", c.name, text(sp.get("DisplayName"))), clean(strings.Join(lines, "\n")), []Choice{
			{"A", "Add", "Keep what is there and add what is new."},
			{"R", "Replace", "Make the list what the command says; the entries named go."},
			{"C", "Cancel", "Change nothing."},
		}, 0)
		if err != nil || i == 2 {
			return false, false, err
		}
		now, err := readPrincipal(c.ctx, g, id) // an answer may take its time
		if err != nil {
			return false, false, err
		}
		for _, l := range lists {
			if !slices.Equal(entriesOf(now.get(pascal(l.name))), l.before) {
				return false, false, c.complain(c.failed("InvalidOperation", "Exception", "ChangedMeanwhile", "", "%s was changed by somebody else meanwhile: nothing was written. Read it again, then repeat the command.", pascal(l.name)))
			}
		}
		return i == 1, true, nil
	}
	for _, l := range lists {
		if len(l.lost) > 0 {
			kept := "1 entry that the new list leaves out was"
			if len(l.lost) > 1 {
				kept = fmt.Sprintf("%d entries that the new list leaves out were", len(l.lost))
			}
			c.warn("%s: %s kept: %s. With -Force the list is replaced.", pascal(l.name), kept, strings.Join(l.lost, ", "))
		}
	}
	return false, true, nil
}

// writePrincipal writes what is left to change, and reads it back.
func (c *call) writePrincipal(g *graph.Client, cmd *psobject.Command, id string, sp *object, body map[string]any) error {
	delete(body, "appId") // it was compared
	operation := fmt.Sprintf("Performing the operation %q on target %q.", c.name, text(sp.get("DisplayName")))
	if c.flag("WhatIf") {
		c.say("What if: " + operation)
		return nil
	}
	ask := c.confirmation(cmd)
	if c.flag("Confirm") && c.Ask == nil {
		return c.complain(c.failed("InvalidOperation", "Exception", "NobodyToAsk", "", "-Confirm needs a terminal: leave it out, or use -WhatIf."))
	}
	if ask.wanted {
		if yes, err := c.confirmed(&ask, []string{operation}); err != nil || !yes {
			return err
		}
	}
	if c.flag("Verbose") {
		fmt.Fprintln(c.Err, "VERBOSE: "+clean(operation))
	}
	if len(body) == 0 {
		return nil
	}
	for name, value := range body {
		body[name] = plainValue(value)
	}
	if err := g.UpdateServicePrincipal(c.ctx, id, body); err != nil {
		return err
	}
	return c.readBack(g, id, body)
}

// readBack compares what is there with what was written. A directory of many machines takes a moment to answer alike.
func (c *call) readBack(g *graph.Client, id string, body map[string]any) error {
	for try := 0; ; try++ {
		now, err := readPrincipal(c.ctx, g, id)
		if err != nil {
			return err
		}
		differs := ""
		for _, name := range principalLists {
			if want, ok := body[name].([]string); ok && !slices.Equal(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(entriesOf(now.get(pascal(name)))))) {
				differs = pascal(name)
			}
		}
		if differs == "" {
			return nil
		}
		if try == readBackTries {
			return c.complain(c.failed("InvalidResult", "Exception", "ReadBack", "", "Graph took the change, but %s reads otherwise than it was written. Read it again before going on.", differs))
		}
		select {
		case <-c.ctx.Done():
			return c.ctx.Err()
		case <-time.After(readBackPause):
		}
	}
}

// How often and how long after each other a change is looked for.
const (
	readBackTries = 3
	readBackPause = 500 * time.Millisecond
)

// readPrincipal reads the properties that an update compares.
func readPrincipal(ctx context.Context, g *graph.Client, id string) (*object, error) {
	entity, err := g.Entity(ctx, "/servicePrincipals", id, []string{"id", "appId", "displayName", "servicePrincipalNames", "replyUrls"})
	if err != nil {
		return nil, err
	}
	return servicePrincipal.object(entity)
}

func entriesOf(v any) []string {
	var entries []string
	for _, item := range list(v) {
		if item != nil {
			entries = append(entries, text(item))
		}
	}
	return entries
}

// plainValue is a value of the shell as JSON has it.
func plainValue(v any) any {
	switch v.(type) {
	case []string:
		return v
	}
	w := jsonWriter{plain: true}
	w.value(v, maxJSONDepth, 0)
	return json.RawMessage(w.Bytes())
}

// camel is a property's name as Graph spells it.
func camel(name string) string {
	if name == "" {
		return name
	}
	return strings.ToLower(name[:1]) + name[1:]
}
