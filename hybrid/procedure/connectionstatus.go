package procedure

import "strings"

// statusText is a text of Outlook's Connection Status window (Ctrl and a right click on its
// icon in the notification area), or of the table that hma connect prints after it. The columns are those of
// Microsoft's description of the dialog (KB 2737188); the how-to looks for AuthN Bearer*.
type statusText struct {
	column string
	// texts are its spellings, without case and without the star behind an AuthN.
	texts        []string
	meaning, fix string
	rules        []string // of hma check
}

const passwordsFix = "If modern authentication should be on, look at the rules, and restart Outlook after a change: a client keeps the connection that it has."

// passwordRules are why a client may be asked for no token.
var passwordRules = []string{"oauth2-client-profile", "default-authorization-endpoint", "oauth-virtual-directories", "modern-auth-blocked", "policy-users"}

var statusTexts = []statusText{
	{"AuthN", []string{"bearer"}, "The connection was opened with a token of the cloud: this is what Hybrid Modern Authentication looks like.", "Nothing.", nil},
	{"AuthN", []string{"clear", "basic"}, "The client sent name and password with each request (Basic), readable for the server and protected by TLS alone. Outlook writes Clear, hma writes Basic*.", passwordsFix, passwordRules},
	{"AuthN", []string{"nego", "negotiate"}, "Windows authentication by Negotiate: Kerberos where a ticket can be had, else NTLM. No token was asked for.", passwordsFix, passwordRules},
	{"AuthN", []string{"ntlm"}, "Windows authentication by NTLM: the password's hash, by challenge and answer. No token was asked for.", passwordsFix, passwordRules},
	{"AuthN", []string{"kerberos"}, "Windows authentication with a Kerberos ticket of the domain. No token was asked for.", passwordsFix, passwordRules},
	{"AuthN", []string{"anonymous", "clear [anonymous]"}, "The column shows an inner RPC channel that carries no sign-in of its own; how the HTTP connection outside was opened is not shown. It belongs to Outlook Anywhere (RPC over HTTP), which knows no tokens.",
		"Look at Protocol: RPC/HTTP means that MAPI over HTTP is off for the organisation or the mailbox.", []string{"mapi-http", "mapi-http-mailboxes"}},
	{"AuthN", []string{"error"}, "The client could not sign in on this connection.", "Read the answer of the server: hma verify --url shows what the door offers, hma explain reads its x-ms-diagnostics line.", nil},
	{"AuthN", []string{"fba"}, "hma's word for OWA and ECP: the form of their own page asked for the password.", "If OWA and ECP should be on tokens, look at the rule; Outlook is not concerned.", []string{"owa-ecp-methods"}},
	{"AuthN", []string{"openid"}, "hma's word for OWA and ECP: the browser was sent to the cloud and came back with an ID token.", "Nothing.", nil},
	{"Encrypt", []string{"ssl", "ssl [yes]"}, "The connection runs inside TLS.", "Nothing.", nil},
	{"Encrypt", []string{"ssl [no]"}, "It speaks of the inner RPC channel, which is not encrypted again; the HTTPS connection around it is.", "Nothing, where Server or Proxy Server is an https name; modern authentication works over TLS only.", nil},
	{"Protocol", []string{"http", "mapi/http", "mapi over http"}, "MAPI over HTTP: the protocol for which Hybrid Modern Authentication works in Outlook.", "Nothing.", nil},
	{"Protocol", []string{"rpc/http", "rpc over http", "outlook anywhere"}, "Outlook Anywhere: it can never use a token.", "Turn MAPI over HTTP on: Set-OrganizationConfig -MapiHttpEnabled $true, and Set-CASMailbox -MapiHttpEnabled $null for a mailbox that has it off. Then restart Outlook.", []string{"mapi-http", "mapi-http-mailboxes"}},
	{"Protocol", []string{"rpc/tcp", "tcp/ip"}, "RPC inside the network, of servers before Exchange Server 2013: it can never use a token.", "The mailbox is on a server that cannot do Hybrid Modern Authentication: move it.", []string{"build-hma"}},
	{"Status", []string{"established"}, "The connection is open and signed in; AuthN says by what.", "Nothing.", nil},
	{"Status", []string{"ready"}, "hma's word for OWA and ECP: the cloud's sign-in page answers, and nobody has signed in yet.", "Nothing.", nil},
	{"Status", []string{"connecting", "reconnecting"}, "The client tries to open the connection. When it stays so, the name is not reached or the sign-in does not end.",
		"Ask the door from this machine: hma verify --url https://HOST. A sign-in window may wait behind Outlook.", nil},
	{"Status", []string{"disconnected"}, "The client has given up for now.", "Ask the door from this machine: hma verify --url https://HOST; then look at Req/Fail.", nil},
	{"column", []string{"authn"}, "How the connection was signed in: Bearer* is a token; Clear*, Nego*, NTLM and Kerberos are passwords or tickets. Several values stand for several protocols of one connection.", "", nil},
	{"column", []string{"encrypt"}, "Whether the channel is encrypted; over HTTPS it says little.", "", nil},
	{"column", []string{"smtp address"}, "The account that the connection belongs to: a second mailbox has rows of its own.", "", nil},
	{"column", []string{"proxy server"}, "The name that the client connects to over HTTPS: it must be a service principal name of the tenant.", "", []string{"spn-list"}},
	{"column", []string{"protocol", "proto"}, "HTTP is MAPI over HTTP, which can use tokens; RPC/HTTP is Outlook Anywhere, which cannot.", "", nil},
	{"column", []string{"cid"}, "Number of the connection, for Outlook's own log.", "", nil},
	{"column", []string{"req/fail"}, "How many requests went over the connection, and how many of them failed. Failures that grow on rows with Bearer* are refused tokens.",
		"Look at the request record of the server (HttpProxy log) for the 401 and its x-ms-diagnostics, and explain that line.", nil},
	{"column", []string{"avg resp"}, "Average time of an answer in milliseconds, as the client sees it.", "", nil},
	{"column", []string{"avg proc"}, "Average time that the server worked on a request, in milliseconds; what Avg Resp has more is the network.", "", nil},
}

// explainStatus explains a text of the window: the cell alone, or with its column
// before it, as in "AuthN: Nego*" or "Encrypt SSL [No]".
func explainStatus(text string) (Explanation, bool) {
	plain := strings.Join(strings.Fields(strings.ToLower(text)), " ")
	for _, s := range statusTexts {
		cell := plain
		if rest, ok := strings.CutPrefix(cell, strings.ToLower(s.column)); ok {
			cell = strings.TrimLeft(rest, ":= ")
		}
		for _, known := range s.texts {
			if strings.TrimSuffix(cell, "*") == known {
				return s.explanation(text), true
			}
		}
	}
	return Explanation{}, false
}

func (s *statusText) explanation(text string) Explanation {
	x := Explanation{Kind: KindStatus, Title: strings.Join(strings.Fields(text), " ") + ", column " + s.column + " of Outlook's Connection Status", Meaning: s.meaning, Fix: s.fix}
	if s.column == "column" {
		x.Title = strings.Join(strings.Fields(text), " ") + ", a column of Outlook's Connection Status"
	}
	if s.rules != nil {
		x.Lines = []Fact{{"rules", strings.Join(s.rules, ", "), "hma explain has each of them"}}
	}
	return x
}
