package lab

import (
	"errors"
	"testing"
)

func TestTopology(t *testing.T) {
	for name, o := range map[string]Options{
		"a name twice":     {Servers: []Server{{"EX1", DefaultBuild}, {"ex1", DefaultBuild}}},
		"no name":          {Servers: []Server{{"", DefaultBuild}}},
		"a path as a name": {Servers: []Server{{"../x", DefaultBuild}}},
		"no build":         {Servers: []Server{{"EX1", "2019"}}},
		"not Exchange":     {Servers: []Server{{"EX1", "1.2.3.4"}}},
		"too many tenants": {Tenants: len(tenants) + 1},
		"too many servers": {Servers: make([]Server, maxServers+1)},
	} {
		if _, err := o.topology(); !errors.Is(err, ErrTopology) {
			t.Errorf("%s: %v, want ErrTopology", name, err)
		}
	}
	plain, err := (&Options{}).topology()
	if err != nil || len(plain.servers()) != 2 || len(plain.people()) != len(tenants[0].people) {
		t.Errorf("%+v, %v", plain, err)
	}
	if l := (&topology{Tenants: 2}).people(); l[len(l)-1].upn() != "gus@fabrikam.com" {
		t.Errorf("%+v", l)
	}
}
