package cmdlet_test

import (
	"context"
	"testing"
	"time"

	"hma/exchange/cmdlet"
	"hma/wire/psobject"
)

func TestServiceHealth(t *testing.T) {
	l := newLab(t)
	l.reg = cmdlet.New(l.org, cmdlet.Options{Now: func() time.Time { return start }, Services: func(_ context.Context, server string) map[string]bool {
		return map[string]bool{"W3Svc": server == "EX1", "MSExchangeADTopology": true, "MSExchangeIS": true}
	}})
	shown := func(list []psobject.Object) (text []string) {
		for _, o := range list {
			text = append(text, o.String("RequiredServicesRunning")+" "+o.String("ServicesRunning")+" "+o.String("ServicesNotRunning"))
		}
		return text
	}
	one := []string{"True {MSExchangeADTopology, MSExchangeIS, W3Svc} {}", "True {MSExchangeADTopology, W3Svc} {}", "False {MSExchangeADTopology} {MSExchangeTransport}"}
	all := []string{"False {MSExchangeADTopology, MSExchangeIS} {W3Svc}", "False {MSExchangeADTopology} {W3Svc}", one[2]}
	at := l.reg.Run(t.Context(), cmdlet.Caller{Administrator: true, Server: "EX1"}, psobject.Invocation{Cmdlet: "Test-ServiceHealth"}).Output
	for name, test := range map[string]struct {
		got  []psobject.Object
		want []string
	}{
		"named":          {l.ok("Test-ServiceHealth", "Server", "ex1.contoso.com").Output, one},
		"where one is":   {at, one},
		"another":        {l.ok("Test-ServiceHealth", "Server", "EX2").Output, all},
		"of all servers": {l.ok("Test-ServiceHealth").Output, all},
	} {
		if got := shown(test.got); len(got) != 3 || got[0] != test.want[0] || got[1] != test.want[1] || got[2] != test.want[2] {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	l.refused("ObjectNotFound", "couldn't be found", "Test-ServiceHealth", "Server", "EX9")
	l.refused("ObjectNotFound", "Cannot find any service with service name 'Spooler'", "Restart-Service", "Name", []string{"W3SVC", "Spooler"})
	if res := l.ok("Restart-Service", "Name", []string{"W3SVC", "WAS"}, "Force", true); len(res.Output)+len(res.Warnings) != 0 {
		t.Errorf("a restart says %v", res)
	}
}
