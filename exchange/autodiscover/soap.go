package autodiscover

import (
	"io"
	"net/http"

	"hma/exchange/clientaccess"
)

// soapFault says in the SOAP form's own words that no action of it is served
// (SOAP 1.1 4.4, WS-Addressing SOAP Binding 6.4.2).
const soapFault = `<?xml version="1.0" encoding="utf-8"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault>` +
	`<faultcode xmlns:a="http://www.w3.org/2005/08/addressing">a:ActionNotSupported</faultcode>` +
	`<faultstring xml:lang="en-US">The SOAP form of Autodiscover is not served. Use the POX form, autodiscover.xml.</faultstring>` +
	`</s:Fault></s:Body></s:Envelope>`

func serveSOAP(w http.ResponseWriter, r *clientaccess.Request) {
	r.Record.Begin("SOAP", false)
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	io.WriteString(w, soapFault)
}
