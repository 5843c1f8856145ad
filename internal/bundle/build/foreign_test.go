package build

import (
	"strings"
	"testing"

	"github.com/gowsgi/gowsgi/internal/config"
)

func TestOptionsOfOtherProgramsAreNotGowsgisOwn(t *testing.T) {
	var help strings.Builder
	if err := config.WriteHelp(&help, 80); err != nil {
		t.Fatal(err)
	}
	own := strings.Fields(strings.NewReplacer(",", " ", "=", " ").Replace(help.String() + usage))
	for _, each := range foreign {
		for name := range strings.FieldsSeq(each.names) {
			for _, word := range own {
				if word == name {
					t.Errorf("%s is gowsgi's own", name)
				}
			}
		}
		for word := range strings.FieldsSeq(each.advice) {
			if strings.HasPrefix(word, "-") && !strings.Contains(help.String()+usage, word) {
				t.Errorf("%q advises an option that there is not", each.advice)
			}
		}
	}
}
