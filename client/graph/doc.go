// Package graph speaks to Microsoft Graph, or to the cloud half's subset of it,
// from outside: it reads the service principal that holds the SPNs and reply
// URLs, replaces one of these two lists or its key credentials, registers an
// application with what it may do, and reads people, the organisation and its domains. Cloud
// signs somebody in for it; Raw and Entities carry what an administrator types into the shell.
//
// It refuses to merge lists (whoever calls decides what the whole list is), to
// repeat a write that may have been carried out, and to keep tokens beyond a Connection. Start reading at New, then
// ServicePrincipal, Error and Cloud.
package graph
