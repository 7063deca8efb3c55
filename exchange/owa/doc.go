// Package owa is Outlook on the web: it signs people in (by the cloud when the
// virtual directory is on OAuth, by the front end's Basic otherwise) and shows who
// is signed in. It has no mail pages. Start reading at Door.ServeDoor.
package owa
