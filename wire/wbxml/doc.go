// Package wbxml reads and writes the binary XML of Exchange ActiveSync
// (MS-ASWBXML): code pages, tags, inline strings and opaque data. It knows the
// names of all tags of the protocol's 26 code pages.
//
// It refuses what the protocol does not use: attributes, string tables,
// entities, processing instructions, extensions, and text beside elements. What
// an element means is not its business. Start reading at Decode and Element.
package wbxml
