// How a converge fails: a class, which decides whether a retry may help, and the error. Pure
// values.
#pragma once

#include <string>
#include <string_view>

#include "agent/action.hpp"
#include "document/report.hpp"
#include "result/result.hpp"

namespace muster {

enum class FailureClass {
  identity,
  document,
  clock,
  network,
  disk,
  package,
  runtime,
  kubelet,
  etcd,
  api
};
[[nodiscard]] std::string_view name(FailureClass kind);
// document where no class has that name.
[[nodiscard]] FailureClass failure_class_named(std::string_view text);

// Another source, or another attempt at once, cannot help.
[[nodiscard]] bool is_of_the_disk(ErrorKind kind);

struct Failure {
  FailureClass kind = FailureClass::document;
  Error error;
  FailureDetail detail = {};  // the unit that failed, its last lines, the cure
  bool is_explained = false;  // the detail is filled in and the message masked: once for each
  std::string subject = {};   // as Memory::backoff names what failed; empty: it holds nothing back
};

// What a step of a converge comes to: a value, or a Failure.
template <class T = void>
using ConvergeResult = tl::expected<T, Failure>;

[[nodiscard]] inline tl::unexpected<Failure> fail_converge(FailureClass kind, Error error) {
  return tl::unexpected<Failure>(Failure{kind, std::move(error), {}});
}
[[nodiscard]] inline tl::unexpected<Failure> fail_converge(FailureClass kind, ErrorKind error,
                                                           std::string message) {
  return fail_converge(kind, Error{error, std::move(message)});
}
[[nodiscard]] inline tl::unexpected<Failure> pass_failure(Failure failure) {
  return tl::unexpected<Failure>(std::move(failure));
}

// How often one run may try again after a failure of this class; the total deadline also ends it.
[[nodiscard]] int retries_of(FailureClass kind);

// The class of an action that failed: a full disk is a disk failure whatever was being done.
[[nodiscard]] FailureClass class_of(const Action& action, const Error& error);

}  // namespace muster
