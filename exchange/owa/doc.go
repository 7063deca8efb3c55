// Package owa is Outlook on the web: it signs people in (by the cloud when the
// virtual directory is on OAuth, by a form of its own when it is on Forms, by the front
// end's schemes otherwise) and shows who is signed in, with the attachments of the newest
// messages to download. It has no other mail pages. Start reading at Door.ServeDoor.
package owa
