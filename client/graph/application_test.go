package graph

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

func TestApplications(t *testing.T) {
	var seen string
	c, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		seen = r.Method + " " + r.URL.Path + " " + string(data)
		switch {
		case r.Method == http.MethodGet && r.URL.Query().Get("$filter") == "displayName eq 'a''b'":
			fmt.Fprint(w, `{"value":[{"id":"o","appId":"a","displayName":"a'b","keyCredentials":[{"keyId":"k","key":null,"type":"AsymmetricX509Cert"}]}]}`)
		case r.Method == http.MethodGet && r.URL.Query().Get("$filter") != "":
			fmt.Fprint(w, `{"value":[]}`)
		case r.Method == http.MethodGet && r.URL.Query().Get("$select") == "keyCredentials":
			fmt.Fprint(w, `{"keyCredentials":[{"keyId":"k","key":"AQI=","startDateTime":"2026-03-01T12:00:00Z","endDateTime":"2031-03-01T12:00:00Z"}]}`)
		case r.Method == http.MethodPost:
			w.WriteHeader(201)
			fmt.Fprint(w, `{"id":"o","appId":"a"}`)
		default:
			w.WriteHeader(204)
		}
	})
	ctx := t.Context()
	app, ok, err := c.Application(ctx, "a'b")
	if err != nil || !ok || app.ID != "o" || app.AppID != "a" || app.KeyCredentials[0].ID != "k" || app.KeyCredentials[0].Key != nil {
		t.Errorf("%+v %v %v", app, ok, err)
	}
	if _, ok, err := c.Application(ctx, "none"); ok || err != nil {
		t.Error(ok, err)
	}
	keys, err := c.KeyCredentials(ctx, "sp")
	if err != nil || len(keys) != 1 || string(keys[0].Key) != "\x01\x02" || keys[0].Ends.Year() != 2031 {
		t.Errorf("%+v %v", keys, err)
	}
	for want, call := range map[string]func() error{
		`PATCH /v1.0/servicePrincipals/sp {"keyCredentials":[]}`: func() error { return c.SetKeyCredentials(ctx, "sp", nil) },
		`PATCH /v1.0/applications/o {"keyCredentials":[{"keyId":"k","type":"AsymmetricX509Cert","usage":"Verify","endDateTime":"2031-03-01T12:00:00Z"}]}`: func() error {
			return c.SetApplicationKeys(ctx, "o", []KeyCredential{{ID: "k", Ends: time.Date(2031, 3, 1, 12, 0, 0, 0, time.UTC)}})
		},
		`POST /v1.0/applications {"displayName":"x","keyCredentials":[{"type":"AsymmetricX509Cert","usage":"Verify","key":"AQI="}]}`: func() error {
			_, err := c.CreateApplication(ctx, Application{AppID: "not mine to give", DisplayName: "x", KeyCredentials: []KeyCredential{{Key: []byte{1, 2}}}})
			return err
		},
		`POST /v1.0/servicePrincipals {"appId":"a"}`: func() error { _, err := c.CreateServicePrincipal(ctx, "a"); return err },
		`POST /v1.0/servicePrincipals/sp/appRoleAssignments {"principalId":"sp","resourceId":"r","appRoleId":"role"}`: func() error {
			return c.AssignAppRole(ctx, "sp", "r", "role")
		},
	} {
		if err := call(); err != nil || seen != want {
			t.Errorf("sent %s\nwant %s\n%v", seen, want, err)
		}
	}
}
