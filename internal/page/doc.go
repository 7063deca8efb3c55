// Package page is the frame that every web page of HMA shares: sign-in pages of
// the cloud half, OWA, ECP and the reports. It holds one small style sheet, the
// security headers, and the line that says a page belongs to a lab.
//
// A page is self-contained: the style sheet stands in the page and is admitted
// by its hash, nothing is loaded from anywhere, and the only script is the one
// line that submits a form for response_mode=form_post. It refuses to hold any
// page's own content. Start reading at Template, then Frame.
package page
