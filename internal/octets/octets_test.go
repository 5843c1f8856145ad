package octets

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

type inner struct {
	Path string `json:"path"`
	N    int    `json:"n,omitempty"`
}

type outer struct {
	inner
	Inner   inner              `json:"inner"`
	Paths   []string           `json:"paths"`
	Restore map[string]*string `json:"restore"`
	All     []inner            `json:"all"`
}

func TestBytesOfAllStringsAreKept(t *testing.T) {
	odd, empty := "a\xff/\xe9\x00", ""
	want := outer{
		Inner:   inner{Path: "/srv/\xe9t\xe9", N: 3},
		Paths:   []string{"ü", "\xc3", "", "\x00", "\x00é", "\ufffd", "plain"},
		Restore: map[string]*string{"A": &odd, "B": nil, "\xff": &empty},
		All:     []inner{{Path: "x"}, {Path: "\x80"}},
	}
	want.Path = "\xfe" // of the embedded struct
	before := want.Paths[1]
	var got outer
	data, err := Marshal(want)
	if err == nil {
		err = Unmarshal(data, &got)
	}
	if err != nil || !reflect.DeepEqual(got.Inner, want.Inner) || !reflect.DeepEqual(got.Paths, want.Paths) ||
		!reflect.DeepEqual(got.Restore, want.Restore) || !reflect.DeepEqual(got.All, want.All) {
		t.Errorf("%v: got %+v, want %+v", err, got, want)
	}
	if want.Paths[1] != before {
		t.Error("what is written was changed")
	}
	var stream bytes.Buffer
	encoder, decoder := NewEncoder(&stream), NewDecoder(&stream)
	for range 2 {
		if err := encoder.Encode(want.All); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		var all []inner
		if err := decoder.Decode(&all); err != nil || !reflect.DeepEqual(all, want.All) {
			t.Errorf("%v: got %+v", err, all)
		}
	}
	if bytes.Count(data, []byte("\n")) != 0 || !json.Valid(data) {
		t.Errorf("%s", data)
	}
}

func TestTextIsPlainJSON(t *testing.T) {
	data, err := Marshal(inner{Path: "/srv/ü", N: 1})
	if err != nil || string(data) != `{"path":"/srv/ü","n":1}` {
		t.Errorf("%s, %v", data, err)
	}
}
