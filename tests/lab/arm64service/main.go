// Harbor's notes service once more, as one static program: the same contract as contexts/service/service.py, so that it can
// be built for another processor in seconds. `service` serves, `service healthcheck` asks the one that runs.
package main

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	_ "github.com/lib/pq"
)

const (
	version = "1.4.2"
	limit   = 16 * 1024 // largest body that is read
	listen  = "0.0.0.0:8000"
	plain   = "text/plain; version=0.0.4; charset=utf-8"
)

var (
	started  = time.Now()
	lock     sync.Mutex
	requests = map[[2]string]int{}
)

func setting(name, usual string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return usual
}

func password() (string, error) {
	text, err := os.ReadFile(setting("PASSWORD_FILE", "/run/secrets/harbor_password"))
	return strings.TrimSpace(string(text)), err
}

// redis sends one command on a fresh connection and gives its one-line answer.
func redis(command ...string) error {
	word, err := password()
	if err != nil {
		return err
	}
	link, err := net.DialTimeout("tcp", setting("REDIS_HOST", "redis")+":6379", 2*time.Second)
	if err != nil {
		return err
	}
	defer link.Close()
	link.SetDeadline(time.Now().Add(2 * time.Second))
	answers := bufio.NewReader(link)
	for _, words := range [][]string{{"AUTH", word}, command} {
		frame := fmt.Sprintf("*%d\r\n", len(words))
		for _, each := range words {
			frame += fmt.Sprintf("$%d\r\n%s\r\n", len(each), each)
		}
		if _, err = io.WriteString(link, frame); err != nil {
			return err
		}
		answer, err := answers.ReadString('\n')
		if err != nil || strings.HasPrefix(answer, "-") {
			return fmt.Errorf("redis: %q %v", answer, err)
		}
	}
	return nil
}

func database(do func(context.Context, *sql.DB) error) error {
	word, err := password()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("host=%s user=harbor dbname=postgres password='%s' sslmode=disable connect_timeout=2",
		setting("POSTGRES_HOST", "postgres"), word)
	pool, err := sql.Open("postgres", name)
	if err != nil {
		return err
	}
	defer pool.Close()
	within, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return do(within, pool)
}

// ask asks one dependency whether it works, and says how long that took.
func ask(component string) map[string]any {
	began, status := time.Now(), "up"
	err := error(nil)
	if component == "redis" {
		err = redis("PING")
	} else {
		err = database(func(within context.Context, pool *sql.DB) error {
			_, err := pool.ExecContext(within, "SELECT 1")
			return err
		})
	}
	if err != nil {
		status = "down"
	}
	return map[string]any{"status": status, "milliseconds": tenths(time.Since(began).Seconds() * 1000)}
}

func tenths(value float64) float64 { return math.Round(value*10) / 10 }

func answer(writer http.ResponseWriter, request *http.Request, status int, body any) {
	data, kind := []byte(nil), "application/json"
	if text, ok := body.(string); ok {
		data, kind = []byte(text), plain
	} else {
		data, _ = json.Marshal(body)
		data = append(data, '\n')
	}
	lock.Lock()
	requests[[2]string{request.Method, strconv.Itoa(status)}]++
	lock.Unlock()
	writer.Header().Set("Server", "harbor")
	writer.Header().Set("Content-Type", kind)
	writer.Header().Set("Content-Length", strconv.Itoa(len(data)))
	writer.WriteHeader(status)
	if request.Method != http.MethodHead {
		writer.Write(data)
	}
	line, _ := json.Marshal(map[string]any{
		"level": "info", "message": fmt.Sprintf("\"%s %s\" %d -", request.Method, request.URL.Path, status),
	})
	fmt.Println(string(line))
}

func handle(writer http.ResponseWriter, request *http.Request) {
	reads := request.Method == http.MethodGet || request.Method == http.MethodHead
	switch path := request.URL.Path; {
	case request.Method == http.MethodPost && path == "/notes":
		write(writer, request)
	case reads && path == "/health/live":
		answer(writer, request, 200, map[string]any{"status": "alive"})
	case reads && (path == "/health/ready" || path == "/health"):
		health(writer, request, path == "/health")
	case reads && path == "/metrics":
		answer(writer, request, 200, metrics())
	case reads && path == "/notes":
		read(writer, request)
	default:
		answer(writer, request, 404, map[string]any{"error": "no such path"})
	}
}

func health(writer http.ResponseWriter, request *http.Request, detail bool) {
	parts, states, status := map[string]any{}, map[string]any{}, 200
	for _, name := range []string{"redis", "postgres"} {
		part := ask(name)
		parts[name], states[name] = part, part["status"]
		if part["status"] != "up" {
			status = 503
		}
	}
	said := map[bool][2]string{true: {"healthy", "ready"}, false: {"unhealthy", "not ready"}}[status == 200]
	if !detail {
		answer(writer, request, status, map[string]any{"status": said[1], "components": states})
		return
	}
	answer(writer, request, status, map[string]any{
		"status": said[0], "version": version, "components": parts,
		"uptime_seconds": tenths(time.Since(started).Seconds()),
	})
}

func write(writer http.ResponseWriter, request *http.Request) {
	if request.ContentLength < 0 || request.ContentLength > limit {
		answer(writer, request, 413, map[string]any{"error": "too large, or of no stated length"})
		return
	}
	var sent struct{ Text *string }
	if json.NewDecoder(request.Body).Decode(&sent) != nil || sent.Text == nil {
		answer(writer, request, 400, map[string]any{"error": `send {"text": "..."}`})
		return
	}
	number := 0
	err := database(func(within context.Context, pool *sql.DB) error {
		return pool.QueryRowContext(within, "INSERT INTO notes (text) VALUES ($1) RETURNING id", *sent.Text).Scan(&number)
	})
	if err == nil {
		err = redis("INCR", "notes")
	}
	if err != nil {
		answer(writer, request, 503, map[string]any{"error": "a dependency is down"})
		return
	}
	answer(writer, request, 201, map[string]any{"id": number, "text": *sent.Text})
}

func read(writer http.ResponseWriter, request *http.Request) {
	notes := []map[string]any{}
	err := database(func(within context.Context, pool *sql.DB) error {
		rows, err := pool.QueryContext(within, "SELECT id, text FROM notes ORDER BY id DESC LIMIT 100")
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			number, text := 0, ""
			if err := rows.Scan(&number, &text); err != nil {
				return err
			}
			notes = append(notes, map[string]any{"id": number, "text": text})
		}
		return rows.Err()
	})
	if err != nil {
		answer(writer, request, 503, map[string]any{"error": "a dependency is down"})
		return
	}
	answer(writer, request, 200, map[string]any{"notes": notes})
}

func metrics() string {
	lines := []string{"# HELP harbor_requests_total Requests answered.", "# TYPE harbor_requests_total counter"}
	lock.Lock()
	seen := []string{}
	for key, count := range requests {
		seen = append(seen, fmt.Sprintf("harbor_requests_total{method=%q,status=%q} %d", key[0], key[1], count))
	}
	lock.Unlock()
	sort.Strings(seen)
	lines = append(append(lines, seen...), "# HELP harbor_build_info The version that runs.",
		"# TYPE harbor_build_info gauge", fmt.Sprintf("harbor_build_info{version=%q} 1", version))
	return strings.Join(lines, "\n") + "\n"
}

func healthcheck() int {
	client := http.Client{Timeout: 2 * time.Second}
	told, err := client.Get("http://127.0.0.1:8000/health/live")
	if err != nil || told.StatusCode != 200 {
		return 1
	}
	return 0
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "healthcheck" {
		os.Exit(healthcheck())
	}
	server := &http.Server{Addr: listen, Handler: http.HandlerFunc(handle), ReadHeaderTimeout: 15 * time.Second}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan struct{})
	go func() {
		<-asked
		within, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		server.Shutdown(within)
		close(ended)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	<-ended
}
