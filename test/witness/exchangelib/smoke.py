#!/usr/bin/python3
"""Drives an EWS server with Debian's python3-exchangelib: one line for each step
that works, exit 1 at the first that does not.

Environment: HMA_EWS (the service's URL), HMA_USER (user principal name),
HMA_SMTP (her address), HMA_OTHER (another address of the organisation, optional),
HMA_GROUP (a distribution group that both are members of) and HMA_ROOMS (a room list), optional,
HMA_CA (the authority's certificate). The token comes from HMA_TOKEN, or from
HMA_TOKEN_URL with HMA_SCOPE, HMA_CLIENT_ID, HMA_CLIENT_SECRET (optional) and
HMA_PASSWORD by the password grant.
"""
import datetime
import os
import sys
import time
from decimal import Decimal

# An authority may name the single permissions that ".default" stands for.
os.environ["OAUTHLIB_RELAX_TOKEN_SCOPE"] = "1"
if os.environ.get("HMA_CA"):
    os.environ["REQUESTS_CA_BUNDLE"] = os.environ["HMA_CA"]

import exchangelib  # noqa: E402
import exchangelib.services  # noqa: E402
from exchangelib import (  # noqa: E402
    DELEGATE, UTC, Account, CalendarItem, Configuration, Contact, EWSDate, EWSDateTime, EWSTimeZone, FileAttachment, Folder, HTMLBody, Mailbox, Message,
    OAuth2AuthorizationCodeCredentials, Task,
)
from exchangelib.errors import ErrorItemNotFound, ErrorNameResolutionNoResults  # noqa: E402
from exchangelib.items import DistributionList  # noqa: E402
from exchangelib.properties import Member  # noqa: E402
from exchangelib.services import GetPersona  # noqa: E402
from exchangelib.indexed_properties import EmailAddress, PhoneNumber, PhysicalAddress  # noqa: E402
from exchangelib.recurrence import (  # noqa: E402
    AbsoluteMonthlyPattern, AbsoluteYearlyPattern, DailyPattern, Recurrence, RelativeMonthlyPattern, RelativeYearlyPattern, WeeklyPattern,
)

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from password import Password  # noqa: E402
from step import step  # noqa: E402

env = os.environ


def credentials():
    if env.get("HMA_TOKEN"):
        return OAuth2AuthorizationCodeCredentials(access_token={
            "access_token": env["HMA_TOKEN"], "token_type": "Bearer", "expires_in": 3600, "expires_at": time.time() + 3600})
    return Password(client_id=env["HMA_CLIENT_ID"], client_secret=env.get("HMA_CLIENT_SECRET") or None,
                    username=env["HMA_USER"], password=env["HMA_PASSWORD"])


def arrived(folder, subject, seconds=10):
    """Waits for exactly one message with the subject."""
    until = time.time() + seconds
    while True:
        found = list(folder.filter(subject=subject))
        if found:
            assert len(found) == 1, f"{len(found)} messages with the subject"
            return found[0]
        assert time.time() < until, f"{subject!r} did not arrive"
        time.sleep(0.1)


run = f"{int(time.time() * 1000)}"


@step("sign in")
def account():
    config = Configuration(service_endpoint=env["HMA_EWS"], credentials=credentials(), auth_type=exchangelib.OAUTH2)
    a = Account(env["HMA_SMTP"], config=config, autodiscover=False, access_type=DELEGATE)
    assert a.version.build.major_version == 15, a.version
    return a


@step("list folders")
def _():
    names = {f.name for f in account.msg_folder_root.walk()}
    assert {"Inbox", "Drafts", "Sent Items", "Deleted Items"} <= names, names
    tree = account.root.tree()
    assert "Inbox" in tree, tree
    assert account.inbox.folder_class == "IPF.Note", account.inbox.folder_class


@step("list inbox")
def _():
    assert account.inbox.total_count >= 1
    page = list(account.inbox.all().order_by("-datetime_received")[:10])
    assert page and all(m.id and m.subject is not None for m in page)
    assert [m.datetime_received for m in page] == sorted((m.datetime_received for m in page), reverse=True)
    assert account.inbox.all().count() == account.inbox.total_count
    few = list(account.inbox.all().only("subject", "sender", "is_read").order_by("subject")[:5])
    assert few


@step("filter")
def _():
    one = account.inbox.all().order_by("-datetime_received")[0]
    found = list(account.inbox.filter(subject=one.subject).only("subject"))
    assert any(m.id == one.id for m in found)
    word = one.subject.split()[0]
    assert any(m.id == one.id for m in account.inbox.filter(subject__icontains=word.upper()).only("subject"))
    assert any(m.id == one.id for m in account.inbox.filter(datetime_received__gte=one.datetime_received).only("subject"))
    assert not list(account.inbox.filter(subject="no such subject " + run).only("subject"))
    read = account.inbox.filter(is_read=True).count()
    unread = account.inbox.filter(is_read=False).count()
    assert read + unread == account.inbox.all().count(), (read, unread)


@step("search with words, in bodies and by category")
def _():
    word = "zebra" + run
    old = Message(account=account, folder=account.drafts, subject="Found second", body=f"the {word}s of the plain", categories=["Blue " + run]).save()
    new = Message(account=account, folder=account.drafts, subject=f"Found first {word}", body="something else").save()
    found = lambda *q, **f: {m.id for m in account.drafts.filter(*q, **f).only("subject")}
    assert found(word.upper()) == {old.id, new.id}
    assert [m.id for m in account.drafts.filter(word).only("subject")] == [new.id, old.id], "newest first"
    assert found(f"subject:{word}") == {new.id}
    assert found(f'"the {word}s" category:blue') == {old.id}
    assert found(f"{word} NOT subject:first received:today") <= {old.id}
    assert not found(f"{word} received:yesterday")
    assert found(body__icontains=f"{word}S of") == {old.id}
    assert found(categories__contains="Blue " + run) == {old.id}
    assert [m.id for m in account.drafts.filter(subject__icontains="found").order_by("subject").only("subject")][:2] == [new.id, old.id]
    for m in old, new:
        m.delete()


@step("send to self with attachment")
def sent():
    subject = f"Grüße & <smoke> {run}"
    m = Message(account=account, folder=account.sent, subject=subject, body=HTMLBody("<html><body><p>hello <b>wörld</b></p></body></html>"),
                to_recipients=[Mailbox(email_address=env["HMA_SMTP"])], importance="High")
    m.attach(FileAttachment(name="data.bin", content=bytes(range(256)) * 300))
    m.send_and_save()
    return subject


@step("read it with body and attachment")
def received():
    m = arrived(account.inbox, sent)
    assert "wörld" in m.body and "<b>" in m.body, m.body
    assert "hello" in m.text_body
    assert m.importance == "High", m.importance
    assert m.sender.email_address.lower() == env["HMA_SMTP"].lower(), m.sender
    assert [r.email_address.lower() for r in m.to_recipients] == [env["HMA_SMTP"].lower()]
    assert m.has_attachments and len(m.attachments) == 1, m.attachments
    a = m.attachments[0]
    assert a.name == "data.bin" and a.content == bytes(range(256)) * 300
    with a.fp as fp:
        assert fp.read() == bytes(range(256)) * 300
    assert b"Subject:" in m.mime_content and m.message_id in m.mime_content.decode("utf-8", "replace")
    assert not m.is_read and not m.is_draft
    return m


@step("a copy is in Sent Items")
def _():
    m = arrived(account.sent, sent)
    assert m.is_read and not m.is_draft


if env.get("HMA_OTHER"):
    @step("send to another user")
    def _():
        Message(account=account, subject=f"to another {run}", body="plain text",
                to_recipients=[env["HMA_OTHER"]], cc_recipients=[env["HMA_SMTP"]]).send(save_copy=False)
        m = arrived(account.inbox, f"to another {run}")
        assert [r.email_address.lower() for r in m.to_recipients] == [env["HMA_OTHER"].lower()]
        assert m.text_body.strip() == "plain text", m.text_body


@step("draft, then send it")
def _():
    subject = f"draft {run}"
    m = Message(account=account, folder=account.drafts, subject=subject, body="from a draft", to_recipients=[env["HMA_SMTP"]]).save()
    assert m.id and m.changekey
    again = account.drafts.get(id=m.id, changekey=m.changekey)
    assert again.is_draft and again.subject == subject
    m.send()
    arrived(account.inbox, subject)
    arrived(account.sent, subject)
    assert not account.drafts.filter(subject=subject).exists()


@step("save with MIME")
def _():
    mime = f"From: <{env['HMA_SMTP']}>\r\nTo: <{env['HMA_SMTP']}>\r\nSubject: mime {run}\r\n\r\nexact\r\n".encode()
    m = Message(account=account, folder=account.drafts, mime_content=mime).save()
    again = account.drafts.get(id=m.id, changekey=m.changekey)
    assert again.mime_content == mime and again.subject == f"mime {run}"
    again.delete()


@step("mark as read")
def _():
    received.is_read = True
    received.categories = ["Blue", "Grün"]
    received.save(update_fields=["is_read", "categories"])
    again = account.inbox.get(id=received.id, changekey=received.changekey)
    assert again.is_read and again.categories == ["Blue", "Grün"], (again.is_read, again.categories)
    assert [m.id for m in account.inbox.filter(categories__contains=["Grün"]).only("subject")] == [received.id]


@step("sync hierarchy and items")
def _():
    assert list(account.msg_folder_root.sync_hierarchy())
    state = account.msg_folder_root.folder_sync_state
    assert state and not list(account.msg_folder_root.sync_hierarchy(sync_state=state))
    changes = list(account.inbox.sync_items(only_fields=["subject", "is_read"]))
    assert len(changes) == account.inbox.all().count() and all(kind == "create" for kind, _ in changes), len(changes)
    state = account.inbox.item_sync_state
    assert not list(account.inbox.sync_items(sync_state=state))


@step("move")
def moved():
    old = received.id
    list(account.inbox.sync_items())
    state = account.inbox.item_sync_state
    received.move(to_folder=account.junk)
    assert received.id != old
    found = arrived(account.junk, sent)
    assert (found.id, found.changekey) == (received.id, received.changekey)
    gone = list(account.fetch(ids=[(old, None)]))
    assert isinstance(gone[0], ErrorItemNotFound), gone
    changes = list(account.inbox.sync_items(sync_state=state))
    assert [(kind, i.id) for kind, i in changes] == [("delete", old)], changes
    return found


def own(subject):
    Message(account=account, subject=subject, body="x", to_recipients=[env["HMA_SMTP"]]).send(save_copy=False)
    return arrived(account.inbox, subject).id


@step("pull notifications")
def _():
    with account.inbox.pull_subscription() as (subscription, watermark):
        assert [type(e).__name__ for n in account.inbox.get_events(subscription, watermark) for e in n.events] == ["StatusEvent"]
        sent_id = own(f"pull {run}")
        seen = [e for n in account.inbox.get_events(subscription, watermark) for e in n.events]
        kinds = {type(e).__name__ for e in seen if getattr(e, "item_id", None) and e.item_id.id == sent_id}
        assert kinds == {"NewMailEvent", "CreatedEvent"}, kinds


@step("streaming notifications")
def _():
    with account.inbox.streaming_subscription() as subscription:
        sent_id = own(f"stream {run}")
        notification = next(account.inbox.get_streaming_events(subscription, connection_timeout=1, max_notifications_returned=1))
        kinds = {type(e).__name__ for e in notification.events if getattr(e, "item_id", None) and e.item_id.id == sent_id}
        assert kinds == {"NewMailEvent", "CreatedEvent"}, kinds


@step("folders")
def _():
    work = Folder(parent=account.inbox, name=f"Work {run}").save()
    work.name = f"Plans {run}"
    work.save(update_fields=["name"])
    account.root.clear_cache()
    work = account.inbox / f"Plans {run}"
    assert work.folder_class == "IPF.Note" and work.total_count == 0, work
    moved.copy(to_folder=work)
    assert [m.subject for m in work.all().only("subject")] == [sent]
    Folder(parent=work, name="below").save()
    work.move(account.msg_folder_root)
    account.root.clear_cache()
    work = account.msg_folder_root / f"Plans {run}"
    assert (work / "below").name == "below"
    work.empty(delete_sub_folders=True)
    assert work.all().count() == 0
    work.delete()
    account.root.clear_cache()
    assert f"Plans {run}" not in {f.name for f in account.msg_folder_root.walk()}


@step("attach to a stored item")
def _():
    m = Message(account=account, folder=account.drafts, subject=f"attach {run}", body="x").save()
    m.attach(FileAttachment(name="a.txt", content=b"hello"))
    m.attach(FileAttachment(name="b.txt", content=b"again"))
    again = account.drafts.get(id=m.id)
    assert sorted(a.name for a in again.attachments) == ["a.txt", "b.txt"], again.attachments
    assert again.changekey == m.changekey
    m.detach(m.attachments[0])
    again = account.drafts.get(id=m.id)
    assert [a.content for a in again.attachments] == [b"again"]
    again.delete()


@step("contacts")
def _():
    address = f"erika.{run}@example.org"
    c = Contact(account=account, folder=account.contacts, file_as="Muster, Erika", file_as_mapping="LastCommaFirst",
                display_name=f"Erika Muster {run}", given_name="Erika", surname="Muster", company_name="Fabrikam", job_title="Head",
                body="met in Ulm", birthday=datetime.date(1980, 2, 29), children=["Max", "Mia"], categories=["Friends"],
                email_addresses=[EmailAddress(label="EmailAddress1", email=address)],
                phone_numbers=[PhoneNumber(label="MobilePhone", phone_number="+49 170 1"), PhoneNumber(label="HomePhone", phone_number="+49 731 2")],
                physical_addresses=[PhysicalAddress(label="Home", street="Am Markt 1", city="Ulm", zipcode="89073", country="Germany")],
                postal_address_index="Home").save()
    again = account.contacts.get(id=c.id, changekey=c.changekey)
    for name in ("subject", "file_as", "file_as_mapping", "display_name", "given_name", "surname", "company_name", "job_title", "body",
                 "birthday", "children", "categories", "postal_address_index", "physical_addresses"):
        want, got = getattr(c, name), getattr(again, name)
        if name == "subject":
            want = c.display_name
        assert got == want, (name, got, want)
    assert [(e.label, e.email) for e in again.email_addresses] == [("EmailAddress1", address)], again.email_addresses
    assert {p.label: p.phone_number for p in again.phone_numbers} == {"MobilePhone": "+49 170 1", "HomePhone": "+49 731 2"}, again.phone_numbers
    assert again.complete_name.last_name == "Muster" and again.contact_source == "Store"

    again.job_title = None
    again.surname = "Mustermann"
    again.email_addresses = [EmailAddress(label="EmailAddress2", email=address)]
    again.phone_numbers = [PhoneNumber(label="MobilePhone", phone_number="+49 170 3")]
    again.physical_addresses = [PhysicalAddress(label="Home", street="Am Markt 2", city="Ulm", zipcode="89073", country="Germany")]
    again.save()
    again = account.contacts.get(id=c.id)
    assert (again.job_title, again.surname, again.given_name) == (None, "Mustermann", "Erika"), again
    assert {e.label: e.email for e in again.email_addresses if e.email} == {"EmailAddress2": address}, again.email_addresses
    assert {p.label: p.phone_number for p in again.phone_numbers if p.phone_number} == {"MobilePhone": "+49 170 3"}, again.phone_numbers
    assert [a.street for a in again.physical_addresses if a.street] == ["Am Markt 2"], again.physical_addresses

    for query in ({"surname": "Mustermann"}, {"email_addresses__EmailAddress2": address}, {"phone_numbers__MobilePhone__startswith": "+49 170"},
                  {"physical_addresses__Home__street": "Am Markt 2"}, {"birthday": datetime.date(1980, 2, 29)}):
        found = list(account.contacts.filter(display_name=again.display_name, **query).only("display_name"))
        assert [f.id for f in found] == [again.id], (query, found)
    assert not account.contacts.filter(email_addresses__EmailAddress1=address).exists()
    assert again.id in {i.id for kind, i in account.contacts.sync_items(only_fields=["display_name"]) if kind == "create"}
    again.delete()
    assert not account.contacts.filter(display_name=again.display_name).exists()


@step("tasks")
def _():
    day = datetime.date(2026, 3, 10)
    t = Task(account=account, folder=account.tasks, subject=f"report {run}", body="soon", start_date=datetime.date(2026, 3, 2), due_date=day,
             status="InProgress", percent_complete=Decimal(29), total_work=90, contacts=["Bob"], companies=["Contoso"]).save()
    again = account.tasks.get(id=t.id, changekey=t.changekey)
    assert (again.subject, again.body, again.start_date, again.due_date) == (t.subject, "soon", t.start_date, day), again
    assert (again.status, again.percent_complete, again.total_work, again.is_complete) == ("InProgress", 29, 90, False), again
    assert (again.contacts, again.companies) == (["Bob"], ["Contoso"]), again
    again.start_date = None
    again.complete()
    again = account.tasks.get(id=t.id)
    assert (again.status, again.percent_complete, again.is_complete, again.start_date) == ("Completed", 100, True, None), again
    assert again.complete_date, again
    found = list(account.tasks.filter(is_complete=True, due_date=day, subject=t.subject).only("subject", "status"))
    assert [(f.id, f.status) for f in found] == [(again.id, "Completed")], found
    again.delete()
    assert not account.tasks.filter(subject=t.subject).exists()


berlin = EWSTimeZone("Europe/Berlin")


def at(day, hour, minute=0):
    return EWSDateTime(2026, 7, day, hour, minute, tzinfo=berlin)


@step("calendar items")
def _():
    e = CalendarItem(account=account, folder=account.calendar, subject=f"plan {run}", body="all of it", start=at(1, 10), end=at(1, 11, 30),
                     location="Room 1", legacy_free_busy_status="OOF", categories=["Blue"], reminder_is_set=True, reminder_minutes_before_start=20,
                     importance="High", sensitivity="Private", uid=f"uid-{run}").save()
    again = account.calendar.get(id=e.id, changekey=e.changekey)
    for name in ("subject", "body", "start", "end", "location", "legacy_free_busy_status", "categories", "reminder_is_set",
                 "reminder_minutes_before_start", "importance", "sensitivity", "uid"):
        assert getattr(again, name) == getattr(e, name), (name, getattr(again, name), getattr(e, name))
    assert (again.type, again.is_meeting, again.is_recurring, again.duration) == ("Single", False, False, "PT1H30M"), again
    assert again._start_timezone == berlin, again._start_timezone
    assert again.organizer.email_address.lower() == env["HMA_SMTP"].lower(), again.organizer
    again.end, again.location, again.legacy_free_busy_status = at(1, 12), None, "Free"
    again.save()
    again = account.calendar.get(id=e.id)
    assert (again.end, again.location, again.legacy_free_busy_status, again.body) == (at(1, 12), None, "Free", "all of it"), again

    day = EWSDate(2026, 7, 14)
    holiday = CalendarItem(account=account, folder=account.calendar, subject=f"holiday {run}", start=day, end=day, is_all_day=True).save()
    again = account.calendar.get(id=holiday.id)
    assert (again.start, again.end, again.is_all_day) == (day, day, True), again

    found = [i for i in account.calendar.view(start=at(1, 0), end=at(2, 0)) if run in i.subject]
    assert [i.id for i in found] == [e.id], found
    found = [i for i in account.calendar.view(start=at(1, 12), end=at(2, 0)) if run in i.subject]
    assert not found, found
    found = list(account.calendar.filter(start__lt=at(2, 0), end__gt=at(1, 0), subject=f"plan {run}").only("subject", "start"))
    assert [i.start for i in found] == [at(1, 10)], found
    try:
        list(account.calendar.view(start=EWSDateTime(2026, 1, 1, tzinfo=UTC), end=EWSDateTime(2029, 1, 1, tzinfo=UTC)))
        raise AssertionError("a view of three years")
    except exchangelib.errors.ErrorCalendarViewRangeTooBig:
        pass
    for i in (e, holiday):
        account.calendar.get(id=i.id).delete()
    assert not account.calendar.filter(subject__contains=run).exists()


@step("recurring calendar items")
def _():
    series = CalendarItem(account=account, folder=account.calendar, subject=f"weekly {run}", body="as ever", start=at(6, 9), end=at(6, 10),
                          recurrence=Recurrence(pattern=WeeklyPattern(interval=1, weekdays=["Monday", "Wednesday"]), start=EWSDate(2026, 7, 6), number=6)).save()
    series = account.calendar.get(id=series.id)
    assert (series.type, series.recurrence.pattern.weekdays, series.recurrence.boundary.number) == ("RecurringMaster", [1, 3], 6), series.recurrence
    assert (series.first_occurrence.start, series.last_occurrence.start) == (at(6, 9), at(22, 9)), (series.first_occurrence, series.last_occurrence)

    def days():
        return [(i.start.astimezone(berlin).day, i.subject.split()[0], i.type) for i in account.calendar.view(start=at(1, 0), end=at(31, 0)) if run in i.subject]
    assert days() == [(d, "weekly", "Occurrence") for d in (6, 8, 13, 15, 20, 22)], days()

    third = series.occurrence(3)
    third.refresh()
    assert third.start == at(13, 9) and third.type == "Occurrence", third
    third.start, third.end, third.subject, third.body = at(14, 15), at(14, 16), f"moved {run}", "elsewhere"
    third.save(update_fields=["start", "end", "subject", "body"])
    again = account.calendar.get(id=third.id)
    assert (again.start, again.subject, again.body, again.type, again.original_start) == (at(14, 15), f"moved {run}", "elsewhere", "Exception", at(13, 9)), again
    master = again.recurring_master()
    master.refresh()
    assert master.id == series.id and [o.original_start for o in master.modified_occurrences] == [at(13, 9)], master

    fourth = series.occurrence(4)
    fourth.refresh()
    fourth.delete()
    series = account.calendar.get(id=series.id)
    assert [o.start for o in series.deleted_occurrences] == [at(15, 9)], series.deleted_occurrences
    assert days() == [(6, "weekly", "Occurrence"), (8, "weekly", "Occurrence"), (14, "moved", "Exception"), (20, "weekly", "Occurrence"),
                      (22, "weekly", "Occurrence")], days()
    assert [i.id for i in account.calendar.filter(subject__contains=run).only("subject")] == [series.id]
    assert series.id in {i.id for kind, i in account.calendar.sync_items(only_fields=["subject"]) if kind == "create"}

    for pattern, want in (
        (DailyPattern(interval=3), [1, 4, 7]), (AbsoluteMonthlyPattern(interval=1, day_of_month=31), [31]),
        (RelativeMonthlyPattern(interval=1, weekday="Weekday", week_number="Last"), [31]), (RelativeYearlyPattern(weekday="Tuesday", week_number="Second", month="July"), [14]),
        (AbsoluteYearlyPattern(day_of_month=4, month="July"), [4]),
    ):
        one = CalendarItem(account=account, folder=account.calendar, subject=f"pattern {run}", start=at(1, 9), end=at(1, 10),
                           recurrence=Recurrence(pattern=pattern, start=EWSDate(2026, 7, 1), end=EWSDate(2026, 8, 1) if want == [1, 4, 7] else None)).save()
        got = [i.start.astimezone(berlin).day for i in account.calendar.view(start=at(1, 0), end=EWSDateTime(2026, 8, 1, tzinfo=berlin)) if i.subject == f"pattern {run}"]
        assert got[:3] == want, (pattern, got)
        assert account.calendar.get(id=one.id).recurrence.pattern == pattern, (account.calendar.get(id=one.id).recurrence, pattern)
        one.delete()
    series.delete()
    assert not days()


if env.get("HMA_ROOMS"):
    @step("room lists and rooms")
    def _():
        lists = {m.email_address.lower(): m for m in account.protocol.get_roomlists()}
        rooms = account.protocol.get_rooms(env["HMA_ROOMS"])
        assert env["HMA_ROOMS"].lower() in lists and len(list(rooms)) == 2, (lists, rooms)


@step("contact photo")
def _():
    c = Contact(account=account, folder=account.contacts, display_name=f"Photo {run}").save()
    c.attach(FileAttachment(name="ContactPicture.jpg", content=b"not really a jpeg", is_contact_photo=True))
    again = account.contacts.get(id=c.id)
    assert again.has_picture and [(a.is_contact_photo, a.content) for a in again.attachments] == [(True, b"not really a jpeg")], again
    again.detach(again.attachments[0])
    again = account.contacts.get(id=c.id)
    assert not again.has_picture and not again.attachments, again
    again.delete()


@step("find people")
def _():
    address = f"pia.{run}@example.org"
    own = Contact(account=account, folder=account.contacts, display_name=f"Pia Persona{run}", given_name="Pia", company_name="Fabrikam",
                  email_addresses=[EmailAddress(label="EmailAddress1", email=address)]).save()
    found = list(account.contacts.people().filter(f"persona{run}").only("display_name", "email_address", "company_name"))
    assert [(p.display_name, p.email_address.email_address, p.company_name) for p in found] == [(own.display_name, address, "Fabrikam")], found
    whole = next(GetPersona(account=account).call(personas=found))
    assert (whole.persona_type, whole.given_name, whole.display_name) == ("Person", "Pia", own.display_name), whole
    assert found[0].id in {p.id for p in account.contacts.people()}
    own.delete()
    assert not list(account.contacts.people().filter(f"persona{run}"))


@step("searchable mailboxes are not for everybody")
def _():
    try:
        account.protocol.get_searchable_mailboxes(search_filter="a")
    except exchangelib.errors.ErrorAccessDenied:
        return
    raise AssertionError("allowed")


@step("private distribution lists")
def _():
    dl = DistributionList(account=account, folder=account.contacts, display_name=f"list {run}",
                          members={Member(mailbox=Mailbox(email_address=env["HMA_SMTP"])),
                                   Member(mailbox=Mailbox(name="Carol", email_address=f"carol.{run}@example.net", mailbox_type="OneOff"))}).save()
    again = account.contacts.get(id=dl.id)
    members = {m.mailbox.email_address.lower(): (m.mailbox.mailbox_type, m.status) for m in again.members}
    assert members == {env["HMA_SMTP"].lower(): ("Mailbox", "Normal"), f"carol.{run}@example.net": ("OneOff", "Normal")}, again.members
    again.display_name = f"renamed {run}"
    again.members = {Member(mailbox=Mailbox(email_address=f"dave.{run}@example.net", mailbox_type="OneOff"))}
    again.save(update_fields=["display_name", "members"])
    again = account.contacts.get(id=dl.id)
    assert (again.display_name, [m.mailbox.email_address for m in again.members]) == (f"renamed {run}", [f"dave.{run}@example.net"]), again
    again.delete()


@step("resolve names")
def _():
    mailbox, contact = account.protocol.resolve_names([env["HMA_SMTP"]], return_full_contact_data=True)[0]
    assert (mailbox.email_address.lower(), mailbox.mailbox_type) == (env["HMA_SMTP"].lower(), "Mailbox"), mailbox
    assert contact.contact_source == "ActiveDirectory" and contact.display_name == mailbox.name, contact
    own = Contact(account=account, folder=account.contacts, display_name=f"Zoë Resolved{run}", given_name="Zoë",
                  email_addresses=[EmailAddress(label="EmailAddress1", email=f"zoe.{run}@example.org")]).save()
    for text in (f"zoe resolved{run}", f"smtp:zoe.{run}@example.org"):
        found = account.protocol.resolve_names([text])
        assert [(m.email_address, m.mailbox_type, m.item_id.id) for m in found] == [(f"zoe.{run}@example.org", "Contact", own.id)], found
    own.delete()
    for text, scope in ((f"zoe resolved{run}", None), (env["HMA_SMTP"], "Contacts")):
        found = account.protocol.resolve_names([text], search_scope=scope)
        assert [type(e) for e in found] == [ErrorNameResolutionNoResults], found


if env.get("HMA_GROUP"):
    @step("expand a distribution group")
    def _():
        members = {m.email_address.lower(): m.mailbox_type for m in account.protocol.expand_dl(env["HMA_GROUP"])}
        assert members[env["HMA_SMTP"].lower()] == "Mailbox", members
        subject = f"to the group {run}"
        Message(account=account, subject=subject, body="x", to_recipients=[env["HMA_GROUP"], env["HMA_SMTP"]]).send(save_copy=False)
        arrived(account.inbox, subject)


@step("free/busy")
def _():
    e = CalendarItem(account=account, folder=account.calendar, subject=f"busy {run}", start=at(2, 9), end=at(2, 11), legacy_free_busy_status="OOF").save()
    who = [(account, "Organizer", False)] + ([(env["HMA_OTHER"], "Required", False)] if env.get("HMA_OTHER") else []) + [("nobody@" + env["HMA_SMTP"].split("@")[1], "Required", False)]
    info = list(account.protocol.get_free_busy_info(accounts=who, start=at(2, 8), end=at(2, 12), merged_free_busy_interval=60))
    mine = info[0]
    assert mine.view_type == "DetailedMerged" and mine.merged == "0330", (mine.view_type, mine.merged)
    assert [(b.busy_type, b.details.subject, b.details.is_recurring) for b in mine.calendar_events] == [("OOF", f"busy {run}", False)], mine.calendar_events
    assert [(b.start, b.end) for b in mine.calendar_events] == [(at(2, 9).replace(tzinfo=None), at(2, 11).replace(tzinfo=None))], mine.calendar_events
    assert mine.working_hours[0].weekdays == [2, 3, 4, 5, 6] or mine.working_hours[0].weekdays == [1, 2, 3, 4, 5], mine.working_hours
    if env.get("HMA_OTHER"):
        assert info[1].view_type == "FreeBusyMerged", info[1]
    assert isinstance(info[-1], exchangelib.errors.ErrorMailRecipientNotFound), info[-1]
    e.delete()


@step("junk and back")
def _():
    global moved
    moved.mark_as_junk(is_junk=False, move_item=True)
    moved = arrived(account.inbox, sent)
    moved.mark_as_junk(is_junk=True, move_item=True)
    moved = arrived(account.junk, sent)


@step("reply, reply to all and forward")
def asked():
    m = Message(account=account, subject=f"asked {run}", body="a question", to_recipients=[env["HMA_SMTP"]], categories=["Red"])
    m.attach(FileAttachment(name="data.bin", content=bytes(range(256))))
    m.send(save_copy=False)
    m = arrived(account.inbox, f"asked {run}")
    m.reply(subject=f"reply {run}", body="an answer", to_recipients=[env["HMA_SMTP"]])
    got = arrived(account.inbox, f"reply {run}")
    assert "an answer" in got.body and got.in_reply_to == m.message_id, got.body
    m.reply_all(subject=f"to all {run}", body="an answer to all")
    m.forward(subject=f"forward {run}", body="look", to_recipients=[env["HMA_SMTP"]])
    got = arrived(account.inbox, f"forward {run}")
    assert [a.name for a in got.attachments] == [a.name for a in m.attachments], got.attachments
    draft = m.create_reply(subject=f"later {run}", body="a draft", to_recipients=[env["HMA_SMTP"]]).save(account.drafts)
    assert account.drafts.get(subject=f"later {run}").id == draft.id
    account.drafts.get(subject=f"later {run}").delete()
    return m


@step("export and upload")
def _():
    m = asked
    (data,) = account.export([m])
    ((id, _),) = account.upload([(account.drafts, data)])
    copy = account.drafts.get(id=id)
    assert copy.mime_content == m.mime_content and copy.attachments[0].content == m.attachments[0].content and copy.categories == m.categories
    copy.delete()


@step("delete")
def _():
    moved.move_to_trash()
    m = arrived(account.trash, sent)
    m.delete()
    assert not account.trash.filter(subject=sent).exists()
    for folder in (account.inbox, account.sent):
        folder.filter(subject__contains=run).delete()
    assert not account.inbox.filter(subject__contains=run).exists()


@step("time zones")
def _():
    zones = {z.id: z for z in account.protocol.get_timezones(return_full_timezone_data=True)}
    assert len(zones) > 100, len(zones)
    one = zones["W. Europe Standard Time"]
    standard, daylight, _ = one.get_std_and_dst(2026)
    assert (daylight.bias, daylight.iso_month, standard.iso_month) == (-60, 3, 10) and {p.bias for p in one.periods} == {datetime.timedelta(hours=-1), datetime.timedelta(hours=-2)}, one


@step("many at once, and wiped")
def _():
    work = Folder(parent=account.msg_folder_root, name=f"Many {run}").save()
    made = account.bulk_create(folder=work, items=[Message(account=account, folder=work, subject=f"many {run} {n}", body="x", is_read=True) for n in range(250)])
    assert len({m.id for m in made}) == 250
    items = list(work.all().only("subject", "changekey"))
    for m in items:
        m.subject = "changed " + m.subject
    assert len(account.bulk_update([(m, ["subject"]) for m in items])) == 250
    assert work.filter(subject__startswith=f"changed many {run}").count() == 250
    below = Folder(parent=work, name="below").save()
    account.bulk_copy(ids=items[:120], to_folder=below)
    account.bulk_move(ids=items[120:], to_folder=below)
    assert (work.all().count(), below.all().count()) == (120, 250)
    assert sorted(m.subject for m in work.all().only("subject")) == sorted(m.subject for m in items[:120])
    assert all(done is True for done in account.bulk_delete(ids=work.all()[:20], delete_type="SoftDelete"))
    assert work.all().count() == 100
    assert account.recoverable_items_deletions.filter(subject__startswith=f"changed many {run}").count() == 20
    work.wipe()
    account.root.clear_cache()
    assert work.all().count() == 0 and not list(work.children)
    work.delete()


@step("unsupported operation")
def _():
    class PlayOnPhone(exchangelib.services.GetRoomLists):
        SERVICE_NAME = "PlayOnPhone"

    try:
        list(PlayOnPhone(protocol=account.protocol).call())
    except exchangelib.errors.ErrorInvalidOperation:
        return
    except exchangelib.errors.EWSError as e:
        raise AssertionError(f"{type(e).__name__}: {e}")


print("ok all", flush=True)
