// Why somebody was not let in: an Error with a stable code that is finer than its kind, so that an
// agent can tell "banned" from "superseded" without reading the message. Values.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "result/result.hpp"

namespace muster {

struct Refusal {
  ErrorKind kind = ErrorKind::internal;  // decides the HTTP status
  std::string code;                      // the wire's "kind", such as "token_expired"
  std::string message;                   // with the cure
};

template <class T = void>
using Granted = tl::expected<T, Refusal>;

[[nodiscard]] inline tl::unexpected<Refusal> refuse(ErrorKind kind, std::string code,
                                                    std::string message) {
  return tl::unexpected<Refusal>(Refusal{kind, std::move(code), std::move(message)});
}
[[nodiscard]] inline tl::unexpected<Refusal> refuse(Refusal refusal) {
  return tl::unexpected<Refusal>(std::move(refusal));
}
// A failure of the store or of OpenSSL: its code is the kind's name.
[[nodiscard]] inline tl::unexpected<Refusal> refuse(const Error& error) {
  return refuse(error.kind, std::string(name(error.kind)), error.message);
}

}  // namespace muster
