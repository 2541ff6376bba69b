package main

import (
	"fmt"
	"net"
	"net/http"
	"sort"
	"strings"
	"sync"
	"time"
)

var bounds = []float64{0.001, 0.005, 0.025, 0.1, 0.5, 2}

type histogram struct {
	counts []int
	sum    float64
	count  int
}

func (h *histogram) add(seconds float64) {
	if h.counts == nil {
		h.counts = make([]int, len(bounds))
	}
	for i, bound := range bounds {
		if seconds <= bound {
			h.counts[i]++
		}
	}
	h.sum += seconds
	h.count++
}

// meter keeps the documented metrics and writes them in Prometheus' text format.
type meter struct {
	lock       sync.Mutex
	requests   map[string]int
	durations  map[string]*histogram
	operations map[string]int
	latencies  map[string]*histogram
	open       map[net.Conn]bool
}

func newMeter() *meter {
	return &meter{
		requests: map[string]int{}, durations: map[string]*histogram{}, operations: map[string]int{},
		latencies: map[string]*histogram{}, open: map[net.Conn]bool{},
	}
}

func (m *meter) request(method, endpoint string, status int, took time.Duration) {
	m.lock.Lock()
	defer m.lock.Unlock()
	m.requests[fmt.Sprintf(`method=%q,endpoint=%q,status="%d"`, method, endpoint, status)]++
	grow(m.durations, fmt.Sprintf(`method=%q,endpoint=%q`, method, endpoint), took)
}

func (m *meter) storage(operation string, took time.Duration) {
	m.lock.Lock()
	defer m.lock.Unlock()
	labels := fmt.Sprintf(`operation=%q`, operation)
	m.operations[labels]++
	grow(m.latencies, labels, took)
}

func grow(all map[string]*histogram, labels string, took time.Duration) {
	if all[labels] == nil {
		all[labels] = &histogram{}
	}
	all[labels].add(took.Seconds())
}

func (m *meter) connection(connection net.Conn, state http.ConnState) {
	m.lock.Lock()
	defer m.lock.Unlock()
	switch state {
	case http.StateNew:
		m.open[connection] = true
	case http.StateClosed, http.StateHijacked:
		delete(m.open, connection)
	}
}

func (m *meter) text() string {
	m.lock.Lock()
	defer m.lock.Unlock()
	var out strings.Builder
	family(&out, "akidb_api_requests_total", "counter", "API requests by method, endpoint and status.")
	counters(&out, "akidb_api_requests_total", m.requests)
	family(&out, "akidb_api_request_duration_seconds", "histogram", "Time an API request took.")
	histograms(&out, "akidb_api_request_duration_seconds", m.durations)
	family(&out, "akidb_storage_operations_total", "counter", "Requests to the object store.")
	counters(&out, "akidb_storage_operations_total", m.operations)
	family(&out, "akidb_storage_latency_seconds", "histogram", "Time the object store took.")
	histograms(&out, "akidb_storage_latency_seconds", m.latencies)
	family(&out, "akidb_index_search_duration_seconds", "histogram", "Time a search of an index took.")
	histograms(&out, "akidb_index_search_duration_seconds", map[string]*histogram{"": {counts: make([]int, len(bounds))}})
	for _, name := range []string{"akidb_wal_operations_total", "akidb_slow_queries_total"} {
		family(&out, name, "counter", "Never grows in a stand-in.")
		fmt.Fprintf(&out, "%s 0\n", name)
	}
	family(&out, "akidb_active_connections", "gauge", "Connections of clients.")
	fmt.Fprintf(&out, "akidb_active_connections %d\n", len(m.open))
	return out.String()
}

func family(out *strings.Builder, name, kind, help string) {
	fmt.Fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

func counters(out *strings.Builder, name string, series map[string]int) {
	labels := make([]string, 0, len(series))
	for label := range series {
		labels = append(labels, label)
	}
	sort.Strings(labels)
	for _, label := range labels {
		fmt.Fprintf(out, "%s{%s} %d\n", name, label, series[label])
	}
}

func histograms(out *strings.Builder, name string, series map[string]*histogram) {
	labels := make([]string, 0, len(series))
	for label := range series {
		labels = append(labels, label)
	}
	sort.Strings(labels)
	for _, label := range labels {
		one, first, braces := series[label], label, ""
		if label != "" {
			first, braces = label+",", "{"+label+"}"
		}
		for i, bound := range bounds {
			fmt.Fprintf(out, "%s_bucket{%sle=\"%g\"} %d\n", name, first, bound, one.counts[i])
		}
		fmt.Fprintf(out, "%s_bucket{%sle=\"+Inf\"} %d\n", name, first, one.count)
		fmt.Fprintf(out, "%s_sum%s %g\n%s_count%s %d\n", name, braces, one.sum, name, braces, one.count)
	}
}
