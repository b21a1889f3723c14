// herd ENROL-URL NODE-URL TOKEN: machines that enrol and poll, by the lines of standard input; each is answered by
// one line of JSON.
//
//	enrol FIRST COUNT SECONDS   COUNT machines at once, from FIRST on; all have their documents within SECONDS, or are lost
//	poll PERIOD SECONDS         every machine that is enrolled polls once a period, each at its own time
//	token TOKEN                 whoever enrols from now on has this one
//	beside SECONDS EACH         one machine that polls and renews, and one that enrols, every EACH milliseconds
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Newer than any: of a document nothing but the names of its certificates is read.
const documentFormat = 1000

var enrolURL, nodeURL, token string
var herd []*machine

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: herd ENROL-URL NODE-URL TOKEN")
		os.Exit(2)
	}
	enrolURL, nodeURL, token = os.Args[1], os.Args[2], os.Args[3]
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		var a, b, c int
		fields := strings.Fields(lines.Text())
		figures = newFigures()
		var done map[string]any
		switch fields[0] {
		case "enrol":
			scan(lines.Text(), "enrol %d %d %d", &a, &b, &c)
			done = enrolAll(a, b, time.Duration(c)*time.Second)
		case "token":
			token, done = fields[1], map[string]any{}
		case "poll":
			scan(lines.Text(), "poll %d %d", &a, &b)
			done = pollAll(time.Duration(a)*time.Second, time.Duration(b)*time.Second)
		case "beside":
			scan(lines.Text(), "beside %d %d", &a, &b)
			done = beside(time.Duration(a)*time.Second, time.Duration(b)*time.Millisecond)
		default:
			check(fmt.Errorf("unknown order: %s", lines.Text()))
		}
		done["requests"], done["statuses"], done["broken"] = figures.rows(), figures.statuses, figures.broken
		check(json.NewEncoder(os.Stdout).Encode(done))
	}
}

func scan(line, format string, into ...any) {
	_, err := fmt.Sscanf(line, format, into...)
	check(err)
}

// Again after a pause as the agent's: that of the answer where it names one, else one that doubles up to 5 s.
func persist(end time.Time, step func() error) error {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := step()
		if err == nil {
			return nil
		}
		wait := pause
		if told := (busy{}); errors.As(err, &told) {
			wait = max(pause, told.pause)
		}
		if time.Now().Add(wait).After(end) {
			return err
		}
		time.Sleep(wait)
	}
}

func enrolAll(first, count int, patience time.Duration) map[string]any {
	machines := make([]*machine, count)
	for i := range machines {
		machines[i] = newMachine(first + i)
	}
	began := time.Now()
	end := began.Add(patience)
	var group sync.WaitGroup
	var mutex sync.Mutex
	var lost []string
	var enrolled, complete time.Duration
	for _, m := range machines {
		group.Go(func() {
			err := persist(end, m.firstContact)
			if err == nil {
				err = persist(end, m.enrol)
			}
			at := time.Since(began)
			if err == nil {
				err = persist(end, m.poll)
			}
			mutex.Lock()
			defer mutex.Unlock()
			if err != nil {
				lost = append(lost, fmt.Sprintf("%s: %v", m.name(), err))
				return
			}
			enrolled, complete = max(enrolled, at), max(complete, time.Since(began))
			herd = append(herd, m)
		})
	}
	group.Wait()
	return map[string]any{"lost": len(lost), "why": lost[:min(len(lost), 3)], "enrolled": enrolled.Seconds(), "complete": complete.Seconds()}
}

func pollAll(period, length time.Duration) map[string]any {
	end := time.Now().Add(length)
	var group sync.WaitGroup
	var polls, failed atomic.Int64
	for _, m := range herd {
		group.Go(func() {
			for next := time.Now().Add(rand.N(period)); next.Before(end); next = next.Add(period) {
				time.Sleep(time.Until(next))
				if err := m.poll(); err != nil {
					failed.Add(1)
				}
				polls.Add(1)
			}
		})
	}
	group.Wait()
	return map[string]any{"polls": polls.Load(), "failed": failed.Load()}
}

// The key that enrols holds its name already: it may ask any number of times.
func beside(length, each time.Duration) map[string]any {
	end := time.Now().Add(length)
	one, other := herd[0], herd[1]
	refused, why := 0, ""
	for next := time.Now(); next.Before(end); next = next.Add(each) {
		time.Sleep(time.Until(next))
		clear(one.etags)
		for _, step := range []func() error{one.poll, one.renew, other.firstContact, other.enrol} {
			if err := step(); err != nil {
				refused, why = refused+1, err.Error()
			}
		}
	}
	return map[string]any{"refused": refused, "why": why}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "herd:", err)
		os.Exit(1)
	}
}
