package oxcmail

import (
	"html"
	"strings"

	nethtml "golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"hma/wire/mapi"
)

// Quote puts the text of a message under that of its answer, behind lines that
// say who wrote it, when and to whom. The answer is HTML when either of them is.
func Quote(answer, original *Message) {
	lines := quoteLines(original)
	if answer.HTML == "" && original.HTML == "" {
		var head strings.Builder
		for _, l := range lines {
			head.WriteString(l.name + ": " + l.value + "\r\n")
		}
		answer.Text += "\r\n\r\n________________________________\r\n" + head.String() + "\r\n" + original.Text
		return
	}
	var head strings.Builder
	head.WriteString("<hr><div>")
	for _, l := range lines {
		head.WriteString("<b>" + l.name + ":</b> " + html.EscapeString(l.value) + "<br>\r\n")
	}
	head.WriteString("</div><br>\r\n")
	_, own, _ := bodyElement(document(answer))
	before, quoted, after := bodyElement(document(original))
	answer.HTML = before + own + head.String() + quoted + after
	answer.Text = PlainFromHTML(answer.HTML)
}

// AppendHTML puts what a document holds at the end of what another holds.
func AppendHTML(document, added string) string {
	_, inner, _ := bodyElement(added)
	before, body, after := bodyElement(document)
	return before + body + inner + after
}

func document(m *Message) string {
	if m.HTML != "" {
		return m.HTML
	}
	return HTMLFromPlain(m.Text)
}

type quoteLine struct{ name, value string }

func quoteLines(m *Message) []quoteLine {
	lines := []quoteLine{{"From", plainAddress(m.From)}}
	if at := m.Props.Time(mapi.PidTagClientSubmitTime); !at.IsZero() {
		lines = append(lines, quoteLine{"Sent", at.UTC().Format("Monday, 2 January 2006 15:04 UTC")})
	}
	for _, to := range []struct {
		kind int32
		name string
	}{{mapi.RecipientTo, "To"}, {mapi.RecipientCc, "Cc"}} {
		var list []string
		for _, r := range m.Recipients {
			if r.Type == to.kind {
				list = append(list, plainAddress(r.Address))
			}
		}
		if list != nil {
			lines = append(lines, quoteLine{to.name, strings.Join(list, "; ")})
		}
	}
	return append(lines, quoteLine{"Subject", m.Props.String(mapi.PidTagSubject)})
}

// plainAddress shows an address to a reader.
func plainAddress(a Address) string {
	if a.Name == "" || a.Name == a.Email {
		return a.Email
	}
	return a.Name + " <" + a.Email + ">"
}

// bodyElement takes an HTML document apart: what its body element holds, and what
// stands before and after. A document without the element is all body.
func bodyElement(s string) (before, inner, after string) {
	z := nethtml.NewTokenizer(strings.NewReader(s))
	start, end, found, closed := 0, len(s), false, false
	for at := 0; ; {
		kind := z.Next()
		if kind == nethtml.ErrorToken {
			break
		}
		from := at
		at += len(z.Raw())
		if kind != nethtml.StartTagToken && kind != nethtml.EndTagToken {
			continue
		}
		name, _ := z.TagName()
		tag := atom.Lookup(name)
		switch {
		case kind == nethtml.StartTagToken && !found && (tag == atom.Html || tag == atom.Body):
			start, found = at, tag == atom.Body
		case kind == nethtml.EndTagToken && !closed && (tag == atom.Html || tag == atom.Body):
			end, closed = from, true
		}
	}
	if start > end {
		start, end = 0, len(s)
	}
	return s[:start], s[start:end], s[end:]
}
