// Package collect writes the PowerShell that collects what the procedure reads from
// an organisation that cannot be reached: one script for the Exchange Management
// Shell, one for Microsoft Graph PowerShell. Each writes one JSON file, which
// target.ReadSnapshot takes.
//
// They run what facts.Read asks for: a cmdlet or property that a rule begins to read
// is added here, and a test of cmd/hma fails until it is. They only read, and stay
// within the language of doc/shell.md, so that hma shell runs them on a lab, and
// Windows PowerShell 5.1 and PowerShell 7 run them on real machines. Values are made
// text where they are read, since ConvertTo-Json writes .NET's own objects in many
// ways. Start reading at Exchange.
package collect
