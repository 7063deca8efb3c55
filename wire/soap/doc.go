// Package soap reads and writes SOAP 1.1 envelopes as Exchange Web Services and
// SOAP Autodiscover use them: a streaming reader for the part of XML that SOAP
// allows, with limits on everything, and an appending writer with fixed prefixes.
//
// It refuses what SOAP 1.1 section 3 forbids (a document type, processing
// instructions), every encoding but UTF-8, names outside ASCII, and whatever
// passes a limit. It knows no operation and opens nothing; long base64 content is
// handed on as an io.Reader and never kept.
//
// Start reading at Reader.Envelope, Element and Writer.
package soap

// Namespaces of Exchange Web Services (MS-OXWSCORE 2.2.1) and of SOAP 1.1.
const (
	NSEnvelope = "http://schemas.xmlsoap.org/soap/envelope/"
	NSMessages = "http://schemas.microsoft.com/exchange/services/2006/messages"
	NSTypes    = "http://schemas.microsoft.com/exchange/services/2006/types"
	NSErrors   = "http://schemas.microsoft.com/exchange/services/2006/errors"
	NSInstance = "http://www.w3.org/2001/XMLSchema-instance"

	nsXML = "http://www.w3.org/XML/1998/namespace"
)
