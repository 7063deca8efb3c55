package shell

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"hma/wire/psobject"
)

func importClixml() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Import-Clixml", Synopsis: "Makes the objects of an XML file that Export-Clixml wrote.",
		Params: []psobject.Parameter{needed(at(0, named("Path", "any", "LiteralPath")))}}, func(c *call) (*stage, error) {
		return &stage{end: func() error {
			for _, path := range c.list("Path") {
				if err := c.imported(text(path)); err != nil {
					return err
				}
			}
			return nil
		}}, nil
	}}
}

func (c *call) imported(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return c.complain(c.fileFailure(c.source.Extent, c.name, err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err == nil && (!info.Mode().IsRegular() || info.Size() > maxFile) {
		err = fmt.Errorf("not a file of at most %d bytes", maxFile)
	}
	var items []any
	if err == nil {
		items, err = readClixml(io.LimitReader(f, maxFile))
	}
	if err != nil {
		return c.complain(c.fileFailure(c.source.Extent, c.name, fmt.Errorf("read %s: %w", path, err)))
	}
	return each(items, c.out)
}

// clixmlReader reads what MS-PSRP 2.2.5 describes.
type clixmlReader struct {
	*xml.Decoder
	types map[string]string // by their RefId
	refs  map[string]any
}

// readClixml reads all objects of a document.
func readClixml(from io.Reader) ([]any, error) {
	r := &clixmlReader{xml.NewDecoder(from), make(map[string]string), make(map[string]any)}
	for {
		token, err := r.Token()
		if err == io.EOF {
			return nil, errors.New("no objects in it")
		}
		if err != nil {
			return nil, err
		}
		if start, ok := token.(xml.StartElement); ok {
			if start.Name.Local != "Objs" || start.Name.Space != clixmlSpace {
				return nil, fmt.Errorf("<%s> is not the beginning of a CLIXML file", start.Name.Local)
			}
			var items []any
			err := r.children(0, func(_ string, v any) { items = append(items, v) })
			return items, err
		}
	}
}

// children reads the values up to the end of the element, each with its name.
func (r *clixmlReader) children(depth int, take func(name string, v any)) error {
	if depth > maxJSONDepth {
		return fmt.Errorf("nested deeper than %d", maxJSONDepth)
	}
	for {
		token, err := r.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			v, err := r.value(t, depth)
			if err != nil {
				return err
			}
			take(attribute(t, "N"), v)
		}
	}
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return unescaped(a.Value)
		}
	}
	return ""
}

func (r *clixmlReader) value(e xml.StartElement, depth int) (any, error) {
	switch e.Name.Local {
	case "Obj":
		return r.object(e, depth)
	case "Ref":
		v, ok := r.refs[attribute(e, "RefId")]
		if !ok {
			return nil, fmt.Errorf("<Ref> to %s, which is not there", attribute(e, "RefId"))
		}
		return v, r.Skip()
	case "SS":
		return nil, errors.New("secure strings are not supported")
	}
	var s string
	if err := r.DecodeElement(&s, &e); err != nil {
		return nil, err
	}
	var v any
	var err error
	switch e.Name.Local {
	case "Nil":
		return nil, nil
	case "B":
		v, err = strconv.ParseBool(s)
	case "By", "SB", "I16", "U16", "I32", "U32", "I64":
		v, err = strconv.ParseInt(s, 10, 64)
	case "U64", "D", "Db", "Sg":
		v, err = strconv.ParseFloat(s, 64)
	case "DT":
		v, err = time.Parse(time.RFC3339Nano, s)
	default:
		return unescaped(s), nil
	}
	return v, err
}

// object reads <Obj>: a list, a hashtable, or properties.
func (r *clixmlReader) object(e xml.StartElement, depth int) (any, error) {
	o := &object{}
	var made any = o
	set := func(name string, v any) {
		if o.find(name) == nil {
			o.properties = append(o.properties, property{name, v})
		}
	}
	for {
		token, err := r.Token()
		if err != nil {
			return nil, err
		}
		t, begins := token.(xml.StartElement)
		if _, ends := token.(xml.EndElement); ends {
			break
		}
		if !begins {
			continue
		}
		switch t.Name.Local {
		case "TN":
			var names struct {
				T []string `xml:"T"`
			}
			if err := r.DecodeElement(&names, &t); err != nil {
				return nil, err
			}
			if len(names.T) > 0 {
				o.typ = unescaped(names.T[0])
			}
			r.types[attribute(t, "RefId")] = o.typ
		case "TNRef":
			o.typ = r.types[attribute(t, "RefId")]
			err = r.Skip()
		case "ToString":
			err = r.Skip()
		case "Props", "MS":
			err = r.children(depth+1, set)
		case "LST", "IE", "QUE", "STK":
			items := []any{}
			err = r.children(depth+1, func(_ string, v any) { items = append(items, v) })
			made = items
		case "DCT":
			made, err = r.dictionary(depth)
		default:
			made, err = r.value(t, depth+1)
		}
		if err != nil {
			return nil, err
		}
	}
	switch {
	case o.typ == "":
		o.typ = custom
	case o.typ != custom && !strings.HasPrefix(o.typ, "Deserialized."):
		o.typ = "Deserialized." + o.typ
	}
	r.refs[attribute(e, "RefId")] = made
	return made, nil
}

func (r *clixmlReader) dictionary(depth int) (any, error) {
	h := &hash{}
	for {
		token, err := r.Token()
		if err != nil {
			return nil, err
		}
		switch token.(type) {
		case xml.EndElement:
			return h, nil
		case xml.StartElement:
			var key, value any
			err := r.children(depth+1, func(name string, v any) {
				if name == "Key" {
					key = v
				} else {
					value = v
				}
			})
			if err != nil {
				return nil, err
			}
			if !keyable(key) {
				return nil, errors.New("an entry of a hashtable has no key")
			}
			h.set(key, value)
		}
	}
}

var escaped = regexp.MustCompile(`_x[0-9A-Fa-f]{4}_`)

// unescaped turns _xHHHH_ into its character.
func unescaped(s string) string {
	return escaped.ReplaceAllStringFunc(s, func(code string) string {
		n, err := strconv.ParseUint(code[2:6], 16, 16)
		if err != nil {
			return code
		}
		return string(rune(n))
	})
}
