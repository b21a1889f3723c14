package main

import (
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"
)

// How long each request took, its connection and handshake included where it was the first of a session.
type allFigures struct {
	mutex    sync.Mutex
	taken    map[string][]time.Duration
	statuses map[string]int
	broken   map[string]int // requests without an answer, by what became of them
}

var figures *allFigures

func newFigures() *allFigures {
	return &allFigures{taken: map[string][]time.Duration{}, statuses: map[string]int{}, broken: map[string]int{}}
}

func (f *allFigures) took(what string, time time.Duration, status int) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.taken[what] = append(f.taken[what], time)
	f.taken["all"] = append(f.taken["all"], time)
	f.statuses[strconv.Itoa(status)]++
}

func (f *allFigures) failed(path string, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	text := err.Error() // its last words tell the kind
	f.broken[path+text[strings.LastIndex(text, ":")+1:]]++
}

// Of each request: how many, and the median, the 99th percentile and the slowest in milliseconds.
func (f *allFigures) rows() map[string][]float64 {
	rows := map[string][]float64{}
	for what, all := range f.taken {
		sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
		at := func(share float64) float64 { return float64(all[int(share*float64(len(all)-1))].Microseconds()) / 1000 }
		rows[what] = []float64{float64(len(all)), at(0.5), at(0.99), at(1)}
	}
	return rows
}
