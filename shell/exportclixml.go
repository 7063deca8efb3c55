package shell

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"time"

	"hma/wire/psobject"
)

func exportClixml() *cmdlet {
	return &cmdlet{psobject.Command{Name: "Export-Clixml", Synopsis: "Keeps objects in an XML file, from which Import-Clixml makes them again.",
		Params: []psobject.Parameter{needed(at(0, named("Path", "string", "LiteralPath"))), named("NoClobber", "switch"), named("Force", "switch"),
			{Name: "Encoding", Type: "string", Values: []string{"UTF8"}}, inputParameter}}, func(c *call) (*stage, error) {
		f, err := c.create("Path", false)
		if err != nil {
			return nil, err
		}
		c.later(func() { f.Close() })
		w := &clixmlWriter{Writer: bufio.NewWriter(f)}
		w.WriteString(`<Objs Version="1.1.0.1" xmlns="` + clixmlSpace + `">` + "\n")
		return &stage{
			process: func(v any) error {
				if _, laidOut := v.(formatted); laidOut {
					return c.failed("InvalidArgument", "ParameterBindingException", "FormattedInput", "", "What Format-List and Format-Table lay out cannot be exported: use Select-Object.")
				}
				w.value("", v, 0)
				w.WriteString("\n")
				return c.exported(f, w)
			},
			end: func() error {
				w.WriteString("</Objs>\n")
				return c.written(f, w.Flush())
			},
		}, nil
	}}
}

// exported stops at a file that would be too large to be read again.
func (c *call) exported(f *os.File, w *clixmlWriter) error {
	if err := w.Flush(); err != nil {
		return c.fileFailure(c.source.Extent, c.name, err)
	}
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() && info.Size() > maxFile {
		return c.fileFailure(c.source.Extent, c.name, fmt.Errorf("write %s: longer than %d bytes", c.string("Path"), maxFile))
	}
	return nil
}

// clixmlSpace is the name space of serialised objects (MS-PSRP 2.2.5).
const clixmlSpace = "http://schemas.microsoft.com/powershell/2004/04"

// clixmlWriter writes values as MS-PSRP 2.2.5 lays them out.
type clixmlWriter struct {
	*bufio.Writer
	ids   int
	bytes int // of the item that is being written
}

// clixmlDepth is how deep objects are kept; what lies deeper is its text.
const clixmlDepth = 10

func (w *clixmlWriter) value(name string, v any, depth int) {
	if depth == 0 {
		w.bytes = 0
	}
	attribute := ""
	if name != "" {
		attribute = ` N="` + clixmlText(name) + `"`
	}
	simple := func(element, text string) {
		w.bytes += len(text)
		fmt.Fprintf(w, "<%s%s>%s</%s>", element, attribute, text, element)
	}
	if depth > clixmlDepth || w.bytes > maxFile {
		simple("S", clixmlText(within(v)))
		return
	}
	w.bytes += len(attribute) + 16
	switch v := v.(type) {
	case nil, nothing:
		fmt.Fprintf(w, "<Nil%s />", attribute)
	case bool:
		simple("B", strings.ToLower(text(v)))
	case int64:
		simple("I64", text(v))
	case float64:
		simple("Db", fmt.Sprint(v))
	case time.Time:
		simple("DT", v.Format(time.RFC3339Nano))
	case []any:
		w.open(attribute, "System.Object[]")
		w.WriteString("<LST>")
		for _, item := range v {
			w.value("", item, depth+1)
		}
		w.WriteString("</LST></Obj>")
	case *hash:
		w.open(attribute, "System.Collections.Hashtable")
		w.WriteString("<DCT>")
		for _, p := range v.pairs {
			w.WriteString("<En>")
			w.value("Key", p.key, depth+1)
			w.value("Value", p.value, depth+1)
			w.WriteString("</En>")
		}
		w.WriteString("</DCT></Obj>")
	case *object:
		w.open(attribute, v.typ)
		element := "Props"
		if v.typ == custom {
			element = "MS"
		} else {
			w.WriteString("<ToString>" + clixmlText(text(v)) + "</ToString>")
		}
		w.WriteString("<" + element + ">")
		for _, p := range v.properties {
			w.value(p.name, p.value, depth+1)
		}
		w.WriteString("</" + element + "></Obj>")
	default:
		simple("S", clixmlText(text(v)))
	}
}

func (w *clixmlWriter) open(attribute, typ string) {
	fmt.Fprintf(w, `<Obj%s RefId="%d"><TN RefId="%d"><T>%s</T><T>System.Object</T></TN>`, attribute, w.ids, w.ids, clixmlText(typ))
	w.ids++
}

// clixmlText escapes what XML cannot hold as _xHHHH_ (MS-PSRP 2.2.5.3.2), and what it can as XML does.
func clixmlText(s string) string {
	var plain, b strings.Builder
	for i, r := range s {
		switch {
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfffe || r == 0xffff:
			fmt.Fprintf(&plain, "_x%04X_", r)
		case r == '_' && strings.HasPrefix(s[i+1:], "x"):
			plain.WriteString("_x005F_")
		default:
			plain.WriteRune(r)
		}
	}
	if xml.EscapeText(&b, []byte(plain.String())) != nil {
		return "" // a strings.Builder never fails
	}
	return b.String()
}
