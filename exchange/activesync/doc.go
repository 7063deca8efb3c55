// Package activesync is the Exchange ActiveSync door (MS-ASHTTP, MS-ASCMD):
// OPTIONS, the two query forms, and the command Settings.
//
// It refuses to hold mail: what a command has to decide is decided in store,
// calendar and addressbook. A command it does not know is answered as not
// implemented and not listed in OPTIONS. Start reading at Door.ServeDoor, then
// commands.
package activesync
