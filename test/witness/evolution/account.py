#!/usr/bin/python3
"""Debian's evolution-ews without a window: the data server of Evolution with its EWS
backends on a session bus of its own. One line for each step that works, exit 1 at the
first that does not.

The account is a source file as Evolution writes it, with an authority of its own
(OverrideOauth2); the refresh token lies in the keyring, where a sign-in in Evolution's
window would have put it.

Environment: HMA_EWS (the service's URL), HMA_USER (user principal name and address),
HMA_AUTHORITY (host and port of the cloud), HMA_TENANT, HMA_CLIENT_ID, HMA_REFRESH_TOKEN,
HMA_TOKEN (an access token for the script's own questions), HMA_CA (the authority's certificate), HMA_WORK (an empty folder).
"""
import json
import os
import subprocess
import sys
import time

env = os.environ
work = env["HMA_WORK"]
if "HMA_INSIDE" not in env:
    # GnuTLS takes its authorities from one file alone: a mount namespace of this process has another there.
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    with open(os.path.join(work, "authorities"), "wb") as f:
        f.write(open(bundle, "rb").read() + open(env["HMA_CA"], "rb").read())
    for name in "config", "data", "cache", "run":
        os.makedirs(os.path.join(work, name), 0o700)
    inside = {**env, "HMA_INSIDE": "1", "HOME": work, "XDG_CONFIG_HOME": work + "/config", "XDG_DATA_HOME": work + "/data", "XDG_CACHE_HOME": work + "/cache",
              "XDG_RUNTIME_DIR": work + "/run", "GIO_USE_VFS": "local", "GSETTINGS_BACKEND": "memory", "GVFS_DISABLE_FUSE": "1", "LC_ALL": "C.UTF-8", "NO_AT_BRIDGE": "1"}
    os.execvpe("unshare", ["unshare", "--mount", "sh", "-c", f'mount --bind "$0" {bundle} && exec dbus-run-session -- /usr/bin/python3 "$1"',
                           os.path.join(work, "authorities"), os.path.abspath(__file__)], inside)

uid = "hma-witness"
sources = os.path.join(work, "config", "evolution", "sources")
os.makedirs(sources)
with open(os.path.join(sources, uid + ".source"), "w") as f:
    f.write(f"""[Data Source]
DisplayName=HMA
Enabled=true
Parent=

[Collection]
BackendName=ews
CalendarEnabled=true
ContactsEnabled=true
Identity={env["HMA_USER"]}
MailEnabled=false

[Authentication]
Host=localhost
Method=Office365
Port=0
ProxyUid=system-proxy
RememberPassword=true
User={env["HMA_USER"]}
CredentialName=
IsExternal=false

[Ews Backend]
Hosturl={env["HMA_EWS"]}
Email={env["HMA_USER"]}
AuthMechanism=Office365
OverrideOauth2=true
Oauth2Tenant={env["HMA_TENANT"]}
Oauth2ClientId={env["HMA_CLIENT_ID"]}
Oauth2EndpointHost={env["HMA_AUTHORITY"]}
""")
with open(os.path.join(sources, uid + "-send.source"), "w") as f:
    f.write(f"[Data Source]\nDisplayName=HMA\nEnabled=true\nParent={uid}\n\n[Mail Transport]\nBackendName=ews\n")
subprocess.run(["gnome-keyring-daemon", "--unlock", "--components=secrets"], input=b"secret", check=True, stdout=subprocess.DEVNULL)

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from door import ask, find  # noqa: E402
from step import step  # noqa: E402
import gi  # noqa: E402

for name, version in (("EDataServer", "1.2"), ("ECal", "2.0"), ("EBook", "1.2"), ("EBookContacts", "1.2"), ("Camel", "1.2"), ("ICalGLib", "3.0")):
    gi.require_version(name, version)
from gi.repository import Camel, EBook, EBookContacts, ECal, EDataServer, GLib, ICalGLib  # noqa: E402


def until(what, look, seconds=30):
    end = time.time() + seconds
    while True:
        while GLib.MainContext.default().iteration(False):
            pass
        if found := look():
            return found
        assert time.time() < end, f"no {what}"
        time.sleep(0.1)


# The mail provider leaves it to Evolution's window to know Office365 as a way to sign in.
office365 = EDataServer.Module.new("/usr/lib/evolution-data-server/registry-modules/module-ews-backend.so")
office365.use()
services = EDataServer.OAuth2Services.new()
EDataServer.secret_store_store_sync(f"OAuth2::Office365[{env['HMA_USER']}]", json.dumps({"refresh_token": env["HMA_REFRESH_TOKEN"]}), "HMA", True, None)


run = f"{int(time.time() * 1000)}"
CONNECTED = 0xFFFFFFFF  # do not wait until the backend says so: the first operation does


@step("folders become sources")
def sources():
    registry = EDataServer.SourceRegistry.new_sync(None)

    def children():
        return {(kind, s.get_display_name()): s for kind in ("Calendar", "Task List", "Memo List", "Address Book") for s in registry.list_sources(kind) if s.get_parent() == uid}
    want = {("Calendar", "Calendar"), ("Task List", "Tasks"), ("Memo List", "Notes"), ("Address Book", "Contacts"), ("Address Book", "Global Address List")}
    until("folders", lambda: want <= set(children()))
    return children() | {"registry": registry}


def component(kind, text):
    return ICalGLib.Component.new_from_string(f"BEGIN:{kind}\r\n{text}END:{kind}\r\n".replace("\n", "\r\n").replace("\r\r", "\r"))


def listed(client, subject):
    ok, found = client.get_object_list_sync(f'(contains? "summary" "{subject}")', None)
    return found


@step("event and series")
def _():
    client = ECal.Client.connect_sync(sources["Calendar", "Calendar"], ECal.ClientSourceType.EVENTS, CONNECTED, None)
    zone = ICalGLib.Timezone.get_builtin_timezone("Europe/Berlin")
    client.add_timezone_sync(zone, None)
    ok, one = client.create_object_sync(component("VEVENT", f"""SUMMARY:Plan {run}
DESCRIPTION:all of it
LOCATION:Room 1
DTSTART;TZID={zone.get_tzid()}:20260701T100000
DTEND;TZID={zone.get_tzid()}:20260701T113000
"""), ECal.OperationFlags.NONE, None)
    answer = find("calendar", f"Plan {run}")
    assert "<t:Start>2026-07-01T08:00:00Z</t:Start>" in answer and "<t:Location>Room 1</t:Location>" in answer, answer
    ok, event = client.get_object_sync(one, None, None)
    assert (event.get_location(), event.get_dtstart().as_ical_string()) == ("Room 1", "20260701T100000"), event.as_ical_string()
    event.set_location("Room 2")
    client.modify_object_sync(event, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)
    assert "<t:Location>Room 2</t:Location>" in find("calendar", f"Plan {run}")
    client.remove_object_sync(one, None, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)
    assert "CalendarItem>" not in find("calendar", f"Plan {run}")

    ok, series = client.create_object_sync(component("VEVENT", f"""SUMMARY:Weekly {run}
DTSTART;TZID={zone.get_tzid()}:20260706T090000
DTEND;TZID={zone.get_tzid()}:20260706T100000
RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=6
"""), ECal.OperationFlags.NONE, None)
    ok, event = client.get_object_sync(series, None, None)
    rule = event.get_first_property(ICalGLib.PropertyKind.RRULE_PROPERTY).get_rrule()
    assert (rule.get_freq(), rule.get_count(), rule.get_interval()) == (ICalGLib.RecurrenceFrequency.WEEKLY_RECURRENCE, 6, 1), event.as_ical_string()
    answer = find("calendar", f"Weekly {run}")
    assert "<t:CalendarItemType>RecurringMaster</t:CalendarItemType>" in answer, answer
    client.remove_object_sync(series, None, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)


@step("what others write is seen")
def _():
    client = ECal.Client.connect_sync(sources["Calendar", "Calendar"], ECal.ClientSourceType.EVENTS, CONNECTED, None)
    ask(f"""<m:CreateItem SendMeetingInvitations="SendToNone"><m:Items><t:CalendarItem><t:Subject>Elsewhere {run}</t:Subject><t:Start>2026-07-02T08:00:00Z</t:Start>
        <t:End>2026-07-02T09:00:00Z</t:End></t:CalendarItem></m:Items></m:CreateItem>""")
    client.refresh_sync(None)
    (event,) = until("event of another client", lambda: listed(client, f"Elsewhere {run}"))
    assert "DTSTART;TZID=Etc/GMT:20260702T080000" in event.as_ical_string(), event.as_ical_string()
    client.remove_object_sync(event.get_uid(), None, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)


@step("task")
def _():
    client = ECal.Client.connect_sync(sources["Task List", "Tasks"], ECal.ClientSourceType.TASKS, CONNECTED, None)
    ok, one = client.create_object_sync(component("VTODO", f"SUMMARY:Task {run}\nDUE;VALUE=DATE:20260801\nPRIORITY:1\n"), ECal.OperationFlags.NONE, None)
    assert "<t:Status>NotStarted</t:Status>" in find("tasks", f"Task {run}")
    ok, task = client.get_object_sync(one, None, None)
    task.set_status(ICalGLib.PropertyStatus.COMPLETED)
    client.modify_object_sync(task, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)
    assert "<t:Status>Completed</t:Status>" in find("tasks", f"Task {run}"), find("tasks", f"Task {run}")
    client.remove_object_sync(one, None, ECal.ObjModType.ALL, ECal.OperationFlags.NONE, None)
    assert "<t:Task>" not in find("tasks", f"Task {run}")


@step("contact")
def _():
    client = EBook.BookClient.connect_sync(sources["Address Book", "Contacts"], CONNECTED, None)
    card = f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Erika Muster{run}\r\nN:Muster{run};Erika;;;\r\nEMAIL;TYPE=WORK:erika.{run}@example.org\r\nTEL;TYPE=CELL:+49 170 1\r\nORG:Fabrikam\r\nEND:VCARD\r\n"
    ok, one = client.add_contact_sync(EBookContacts.Contact.new_from_vcard(card), EBookContacts.BookOperationFlags.NONE, None)
    ok, contact = client.get_contact_sync(one, None)
    assert contact.get_property("email-1") == f"erika.{run}@example.org" and contact.get_property("mobile-phone") == "+49 170 1", contact.to_string(EBookContacts.VCardFormat.VERSION_30)
    contact.set_property("title", "Head")
    client.modify_contact_sync(contact, EBookContacts.BookOperationFlags.NONE, None)
    ok, found = client.get_contacts_sync(f'(contains "full_name" "Muster{run}")', None)
    assert [c.get_property("title") for c in found] == ["Head"], found
    client.remove_contact_by_uid_sync(one, EBookContacts.BookOperationFlags.NONE, None)


@step("address list")
def _():
    client = EBook.BookClient.connect_sync(sources["Address Book", "Global Address List"], CONNECTED, None)

    def look():
        ok, found = client.get_contacts_sync('(contains "full_name" "Lindqvist")', None)
        return found
    found = until("Lindqvist", look)
    assert [c.get_property("email-1") for c in found] == ["bjorn@contoso.com"], [c.to_string(EBookContacts.VCardFormat.VERSION_30) for c in found]


class Session(Camel.Session):
    def do_authenticate_sync(self, service, mechanism, cancellable):
        return service.authenticate_sync(mechanism, cancellable) == Camel.AuthenticationResult.ACCEPTED


Camel.init(work + "/data", False)
Camel.provider_init()
session = Session(user_data_dir=work + "/data/mail", user_cache_dir=work + "/cache/mail")
session.set_online(True)


def service(of, kind):
    made = session.add_service(of, "ews", kind)
    settings = made.ref_settings()
    for name, value in {"hosturl": env["HMA_EWS"], "email": env["HMA_USER"], "user": env["HMA_USER"], "host": "localhost", "auth-mechanism": "Office365", "override-oauth2": True,
                        "oauth2-tenant": env["HMA_TENANT"], "oauth2-client-id": env["HMA_CLIENT_ID"], "oauth2-endpoint-host": env["HMA_AUTHORITY"]}.items():
        settings.set_property(name, value)
    assert made.connect_sync(None)
    return made


@step("mail listed and read")
def mail():
    store = service(uid, Camel.ProviderType.STORE)
    root = "Top of Information Store/"
    inbox, drafts = store.get_folder_sync(root + "Inbox", 0, None), store.get_folder_sync(root + "Drafts", 0, None)
    inbox.refresh_info_sync(None)
    uids = inbox.get_uids()
    assert len(uids) > 5, uids
    info = inbox.get_message_info(uids[0])
    message = inbox.get_message_sync(uids[0], None)
    assert message.get_subject() == info.get_subject() and message.get_message_id(), message.get_subject()
    return inbox, drafts


def having(folder, subject):
    folder.refresh_info_sync(None)
    return [u for u in folder.get_uids() if folder.get_message_info(u).get_subject() == subject]


@step("mail sent, marked, moved and deleted")
def _():
    inbox, drafts = mail
    subject = f"From Evolution {run}"
    message = Camel.MimeMessage()
    message.set_subject(subject)
    me = Camel.InternetAddress()
    me.add("", env["HMA_USER"])
    message.set_from(me)
    message.set_recipients("To", me)
    message.set_content("Grüße\r\n".encode(), "text/plain; charset=utf-8")
    message.set_message_id(None)
    assert service(uid + "-send", Camel.ProviderType.TRANSPORT).send_to_sync(message, me, me, None)[0]
    (one,) = until("sent message", lambda: having(inbox, subject))
    assert "<t:IsRead>false</t:IsRead>" in find("inbox", subject)
    inbox.get_message_info(one).set_flags(Camel.MessageFlags.SEEN | Camel.MessageFlags.FLAGGED, Camel.MessageFlags.SEEN | Camel.MessageFlags.FLAGGED)
    inbox.synchronize_sync(False, None)
    until("read mark", lambda: "<t:IsRead>true</t:IsRead>" in find("inbox", subject))
    assert inbox.transfer_messages_to_sync([one], drafts, True, None)[0]
    (moved,) = until("moved message", lambda: having(drafts, subject))
    assert not having(inbox, subject) and "<t:Message>" not in find("inbox", subject)
    drafts.get_message_info(moved).set_flags(Camel.MessageFlags.DELETED, Camel.MessageFlags.DELETED)
    drafts.synchronize_sync(True, None)
    until("deleted message", lambda: "<t:Message>" not in find("drafts", subject))


print("ok all", flush=True)
os._exit(0)  # what the providers began need not end in order
