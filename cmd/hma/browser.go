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

	"hma/client/mail"
	"hma/lab"
)

// maxSteps bounds the pages and redirects of one sign-in.
const maxSteps = 10

// maxPage bounds a page in bytes.
const maxPage = 1 << 20

// browser plays the browser of a lab user at the cloud's sign-in pages. It keeps
// the cloud's cookies: who has signed in once is not asked for the password again.
type browser struct {
	hc    http.Client
	cloud string // origin, the only one where the password is typed
	user  lab.User
}

func (r *running) browser(user lab.User) *browser {
	b := &browser{hc: *r.mail.HTTP(), cloud: r.Cloud, user: user}
	b.hc.Jar, _ = cookiejar.New(nil) // only bad options fail
	return b
}

// redirected signs in at the address and returns where the cloud sends the
// browser in the end: the client's redirect URI with its query.
func (b *browser) redirected(ctx context.Context, address string) (string, error) {
	to, f, err := b.signIn(ctx, address)
	if err == nil && f != nil {
		err = fmt.Errorf("the cloud posts to %s instead of redirecting", to)
	}
	return to, err
}

// posted signs in at the address and returns the form that the cloud has the
// browser post in the end (response_mode=form_post).
func (b *browser) posted(ctx context.Context, address string) (mail.Form, error) {
	to, f, err := b.signIn(ctx, address)
	if err == nil && f == nil {
		err = errors.New("the cloud redirects instead of posting")
	}
	if err != nil {
		return mail.Form{}, err
	}
	return mail.Form{Action: to, Values: f.values}, nil
}

// signIn opens the address, fills in the cloud's forms and follows its redirects
// up to the first address elsewhere: f is the form that goes there, nil for a redirect.
func (b *browser) signIn(ctx context.Context, address string) (to string, f *form, err error) {
	if !b.atCloud(address) {
		return "", nil, fmt.Errorf("the sign-in is not at %s", b.cloud)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", nil, err
	}
	typed := false
	for range maxSteps {
		resp, err := b.hc.Do(req)
		if err != nil {
			return "", nil, err
		}
		page, err := io.ReadAll(io.LimitReader(resp.Body, maxPage))
		resp.Body.Close()
		if err != nil {
			return "", nil, err
		}
		if next, err := resp.Location(); err == nil {
			if !b.atCloud(next.String()) {
				return next.String(), nil, nil
			}
			if req, err = http.NewRequestWithContext(ctx, http.MethodGet, next.String(), nil); err != nil {
				return "", nil, err
			}
			continue
		}
		f := readForm(page)
		if f == nil {
			return "", nil, fmt.Errorf("the sign-in page says: %s", alert(page))
		}
		action, err := resp.Request.URL.Parse(f.action)
		if err != nil {
			return "", nil, err
		}
		if !b.atCloud(action.String()) {
			return action.String(), f, nil
		}
		if typed {
			// The password's form again: the page says why.
			return "", nil, fmt.Errorf("the sign-in page says: %s", alert(page))
		}
		if f.values.Has("passwd") {
			f.values.Set("login", b.user.UPN)
			f.values.Set("passwd", b.user.Password)
			typed = true
		}
		if req, err = http.NewRequestWithContext(ctx, http.MethodPost, action.String(), strings.NewReader(f.values.Encode())); err != nil {
			return "", nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", b.cloud)
	}
	return "", nil, errors.New("the cloud sends the browser round in circles")
}

// atCloud tells whether an address is of the cloud's origin.
func (b *browser) atCloud(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.EqualFold(u.Scheme+"://"+u.Host, b.cloud)
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
