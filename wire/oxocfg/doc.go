// Package oxocfg reads and writes the values that a mailbox's configuration items
// hold (MS-OXOCFG): dictionaries (PidTagRoamingDictionary, 2.2.2.2) and the list of
// categories (2.2.5.2.2).
//
// It is pure, and does not know what a configuration means.
//
// Start reading at Entry and DecodeDictionary.
package oxocfg
