package mapihttp

// code is a value of the header X-ResponseCode (MS-OXCMAPIHTTP 2.2.3.3.3).
type code int

const (
	codeSuccess            code = 0
	codeUnknownFailure     code = 1
	codeInvalidVerb        code = 2
	codeInvalidHeader      code = 4
	codeInvalidRequestType code = 5
	codeInvalidCookie      code = 6
	codeMissingHeader      code = 7
	codeAnonymous          code = 8
	codeTooLarge           code = 9
	codeContextNotFound    code = 10
	codeNoPrivilege        code = 11
	codeInvalidBody        code = 12
	codeMissingCookie      code = 13
	codeInvalidSequence    code = 15
	codeEndpointDisabled   code = 16
)

// texts are what a person reads who looks at a refusal.
var texts = map[code]string{
	codeUnknownFailure:     "This server has as many session contexts as it keeps. Try again later.",
	codeInvalidVerb:        "Requests are made with POST.",
	codeInvalidHeader:      "A header of the request is malformed.",
	codeInvalidRequestType: "This server does not serve the request type.",
	codeInvalidCookie:      "The session context cookie is malformed.",
	codeMissingHeader:      "The headers X-RequestType and X-RequestId are required.",
	codeAnonymous:          "Anonymous requests are not served.",
	codeTooLarge:           "The request is too large.",
	codeContextNotFound:    "There is no such session context. Connect again.",
	codeNoPrivilege:        "The session context or the endpoint is not the caller's.",
	codeInvalidBody:        "The body of the request is malformed.",
	codeMissingCookie:      "A cookie that the server has set is missing.",
	codeInvalidSequence:    "The sequence cookie is not the newest. Connect again.",
	codeEndpointDisabled:   "MAPI over HTTP is switched off for this mailbox.",
}
