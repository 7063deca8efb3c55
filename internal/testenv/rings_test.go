package testenv

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"hma/client/mail"
	"hma/lab"
)

// TestRings holds that a pilot is offered tokens and another user is not, then everybody is, that
// the scripts of a pilot's plan leave what the engine leaves, and that both ways back restore the first state.
func TestRings(t *testing.T) {
	t.Parallel()
	bin := program(t)
	scripts := t.TempDir()
	run := func(data string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), bin, append(args, "--data", data)...)
		cmd.Dir = scripts
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("hma %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	data := t.TempDir()
	e := Start(t, lab.Options{Dir: data, Messages: 5})
	var people []lab.User
	for _, u := range e.Endpoints.Users {
		if u.Role == "user" && u.Synced {
			people = append(people, u)
		}
	}
	pilot, other := people[0].UPN, people[1].UPN
	// tokens tells by how many of the five doors of mail clients hma connect was given a token.
	tokens := func(upn string) int {
		var said struct {
			Connections []struct {
				Protocol mail.Protocol
				AuthN    string
			}
		}
		if err := json.Unmarshal([]byte(run(data, "connect", upn, "--json")), &said); err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, c := range said.Connections {
			if c.AuthN == "Bearer*" {
				n++
			}
		}
		return n
	}
	is := func(when string, ofPilot, ofOther int) {
		t.Helper()
		until(t, fmt.Sprintf("%s: not that %s has tokens at %d doors and %s at %d", when, pilot, ofPilot, other, ofOther),
			func() bool { return tokens(pilot) == ofPilot && tokens(other) == ofOther })
	}
	whole := func(e *Env) map[string]string {
		said := describe(t, e)
		for _, u := range e.Run(t, "Get-User") {
			said["policy of "+u.String("UserPrincipalName")] = u.String("AuthenticationPolicy")
		}
		return said
	}
	same := func(when string, want map[string]string, e *Env) {
		t.Helper()
		until(t, when+": not as it should be", func() bool { return len(differences(want, whole(e))) == 0 })
	}
	before := whole(e)
	run(data, "plan", "--pilot", pilot)
	run(data, "apply", "--yes")
	is("the pilot", 5, 0)
	if said := run(data, "verify"); !strings.Contains(said, "every door of the pilot verified") {
		t.Errorf("verify:\n%s", said)
	}
	piloted := whole(e)
	run(data, "plan", "--pilot", other)
	run(data, "apply", "--yes")
	is("the second pilot", 5, 5)
	run(data, "plan")
	run(data, "apply", "--yes")
	is("everybody", 5, 5)
	for _, u := range e.Run(t, "Get-User") {
		if policy := u.String("AuthenticationPolicy"); policy != "" {
			t.Errorf("after the last ring %s has the policy %s", u.String("UserPrincipalName"), policy)
		}
	}
	run(data, "verify")

	var history struct{ Runs []struct{ ID string } }
	if err := json.Unmarshal([]byte(run(data, "history", "--json")), &history); err != nil || len(history.Runs) != 3 {
		t.Fatalf("history: %v, %+v", err, history)
	}
	for i, r := range history.Runs {
		run(data, "rollback", r.ID, "--yes")
		if i == 1 {
			same("back before the second pilot", piloted, e)
		}
	}
	is("the way back", 0, 0)
	same("the way back", before, e)

	run(data, "plan", "--pilot", pilot, "--script", ".")
	run(data, "shell", "apply.ps1")
	same("after apply.ps1", piloted, e)
	if second := run(data, "shell", "apply.ps1"); strings.Contains(second, ": done") {
		t.Errorf("apply.ps1 again:\n%s", second)
	}
	if back := run(data, "shell", "undo.ps1"); slices.Contains(strings.Fields(back), "left,") {
		t.Errorf("undo.ps1:\n%s", back)
	}
	same("after undo.ps1", before, e)

	// A pilot to whom somebody gave another policy meanwhile stops the script before tokens are offered.
	e.Run(t, "New-AuthenticationPolicy", "Name", "Else")
	e.Run(t, "Set-User", "Identity", pilot, "AuthenticationPolicy", "Else")
	cmd := exec.CommandContext(t.Context(), bin, "shell", "apply.ps1", "--data", data)
	cmd.Dir = scripts
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), pilot+": stopped, somebody has changed it") {
		t.Errorf("apply.ps1 of a pilot whose policy moved: %v\n%s", err, out)
	}
	if switched := e.Run(t, "Get-OrganizationConfig")[0].Bool("OAuth2ClientProfileEnabled"); switched {
		t.Error("the script went on behind the step that stopped it")
	}
}
