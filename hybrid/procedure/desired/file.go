package desired

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// MaxFile bounds a file, in octets: a thousand servers take a sixth of it.
const MaxFile = 16 << 20

// maxEntries bounds the objects, and the entries of one list.
const maxEntries = 100_000

// ErrFile is a file that is no desired state; the error has the file's name and the line.
var ErrFile = errors.New("no desired state")

// Marshal writes the state as a file, the same octets for the same state.
func Marshal(s *State) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# What Hybrid Modern Authentication depends on, in the organisation and its tenants.
#   hma org diff FILE      says where they are not so
#   hma plan --goal FILE   plans the way there
# What is left out is not asked for: any object, any property.
version: %d
`, Version)
	for _, n := range nouns {
		section := map[string]bool{}
		objects := &yaml.Node{Kind: yaml.MappingNode}
		for _, o := range s.Objects {
			if o.Noun != n.name {
				continue
			}
			properties := &yaml.Node{Kind: yaml.MappingNode}
			for _, p := range o.Properties {
				properties.Content = append(properties.Content, text(p.Name), value(p.Value))
			}
			if o.Name == "" {
				objects = properties
				section[""] = true
				continue
			}
			if section[o.Name] {
				return nil, fmt.Errorf("%s: two objects are called %q", n.name, o.Name)
			}
			section[o.Name] = true
			objects.Content = append(objects.Content, text(o.Name), properties)
		}
		if len(section) == 0 {
			continue
		}
		part, err := yaml.Dump(&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{text(n.name), objects}}, yaml.WithLineWidth(-1), yaml.WithCompactSeqIndent(false))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", n.name, err)
		}
		fmt.Fprintf(&b, "\n# %s\n%s", n.says, part)
	}
	return b.Bytes(), nil
}

func text(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

func value(v any) *yaml.Node {
	switch x := v.(type) {
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(x)}
	case string:
		return text(x)
	case []string:
		list := &yaml.Node{Kind: yaml.SequenceNode}
		if len(x) == 0 {
			list.Style = yaml.FlowStyle
		}
		for _, e := range x {
			list.Content = append(list.Content, text(e))
		}
		return list
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
}

// Parse reads a file, whose name is for errors. What is not known is refused and not passed over:
// it would be wanted in vain. Each error wraps ErrFile and begins with the file's name and line.
func Parse(file string, data []byte) (*State, error) {
	p := parser{file: file, s: &State{File: file}}
	if len(data) > MaxFile {
		return nil, fmt.Errorf("%s: %w: it has more than %d MiB", file, ErrFile, MaxFile>>20)
	}
	var documents []yaml.Node
	if err := yaml.Load(data, &documents, yaml.WithAllDocuments()); err != nil {
		if at, ok := errors.AsType[*yaml.LoadError](err); ok && at.Mark.Line > 0 {
			return nil, p.fail(at.Mark.Line, "%s", at.Message)
		}
		return nil, fmt.Errorf("%s: %w: %w", file, ErrFile, err)
	}
	switch {
	case len(documents) == 0:
		return nil, p.fail(1, "it is empty")
	case len(documents) > 1:
		return nil, p.fail(documents[1].Line, "it has a second document")
	}
	root := &documents[0]
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		root = root.Content[0]
	}
	if err := p.document(root); err != nil {
		return nil, err
	}
	slices.SortStableFunc(p.s.Objects, func(a, b Object) int { return place(a.Noun) - place(b.Noun) })
	return p.s, nil
}

// place is where the noun stands in the file.
func place(name string) int {
	return slices.IndexFunc(nouns, func(n noun) bool { return n.name == name })
}

type parser struct {
	file string
	s    *State
}

func (p *parser) fail(line int, format string, args ...any) error {
	return fmt.Errorf("%s:%d: %w: %s", p.file, line, ErrFile, fmt.Sprintf(format, args...))
}

// pairs calls each with the keys and values of a mapping, whose keys differ by more than case.
func (p *parser) pairs(n *yaml.Node, what string, each func(key, value *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return p.fail(n.Line, "%s: want names with what belongs to each", what)
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str" || key.Value == "" {
			return p.fail(key.Line, "%s: a key must be text", what)
		}
		folded := strings.ToLower(key.Value)
		if seen[folded] {
			return p.fail(key.Line, "%s: %s stands there twice", what, key.Value)
		}
		seen[folded] = true
		if err := each(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (p *parser) document(root *yaml.Node) error {
	version := false
	err := p.pairs(root, "the file", func(key, value *yaml.Node) error {
		if key.Value == "version" {
			if value.Kind != yaml.ScalarNode || value.Value != fmt.Sprint(Version) {
				return p.fail(value.Line, "version %s, this hma reads %d", value.Value, Version)
			}
			version = true
			return nil
		}
		n := nounOf(key.Value)
		if n == nil {
			return p.fail(key.Line, "%s is not known", key.Value)
		}
		if n.name == Organization {
			return p.object(n, "", key.Line, value)
		}
		return p.pairs(value, n.name, func(name, properties *yaml.Node) error {
			return p.object(n, name.Value, name.Line, properties)
		})
	})
	if err == nil && !version {
		err = p.fail(1, "it has no version")
	}
	return err
}

func (p *parser) object(n *noun, name string, line int, properties *yaml.Node) error {
	if len(p.s.Objects) == maxEntries {
		return p.fail(line, "it has more than %d objects", maxEntries)
	}
	o := Object{Noun: n.name, Name: name, Line: line}
	err := p.pairs(properties, o.Address(), func(key, value *yaml.Node) error {
		k := n.known(key.Value)
		if k == nil {
			return p.fail(key.Line, "%s is no property of %s here", key.Value, n.name)
		}
		v, err := p.value(k, value)
		o.Properties = append(o.Properties, Property{k.name, v, key.Line})
		return err
	})
	// In the order of the noun, so that a file may have any.
	slices.SortStableFunc(o.Properties, func(a, b Property) int { return n.index(a.Name) - n.index(b.Name) })
	p.s.Objects = append(p.s.Objects, o)
	return err
}

func (n *noun) index(property string) int {
	return slices.IndexFunc(n.properties, func(k known) bool { return k.name == property })
}

func (p *parser) value(k *known, n *yaml.Node) (any, error) {
	switch {
	case n.Anchor != "" || n.Kind == yaml.AliasNode:
		return nil, p.fail(n.Line, "%s: write the value itself, no reference", k.name)
	case k.form == formSwitch:
		if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!bool" {
			switch strings.ToLower(n.Value) {
			case "true":
				return true, nil
			case "false":
				return false, nil
			}
		}
		return nil, p.fail(n.Line, "%s: want true or false", k.name)
	case k.form == formText:
		if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" {
			return nil, nil
		}
		if n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && n.Value != "" {
			return n.Value, nil
		}
		return nil, p.fail(n.Line, "%s: want text, or null for none; quote what looks like a number", k.name)
	}
	if n.Kind != yaml.SequenceNode || len(n.Content) > maxEntries {
		return nil, p.fail(n.Line, "%s: want a list, [] for an empty one", k.name)
	}
	list := []string{}
	for _, e := range n.Content {
		if e.Kind != yaml.ScalarNode || e.ShortTag() != "!!str" || e.Value == "" {
			return nil, p.fail(e.Line, "%s: an entry must be text; quote what looks like a number", k.name)
		}
		list = append(list, e.Value)
	}
	return sorted(list), nil
}
