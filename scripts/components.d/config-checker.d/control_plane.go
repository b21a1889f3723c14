package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"

	"golang.org/x/net/http2"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/apis/apiserver/install"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/server/egressselector"
	apiserveroptions "k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/server/options/encryptionconfig"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/component-base/cli/globalflag"
	basecompatibility "k8s.io/component-base/compatibility"
	"k8s.io/component-base/featuregate"
	"k8s.io/component-base/logs"
	logsapi "k8s.io/component-base/logs/api/v1"
	_ "k8s.io/component-base/logs/json/register"
	"k8s.io/component-base/version/verflag"
	"k8s.io/klog/v2"
	apiserver_options "k8s.io/kubernetes/cmd/kube-apiserver/app/options"
	controllers "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	controllers_options "k8s.io/kubernetes/cmd/kube-controller-manager/app/options"
	scheduler_options "k8s.io/kubernetes/cmd/kube-scheduler/app/options"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
)

func parse(program string, named cliflag.NamedFlagSets, arguments []string) error {
	verflag.AddFlags(named.FlagSet("global"))
	globalflag.AddGlobalFlags(named.FlagSet("global"), program, logs.SkipLoggingConfigurationFlags())
	set := newFlagSet(program)
	for _, one := range named.FlagSets {
		set.AddFlagSet(one)
	}
	flagSet = set
	return set.Parse(arguments)
}

func logErrors(options *logsapi.LoggingConfiguration, registry basecompatibility.ComponentGlobalsRegistry) []error {
	var gates featuregate.FeatureGate = registry.FeatureGateFor(basecompatibility.DefaultKubeComponent)
	if err := logsapi.Validate(options, gates, nil).ToAggregate(); err != nil {
		return []error{err}
	}
	return nil
}

// cipherError: HTTP/2 demands one of two suites; unknown names and versions are told by others.
func cipherError(names []string, minimum string) error {
	suites, err := cliflag.TLSCipherSuites(names)
	if err != nil {
		return nil
	}
	version, err := cliflag.TLSVersion(minimum)
	if err != nil {
		return nil
	}
	return http2.ConfigureServer(&http.Server{TLSConfig: &tls.Config{CipherSuites: suites, MinVersion: version}}, nil)
}

// servingErrors: of what is looked at only when the listener is made.
func servingErrors(serving *apiserveroptions.SecureServingOptions) []error {
	var found []error
	say := func(err error) {
		if err != nil {
			found = append(found, err)
		}
	}
	_, err := cliflag.TLSCipherSuites(serving.CipherSuites)
	say(err)
	_, err = cliflag.TLSVersion(serving.MinTLSVersion)
	say(err)
	if !serving.DisableHTTP2Serving {
		say(cipherError(serving.CipherSuites, serving.MinTLSVersion))
	}
	if pair := serving.ServerCert.CertKey; (pair.CertFile == "") != (pair.KeyFile == "") {
		say(errors.New("--tls-cert-file and --tls-private-key-file: one of them is missing"))
	}
	return found
}

func checkAPIServer(arguments []string) []error {
	key, err := signingKey()
	if err != nil {
		return []error{err}
	}
	defer os.Remove(key)
	for at, argument := range arguments {
		name, path, _ := strings.Cut(argument, "=")
		if _, err := os.Stat(path); err != nil && strings.HasPrefix(name, "--service-account-") && strings.HasSuffix(name, "-key-file") {
			arguments[at] = name + "=" + key
		}
	}
	options := apiserver_options.NewServerRunOptions()
	if err := parse("kube-apiserver", options.Flags(), arguments); err != nil {
		return []error{err}
	}
	registry := options.GenericServerRunOptions.ComponentGlobalsRegistry
	if err := registry.Set(); err != nil {
		return []error{err}
	}
	if found := logErrors(options.Logs, registry); found != nil {
		return found
	}
	completed, err := options.Complete(context.Background())
	if err != nil {
		return []error{err}
	}
	return append(append(completed.Validate(), fileErrors(options)...), servingErrors(options.SecureServing.SecureServingOptions)...)
}

// fileErrors: of the files that kube-apiserver reads only after its validation.
func fileErrors(options *apiserver_options.ServerRunOptions) []error {
	var found []error
	check := func(path string, read func(string) error) {
		if root == "" || !strings.HasPrefix(path, root+"/") { // on the machine alone, or a secret
			return
		}
		if err := read(path); err != nil {
			found = append(found, fmt.Errorf("%s: %w", path, err))
		}
	}
	check(options.Audit.PolicyFile, func(path string) error {
		_, err := policy.LoadPolicyFromFile(path)
		return err
	})
	check(options.Etcd.EncryptionProviderConfigFilepath, func(path string) error {
		_, err := encryptionconfig.LoadEncryptionConfig(context.Background(), path, false, "")
		return err
	})
	scheme := runtime.NewScheme()
	install.Install(scheme)
	check(options.Admission.GenericAdmission.ConfigFile, func(path string) error {
		_, err := admission.ReadAdmissionConfiguration(options.Admission.GenericAdmission.Plugins.Registered(), path, scheme)
		return err
	})
	check(options.EgressSelector.ConfigFile, func(path string) error {
		read, err := egressselector.ReadEgressSelectorConfiguration(path)
		if err == nil {
			err = egressselector.ValidateEgressSelectorConfiguration(read).ToAggregate()
		}
		return err
	})
	check(options.Traces.ConfigFile, func(path string) error {
		_, err := apiserveroptions.ReadTracingConfiguration(path)
		return err
	})
	return found
}

var madeKey = sync.OnceValues(func() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	text, err := x509.MarshalECPrivateKey(key)
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: text}), err
})

// signingKey stands for the one that the machine has.
func signingKey() (string, error) {
	text, err := madeKey()
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp("", "config-checker-")
	if err != nil {
		return "", err
	}
	_, err = file.Write(text)
	return file.Name(), errors.Join(err, file.Close())
}

func checkControllerManager(arguments []string) []error {
	options, err := controllers_options.NewKubeControllerManagerOptions()
	if err != nil {
		return []error{err}
	}
	known, off, aliases := controllers.KnownControllers(), controllers.ControllersDisabledByDefault(), controllers.ControllerAliases()
	if err := parse("kube-controller-manager", options.Flags(known, off, aliases), arguments); err != nil {
		return []error{err}
	}
	if err := options.ComponentGlobalsRegistry.Set(); err != nil {
		return []error{err}
	}
	found := logErrors(options.Logs, options.ComponentGlobalsRegistry)
	if err := options.Validate(known, off, aliases); err != nil {
		found = append(found, err)
	}
	return append(found, servingErrors(options.SecureServing)...)
}

func checkScheduler(arguments []string) []error {
	options := scheduler_options.NewOptions()
	if err := parse("kube-scheduler", *options.Flags, arguments); err != nil {
		return []error{err}
	}
	if err := options.ComponentGlobalsRegistry.Set(); err != nil {
		return []error{err}
	}
	found := logErrors(options.Logs, options.ComponentGlobalsRegistry)
	defaults, err := latest.Default()
	if err != nil {
		return append(found, err)
	}
	options.ComponentConfig = defaults
	options.ApplyDeprecated()
	options.ApplyLeaderElectionTo(options.ComponentConfig)
	if options.ConfigFile != "" {
		if root != "" && strings.HasPrefix(options.ConfigFile, root+"/") {
			loaded, err := scheduler_options.LoadConfigFromFile(klog.Background(), options.ConfigFile)
			if err != nil {
				return append(found, err)
			}
			options.ComponentConfig = loaded
		}
	}
	return append(append(found, options.Validate()...), servingErrors(options.SecureServing)...)
}
