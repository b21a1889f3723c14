package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"regexp"
	"sort"
	"strconv"
	"strings"

	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/featuregate"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"

	"github.com/spf13/pflag"
)

// flagSet is what the last check parsed.
var flagSet *pflag.FlagSet

// What a flag takes: a type that metadata-server/inventory/field_types.cpp knows, and its bounds or choices, found by asking.
type taken struct {
	Type    string   `json:"type"`
	From    *int64   `json:"from,omitempty"`
	To      *int64   `json:"to,omitempty"`
	Choices []string `json:"choices,omitempty"`
}

var kinds = map[string]string{
	"bool": "bool", "int": "int", "int32": "int", "int64": "int", "uint": "uint", "uint64": "uint", "Level": "decimal", "float32": "float",
	"float64": "float", "duration": "duration", "ip": "ip", "portRange": "ports", "mapStringBool": "gates",
	"mapStringString": "pairs", "stringToString": "pairs",
	"stringSlice": "list", "stringArray": "text",
}

type asker struct {
	program program
	known   map[string]bool // complaints without the flag
}

var flagName = regexp.MustCompile(`--[a-z0-9-]+`)

// complaint is the first that the flag adds. One that names another flag is of both: what this one takes by itself is asked.
func (a asker) complaint(flag, value string) error {
	for _, err := range guarded(a.program.check, append(append([]string{}, a.program.base...), "--"+flag+"="+value)) {
		for _, one := range flatten(err) {
			if one == nil || a.known[one.Error()] {
				continue
			}
			isOfBoth := false
			for _, name := range flagName.FindAllString(one.Error(), -1) {
				isOfBoth = isOfBoth || name != "--"+flag
			}
			if !isOfBoth {
				return one
			}
		}
	}
	return nil
}

func (a asker) takes(flag string, value int64) bool {
	return a.complaint(flag, strconv.FormatInt(value, 10)) == nil
}

// bounds around the default, where a neighbour of it is taken; what is apart from them (a 0 that means "off") is within.
func (a asker) bounds(flag *pflag.Flag, answer *taken) {
	start, err := strconv.ParseInt(flag.DefValue, 0, 64)
	if err != nil || !a.takes(flag.Name, start) {
		return
	}
	edge := func(far int64, landmarks ...int64) *int64 {
		if a.takes(flag.Name, far) {
			return nil
		}
		step := int64(-1) // towards the default
		if far < 0 {
			step = 1
		}
		for _, mark := range landmarks {
			if a.takes(flag.Name, mark) && !a.takes(flag.Name, mark-step) {
				return &mark
			}
		}
		good, bad := start, far
		for {
			middle := good/2 + bad/2 + (good%2+bad%2)/2
			if middle == good || middle == bad {
				return &good
			}
			if a.takes(flag.Name, middle) {
				good = middle
			} else {
				bad = middle
			}
		}
	}
	if answer.Type == "int" {
		answer.From = edge(math.MinInt64, 0, math.MinInt32, 1, -1)
	}
	answer.To = edge(math.MaxInt64, math.MaxInt32, 65535)
	if a.takes(flag.Name, 0) {
		zero := int64(0)
		if answer.From != nil && *answer.From > 0 {
			answer.From = &zero
		}
		if answer.To != nil && *answer.To < 0 {
			answer.To = &zero
		}
	}
}

// least of a duration, in seconds: 0 or 1, the latter for more than nothing.
func (a asker) least(flag string, answer *taken) {
	if a.complaint(flag, "-1h") == nil {
		return
	}
	from := int64(0)
	if a.complaint(flag, "0s") != nil {
		from = 1
	}
	if a.complaint(flag, "1000h") != nil && a.complaint(flag, "1h") != nil && a.complaint(flag, "1m") != nil && a.complaint(flag, "1s") != nil {
		return // it depends on others
	}
	answer.From = &from
}

var word = regexp.MustCompile(`[A-Za-z][A-Za-z0-9_./-]*[A-Za-z0-9]`)

// choices of a flag that takes no text that it does not know, where its own description names them.
func (a asker) choices(flag *pflag.Flag, answer *taken) {
	if a.complaint(flag.Name, "~") == nil || a.complaint(flag.Name, "Muster") == nil {
		return
	}
	unknown := a.complaint(flag.Name, "Muster").Error()
	// One that is known and lacks something else is told otherwise.
	isKnown := func(name string) bool {
		err := a.complaint(flag.Name, name)
		return err == nil || err.Error() != strings.ReplaceAll(unknown, "Muster", name)
	}
	words := word.FindAllString(flag.Usage, -1)
	if flag.Name == "controllers" {
		for alias := range controllers.ControllerAliases() {
			words = append(words, alias)
		}
	}
	for _, name := range words {
		if answer.Type == "list" && !isKnown(name) && a.complaint(flag.Name, name+"=1") == nil {
			return // its entries have values of their own
		}
	}
	found, known, named := []string{}, 0, map[string]bool{}
	for _, name := range words {
		if named[name] || !isKnown(name) {
			continue
		}
		named[name] = true
		if a.complaint(flag.Name, name) == nil {
			known++
		}
		found = append(found, name)
		if other := strings.ToUpper(name); other != name && isKnown(other) {
			return // letters' case does not count
		}
		if a.complaint(flag.Name, "-"+name) == nil {
			found = append(found, "-"+name)
		}
	}
	if known < 2 {
		return
	}
	for _, name := range []string{"", "*"} {
		if a.complaint(flag.Name, name) == nil {
			found = append(found, name)
		}
	}
	sort.Strings(found)
	answer.Choices = found
	if answer.Type == "text" {
		answer.Type = "choice"
	}
}

func (a asker) gates(answer *taken) {
	for name, spec := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		text := string(name)
		if spec.LockToDefault {
			text = fmt.Sprintf("%s=%t", name, spec.Default)
		}
		answer.Choices = append(answer.Choices, text)
	}
	sort.Strings(answer.Choices)
}

func (a asker) ask(flag *pflag.Flag) taken {
	answer := taken{Type: kinds[flag.Value.Type()]}
	if answer.Type == "" {
		answer.Type = "text"
	}
	switch {
	case flag.Name == "emulated-version" || flag.Name == "min-compatibility-version":
		answer.Type = "text" // what it changes stays for the next question
	case flag.Name == "kubernetes-service-node-port": // service-node-port-range decides it
	case flag.Name == "feature-gates":
		answer.Type = "gates"
		if a.complaint(flag.Name, "Muster=true") != nil {
			a.gates(&answer)
		}
	case answer.Type == "pairs":
		if err := a.complaint(flag.Name, "a=b"); err != nil && strings.HasPrefix(err.Error(), "invalid argument") { // another sign
			answer.Type = "text"
		}
	case answer.Type == "ip" || answer.Type == "ports":
		if a.complaint(flag.Name, "") == nil {
			answer.Choices = []string{""}
		}
	case answer.Type == "int" || answer.Type == "uint" || answer.Type == "decimal":
		a.bounds(flag, &answer)
	case answer.Type == "duration":
		a.least(flag.Name, &answer)
	case (answer.Type == "text" && flag.Value.Type() != "quantity") || answer.Type == "list":
		a.choices(flag, &answer)
	}
	if answer.Type == "list" && answer.Choices == nil {
		answer.Type = "text"
	}
	return answer
}

func writeFlags(asked program) {
	a := asker{asked, map[string]bool{}}
	for _, err := range guarded(asked.check, append([]string{}, asked.base...)) {
		for _, one := range flatten(err) {
			if one != nil {
				a.known[one.Error()] = true
			}
		}
	}
	flags := map[string]taken{}
	all := []*pflag.Flag{}
	flagSet.VisitAll(func(flag *pflag.Flag) { all = append(all, flag) })
	// A wrong gate is remembered by all that is asked after it.
	sort.SliceStable(all, func(i, j int) bool { return all[i].Name != "feature-gates" && all[j].Name == "feature-gates" })
	for _, flag := range all {
		if flag.Name != "help" && flag.Name != "version" {
			flags[flag.Name] = a.ask(flag)
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(flags); err != nil {
		os.Exit(1)
	}
}

func writeGates() {
	shown := []string{}
	for name, spec := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		if spec.PreRelease == featuregate.Alpha || spec.PreRelease == featuregate.Beta {
			shown = append(shown, string(name))
		}
	}
	if err := json.NewEncoder(os.Stdout).Encode(shown); err != nil {
		os.Exit(1)
	}
}
