package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// idle: each connection asks once and is then kept. drip: each sends its request's head a byte a second.
// Prints how many are open, then holds them until standard input is closed.
func hold(address string, certificate tls.Certificate, count int, drip bool, input io.Reader) {
	target, err := url.Parse(address)
	check(err)
	head := fmt.Sprintf("GET %s HTTP/1.1\r\nHost: %s\r\n", target.Path, target.Host)
	var mutex sync.Mutex
	var open []*tls.Conn
	var group sync.WaitGroup
	limit := make(chan struct{}, 32)
	for i := 0; i < count; i++ {
		group.Add(1)
		limit <- struct{}{}
		go func() {
			defer func() { <-limit; group.Done() }()
			connection, err := tls.Dial("tcp", target.Host, &tls.Config{
				Certificates: []tls.Certificate{certificate}, InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
			if err != nil {
				return
			}
			if !drip {
				fmt.Fprintf(connection, "%s\r\n", head)
				answer, err := http.ReadResponse(bufio.NewReader(connection), nil)
				if err != nil || answer.StatusCode != 200 {
					return
				}
				io.Copy(io.Discard, answer.Body)
			}
			mutex.Lock()
			open = append(open, connection)
			mutex.Unlock()
		}()
	}
	group.Wait()
	fmt.Println(len(open))
	if drip {
		go func() {
			for at := 0; ; at = (at + 1) % len(head) {
				for _, connection := range open {
					connection.Write([]byte{head[at]})
				}
				time.Sleep(time.Second)
			}
		}()
	}
	io.Copy(io.Discard, input)
}
