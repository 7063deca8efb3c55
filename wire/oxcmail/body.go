package oxcmail

import (
	"html"
	"strings"

	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// HTMLFromPlain shows plain text as an HTML document.
func HTMLFromPlain(s string) string {
	return "<html><body>" + fragment(s) + "</body></html>"
}

// fragment is plain text as a piece of HTML that keeps lines and runs of spaces.
func fragment(s string) string {
	s = html.EscapeString(strings.ReplaceAll(s, "\r\n", "\n"))
	s = strings.ReplaceAll(s, "  ", " &nbsp;")
	return "<div>" + strings.ReplaceAll(s, "\n", "<br>\r\n") + "</div>"
}

// PlainFromHTML shows an HTML document as plain text with CR LF line ends: what a
// reader would see, without markup, scripts and styles.
func PlainFromHTML(s string) string {
	var out plainWriter
	z := nethtml.NewTokenizer(strings.NewReader(s))
	var hidden atom.Atom // the element whose text nobody sees
	pre := 0
	for {
		switch z.Next() {
		case nethtml.ErrorToken:
			return out.String()
		case nethtml.TextToken:
			if hidden == 0 {
				out.text(string(z.Text()), pre > 0)
			}
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			name, _ := z.TagName()
			switch a := atom.Lookup(name); a {
			case atom.Script, atom.Style, atom.Title, atom.Textarea:
				hidden = a
			case atom.Br:
				out.newline()
			case atom.Pre:
				pre++
				out.block(1)
			case atom.Li:
				out.block(1)
				out.text("* ", true)
			case atom.Td, atom.Th:
				out.cell()
			case atom.Hr:
				out.block(1)
				out.text("----------", true)
				out.block(1)
			default:
				out.block(blockGap(a))
			}
		case nethtml.EndTagToken:
			name, _ := z.TagName()
			a := atom.Lookup(name)
			if a == hidden {
				hidden = 0
			}
			if a == atom.Pre && pre > 0 {
				pre--
			}
			out.block(blockGap(a))
		}
	}
}

// blockGap tells how many line ends stand around an element; 0 for one within a line.
func blockGap(a atom.Atom) int {
	switch a {
	case atom.P, atom.H1, atom.H2, atom.H3, atom.H4, atom.H5, atom.H6, atom.Ul, atom.Ol, atom.Table, atom.Blockquote:
		return 2
	case atom.Div, atom.Tr, atom.Li, atom.Pre, atom.Section, atom.Article, atom.Header, atom.Footer, atom.Dl, atom.Dt, atom.Dd:
		return 1
	}
	return 0
}

// plainWriter joins pieces of text: runs of white space become one space, and
// line ends wait until text follows them.
type plainWriter struct {
	b       strings.Builder
	pending int  // line ends
	space   bool // a space waits
	inLine  bool // the line has text
}

func (w *plainWriter) String() string { return w.b.String() }

func (w *plainWriter) flush() {
	if w.b.Len() > 0 {
		for range min(w.pending, 3) {
			w.b.WriteString("\r\n")
		}
	}
	if w.pending > 0 {
		w.inLine = false
	}
	if w.space && w.inLine {
		w.b.WriteByte(' ')
	}
	w.pending, w.space = 0, false
}

func (w *plainWriter) text(s string, verbatim bool) {
	if verbatim {
		for i, line := range strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n") {
			if i > 0 {
				w.newline()
			}
			if line != "" {
				w.flush()
				w.b.WriteString(line)
				w.inLine = true
			}
		}
		return
	}
	// A no-break space is text; the others collapse (CSS Text 3, 4.1.1).
	for i, word := range strings.FieldsFunc(s, isCollapsible) {
		if i > 0 || isCollapsible(rune(s[0])) {
			w.space = true
		}
		w.flush()
		w.b.WriteString(strings.ReplaceAll(word, "\u00a0", " "))
		w.inLine = true
	}
	if s != "" && isCollapsible(rune(s[len(s)-1])) {
		w.space = true
	}
}

func isCollapsible(r rune) bool {
	return r == ' ' || r == '\t' || r == '\r' || r == '\n' || r == '\f'
}

func (w *plainWriter) newline() { w.pending++; w.space = false }

func (w *plainWriter) block(gap int) {
	if gap > 0 {
		w.pending = max(w.pending, gap)
		w.space = false
	}
}

func (w *plainWriter) cell() {
	if w.inLine && w.pending == 0 {
		w.b.WriteByte('\t')
		w.space = false
	}
}

// shownIDs are the content ids that an HTML body refers to by cid: URLs (RFC 2392).
func shownIDs(s string) map[string]bool {
	ids := map[string]bool{}
	for len(ids) < MaxParts {
		at := indexFold(s, "cid:")
		if at < 0 {
			break
		}
		s = s[at+len("cid:"):]
		end := strings.IndexAny(s, "\"'<> )\t\r\n")
		if end < 0 {
			end = len(s)
		}
		if end > 0 && end < 1000 {
			ids[string(percentDecode(html.UnescapeString(s[:end])))] = true
		}
		s = s[end:]
	}
	return ids
}

// indexFold finds a lower-case ASCII text in s, whatever its case there.
func indexFold(s, lower string) int {
	for i := 0; i+len(lower) <= len(s); i++ {
		if s[i]|0x20 == lower[0] && strings.EqualFold(s[i:i+len(lower)], lower) {
			return i
		}
	}
	return -1
}
