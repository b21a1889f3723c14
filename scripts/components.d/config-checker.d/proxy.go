package main

import (
	"flag"
	"io"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation/field"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/kubernetes/cmd/kube-proxy/app"
)

func checkProxy(arguments []string) []error {
	opts, found := checkProxyFlags(arguments)
	if found != nil {
		return found
	}
	if err := opts.Complete(flagSet); err != nil {
		return []error{err}
	}
	if err := opts.Validate(); err != nil {
		return []error{err}
	}
	return nil
}

// checkProxyFlags: beside a configuration file only the flags of its log count; the others are parsed.
func checkProxyFlags(arguments []string) (*app.Options, []error) {
	opts := app.NewOptions()
	set := newFlagSet("kube-proxy")
	opts.AddFlags(set)
	for _, name := range []string{"boot_id_file", "machine_id_file"} { // cadvisor's
		set.AddGoFlag(flag.CommandLine.Lookup(name))
	}
	globalflag.AddGlobalFlags(set, "kube-proxy", logs.SkipLoggingConfigurationFlags())
	flagSet = set
	if err := set.Parse(arguments); err != nil {
		return nil, []error{err}
	}
	logging, logFlags := logsapi.NewLoggingConfiguration(), newFlagSet("logs")
	logsapi.AddFlags(logging, logFlags)
	logFlags.VisitAll(func(f *pflag.Flag) {
		if given := set.Lookup(f.Name); given.Changed {
			_ = f.Value.Set(given.Value.String())
		}
	})
	if err := logsapi.Validate(logging, utilfeature.DefaultFeatureGate, field.NewPath("logging")).ToAggregate(); err != nil {
		return nil, []error{err}
	}
	return opts, nil
}

func newFlagSet(name string) *pflag.FlagSet {
	set := pflag.NewFlagSet(name, pflag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	return set
}
