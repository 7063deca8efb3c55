#!/usr/bin/python3
"""Drives an EWS server with Debian's python3-exchangelib as several people who work
with each other: one line for each step that works, exit 1 at the first that does not.

Environment: HMA_EWS (the service's URL), HMA_CA (the authority's certificate),
HMA_TOKEN_URL and HMA_SCOPE; HMA_CLIENT_ID for the password grant of HMA_PEOPLE, a list
of address and password, JSON: four people. HMA_SERVICE_ID and HMA_SERVICE_SECRET are
those of an application that may impersonate the first two alone. HMA_SHARED is a
mailbox that the first has full access to and sends as; the second lets the first send
on behalf. HMA_ROOM is a room that accepts by itself. The first has an archive mailbox.
"""
import datetime
import json
import os
import sys
import time

os.environ["OAUTHLIB_RELAX_TOKEN_SCOPE"] = "1"
os.environ["REQUESTS_CA_BUNDLE"] = os.environ["HMA_CA"]

from exchangelib import (  # noqa: E402
    DELEGATE, IMPERSONATION, OAUTH2, UTC, Account, Attendee, Build, CalendarItem, Configuration, EWSDate, EWSDateTime, EWSTimeZone, Folder, Mailbox,
    Message, OAuth2Credentials, OofSettings, Version,
)
from exchangelib.errors import (  # noqa: E402
    ErrorAccessDenied, ErrorFolderNotFound, ErrorImpersonateUserDenied, ErrorItemNotFound, ErrorSendAsDenied,
)
from exchangelib.items import (  # noqa: E402
    SEND_ONLY_TO_ALL, SEND_TO_ALL_AND_SAVE_COPY, MeetingCancellation, MeetingRequest, MeetingResponse, SEND_TO_CHANGED_AND_SAVE_COPY,
)
from exchangelib.folders import SingleFolderQuerySet  # noqa: E402
from exchangelib.properties import DistinguishedFolderId  # noqa: E402
from exchangelib.recurrence import Recurrence, WeeklyPattern  # noqa: E402
from exchangelib.services.common import EWSAccountService  # noqa: E402
from exchangelib.util import MNS, TNS  # noqa: E402
from lxml.etree import fromstring  # noqa: E402

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from password import Password  # noqa: E402
from step import step  # noqa: E402

env = os.environ
run = f"{int(time.time() * 1000)}"


class Service(OAuth2Credentials):
    """An application's own token from the same authority."""

    @property
    def token_url(self):
        return env["HMA_TOKEN_URL"]

    @property
    def scope(self):
        return env["HMA_SCOPE"].split()


def refused(error, do):
    try:
        do()
    except error:
        return
    raise AssertionError(f"no {error.__name__}")


def ask(account, name, content):
    """An operation that exchangelib does not write itself, by its own service class."""
    class Service(EWSAccountService):
        SERVICE_NAME = name
        returns_elements = False

    list(Service(account=account)._get_elements(fromstring(f'<m:{name} xmlns:m="{MNS}" xmlns:t="{TNS}">{content}</m:{name}>')))


def configuration(credentials):
    return Configuration(service_endpoint=env["HMA_EWS"], credentials=credentials, auth_type=OAUTH2, version=Version(Build(15, 2)))


def mailbox(config, address, access=DELEGATE):
    return Account(address, config=config, autodiscover=False, access_type=access, default_timezone=berlin)


def waited(what, look, seconds=10):
    """What look returns once it is something."""
    until = time.time() + seconds
    while not (found := look()):
        assert time.time() < until, f"no {what}"
        time.sleep(0.1)
    return found


def arrived(folder, subject, kind=Message):
    """Waits for exactly one item of the kind with the subject."""
    found = waited(f"{kind.__name__} {subject!r} in {folder}", lambda: [i for i in folder.filter(subject=subject) if type(i) is kind])
    assert len(found) == 1, found
    return found[0]


def at(day, hour, minute=0):
    return EWSDateTime(2026, 9, day, hour, minute, tzinfo=berlin)


berlin = EWSTimeZone("Europe/Berlin")
people = json.loads(env["HMA_PEOPLE"])
configs = [configuration(Password(client_id=env["HMA_CLIENT_ID"], client_secret=None, username=p["upn"], password=p["password"])) for p in people]
addresses = [p["upn"] for p in people]
alice, bjorn, chen, dana = (mailbox(c, a) for c, a in zip(configs, addresses))


def answers(meeting):
    """What the organiser's own item says of everybody."""
    item = alice.calendar.get(id=meeting.id)
    return {a.mailbox.email_address.lower(): a.response_type for a in (item.required_attendees or []) + (item.optional_attendees or []) + (item.resources or [])}


def event(account, subject, kind="Single"):
    found = [i for i in account.calendar.filter(subject__contains=subject) if i.type == kind]
    return found[0] if found else None


def busy(address, day):
    (info,) = alice.protocol.get_free_busy_info(accounts=[(address, "Required", False)], start=at(day, 8), end=at(day, 18), merged_free_busy_interval=60)
    return info.merged


@step("shared mailbox with full access, sent as it")
def _():
    info = mailbox(configs[0], env["HMA_SHARED"])
    assert {"Inbox", "Calendar"} <= {f.name for f in info.msg_folder_root.walk()}
    subject = f"from all of us {run}"
    m = Message(account=info, folder=info.sent, subject=subject, body="x", author=Mailbox(email_address=env["HMA_SHARED"]), to_recipients=[addresses[1], env["HMA_SHARED"]])
    m.send_and_save()
    got = arrived(bjorn.inbox, subject)
    assert {got.author.email_address.lower(), got.sender.email_address.lower()} == {env["HMA_SHARED"]}, (got.author, got.sender)
    own = arrived(info.inbox, subject)
    own.is_read = True
    own.save(update_fields=["is_read"])
    own.move(Folder(parent=info.inbox, name=f"done {run}").save())
    assert arrived(info.sent, subject).is_read and not alice.sent.filter(subject=subject).exists()
    refused(ErrorAccessDenied, lambda: list(mailbox(configs[1], env["HMA_SHARED"]).inbox.all().only("subject")))


@step("send on behalf, and not as anybody")
def _():
    def send(as_whom):
        subject = f"on behalf {as_whom} {run}"
        Message(account=alice, subject=subject, body="x", author=Mailbox(email_address=as_whom), to_recipients=[addresses[2]]).send(save_copy=False)
        return arrived(chen.inbox, subject)
    got = send(addresses[1])
    assert (got.author.email_address, got.sender.email_address) == (addresses[1], addresses[0]), (got.author, got.sender)
    refused(ErrorSendAsDenied, lambda: send(addresses[3]))


@step("folder permissions")
def _():
    calendar = bjorn.calendar
    planned = CalendarItem(account=bjorn, folder=calendar, subject=f"shared {run}", start=at(2, 10), end=at(2, 11), legacy_free_busy_status="Free").save()
    secret = CalendarItem(account=bjorn, folder=calendar, subject=f"secret {run}", start=at(2, 11), end=at(2, 12), legacy_free_busy_status="Free", sensitivity="Private").save()
    their = DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address=addresses[1]))

    def allow(level):
        ask(bjorn, "UpdateFolder", f'''<m:FolderChanges><t:FolderChange><t:DistinguishedFolderId Id="calendar"/><t:Updates><t:SetFolderField>
            <t:FieldURI FieldURI="folder:PermissionSet"/><t:CalendarFolder><t:PermissionSet><t:CalendarPermissions><t:CalendarPermission>
            <t:UserId><t:DistinguishedUser>Default</t:DistinguishedUser></t:UserId><t:CalendarPermissionLevel>FreeBusyTimeOnly</t:CalendarPermissionLevel>
            </t:CalendarPermission><t:CalendarPermission><t:UserId><t:PrimarySmtpAddress>{addresses[0]}</t:PrimarySmtpAddress></t:UserId><t:CalendarPermissionLevel>{level}</t:CalendarPermissionLevel>
            </t:CalendarPermission></t:CalendarPermissions></t:PermissionSet></t:CalendarFolder></t:SetFolderField></t:Updates></t:FolderChange></m:FolderChanges>''')
        calendar.refresh()
        got = {p.user_id.primary_smtp_address: p.calendar_permission_level for p in calendar.permission_set.calendar_permissions if p.user_id.primary_smtp_address}
        assert got == {addresses[0]: level}, got

    def visit(level):
        allow(level)
        found = SingleFolderQuerySet(account=alice, folder=their).resolve()
        found.is_distinguished = False  # or exchangelib names it as a folder of her own from now on
        return found

    refused(ErrorAccessDenied, lambda: visit("None"))
    seen = [i for i in visit("Reviewer").view(start=at(2, 8), end=at(2, 18))]
    assert [(i.id, i.subject) for i in seen if i.subject == planned.subject] == [(planned.id, planned.subject)], seen
    assert not [i for i in seen if i.subject == secret.subject], "a private event is shown"
    item = next(i for i in seen if i.subject == planned.subject)
    item.subject = "changed by a reviewer"
    refused(ErrorAccessDenied, lambda: item.save(update_fields=["subject"]))
    visited = visit("Editor")
    item.subject = f"by an editor {run}"
    item.save(update_fields=["subject"])
    CalendarItem(account=alice, folder=visited, subject=f"made by an editor {run}", start=at(2, 14), end=at(2, 15), legacy_free_busy_status="Free").save()
    assert [i.subject for i in calendar.view(start=at(2, 8), end=at(2, 18)) if run in i.subject] == [item.subject, secret.subject, f"made by an editor {run}"]
    inbox = DistinguishedFolderId(id="inbox", mailbox=Mailbox(email_address=addresses[1]))
    assert isinstance(SingleFolderQuerySet(account=alice, folder=inbox).resolve(), ErrorFolderNotFound)
    allow("FreeBusyTimeOnly")


@step("delegates")
def _():
    assert bjorn.delegates == [], bjorn.delegates
    user = f"<t:UserId><t:PrimarySmtpAddress>{addresses[2]}</t:PrimarySmtpAddress></t:UserId>"
    mailbox_of = f"<m:Mailbox><t:EmailAddress>{addresses[1]}</t:EmailAddress></m:Mailbox>"
    ask(bjorn, "AddDelegate", f"""{mailbox_of}<m:DelegateUsers><t:DelegateUser>{user}<t:DelegatePermissions>
        <t:CalendarFolderPermissionLevel>Editor</t:CalendarFolderPermissionLevel></t:DelegatePermissions>
        <t:ReceiveCopiesOfMeetingMessages>true</t:ReceiveCopiesOfMeetingMessages><t:ViewPrivateItems>true</t:ViewPrivateItems></t:DelegateUser></m:DelegateUsers>
        <m:DeliverMeetingRequests>DelegatesAndMe</m:DeliverMeetingRequests>""")
    (delegate,) = bjorn.delegates
    assert (delegate.user_id.primary_smtp_address, delegate.delegate_permissions.calendar_folder_permission_level, delegate.view_private_items,
            delegate.receive_copies_of_meeting_messages) == (addresses[2], "Editor", True, True), delegate
    their = SingleFolderQuerySet(account=chen, folder=DistinguishedFolderId(id="calendar", mailbox=Mailbox(email_address=addresses[1]))).resolve()
    their.is_distinguished = False
    assert f"secret {run}" in [i.subject for i in their.view(start=at(2, 8), end=at(2, 18))], "a delegate who may sees no private event"
    m = CalendarItem(account=alice, folder=alice.calendar, subject=f"Ask the delegate {run}", start=at(3, 10), end=at(3, 11), required_attendees=[addresses[1]])
    m.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    arrived(bjorn.inbox, m.subject, MeetingRequest)
    request = arrived(chen.inbox, m.subject, MeetingRequest)
    assert request.is_delegated, request
    request.accept()
    waited(f"the delegate's answer, but {answers(m)}", lambda: answers(m) == {addresses[1]: "Accept"})
    assert event(bjorn, m.subject).my_response_type == "Accept" and not event(chen, m.subject)
    alice.calendar.get(id=m.id).delete(send_meeting_cancellations=SEND_TO_ALL_AND_SAVE_COPY)
    ask(bjorn, "RemoveDelegate", f"{mailbox_of}<m:UserIds>{user}</m:UserIds>")
    assert bjorn.delegates == [], bjorn.delegates


@step("user configurations")
def _():
    name = f"Team{run}"
    alice.inbox.create_user_configuration(name, dictionary={"a": 1, "b": ["x", "y"], "c": True}, xml_data=b"<a>\xc3\xa4</a>", binary_data=bytes(range(256)))
    got = alice.inbox.get_user_configuration(name)
    assert (got.dictionary, got.xml_data, got.binary_data) == ({"a": 1, "b": ("x", "y"), "c": True}, b"<a>\xc3\xa4</a>", bytes(range(256))), got
    alice.inbox.update_user_configuration(name, dictionary={"a": 2})
    assert alice.inbox.get_user_configuration(name).dictionary == {"a": 2}
    alice.inbox.delete_user_configuration(name)
    refused(ErrorItemNotFound, lambda: alice.inbox.get_user_configuration(name))


@step("out of office answers each sender once")
def _():
    words = f"I am out {run}"
    dana.oof_settings = OofSettings(state="Enabled", external_audience="None", internal_reply=words, external_reply=words)
    got = dana.oof_settings
    assert (got.state, got.external_audience) == ("Enabled", "None") and words in got.internal_reply, got
    for sender, subjects in ((alice, ("first", "second")), (bjorn, ("third",))):
        for subject in subjects:
            Message(account=sender, subject=f"{subject} {run}", body="x", to_recipients=[addresses[3]]).send(save_copy=False)
            arrived(dana.inbox, f"{subject} {run}")

    def replies(account):
        return [m for m in account.inbox.filter(subject__contains=run).only("subject", "author", "text_body") if m.author.email_address == addresses[3]]
    for account, subject in ((alice, "first"), (bjorn, "third")):
        (reply,) = waited("out of office reply", lambda: replies(account))
        assert f"{subject} {run}" in reply.subject and words in reply.text_body, reply
    dana.oof_settings = OofSettings(state="Scheduled", external_audience="All", start=EWSDateTime.now(tz=UTC) + datetime.timedelta(days=1),
                                    end=EWSDateTime.now(tz=UTC) + datetime.timedelta(days=2), internal_reply=words, external_reply=words)
    assert dana.oof_settings.state == "Scheduled"
    Message(account=chen, subject=f"not yet {run}", body="x", to_recipients=[addresses[3]]).send(save_copy=False)
    arrived(dana.inbox, f"not yet {run}")
    dana.oof_settings = OofSettings(state="Disabled", external_audience="None", internal_reply="", external_reply="")
    assert dana.oof_settings.state == "Disabled"
    assert not replies(chen) and len(replies(alice)) == 1, (replies(chen), replies(alice))


@step("impersonation by an application")
def _():
    config = configuration(Service(client_id=env["HMA_SERVICE_ID"], client_secret=env["HMA_SERVICE_SECRET"]))
    for own in alice, bjorn:
        account = mailbox(config, own.primary_smtp_address, IMPERSONATION)
        assert account.inbox.total_count >= 1 and account.inbox.id == own.inbox.id
    account = mailbox(config, addresses[0], IMPERSONATION)
    subject = f"by the application {run}"
    Message(account=account, folder=account.sent, subject=subject, body="x", to_recipients=[addresses[1]]).send_and_save()
    got = arrived(bjorn.inbox, subject)
    assert (got.author.email_address, got.sender.email_address) == (addresses[0], addresses[0]), got
    arrived(alice.sent, subject)
    refused(ErrorImpersonateUserDenied, lambda: mailbox(config, addresses[2], IMPERSONATION).inbox.total_count)
    refused(ErrorImpersonateUserDenied, lambda: mailbox(configs[1], addresses[0], IMPERSONATION).inbox.total_count)


@step("meeting asked for, accepted and declined")
def meeting():
    subject = f"Meeting {run}"
    m = CalendarItem(account=alice, folder=alice.calendar, subject=subject, body="Agenda", start=at(7, 10), end=at(7, 11), location="Danube",
                     required_attendees=[addresses[1]], optional_attendees=[addresses[2]], resources=[env["HMA_ROOM"]])
    m.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    own = alice.calendar.get(id=m.id)
    assert own.is_meeting and own.my_response_type == "Organizer" and own.meeting_request_was_sent, own
    request = arrived(bjorn.inbox, subject, MeetingRequest)
    assert (request.start, request.end, request.location, request.meeting_request_type) == (at(7, 10), at(7, 11), "Danube", "NewMeetingRequest"), request
    assert request.author.email_address == addresses[0] and "Agenda" in request.text_body, request
    theirs = waited("tentative event", lambda: event(bjorn, subject))
    assert (theirs.my_response_type, theirs.legacy_free_busy_status, theirs.uid) == ("NoResponseReceived", "Tentative", own.uid), theirs
    assert request.associated_calendar_item_id.id == theirs.id, request.associated_calendar_item_id
    assert busy(addresses[1], 7) == "0010000000", busy(addresses[1], 7)

    request.accept(body="I shall come")
    theirs = event(bjorn, subject)
    assert (theirs.my_response_type, theirs.legacy_free_busy_status, theirs.organizer.email_address) == ("Accept", "Busy", addresses[0]), theirs
    assert busy(addresses[1], 7) == "0020000000", busy(addresses[1], 7)
    arrived(chen.inbox, subject, MeetingRequest).decline(body="Not then")
    want = {addresses[1]: "Accept", addresses[2]: "Decline", env["HMA_ROOM"]: "Accept"}
    waited(f"{want} at the organiser, but {answers(m)}", lambda: answers(m) == want)
    response = waited("answer", lambda: [i for i in alice.inbox.filter(subject__contains=subject) if type(i) is MeetingResponse and i.author.email_address == addresses[1]])[0]
    assert response.response_type == "Accept" and "I shall come" in response.text_body, response
    assert not event(chen, subject), "a declined meeting stays in the calendar"
    assert busy(env["HMA_ROOM"], 7) == "0020000000", busy(env["HMA_ROOM"], 7)
    return m


@step("room that is taken declines")
def _():
    m = CalendarItem(account=alice, folder=alice.calendar, subject=f"Too late {run}", start=at(7, 10, 30), end=at(7, 11, 30), resources=[env["HMA_ROOM"]])
    m.save(send_meeting_invitations=SEND_ONLY_TO_ALL)
    waited("refusal", lambda: answers(m) == {env["HMA_ROOM"]: "Decline"})
    alice.calendar.get(id=m.id).delete(send_meeting_cancellations=SEND_TO_ALL_AND_SAVE_COPY)


@step("meeting moved and taken away")
def _():
    subject = meeting.subject
    for r in bjorn.inbox.filter(subject__contains=subject):
        r.delete()
    own = alice.calendar.get(id=meeting.id)
    own.start, own.end, own.location = at(8, 14), at(8, 15), "Vltava"
    own.save(update_fields=["start", "end", "location"], send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    waited("moved event", lambda: event(bjorn, subject) and event(bjorn, subject).start == at(8, 14))
    request = arrived(bjorn.inbox, subject, MeetingRequest)
    assert (request.start, request.location, request.meeting_request_type) == (at(8, 14), "Vltava", "FullUpdate"), request
    assert event(bjorn, subject).appointment_sequence_number == own.appointment_sequence_number + 1, (event(bjorn, subject), own)
    waited("room at the new time", lambda: busy(env["HMA_ROOM"], 8) == "0000002000")
    assert busy(env["HMA_ROOM"], 7) == "0000000000"
    event(bjorn, subject).tentatively_accept()
    waited("tentative answer", lambda: answers(meeting)[addresses[1]] == "Tentative")

    alice.calendar.get(id=meeting.id).cancel(new_body="It rains")
    waited("cancellation", lambda: [i for i in bjorn.inbox.filter(subject__contains=subject) if type(i) is MeetingCancellation])
    theirs = event(bjorn, subject)
    assert theirs is None or theirs.is_cancelled and theirs.legacy_free_busy_status == "Free", theirs
    assert not event(alice, subject)
    waited("free room", lambda: busy(env["HMA_ROOM"], 8) == "0000000000")


@step("series of meetings, one of them changed and one cancelled")
def _():
    subject = f"Weekly {run}"
    m = CalendarItem(account=alice, folder=alice.calendar, subject=subject, start=at(7, 9), end=at(7, 10), required_attendees=[addresses[1]],
                     recurrence=Recurrence(pattern=WeeklyPattern(interval=1, weekdays=["Monday"]), start=EWSDate(2026, 9, 7), number=4))
    m.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    request = arrived(bjorn.inbox, subject, MeetingRequest)
    assert request.recurrence.pattern.weekdays == [1] and request.recurrence.boundary.number == 4, request.recurrence
    request.accept()
    waited("acceptance of a series", lambda: answers(m) == {addresses[1]: "Accept"})

    def days(account):
        return [(i.start.astimezone(berlin).day, i.start.astimezone(berlin).hour) for i in account.calendar.view(start=at(1, 0), end=at(30, 0))
                if subject in i.subject and not i.is_cancelled]
    assert days(bjorn) == days(alice) == [(7, 9), (14, 9), (21, 9), (28, 9)], (days(alice), days(bjorn))
    second = alice.calendar.get(id=m.id).occurrence(2)
    second.refresh()
    second.start, second.end = at(15, 16), at(15, 17)
    second.save(update_fields=["start", "end"], send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
    waited("moved occurrence", lambda: days(bjorn) == [(7, 9), (15, 16), (21, 9), (28, 9)])
    third = alice.calendar.get(id=m.id).occurrence(3)
    third.refresh()
    third.cancel()
    waited("cancelled occurrence", lambda: days(bjorn) == [(7, 9), (15, 16), (28, 9)])
    assert days(alice) == days(bjorn), days(alice)
    alice.calendar.get(id=m.id).delete(send_meeting_cancellations=SEND_TO_ALL_AND_SAVE_COPY)
    waited(f"end of the series, but {days(bjorn)}", lambda: not days(bjorn))


@step("archive mailbox, moved to and read")
def _():
    subject = f"long ago {run}"
    m = Message(account=alice, folder=alice.inbox, subject=subject, body="x")
    m.save()
    (moved,) = alice.bulk_archive(ids=[(m.id, m.changekey)], to_folder=alice.inbox)
    assert not alice.inbox.filter(subject=subject).exists()
    found = arrived(alice.archive_inbox, subject)
    assert found.id == moved[0], (found.id, moved)
    assert "Inbox" in {f.name for f in alice.archive_msg_folder_root.walk()}
    found.delete()


for account in alice, bjorn, chen, dana:
    for folder in (account.inbox, account.sent, account.calendar):
        folder.filter(subject__contains=run).delete(send_meeting_cancellations="SendToNone")
print("ok all", flush=True)
