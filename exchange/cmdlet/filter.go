package cmdlet

import (
	"path"
	"strings"

	"hma/wire/guid"
	"hma/wire/psobject"
)

// filter is the part of Exchange's filter language (OPATH) that is understood here:
// conditions "Property -op value" joined by -and, with -eq, -ne, -like (with *)
// and -gt on Guid. Anything else is refused with what is possible.
type filter []condition

type condition struct {
	property, op string
	value        any // string, bool or nil
}

// maxFilter is how long a filter may be in bytes.
const maxFilter = 4096

func badFilter(text string) error {
	return invalid("Filter", "The filter '%s' is not supported: use conditions like \"Property -eq 'value'\" with -eq, -ne or -like, joined by -and.", text)
}

func parseFilter(text string) (filter, error) {
	if len(text) > maxFilter {
		return nil, invalid("Filter", "The filter is longer than %d bytes.", maxFilter)
	}
	words, ok := filterWords(text)
	if !ok {
		return nil, badFilter(text)
	}
	if len(words) == 0 || len(words) == 1 && words[0].text == "*" {
		return nil, nil
	}
	var f filter
	for {
		if len(words) < 3 || words[0].quoted || words[1].quoted {
			return nil, badFilter(text)
		}
		c := condition{property: words[0].text, op: strings.ToLower(words[1].text), value: words[2].text}
		if !words[2].quoted {
			switch strings.ToLower(words[2].text) {
			case "$true":
				c.value = true
			case "$false":
				c.value = false
			case "$null":
				c.value = nil
			}
		}
		switch c.op {
		case "-eq", "-ne":
		case "-like":
			if pattern, isText := c.value.(string); !isText || strings.ContainsAny(pattern, `?[\`) {
				return nil, badFilter(text)
			}
		case "-gt":
			s, _ := c.value.(string)
			if _, err := guid.Parse(s); err != nil || !strings.EqualFold(c.property, "Guid") {
				return nil, badFilter(text)
			}
		default:
			return nil, badFilter(text)
		}
		f = append(f, c)
		if words = words[3:]; len(words) == 0 {
			return f, nil
		}
		if words[0].quoted || !strings.EqualFold(words[0].text, "-and") {
			return nil, badFilter(text)
		}
		words = words[1:]
	}
}

type filterWord struct {
	text   string
	quoted bool
}

// filterWords splits at spaces; a quoted word ends at its quote, and a doubled quote stands for one.
func filterWords(text string) ([]filterWord, bool) {
	var words []filterWord
	for {
		text = strings.TrimLeft(text, " \t")
		if text == "" {
			return words, true
		}
		quote := text[0]
		if quote != '\'' && quote != '"' {
			end := strings.IndexAny(text, " \t")
			if end < 0 {
				end = len(text)
			}
			words = append(words, filterWord{text[:end], false})
			text = text[end:]
			continue
		}
		var b strings.Builder
		i := 1
		for ; i < len(text); i++ {
			if text[i] != quote {
				b.WriteByte(text[i])
				continue
			}
			if i+1 < len(text) && text[i+1] == quote {
				b.WriteByte(quote)
				i++
				continue
			}
			break
		}
		if i == len(text) {
			return nil, false
		}
		words = append(words, filterWord{b.String(), true})
		text = text[i+1:]
	}
}

// after returns where a page by GUID begins, and whether the filter asks for one.
func (f filter) after() (guid.GUID, bool) {
	for _, c := range f {
		if c.op == "-gt" {
			id, err := guid.Parse(c.value.(string))
			return id, err == nil
		}
	}
	return guid.Nil, false
}

// match tells whether the object fulfils every condition; an unknown property is an error.
func (f filter) match(o *psobject.Object) (bool, error) {
	for _, c := range f {
		have, ok := o.Get(c.property)
		if !ok {
			return false, invalid("Filter", "There is no property '%s' to filter by.", c.property)
		}
		var hit bool
		switch c.op {
		case "-eq":
			hit = equals(have, c.value)
		case "-ne":
			hit = !equals(have, c.value)
		case "-like":
			hit = like(have, c.value.(string))
		case "-gt":
			s, _ := have.(string)
			hit = strings.ToLower(s) > strings.ToLower(c.value.(string))
		}
		if !hit {
			return false, nil
		}
	}
	return true, nil
}

// equals compares without case; a list equals what one of its entries equals.
func equals(have, want any) bool {
	if list, ok := have.([]string); ok {
		if want == nil {
			return len(list) == 0
		}
		for _, s := range list {
			if equals(s, want) {
				return true
			}
		}
		return false
	}
	switch want := want.(type) {
	case nil:
		return have == nil
	case bool:
		return have == want
	}
	return have != nil && strings.EqualFold(psobject.Text(have), psobject.Text(want))
}

func like(have any, pattern string) bool {
	if list, ok := have.([]string); ok {
		for _, s := range list {
			if like(s, pattern) {
				return true
			}
		}
		return false
	}
	// path.Match's * stops at slashes, which names may hold.
	plain := strings.NewReplacer("/", "\x00")
	ok, err := path.Match(plain.Replace(strings.ToLower(pattern)), plain.Replace(strings.ToLower(psobject.Text(have))))
	return err == nil && ok
}
