// Package lab is the embedded organisation: contoso.com with two Exchange
// servers as the Hybrid Configuration Wizard leaves it, its cloud tenant, its
// people and their mail, and three planted faults that a check must find. It
// fills an empty data directory once and writes endpoints.json when everything
// listens.
//
// It refuses a directory that it did not make, and it listens on loopback only.
// Start reading at Start.
package lab
