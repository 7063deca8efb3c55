"""mbsync mirrors a mailbox both ways through DavMail, and smtplib sends through it.

What one side has the other must get, once, with its bytes and flags: messages
that a client has, messages that arrive, flags and deletions on both sides.
"""
import email.policy
import imaplib
import mailbox
import os
import smtplib
import subprocess
import sys
import time
from email.message import EmailMessage

IMAP = int(os.environ["HMA_IMAP"])
SMTP = int(os.environ["HMA_SMTP_PORT"])
USER = os.environ["HMA_USER"]
COUNT = int(os.environ["HMA_COUNT"])
WORK = os.environ["HMA_WORK"]
FOLDER = "Mirror"


def ok(what):
    print("ok", what, flush=True)


def config(side):
    """mbsync's configuration for a Maildir of its own under WORK/side."""
    root = os.path.join(WORK, side)
    os.makedirs(root, exist_ok=True)
    path = os.path.join(WORK, side + ".mbsyncrc")
    with open(path, "w") as f:
        f.write(f"""IMAPStore far
Host 127.0.0.1
Port {IMAP}
User {USER}
Pass the-token-is-in-a-file
SSLType None
AuthMechs LOGIN
Timeout 120

MaildirStore near
Path {root}/
Inbox {root}/INBOX
SubFolders Verbatim

Channel mirror
Far :far:
Near :near:
Patterns {FOLDER}
Create Both
Expunge Both
Sync All
SyncState *
CopyArrivalDate yes
""")
    return path


def sync(side):
    """Runs mbsync. Version 1.4.4 trips over its own question for what it appended
    where a server has no UIDPLUS, as DavMail 6.0 has none, and goes on from there
    when it runs again; it marks those messages with a header X-TUID."""
    for again in True, False:
        done = subprocess.run(["mbsync", "-q", "-c", config(side), "mirror"], capture_output=True, text=True)
        if done.returncode == 0:
            return
        if not again or "received extraneous data in FETCH response" not in done.stderr:
            sys.exit(f"mbsync {side}: {done.stdout}{done.stderr}")


def maildir(side):
    os.makedirs(os.path.join(WORK, side), exist_ok=True)
    return mailbox.Maildir(os.path.join(WORK, side, FOLDER), create=True)


def imap():
    m = imaplib.IMAP4("127.0.0.1", IMAP)
    m.login(USER, "the-token-is-in-a-file")
    return m


def message(n):
    """One of several kinds of message, as bytes with CR LF."""
    m = EmailMessage(policy=email.policy.SMTP)
    m["From"] = f"Sender {n} <sender{n}@example.org>"
    m["To"] = USER
    m["Subject"] = ["", "Plain", "Grüße aus Köln", "語 " * 40, "a" * 300][n % 5] + f" {n}"
    m["Date"] = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(1_600_000_000 + 60 * n))
    m["Message-ID"] = f"<mirror-{n}@example.org>"
    if n % 3 == 0:
        m.set_content("Plain text.\r\n.\r\n" * (n % 7 + 1))
    else:
        m.set_content("Text ä ö ü\r\nFrom the start of a line\r\n", charset="utf-8", cte="8bit" if n % 2 else "base64")
        m.add_alternative(f"<html><body><p>Nr. {n} &auml;</p></body></html>", subtype="html")
    if n % 4 == 0:
        m.add_attachment(bytes(range(256)) * (n % 50 + 1), maintype="application", subtype="octet-stream", filename=f"Anhang {n}.bin")
    return m.as_bytes()


def state(side):
    """The messages of a Maildir by Message-ID: body bytes and flags. A double ends the test."""
    out = {}
    box = maildir(side)
    for key, m in box.iteritems():
        name = m["Message-ID"]
        if name in out:
            sys.exit(f"{side}: {name} is there twice")
        lines = [line for line in box.get_bytes(key).splitlines() if not line.startswith(b"X-TUID: ")]
        out[name] = (b"\n".join(lines), "".join(sorted(m.get_flags())))
    return out


def same(a, b, what):
    left, right = state(a), state(b)
    if set(left) != set(right):
        sys.exit(f"{what}: only in {a}: {sorted(set(left) - set(right))[:5]}, only in {b}: {sorted(set(right) - set(left))[:5]}")
    for name in left:
        if left[name] != right[name]:
            sys.exit(f"{what}: {name} differs: flags {left[name][1]!r} and {right[name][1]!r}, {len(left[name][0])} and {len(right[name][0])} bytes\n"
                     f"{left[name][0][:600]!r}\n{right[name][0][:600]!r}")
    return len(left)


box = maildir("first")
for n in range(COUNT):
    m = mailbox.MaildirMessage(message(n))
    m.set_subdir("cur")
    m.set_flags(["", "S", "FS", "RS", "F"][n % 5])
    box.add(m)
before = state("first")
sync("first")
sync("second")
if same("first", "second", "the way there and back") != COUNT or state("first") != before:
    sys.exit("messages were lost or changed")
ok("mirror there and back")

# The other side changes flags, deletes and adds; this side deletes too.
box = maildir("second")
for key, m in list(box.iteritems()):
    n = int(m["Message-ID"].split("-")[1].split("@")[0])
    if n % 10 == 1:
        box.remove(key)
    elif n % 10 == 2:
        m.set_flags("FS")
        m.set_subdir("cur")
        box[key] = m
for n in range(COUNT, COUNT + COUNT // 10):
    m = mailbox.MaildirMessage(message(n))
    m.set_subdir("cur")
    m.set_flags("S")
    box.add(m)
box = maildir("first")
for key, m in list(box.iteritems()):
    if int(m["Message-ID"].split("-")[1].split("@")[0]) % 10 == 3:
        box.remove(key)
sync("second")
sync("first")
sync("second")
left = same("first", "second", "changes on both sides")
if left != COUNT - 2 * (COUNT // 10) + COUNT // 10:
    sys.exit(f"{left} messages are left")
ok("changes on both sides")

m = imap()
m.select(FOLDER)
uids = m.uid("search", None, "ALL")[1][0].split()
if len(uids) != left:
    sys.exit(f"IMAP has {len(uids)} messages, the mirrors have {left}")
found = m.uid("search", None, "SUBJECT", '"Plain"')[1][0].split()
if not found or len(found) >= left:
    sys.exit(f"IMAP SEARCH by subject finds {len(found)} of {left}")
unseen = m.uid("search", None, "UNSEEN")[1][0].split()
want = sum("S" not in flags for _, flags in state("first").values())
if len(unseen) != want:
    sys.exit(f"IMAP SEARCH UNSEEN finds {len(unseen)}, want {want}")
if m.uid("copy", uids[0], "Trash")[0] != "OK":
    sys.exit("copy failed")
m.create("Mirror/Below")
m.rename("Mirror/Below", "Mirror/Renamed")
if m.uid("move", uids[0], "Mirror/Renamed")[0] != "OK" or m.select("Mirror/Renamed")[1] != [b"1"]:
    sys.exit("move failed")
m.uid("store", b"1:*", "+FLAGS", "(\\Deleted)")
m.expunge()
m.close()
if m.delete("Mirror/Renamed")[0] != "OK":
    sys.exit("delete failed")
m.logout()
ok("search, copy, move, folders")

note = EmailMessage()
note["From"], note["To"], note["Subject"] = USER, USER, "By way of SMTP"
note["Message-ID"] = "<smtp-witness@example.org>"
note.set_content("Sent through DavMail.")
s = smtplib.SMTP("127.0.0.1", SMTP)
s.login(USER, "the-token-is-in-a-file")
s.send_message(note)
s.quit()
m = imap()
for folder in "INBOX", "Sent":
    for _ in range(20):
        m.select(folder)
        if m.uid("search", None, "HEADER", "Subject", '"By way of SMTP"')[1][0]:
            break
        time.sleep(0.5)
    else:
        sys.exit(f"the message that SMTP took is not in {folder}")
m.logout()
ok("send by SMTP")
ok("all")
