// config-checker [--root DIR] PROGRAM [ARGUMENT...]: what PROGRAM of this version says of its arguments and of the files
// that they name, by its own decoding, defaulting and validation. Nothing is started. A file that an argument names is
// read below DIR where it lies there. Prints {"problems":["..."]}.
// config-checker flags PROGRAM: its flags with the values that they take (flags.go), as JSON.
// config-checker gates: the alpha and beta feature gates of all of them.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	utilerrors "k8s.io/apimachinery/pkg/util/errors"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/klog/v2"
)

const (
	patience     = 25 * time.Second
	mostProblems = 32
	mostLetters  = 2000
)

// A program as far as it is asked here. Its flags are the last that check made.
type program struct {
	check func(arguments []string) []error
	base  []string // with which it goes as far as validating the others
}

var programs = map[string]program{
	"kubelet":    {checkKubelet, nil},
	"kube-proxy": {checkProxy, nil},
	"kube-apiserver": {checkAPIServer, []string{"--etcd-servers=http://127.0.0.1:2379", "--service-account-issuer=https://issuer",
		"--service-account-key-file=/key", "--service-account-signing-key-file=/key", "--tls-cert-file=/certificate",
		"--tls-private-key-file=/key", "--service-cluster-ip-range=10.96.0.0/16", "--advertise-address=10.0.0.1",
		"--authorization-mode=RBAC", "--audit-log-path=-", "--encryption-provider-config=/configuration"}},
	"kube-controller-manager": {checkControllerManager, nil},
	"kube-scheduler":          {checkScheduler, nil},
}

// root is the folder that files are read below: those of this machine are not the machine's.
var root string

func init() {
	utilruntime.Must(logsapi.AddFeatureGates(utilfeature.DefaultMutableFeatureGate))
}

// located is the argument with the path of its file below root, where there is one.
func located(root, argument string) string {
	name, value, found := strings.Cut(argument, "=")
	if root == "" || !found || !strings.HasPrefix(value, "/") {
		return argument
	}
	path := filepath.Join(root, filepath.Clean(value))
	if _, err := os.Stat(path); err != nil {
		return argument
	}
	return name + "=" + path
}

func flatten(err error) []error {
	if several, ok := err.(interface{ Errors() []error }); ok {
		var all []error
		for _, one := range several.Errors() {
			all = append(all, flatten(one)...)
		}
		return all
	}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, one := range several.Unwrap() {
			all = append(all, flatten(one)...)
		}
		return all
	}
	return []error{err}
}

func write(root string, found []error) {
	problems, told := []string{}, map[string]bool{}
	for _, err := range flatten(utilerrors.NewAggregate(found)) {
		if err == nil {
			continue
		}
		text := err.Error()
		if root != "" {
			text = strings.ReplaceAll(text, strings.TrimRight(root, "/")+"/", "/")
		}
		if len(text) > mostLetters {
			text = strings.ToValidUTF8(text[:mostLetters], "") + "..."
		}
		if told[text] || len(problems) == mostProblems {
			continue
		}
		told[text] = true
		problems = append(problems, text)
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{"problems": problems}); err != nil {
		os.Exit(1)
	}
}

func main() {
	arguments := os.Args[1:]
	if len(arguments) > 1 && arguments[0] == "--root" {
		root, arguments = arguments[1], arguments[2:]
	}
	if len(arguments) == 1 && arguments[0] == "gates" {
		writeGates()
		return
	}
	wantsFlags := len(arguments) == 2 && arguments[0] == "flags"
	if wantsFlags {
		arguments = arguments[1:]
	}
	if len(arguments) == 0 || programs[arguments[0]].check == nil {
		fmt.Fprintln(os.Stderr, "usage: config-checker [--root DIR] PROGRAM [ARGUMENT...] | flags PROGRAM | gates, where PROGRAM is "+
			"kubelet, kube-proxy, kube-apiserver, kube-controller-manager or kube-scheduler")
		os.Exit(2)
	}
	klog.SetOutput(io.Discard)
	klog.LogToStderr(false)
	if wantsFlags {
		asked := programs[arguments[0]]
		if arguments[0] == "kube-proxy" {
			asked.check = func(arguments []string) []error {
				_, found := checkProxyFlags(arguments)
				return found
			}
		}
		writeFlags(asked)
		return
	}
	time.AfterFunc(patience, func() { // of a file that is a pipe, or a disk that does not answer
		fmt.Fprintf(os.Stderr, "config-checker: %s gave no answer within %s\n", arguments[0], patience)
		os.Exit(3)
	})
	placed := []string{}
	for _, argument := range arguments[1:] {
		placed = append(placed, located(root, argument))
	}
	write(root, guarded(programs[arguments[0]].check, placed))
}

// guarded: a component that panics on its configuration does not start either.
func guarded(check func([]string) []error, arguments []string) (found []error) {
	defer func() {
		if reason := recover(); reason != nil {
			found = append(found, errors.New(fmt.Sprint(reason)))
		}
	}()
	return check(arguments)
}
