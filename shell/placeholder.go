package shell

import (
	"errors"
	"net/url"
	"slices"
	"strings"

	"hma/shell/parse"
	"hma/wire/psobject"
)

// placeholder refuses a word of a manual that was pasted as it is, and names the values that would fit.
func (r *runner) placeholder(p parse.Placeholder) error {
	var hint string
	var values []string
	var err error
	switch {
	case strings.EqualFold(p.Text, "<computername>") || strings.EqualFold(p.Text, "<server>") || strings.EqualFold(p.Text, "<servername>"):
		hint = "put the name of a server in its place"
		values, err = r.known("Get-ExchangeServer", "Name")
	case strings.EqualFold(p.Text, "<guid>") || strings.EqualFold(p.Text, "{guid}"):
		hint = "put the GUID of the AuthServer in its place, without brackets; the names are"
		values, err = r.known("Get-AuthServer", "Name")
		values = slices.DeleteFunc(values, func(n string) bool { return !like("EvoSts*", n, false) })
	case p.Text == "Tenant Domain":
		hint = "put the tenant's domain in its place, usually of the form contoso.onmicrosoft.com"
		values, err = r.tenantDomains()
	case p.Text == "YourDomain":
		hint = "put the public host of OWA and ECP in its place"
		if values, err = r.known("Get-OwaVirtualDirectory", "ExternalUrl"); err == nil {
			for i, v := range values {
				if u, err := url.Parse(v); err == nil && u.Host != "" {
					values[i] = u.Host
				}
			}
			slices.Sort(values)
			values = slices.Compact(values)
		}
	default:
		hint = "put a value in its place"
	}
	if err != nil {
		return err
	}
	if len(values) > 10 {
		values = append(values[:10], "...")
	}
	if len(values) > 0 {
		hint += ": " + strings.Join(values, ", ")
	}
	f := &Failure{Pos: p.Pos, Err: &parse.Error{Pos: p.Pos, Message: p.Text + " stands for a value", Hint: hint}, text: r.text, length: p.End - p.Start, id: "PlaceholderNotReplaced"}
	r.report(f)
	return f
}

// tenantDomains are the domains that came with the tenants: the metadata documents of their AuthServers are named by
// them, and so are the domains of their mailboxes in the cloud, contoso.mail.onmicrosoft.com.
func (r *runner) tenantDomains() ([]string, error) {
	urls, err := r.known("Get-AuthServer", "AuthMetadataUrl")
	if err != nil {
		return nil, err
	}
	names, err := r.known("Get-AuthServer", "DomainName")
	if err != nil {
		return nil, err
	}
	for _, text := range urls {
		if u, err := url.Parse(text); err == nil {
			first, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
			names = append(names, first)
		}
	}
	var domains []string
	for _, name := range names {
		if tenant, ok := strings.CutSuffix(strings.ToLower(name), ".onmicrosoft.com"); ok {
			domains = append(domains, strings.TrimSuffix(tenant, ".mail")+".onmicrosoft.com")
		}
	}
	slices.Sort(domains)
	return slices.Compact(domains), nil
}

// known asks the server for the values of a property; a server that refuses gives none.
func (r *runner) known(cmdlet, name string) ([]string, error) {
	res, err := r.Client.Invoke(r.ctx, psobject.Invocation{Cmdlet: cmdlet})
	if _, refused := errors.AsType[*psobject.ErrorRecord](err); refused {
		return nil, nil
	}
	var values []string
	for _, o := range res.Output {
		for _, v := range o.Strings(name) {
			if v != "" {
				values = append(values, v)
			}
		}
	}
	return values, err
}
