package cmdlet_test

import (
	"strings"
	"testing"

	"hma/wire/psobject"
)

func TestHybridConfiguration(t *testing.T) {
	l := newLab(t)
	if got := l.ok("Get-HybridConfiguration").Output; len(got) != 0 {
		t.Errorf("a fresh organisation has %v", got)
	}
	l.refused("ObjectNotFound", "couldn't be found", "Set-HybridConfiguration", "Domains", "contoso.com")
	l.refused("ObjectNotFound", "EX9", "New-HybridConfiguration", "ClientAccessServers", "EX9")
	l.refused("InvalidArgument", "not one of", "New-HybridConfiguration", "Features", "Everything")
	o := l.ok("New-HybridConfiguration", "ClientAccessServers", "ex1.contoso.com", "Domains", "contoso.com", "Features", []string{"freebusy", "MoveMailbox"}).Output[0]
	want := "ClientAccessServers EdgeTransportServers ReceivingTransportServers SendingTransportServers OnPremisesSmartHost Domains Features ExternalIPAddresses TlsCertificateName ServiceInstance AdminDisplayName"
	if got := strings.Join(names(o), " "); !strings.HasPrefix(got, want) || o.String("ClientAccessServers") != "{EX1}" || o.String("Features") != "{FreeBusy, MoveMailbox}" {
		t.Errorf("made %v", o)
	}
	l.refused("InvalidOperation", "already exists", "New-HybridConfiguration", "Domains", "contoso.com")
	l.refused("InvalidOperation", "1 entry: FreeBusy", "Set-HybridConfiguration", "Features", "MoveMailbox")
	l.ok("Set-HybridConfiguration", "Features", psobject.Edit{Add: []string{"photos"}, Remove: []string{"FreeBusy"}}, "ServiceInstance", int64(1), "ClientAccessServers", psobject.Edit{Add: []string{"EX2"}})
	o = l.ok("Get-HybridConfiguration").Output[0]
	if o.String("Features") != "{MoveMailbox, Photos}" || o.String("ServiceInstance") != "1" || o.String("ClientAccessServers") != "{EX1, EX2}" {
		t.Errorf("changed %v", o)
	}
	if res := l.ok("Set-HybridConfiguration", "ServiceInstance", int64(1)); len(res.Warnings) != 1 || !strings.Contains(res.Warnings[0], "'Hybrid Configuration'") {
		t.Errorf("warnings %q", res.Warnings)
	}
}
