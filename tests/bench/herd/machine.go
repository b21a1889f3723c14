package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// One machine as the server sees it, from an address of its own: what muster-agent asks, in its order.
type machine struct {
	number   int
	key      *ecdsa.PrivateKey
	identity []byte // DER
	etags    map[string]string
	reports  int64
	client   *http.Client
}

// Refused for now: the header's seconds are the least pause.
type busy struct{ pause time.Duration }

func (busy) Error() string { return "busy" }

func newMachine(number int) *machine {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	return &machine{number: number, key: key, etags: map[string]string{}}
}

func (m *machine) name() string { return fmt.Sprintf("n%d", m.number) }

func (m *machine) mac() string {
	n := m.number
	return fmt.Sprintf("02:4d:%02x:%02x:%02x:%02x", byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

// Racks of 250.
func (m *machine) address() net.IP {
	return net.IPv4(127, 100, byte(m.number/250), byte(m.number%250+1))
}

// The connection of one session; an agent has none between two polls.
func (m *machine) open() {
	settings := &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}
	if m.identity != nil {
		settings.Certificates = []tls.Certificate{{Certificate: [][]byte{m.identity}, PrivateKey: m.key}}
	}
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: m.address()}, Timeout: 5 * time.Second}
	m.client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: settings, MaxIdleConnsPerHost: 1, DisableCompression: true}}
}

func (m *machine) close() { m.client.CloseIdleConnections() }

func (m *machine) ask(method, url, path string, body any) ([]byte, error) {
	var text []byte
	if body != nil {
		text, _ = json.Marshal(body)
	}
	request, err := http.NewRequest(method, url+path, bytes.NewReader(text))
	check(err)
	request.Header.Set("Content-Type", "application/json")
	if etag := m.etags[path]; etag != "" {
		request.Header.Set("If-None-Match", etag)
	}
	if path == "/v1/document" || path == "/v1/peers" {
		request.Header.Set("Muster-Document-Format", strconv.Itoa(documentFormat))
	}
	began := time.Now()
	answer, err := m.client.Do(request)
	if err != nil {
		figures.failed(path, err)
		return nil, err
	}
	defer answer.Body.Close()
	answered, err := io.ReadAll(answer.Body)
	if err != nil {
		figures.failed(path, err)
		return nil, err
	}
	figures.took(method+" "+path, time.Since(began), answer.StatusCode)
	switch {
	case answer.StatusCode == 429 || answer.StatusCode == 503:
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		return nil, busy{time.Duration(min(max(seconds, 1), 600)) * time.Second}
	case answer.StatusCode == 200:
		if etag := answer.Header.Get("ETag"); etag != "" {
			m.etags[path] = etag
		}
		return answered, nil
	case answer.StatusCode == 304:
		return nil, nil
	}
	return nil, fmt.Errorf("%s %s: %d %.300s", method, path, answer.StatusCode, answered)
}

func (m *machine) csr(subject string, key *ecdsa.PrivateKey) string {
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: pkix.Name{CommonName: subject}}, key)
	check(err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// POST of what shows that this machine has `key`: a nonce of the same listener, signed with the request.
func (m *machine) prove(url, path, purpose string, key *ecdsa.PrivateKey, more map[string]any) error {
	answered, err := m.ask("POST", url, "/v1/nonce", map[string]any{})
	if err != nil {
		return err
	}
	var fresh struct{ Nonce string }
	if err := json.Unmarshal(answered, &fresh); err != nil {
		return err
	}
	csr := m.csr("muster-machine", key)
	hash := sha256.Sum256(fmt.Appendf(nil, "muster %s v1\n%s\nsha256:%x", purpose, fresh.Nonce, sha256.Sum256([]byte(csr))))
	proof, err := ecdsa.SignASN1(rand.Reader, key, hash[:])
	check(err)
	body := map[string]any{"nonce": fresh.Nonce, "csr": csr, "proof": proof}
	for name, value := range more {
		body[name] = value
	}
	if answered, err = m.ask("POST", url, path, body); err != nil {
		return err
	}
	var given struct{ Certificate string }
	if err := json.Unmarshal(answered, &given); err != nil {
		return err
	}
	block, _ := pem.Decode([]byte(given.Certificate))
	if block == nil {
		return fmt.Errorf("%s: no certificate: %.200s", path, answered)
	}
	m.key, m.identity = key, block.Bytes
	return nil
}

// First contact has a connection of its own: what it tells of the server is what the next ones go by.
func (m *machine) firstContact() error {
	m.open()
	defer m.close()
	_, err := m.ask("GET", enrolURL, "/v1/trust", nil)
	return err
}

func (m *machine) enrol() error {
	m.open()
	defer m.close()
	hints := map[string]any{"macs": []string{m.mac()}, "uuid": "", "serial": "", "hostname": m.name(), "machineId": "", "bootId": ""}
	return m.prove(enrolURL, "/v1/enrol", "enrol", m.key, map[string]any{"token": token, "hints": hints})
}

func (m *machine) renew() error {
	m.open()
	defer m.close()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	return m.prove(nodeURL, "/v1/identity", "recover", key, nil)
}

// All that a machine needs to start; later what it asks each minute, of which most is unchanged.
func (m *machine) poll() error {
	m.open()
	defer m.close()
	if _, err := m.ask("GET", nodeURL, "/v1/trust", nil); err != nil {
		return err
	}
	document, err := m.ask("GET", nodeURL, "/v1/document", nil)
	if err != nil {
		return err
	}
	if _, err := m.ask("GET", nodeURL, "/v1/peers", nil); err != nil {
		return err
	}
	if document != nil {
		if err := m.certificates(document); err != nil {
			return err
		}
	}
	m.reports = max(m.reports+1, time.Now().UnixMilli())
	_, err = m.ask("POST", nodeURL, "/v1/report", map[string]any{
		"machineId": m.name(), "bootId": m.name(), "counter": m.reports, "agentVersion": "1", "documentDigest": "", "generation": 1,
		"verdict": "converged", "failureClass": "", "message": "", "offline": false, "pending": []any{}, "phases": []any{},
		"etcdClusterId": "", "etcdMemberId": "", "sentAt": time.Now().Unix()})
	return err
}

func (m *machine) certificates(envelope []byte) error {
	var signed struct{ Payload []byte }
	var document struct{ Certificates []struct{ Name string } }
	if err := errors.Join(json.Unmarshal(envelope, &signed), json.Unmarshal(signed.Payload, &document)); err != nil {
		return err
	}
	var requests []map[string]string
	for _, listed := range document.Certificates {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		check(err)
		requests = append(requests, map[string]string{"name": listed.Name, "csr": m.csr(listed.Name, key)})
	}
	if len(requests) == 0 {
		return errors.New("the document lists no certificates")
	}
	_, err := m.ask("POST", nodeURL, "/v1/certificates", map[string]any{"requests": requests})
	return err
}
