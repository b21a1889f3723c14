#include "agent/state/newer_fields.hpp"

#include "document/problem.hpp"

namespace muster {
namespace {

void gather(const nlohmann::json& found, const nlohmann::json& known, const std::string& where,
            std::map<std::string, std::string>& newer) {
  for (const auto& [name, value] : found.items()) {
    const std::string pointer = pointer_to(where, name);
    const auto match = known.find(name);
    if (match == known.end()) {
      newer[pointer] = value.dump();
    } else if (value.is_object() && match->is_object()) {
      gather(value, *match, pointer, newer);
    }
  }
}

}  // namespace

std::map<std::string, std::string> newer_fields(const nlohmann::json& found,
                                                const nlohmann::json& known) {
  std::map<std::string, std::string> newer;
  gather(found, known, "", newer);
  return newer;
}

void put_back(const std::map<std::string, std::string>& newer, nlohmann::json& value) {
  for (const auto& [where, text] : newer) {
    const nlohmann::json::json_pointer pointer(where);
    if (value.contains(pointer) || !value.contains(pointer.parent_pointer())) continue;
    value[pointer] = nlohmann::json::parse(text, nullptr, false);
  }
}

}  // namespace muster
