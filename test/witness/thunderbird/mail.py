#!/usr/bin/python3
"""Debian's Thunderbird, headless, with its own EWS support: one line for each step that
works, exit 1 at the first that does not.

It is driven by Marionette, and reaches an authority of its own by its preferences
(mail.ews.server.details). The refresh token stands in its password store, where a
sign-in in its window would have put it.

Environment: HMA_EWS (the service's URL), HMA_USER (user principal name and address),
HMA_AUTHORITY (host and port of the cloud), HMA_TENANT, HMA_CLIENT_ID, HMA_SCOPE,
HMA_REFRESH_TOKEN, HMA_TOKEN (an access token for the script's own questions), HMA_CA (the
authority's certificate), HMA_WORK (an empty folder).
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from urllib.parse import urlsplit

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from door import ask, find  # noqa: E402

env = os.environ
begun = time.time()
run = f"{int(begun * 1000)}"
profile = env["HMA_WORK"]
host = urlsplit(env["HMA_EWS"]).hostname

details = f"mail.ews.server.details.{host}."
preferences = {
    "experimental.mail.ews.overrideOAuth.enabled": True,
    details + "useCustomDetails": True, details + "applicationId": env["HMA_CLIENT_ID"], details + "tenant": env["HMA_TENANT"],
    details + "redirectUri": "http://localhost", details + "endpointHost": env["HMA_AUTHORITY"], details + "oauthScopes": env["HMA_SCOPE"],
    "marionette.port": 0, "mail.provider.suppress_dialog_on_startup": True, "mail.shell.checkDefaultClient": False, "mail.spotlight.firstRunDone": True,
    "mail.winsearch.firstRunDone": True, "mailnews.start_page.enabled": False, "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "toolkit.telemetry.enabled": False, "app.update.enabled": False, "extensions.update.enabled": False, "network.proxy.type": 0, "mail.rights.version": 1,
    "browser.safebrowsing.downloads.enabled": False, "mail.biff.show_alert": False, "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False, "mailnews.database.global.indexer.enabled": False,
}
with open(os.path.join(profile, "user.js"), "w") as f:
    for name, value in preferences.items():
        f.write(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n")
for args in (["-N", "--empty-password"], ["-A", "-t", "C,,", "-n", "lab", "-i", env["HMA_CA"]]):
    subprocess.run(["certutil", "-d", "sql:" + profile] + args, check=True)


class Marionette:
    """The wire of Marionette: length, colon, JSON."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=120)
        self.file = self.socket.makefile("rb")
        self.id = 0
        self.read()
        self.call("WebDriver:NewSession", {})
        self.call("Marionette:SetContext", {"value": "chrome"})
        self.call("WebDriver:SetTimeouts", {"script": 60000})

    def read(self):
        size = b""
        while not size.endswith(b":"):
            one = self.file.read(1)
            if not one:
                raise EOFError("Thunderbird has gone")
            size += one
        return json.loads(self.file.read(int(size[:-1])))

    def call(self, name, params):
        self.id += 1
        text = json.dumps([0, self.id, name, params]).encode()
        self.socket.sendall(str(len(text)).encode() + b":" + text)
        _, _, error, value = self.read()
        if error:
            raise RuntimeError(f"{error['error']}: {error['message']}\n{error.get('stacktrace', '')}")
        return value

    def script(self, body, *args):
        """Runs the body of an async function in the program itself."""
        return self.call("WebDriver:ExecuteAsyncScript", {"sandbox": "system", "newSandbox": False, "args": list(args), "script": """
            const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
            const done = arguments[arguments.length - 1], args = Array.from(arguments).slice(0, -1);
            const listener = () => { const o = Promise.withResolvers();
              o.OnStartRunningUrl = () => {}; o.OnStopRunningUrl = (url, code) => code ? o.reject(new Error("0x" + code.toString(16))) : o.resolve();
              o.QueryInterface = ChromeUtils.generateQI(["nsIUrlListener"]); return o; };
            const until = async (what, look) => { for (let i = 0; i < 300; i++) { const v = await look(); if (v) return v; await new Promise(r => setTimeout(r, 100)); }
              throw new Error("no " + what); };
            (async () => { %s })().then(done, e => done({ failed: `${e}\\n${e.stack}` }));""" % body})["value"]


def step(name):
    def do(fn):
        try:
            value = fn()
            if isinstance(value, dict) and "failed" in value:
                raise RuntimeError(value["failed"])
        except Exception as e:
            print(f"FAILED {name}: {type(e).__name__}: {e}", flush=True)
            finish()
            sys.exit(1)
        print(f"ok {name}", flush=True)
        if env.get("HMA_TRACE"):
            print(f"{time.time() - begun:.1f}s", flush=True)
        return value
    return do


log = open(os.path.join(profile, "log"), "wb")
program = subprocess.Popen(["thunderbird", "--headless", "--no-remote", "--profile", profile, "--marionette", "--remote-allow-system-access"],
                           stdout=log, stderr=log, env={**env, "HOME": profile}, start_new_session=True)


def finish():
    os.killpg(program.pid, signal.SIGKILL)  # its profile goes with it
    program.wait()


@step("start")
def tb():
    name = os.path.join(profile, "MarionetteActivePort")
    for _ in range(600):
        if os.path.exists(name) and (text := open(name).read()):
            return Marionette(int(text))
        assert program.poll() is None, "Thunderbird has ended"
        time.sleep(0.1)
    raise AssertionError("Thunderbird does not listen")


@step("account")
def _():
    return tb.script("""
        const [user, host, ews, authority, scope, token] = args;
        const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
        login.init("oauth://" + authority, null, scope, user, token, "", "");
        await Services.logins.addLoginAsync(login);
        const server = MailServices.accounts.createIncomingServer(user, host, "ews");
        server.setStringValue("ews_url", ews);
        server.authMethod = Ci.nsMsgAuthMethod.OAuth2;
        server.prettyName = user;
        server.valid = true;
        const out = MailServices.outgoingServer.createServer("ews");
        out.QueryInterface(Ci.IExchangeOutgoingServer).initialize(ews);
        out.authMethod = Ci.nsMsgAuthMethod.OAuth2;
        out.username = user;
        const identity = MailServices.accounts.createIdentity();
        identity.fullName = user; identity.email = user; identity.valid = true; identity.smtpServerKey = out.key;
        const account = MailServices.accounts.createAccount();
        account.addIdentity(identity);
        account.incomingServer = server;
        return server.key;
    """, env["HMA_USER"], host, env["HMA_EWS"], env["HMA_AUTHORITY"], env["HMA_SCOPE"], env["HMA_REFRESH_TOKEN"])


# What every step below begins with.
COMMON = """
    const server = MailServices.accounts.accounts.find(a => a.incomingServer.type == "ews").incomingServer, root = server.rootFolder;
    const flagged = name => root.getFolderWithFlags(Ci.nsMsgFolderFlags[name]), named = name => root.descendants.find(f => f.name == name);
    const sync = async folder => { const l = listener(); folder.QueryInterface(Ci.nsIMsgFolder).getNewMessages(null, l); await l.promise; return [...folder.messages]; };
    const found = (folder, subject) => until(subject, async () => (await sync(folder)).find(m => m.mime2DecodedSubject == subject));
    const text = async (folder, m) => {
      const uri = folder.getUriForMsg(m), o = Promise.withResolvers(); let all = "";
      MailServices.messageServiceFromURI(uri).streamMessage(uri, { QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]), onStartRequest() {},
        onDataAvailable(request, stream, offset, count) {
          const i = Cc["@mozilla.org/binaryinputstream;1"].createInstance(Ci.nsIBinaryInputStream); i.setInputStream(stream); all += i.readBytes(count); },
        onStopRequest(request, status) { status ? o.reject(new Error("0x" + status.toString(16))) : o.resolve(all); } }, null, null, false, "", false);
      return o.promise; };
    const copy = (from, m, to, move) => { const o = Promise.withResolvers(); MailServices.copy.copyMessages(from, [m], to, move,
      { QueryInterface: ChromeUtils.generateQI(["nsIMsgCopyServiceListener"]), onStartCopy() {}, onProgress() {}, setMessageKey() {}, getMessageId() {},
        onStopCopy(status) { status ? o.reject(new Error("0x" + status.toString(16))) : o.resolve(); } }, null, false); return o.promise; };
"""

def awaited(folder, subject, want):
    """Waits until the folder has the messages: for each whether it is read."""
    for _ in range(100):
        have = [read == "true" for read in re.findall("<t:IsRead>(true|false)</t:IsRead>", find(folder, subject))]
        if have == want:
            return
        time.sleep(0.1)
    raise AssertionError(f"{folder} has {subject!r} {have}, want {want}")


@step("folders")
def _():
    names = tb.script(COMMON + """
        server.performExpand(null);
        await until("Sent Items", () => flagged("SentMail"));
        return root.descendants.map(f => f.name);
    """)
    assert {"Inbox", "Drafts", "Sent Items", "Deleted Items", "Junk Email", "Outbox", "Archive"} <= set(names) and "Calendar" not in names, names


@step("messages")
def _():
    rows = tb.script(COMMON + """return (await sync(flagged("Inbox"))).map(m => [m.mime2DecodedSubject, m.mime2DecodedAuthor, m.dateInSeconds, m.isRead]);""")
    # A message that came without a date has none here either.
    assert all(subject and "@" in author for subject, author, _, _ in rows) and sum(date > 0 for _, _, date, _ in rows) > 5, rows


@step("message sent and received")
def sent():
    subject = f"Grüße von Thunderbird {run}"
    got = tb.script(COMMON + """
        const [user, subject] = args, identity = MailServices.accounts.allIdentities.find(i => i.email == user), o = Promise.withResolvers();
        const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
        fields.from = user; fields.to = user; fields.subject = subject; fields.body = "Body of the message"; fields.forcePlainText = true; fields.useMultipartAlternative = false;
        const attachment = Cc["@mozilla.org/messengercompose/attachment;1"].createInstance(Ci.nsIMsgAttachment);
        attachment.name = "note.txt"; attachment.url = "data:text/plain,attached%20words"; fields.addAttachment(attachment);
        const send = Cc["@mozilla.org/messengercompose/send;1"].createInstance(Ci.nsIMsgSend);
        send.createAndSendMessage(null, identity, "", fields, false, false, Ci.nsIMsgSend.nsMsgDeliverNow, null, "text/plain", "Body of the message", null, null,
          { QueryInterface: ChromeUtils.generateQI(["nsIMsgSendListener"]), onStartSending() {}, onSendProgress() {}, onStatus() {}, onGetDraftFolderURI() {}, onSendNotPerformed() { o.reject(new Error("not sent")); },
            onStopSending(id, status) { status ? o.reject(new Error("0x" + status.toString(16))) : o.resolve(); }, onTransportSecurityError() { o.reject(new Error("security")); } }, "", "", 0);
        await o.promise;
        const m = await found(flagged("Inbox"), subject);
        await found(flagged("SentMail"), subject);
        return { read: m.isRead, author: m.mime2DecodedAuthor, text: await text(flagged("Inbox"), m) };
    """, env["HMA_USER"], subject)
    if "failed" in got:
        return got
    assert env["HMA_USER"] in got["author"] and not got["read"] and "Body of the message" in got["text"] and 'filename="note.txt"' in got["text"], got
    awaited("inbox", subject, [False])
    awaited("sentitems", subject, [True])
    return subject


@step("read and unread")
def _():
    for read in True, False:
        got = tb.script(COMMON + """const inbox = flagged("Inbox"); inbox.markMessagesRead([await found(inbox, args[0])], args[1]); return {};""", sent, read)
        if "failed" in got:
            return got
        awaited("inbox", sent, [read])


@step("folder made, filled, renamed and deleted")
def _():
    got = tb.script(COMMON + """
        const [subject, name] = args, inbox = flagged("Inbox");
        root.createSubfolder(name, null);
        const made = await until("new folder", () => named(name));
        await copy(inbox, await found(inbox, subject), made, false);
        const there = await text(made, await found(made, subject)), here = await text(inbox, await found(inbox, subject));
        if (there != here) throw new Error("the copy differs");
        const sent = flagged("SentMail");
        await copy(sent, await found(sent, subject), made, true);
        await until("two", async () => (await sync(made)).length == 2);
        if ((await sync(sent)).some(m => m.mime2DecodedSubject == subject)) throw new Error("the original of a move is still there");
        made.rename(name + " renamed", null);
        const renamed = await until("other name", () => named(name + " renamed"));
        for (const m of await sync(renamed)) renamed.deleteMessages([m], null, true, false, null, false);
        await until("empty folder", async () => (await sync(renamed)).length == 0);
        renamed.deleteSelf(null);
        await until("no folder", () => !root.subFolders.some(f => f.name == name + " renamed"));
        return {};
    """, sent, f"Work {run}")
    if "failed" in got:
        return got
    awaited("sentitems", sent, [])


@step("deleted")
def _():
    got = tb.script(COMMON + """
        const inbox = flagged("Inbox");
        inbox.deleteMessages([await found(inbox, args[0])], null, false, false, null, false);
        await until("end of the move", () => ![...inbox.messages].some(m => m.mime2DecodedSubject == args[0]));
        return {};""", sent)
    if "failed" in got:
        return got
    awaited("inbox", sent, [])
    awaited("deleteditems", sent, [False])
    # Not while its own move runs: a list asked for meanwhile may leave the message out for a minute.
    return tb.script(COMMON + """await found(flagged("Trash"), args[0]); return {};""", sent)


@step("what others do is seen")
def _():
    subject = f"from elsewhere {run}"

    def look(want):
        return tb.script(COMMON + """
            const inbox = flagged("Inbox");
            await until(args[1], async () => { const m = (await sync(inbox)).find(m => m.mime2DecodedSubject == args[0]); return (m ? m.isRead ? "read" : "unread" : "gone") == args[1]; });
            return {};""", subject, want)
    ask(f"""<m:CreateItem MessageDisposition="SendOnly"><m:Items><t:Message><t:Subject>{subject}</t:Subject><t:Body BodyType="Text">x</t:Body>
        <t:ToRecipients><t:Mailbox><t:EmailAddress>{env["HMA_USER"]}</t:EmailAddress></t:Mailbox></t:ToRecipients></t:Message></m:Items></m:CreateItem>""")
    if "failed" in (got := look("unread")):
        return got
    item = re.search("<t:ItemId [^>]*>", find("inbox", subject))[0]
    ask(f"""<m:UpdateItem ConflictResolution="AlwaysOverwrite" MessageDisposition="SaveOnly"><m:ItemChanges><t:ItemChange>{item}<t:Updates><t:SetItemField>
        <t:FieldURI FieldURI="message:IsRead"/><t:Message><t:IsRead>true</t:IsRead></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>""")
    if "failed" in (got := look("read")):
        return got
    ask(f"""<m:DeleteItem DeleteType="HardDelete"><m:ItemIds>{item}</m:ItemIds></m:DeleteItem>""")
    return look("gone")


finish()
print("ok all", flush=True)
