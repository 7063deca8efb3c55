// Package procedure is the how-to as data: it checks an organisation against
// the rules, plans the changes that enable Hybrid Modern Authentication, applies
// them in the how-to's order with an undo journal, verifies every door by real
// handshakes, and rolls a run back to the recorded values.
//
// It acts on an organisation only from outside, through a target.Target. It
// refuses to remove an entry from a list that it did not write, to change what
// was moved since it was planned, and to touch OWA and ECP before an
// administrator has been seen to sign in through the cloud.
//
// Start reading at Procedure, then Plan, Change, and apply.go.
package procedure
