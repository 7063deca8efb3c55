package mail

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// maxSteps bounds the pages and redirects of one sign-in.
const maxSteps = 10

// Pages plays the browser of somebody at the cloud's sign-in pages: it types name and
// password, and accepts what an application asks consent for. It keeps the cloud's cookies:
// who has signed in once is not asked for the password again. It is not for concurrent use.
type Pages struct {
	hc             *http.Client
	cloud          string // origin, the only one where the password is typed
	user, password string
}

// Pages returns the browser of a user of the cloud at the origin.
func (c *Client) Pages(cloud, user, password string) *Pages {
	return &Pages{hc: c.withCookies(Door{}), cloud: cloud, user: user, password: password}
}

// Redirected signs in at the address and returns where the cloud sends the
// browser in the end: the client's redirect URI with its query.
func (p *Pages) Redirected(ctx context.Context, address string) (string, error) {
	to, f, err := p.signIn(ctx, address)
	if err == nil && f != nil {
		err = fmt.Errorf("the cloud posts to %s instead of redirecting", to)
	}
	return to, err
}

// Posted signs in at the address and returns the form that the cloud has the
// browser post in the end (response_mode=form_post). It is a Browser.
func (p *Pages) Posted(ctx context.Context, address string) (Form, error) {
	to, f, err := p.signIn(ctx, address)
	if err == nil && f == nil {
		err = errors.New("the cloud redirects instead of posting")
	}
	if err != nil {
		return Form{}, err
	}
	return Form{Action: to, Values: f.values}, nil
}

// signIn opens the address, fills in the cloud's forms and follows its redirects
// up to the first address elsewhere: f is the form that goes there, nil for a redirect.
func (p *Pages) signIn(ctx context.Context, address string) (to string, f *form, err error) {
	if !p.atCloud(address) {
		return "", nil, fmt.Errorf("the sign-in is not at %s", p.cloud)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", nil, err
	}
	typed, accepted := false, false
	for range maxSteps {
		resp, page, err := fetch(p.hc, req)
		if err != nil {
			return "", nil, err
		}
		if next, err := resp.Location(); err == nil {
			if !p.atCloud(next.String()) {
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
		if !p.atCloud(action.String()) {
			return action.String(), f, nil
		}
		switch {
		case f.values.Has("passwd") && !typed:
			f.values.Set("login", p.user)
			f.values.Set("passwd", p.password)
			typed = true
		case f.accept && !accepted:
			f.values.Set("do", "accept")
			accepted = true
		default:
			// The same form again, or one that wants another answer: the page says why.
			return "", nil, fmt.Errorf("the sign-in page says: %s", alert(page))
		}
		if req, err = http.NewRequestWithContext(ctx, http.MethodPost, action.String(), strings.NewReader(f.values.Encode())); err != nil {
			return "", nil, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Origin", p.cloud)
	}
	return "", nil, errors.New("the cloud sends the browser round in circles")
}

// atCloud tells whether an address is of the cloud's origin.
func (p *Pages) atCloud(address string) bool {
	u, err := url.Parse(address)
	return err == nil && strings.EqualFold(u.Scheme+"://"+u.Host, p.cloud)
}

// form is the last form of a page with its inputs.
type form struct {
	action string
	values url.Values
	accept bool // it has the button of a consent page
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
		case t.Data == "button" && f != nil && attr["name"] == "do" && attr["value"] == "accept":
			f.accept = true
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
