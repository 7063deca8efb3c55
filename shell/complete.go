package shell

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// Candidate is one way to complete a text.
type Candidate struct {
	Text  string // what takes the place of the word, with its quotes
	Shown string // how a menu shows it: a parameter with its type, a property without its variable
	Note  string // a cmdlet's synopsis; else ""
}

// maxCandidates is how many a menu gets.
const maxCandidates = 200

// Complete tells what may stand at the end of a text: start is where the word begins that each candidate takes the
// place of. Cmdlets and their parameters come from the server, and so do identities: a Get cmdlet is run to name them.
// Where the server does not answer or refuses, there are none.
func (s *Session) Complete(ctx context.Context, text string) (start int, list []Candidate) {
	s.begin()
	place := parse.Look(text)
	c := &completion{runner: &runner{Session: s, ctx: ctx}, Place: place}
	switch {
	case place.Quote == 0 && strings.HasPrefix(place.Word, "$"):
		c.variables()
	case place.Expression:
		c.operators()
	case place.Command == "":
		c.commands()
	default:
		c.argument()
	}
	return place.Start, c.list[:min(len(c.list), maxCandidates)]
}

// completion gathers candidates for one place.
type completion struct {
	*runner
	parse.Place
	list []Candidate
}

// put adds a candidate if the word is the beginning of what it means.
func (c *completion) put(meaning string, found Candidate) {
	if len(meaning) < len(c.Word) || !strings.EqualFold(meaning[:len(c.Word)], c.Word) || slices.ContainsFunc(c.list, func(have Candidate) bool { return have.Text == found.Text }) {
		return
	}
	found.Shown, found.Note = clean(found.Shown), clean(found.Note)
	c.list = append(c.list, found)
}

// word adds a candidate that is shown as it is.
func (c *completion) word(s string) { c.put(s, Candidate{Text: s, Shown: s}) }

// value adds a text that is a value, in the quotes that it needs.
func (c *completion) value(s string) {
	c.put(s, Candidate{Text: quoted(s, c.Quote), Shown: s})
}

// quoted writes a value as the language wants it, in the quote that stands there already or in none if that does.
func quoted(s string, quote rune) string {
	switch {
	case strings.ContainsRune("\"“”„", quote) && quote != 0:
		return `"` + strings.NewReplacer("`", "``", `"`, `""`, "$", "`$").Replace(s) + `"`
	case quote == 0 && bare(s):
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// bare tells whether a text needs no quotes as an argument.
func bare(s string) bool {
	for i, r := range s {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && (i == 0 || !strings.ContainsRune(`\/:.-@`, r)) {
			return false
		}
	}
	return s != ""
}

// automatic are the variables that are there without being given a value.
var automatic = []string{"Error", "ErrorActionPreference", "false", "FormatEnumerationLimit", "Matches", "null", "PSItem", "true", "_"}

// variables completes $name, and $name.property with what the variable's value has.
func (c *completion) variables() {
	name, _, member := strings.Cut(c.Word[1:], ".")
	if member {
		for _, p := range properties(c.variable(name)) {
			c.put("$"+name+"."+p, Candidate{Text: "$" + name + "." + p, Shown: p})
		}
		return
	}
	names := slices.Clone(automatic)
	for lower := range c.state.variables {
		if spelled, ok := c.state.spelled[lower]; ok {
			names = append(names, spelled)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return compareText(a, b, false) })
	for _, n := range slices.Compact(names) {
		if !strings.ContainsFunc(n, func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			c.word("$" + n)
		}
	}
}

// properties names what an object has; of an array its first item counts.
func properties(v any) []string {
	var names []string
	for _, item := range list(v) {
		switch item := item.(type) {
		case *object:
			for _, p := range item.properties {
				names = append(names, p.name)
			}
		case *hash:
			for _, p := range item.pairs {
				names = append(names, text(p.key))
			}
		}
		break
	}
	return names
}

// comparisons are the operators that a prompt proposes, in the order of doc/shell.md.
var comparisons = []string{"eq", "ne", "gt", "ge", "lt", "le", "like", "notlike", "match", "notmatch", "contains", "notcontains", "in", "notin", "join", "and", "or", "xor"}

func (c *completion) operators() {
	dash, n := utf8.DecodeRuneInString(c.Word)
	if c.Quote != 0 || !strings.ContainsRune("-–—―", dash) {
		return
	}
	for _, op := range comparisons {
		c.word(c.Word[:n] + op)
	}
}

// commands completes the name of a cmdlet.
func (c *completion) commands() {
	if c.Quote != 0 {
		return
	}
	all, err := c.described()
	if err != nil {
		return
	}
	for _, cmd := range all {
		c.put(cmd.Name, Candidate{cmd.Name, cmd.Name, cmd.Synopsis})
	}
}

// argument completes a parameter's name, or the value of the parameter that the word belongs to.
func (c *completion) argument() {
	name := c.Command
	if full, ok := aliases[strings.ToLower(name)]; ok {
		name = full
	}
	var cmd *psobject.Command
	if local, ok := cmdlets[strings.ToLower(name)]; ok {
		cmd = &local.Command
	} else if found, err := c.serverCommand(name); err == nil && found != nil {
		cmd = found
	} else {
		return
	}
	call := &call{runner: c.runner, source: &parse.Command{}, name: cmd.Name, args: make(map[string]argument)}
	last, awaited := call.before(cmd, c.Args)
	dash, n := utf8.DecodeRuneInString(c.Word)
	switch {
	case c.Joined && last != nil:
		c.values(cmd, last)
	case awaited != nil:
		c.values(cmd, awaited)
	case c.Quote == 0 && strings.ContainsRune("-–—―", dash) && n > 0:
		for _, p := range slices.Concat(cmd.Params, common) {
			if !call.has(p.Name) {
				name := c.Word[:n] + p.Name
				c.put(name, Candidate{Text: name, Shown: strings.TrimSuffix(name+" "+kind(p), " [<SwitchParameter>]")})
			}
		}
	default:
		if p := call.free(cmd); p != nil {
			c.values(cmd, p)
		}
	}
}

// before binds what stands before the cursor as far as names go: last is the parameter that got the value before it,
// awaited the one that the next value belongs to.
func (c *call) before(cmd *psobject.Command, args []parse.Before) (last, awaited *psobject.Parameter) {
	for _, a := range args {
		switch {
		case a.Parameter != "":
			p, err := c.parameter(cmd, parse.Argument{Parameter: a.Parameter})
			if err != nil {
				last, awaited = nil, nil
				continue
			}
			c.args[p.Name] = argument{}
			if awaited = p; p.Type == "switch" && !a.Colon {
				awaited = nil
			}
		case a.Joined:
		case awaited != nil:
			last, awaited = awaited, nil
		default:
			if last = c.free(cmd); last != nil {
				c.args[last.Name] = argument{}
			}
		}
	}
	return last, awaited
}

// values completes a parameter's value: the words that it takes, or the objects that it may name.
func (c *completion) values(cmd *psobject.Command, p *psobject.Parameter) {
	_, local := cmdlets[strings.ToLower(cmd.Name)]
	switch {
	case len(p.Values) > 0:
		for _, v := range p.Values {
			c.value(v)
		}
	case p.Type == "bool" || p.Type == "switch":
		for _, word := range []string{"$true", "$false"} {
			c.word(word)
		}
	case is(cmd.Name, "Get-Help", "Get-Command") && p.Name == "Name":
		c.commands()
	case local && is(p.Name, "Property", "ExpandProperty", "ExcludeProperty", "FilterScript", "Process"):
		c.upstream()
	case !local:
		noun := p.Name
		if _, of, ok := strings.Cut(cmd.Name, "-"); ok && p.Name == "Identity" {
			noun = of
		} else if p.Name == "Server" {
			noun = "ExchangeServer"
		}
		c.identities("Get-" + noun)
	}
}

// identities completes with what names the objects that a cmdlet gets.
func (c *completion) identities(cmdlet string) {
	for _, o := range c.got(cmdlet) {
		for _, name := range []string{"Identity", "Name"} {
			if s := o.String(name); s != "" {
				c.value(s)
				break
			}
		}
	}
}

// upstream completes with the properties of what comes through the pipeline.
func (c *completion) upstream() {
	if len(c.Pipeline) == 0 {
		return
	}
	for _, o := range c.got(c.Pipeline[0]) {
		for _, p := range o.Properties {
			c.value(p.Name)
		}
	}
}

// got is what a Get cmdlet of the server gives without arguments, nothing where there is none or it refuses.
func (c *completion) got(cmdlet string) []psobject.Object {
	if cmd, err := c.serverCommand(cmdlet); err != nil || cmd == nil || !strings.HasPrefix(cmd.Name, "Get-") {
		return nil
	}
	res, err := c.Client.Invoke(c.ctx, psobject.Invocation{Cmdlet: cmdlet})
	if _, refused := errors.AsType[*psobject.ErrorRecord](err); err != nil && !refused {
		return nil
	}
	return res.Output
}
