// Stand-in for curl, for images without a shell: `curl -f URL` of the documented health checks, and nothing else.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"
)

func main() {
	client := &http.Client{Timeout: 8 * time.Second}
	response, err := client.Get(os.Args[len(os.Args)-1])
	if err != nil {
		fmt.Fprintln(os.Stderr, "curl: (7)", err)
		os.Exit(7)
	}
	if response.StatusCode >= 400 {
		fmt.Fprintf(os.Stderr, "curl: (22) The requested URL returned error: %d\n", response.StatusCode)
		os.Exit(22)
	}
}
