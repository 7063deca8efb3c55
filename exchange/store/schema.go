package store

// migrations are the steps of sqldb.DB.Migrate. A released step is never changed.
//
// The mailbox's number is the first column of every key. Ids and change numbers
// are 48-bit counters of the mailbox; times are UTC microseconds; text that is
// compared or sorted has shadow columns made by query.Fold.
var migrations = []string{schema1, schema2, schema3, schema4, schema5, schema6, schema7, schema8, schema9, schema10}

const schema1 = `
CREATE TABLE mailbox (
	id BIGINT PRIMARY KEY,
	guid TEXT NOT NULL UNIQUE,
	db_guid TEXT NOT NULL,           -- replid 1
	mapping_signature TEXT NOT NULL,
	kind BIGINT NOT NULL,
	owner_sid TEXT NOT NULL,
	legacy_dn TEXT NOT NULL,
	display_name TEXT NOT NULL,
	quota BIGINT NOT NULL,
	size BIGINT NOT NULL,
	next_counter BIGINT NOT NULL,    -- the next id or change number
	last_cn BIGINT NOT NULL,         -- the last change number committed
	epoch BIGINT NOT NULL,           -- changed by a restore
	tombstone_floor BIGINT NOT NULL, -- deletions up to this number are forgotten
	created BIGINT NOT NULL
);

CREATE TABLE replica_guid (
	mailbox BIGINT NOT NULL,
	replid BIGINT NOT NULL,
	guid TEXT NOT NULL,
	PRIMARY KEY (mailbox, replid),
	UNIQUE (mailbox, guid)
);

CREATE TABLE id_range (
	mailbox BIGINT NOT NULL,
	first BIGINT NOT NULL,
	last BIGINT NOT NULL,
	given_to TEXT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (mailbox, first)
);

CREATE TABLE named_prop (
	mailbox BIGINT NOT NULL,
	propid BIGINT NOT NULL,
	set_guid TEXT NOT NULL,
	kind BIGINT NOT NULL,            -- 0 by number, 1 by name
	lid BIGINT NOT NULL,
	name TEXT {{search}} NOT NULL,   -- as first given
	name_key TEXT {{search}} NOT NULL,
	PRIMARY KEY (mailbox, propid),
	UNIQUE (mailbox, set_guid, kind, lid, name_key)
);

CREATE TABLE folder (
	mailbox BIGINT NOT NULL,
	fid BIGINT NOT NULL,
	parent_fid BIGINT NOT NULL,      -- 0 for the root
	kind BIGINT NOT NULL,
	class TEXT NOT NULL,
	role TEXT NOT NULL,
	display_name TEXT NOT NULL,
	name_key TEXT {{search}} NOT NULL,
	hidden BIGINT NOT NULL,
	created_cn BIGINT NOT NULL,
	cn BIGINT NOT NULL,
	change_key {{blob}} NOT NULL,
	pcl {{blob}} NOT NULL,
	source_key {{blob}},             -- of a foreign replica
	ctime BIGINT NOT NULL,
	mtime BIGINT NOT NULL,
	content_cn_max BIGINT NOT NULL,
	read_cn_max BIGINT NOT NULL,
	deleted_max BIGINT NOT NULL,
	total BIGINT NOT NULL,
	unread BIGINT NOT NULL,
	fai_count BIGINT NOT NULL,
	deleted_count BIGINT NOT NULL,   -- soft-deleted from here, in Recoverable Items
	children BIGINT NOT NULL,
	size BIGINT NOT NULL,
	next_imap_uid BIGINT NOT NULL,
	deleted_cn BIGINT,
	props {{blob}} NOT NULL,
	PRIMARY KEY (mailbox, fid),
	UNIQUE (mailbox, parent_fid, name_key)
);
CREATE UNIQUE INDEX folder_role ON folder (mailbox, role) WHERE role <> '';
CREATE INDEX folder_cn ON folder (mailbox, cn);
CREATE INDEX folder_created_cn ON folder (mailbox, created_cn);

CREATE TABLE item (
	mailbox BIGINT NOT NULL,
	id BIGINT NOT NULL,              -- row key, never changes
	mid BIGINT NOT NULL,             -- renewed by each move
	fid BIGINT NOT NULL,
	assoc BIGINT NOT NULL,
	created_cn BIGINT NOT NULL,      -- when the mid entered the folder
	cn BIGINT NOT NULL,
	read_cn BIGINT NOT NULL,
	deleted_cn BIGINT,               -- soft deletion
	deleted_from BIGINT,             -- the folder it was soft-deleted from
	change_key {{blob}} NOT NULL,
	pcl {{blob}} NOT NULL,
	source_key {{blob}},             -- of a foreign replica
	parent_item BIGINT,              -- an embedded message hangs on this item's
	parent_attach BIGINT,            -- attachment
	next_attach BIGINT NOT NULL,
	class TEXT NOT NULL, class_fold TEXT {{search}} NOT NULL, class_sort TEXT {{search}} NOT NULL,
	subject TEXT {{search}}, subject_fold TEXT {{search}}, subject_sort TEXT {{search}} NOT NULL,
	norm_subject TEXT {{search}}, norm_subject_fold TEXT {{search}},
	from_name TEXT {{search}}, from_name_fold TEXT {{search}}, from_name_sort TEXT {{search}} NOT NULL,
	from_addr TEXT {{search}}, from_addr_fold TEXT {{search}},
	display_to TEXT {{search}}, display_to_fold TEXT {{search}}, display_to_sort TEXT {{search}} NOT NULL,
	display_cc TEXT {{search}}, display_cc_fold TEXT {{search}},
	internet_msg_id TEXT {{search}}, internet_msg_id_fold TEXT {{search}}, internet_msg_id_hash BIGINT,
	received BIGINT NOT NULL,
	sent BIGINT,
	ctime BIGINT NOT NULL,
	mtime BIGINT NOT NULL,
	size BIGINT NOT NULL,
	importance BIGINT NOT NULL,
	sensitivity BIGINT NOT NULL,
	has_attach BIGINT NOT NULL,
	is_read BIGINT NOT NULL,
	msg_flags BIGINT NOT NULL,
	msg_status BIGINT NOT NULL,
	flag_status BIGINT,
	icon BIGINT,
	conversation_id {{blob}},
	conversation_index {{blob}},
	start_time BIGINT,
	end_time BIGINT,
	due_time BIGINT,
	goid_hash BIGINT,
	search_key {{blob}} NOT NULL,
	imap_uid BIGINT NOT NULL,
	mime_hash {{blob}},
	mime_size BIGINT,
	props {{blob}} NOT NULL,         -- last: long rows go on in other pages
	PRIMARY KEY (mailbox, id)
);
CREATE INDEX item_created_cn ON item (mailbox, fid, created_cn);
CREATE INDEX item_cn ON item (mailbox, fid, cn);
CREATE INDEX item_read_cn ON item (mailbox, fid, read_cn);
CREATE INDEX item_received ON item (mailbox, fid, assoc, received, id);
CREATE INDEX item_subject ON item (mailbox, fid, assoc, subject_sort, id);
CREATE INDEX item_from ON item (mailbox, fid, assoc, from_name_sort, id);
CREATE INDEX item_size ON item (mailbox, fid, assoc, size, id);
CREATE INDEX item_mtime ON item (mailbox, fid, assoc, mtime, id);
CREATE INDEX item_imap_uid ON item (mailbox, fid, assoc, imap_uid, id);
CREATE INDEX item_start ON item (mailbox, fid, start_time, id) WHERE start_time IS NOT NULL;
CREATE INDEX item_unread ON item (mailbox, fid, assoc, id) WHERE is_read = 0;
CREATE INDEX item_deleted ON item (mailbox, deleted_from, received, id) WHERE deleted_from IS NOT NULL;
CREATE INDEX item_msg_id ON item (mailbox, internet_msg_id_hash) WHERE internet_msg_id_hash IS NOT NULL;
CREATE INDEX item_conversation ON item (mailbox, conversation_id) WHERE conversation_id IS NOT NULL;
CREATE INDEX item_goid ON item (mailbox, goid_hash) WHERE goid_hash IS NOT NULL;

CREATE TABLE recipient (
	mailbox BIGINT NOT NULL,
	item BIGINT NOT NULL,
	row_no BIGINT NOT NULL,
	type BIGINT NOT NULL,
	addr_type TEXT NOT NULL,
	address TEXT NOT NULL,
	smtp TEXT NOT NULL,
	name TEXT NOT NULL,
	entry_id {{blob}},
	props {{blob}} NOT NULL,
	PRIMARY KEY (mailbox, item, row_no)
);

CREATE TABLE attachment (
	mailbox BIGINT NOT NULL,
	item BIGINT NOT NULL,
	attach_no BIGINT NOT NULL,       -- never used again within the item
	method BIGINT NOT NULL,
	filename TEXT NOT NULL,
	content_type TEXT NOT NULL,
	content_id TEXT NOT NULL,
	flags BIGINT NOT NULL,           -- 1 inline, 2 hidden
	rendering_pos BIGINT NOT NULL,
	blob_hash {{blob}},
	blob_size BIGINT NOT NULL,
	embedded_item BIGINT,
	props {{blob}} NOT NULL,
	PRIMARY KEY (mailbox, item, attach_no)
);

CREATE TABLE blob (
	mailbox BIGINT NOT NULL,
	id BIGINT NOT NULL,
	hash {{blob}},                   -- NULL until the last chunk is there
	size BIGINT NOT NULL,
	refs BIGINT NOT NULL,
	touched BIGINT NOT NULL,
	PRIMARY KEY (mailbox, id),
	UNIQUE (mailbox, hash)
);
CREATE INDEX blob_unused ON blob (touched) WHERE refs = 0;

CREATE TABLE chunk (
	mailbox BIGINT NOT NULL,
	blob BIGINT NOT NULL,
	no BIGINT NOT NULL,
	data {{blob}} NOT NULL,
	PRIMARY KEY (mailbox, blob, no)
);

CREATE TABLE tombstone (
	mailbox BIGINT NOT NULL,
	cn BIGINT NOT NULL,
	kind BIGINT NOT NULL,            -- 0 item, 1 folder
	fid BIGINT NOT NULL,             -- the folder it was in, or the parent
	id BIGINT NOT NULL,              -- row key, or fid
	mid BIGINT NOT NULL,             -- 0 for a folder
	assoc BIGINT NOT NULL,
	created_cn BIGINT NOT NULL,      -- when it had entered the folder
	reason BIGINT NOT NULL,
	moved_to BIGINT,                 -- folder
	moved_mid BIGINT,
	source_key {{blob}},
	imap_uid BIGINT NOT NULL,
	at BIGINT NOT NULL,
	PRIMARY KEY (mailbox, cn, kind, id)
);
CREATE INDEX tombstone_folder ON tombstone (mailbox, kind, fid, cn);
CREATE INDEX tombstone_kind ON tombstone (mailbox, kind, cn);
CREATE INDEX tombstone_at ON tombstone (at);

CREATE TABLE user_read (
	mailbox BIGINT NOT NULL,
	item BIGINT NOT NULL,
	sid TEXT NOT NULL,
	is_read BIGINT NOT NULL,
	read_cn BIGINT NOT NULL,
	PRIMARY KEY (mailbox, item, sid)
);

CREATE TABLE permission (
	mailbox BIGINT NOT NULL,
	fid BIGINT NOT NULL,
	member TEXT NOT NULL,            -- SID, 'default' or 'anonymous'
	rights BIGINT NOT NULL,
	PRIMARY KEY (mailbox, fid, member)
);

CREATE TABLE receive_folder (
	mailbox BIGINT NOT NULL,
	class TEXT NOT NULL,             -- upper case prefix of message classes; '' is all
	fid BIGINT NOT NULL,
	PRIMARY KEY (mailbox, class)
);

CREATE TABLE subscription (
	mailbox BIGINT NOT NULL,
	id TEXT NOT NULL,
	sid TEXT NOT NULL,
	kind BIGINT NOT NULL,            -- pull, push, streaming
	folders {{blob}} NOT NULL,       -- fids, empty is all
	events BIGINT NOT NULL,          -- bits of EventKind
	watermark BIGINT NOT NULL,       -- change number seen
	expires BIGINT NOT NULL,
	props {{blob}} NOT NULL,
	PRIMARY KEY (mailbox, id)
);
`

// schema2 adds the limits of a mailbox, who used it last, and when an item came
// into Recoverable Items. The tombstone of that move is one number before the item's.
const schema2 = `
ALTER TABLE mailbox ADD COLUMN warn_quota BIGINT NOT NULL DEFAULT 0;     -- bytes; 0 is none
ALTER TABLE mailbox ADD COLUMN send_quota BIGINT NOT NULL DEFAULT 0;
ALTER TABLE mailbox ADD COLUMN retain_deleted BIGINT NOT NULL DEFAULT 0; -- microseconds; 0 is the store's default
ALTER TABLE mailbox ADD COLUMN warned BIGINT NOT NULL DEFAULT 0;         -- the last warning of the quota
ALTER TABLE mailbox ADD COLUMN last_logon BIGINT NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN deleted_at BIGINT;
UPDATE item SET deleted_at = COALESCE((SELECT MAX(at) FROM tombstone t WHERE t.mailbox = item.mailbox AND t.cn = item.created_cn - 1 AND t.kind = 0 AND t.id = item.id), mtime)
	WHERE fid BETWEEN 17 AND 20;
CREATE INDEX item_deleted_at ON item (mailbox, deleted_at, id) WHERE deleted_at IS NOT NULL;
`

// schema3 adds what happens to mail at delivery: the rules of folders, in MAPI's
// forms (MS-OXORULE 2.2.1.3), the out-of-office settings of a mailbox, and to whom
// they were told since they were turned on.
const schema3 = `
CREATE TABLE rule (
	mailbox BIGINT NOT NULL,
	fid BIGINT NOT NULL,
	id BIGINT NOT NULL,              -- from the mailbox's counter, never used again
	seq BIGINT NOT NULL,
	state BIGINT NOT NULL,           -- bits of PidTagRuleState
	user_flags BIGINT NOT NULL,
	level BIGINT NOT NULL,
	name TEXT NOT NULL,
	provider TEXT NOT NULL,
	provider_data {{blob}} NOT NULL,
	conditions {{blob}} NOT NULL,    -- a restriction, MS-OXCDATA 2.12
	actions {{blob}} NOT NULL,       -- MS-OXORULE 2.2.5
	PRIMARY KEY (mailbox, fid, id)
);

CREATE TABLE oof (
	mailbox BIGINT PRIMARY KEY,
	state BIGINT NOT NULL,
	audience BIGINT NOT NULL,
	starts BIGINT NOT NULL,          -- 0 without a duration
	ends BIGINT NOT NULL,
	internal_reply TEXT NOT NULL,
	internal_lang TEXT NOT NULL,
	external_reply TEXT NOT NULL,
	external_lang TEXT NOT NULL,
	senders BIGINT NOT NULL          -- rows of oof_sender
);

CREATE TABLE oof_sender (
	mailbox BIGINT NOT NULL,
	sender TEXT {{search}} NOT NULL, -- address in lower case
	at BIGINT NOT NULL,
	PRIMARY KEY (mailbox, sender)
);
`

// schema4 is the search index: which items have which terms (query.Terms), and
// which the index must still look at. Every term begins with the mailbox's number.
const schema4 = `
CREATE TABLE search_pending (
	mailbox BIGINT NOT NULL,
	item BIGINT NOT NULL,            -- written, changed or gone since it was indexed
	PRIMARY KEY (mailbox, item)
){{clustered}};
INSERT INTO search_pending (mailbox, item) SELECT mailbox, id FROM item;
{{sqlite}}
-- The rowid is searchRow(mailbox, item).
CREATE VIRTUAL TABLE item_search USING fts5(terms, content='', contentless_delete=1, detail=none, tokenize='ascii');
{{postgresql}}
CREATE TABLE item_search (
	mailbox BIGINT NOT NULL,
	item BIGINT NOT NULL,
	terms TSVECTOR NOT NULL,
	PRIMARY KEY (mailbox, item)
);
CREATE INDEX item_search_terms ON item_search USING gin (terms);
{{both}}
`

// schema5 adds where an item lies in time, for calendar views: see Mailbox.Between.
const schema5 = `
ALTER TABLE item ADD COLUMN clip_start BIGINT;
ALTER TABLE item ADD COLUMN clip_end BIGINT;
ALTER TABLE item ADD COLUMN clip_span BIGINT; -- class of the length, see spans
UPDATE item SET clip_start = start_time, clip_end = end_time, clip_span = CASE
	WHEN end_time - start_time <= 86400000000 THEN 0 WHEN end_time - start_time <= 691200000000 THEN 1
	WHEN end_time - start_time <= 5529600000000 THEN 2 WHEN end_time - start_time <= 44236800000000 THEN 3
	WHEN end_time - start_time <= 353894400000000 THEN 4 ELSE 5 END
	WHERE start_time IS NOT NULL AND end_time >= start_time;
CREATE INDEX item_clip ON item (mailbox, fid, clip_span, clip_start, clip_end, id) WHERE clip_span IS NOT NULL;
DROP INDEX item_goid;
CREATE INDEX item_goid ON item (mailbox, goid_hash, fid, assoc, id) WHERE goid_hash IS NOT NULL;
`

// schema6 adds what other people may do in a mailbox: who made an item, for rights
// on own items; the delegates (MS-OXODLGT); and the calendar's row of everybody,
// who may see when its owner is free.
const schema6 = `
ALTER TABLE item ADD COLUMN creator TEXT NOT NULL DEFAULT ''; -- SID in capitals; '' is the owner or the server
CREATE INDEX item_private ON item (mailbox, fid, assoc) WHERE sensitivity = 2;

CREATE TABLE delegate (
	mailbox BIGINT NOT NULL,
	sid TEXT NOT NULL,               -- in capitals
	meeting_copies BIGINT NOT NULL,  -- gets copies of meeting messages
	view_private BIGINT NOT NULL,    -- sees private items
	PRIMARY KEY (mailbox, sid)
);
ALTER TABLE mailbox ADD COLUMN meeting_delivery BIGINT NOT NULL DEFAULT 0; -- MeetingDelivery
INSERT INTO permission (mailbox, fid, member, rights) SELECT id, 9, 'default', 2048 FROM mailbox WHERE id > 0 ON CONFLICT DO NOTHING;
`

// schema7 is search folders: what each looks for, and which items it has found.
const schema7 = `
CREATE TABLE search_folder (
	mailbox BIGINT NOT NULL,
	fid BIGINT NOT NULL,
	deep BIGINT NOT NULL,            -- below the bases too
	bases {{blob}} NOT NULL,         -- fids, 8 bytes each
	criteria {{blob}} NOT NULL,      -- a restriction, MS-OXCDATA 2.12
	next_row BIGINT,                 -- rows from it on were looked at; NULL when all were
	PRIMARY KEY (mailbox, fid)
){{clustered}};
CREATE INDEX search_folder_next ON search_folder (mailbox, fid) WHERE next_row IS NOT NULL;

CREATE TABLE search_member (
	mailbox BIGINT NOT NULL,
	folder BIGINT NOT NULL,          -- the search folder
	delivered BIGINT NOT NULL,       -- the item's received
	id BIGINT NOT NULL,              -- the item's row key
	found_mid BIGINT NOT NULL,       -- the item's mid
	entered BIGINT NOT NULL,         -- the change number under which it was found
	changed BIGINT NOT NULL,         -- and that of its last change
	unread BIGINT NOT NULL,
	PRIMARY KEY (mailbox, folder, delivered, id)
){{clustered}};
CREATE UNIQUE INDEX search_member_item ON search_member (mailbox, id, folder);
CREATE INDEX search_member_entered ON search_member (mailbox, folder, entered);
CREATE INDEX search_member_changed ON search_member (mailbox, folder, changed);
`

// schema8 adds what mailboxes send by themselves: a row for each message and
// recipient, which goes in the transaction that delivers it; and how subscriptions
// for push notifications reach their subscribers.
const schema8 = `
CREATE TABLE outgoing (
	mailbox BIGINT NOT NULL,         -- whose it is
	id BIGINT NOT NULL,              -- from the mailbox's counter, never used again
	kind BIGINT NOT NULL,            -- OutgoingKind
	reverse_path TEXT NOT NULL,
	recipient TEXT NOT NULL,
	sid TEXT NOT NULL,               -- of who sends it; '' is nobody
	head {{blob}} NOT NULL,          -- header fields on top of the message
	blob_hash {{blob}},              -- the message; NULL when props say what it is
	blob_size BIGINT NOT NULL,
	blob_skip BIGINT NOT NULL,       -- bytes at its beginning that are left out
	props {{blob}} NOT NULL,
	attempts BIGINT NOT NULL,
	due BIGINT NOT NULL,             -- not tried before
	PRIMARY KEY (mailbox, id)
);
CREATE INDEX outgoing_due ON outgoing (due);

ALTER TABLE subscription ADD COLUMN url TEXT NOT NULL DEFAULT '';
ALTER TABLE subscription ADD COLUMN caller_data TEXT NOT NULL DEFAULT '';
ALTER TABLE subscription ADD COLUMN frequency BIGINT NOT NULL DEFAULT 0; -- of signs of life, microseconds
ALTER TABLE subscription ADD COLUMN due BIGINT;                          -- when the next is told at the latest; NULL unless pushed
ALTER TABLE subscription ADD COLUMN failing BIGINT;                      -- since when the subscriber does not answer
CREATE INDEX subscription_due ON subscription (due) WHERE due IS NOT NULL;
`

// schema9 finds what is no mail by its search key: see Mailbox.Alike.
const schema9 = `
CREATE INDEX item_search_key ON item (mailbox, search_key) WHERE mime_hash IS NULL;
`

// schema10 keeps how many conversations the items of a folder belong to, see
// writer.converse, and finds whether one has another item there.
const schema10 = `
ALTER TABLE folder ADD COLUMN conversations BIGINT NOT NULL DEFAULT 0;
DROP INDEX item_conversation;
CREATE INDEX item_conversation ON item (mailbox, conversation_id, fid, received, id) WHERE conversation_id IS NOT NULL AND assoc = 0;
UPDATE folder SET conversations = c.n FROM (SELECT mailbox, fid, COUNT(*) AS n FROM (SELECT DISTINCT mailbox, conversation_id, fid FROM item
	WHERE conversation_id IS NOT NULL AND assoc = 0 AND length(conversation_id) = 16) AS there GROUP BY mailbox, fid) AS c
	WHERE folder.mailbox = c.mailbox AND folder.fid = c.fid;
`
