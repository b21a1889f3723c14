#include "http/request.hpp"

namespace muster {

std::string_view name(ListenerKind kind) {
  switch (kind) {
    case ListenerKind::boot:
      return "boot";
    case ListenerKind::enrol:
      return "enrol";
    case ListenerKind::node:
      return "node";
    case ListenerKind::admin:
      return "admin";
    case ListenerKind::scrape:
      return "scrape";
  }
  return "boot";
}

const std::string& Request::header(const std::string& header_name) const {
  static const std::string none;
  const auto found = headers.find(header_name);
  return found == headers.end() ? none : found->second;
}

}  // namespace muster
