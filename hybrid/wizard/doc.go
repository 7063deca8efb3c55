// Package wizard leaves behind what the Hybrid Configuration Wizard leaves behind
// for OAuth: the AuthServer objects of a tenant, the enabled partner application,
// the OAuth certificate at the tenant's service principal or at a dedicated
// hybrid application, the external names, the connector, the hybrid configuration.
//
// It acts on both halves only from outside, and reads before it writes: what is
// there stays, what is missing is made, so that a run that was cut off is finished
// by the next one. It refuses to turn Hybrid Modern Authentication on (neither
// IsDefaultAuthorizationEndpoint nor OAuth2ClientProfileEnabled is touched), to
// remove what it did not put there, and to register names that only the
// administrator knows to be public. Start reading at Run.
package wizard
