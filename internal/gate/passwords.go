package gate

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/crypto/bcrypt"
)

type unixStat = syscall.Stat_t

// Passwords are those of a file of htpasswd's, which is read anew when it changes.
//
// bcrypt is slow on purpose. So a password that was right is known again by a keyed
// hash of it, one for each user; and only half of the processors try passwords at
// once, while so many others wait, few of them from one address: guesses cannot take
// all of them, nor, from there, keep others from being tried. Whether a user
// exists cannot be seen from the time that the answer takes.
type Passwords struct {
	path   string
	notice func(reloaded int, err error)
	secret [32]byte
	tries  chan struct{}
	looked atomic.Int64 // Unix time, ns: at the file

	mu     sync.Mutex
	users  users
	cost   int
	seen   stamp
	proven map[string]proof
	trials map[[sha256.Size]byte]*trial
	waits  map[string]int // those of each client
	wait   int            // and all of them
}

// trial is a password that is being tried.
type trial struct {
	done   chan struct{}
	answer Answer // before done is closed
}

// proof is that somebody had the right password.
type proof struct {
	hash string // in the file, then
	sum  [sha256.Size]byte
}

const (
	// mostWaits is how many passwords may wait or be tried, and mostOfOne how many of one
	// client's.
	mostWaits = 64
	mostOfOne = 16
	// looks is how often the file is looked at.
	looks = time.Second
)

// OpenPasswords reads the file. notice is called when it was read anew, with the
// number of its users, or could not be: then the old ones stay. The error is one
// sentence; if there is no file, they are nobody's until it is there.
func OpenPasswords(path string, notice func(reloaded int, err error)) (*Passwords, error) {
	p := &Passwords{path: path, notice: notice, tries: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2)), proven: map[string]proof{}, waits: map[string]int{}, trials: map[[sha256.Size]byte]*trial{}}
	_, _ = rand.Read(p.secret[:]) // never fails
	var err error
	p.users, p.cost, p.seen, err = readUsers(path)
	p.looked.Store(time.Now().UnixNano())
	return p, err
}

// Answer is what comes of a name and a password.
type Answer int

// Answers.
const (
	Wrong Answer = iota
	Right
	Busy // too many wait for an answer
)

// Try tells whether that is a user's password. address is the client's.
func (p *Passwords) Try(address, user, password string) Answer {
	p.look(time.Now())
	sum := p.sum(user, password)
	client := clientOf(address, "")
	p.mu.Lock()
	hash, right := p.known(user, sum)
	if right {
		p.mu.Unlock()
		return Right
	}
	if other := p.trials[sum]; other != nil { // a browser asks for many things at once
		p.mu.Unlock()
		<-other.done
		return other.answer
	}
	if p.wait == mostWaits || p.waits[client] == mostOfOne {
		p.mu.Unlock()
		return Busy
	}
	own := &trial{done: make(chan struct{})}
	p.trials[sum] = own
	p.wait++
	p.waits[client]++
	p.mu.Unlock()

	p.tries <- struct{}{}
	right = bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
	<-p.tries

	p.mu.Lock()
	defer p.mu.Unlock()
	if right && p.users[user] == hash { // else the file has changed meanwhile
		p.proven[user] = proof{hash, sum}
		own.answer = Right
	}
	delete(p.trials, sum)
	p.wait--
	if p.waits[client]--; p.waits[client] == 0 {
		delete(p.waits, client)
	}
	close(own.done)
	return own.answer
}

func (p *Passwords) sum(user, password string) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, p.secret[:])
	_, _ = mac.Write([]byte(user + "\x00" + password))
	mac.Sum(sum[:0])
	return sum
}

// known is the user's hash, and whether the password of that sum was right before.
// Who is no user has one that no password has. Locked.
func (p *Passwords) known(user string, sum [sha256.Size]byte) (hash string, right bool) {
	hash, there := p.users[user]
	if !there {
		return nobodys(p.cost), false
	}
	proof, proven := p.proven[user]
	return hash, proven && proof.hash == hash && hmac.Equal(proof.sum[:], sum[:])
}

// look reads the file anew if it has changed.
func (p *Passwords) look(now time.Time) {
	last := p.looked.Load()
	if since := now.UnixNano() - last; since >= 0 && since < int64(looks) || !p.looked.CompareAndSwap(last, now.UnixNano()) {
		return
	}
	info, err := os.Stat(p.path)
	if err == nil {
		p.mu.Lock()
		// One that has just been changed may be changed again at the same time.
		same := stampOf(info) == p.seen && now.Sub(p.seen.changed) > 2*looks
		p.mu.Unlock()
		if same {
			return
		}
	}
	all, cost, seen, err := readUsers(p.path)
	p.mu.Lock()
	before := p.seen
	if err == nil {
		p.users, p.cost = all, cost
		for user, proof := range p.proven {
			if all[user] != proof.hash {
				delete(p.proven, user)
			}
		}
	}
	p.seen = seen // a wrong one is not read again and again
	p.mu.Unlock()
	if seen != before {
		p.notice(len(all), err)
	}
}
