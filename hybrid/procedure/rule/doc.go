// Package rule judges facts: one file a rule, each an id, a title, the heading
// of the how-to that it comes from, why it matters and which step repairs it. A
// rule reads nothing and changes nothing; what could not be read it reports as
// not checked, never as fine.
//
// A fault is a finding. What only means that Hybrid Modern Authentication is
// not enabled yet, or that somebody should know, is a note. Start reading at
// Rule and Judge.
package rule
