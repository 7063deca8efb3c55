package oxocal

import "testing"

// TestMatch: a rule is that of the first zone of Windows that does the same with the
// clock in the year, for more years than are remembered.
func TestMatch(t *testing.T) {
	all := WindowsZones()
	for n, zone := range all {
		for _, year := range []int{1987 + n, 2026} {
			rule := zone.Rule(year)
			got, err := Match(rule, year)
			if err != nil {
				continue // of what no rule of one year tells
			}
			for _, first := range all {
				if first.Rule(year).settled().in(year) == rule.settled().in(year) {
					if got.ID() != first.ID() {
						t.Errorf("%s in %d: %s, want %s", zone.ID(), year, got.ID(), first.ID())
					}
					break
				}
			}
		}
	}
	for year := range 2 * maxYears {
		if got, err := Match(Rule{Bias: -60}, 1700+year); err != nil || got.Rule(1700+year).Bias != -60 {
			t.Fatalf("%d: %v, %v", 1700+year, got, err)
		}
	}
	if n := len(years.zones); n > maxYears {
		t.Errorf("%d years are remembered", n)
	}
	if got, err := Match(Rule{Bias: 17}, 2026); err != nil || got.ID() != "Customized Time Zone" {
		t.Errorf("nobody's rule: %v, %v", got, err)
	}
}

// BenchmarkMatch has the rule of a zone that is asked for last.
func BenchmarkMatch(b *testing.B) {
	all := WindowsZones()
	rule := all[len(all)-1].Rule(2026)
	for b.Loop() {
		if _, err := Match(rule, 2026); err != nil {
			b.Fatal(err)
		}
	}
}
