package lab

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hma/hybrid/target"
)

const collected = "../hybrid/procedure/testdata/snapshots/resource-forest"

func collectedPart(t testing.TB, part string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(collected, part))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Who signs in first in a client's place is somebody plain who can, and what a name is for is one server's.
func TestReadSnapshot(t *testing.T) {
	o, err := target.ReadSnapshot(strings.NewReader(collectedPart(t, "exchange.json")), strings.NewReader(collectedPart(t, "graph.json")))
	if err != nil {
		t.Fatal(err)
	}
	s, err := readSnapshot(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	users := s.users("secret")
	if len(users) != 6 || users[0].Role != "user" || !users[0].Synced || users[0].Password != "secret" || users[5].UPN != "administrator@contoso.com" || users[5].Synced {
		t.Errorf("users: %+v", users)
	}
	top := s.topology()
	if len(top.Builds) != 1 || top.Builds[0] != (Server{"EX1", "15.2.1544.11"}) || top.domain() != "contoso.com" || top.mailHost() != "mail.contoso.com" {
		t.Errorf("topology: %+v", top)
	}
	if hosts := top.hostNames(); len(hosts) != 2 || hosts["mail.contoso.com"] != "EX1" || hosts["autodiscover.contoso.com"] != "EX1" {
		t.Errorf("hosts: %v", hosts)
	}
	linked := 0
	for _, p := range s.people {
		if p.MasterAccountSID != "" {
			linked++
			if p.cloud == nil || p.MasterAccountSID != p.cloud.OnPremisesSecurityIdentifier || p.ObjectID != p.cloud.ID || p.Enabled {
				t.Errorf("linked: %+v", p)
			}
		}
	}
	if linked != 5 {
		t.Errorf("%d linked mailboxes", linked)
	}
}
