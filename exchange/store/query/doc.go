// Package query turns MAPI restrictions into SQL over the store's item columns
// and evaluates them on property bags.
//
// A restriction on properties that have a column compiles exactly. Where it
// touches other properties, the SQL selects more than the restriction means and
// Match decides row by row. A property that is missing makes its node false, so
// that a Not above it is true (MS-OXCDATA 2.12 leaves it open; SQL's third value
// never appears).
//
// Text is compared folded (Fold: no case, no accents) by the relational
// operators and by content nodes that ignore anything; otherwise byte by byte.
//
// Ask turns a restriction into an expression over the terms that Terms makes of an
// item: a search index that knows them finds what may match, and Match or the SQL
// decides.
//
// It runs no statement and knows no table but the names of the columns in
// Columns. Start reading there, then Compile and Match.
package query
