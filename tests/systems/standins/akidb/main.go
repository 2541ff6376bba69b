// Stand-in for akidb-api: the contract that AkiDB's deployment guide documents, and nothing of the database.
//
// It takes the documented variables, asks its object store for real (a signed request on its bucket), answers the three
// health endpoints and /metrics under the documented names, and stops on SIGTERM after the requests under way.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

const version = "0.4.0"

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}

type server struct {
	store   *store
	meter   *meter
	started time.Time
}

func main() {
	log.SetFlags(log.LstdFlags | log.LUTC)
	storage := &store{
		endpoint: strings.TrimRight(setting("AKIDB_S3_ENDPOINT", "http://localhost:9000"), "/"),
		region:   setting("AKIDB_S3_REGION", "us-east-1"),
		bucket:   setting("AKIDB_S3_BUCKET", "akidb"),
		access:   os.Getenv("AKIDB_S3_ACCESS_KEY"),
		secret:   os.Getenv("AKIDB_S3_SECRET_KEY"),
	}
	meters := newMeter()
	storage.observe = meters.storage
	s := &server{store: storage, meter: meters, started: time.Now()}
	go func() {
		for {
			err := storage.create()
			if err == nil {
				return
			}
			log.Printf("Failed to initialize S3: %v", err)
			time.Sleep(2 * time.Second)
		}
	}()
	if strings.EqualFold(os.Getenv("AKIDB_TELEMETRY_ENABLED"), "true") {
		log.Print("OpenTelemetry initialized")
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/health/live", s.only("/health/live", s.live))
	mux.HandleFunc("/health/ready", s.only("/health/ready", s.ready))
	mux.HandleFunc("/health", s.only("/health", s.detail))
	mux.HandleFunc("/metrics", s.only("/metrics", s.metrics))
	mux.HandleFunc("/", s.only("other", func(w http.ResponseWriter, _ *http.Request) int {
		return answer(w, http.StatusNotFound, map[string]string{"error": "not found"})
	}))
	listener, err := net.Listen("tcp", setting("AKIDB_BIND_ADDRESS", "0.0.0.0:8080"))
	if err != nil {
		log.Fatal(err)
	}
	web := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, ConnState: meters.connection}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	done := make(chan struct{})
	go func() {
		<-stop
		ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
		defer cancel()
		_ = web.Shutdown(ctx)
		close(done)
	}()
	log.Printf("akidb-api stand-in %s listens on %s", version, listener.Addr())
	if err := web.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-done
}

// only lets GET and HEAD through, and counts what was asked.
func (s *server) only(endpoint string, handle func(http.ResponseWriter, *http.Request) int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		status := http.StatusMethodNotAllowed
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			status = handle(w, r)
		} else {
			answer(w, status, map[string]string{"error": "method not allowed"})
		}
		s.meter.request(r.Method, endpoint, status, time.Since(began))
	}
}

func answer(w http.ResponseWriter, status int, document interface{}) int {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document)
	return status
}

func (s *server) live(w http.ResponseWriter, _ *http.Request) int {
	return answer(w, http.StatusOK, map[string]string{"status": "alive"})
}

func (s *server) ready(w http.ResponseWriter, _ *http.Request) int {
	if err := s.store.ask(); err != nil {
		return answer(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready", "error": "Storage backend not ready"})
	}
	return answer(w, http.StatusOK, map[string]string{"status": "ready"})
}

func (s *server) detail(w http.ResponseWriter, _ *http.Request) int {
	word, said, status := "healthy", "Storage backend operational", http.StatusOK
	if err := s.store.ask(); err != nil {
		word, said, status = "unhealthy", "Storage backend not ready", http.StatusServiceUnavailable
	}
	part := func(status, message string) map[string]string {
		return map[string]string{"status": status, "message": message}
	}
	return answer(w, status, map[string]interface{}{
		"status":         word,
		"version":        version,
		"uptime_seconds": int(time.Since(s.started).Seconds()),
		"components": map[string]interface{}{
			"storage": part(word, said),
			"wal":     part("healthy", "WAL operational"),
			"index":   part("healthy", "Index provider operational"),
		},
	})
}

func (s *server) metrics(w http.ResponseWriter, _ *http.Request) int {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(s.meter.text()))
	return http.StatusOK
}
