"""curl's requests of CalDAV write, read, change and delete a recurring meeting through DavMail.

The requests are sent by curl itself; this script makes them and reads the answers.
The series ends at a time and not after a count: DavMail 6.0 writes no count when it
changes a series.
"""
import os
import re
import subprocess
import sys

BASE = f"http://127.0.0.1:{os.environ['HMA_CALDAV']}/users/{os.environ['HMA_USER']}/calendar/"
USER = os.environ["HMA_USER"]


def ok(what):
    print("ok", what, flush=True)


def curl(method, url, body="", *headers):
    args = ["curl", "--silent", "--show-error", "--noproxy", "*", "--max-time", "60", "--user", USER + ":the-token-is-in-a-file",
            "--request", method, "--write-out", "\n%{http_code}"]
    for h in headers:
        args += ["--header", h]
    if body:
        args += ["--data-binary", "@-"]
    done = subprocess.run(args + [url], input=body.encode(), capture_output=True, timeout=90)
    if done.returncode != 0:
        sys.exit(f"curl {method} {url}: {done.stderr.decode()}")
    text, status = done.stdout.decode().rsplit("\n", 1)
    return int(status), text


def want(what, status, text, *statuses):
    if status not in statuses:
        sys.exit(f"{what}: {status}\n{text}")
    return text


def unfold(text):
    return re.sub(r"\r?\n[ \t]", "", text)


EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//witness//EN
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:STANDARD
DTSTART:19701025T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:davmail-witness-1
DTSTAMP:20261101T080000Z
DTSTART;TZID=Europe/Berlin:20270104T090000
DTEND;TZID=Europe/Berlin:20270104T100000
RRULE:FREQ=WEEKLY;UNTIL=20270208T080000Z;BYDAY=MO
SUMMARY:%s
LOCATION:Prague
DESCRIPTION:Every Monday
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")

CALENDAR = "Content-Type: text/calendar; charset=utf-8"
name = "davmail-witness-1.EML"

status, text = curl("PROPFIND", BASE, """<?xml version="1.0"?><D:propfind xmlns:D="DAV:" xmlns:CS="http://calendarserver.org/ns/"><D:prop><D:resourcetype/><D:displayname/><CS:getctag/></D:prop></D:propfind>""", "Depth: 0")
want("PROPFIND of the calendar", status, text, 207)
ok("calendar found")

status, text = curl("PUT", BASE + name, EVENT % "Weekly round", CALENDAR, "If-None-Match: *")
want("PUT of a new meeting", status, text, 200, 201, 204)
ok("recurring meeting written")


def read():
    status, text = curl("GET", BASE + name)
    text = unfold(want("GET of the meeting", status, text, 200))
    for line in "UID:davmail-witness-1", "LOCATION:Prague", "BEGIN:VTIMEZONE":
        if line not in text:
            sys.exit(f"the meeting that was read lacks {line}:\n{text}")
    text = text[text.index("BEGIN:VEVENT"):]
    rule = re.search(r"^RRULE:(.*)$", text, re.M)
    if not rule or "FREQ=WEEKLY" not in rule.group(1) or "UNTIL=20270208" not in rule.group(1):
        sys.exit(f"the meeting's rule is {rule and rule.group(1)}:\n{text}")
    start = re.search(r"^DTSTART;TZID=[^:]*:(\S+)", text, re.M)
    if not start or start.group(1) != "20270104T090000":
        sys.exit(f"the meeting starts at {start and start.group(0)}:\n{text}")
    return re.search(r"^SUMMARY:(.*?)\r?$", text, re.M).group(1)


if read() != "Weekly round":
    sys.exit("another subject was read")
ok("recurring meeting read")

status, text = curl("REPORT", BASE, """<?xml version="1.0"?><C:calendar-query xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:prop><D:getetag/><C:calendar-data/></D:prop>
<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:time-range start="20270101T000000Z" end="20270301T000000Z"/></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>""", "Depth: 1")
if "davmail-witness-1" not in want("REPORT of a time", status, text, 207):
    sys.exit(f"the report of the time does not have the meeting:\n{text[:3000]}")
ok("meeting found by time")

status, text = curl("PUT", BASE + name, EVENT % "Weekly round, renamed", CALENDAR)
want("PUT of a changed meeting", status, text, 200, 201, 204)
if read() != "Weekly round, renamed":
    sys.exit("the change was not read")
ok("recurring meeting changed")

status, text = curl("DELETE", BASE + name)
want("DELETE of the meeting", status, text, 200, 204)
status, text = curl("GET", BASE + name)
if status != 404:
    sys.exit(f"the deleted meeting is answered with {status}:\n{text}")
ok("recurring meeting deleted")
ok("all")
