package oxcmail

import (
	"strings"

	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// UniqueText returns what a plain text says itself: without the messages that it quotes
// with lines of ">" or below the lines of a header, and without the line that says who
// wrote what follows. Answers between quoted lines stay.
func UniqueText(s string) string {
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	var own []string
	for i := 0; i < len(lines); i++ {
		line := strings.TrimSpace(lines[i])
		switch {
		case strings.HasPrefix(line, ">"):
		case isDivider(line) && introduces(lines[i+1:]), isHeader(lines[i:]):
			i = len(lines)
		case strings.HasPrefix(line, "On ") && attributed(lines[i:]) > 0:
			i += attributed(lines[i:]) - 1
		default:
			own = append(own, lines[i])
		}
	}
	return strings.TrimRight(strings.Join(own, "\r\n"), " \t\r\n")
}

// isDivider tells whether a line is the one that mail programs draw above a header.
func isDivider(line string) bool {
	if len(line) >= 10 && strings.Trim(line, "_") == "" {
		return true
	}
	words := strings.Trim(line, "- ")
	return strings.HasPrefix(line, "--") && (strings.EqualFold(words, "Original Message") || strings.EqualFold(words, "Forwarded message"))
}

// headerLines is how many lines a header may have that is looked for, and how many
// empty ones may stand above what a line introduces.
const headerLines = 8

// introduces tells whether the lines go on, after empty ones, with a line of a header.
func introduces(lines []string) bool {
	for _, line := range lines[:min(len(lines), headerLines)] {
		if line = strings.TrimSpace(line); line != "" {
			return strings.HasPrefix(line, "From:")
		}
	}
	return false
}

// isHeader tells whether lines begin with the header of a message as it is shown to a
// reader: From, when or to whom, and Subject.
func isHeader(lines []string) bool {
	if !strings.HasPrefix(strings.TrimSpace(lines[0]), "From:") {
		return false
	}
	return isHeaderText(strings.Join(lines[1:min(len(lines), headerLines)], "\n"))
}

func isHeaderText(s string) bool {
	return strings.Contains(s, "Subject:") && (strings.Contains(s, "Sent:") || strings.Contains(s, "Date:") || strings.Contains(s, "To:"))
}

// attributed returns how many lines from the first say who wrote the lines of ">" below
// them, 0 when they do not. Long ones are broken once.
func attributed(lines []string) int {
	for n := 1; n <= min(2, len(lines)); n++ {
		if !strings.HasSuffix(strings.TrimSpace(lines[n-1]), "wrote:") {
			continue
		}
		for _, line := range lines[n:min(len(lines), n+headerLines)] {
			if line = strings.TrimSpace(line); line != "" {
				if strings.HasPrefix(line, ">") {
					return n
				}
				return 0
			}
		}
	}
	return 0
}

// UniqueHTML is UniqueText for an HTML document. It knows a quoted message by the
// elements that mail programs put around it or by the header that they show above it.
func UniqueHTML(s string) string {
	_, inner, _ := bodyElement(s)
	var out strings.Builder
	quoted, depth := "", 0 // the element of a quotation that is open, and how many of its name
	shown, bold, looks := 0, false, 0
	z := nethtml.NewTokenizer(strings.NewReader(inner))
	for at := 0; ; {
		kind := z.Next()
		if kind == nethtml.ErrorToken {
			return wrapBody(out.String())
		}
		raw := string(z.Raw()) // Token changes it
		at += len(raw)
		t := z.Token()
		if quoted != "" {
			switch {
			case kind == nethtml.StartTagToken && t.Data == quoted:
				depth++
			case kind == nethtml.EndTagToken && t.Data == quoted:
				if depth--; depth == 0 {
					quoted = ""
				}
			}
			continue
		}
		switch kind {
		case nethtml.StartTagToken, nethtml.SelfClosingTagToken:
			if endsOwn(t) {
				return wrapBody(out.String())
			}
			if kind == nethtml.StartTagToken && isQuotation(t) {
				quoted, depth = t.Data, 1
				continue
			}
			bold = t.DataAtom == atom.B || t.DataAtom == atom.Strong || bold && t.DataAtom == atom.Span
		case nethtml.TextToken:
			text := strings.TrimSpace(t.Data)
			if bold && strings.HasPrefix(text, "From:") {
				looks++
			}
			if bold && strings.HasPrefix(text, "From:") && looks <= maxLooks && isHeaderText(PlainFromHTML(inner[at:min(len(inner), at+headerBytes)])) {
				return wrapBody(out.String()[:shown]) // with the lines and boxes around the header
			}
			bold = bold && text == ""
			if text != "" {
				shown = out.Len() + len(raw)
			}
		}
		out.WriteString(raw)
		if t.DataAtom == atom.Img {
			shown = out.Len()
		}
	}
}

// headerBytes is how far behind its first line the rest of a header is looked for, and
// maxLooks how often.
const (
	headerBytes = 8 << 10
	maxLooks    = 32
)

// isQuotation tells whether an element holds a quoted message, or the line above one.
func isQuotation(t nethtml.Token) bool {
	for _, a := range t.Attr {
		switch a.Key {
		case "type":
			if t.DataAtom == atom.Blockquote && a.Val == "cite" {
				return true
			}
		case "class":
			for class := range strings.FieldsSeq(a.Val) {
				if class == "gmail_quote" || class == "gmail_quote_container" || class == "gmail_attr" || class == "yahoo_quoted" || class == "moz-cite-prefix" {
					return true
				}
			}
		}
	}
	return false
}

// endsOwn tells whether an element is the one below which Outlook quotes.
func endsOwn(t nethtml.Token) bool {
	for _, a := range t.Attr {
		if a.Key == "id" && (a.Val == "divRplyFwdMsg" || a.Val == "appendonsend" || a.Val == "mail-editor-reference-message-container" || a.Val == "OLK_SRC_BODY_SECTION") {
			return true
		}
	}
	return false
}

// void are the elements without an end.
var void = map[atom.Atom]bool{atom.Area: true, atom.Base: true, atom.Br: true, atom.Col: true, atom.Embed: true, atom.Hr: true, atom.Img: true,
	atom.Input: true, atom.Link: true, atom.Meta: true, atom.Param: true, atom.Source: true, atom.Track: true, atom.Wbr: true}

// wrapBody makes a document of a piece of HTML.
func wrapBody(s string) string {
	return "<html><body>" + closed(s) + "</body></html>"
}
