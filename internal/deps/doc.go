// Package deps holds the rules of who may import whom, each with its reason,
// and a test that compares them with the imports in the code. It has no code to
// import.
package deps
