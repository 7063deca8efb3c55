#!/usr/bin/python3
"""Reads a push notification from standard input, tells its events on standard error, one a line,
and writes a listener's answer to standard output: exchangelib's own, OK or, with the argument
end, Unsubscribe.
"""
import sys

from exchangelib.services import SendNotification

service = SendNotification(protocol=None)
for notification in service.parse(sys.stdin.buffer.read()):
    for event in notification.events:
        print(type(event).__name__, file=sys.stderr)
answer = service.unsubscribe_payload() if sys.argv[1:] == ["end"] else service.ok_payload()
sys.stdout.buffer.write(answer if isinstance(answer, bytes) else answer.encode())
