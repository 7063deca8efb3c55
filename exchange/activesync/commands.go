package activesync

import (
	"hma/exchange/clientaccess"
	"hma/wire/wbxml"
)

// handler answers one command: its request document, nil for an empty body, in,
// its answer out; nil stands for an empty answer.
type handler func(r *clientaccess.Request, q Query, request *wbxml.Element) *wbxml.Element

// command is a row of the table of commands.
type command struct {
	code   int // in the base64 query form
	name   string
	handle handler // nil: not implemented, HTTP 501 (MS-ASHTTP 2.2.2.1.1.1)
	// bad makes the answer to a document that cannot be read, with a status
	// common to all commands (MS-ASCMD 2.2.2).
	bad func(status string) *wbxml.Element
}

// commands are those of MS-ASHTTP 2.2.1.1.1.1.2. What has a handler is what
// OPTIONS lists, and nothing else.
var commands = [...]command{
	{code: 0, name: "Sync"},
	{code: 1, name: "SendMail"},
	{code: 2, name: "SmartForward"},
	{code: 3, name: "SmartReply"},
	{code: 4, name: "GetAttachment"},
	{code: 9, name: "FolderSync"},
	{code: 10, name: "FolderCreate"},
	{code: 11, name: "FolderDelete"},
	{code: 12, name: "FolderUpdate"},
	{code: 13, name: "MoveItems"},
	{code: 14, name: "GetItemEstimate"},
	{code: 15, name: "MeetingResponse"},
	{code: 16, name: "Search"},
	{code: 17, name: "Settings", handle: settings, bad: settingsStatus},
	{code: 18, name: "Ping"},
	{code: 19, name: "ItemOperations"},
	{code: 20, name: "Provision"},
	{code: 21, name: "ResolveRecipients"},
	{code: 22, name: "ValidateCert"},
	{code: 23, name: "Find"},
}

// versions are the protocol versions that are served, as OPTIONS lists them.
var versions = []string{"14.0", "14.1"}
