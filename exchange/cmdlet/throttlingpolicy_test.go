package cmdlet_test

import "testing"

// A person's own policy counts before that of the organisation, and that before the built-in one.
func TestThrottlingPolicy(t *testing.T) {
	l := newLab(t)
	server, err := l.org.Server(t.Context(), "EX1")
	l.must(err)
	t.Cleanup(server.Close)
	expect := func(when string, want int) {
		t.Helper()
		l.must(server.Refresh(t.Context()))
		list, err := l.org.BySMTP(t.Context(), "anna@contoso.com")
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		if got := server.Snapshot().EwsMaxConcurrency(list[0]); got != want {
			t.Errorf("%s: %d, want %d", when, got, want)
		}
	}
	expect("without a policy", 27)
	if got := l.ok("Get-ThrottlingPolicy").Output; len(got) != 1 || got[0].String("EwsMaxConcurrency") != "27" || got[0].String("ThrottlingPolicyScope") != "Global" {
		t.Errorf("the built-in policy: %v", got)
	}
	for _, bad := range []string{"0", "-1", "many", "1000001"} {
		l.refused("InvalidArgument", "EwsMaxConcurrency", "New-ThrottlingPolicy", "Name", "X", "EwsMaxConcurrency", bad)
	}
	l.refused("InvalidArgument", "ThrottlingPolicyScope", "New-ThrottlingPolicy", "Name", "X", "ThrottlingPolicyScope", "Global")
	l.ok("New-ThrottlingPolicy", "Name", "Everybody", "ThrottlingPolicyScope", "Organization", "EwsMaxConcurrency", "10")
	expect("of the organisation", 10)
	l.refused("InvalidOperation", "only one", "New-ThrottlingPolicy", "Name", "Again", "ThrottlingPolicyScope", "Organization")
	l.ok("New-ThrottlingPolicy", "Name", "Migration", "EwsMaxConcurrency", "Unlimited")
	expect("made for others", 10)
	l.ok("Set-ThrottlingPolicyAssociation", "Identity", "Anna", "ThrottlingPolicy", "Migration")
	expect("of her own", 0)
	if got := l.ok("Get-ThrottlingPolicyAssociation", "Identity", "Anna").Output; len(got) != 1 || got[0].String("ThrottlingPolicyId") != "Migration" {
		t.Errorf("associated: %v", got)
	}
	l.ok("Set-ThrottlingPolicy", "Identity", "Migration", "EwsMaxConcurrency", "3")
	expect("changed", 3)
	l.ok("Set-ThrottlingPolicy", "Identity", "Migration", "EwsMaxConcurrency", "")
	expect("that leaves it to the organisation", 10)
	l.refused("InvalidOperation", "Anna", "Remove-ThrottlingPolicy", "Identity", "Migration")
	l.refused("ObjectNotFound", "Nothing", "Set-ThrottlingPolicyAssociation", "Identity", "Anna", "ThrottlingPolicy", "Nothing")
	l.ok("Set-ThrottlingPolicyAssociation", "Identity", "Anna", "ThrottlingPolicy", "")
	l.ok("Remove-ThrottlingPolicy", "Identity", "Migration")
	l.ok("Remove-ThrottlingPolicy", "Identity", "Everybody")
	expect("removed", 27)
}
