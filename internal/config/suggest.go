package config

// suggestion returns the candidate that the user most likely meant by name,
// or "". A short name must be closer than a long one: every three letters
// are two edits away from every other three.
func suggestion(name string, candidates []string) string {
	best, least := "", 4
	switch n := len(name); {
	case n <= 4:
		least = 2
	case n <= 8:
		least = 3
	}
	for _, candidate := range candidates {
		if d := edits(name, candidate); d < least {
			best, least = candidate, d
		}
	}
	return best
}

// edits counts the bytes to insert, delete or replace to make b from a
// (Levenshtein's distance).
func edits(a, b string) int {
	row := make([]int, len(b)+1) // row[j]: from the part of a seen so far to b[:j]
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
