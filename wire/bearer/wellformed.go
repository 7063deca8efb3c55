package bearer

import (
	"errors"
	"fmt"
	"strings"
)

// WellFormed tells what is wrong with a WWW-Authenticate value by the grammar of
// RFC 9110 11.6.1, nil when nothing is: challenges separated by commas, each a scheme
// with a token68 or with parameters of which none comes twice. Parse reads
// more than this, as clients do; not every client does.
func WellFormed(line string) error {
	if len(line) > maxLine {
		return fmt.Errorf("longer than %d bytes", maxLine)
	}
	p := parser{rest: strings.Trim(line, " \t")}
	scheme, seen := "", map[string]bool{}
	for {
		for strings.HasPrefix(p.rest, ",") { // a list may have empty elements (RFC 9110 5.6.1.2)
			p.rest = strings.TrimLeft(p.rest[1:], " \t")
		}
		if p.rest == "" {
			if scheme == "" {
				return errors.New("no challenge in it")
			}
			return nil
		}
		word := p.token()
		switch {
		case word == "":
			return fmt.Errorf("%q where a scheme or a parameter is wanted", p.rest[:1])
		case isParam(p.rest) && scheme == "":
			return fmt.Errorf("the parameter %s stands before any scheme", word)
		case !isParam(p.rest):
			scheme, seen = word, map[string]bool{}
			if !strings.HasPrefix(p.rest, " ") {
				break
			}
			p.rest = strings.TrimLeft(p.rest, " ")
			if p.token68() != "" || p.rest == "" || p.rest[0] == ',' {
				break
			}
			if word = p.token(); word == "" || !isParam(p.rest) {
				return fmt.Errorf("%s is followed by neither a parameter nor a token", scheme)
			}
			fallthrough
		default:
			if name := strings.ToLower(word); seen[name] {
				return fmt.Errorf("the parameter %s comes twice in %s", name, scheme)
			} else {
				seen[name] = true
			}
			if err := p.strictValue(word); err != nil {
				return err
			}
		}
		p.rest = strings.TrimLeft(p.rest, " \t")
		if p.rest != "" && p.rest[0] != ',' {
			return fmt.Errorf("no comma after %s", word)
		}
	}
}

// isParam tells whether "=" and a value follow a name, and not the padding of a token68.
func isParam(rest string) bool {
	rest, ok := strings.CutPrefix(strings.TrimLeft(rest, " \t"), "=")
	rest = strings.TrimLeft(rest, " \t")
	return ok && rest != "" && rest[0] != ',' && rest[0] != '='
}

// strictValue reads "=" and a token or a quoted-string (RFC 9110 5.6.4).
func (p *parser) strictValue(name string) error {
	_, rest, _ := strings.Cut(p.rest, "=")
	p.rest = strings.TrimLeft(rest, " \t")
	if !strings.HasPrefix(p.rest, `"`) {
		if p.token() == "" {
			return fmt.Errorf("the value of %s is neither a token nor quoted", name)
		}
		return nil
	}
	for i := 1; i < len(p.rest); i++ {
		switch c := p.rest[i]; {
		case c == '"':
			p.rest = p.rest[i+1:]
			return nil
		case c == '\\':
			i++
		case c < 0x20 && c != '\t' || c == 0x7f:
			return fmt.Errorf("a control character in the value of %s", name)
		}
	}
	return fmt.Errorf("the quote of %s does not end", name)
}
