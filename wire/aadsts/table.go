package aadsts

// The codes by name.
const (
	FederationMessageInvalid      Code = 20012
	ScopeEmpty                    Code = 28002
	ScopeMissing                  Code = 28003
	ResourceDisabled              Code = 50001
	SAMLTokenInvalid              Code = 50008
	ReplyURLUnknown               Code = 50011
	ServerAssertionRefused        Code = 50012
	UserFromOtherTenant           Code = 50020
	AssertionMalformed            Code = 50027
	UserUnknown                   Code = 50034
	AssertionSubject              Code = 50048
	InstanceUnknown               Code = 50049
	AccountLocked                 Code = 50053
	PasswordExpired               Code = 50055
	PasswordMissing               Code = 50056
	AccountDisabled               Code = 50057
	SessionMissing                Code = 50058
	TenantNotDetermined           Code = 50059
	StrongAuthRegisterConditional Code = 50072
	StrongAuthFailed              Code = 50074
	StrongAuthRequired            Code = 50076
	StrongAuthRenew               Code = 50078
	StrongAuthRegister            Code = 50079
	DeviceAuthRequired            Code = 50097
	AssignmentRequired            Code = 50105
	RealmUnknown                  Code = 50107
	PasswordWrong                 Code = 50126
	TenantNotFoundInName          Code = 50128
	PasswordExpiredOnPremises     Code = 50144
	ChallengeInvalid              Code = 50147
	TokensRevoked                 Code = 50173
	SingleTenant                  Code = 50194
	DeviceNotCompliant            Code = 53000
	DeviceNotJoined               Code = 53001
	ApplicationNotApproved        Code = 53002
	BlockedByPolicy               Code = 53003
	CodeRedeemed                  Code = 54005
	ConsentMissing                Code = 65001
	NotPreauthorised              Code = 65002
	ConsentDeclined               Code = 65004
	GrantInvalid                  Code = 70000
	ApplicationDisabled           Code = 70001
	CredentialsInvalid            Code = 70002
	GrantUnsupported              Code = 70003
	ResponseTypeUnsupported       Code = 70005
	ResponseModeUnsupported       Code = 70007
	GrantExpired                  Code = 70008
	ScopeInvalid                  Code = 70011
	AuthorizationPending          Code = 70016
	DeviceDeclined                Code = 70017
	DeviceCodeInvalid             Code = 70018
	UserCodeExpired               Code = 70019
	DeviceCodeExpired             Code = 70020
	SignInFrequency               Code = 70043
	AgentUnreachable              Code = 80001
	AgentTimeout                  Code = 80002
	AgentUnpredictable            Code = 80005
	AgentValidationFailed         Code = 80007
	AgentDecrypt                  Code = 80010
	AgentLogonHours               Code = 80012
	AgentClockSkew                Code = 80013
	AgentSilent                   Code = 80014
	KerberosUnavailable           Code = 81004
	KerberosPackage               Code = 81005
	KerberosHeaderMissing         Code = 81006
	KerberosTenant                Code = 81007
	KerberosTicket                Code = 81008
	KerberosHeaderInvalid         Code = 81009
	KerberosExpired               Code = 81010
	KerberosUserUnknown           Code = 81011
	KerberosOtherUser             Code = 81012
	TenantUnknown                 Code = 90002
	FieldMissing                  Code = 90014
	TenantUndetermined            Code = 90019
	ImmutableIDMissing            Code = 90020
	ServerBusy                    Code = 90033
	ExternalUser                  Code = 90072
	AdminConsentRequired          Code = 90094
	ResourceUnknown               Code = 500011
	RedirectMismatch              Code = 500112
	VerifierMismatch              Code = 501481
	ServiceNotSubscribed          Code = 650052
	ScopeUnknown                  Code = 650053
	ApplicationMisconfigured      Code = 650056
	ResourceNotListed             Code = 650057
	CodeOtherTenant               Code = 700005
	ApplicationMissing            Code = 700011
	ApplicationUnknown            Code = 700016
	AssertionOtherClient          Code = 700021
	SeveralResources              Code = 700022
	ScopeWithoutResource          Code = 700023
	AssertionTime                 Code = 700024
	PublicClientSecret            Code = 700025
	AssertionInvalid              Code = 700027
	IDTokenDisabled               Code = 700054
	RefreshInactive               Code = 700082
	RefreshSPAExpired             Code = 700084
	ParameterMissing              Code = 900144
	MethodNotAllowed              Code = 900561
	ResourceOnV2                  Code = 901002
	PrincipalDisabled             Code = 7000112
	SecretWrong                   Code = 7000215
	SecretMissing                 Code = 7000218
	SecretExpired                 Code = 7000222
	TenantRequired                Code = 9001023
	RequestMalformed              Code = 9002313
	CrossOriginNotSPA             Code = 9002326
	SPAWithoutOrigin              Code = 9002327
)

// table holds every code once. Pairs of error and status are the ones that public clients have been seen to get, else RFC 6749's.
var table = []Entry{
	{Code: FederationMessageInvalid, Error: "invalid_request", Status: 400,
		Text:    "The WS-Federation message is not valid.",
		Explain: "A federated sign-in server sent an answer that could not be read.",
		Fix:     "Check the federation server's configuration and clock."},
	{Code: ScopeEmpty, Error: "invalid_scope", Status: 400,
		Text:    "The scope parameter '{0}' is not valid.",
		Explain: "The application sent a scope that cannot be read.",
		Fix:     "Send scopes as resource/permission, separated by single spaces."},
	{Code: ScopeMissing, Error: "invalid_scope", Status: 400,
		Text:    "The scope parameter must not be empty when a token is asked for.",
		Explain: "The application asked for a token without saying for what.",
		Fix:     "Send a scope such as https://mail.contoso.com/.default."},
	{Code: ResourceDisabled, Error: "invalid_resource", Status: 400,
		Text:    "The resource '{0}' is disabled or is not known in the tenant '{1}'.",
		Explain: "The service principal behind the resource is switched off (or, on old endpoints, unknown).",
		Fix:     "Enable the service principal, or correct the resource that the client asks for."},
	{Code: SAMLTokenInvalid, Error: "invalid_grant", Status: 400,
		Text:    "The SAML token is not valid.",
		Explain: "The token from the federation server failed its checks.",
		Fix:     "Check signing certificate, issuer and clock of the federation server."},
	{Code: ReplyURLUnknown, Error: "invalid_request", Status: 400,
		Text:    "The redirect URI '{0}' is not among the reply URLs registered for the application '{1}'.",
		Explain: "The address that the answer should go to is not registered, so it was shown here instead of being sent there. With OWA or ECP this means that replyUrls of the Exchange service principal lack https://host/owa or https://host/ecp.",
		Fix:     "Add exactly this address (the comparison is literal, slashes and case included) to the application's reply URLs."},
	{Code: ServerAssertionRefused, Error: "invalid_client", Status: 401,
		Text:    "Error validating credentials: the client assertion {0}.",
		Explain: "A mail server asked for a token with its OAuth certificate, and the certificate is not a key credential of the Exchange service principal in this tenant, or what it signed is for somebody else.",
		Fix:     "Upload the current OAuth certificate (Get-AuthConfig names it) to the Exchange service principal: run the Hybrid Configuration Wizard again."},
	{Code: UserFromOtherTenant, Error: "invalid_grant", Status: 400,
		Text:    "The user account '{0}' does not exist in the tenant '{1}' and cannot use the application there.",
		Explain: "The person belongs to another tenant and is no guest in this one.",
		Fix:     "Sign in with an account of this tenant, or invite the person as a guest."},
	{Code: AssertionMalformed, Error: "invalid_request", Status: 400,
		Text:    "The JWT is not valid or is malformed: {0}.",
		Explain: "The assertion is no signed JSON Web Token, its algorithm is not accepted, or a claim is missing, stands twice or has another type.",
		Fix:     "Correct what builds the assertion; the text says what is wrong."},
	{Code: UserUnknown, Error: "invalid_grant", Status: 400,
		Text:    "The user account '{0}' does not exist in the directory.",
		Explain: "The name is not one of this directory's.",
		Fix:     "Check the spelling, and whether the person is synchronised."},
	{Code: AssertionSubject, Error: "invalid_client", Status: 401,
		Text:    "The subject must match the issuer claim in the client assertion.",
		Explain: "A client signs for itself: iss and sub are both its application id.",
		Fix:     "Set iss and sub to the client id."},
	{Code: InstanceUnknown, Error: "invalid_instance", Status: 400,
		Text:    "The authority host '{0}' is not known.",
		Explain: "Instance discovery was asked about a host that does not belong to this cloud.",
		Fix:     "Point the client's authority at this cloud, and switch instance discovery off where the client offers it."},
	{Code: AccountLocked, Error: "invalid_grant", Status: 400,
		Text:    "The account is locked because of too many sign-ins with a wrong user name or password.",
		Explain: "Smart lockout: after ten wrong passwords a name is locked for a minute, then longer.",
		Fix:     "Wait, stop the device that keeps trying an old password, then sign in again."},
	{Code: PasswordExpired, Error: "invalid_grant", Status: 400, Suberror: "user_password_expired",
		Text:    "The password has expired.",
		Explain: "The password must be changed before the person can sign in.",
		Fix:     "Change the password."},
	{Code: PasswordMissing, Error: "invalid_grant", Status: 400,
		Text:    "The password is not valid or none is stored for this user.",
		Explain: "The directory holds no password for the person; password hash synchronisation may not have run.",
		Fix:     "Run password hash synchronisation or set a password."},
	{Code: AccountDisabled, Error: "invalid_grant", Status: 400,
		Text:    "The user account is disabled.",
		Explain: "An administrator disabled the account.",
		Fix:     "Enable the account on the side that owns it."},
	{Code: SessionMissing, Error: "login_required", Status: 400,
		Text:    "A silent sign-in was asked for but no user is signed in.",
		Explain: "Normal: the application tried without showing a page and will now show one.",
		Fix:     "Sign in interactively."},
	{Code: TenantNotDetermined, Error: "invalid_request", Status: 400,
		Text:    "No tenant was named and none can be derived from the credentials.",
		Explain: "The request came to a shared address and nothing in it says which tenant is meant.",
		Fix:     "Use the tenant's own address: its GUID or a verified domain in place of common."},
	{Code: StrongAuthRegisterConditional, Error: "invalid_grant", Status: 400, Suberror: "basic_action",
		Text:    "The user must register a second factor before reaching the resource.",
		Explain: "Conditional Access asks for a second factor and the person has none.",
		Fix:     "Sign in with a browser and register one."},
	{Code: StrongAuthFailed, Error: "invalid_grant", Status: 400, Suberror: "basic_action",
		Text:    "Strong authentication is required and the user did not pass the challenge.",
		Explain: "A second factor was asked for and not given.",
		Fix:     "Sign in interactively and pass the challenge."},
	{Code: StrongAuthRequired, Error: "invalid_grant", Status: 400, Suberror: "basic_action",
		Text:    "A second factor is required to reach '{0}'.",
		Explain: "A policy or a change of place asks for a second factor, which this way of signing in cannot give.",
		Fix:     "Sign in interactively."},
	{Code: StrongAuthRenew, Error: "invalid_grant", Status: 400, Suberror: "basic_action",
		Text:    "The second factor has expired; it must be given again.",
		Explain: "A policy limits how long a second factor lasts.",
		Fix:     "Sign in interactively."},
	{Code: StrongAuthRegister, Error: "invalid_grant", Status: 400, Suberror: "basic_action",
		Text:    "The user must register a second factor.",
		Explain: "A policy asks for a second factor and the person has none.",
		Fix:     "Sign in with a browser and register one."},
	{Code: DeviceAuthRequired, Error: "interaction_required", Status: 400, Suberror: "message_only",
		Text:    "Device authentication is required.",
		Explain: "Conditional Access asks for a known device.",
		Fix:     "Register the device, or sign in from one that is."},
	{Code: AssignmentRequired, Error: "interaction_required", Status: 400,
		Text:    "The user is not assigned to a role for the application '{0}'.",
		Explain: "The application only admits assigned people.",
		Fix:     "Assign the person to the application."},
	{Code: RealmUnknown, Error: "invalid_grant", Status: 400,
		Text:    "The requested federation realm object '{0}' does not exist.",
		Explain: "The federated domain is not configured here.",
		Fix:     "Configure the domain's federation."},
	{Code: PasswordWrong, Error: "invalid_grant", Status: 400,
		Text:    "The user name or password is not valid.",
		Explain: "Wrong user name or password. The same answer is given for both so that names cannot be guessed.",
		Fix:     "Type them again; the user name is the user principal name."},
	{Code: TenantNotFoundInName, Error: "invalid_request", Status: 400,
		Text:    "The domain name is not valid: no tenant was found for '{0}'.",
		Explain: "The domain is not verified in any tenant.",
		Fix:     "Check the spelling, or verify the domain."},
	{Code: PasswordExpiredOnPremises, Error: "invalid_grant", Status: 400, Suberror: "user_password_expired",
		Text:    "The on-premises password has expired.",
		Explain: "The password in the on-premises directory must be changed.",
		Fix:     "Change it there."},
	{Code: ChallengeInvalid, Error: "invalid_request", Status: 400,
		Text:    "The code_challenge parameter or its method is not valid.",
		Explain: "PKCE data does not have the form that RFC 7636 asks for.",
		Fix:     "Send 43 to 128 unreserved characters and method S256 or plain."},
	{Code: TokensRevoked, Error: "invalid_grant", Status: 400, Suberror: "bad_token",
		Text:    "The grant has been revoked; the user must sign in again.",
		Explain: "The password was changed or an administrator revoked the sign-ins.",
		Fix:     "Sign in again."},
	{Code: SingleTenant, Error: "invalid_request", Status: 400,
		Text:    "The application '{0}' is not configured for several tenants; the common address cannot be used.",
		Explain: "The application belongs to one tenant only.",
		Fix:     "Use the tenant's own address."},
	{Code: DeviceNotCompliant, Error: "interaction_required", Status: 400, Suberror: "message_only",
		Text:    "The device is not compliant.",
		Explain: "Conditional Access wants a compliant device.",
		Fix:     "Bring the device into compliance."},
	{Code: DeviceNotJoined, Error: "interaction_required", Status: 400, Suberror: "message_only",
		Text:    "The device is not domain joined.",
		Explain: "Conditional Access wants a joined device.",
		Fix:     "Join the device."},
	{Code: ApplicationNotApproved, Error: "interaction_required", Status: 400, Suberror: "message_only",
		Text:    "The application is not an approved one.",
		Explain: "Conditional Access wants an approved client application.",
		Fix:     "Use an approved application."},
	{Code: BlockedByPolicy, Error: "interaction_required", Status: 400, Suberror: "message_only",
		Text:    "Access is blocked by a Conditional Access policy.",
		Explain: "A policy does not let the token be issued.",
		Fix:     "Ask the administrator which policy applies."},
	{Code: CodeRedeemed, Error: "invalid_grant", Status: 400,
		Text:    "The authorization code was redeemed before.",
		Explain: "A code is good once. A second use also revokes what the first one gave, because a stolen code looks the same.",
		Fix:     "Start the sign-in again; look for a form that is sent twice."},
	{Code: ConsentMissing, Error: "invalid_grant", Status: 400, Suberror: "consent_required",
		Text:    "Nobody has consented that the application '{0}' uses '{1}'.",
		Explain: "The application has no permission on the resource in this tenant.",
		Fix:     "Let an administrator consent, or ask for permissions that were granted."},
	{Code: NotPreauthorised, Error: "invalid_request", Status: 400,
		Text:    "The application '{0}' is not pre-authorised for '{1}'.",
		Explain: "First-party applications need pre-authorisation between each other.",
		Fix:     "Use an application that is authorised."},
	{Code: ConsentDeclined, Error: "access_denied", Status: 400,
		Text:    "The user declined.",
		Explain: "The person chose not to go on.",
		Fix:     "Start again and accept, if that is what is wanted."},
	{Code: GrantInvalid, Error: "invalid_grant", Status: 400, Suberror: "bad_token",
		Text:    "The refresh token or code presented is not valid.",
		Explain: "The token was not issued here, or not to this client, or has been used up.",
		Fix:     "Sign in again."},
	{Code: ApplicationDisabled, Error: "unauthorized_client", Status: 400,
		Text:    "The application '{0}' is disabled or does not exist.",
		Explain: "The application cannot be used in this tenant.",
		Fix:     "Enable or register the application."},
	{Code: CredentialsInvalid, Error: "invalid_client", Status: 401,
		Text:    "The client's credentials are not valid.",
		Explain: "The client could not prove who it is.",
		Fix:     "Check the client's secret."},
	{Code: GrantUnsupported, Error: "unsupported_grant_type", Status: 400,
		Text:    "The grant type '{0}' is not supported.",
		Explain: "The token request names a grant that does not exist here.",
		Fix:     "Use authorization_code, refresh_token, device_code, password or client_credentials."},
	{Code: ResponseTypeUnsupported, Error: "unsupported_response_type", Status: 400,
		Text:    "The response type '{0}' is not supported.",
		Explain: "The authorization request asks for an answer that is not given here.",
		Fix:     "Use code, id_token or code id_token."},
	{Code: ResponseModeUnsupported, Error: "unsupported_response_mode", Status: 400,
		Text:    "The response mode '{0}' is not supported for this response type.",
		Explain: "Tokens never travel in a query string, and other modes than query, fragment and form_post do not exist.",
		Fix:     "Use fragment or form_post."},
	{Code: GrantExpired, Error: "invalid_grant", Status: 400,
		Text:    "The code or refresh token has expired.",
		Explain: "It was not used in time.",
		Fix:     "Sign in again."},
	{Code: ScopeInvalid, Error: "invalid_scope", Status: 400,
		Text:    "The scope '{0}' is not valid.",
		Explain: "The scope cannot be read, or mixes /.default with other permissions.",
		Fix:     "Send scopes as resource/permission; use /.default alone."},
	{Code: AuthorizationPending, Error: "authorization_pending", Status: 400,
		Text:    "The user has not yet signed in for this device code.",
		Explain: "Normal while the person is still typing.",
		Fix:     "Poll again after the interval."},
	{Code: DeviceDeclined, Error: "authorization_declined", Status: 400,
		Text:    "The user declined the device.",
		Explain: "The person did not let the device sign in.",
		Fix:     "Start again and accept, if that is what is wanted."},
	{Code: DeviceCodeInvalid, Error: "bad_verification_code", Status: 400,
		Text:    "The device code or user code is not valid.",
		Explain: "The code is not known, or was used.",
		Fix:     "Start again on the device."},
	{Code: UserCodeExpired, Error: "expired_token", Status: 400,
		Text:    "The user code has expired.",
		Explain: "It was not typed within fifteen minutes.",
		Fix:     "Start again on the device."},
	{Code: DeviceCodeExpired, Error: "expired_token", Status: 400,
		Text:    "The device code has expired.",
		Explain: "Nobody signed in within fifteen minutes.",
		Fix:     "Start again on the device."},
	{Code: SignInFrequency, Error: "invalid_grant", Status: 400, Suberror: "token_expired",
		Text:    "The refresh token has expired because of a sign-in frequency policy.",
		Explain: "A policy asks for a sign-in now and then.",
		Fix:     "Sign in again."},
	{Code: AgentUnreachable, Error: "invalid_grant", Status: 400,
		Text:    "The pass-through agent cannot reach the directory.",
		Explain: "The on-premises agent has no connection to a domain controller.",
		Fix:     "Check the agent's server."},
	{Code: AgentTimeout, Error: "invalid_grant", Status: 400,
		Text:    "The password validation by the pass-through agent timed out.",
		Explain: "The directory did not answer the agent in time.",
		Fix:     "Check the domain controllers."},
	{Code: AgentUnpredictable, Error: "invalid_grant", Status: 400,
		Text:    "The pass-through agent met an error that it could not interpret.",
		Explain: "The directory gave the agent an unexpected answer.",
		Fix:     "Look into the agent's log."},
	{Code: AgentValidationFailed, Error: "invalid_grant", Status: 400,
		Text:    "The pass-through agent could not validate the password.",
		Explain: "The agent failed before it had an answer.",
		Fix:     "Look into the agent's log."},
	{Code: AgentDecrypt, Error: "invalid_grant", Status: 400,
		Text:    "The pass-through agent cannot decrypt the password.",
		Explain: "The agent's key does not fit.",
		Fix:     "Register the agent again."},
	{Code: AgentLogonHours, Error: "invalid_grant", Status: 400,
		Text:    "The user tried to sign in outside the allowed hours.",
		Explain: "The on-premises account has logon hours.",
		Fix:     "Sign in within them."},
	{Code: AgentClockSkew, Error: "invalid_grant", Status: 400,
		Text:    "The clocks of the pass-through agent and the directory differ too much.",
		Explain: "Authentication needs synchronised clocks.",
		Fix:     "Synchronise the clocks."},
	{Code: AgentSilent, Error: "invalid_grant", Status: 400,
		Text:    "The pass-through agent did not answer in time.",
		Explain: "No agent took the request.",
		Fix:     "Check that an agent runs and can reach the cloud."},
	{Code: KerberosUnavailable, Error: "invalid_grant", Status: 400,
		Text:    "The Kerberos authentication attempt failed.",
		Explain: "Seamless single sign-on did not work.",
		Fix:     "Sign in with the password."},
	{Code: KerberosPackage, Error: "invalid_grant", Status: 400,
		Text:    "The authentication package is not supported.",
		Explain: "The browser offered something other than Kerberos.",
		Fix:     "Sign in with the password."},
	{Code: KerberosHeaderMissing, Error: "invalid_grant", Status: 400,
		Text:    "No authorization header was found.",
		Explain: "The browser sent no ticket.",
		Fix:     "Add the address to the browser's intranet zone."},
	{Code: KerberosTenant, Error: "invalid_grant", Status: 400,
		Text:    "The tenant is not enabled for seamless single sign-on.",
		Explain: "Seamless single sign-on is off.",
		Fix:     "Enable it or sign in with the password."},
	{Code: KerberosTicket, Error: "invalid_grant", Status: 400,
		Text:    "The user's Kerberos ticket could not be validated.",
		Explain: "The ticket does not fit the shared key.",
		Fix:     "Roll the key over and sign in again."},
	{Code: KerberosHeaderInvalid, Error: "invalid_grant", Status: 400,
		Text:    "The authorization header could not be validated.",
		Explain: "The ticket is malformed.",
		Fix:     "Sign in with the password."},
	{Code: KerberosExpired, Error: "invalid_grant", Status: 400,
		Text:    "The user's Kerberos ticket has expired or is not valid.",
		Explain: "The ticket is too old or the key changed.",
		Fix:     "Get a new ticket."},
	{Code: KerberosUserUnknown, Error: "invalid_grant", Status: 400,
		Text:    "The user of the Kerberos ticket was not found.",
		Explain: "The person in the ticket is not synchronised.",
		Fix:     "Synchronise the person."},
	{Code: KerberosOtherUser, Error: "invalid_grant", Status: 400,
		Text:    "The user who signs in is not the one of the Kerberos ticket.",
		Explain: "Two accounts are mixed up.",
		Fix:     "Sign in with the account of this computer."},
	{Code: TenantUnknown, Error: "invalid_tenant", Status: 400,
		Text:    "The tenant '{0}' was not found.",
		Explain: "The address names a tenant that does not exist here.",
		Fix:     "Check the GUID or domain in the address."},
	{Code: FieldMissing, Error: "invalid_request", Status: 400,
		Text:    "The required field '{0}' is missing.",
		Explain: "A part of the request that must be there is not.",
		Fix:     "Send it."},
	{Code: TenantUndetermined, Error: "invalid_request", Status: 400,
		Text:    "No tenant information was found in the request or in the credentials.",
		Explain: "Nothing says which tenant is meant.",
		Fix:     "Use the tenant's own address."},
	{Code: ImmutableIDMissing, Error: "invalid_grant", Status: 400,
		Text:    "The SAML 1.1 assertion lacks the immutable id of the user.",
		Explain: "The federation server does not send the claim.",
		Fix:     "Add the claim."},
	{Code: ServerBusy, Error: "temporarily_unavailable", Status: 503,
		Text:    "A transient error has occurred; try again.",
		Explain: "The service could not finish the request.",
		Fix:     "Try again in a moment."},
	{Code: AdminConsentRequired, Error: "access_denied", Status: 400,
		Text:    "The application '{0}' asks for permissions that only an administrator can grant.",
		Explain: "A permission such as Application.ReadWrite.All reaches beyond the person's own data.",
		Fix:     "Let an administrator sign in to the application once and consent, for everybody where that is wanted."},
	{Code: ExternalUser, Error: "invalid_grant", Status: 400,
		Text:    "The account '{0}' of another identity provider does not exist in the tenant.",
		Explain: "The federated person and the synchronised one do not match.",
		Fix:     "Check the immutable id on both sides."},
	{Code: ResourceUnknown, Error: "invalid_resource", Status: 400,
		Text:    "The resource principal named {0} was not found in the tenant named {1}.",
		Explain: "Nobody registered this address as a service principal name, so no token can be issued for it. It is the classic omission of Hybrid Modern Authentication: a host of a virtual directory (often Autodiscover) is missing from servicePrincipalNames.",
		Fix:     "Add the address to servicePrincipalNames of the Exchange service principal 00000002-0000-0ff1-ce00-000000000000, keeping the names that are there."},
	{Code: RedirectMismatch, Error: "invalid_grant", Status: 400,
		Text:    "The redirect URI '{0}' is not the one that the authorization request named.",
		Explain: "Authorization and token request must name the same redirect URI.",
		Fix:     "Send the same redirect_uri in both requests."},
	{Code: VerifierMismatch, Error: "invalid_grant", Status: 400,
		Text:    "The code_verifier does not match the code_challenge of the authorization request.",
		Explain: "PKCE: who redeems the code is not who asked for it, or the client mixed up two attempts.",
		Fix:     "Start the sign-in again."},
	{Code: ServiceNotSubscribed, Error: "unauthorized_client", Status: 400,
		Text:    "The application asks for a service '{0}' that the organisation has not subscribed to.",
		Explain: "The resource's service principal is missing in the tenant.",
		Fix:     "Create the service principal, or use another resource."},
	{Code: ScopeUnknown, Error: "invalid_scope", Status: 400,
		Text:    "The application asked for the permission '{0}' that does not exist on the resource '{1}'.",
		Explain: "The name of the permission is misspelt or the resource does not publish it.",
		Fix:     "Ask for a permission that the resource publishes, or for /.default."},
	{Code: ApplicationMisconfigured, Error: "unauthorized_client", Status: 400,
		Text:    "The application is misconfigured: it lists no permissions for '{0}'.",
		Explain: "The application's registration lacks the permission.",
		Fix:     "Add the permission and consent to it."},
	{Code: ResourceNotListed, Error: "invalid_resource", Status: 400,
		Text:    "The resource '{0}' is not listed in the application's requested permissions.",
		Explain: "The application's registration does not name the resource.",
		Fix:     "Add the resource to the application's permissions."},
	{Code: CodeOtherTenant, Error: "invalid_grant", Status: 400,
		Text:    "The code or token was issued for another tenant than the one whose address it came to.",
		Explain: "Authorization and token request went to different tenants.",
		Fix:     "Use the same tenant address for both."},
	{Code: ApplicationMissing, Error: "unauthorized_client", Status: 400,
		Text:    "The application '{0}' does not exist in the directory.",
		Explain: "The application is not registered in the tenant.",
		Fix:     "Register the application."},
	{Code: ApplicationUnknown, Error: "unauthorized_client", Status: 400,
		Text:    "The application '{0}' was not found in the tenant '{1}'.",
		Explain: "The client id is not registered in this tenant, or the sign-in went to the wrong tenant.",
		Fix:     "Register the application, or use the right tenant."},
	{Code: AssertionOtherClient, Error: "invalid_client", Status: 401,
		Text:    "The client assertion's application '{0}' does not match the client_id parameter.",
		Explain: "One client sent an assertion that another one signed.",
		Fix:     "Set iss and sub of the assertion to the client id that is sent."},
	{Code: SeveralResources, Error: "invalid_request", Status: 400,
		Text:    "The scope names more than one resource; a token is for one.",
		Explain: "One token has one audience.",
		Fix:     "Ask for one resource at a time."},
	{Code: ScopeWithoutResource, Error: "invalid_scope", Status: 400,
		Text:    "The scope names no resource: '{0}'.",
		Explain: "Application permissions are asked for as resource/.default.",
		Fix:     "Send scope=<resource>/.default."},
	{Code: AssertionTime, Error: "invalid_client", Status: 401,
		Text:    "The client assertion is not within its valid time range. Current time: {0}, assertion valid from {1}, expiry time of assertion {2}.",
		Explain: "The assertion has expired, is not yet valid, or is valid for longer than an hour.",
		Fix:     "Check the client's clock, and sign a fresh assertion for each request."},
	{Code: PublicClientSecret, Error: "invalid_client", Status: 401,
		Text:    "The client '{0}' is public: it must send neither a secret nor an assertion.",
		Explain: "A secret in a program on people's devices is none.",
		Fix:     "Leave the secret out, or register a confidential client."},
	{Code: AssertionInvalid, Error: "invalid_client", Status: 401,
		Text:    "The client assertion {0}.",
		Explain: "The assertion is signed with a certificate that the application does not have or that is out of date, or it is meant for another endpoint.",
		Fix:     "Add the certificate to the application's key credentials, or sign with the one that is there."},
	{Code: IDTokenDisabled, Error: "unsupported_response_type", Status: 400,
		Text:    "The response type id_token is not enabled for the application '{0}'.",
		Explain: "The application's registration does not allow ID tokens from the authorize endpoint.",
		Fix:     "Enable ID tokens for the application, or use response_type=code."},
	{Code: RefreshInactive, Error: "invalid_grant", Status: 400, Suberror: "bad_token",
		Text:    "The refresh token has expired because it was not used for 90 days.",
		Explain: "Long silence ends a refresh token.",
		Fix:     "Sign in again."},
	{Code: RefreshSPAExpired, Error: "invalid_grant", Status: 400,
		Text:    "The refresh token of a browser client has expired: its life of 24 hours is fixed.",
		Explain: "Refresh tokens in a browser do not slide.",
		Fix:     "Sign in again."},
	{Code: ParameterMissing, Error: "invalid_request", Status: 400,
		Text:    "The request must contain the parameter '{0}'.",
		Explain: "A parameter that the request needs is not there.",
		Fix:     "Send it."},
	{Code: MethodNotAllowed, Error: "invalid_request", Status: 405,
		Text:    "The endpoint accepts {0} requests only.",
		Explain: "The address was opened with another method, perhaps in a browser.",
		Fix:     "Use the method named."},
	{Code: ResourceOnV2, Error: "invalid_request", Status: 400,
		Text:    "The parameter 'resource' is not supported on this endpoint.",
		Explain: "The v2.0 endpoints take scopes instead.",
		Fix:     "Send scope=<resource>/.default, or use the v1 endpoint."},
	{Code: PrincipalDisabled, Error: "unauthorized_client", Status: 400,
		Text:    "The application '{0}' is disabled.",
		Explain: "An administrator disabled the application's service principal.",
		Fix:     "Enable it."},
	{Code: SecretWrong, Error: "invalid_client", Status: 401,
		Text:    "The client secret is not valid for the application '{0}'.",
		Explain: "The secret is wrong, or its id was sent in place of its value.",
		Fix:     "Use the value of a current secret."},
	{Code: SecretMissing, Error: "invalid_client", Status: 401,
		Text:    "The request must contain client_secret or client_assertion.",
		Explain: "A confidential client did not prove who it is.",
		Fix:     "Send the secret, or register the client as a public one."},
	{Code: SecretExpired, Error: "invalid_client", Status: 401,
		Text:    "The client secret of the application '{0}' has expired.",
		Explain: "Secrets have an end date.",
		Fix:     "Make a new secret."},
	{Code: TenantRequired, Error: "invalid_request", Status: 400,
		Text:    "The grant is not supported on the address /{0}.",
		Explain: "A shared address cannot serve this request.",
		Fix:     "Use the tenant's own address, or organizations for passwords."},
	{Code: RequestMalformed, Error: "invalid_request", Status: 400,
		Text:    "The request is malformed or not valid: {0}.",
		Explain: "The request cannot be read: a broken token, a parameter twice, or too much of something.",
		Fix:     "Correct the client; the text says what is wrong."},
	{Code: CrossOriginNotSPA, Error: "invalid_request", Status: 400,
		Text:    "Cross-origin token redemption is allowed for clients of type single-page application only.",
		Explain: "A browser script redeemed a code of a client that is not registered as one.",
		Fix:     "Register the redirect URI with type spa, or redeem on the server."},
	{Code: SPAWithoutOrigin, Error: "invalid_request", Status: 400,
		Text:    "Tokens of a single-page application may be redeemed by cross-origin requests only.",
		Explain: "A program redeemed a code that belongs to a browser script.",
		Fix:     "Register the redirect URI with type web or native."},
}
