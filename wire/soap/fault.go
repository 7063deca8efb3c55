package soap

import (
	"strconv"
	"time"
)

// ServerVersion is the content of the header block ServerVersionInfo
// (MS-OXWSCDATA 2.2.3.12).
type ServerVersion struct {
	Major, Minor, MajorBuild, MinorBuild int
	Version                              string // of the schema, for example V2017_07_11
}

// Begin writes a document's declaration, the envelope's start with its
// namespaces, the header with v alone, and the Body's start.
func (w *Writer) Begin(v ServerVersion) {
	w.Declare()
	if w.streamed {
		w.Start("Envelope", "xmlns", NSEnvelope, "xmlns:s", NSEnvelope, "xmlns:m", NSMessages, "xmlns:t", NSTypes)
	} else {
		w.Start("s:Envelope", "xmlns:s", NSEnvelope, "xmlns:m", NSMessages, "xmlns:t", NSTypes)
	}
	w.Start("s:Header")
	w.Empty("t:ServerVersionInfo", "MajorVersion", strconv.Itoa(v.Major), "MinorVersion", strconv.Itoa(v.Minor),
		"MajorBuildNumber", strconv.Itoa(v.MajorBuild), "MinorBuildNumber", strconv.Itoa(v.MinorBuild), "Version", v.Version)
	w.End("s:Header")
	w.Start("s:Body")
}

// Finish ends what Begin began.
func (w *Writer) Finish() {
	w.End("s:Body")
	if w.streamed {
		w.End("Envelope")
	} else {
		w.End("s:Envelope")
	}
}

// Streamed makes the envelopes that Begin and Finish write from now on parts of a stream:
// their root has no prefix. Clients that cut a stream into documents look for "<Envelope" and
// "</Envelope>" in it (ews-javascript-api 0.15).
func (w *Writer) Streamed() { w.streamed = true }

// Fault is a SOAP fault of Exchange Web Services: a response code as the fault's
// code and in its detail.
type Fault struct {
	Code    string // of ResponseCodeType, for example ErrorSchemaValidation
	Message string
	// Line and Position are where the request breaks the schema, from 1; 0 leaves them out.
	Line, Position int
	Violation      string
	// BackOff is how long the client should wait before it asks again; 0 leaves it out. Clients
	// look at the first Value of MessageXml alone.
	BackOff time.Duration
}

// Error implements error.
func (f *Fault) Error() string { return f.Code + ": " + f.Message }

// Fault writes f as the Body's content. The fault's own children carry no
// namespace (SOAP 1.1 4.4).
func (w *Writer) Fault(f *Fault) {
	w.Start("s:Fault")
	w.Element("faultcode", "t:"+f.Code)
	w.Element("faultstring", f.Message, "xml:lang", "en-US")
	w.Start("detail")
	w.Element("e:ResponseCode", f.Code, "xmlns:e", NSErrors)
	w.Element("e:Message", f.Message, "xmlns:e", NSErrors)
	if f.Line > 0 {
		w.Start("t:MessageXml")
		w.Element("t:LineNumber", strconv.Itoa(f.Line))
		w.Element("t:LinePosition", strconv.Itoa(f.Position))
		w.Element("t:Violation", f.Violation)
		w.End("t:MessageXml")
	} else if f.BackOff > 0 {
		w.Start("t:MessageXml")
		w.Element("t:Value", strconv.FormatInt(f.BackOff.Milliseconds(), 10), "Name", "BackOffMilliseconds")
		w.End("t:MessageXml")
	}
	w.End("detail")
	w.End("s:Fault")
}
