// Package firewall reads an export of a firewall's rules (nft list ruleset,
// iptables-save, netsh advfirewall firewall show rule name=all, or
// Get-NetFirewallRule as JSON) as far as it decides about new TCP connections
// from outside, and answers whether those from a range of addresses come in.
//
// It refuses to guess: a rule that it cannot read, and that could decide, makes
// the answer Unknown with that rule's text. Start reading at Parse and Ruleset.Allows.
package firewall
