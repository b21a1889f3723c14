#include "agent/run/failure.hpp"

#include <algorithm>
#include <array>

namespace muster {

bool is_of_the_disk(ErrorKind kind) {
  return kind == ErrorKind::io || kind == ErrorKind::exhausted;
}

namespace {

bool is_of_the_network(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::timeout;
}

// The first unit in the order of a boot that the error names.
FailureClass class_of_units(const Error& error) {
  constexpr std::array<std::pair<std::string_view, FailureClass>, 4> owners{{
      {"containerd.service", FailureClass::runtime},
      {"etcd.service", FailureClass::etcd},
      {"kube-", FailureClass::api},
      {"kubelet.service", FailureClass::kubelet},
  }};
  for (const auto& [unit, kind] : owners) {
    if (error.message.find(unit) != std::string::npos) return kind;
  }
  return FailureClass::runtime;
}

struct ClassOf {
  const Error& error;
  FailureClass operator()(const InstallRelease&) const {
    if (is_of_the_network(error.kind)) return FailureClass::network;
    // conflict: somebody else is at work on the machine's packages, whatever the document says.
    const bool is_of_the_machine = is_of_the_disk(error.kind) || error.kind == ErrorKind::conflict;
    return is_of_the_machine ? FailureClass::disk : FailureClass::package;
  }
  FailureClass operator()(const BringReleases&) const { return (*this)(InstallRelease{}); }
  FailureClass operator()(const MakeAccount&) const { return FailureClass::disk; }
  FailureClass operator()(const ObtainCertificates&) const {
    if (is_of_the_network(error.kind)) return FailureClass::network;
    return is_of_the_disk(error.kind) ? FailureClass::disk : FailureClass::identity;
  }
  FailureClass operator()(const FetchSecret&) const { return (*this)(ObtainCertificates{}); }
  FailureClass operator()(const MakeDirectory&) const { return FailureClass::disk; }
  FailureClass operator()(const WriteFile&) const { return FailureClass::disk; }
  FailureClass operator()(const RemovePath&) const { return FailureClass::disk; }
  FailureClass operator()(const CorrectFile&) const { return FailureClass::disk; }
  FailureClass operator()(const ReloadServiceManager&) const { return FailureClass::runtime; }
  FailureClass operator()(const StartUnits&) const { return class_of_units(error); }
  FailureClass operator()(const RestartUnits&) const { return class_of_units(error); }
  FailureClass operator()(const ReloadUnits&) const { return class_of_units(error); }
  FailureClass operator()(const StopUnits&) const { return class_of_units(error); }
  FailureClass operator()(const ImportImage&) const { return FailureClass::runtime; }
};

}  // namespace

std::string_view name(FailureClass kind) {
  switch (kind) {
    case FailureClass::identity:
      return "identity";
    case FailureClass::document:
      return "document";
    case FailureClass::clock:
      return "clock";
    case FailureClass::network:
      return "network";
    case FailureClass::disk:
      return "disk";
    case FailureClass::package:
      return "package";
    case FailureClass::runtime:
      return "runtime";
    case FailureClass::kubelet:
      return "kubelet";
    case FailureClass::etcd:
      return "etcd";
    case FailureClass::api:
      return "api";
  }
  return "document";
}

int retries_of(FailureClass kind) {
  switch (kind) {
    case FailureClass::identity:
    case FailureClass::document:
    case FailureClass::clock:
    case FailureClass::disk:
      return 0;
    case FailureClass::package:
      return 1;
    case FailureClass::runtime:
    case FailureClass::kubelet:
      return 2;
    case FailureClass::etcd:
    case FailureClass::api:
      return 3;
    case FailureClass::network:
      return 1000;  // the total deadline ends it
  }
  return 0;
}

FailureClass failure_class_named(std::string_view text) {
  for (const auto kind : {FailureClass::identity, FailureClass::clock, FailureClass::network,
                          FailureClass::disk, FailureClass::package, FailureClass::runtime,
                          FailureClass::kubelet, FailureClass::etcd, FailureClass::api}) {
    if (name(kind) == text) return kind;
  }
  return FailureClass::document;
}

FailureClass class_of(const Action& action, const Error& error) {
  if (error.kind == ErrorKind::exhausted) return FailureClass::disk;
  return std::visit(ClassOf{error}, action);
}

}  // namespace muster
