package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"time"
)

// store asks an S3 object store about one bucket, with requests signed by AWS Signature Version 4.
type store struct {
	endpoint, region, bucket, access, secret string
	observe                                  func(operation string, took time.Duration)
}

var client = &http.Client{Timeout: 3 * time.Second}

// ask tells whether the bucket is there and ours.
func (s *store) ask() error { return s.send(http.MethodHead, "get") }

// create makes the bucket; one that is there already is fine.
func (s *store) create() error {
	if s.ask() == nil {
		return nil
	}
	return s.send(http.MethodPut, "put")
}

func (s *store) send(method, operation string) error {
	request, err := http.NewRequest(method, s.endpoint+"/"+s.bucket, nil)
	if err != nil {
		return err
	}
	s.sign(request, time.Now().UTC())
	began := time.Now()
	response, err := client.Do(request)
	s.observe(operation, time.Since(began))
	if err != nil {
		return err
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s of bucket %s: %s", method, s.bucket, response.Status)
	}
	return nil
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func (s *store) sign(request *http.Request, now time.Time) {
	stamp, day, nothing := now.Format("20060102T150405Z"), now.Format("20060102"), digest("")
	request.Header.Set("X-Amz-Date", stamp)
	request.Header.Set("X-Amz-Content-Sha256", nothing)
	const names = "host;x-amz-content-sha256;x-amz-date"
	canonical := fmt.Sprintf("%s\n/%s\n\nhost:%s\nx-amz-content-sha256:%s\nx-amz-date:%s\n\n%s\n%s",
		request.Method, s.bucket, request.URL.Host, nothing, stamp, names, nothing)
	scope := fmt.Sprintf("%s/%s/s3/aws4_request", day, s.region)
	key := []byte("AWS4" + s.secret)
	for _, part := range []string{day, s.region, "s3", "aws4_request"} {
		key = keyed(key, part)
	}
	signature := hex.EncodeToString(keyed(key, fmt.Sprintf("AWS4-HMAC-SHA256\n%s\n%s\n%s", stamp, scope, digest(canonical))))
	request.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		s.access, scope, names, signature))
}
