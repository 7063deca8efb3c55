package oxcmail

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/microcosm-cc/bluemonday"
	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxOpen is how many elements within one another are told apart; what is deeper is
// taken as if they were not there.
const maxOpen = 256

// closed returns a piece of HTML with the ends of the elements that it leaves open,
// and without ends of what it did not open.
func closed(s string) string { return (&rewriter{}).rewrite(s) }

// NormalHTML returns a document in one form, whoever wrote it: what its body holds, in
// well-formed elements in lower case with quoted attributes, without comments and scripts.
func NormalHTML(s string) string {
	_, inner, _ := bodyElement(s)
	return "<html><body>" + (&rewriter{normal: true}).rewrite(inner) + "</body></html>"
}

// rewriter writes HTML anew in time that follows from its length.
type rewriter struct {
	tag    func(*nethtml.Token) bool // may change the start of an element; false leaves it away, with its text when it is raw. Nil for none
	style  func(string) bool         // whether the text of a style sheet stays; nil: it does
	normal bool                      // without comments and scripts, every token in one form
}

func (r *rewriter) rewrite(s string) string {
	var out strings.Builder
	var open []string
	hidden := atom.Atom(0)
	z := nethtml.NewTokenizer(strings.NewReader(s))
	for {
		kind := z.Next()
		if kind == nethtml.ErrorToken {
			break
		}
		raw := string(z.Raw()) // Token changes it
		t := z.Token()
		if hidden != 0 {
			if kind == nethtml.EndTagToken && t.DataAtom == hidden {
				hidden = 0
			}
			continue
		}
		switch kind {
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			if r.normal && t.DataAtom == atom.Script {
				hidden = atom.Script
				continue
			}
			before := t.String()
			if r.tag != nil && !r.tag(&t) {
				if kind == nethtml.StartTagToken && rawText[t.DataAtom] {
					hidden = t.DataAtom
				}
				continue
			}
			if kind == nethtml.StartTagToken && !void[t.DataAtom] {
				if len(open) == maxOpen {
					continue
				}
				open = append(open, t.Data)
			}
			if r.normal || t.String() != before {
				raw = t.String()
			}
		case nethtml.EndTagToken:
			i := len(open) - 1
			for i >= 0 && open[i] != t.Data {
				i--
			}
			if i < 0 {
				continue
			}
			for len(open) > i+1 { // what overlaps
				out.WriteString("</" + open[len(open)-1] + ">")
				open = open[:len(open)-1]
			}
			open = open[:i]
			raw = t.String()
		case nethtml.CommentToken, nethtml.DoctypeToken:
			if r.normal {
				continue
			}
		case nethtml.TextToken:
			switch {
			case len(open) > 0 && open[len(open)-1] == "style": // its text is not escaped
				if r.style != nil && !r.style(raw) {
					continue
				}
			case r.normal:
				raw = t.String()
			}
		}
		out.WriteString(raw)
	}
	for i := len(open) - 1; i >= 0; i-- {
		out.WriteString("</" + open[i] + ">")
	}
	return out.String()
}

// rawText are the elements that may hold a document in their text, which is no element to the tokenizer.
var rawText = map[atom.Atom]bool{atom.Iframe: true, atom.Noembed: true, atom.Noframes: true, atom.Noscript: true}

// filter is what FilterHTML lets through; it is safe for use by many at a time.
var filter = sync.OnceValue(func() *bluemonday.Policy {
	p := bluemonday.UGCPolicy()
	p.RequireNoFollowOnLinks(false)
	p.AllowElements("html", "body", "font", "center", "u")
	p.AllowAttrs("color", "face", "size").OnElements("font")
	p.AllowAttrs("bgcolor", "align", "valign", "width", "height", "border", "cellpadding", "cellspacing").Globally()
	p.AllowAttrs("class").Matching(regexp.MustCompile(`^[\w -]*$`)).Globally()
	p.AllowStyles("color", "background-color", "font-family", "font-size", "font-weight", "font-style", "text-align", "text-decoration",
		"margin", "margin-left", "margin-right", "margin-top", "margin-bottom", "padding", "border").Globally()
	p.AllowURLSchemes("http", "https", "mailto", "cid")
	return p
})

// FilterHTML returns a document without what can act or deceive: scripts, forms, frames,
// objects, style sheets, and addresses other than of the web, mail and parts of the message.
func FilterHTML(s string) string { return filter().Sanitize(s) }

// BlockImages returns a document that fetches nothing from outside the message when it is
// shown, and tells whether anything was taken out.
func BlockImages(s string) (out string, blocked bool) {
	r := &rewriter{
		tag: func(t *nethtml.Token) bool {
			t.Attr = slices.DeleteFunc(t.Attr, func(a nethtml.Attribute) bool {
				out := fetches(t.DataAtom, a)
				blocked = blocked || out
				return out
			})
			// A refresh leads elsewhere, and a document within this one fetches on its own.
			gone := rawText[t.DataAtom] || t.DataAtom == atom.Frame || t.DataAtom == atom.Object || t.DataAtom == atom.Embed ||
				t.DataAtom == atom.Meta && slices.ContainsFunc(t.Attr, func(a nethtml.Attribute) bool {
					return a.Key == "http-equiv" && strings.EqualFold(strings.TrimSpace(a.Val), "refresh")
				})
			blocked = blocked || gone
			return !gone && t.DataAtom != atom.Link
		},
		style: func(text string) bool {
			out := styleFetches(text)
			blocked = blocked || out
			return !out
		},
	}
	out = r.rewrite(s)
	return out, blocked
}

// fetches tells whether showing an element fetches what an attribute names. Only parts of
// the message and what stands in the attribute itself are inside.
func fetches(element atom.Atom, a nethtml.Attribute) bool {
	switch a.Key {
	case "srcset", "imagesrcset":
		return true
	case "style":
		return styleFetches(a.Val)
	case "href", "xlink:href":
		if element == atom.A || element == atom.Area || element == atom.Base {
			return false
		}
	case "src", "background", "poster", "lowsrc", "dynsrc", "data":
	default: // fill, filter, mask and others of SVG
		return strings.Contains(strings.ToLower(a.Val), "url(")
	}
	value := strings.ToLower(strings.TrimSpace(a.Val))
	return value != "" && !strings.HasPrefix(value, "cid:") && !strings.HasPrefix(value, "data:") && !strings.HasPrefix(value, "#")
}

// styleFetches tells whether a style can name something; an escape can hide that it does.
func styleFetches(s string) bool {
	s = strings.ToLower(s)
	return strings.Contains(s, "url") || strings.Contains(s, "@import") || strings.Contains(s, "image-set") || strings.Contains(s, "\\")
}

// BlankTargets returns a document whose links open in a window of their own.
func BlankTargets(s string) string {
	r := &rewriter{tag: func(t *nethtml.Token) bool {
		if t.DataAtom == atom.A || t.DataAtom == atom.Area {
			t.Attr = slices.DeleteFunc(t.Attr, func(a nethtml.Attribute) bool { return a.Key == "target" })
			t.Attr = append(t.Attr, nethtml.Attribute{Key: "target", Val: "_blank"})
		}
		return true
	}}
	return r.rewrite(s)
}
