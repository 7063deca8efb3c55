package oxcmail

import (
	"strings"
	"testing"
	"time"

	"hma/wire/mapi"
)

func TestQuote(t *testing.T) {
	original := func(text, html string) *Message {
		return &Message{
			Props: mapi.Bag{mapi.PidTagSubject: "a <b>", mapi.PidTagClientSubmitTime: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)},
			From:  Address{Name: "Bob", Email: "bob@contoso.com"}, Text: text, HTML: html,
			Recipients: []Recipient{{mapi.RecipientTo, Address{Email: "anna@contoso.com"}}, {mapi.RecipientBcc, Address{Email: "hidden@contoso.com"}}},
		}
	}
	for _, c := range []struct {
		name             string
		answer, original *Message
		text, html       string
	}{
		{"text", &Message{Text: "new"}, original("old", ""),
			"new\r\n\r\n________________________________\r\nFrom: Bob <bob@contoso.com>\r\nSent: Sunday, 1 March 2026 12:00 UTC\r\nTo: anna@contoso.com\r\nSubject: a <b>\r\n\r\nold", ""},
		{"HTML under text", &Message{Text: "1 < 2"}, original("", "<html><head><title>x</title></head><body bgcolor=red>old</body></html>"), "",
			"<html><head><title>x</title></head><body bgcolor=red><div>1 &lt; 2</div><hr><div><b>From:</b> Bob &lt;bob@contoso.com&gt;<br>\r\n<b>Sent:</b> Sunday, 1 March 2026 12:00 UTC<br>\r\n<b>To:</b> anna@contoso.com<br>\r\n<b>Subject:</b> a &lt;b&gt;<br>\r\n</div><br>\r\nold</body></html>"},
		{"no body element", &Message{HTML: "<p>new"}, original("old", "<p>old"), "", "<p>new<hr>"},
		{"text under HTML", &Message{HTML: "<html><body>new</body></html>"}, original("old", ""), "", "<html><body>new<hr>"},
	} {
		Quote(c.answer, c.original)
		if c.text != "" && c.answer.Text != c.text {
			t.Errorf("%s: text %q", c.name, c.answer.Text)
		}
		if !strings.HasPrefix(c.answer.HTML, c.html) || c.html == "" && c.answer.HTML != "" {
			t.Errorf("%s: HTML %q", c.name, c.answer.HTML)
		}
		if strings.Contains(c.answer.HTML+c.answer.Text, "hidden") {
			t.Errorf("%s: the blind copy is told", c.name)
		}
	}
}

// FuzzBodyElement holds that a document taken apart is the document.
func FuzzBodyElement(f *testing.F) {
	f.Add("<html><body>a</body></html>")
	f.Add("</body><body>")
	f.Add("<body><!-- </body> --><script></body></script>")
	f.Fuzz(func(t *testing.T, s string) {
		if before, inner, after := bodyElement(s); before+inner+after != s {
			t.Errorf("%q, %q, %q of %q", before, inner, after, s)
		}
	})
}
