package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cloudprovider "k8s.io/cloud-provider"
	cliflag "k8s.io/component-base/cli/flag"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/klog/v2"
	"k8s.io/kubelet/config/v1beta1"
	"k8s.io/kubernetes/cmd/kubelet/app/options"
	config "k8s.io/kubernetes/pkg/kubelet/apis/config"
	"k8s.io/kubernetes/pkg/kubelet/apis/config/scheme"
	conversion "k8s.io/kubernetes/pkg/kubelet/apis/config/v1beta1"
	"k8s.io/kubernetes/pkg/kubelet/apis/config/validation"
	"k8s.io/kubernetes/pkg/kubelet/cm"
	"k8s.io/kubernetes/pkg/kubelet/cm/cpumanager"
	"k8s.io/kubernetes/pkg/kubelet/cm/memorymanager"
	"k8s.io/kubernetes/pkg/kubelet/cm/topologymanager"
	"k8s.io/kubernetes/pkg/kubelet/eviction"
	"k8s.io/kubernetes/pkg/kubelet/kubeletconfig/util/codec"
	"k8s.io/kubernetes/pkg/kubelet/logs"
	"k8s.io/kubernetes/pkg/kubelet/sysctl"

	"github.com/spf13/pflag"
)

// The order of cmd/kubelet/app/server.go, whose own functions for it have no exported names.
func checkKubelet(arguments []string) []error {
	flags := options.NewKubeletFlags()
	kubelet, err := options.NewKubeletConfiguration()
	if err != nil {
		return []error{err}
	}
	set := pflag.NewFlagSet("kubelet", pflag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	flags.AddFlags(set)
	options.AddKubeletConfigFlags(set, kubelet)
	options.AddGlobalFlags(set)
	flagSet = set
	if err := set.Parse(arguments); err != nil {
		return []error{err}
	}
	if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(kubelet.FeatureGates); err != nil {
		return []error{err}
	}
	if err := options.ValidateKubeletFlags(flags); err != nil {
		return []error{err}
	}
	if flags.KubeletConfigFile != "" {
		if kubelet, err = load(flags.KubeletConfigFile); err != nil {
			return []error{err}
		}
	}
	if flags.KubeletDropinConfigDirectory != "" {
		if kubelet, err = merged(kubelet, flags.KubeletDropinConfigDirectory); err != nil {
			return []error{err}
		}
	}
	if err := override(kubelet, arguments); err != nil {
		return []error{err}
	}
	if err := utilfeature.DefaultMutableFeatureGate.SetFromMap(kubelet.FeatureGates); err != nil {
		return []error{err}
	}
	kubelet.FailCgroupV1 = false // the machine's cgroups decide it
	var found []error
	if err := logsapi.Validate(&kubelet.Logging, utilfeature.DefaultFeatureGate, field.NewPath("logging")).ToAggregate(); err != nil {
		found = append(found, err)
	}
	if err := validation.ValidateKubeletConfiguration(kubelet, utilfeature.DefaultFeatureGate); err != nil {
		found = append(found, err)
	}
	return append(found, startErrors(flags, kubelet)...)
}

func load(path string) (*config.KubeletConfiguration, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	_, codecs, err := scheme.NewSchemeAndCodecs()
	if err != nil {
		return nil, err
	}
	loaded, err := codec.DecodeKubeletConfiguration(context.Background(), codecs, text)
	if err != nil {
		return nil, err
	}
	if loaded.EvictionHard == nil {
		loaded.EvictionHard = eviction.DefaultEvictionHard
	}
	return loaded, nil
}

func merged(base *config.KubeletConfiguration, folder string) (*config.KubeletConfiguration, error) {
	versioned := &v1beta1.KubeletConfiguration{}
	if err := conversion.Convert_config_KubeletConfiguration_To_v1beta1_KubeletConfiguration(base, versioned, nil); err != nil {
		return nil, err
	}
	text, err := json.Marshal(versioned)
	if err != nil {
		return nil, err
	}
	_, codecs, err := scheme.NewSchemeAndCodecs()
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.conf"))
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		written, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		patch, kind, err := codec.DecodeKubeletConfigurationIntoJSON(codecs, written)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if kind == nil || *kind != v1beta1.SchemeGroupVersion.WithKind("KubeletConfiguration") {
			return nil, fmt.Errorf("%s: unknown apiVersion/kind: %v", path, kind)
		}
		if text, err = jsonpatch.MergePatch(text, patch); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	versioned = &v1beta1.KubeletConfiguration{}
	if err := json.Unmarshal(text, versioned); err != nil {
		return nil, err
	}
	conversion.SetDefaults_KubeletConfiguration(versioned)
	whole := &config.KubeletConfiguration{}
	return whole, conversion.Convert_v1beta1_KubeletConfiguration_To_config_KubeletConfiguration(versioned, whole, nil)
}

// override: flags go before files.
func override(kubelet *config.KubeletConfiguration, arguments []string) error {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	set.SetOutput(io.Discard)
	set.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	options.AddGlobalFlags(set)
	ignored := pflag.NewFlagSet("", pflag.ContinueOnError)
	ignored.SetNormalizeFunc(cliflag.WordSepNormalizeFunc)
	set.VisitAll(func(f *pflag.Flag) { ignored.VarP(cliflag.NoOp{}, f.Name, f.Shorthand, f.Usage) })
	ignored.SetOutput(io.Discard)
	options.NewKubeletFlags().AddFlags(ignored)
	options.AddKubeletConfigFlags(ignored, kubelet)
	original := kubelet.FeatureGates
	if err := ignored.Parse(arguments); err != nil {
		return err
	}
	for gate, is := range original {
		if _, ok := kubelet.FeatureGates[gate]; !ok {
			kubelet.FeatureGates[gate] = is
		}
	}
	return nil
}

// startErrors: what kubelet looks at only after its validation, on its way up.
func startErrors(flags *options.KubeletFlags, kubelet *config.KubeletConfiguration) []error {
	var found []error
	say := func(name string, err error) {
		if err != nil {
			found = append(found, fmt.Errorf("%s: %w", name, err))
		}
	}
	say("kubeReserved", reserved(kubelet.KubeReserved))
	say("systemReserved", reserved(kubelet.SystemReserved))
	_, err := eviction.ParseThresholdConfig([]string{}, kubelet.EvictionHard, kubelet.EvictionSoft, kubelet.EvictionSoftGracePeriod, kubelet.EvictionMinimumReclaim)
	say("eviction", err)
	_, err = cm.ParseQOSReserved(kubelet.QOSReserved)
	say("qosReserved", err)
	_, err = cliflag.TLSCipherSuites(kubelet.TLSCipherSuites)
	say("tlsCipherSuites", err)
	_, err = cliflag.TLSVersion(kubelet.TLSMinVersion)
	say("tlsMinVersion", err)
	_, err = sysctl.NewAllowlist(append(sysctl.SafeSysctlAllowlist(context.Background()), kubelet.AllowedUnsafeSysctls...))
	say("allowedUnsafeSysctls", err)
	_, err = logs.NewContainerLogManager(nil, nil, kubelet.ContainerLogMaxSize, int(kubelet.ContainerLogMaxFiles),
		int(kubelet.ContainerLogMaxWorkers), kubelet.ContainerLogMonitorInterval)
	say("containerLogMaxSize, containerLogMaxFiles", err)
	say("cpuManagerPolicy", cpuManagerError(kubelet))
	if policy := kubelet.MemoryManagerPolicy; policy != "None" && policy != string(memorymanager.PolicyTypeStatic) {
		say("memoryManagerPolicy", fmt.Errorf("unknown policy: %q", policy))
	}
	if kubelet.TopologyManagerPolicy != topologymanager.PolicyNone { // with none kubelet does not look at them
		_, err = topologymanager.NewPolicyOptions(klog.Background(), kubelet.TopologyManagerPolicyOptions)
		say("topologyManagerPolicyOptions", err)
	}
	say("tlsCipherSuites", cipherError(kubelet.TLSCipherSuites, kubelet.TLSMinVersion))
	switch strategy := kubelet.ConfigMapAndSecretChangeDetectionStrategy; strategy {
	case config.GetChangeDetectionStrategy, config.TTLCacheChangeDetectionStrategy, config.WatchChangeDetectionStrategy:
	default:
		say("configMapAndSecretChangeDetectionStrategy", fmt.Errorf("unknown configmap and secret manager mode: %v", strategy))
	}
	if kubelet.RuntimeRequestTimeout.Duration <= 0 {
		say("runtimeRequestTimeout", fmt.Errorf("%v leaves no time for any request", kubelet.RuntimeRequestTimeout.Duration))
	}
	if kubelet.SyncFrequency.Duration <= 0 {
		say("syncFrequency", fmt.Errorf("invalid sync frequency %v", kubelet.SyncFrequency.Duration))
	}
	if !filepath.IsAbs(flags.RootDirectory) {
		say("root-dir", fmt.Errorf("%q is no absolute path", flags.RootDirectory))
	}
	if provider := flags.CloudProvider; provider != "" && !cloudprovider.IsExternal(provider) {
		say("cloud-provider", fmt.Errorf("%q was specified, but built-in cloud providers are disabled", provider))
	}
	return found
}

func cpuManagerError(kubelet *config.KubeletConfiguration) error {
	switch kubelet.CPUManagerPolicy {
	case string(cpumanager.PolicyNone):
		_, err := cpumanager.NewNonePolicy(kubelet.CPUManagerPolicyOptions)
		return err
	case string(cpumanager.PolicyStatic):
		_, err := cpumanager.NewStaticPolicyOptions(kubelet.CPUManagerPolicyOptions)
		return err
	default:
		return fmt.Errorf("unknown policy: %q", kubelet.CPUManagerPolicy)
	}
}

func reserved(amounts map[string]string) error {
	for name, text := range amounts {
		switch v1.ResourceName(name) {
		case v1.ResourceCPU, v1.ResourceMemory, v1.ResourceEphemeralStorage, "pid":
			amount, err := resource.ParseQuantity(text)
			if err != nil {
				return fmt.Errorf("%q of %q: %w", text, name, err)
			}
			if amount.Sign() < 0 {
				return fmt.Errorf("resource quantity for %q cannot be negative: %v", name, text)
			}
		default:
			return fmt.Errorf("cannot reserve %q resource", name)
		}
	}
	return nil
}
