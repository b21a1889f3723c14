#include "cli/answer.hpp"

#include <cstdio>

#include "document/time_text.hpp"

namespace muster {
namespace {

const nlohmann::json* at(const nlohmann::json& row, const std::string& pointer) {
  // Most name a field of the row itself, and lists have ten thousand rows.
  if (!pointer.empty() && pointer.find_first_of("/~", 1) == std::string::npos && row.is_object()) {
    const auto found = row.find(pointer.substr(1));
    return found == row.end() ? nullptr : &*found;
  }
  const nlohmann::json::json_pointer place(pointer);
  return row.contains(place) ? &row.at(place) : nullptr;
}

std::string text_of(const nlohmann::json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "";
  if (value.is_array()) {
    std::string joined;
    for (const auto& element : value) joined += (joined.empty() ? "" : ", ") + text_of(element);
    return joined;
  }
  return value.dump();
}

}  // namespace

std::string cell(const nlohmann::json& row, const std::string& pointer) {
  const auto* value = at(row, pointer);
  return value == nullptr ? "" : text_of(*value);
}

const nlohmann::json& list_at(const nlohmann::json& answer, const std::string& pointer) {
  static const nlohmann::json none = nlohmann::json::array();
  const auto* value = at(answer, pointer);
  return value != nullptr && value->is_array() ? *value : none;
}

std::int64_t number_at(const nlohmann::json& row, const std::string& pointer) {
  const auto* value = at(row, pointer);
  return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : 0;
}

std::string time_text(const nlohmann::json& row, const std::string& pointer) {
  return local_text(number_at(row, pointer));
}

Exit ask_and_show(Session& session, const std::string& method, const std::string& path,
                  const nlohmann::json& body,
                  const std::function<std::string(const nlohmann::json&)>& show) {
  auto answer = session.ask(method, path, body);
  if (!answer) return complain(session, answer.error());
  print(session.wants_json() ? json_text(*answer) : show(*answer));
  const std::string unpublished = cell(*answer, "/unpublished/message");
  if (unpublished.empty()) return Exit::ok;
  std::fprintf(stderr, "muster: %s\n", on_one_line(unpublished).c_str());
  return Exit::not_in_effect;
}

std::string json_text(const nlohmann::json& value) {
  return value.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace muster
