// Package ntlm is the NT LAN Manager authentication protocol on the wire
// (MS-NLMP), version 2 alone: the three messages, both ends of a handshake, and
// the tokens that carry it inside Negotiate (SPNEGO: RFC 4178, MS-SPNG).
//
// It refuses LM, NTLMv1 and the anonymous logon, has no sealing of messages and
// signs but the one thing that SPNEGO wants signed, and judges neither the channel
// bindings nor the target name that a client adds (Extended Protection "None"). Whose
// password it is, and how a handshake hangs on a connection (MS-NTHT), is its users'
// business. Start reading at Server, Client and SPNEGO.
package ntlm
