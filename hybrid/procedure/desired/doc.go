// Package desired is the configuration that Hybrid Modern Authentication depends on, of
// both halves, as one file that people read, compare and keep: desired state.
//
// A State is objects with properties, under the nouns and names that Exchange and
// Graph have for them. Of makes one from facts, Marshal and Parse are the file,
// Compare says where an organisation is not as a file wants it. What changes
// without anybody's doing (keys, times) and what is secret is no part of it.
//
// A file wants what it says and nothing else: an object or a property that it
// leaves out may be anything. Nothing is changed here; package procedure plans
// the way to a State. Start reading at State and at nouns.
package desired
