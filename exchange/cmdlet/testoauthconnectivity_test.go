package cmdlet_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"hma/exchange/auth/outbound"
	"hma/exchange/cmdlet"
)

// unplugged reaches nobody.
type unplugged struct{}

func (unplugged) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("lookup nowhere.example: no such host")
}

func TestTestOAuthConnectivity(t *testing.T) {
	l := newLab(t)
	const target = "https://nowhere.example/ews/exchange.asmx"
	l.refused("InvalidArgument", "make calls", "Test-OAuthConnectivity", "Service", "EWS", "TargetUri", target, "AppOnly", true)
	clock := func() time.Time { return start }
	l.reg = cmdlet.New(l.org, cmdlet.Options{Now: clock, Fetch: &l.fetch, Outbound: outbound.New(outbound.Options{Keys: l.org, Now: clock, Transport: unplugged{}})})
	l.refused("InvalidArgument", "-AppOnly", "Test-OAuthConnectivity", "Service", "EWS", "TargetUri", target)
	l.refused("InvalidArgument", "-AppOnly", "Test-OAuthConnectivity", "Service", "EWS", "TargetUri", target, "Mailbox", "anna@contoso.com", "AppOnly", true)
	l.refused("InvalidArgument", "EWS, AutoD, Generic", "Test-OAuthConnectivity", "Service", "X", "TargetUri", target, "AppOnly", true)
	l.refused("ObjectNotFound", "nobody", "Test-OAuthConnectivity", "Service", "EWS", "TargetUri", target, "Mailbox", "nobody@contoso.com")
	if res := l.ok("Test-OAuthConnectivity", "Service", "EWS", "TargetUri", target, "AppOnly", true, "WhatIf", true); len(res.Output) != 0 || len(res.WhatIf) != 1 {
		t.Errorf("-WhatIf: %v", res)
	}
	o := l.ok("Test-OAuthConnectivity", "Service", "ews", "TargetUri", target, "Mailbox", "anna@contoso.com").Output[0]
	if got := strings.Join(names(o), " "); got != "Task Detail ResultType Identity IsValid ObjectState" {
		t.Errorf("properties are %s", got)
	}
	if o.String("Task") != "Checking EWS API Call Under Oauth" || o.String("ResultType") != "Error" || o.String("ObjectState") != "New" ||
		o.String("Identity") != "Microsoft.Exchange.Security.OAuth.ValidationResultNodeId" {
		t.Errorf("result %v", o)
	}
	for _, want := range []string{`"use cached token" was set to false`, "Exchange Outbound Oauth Log:\nClient request ID: ", "[OAuthCredentials:Authenticate] entering",
		"Exchange Response Details:", "nowhere.example could not be reached: lookup nowhere.example: no such host"} {
		if !strings.Contains(o.String("Detail"), want) {
			t.Errorf("no %q in\n%s", want, o.String("Detail"))
		}
	}
}
