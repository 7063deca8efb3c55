package cmdlet_test

import "testing"

// An archive that was taken away comes back as the same mailbox.
func TestArchive(t *testing.T) {
	l := newLab(t)
	shown := func() (id, name, state string) {
		t.Helper()
		got := l.ok("Get-Mailbox", "Identity", "anna@contoso.com").Output
		if len(got) != 1 {
			t.Fatal(got)
		}
		return got[0].String("ArchiveGuid"), got[0].String("ArchiveName"), got[0].String("ArchiveState")
	}
	const none = "00000000-0000-0000-0000-000000000000"
	if id, name, state := shown(); id != none || name != "" || state != "None" {
		t.Errorf("at first: %s %q %s", id, name, state)
	}
	l.refused("InvalidOperation", "no archive", "Disable-Mailbox", "Identity", "Anna", "Archive", true)
	l.ok("Enable-Mailbox", "Identity", "Anna", "Archive", true)
	id, name, state := shown()
	if id == none || name != "In-Place Archive - Anna" || state != "Local" {
		t.Errorf("enabled: %s %q %s", id, name, state)
	}
	l.refused("InvalidOperation", "already", "Enable-Mailbox", "Identity", "Anna", "Archive", true)
	l.refused("InvalidArgument", "say -Archive", "Disable-Mailbox", "Identity", "Anna", "Archive", false)
	l.ok("Disable-Mailbox", "Identity", "Anna", "Archive", true)
	if id, _, state := shown(); id != none || state != "None" {
		t.Errorf("disabled: %s %s", id, state)
	}
	l.ok("Enable-Mailbox", "Identity", "Anna", "Archive", true, "ArchiveName", "Old")
	if again, name, _ := shown(); again != id || name != "Old" {
		t.Errorf("enabled again: %s %q, want %s", again, name, id)
	}
}
