package ews

import (
	"html"
	"regexp"
	"strings"
	"testing"
)

const repliedMail = "From: bob@contoso.com\r\nTo: anna@contoso.com\r\nSubject: Re: it\r\nMessage-ID: <replied@contoso.com>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" +
	`<html><body><p onclick="x()">yes<!-- no --><img src="https://t.example/p.gif"><a href="https://contoso.com/">more</a></p><blockquote type="cite">is it?</blockquote></body></html>` + "\r\n"

// TestBodies holds what the shape makes of the bodies of a message in HTML that quotes
// another and fetches an image.
func TestBodies(t *testing.T) {
	w := newWorld(t)
	w.deliver(repliedMail)
	for _, c := range []struct{ name, shape, uri, want string }{
		{"as it is", "", "item:Body", `<t:Body BodyType="HTML"><html><body><p onclick="x()">yes<!-- no --><img src="https://t.example/p.gif"><a href="https://contoso.com/">more</a></p><blockquote type="cite">is it?</blockquote></body></html>`},
		{"unique", "", "item:UniqueBody", `<t:UniqueBody BodyType="HTML"><html><body><p onclick="x()">yes<!-- no --><img src="https://t.example/p.gif"><a href="https://contoso.com/">more</a></p></body></html></t:UniqueBody>`},
		{"unique text", "<t:UniqueBodyType>Text</t:UniqueBodyType>", "item:UniqueBody", `<t:UniqueBody BodyType="Text">yesmore</t:UniqueBody>`},
		{"unique text by the body's type", "<t:BodyType>Text</t:BodyType>", "item:UniqueBody", `<t:UniqueBody BodyType="Text">yesmore</t:UniqueBody>`},
		{"normalized", "", "item:NormalizedBody", `<t:NormalizedBody BodyType="HTML"><html><body><p onclick="x()">yes<img src="https://t.example/p.gif"><a href="https://contoso.com/">more</a></p><blockquote type="cite">is it?</blockquote>`},
		{"normalized and text", "<t:NormalizedBodyType>Text</t:NormalizedBodyType>", "item:NormalizedBody", `<t:NormalizedBody BodyType="Text">yesmore`},
		{"filtered", "<t:UniqueBodyType>HTML</t:UniqueBodyType><t:FilterHtmlContent>true</t:FilterHtmlContent>", "item:UniqueBody", `<p>yes<img src="https://t.example/p.gif"><a href="https://contoso.com/">more</a></p>`},
		{"blocked", "<t:BlockExternalImages>true</t:BlockExternalImages>", "item:UniqueBody", `<p onclick="x()">yes<!-- no --><img><a href`},
		{"targets", "<t:AddBlankTargetToLinks>true</t:AddBlankTargetToLinks>", "item:UniqueBody", `<a href="https://contoso.com/" target="_blank">more</a>`},
		{"cut", "<t:BodyType>Text</t:BodyType><t:MaximumBodySize>3</t:MaximumBodySize>", "item:UniqueBody", `<t:UniqueBody BodyType="Text" IsTruncated="true">yes</t:UniqueBody>`},
		{"something blocked", "<t:BlockExternalImages>true</t:BlockExternalImages>", "item:HasBlockedImages", `<t:HasBlockedImages>true</t:HasBlockedImages>`},
		{"nothing blocked", "", "item:HasBlockedImages", `<t:HasBlockedImages>false</t:HasBlockedImages>`},
		{"block status", "<t:BlockExternalImages>true</t:BlockExternalImages>", "item:BlockStatus", `<t:BlockStatus>true</t:BlockStatus>`},
		{"no Boolean", "<t:FilterHtmlContent>perhaps</t:FilterHtmlContent>", "item:Body", "ErrorSchemaValidation"},
		{"no type", "<t:UniqueBodyType>RTF</t:UniqueBodyType>", "item:Body", "ErrorSchemaValidation"},
	} {
		_, answer := w.ask(wrap(w.fill(`<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>` + c.shape + `<t:AdditionalProperties><t:FieldURI FieldURI="` + c.uri +
			`"/></t:AdditionalProperties></m:ItemShape><m:ItemIds><t:ItemId Id="{item0}"/></m:ItemIds></m:GetItem>`)))
		if got := html.UnescapeString(regexp.MustCompile(`&#13;|\r\n`).ReplaceAllString(answer, "")); !strings.Contains(got, c.want) {
			t.Errorf("%s: no %s in\n%s", c.name, c.want, got)
		}
	}
}
