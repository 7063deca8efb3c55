// Package ecp is the Exchange admin center's door: it signs people in as OWA does
// and shows who is signed in and in which role. It has no administration pages of
// its own. Start reading at Door.ServeDoor.
package ecp
