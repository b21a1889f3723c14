// load URL CERTIFICATE KEY CONCURRENCY SECONDS new|kept: GETs over mutual TLS as fast as the other side
// answers; prints requests per second, and the median and 99th percentile in milliseconds, as JSON.
// load URL CERTIFICATE KEY COUNT 0 idle|drip: holds COUNT connections (hold.go).
package main

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"sort"
	"strconv"
	"sync"
	"time"
)

func main() {
	if len(os.Args) != 7 {
		fmt.Fprintln(os.Stderr, "usage: load URL CERTIFICATE KEY CONCURRENCY SECONDS new|kept|idle|drip")
		os.Exit(2)
	}
	url, kept := os.Args[1], os.Args[6] == "kept"
	certificate, err := tls.LoadX509KeyPair(os.Args[2], os.Args[3])
	check(err)
	concurrency, err := strconv.Atoi(os.Args[4])
	check(err)
	if kind := os.Args[6]; kind == "idle" || kind == "drip" {
		hold(url, certificate, concurrency, kind == "drip", os.Stdin)
		return
	}
	seconds, err := strconv.ParseFloat(os.Args[5], 64)
	check(err)

	end := time.Now().Add(time.Duration(seconds * float64(time.Second)))
	var mutex sync.Mutex
	var all []time.Duration
	failures := 0
	var group sync.WaitGroup
	for i := 0; i < concurrency; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			transport := &http.Transport{DisableKeepAlives: !kept, TLSClientConfig: &tls.Config{
				Certificates: []tls.Certificate{certificate}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}}
			client := &http.Client{Transport: transport, Timeout: 10 * time.Second}
			var mine []time.Duration
			bad := 0
			for time.Now().Before(end) {
				began := time.Now()
				answer, err := client.Get(url)
				if err != nil || answer.StatusCode != 200 {
					bad++
					if err == nil {
						answer.Body.Close()
					}
					continue
				}
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
				mine = append(mine, time.Since(began))
			}
			mutex.Lock()
			all, failures = append(all, mine...), failures+bad
			mutex.Unlock()
		}()
	}
	group.Wait()
	if len(all) == 0 {
		fmt.Fprintln(os.Stderr, "load: no request succeeded")
		os.Exit(1)
	}
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	milliseconds := func(at float64) float64 { return float64(all[int(at*float64(len(all)-1))].Microseconds()) / 1000 }
	json.NewEncoder(os.Stdout).Encode(map[string]any{"perSecond": float64(len(all)) / seconds, "p50": milliseconds(0.5),
		"p99": milliseconds(0.99), "failures": failures})
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
