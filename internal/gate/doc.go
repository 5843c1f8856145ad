// Package gate decides who may send requests, and how many.
//
//	addresses.go  from which addresses
//	limiter.go    how many in a second: package rates counts
//	passwords.go  with which name and password
//	htpasswd.go   the file that has them
package gate
