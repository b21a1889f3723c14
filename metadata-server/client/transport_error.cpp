#include "client/transport_error.hpp"

namespace muster {

tl::unexpected<Error> failed_transport(const std::string& where, httplib::Error error) {
  using E = httplib::Error;
  switch (error) {
    case E::Connection:
      return fail(ErrorKind::unavailable,
                  where + ": no connection (refused, or no route); is the server up?");
    case E::ConnectionTimeout:
      return fail(ErrorKind::timeout, where + ": no connection within the connect timeout");
    case E::Timeout:
      return fail(ErrorKind::timeout, where + ": no answer in time");
    case E::SSLServerVerification:
    case E::SSLServerHostnameVerification:
      return fail(ErrorKind::unauthenticated,
                  fmt::format("{}: {}", where, httplib::to_string(error)));
    case E::SSLConnection:
      return fail(ErrorKind::unavailable, where + ": the TLS handshake did not complete");
    default:
      return fail(ErrorKind::unavailable,
                  fmt::format("{}: the connection ended before the answer did ({})", where,
                              httplib::to_string(error)));
  }
}

}  // namespace muster
