// Package journal is the undo journal: one file DIR/journal/RUN.jsonl per run,
// one line per boundary, written and synced (file, and folder when the file is
// new) before and after each change, so that a process that dies between any
// two writes leaves a file that tells what was intended and what was done.
//
// A last line that is torn is as if it had not been written. A journal of a
// newer version is refused. It knows no cmdlet and no list: what a line's
// values mean is the procedure's business. Start reading at Entry, then Create.
package journal
