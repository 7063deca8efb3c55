#!/usr/bin/python3
"""Hands mail in with the LMTP client of Python's own library, as a mail relay does.

Environment: HMA_LMTP (host:port), HMA_TO (an address that exists), HMA_SUBJECT.
Prints one line for each thing that works and ends with 0.
"""
import os
import smtplib
import sys
from email.message import EmailMessage

host, port = os.environ["HMA_LMTP"].rsplit(":", 1)
to = os.environ["HMA_TO"]
message = EmailMessage()
message["From"] = "Zoë Outside <zoe@example.org>"
message["To"] = to
message["Subject"] = os.environ["HMA_SUBJECT"]
message["Message-ID"] = "<lmtp-witness@example.org>"
message.set_content("Grüße von außen.\n.\n..and a line that begins with dots\n")
message.add_attachment(bytes(range(256)), maintype="application", subtype="octet-stream", filename="data.bin")

with smtplib.LMTP(host, int(port)) as relay:
    # LMTP answers for each recipient: the one who exists gets the mail, the other does not.
    refused = relay.send_message(message, "zoe@example.org", [to, "nobody@contoso.com"])
    if list(refused) != ["nobody@contoso.com"] or refused["nobody@contoso.com"][0] != 550:
        sys.exit(f"refused: {refused}")
    print("ok one recipient of two")
    try:
        relay.send_message(message, "zoe@example.org", ["someone@elsewhere.example"])
        sys.exit("mail for a foreign domain was taken")
    except smtplib.SMTPRecipientsRefused:
        print("ok no relay")
print("ok all")
