package shell

import (
	"bytes"
	"encoding/json"
	"strings"

	"hma/client/graph"
	"hma/wire/psobject"
)

func invokeMgGraphRequest() *cmdlet {
	return once(psobject.Command{Name: "Invoke-MgGraphRequest", Synopsis: "Sends one request to Microsoft Graph as it is: a list in a PATCH replaces the list.", Asks: "scripts that PATCH a service principal without Update-MgServicePrincipal",
		Params: []psobject.Parameter{{Name: "Method", Type: "string", Values: []string{"GET", "POST", "PATCH", "PUT", "DELETE"}}, needed(at(1, named("Uri", "string"))), at(2, named("Body", "any")),
			{Name: "OutputType", Type: "string", Values: []string{"HashTable", "PSObject", "Json"}}, named("ContentType", "string")}}, (*call).graphRequest)
}

func (c *call) graphRequest() error {
	method := "GET"
	if c.has("Method") {
		method = c.string("Method")
	}
	var body []byte
	if c.has("Body") {
		switch v := c.args["Body"].value.(type) {
		case string:
			body = []byte(v)
		case *hash, *object:
			w := jsonWriter{plain: true}
			w.value(v, maxJSONDepth, 0)
			body = w.Bytes()
		}
		if !json.Valid(body) {
			return c.unbound(c.args["Body"].at, c.name, "InvalidBody", "Cannot bind parameter 'Body': give a hashtable or JSON text.")
		}
	}
	return c.graph(func(g *graph.Client) error {
		answer, err := g.Raw(c.ctx, method, strings.TrimSpace(c.string("Uri")), body)
		if err != nil || answer == nil {
			return c.addressFailure(err)
		}
		if c.string("OutputType") == "Json" {
			return c.out(string(answer))
		}
		d := json.NewDecoder(bytes.NewReader(answer))
		d.UseNumber()
		v, err := readJSON(d, 0)
		if err != nil {
			return err
		}
		if c.string("OutputType") != "PSObject" {
			v = hashtables(v)
		}
		return c.out(v)
	})
}

// addressFailure makes an address that no token is sent to an error of the cmdlet.
func (c *call) addressFailure(err error) error {
	if bad, ok := err.(*graph.AddressError); ok {
		return c.complain(c.failed("InvalidArgument", "ArgumentException", "InvalidUri", bad.Target, "%s.", bad))
	}
	return err
}

// hashtables makes the objects of a JSON value hashtables.
func hashtables(v any) any {
	switch v := v.(type) {
	case []any:
		items := make([]any, len(v))
		for i, item := range v {
			items[i] = hashtables(item)
		}
		return items
	case *object:
		h := &hash{}
		for _, p := range v.properties {
			h.set(p.name, hashtables(p.value))
		}
		return h
	}
	return v
}
