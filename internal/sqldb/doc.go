// Package sqldb opens the databases of both halves and gives them one way to
// read, one way to write and one way to migrate.
//
// It is the only importer of database drivers and it knows no table: SQL lives
// in the package that owns the rows. One SQL text serves both flavours:
// parameters are written $1, $2 ..., and a migration may say {{blob}} where the
// column types differ.
//
// Writes are closures that may be run again: on SQLite the writer gathers the
// closures that wait and commits them together (group commit), on PostgreSQL a
// closure is repeated after a serialisation failure. A closure must therefore
// set its results afresh each time it runs and touch nothing but the Tx.
//
// Start reading at Open, then DB.Write.
package sqldb
