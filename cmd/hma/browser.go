package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"

	"golang.org/x/net/html"

	"hma/lab"
)

// maxSteps bounds the pages and redirects of one sign-in.
const maxSteps = 10

// maxPage bounds a page in bytes.
const maxPage = 1 << 20

// browser plays the browser of a lab user: it opens the cloud's sign-in page,
// fills in the form, and follows redirects until the cloud sends it to the
// client's redirect URI, which it returns with its query.
func (r *running) browser(user lab.User, redirect string) func(context.Context, string) (string, error) {
	return func(ctx context.Context, address string) (string, error) {
		hc := *r.mail.HTTP()
		hc.Jar, _ = cookiejar.New(nil) // only bad options fail
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
		if err != nil {
			return "", err
		}
		typed := false
		for range maxSteps {
			resp, err := hc.Do(req)
			if err != nil {
				return "", err
			}
			page, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
			resp.Body.Close()
			if err != nil {
				return "", err
			}
			if to, err := resp.Location(); err == nil {
				if strings.HasPrefix(to.String(), redirect) {
					return to.String(), nil
				}
				if req, err = http.NewRequestWithContext(ctx, http.MethodGet, to.String(), nil); err != nil {
					return "", err
				}
				continue
			}
			f := readForm(page)
			if f == nil || typed {
				// No form, or the password's form again: the page says why.
				return "", fmt.Errorf("the sign-in page says: %s", alert(page))
			}
			if f.values.Has("passwd") {
				f.values.Set("login", user.UPN)
				f.values.Set("passwd", user.Password)
				typed = true
			}
			action, err := resp.Request.URL.Parse(f.action)
			if err != nil {
				return "", err
			}
			if req, err = http.NewRequestWithContext(ctx, http.MethodPost, action.String(), strings.NewReader(f.values.Encode())); err != nil {
				return "", err
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Origin", action.Scheme+"://"+action.Host)
		}
		return "", errors.New("the cloud sends the browser round in circles")
	}
}

// form is the last form of a page with its inputs.
type form struct {
	action string
	values url.Values
}

func readForm(page []byte) *form {
	var f *form
	for tokens := html.NewTokenizer(strings.NewReader(string(page))); tokens.Next() != html.ErrorToken; {
		t := tokens.Token()
		attr := map[string]string{}
		for _, a := range t.Attr {
			attr[a.Key] = a.Val
		}
		switch {
		case t.Type != html.StartTagToken && t.Type != html.SelfClosingTagToken:
		case t.Data == "form":
			f = &form{action: attr["action"], values: url.Values{}}
		case t.Data == "input" && f != nil && attr["name"] != "" && attr["type"] != "checkbox":
			f.values.Set(attr["name"], attr["value"])
		}
	}
	return f
}

// alert is the text of a page's element with the role alert, or its heading.
func alert(page []byte) string {
	text, heading, in := "", "", ""
	for tokens := html.NewTokenizer(strings.NewReader(string(page))); tokens.Next() != html.ErrorToken; {
		t := tokens.Token()
		switch t.Type {
		case html.StartTagToken:
			in = ""
			for _, a := range t.Attr {
				if a.Key == "role" && a.Val == "alert" {
					in = "alert"
				}
			}
			if t.Data == "h1" {
				in = "heading"
			}
		case html.TextToken:
			switch in {
			case "alert":
				text += t.Data
			case "heading":
				heading += t.Data
			}
		case html.EndTagToken:
			in = ""
		}
	}
	if text == "" {
		text = heading
	}
	return strings.TrimSpace(text)
}
