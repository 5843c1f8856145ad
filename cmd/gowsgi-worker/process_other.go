//go:build !linux

package main

// nameProcess has nothing to do here.
func nameProcess() {}

// keepToItself has nothing to do here.
func keepToItself() {}
