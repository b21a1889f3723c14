// The one way a function of ours says that it failed. Nothing of ours throws across a file: code
// that calls a throwing library converts at that call. Thread-safe: values only.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace muster {

// What a caller may branch on. The message is for people.
enum class ErrorKind {
  invalid,          // the input is wrong; repeating it will not help
  not_found,        // the thing does not exist (never used for "could not look")
  conflict,         // somebody else changed or holds the thing
  unauthenticated,  // no proof, or a proof that does not verify
  forbidden,        // a valid identity that may not do this
  exhausted,        // a cap, a quota, a full disk
  unavailable,      // the other side is away; try again later
  timeout,          // a deadline passed
  io,               // the operating system refused
  corrupt,          // stored or received bytes are not what was written
  internal,         // a bug of ours
};

// The stable wire name, such as "not_found" (also HTTP's error kind).
[[nodiscard]] std::string_view name(ErrorKind kind);

struct Error {
  Error() = default;
  Error(ErrorKind which, std::string words)
      : kind(which), code(name(which)), message(std::move(words)) {}
  Error(ErrorKind which, std::string stable, std::string words)
      : kind(which), code(std::move(stable)), message(std::move(words)) {}

  ErrorKind kind = ErrorKind::internal;  // decides the HTTP status
  // The wire's "kind", stable: finer than ErrorKind where a program has to tell "token_expired"
  // from "banned" without reading the message; else the kind's name.
  std::string code;
  std::string message;  // what thing, where, what was expected, what was found, what to do
};

template <class T = void>
using Result = tl::expected<T, Error>;

[[nodiscard]] inline tl::unexpected<Error> fail(ErrorKind kind, std::string code,
                                                std::string message) {
  return tl::unexpected<Error>(Error{kind, std::move(code), std::move(message)});
}
[[nodiscard]] inline tl::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return tl::unexpected<Error>(Error{kind, std::move(message)});
}

// Passes a failure upward with what was being done: while_doing(e, "reading '/x'") -> "reading
// '/x':
// ...".
[[nodiscard]] inline tl::unexpected<Error> while_doing(const Error& error, std::string_view doing) {
  return fail(error.kind, error.code, fmt::format("{}: {}", doing, error.message));
}

// Passes a failure upward unchanged.
[[nodiscard]] inline tl::unexpected<Error> pass(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

// An operating system error: kind from errno (ENOENT -> not_found, ENOSPC/EDQUOT -> exhausted,
// ...).
[[nodiscard]] tl::unexpected<Error> fail_errno(int error_number, std::string_view doing);

}  // namespace muster
