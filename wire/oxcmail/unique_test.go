package oxcmail

import (
	"strings"
	"testing"
	"time"

	"hma/wire/mapi"
)

func TestUniqueText(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"nothing quoted":      {"hello\r\n\r\nFrom: here on it is better\r\nbye\r\n", "hello\r\n\r\nFrom: here on it is better\r\nbye"},
		"lines of >":          {"yes\r\n\r\nOn 1 March 2026 Bob wrote:\r\n> is it?\r\n>> who asks?\r\n", "yes"},
		"attribution broken":  {"yes\n\nOn Sunday, 1 March 2026 at 12:00 Bob Builder\n<bob@contoso.com> wrote:\n\n> is it?\n", "yes"},
		"answers in between":  {"> one?\r\nyes\r\n> two?\r\nno\r\n", "yes\r\nno"},
		"a sentence with On":  {"On the wall he wrote:\r\nno more\r\n", "On the wall he wrote:\r\nno more"},
		"Outlook":             {"done\r\n\r\n-----Original Message-----\r\nFrom: Bob\r\nSent: today\r\nTo: Anna\r\nSubject: do it\r\n\r\ndo it\r\n", "done"},
		"a header alone":      {"done\r\n\r\nFrom: Bob\r\nDate: today\r\nTo: Anna\r\nSubject: do it\r\n\r\ndo it\r\n", "done"},
		"a line":              {"above\r\n________________________________\r\nbelow\r\n", "above\r\n________________________________\r\nbelow"},
		"nothing but a quote": {"> all of it\r\n", ""},
	} {
		if got := UniqueText(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestUniqueHTML(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"nothing quoted":  {"<html><head><title>x</title></head><body><p>hello</p></body></html>", "<p>hello</p>"},
		"Gmail":           {`<div dir="ltr">yes</div><br><div class="gmail_quote"><div class="gmail_attr">On ... wrote:</div><blockquote class="gmail_quote">is it?<div>x</div></blockquote></div>`, `<div dir="ltr">yes</div><br>`},
		"Thunderbird":     {`<p>yes</p><div class="moz-cite-prefix">Am 1. schrieb Bob:</div><blockquote type="cite">is <blockquote>it</blockquote>?</blockquote><p>and no</p>`, `<p>yes</p><p>and no</p>`},
		"Outlook":         {`<div><p>yes</p><div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Bob</div>is it?</div>`, `<div><p>yes</p></div>`},
		"Word":            {`<div class=W><p>yes</p><div style="border-top:solid"><p><b><span>From:</span></b> Bob<br><b>Sent:</b> today<br><b>Subject:</b> it</p></div><p>is it?</p></div>`, `<div class=W><p>yes</p></div>`},
		"bold, no header": {`<b>From:</b> me to you<p>bye`, `<b>From:</b> me to you<p>bye</p>`},
		"indented":        {`<blockquote>a poem</blockquote>`, `<blockquote>a poem</blockquote>`},
		"left open":       {`<div><b>yes`, `<div><b>yes</b></div>`},
	} {
		if got, want := UniqueHTML(c.in), "<html><body>"+c.want+"</body></html>"; got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// TestUniqueOfQuote holds that what Quote puts below an answer is known again.
func TestUniqueOfQuote(t *testing.T) {
	original := func(text, html string) *Message {
		return &Message{Props: mapi.Bag{mapi.PidTagSubject: "it", mapi.PidTagClientSubmitTime: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)},
			From: Address{Email: "bob@contoso.com"}, Text: text, HTML: html, Recipients: []Recipient{{mapi.RecipientTo, Address{Email: "anna@contoso.com"}}}}
	}
	plain := &Message{Text: "yes"}
	Quote(plain, original("is it?", ""))
	if got := UniqueText(plain.Text); got != "yes" {
		t.Errorf("text: %q", got)
	}
	rich := &Message{HTML: "<html><body><p>yes</p></body></html>"}
	Quote(rich, original("", "<p>is it?</p>"))
	if got := UniqueHTML(rich.HTML); got != "<html><body><p>yes</p></body></html>" {
		t.Errorf("HTML: %s", got)
	}
}

func TestNormalHTML(t *testing.T) {
	in := `<!DOCTYPE html><HTML><BODY BGCOLOR=red><P Align='left'>1 &lt; 2 &amp; 3<BR><!-- [if mso] --><script>alert(1)</script><style>p > a {}</style><i>open</p></BODY></HTML>`
	want := `<html><body><p align="left">1 &lt; 2 &amp; 3<br><style>p > a {}</style><i>open</i></p></body></html>`
	if got := NormalHTML(in); got != want {
		t.Errorf(" got %s\nwant %s", got, want)
	}
}

func TestBlockImages(t *testing.T) {
	for in, want := range map[string]string{
		`<img src="https://t.example/p.gif" alt="x">`:           `<img alt="x">`,
		`<img src="cid:1"><img src="data:image/gif;base64,R0">`: `<img src="cid:1"><img src="data:image/gif;base64,R0">`,
		`<IMG SRC=" //t.example/p">`:                            `<img>`,
		`<table background="p.gif"></table>`:                    `<table></table>`,
		`<p style="background:u\72l(https://t.example)">x</p>`:  `<p>x</p>`,
		`<p style="color:red">x</p>`:                            `<p style="color:red">x</p>`,
		`<style>p{background:URL(https://t.example)}</style>x`:  `<style></style>x`,
		`<link rel="stylesheet" href="https://t.example">x`:     `x`,
		`<a href="https://t.example">x</a>`:                     `<a href="https://t.example">x</a>`,
		`<svg><image xlink:href="https://t.example"/></svg>`:    `<svg><image/></svg>`,
		`<img srcset="https://t.example 2x" src="cid:1">`:       `<img src="cid:1">`,
		`a<noscript><img src="https://t.example"></noscript>b`:  `ab`,
		`a<iframe srcdoc="<img src=//t.example>"></iframe>b`:    `ab`,
		`a<iframe src="data:text/html,x"><p></iframe>b`:         `ab`,
		`a<object data="data:text/html,x"></object>b`:           `ab`,
		`a<meta http-equiv="Refresh" content="0;//t.example">`:  `a`,
		`<meta http-equiv="Content-Type" content="text/html">`:  `<meta http-equiv="Content-Type" content="text/html">`,
		`<svg><rect fill="url(https://t.example)"/></svg>`:      `<svg><rect/></svg>`,
	} {
		got, blocked := BlockImages(in)
		if got != want || blocked == strings.EqualFold(in, want) {
			t.Errorf("%s:\n got %s (%v)\nwant %s", in, got, blocked, want)
		}
	}
}

func TestFilterHTML(t *testing.T) {
	got := FilterHTML(`<p onclick="x()" style="color: red">a<script>x()</script><a href="javascript:x()">b</a><form><input></form><iframe src="https://t.example"></iframe><img src="cid:1"></p>`)
	if want := `<p style="color: red">ab<img src="cid:1"></p>`; got != want {
		t.Errorf(" got %s\nwant %s", got, want)
	}
}

// TestHostileHTML holds that what is made to be costly costs what its length says.
func TestHostileHTML(t *testing.T) {
	const n = 50_000
	for name, in := range map[string]string{
		"deep":        strings.Repeat("<div>", n),
		"ends":        strings.Repeat("<div>", maxOpen) + strings.Repeat("</p>", n),
		"headers":     strings.Repeat("<b>From:", n),
		"attributes":  "<img " + strings.Repeat("src=x ", n) + ">",
		"dividers":    strings.Repeat("__________\nFrom: x\n", n/4),
		"On":          strings.Repeat("On wrote:\n", n/2),
		"blockquotes": strings.Repeat(`<blockquote type="cite">`, n),
	} {
		began := time.Now()
		UniqueText(in)
		UniqueHTML(in)
		NormalHTML(in)
		BlockImages(in)
		FilterHTML(in)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("%s took %v", name, took)
		}
	}
}

func FuzzRewrite(f *testing.F) {
	f.Add(`<p>yes<b>From:</b> x<blockquote type=cite><img src=x></p><style>a</style>`)
	f.Add("On x wrote:\n> y\n-----Original Message-----\nFrom: z")
	f.Fuzz(func(t *testing.T, s string) {
		UniqueText(s)
		UniqueHTML(s)
		normal := NormalHTML(s)
		if again := NormalHTML(normal); again != normal {
			t.Errorf("%q is %q, and that %q", s, normal, again)
		}
		safe, _ := BlockImages(s)
		if again, blocked := BlockImages(safe); blocked {
			t.Errorf("%q is %q, and that %q", s, safe, again)
		}
	})
}
