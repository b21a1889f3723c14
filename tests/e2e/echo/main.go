// The pod of the tests: serves its own host name, and fetches a URL so that a pod can prove that it
// reaches another by address and by service name.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "get" {
		client := http.Client{Timeout: 5 * time.Second}
		answer, err := client.Get(os.Args[2])
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		defer answer.Body.Close()
		io.Copy(os.Stdout, answer.Body)
		return
	}
	host, _ := os.Hostname()
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Printf("%s asked for %s\n", r.RemoteAddr, r.URL.Path)
		fmt.Fprintln(w, host)
	})
	if err := http.ListenAndServe(":8080", nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
