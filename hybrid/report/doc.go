// Package report makes one look at an organisation into one page: the verdict, what
// is on tokens where, which names the tenants know, who loses access, the
// certificates' time, the plan and the runs. What the page shows is data first
// (Report), so that its numbers are those of the JSON.
//
// It reads nothing itself and changes nothing. Start reading at Make, then HTML.
package report
