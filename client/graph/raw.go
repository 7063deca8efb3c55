package graph

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Raw carries out one request as it is given, without judging its body: a PATCH replaces.
// target is a path below the endpoint ("/servicePrincipals?$top=1"), with or without its
// version in front, or an absolute URL below the endpoint; the token goes nowhere else. It
// returns the answer's body, nil where there is none.
func (c *Client) Raw(ctx context.Context, method, target string, body []byte) (json.RawMessage, error) {
	path, err := c.below(target)
	if err != nil {
		return nil, err
	}
	var send any
	if len(body) > 0 {
		send = json.RawMessage(body)
	}
	var out json.RawMessage
	if err := c.do(ctx, method, path, send, &out); err != nil {
		return nil, err
	}
	return out, nil
}

// AddressError is a target that Raw does not send a token to.
type AddressError struct{ Target, Endpoint string }

// Error implements error.
func (e *AddressError) Error() string {
	return fmt.Sprintf("%q is no address below %s", e.Target, e.Endpoint)
}

// below returns what of a target comes behind the endpoint.
func (c *Client) below(target string) (string, error) {
	if strings.Contains(target, "://") {
		path, ok := strings.CutPrefix(target, c.base.String())
		if !ok || path != "" && path[0] != '/' && path[0] != '?' {
			return "", &AddressError{target, c.base.String()}
		}
		target = path
	}
	target = "/" + strings.TrimPrefix(target, "/")
	if at := strings.LastIndexByte(c.base.Path, '/'); at >= 0 {
		if rest, ok := strings.CutPrefix(target, c.base.Path[at:]+"/"); ok { // the version again
			target = "/" + rest
		}
	}
	u, err := url.Parse(c.base.String() + target)
	if err != nil || strings.Contains(u.Path, "..") || u.Fragment != "" {
		return "", &AddressError{target, c.base.String()}
	}
	u.RawQuery = encodeQuery(u.RawQuery)
	return strings.TrimPrefix(u.String(), c.base.String()), nil
}

// encodeQuery escapes what an administrator types into a query: blanks and quotes.
func encodeQuery(q string) string {
	return strings.NewReplacer(" ", "%20", "'", "%27", `"`, "%22").Replace(q)
}

// Query selects entities of a collection.
type Query struct {
	Filter   string   // $filter
	Select   []string // $select; none is Graph's default
	Top      int      // at most so many; 0 is one page of Graph's size
	All      bool     // every page
	Eventual bool     // ConsistencyLevel: eventual, which some filters need
}

// Entities reads entities of a collection ("/servicePrincipals") as Graph wrote them: one
// page, or with All every page.
func (c *Client) Entities(ctx context.Context, collection string, q Query) ([]json.RawMessage, error) {
	values := url.Values{}
	if q.Filter != "" {
		values.Set("$filter", q.Filter)
	}
	if len(q.Select) > 0 {
		values.Set("$select", strings.Join(q.Select, ","))
	}
	if q.Top > 0 {
		values.Set("$top", fmt.Sprint(min(q.Top, 999)))
	}
	target := collection
	if len(values) > 0 {
		target += "?" + values.Encode()
	}
	limit := q.Top
	if !q.All && limit == 0 {
		limit = -1
	}
	asking := *c
	asking.eventual = q.Eventual
	return pages[json.RawMessage](ctx, &asking, target, limit)
}

// Entity reads one entity, of which selected properties or with none Graph's default ones.
func (c *Client) Entity(ctx context.Context, collection, id string, selected []string) (json.RawMessage, error) {
	target := collection + "/" + url.PathEscape(id)
	if len(selected) > 0 {
		target += "?" + url.Values{"$select": {strings.Join(selected, ",")}}.Encode()
	}
	var out json.RawMessage
	return out, c.get(ctx, target, &out)
}

// UpdateServicePrincipal changes the properties of the service principal with the object
// id that stand in the map; a list replaces the stored list.
func (c *Client) UpdateServicePrincipal(ctx context.Context, id string, properties map[string]any) error {
	return c.do(ctx, http.MethodPatch, "/servicePrincipals/"+url.PathEscape(id), properties, nil)
}
