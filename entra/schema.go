package entra

// schema is the list of migrations; times are UTC microseconds, flags 0 or 1,
// lists JSON arrays in the order in which they were written.
var schema = []string{`
CREATE TABLE generation (id BIGINT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO generation (id, value) VALUES (1, 1);

CREATE TABLE tenant (
	id TEXT PRIMARY KEY,
	display_name TEXT NOT NULL,
	created BIGINT NOT NULL,
	sync_enabled BIGINT NOT NULL DEFAULT 0,
	last_sync BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE tenant_domain (
	name TEXT PRIMARY KEY,
	tenant TEXT NOT NULL REFERENCES tenant (id),
	is_initial BIGINT NOT NULL,
	is_default BIGINT NOT NULL
);

CREATE TABLE person (
	id TEXT PRIMARY KEY,
	tenant TEXT NOT NULL REFERENCES tenant (id),
	upn TEXT NOT NULL,
	upn_folded TEXT NOT NULL UNIQUE,
	display_name TEXT NOT NULL,
	given_name TEXT NOT NULL,
	surname TEXT NOT NULL,
	mail TEXT NOT NULL,
	mail_folded TEXT NOT NULL,
	mail_nickname TEXT NOT NULL,
	proxy_addresses TEXT NOT NULL,
	enabled BIGINT NOT NULL,
	puid TEXT NOT NULL,
	roles TEXT NOT NULL,
	tokens_valid_from BIGINT NOT NULL,
	immutable_id TEXT NOT NULL,
	onprem_sid TEXT NOT NULL,
	onprem_account TEXT NOT NULL,
	onprem_domain TEXT NOT NULL,
	onprem_dn TEXT NOT NULL,
	onprem_upn TEXT NOT NULL,
	sync_enabled BIGINT NOT NULL,
	last_sync BIGINT NOT NULL,
	created BIGINT NOT NULL
);
CREATE INDEX person_tenant ON person (tenant, upn_folded);
CREATE UNIQUE INDEX person_immutable ON person (tenant, immutable_id) WHERE immutable_id <> '';
CREATE INDEX person_mail ON person (tenant, mail_folded);
CREATE INDEX person_sid ON person (tenant, onprem_sid);

CREATE TABLE password (
	person TEXT PRIMARY KEY REFERENCES person (id) ON DELETE CASCADE,
	salt {{blob}},
	iterations BIGINT NOT NULL,
	hash TEXT NOT NULL,
	changed BIGINT NOT NULL
);
CREATE TABLE signin_failure (
	name TEXT PRIMARY KEY,
	failures BIGINT NOT NULL,
	last_bad {{blob}} NOT NULL,
	locked_until BIGINT NOT NULL,
	at BIGINT NOT NULL
);
CREATE INDEX signin_failure_at ON signin_failure (at);

CREATE TABLE service_principal (
	id TEXT PRIMARY KEY,
	tenant TEXT NOT NULL REFERENCES tenant (id),
	app_id TEXT NOT NULL,
	display_name TEXT NOT NULL,
	enabled BIGINT NOT NULL,
	kind TEXT NOT NULL,
	owner TEXT NOT NULL,
	assignment_required BIGINT NOT NULL,
	names TEXT NOT NULL,
	reply_urls TEXT NOT NULL,
	scopes TEXT NOT NULL,
	app_roles TEXT NOT NULL,
	homepage TEXT NOT NULL,
	logout_url TEXT NOT NULL,
	tags TEXT NOT NULL,
	created BIGINT NOT NULL,
	UNIQUE (tenant, app_id)
);
CREATE TABLE service_principal_name (
	tenant TEXT NOT NULL,
	name_folded TEXT NOT NULL,
	principal TEXT NOT NULL REFERENCES service_principal (id) ON DELETE CASCADE,
	PRIMARY KEY (tenant, name_folded)
);
CREATE INDEX service_principal_name_principal ON service_principal_name (principal);

CREATE TABLE application (
	tenant TEXT NOT NULL REFERENCES tenant (id),
	app_id TEXT NOT NULL,
	is_public BIGINT NOT NULL,
	id_token BIGINT NOT NULL,
	family BIGINT NOT NULL,
	redirects TEXT NOT NULL,
	refresh_window BIGINT NOT NULL,
	PRIMARY KEY (tenant, app_id)
);
CREATE TABLE client_secret (
	id TEXT PRIMARY KEY,
	tenant TEXT NOT NULL,
	app_id TEXT NOT NULL,
	hint TEXT NOT NULL,
	salt {{blob}} NOT NULL,
	hash {{blob}} NOT NULL,
	starts BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	FOREIGN KEY (tenant, app_id) REFERENCES application (tenant, app_id) ON DELETE CASCADE
);

CREATE TABLE permission_grant (
	id TEXT PRIMARY KEY,
	tenant TEXT NOT NULL REFERENCES tenant (id),
	client TEXT NOT NULL REFERENCES service_principal (id) ON DELETE CASCADE,
	resource TEXT NOT NULL REFERENCES service_principal (id) ON DELETE CASCADE,
	person TEXT NOT NULL,
	scopes TEXT NOT NULL,
	UNIQUE (client, resource, person)
);
CREATE TABLE role_assignment (
	id TEXT PRIMARY KEY,
	tenant TEXT NOT NULL REFERENCES tenant (id),
	client TEXT NOT NULL REFERENCES service_principal (id) ON DELETE CASCADE,
	resource TEXT NOT NULL REFERENCES service_principal (id) ON DELETE CASCADE,
	role TEXT NOT NULL,
	UNIQUE (client, resource, role)
);

CREATE TABLE signing_key (
	id TEXT PRIMARY KEY,
	state TEXT NOT NULL,
	certificate {{blob}} NOT NULL,
	sealed {{blob}} NOT NULL,
	created BIGINT NOT NULL,
	retired BIGINT NOT NULL
);

CREATE TABLE refresh_token (
	family TEXT NOT NULL,
	hash {{blob}} NOT NULL,
	tenant TEXT NOT NULL,
	app_id TEXT NOT NULL,
	person TEXT NOT NULL,
	scopes TEXT NOT NULL,
	resource TEXT NOT NULL,
	amr TEXT NOT NULL,
	session TEXT NOT NULL,
	auth_time BIGINT NOT NULL,
	issued BIGINT NOT NULL,
	expires BIGINT NOT NULL,
	fixed BIGINT NOT NULL,
	replaced BIGINT NOT NULL,
	PRIMARY KEY (family, hash)
){{clustered}};
CREATE INDEX refresh_token_expires ON refresh_token (expires);

CREATE TABLE authorization_code (
	hash {{blob}} PRIMARY KEY,
	body TEXT NOT NULL,
	family TEXT NOT NULL,
	redeemed BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX authorization_code_expires ON authorization_code (expires);

CREATE TABLE device_code (
	hash {{blob}} PRIMARY KEY,
	user_code TEXT NOT NULL UNIQUE,
	body TEXT NOT NULL,
	state TEXT NOT NULL,
	sign_in TEXT NOT NULL,
	polled BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX device_code_expires ON device_code (expires);

CREATE TABLE browser_session (
	hash {{blob}} PRIMARY KEY,
	id TEXT NOT NULL,
	tenant TEXT NOT NULL,
	person TEXT NOT NULL,
	amr TEXT NOT NULL,
	auth_time BIGINT NOT NULL,
	expires BIGINT NOT NULL
);
CREATE INDEX browser_session_expires ON browser_session (expires);
`, `
-- Certificates that prove a client, applications without a service principal,
-- and whether Exchange Online still takes the principal that all tenants share.
ALTER TABLE service_principal ADD COLUMN key_credentials TEXT NOT NULL DEFAULT '[]';
ALTER TABLE application ADD COLUMN display_name TEXT NOT NULL DEFAULT '';
ALTER TABLE application ADD COLUMN created BIGINT NOT NULL DEFAULT 0;
ALTER TABLE application ADD COLUMN key_credentials TEXT NOT NULL DEFAULT '[]';
ALTER TABLE application ADD COLUMN required_access TEXT NOT NULL DEFAULT '[]';
ALTER TABLE tenant ADD COLUMN shared_principal_blocked BIGINT NOT NULL DEFAULT 0;
`}
