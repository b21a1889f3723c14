#include "document/json_object.hpp"

#include <algorithm>

namespace muster {
namespace {

using nlohmann::json;

std::string describe(const json& value) {
  switch (value.type()) {
    case json::value_t::null:
      return "null";
    case json::value_t::boolean:
      return value.get<bool>() ? "true" : "false";
    case json::value_t::string:
      return in_ticks(value.get_ref<const std::string&>());
    case json::value_t::array:
      return "a list";
    case json::value_t::object:
      return "an object";
    default:
      return value.dump();  // a number
  }
}

}  // namespace

JsonObject::JsonObject(const json& value, std::string where, std::vector<Problem>& problems,
                       UnknownFields unknown)
    : value_(&value), where_(std::move(where)), problems_(&problems), unknown_(unknown) {
  if (value.is_object()) return;
  wrong_type(where_, "an object", value);
  value_ = nullptr;
}

const json* JsonObject::raw(std::string_view field, Need need) {
  return take(field, need, "a value");
}

const json* JsonObject::take(std::string_view field, Need need, std::string_view expected) {
  known_.emplace(field);
  if (value_ == nullptr) return nullptr;
  const auto found = value_->find(std::string(field));
  if (found != value_->end()) return &*found;
  if (need == Need::required) problem(field, fmt::format("expected {}, found nothing", expected));
  return nullptr;
}

const json* JsonObject::list(std::string_view field, Need need) {
  const json* value = take(field, need, "a list");
  if (value == nullptr || value->is_array()) return value;
  wrong_type(pointer_to(where_, field), "a list", *value);
  return nullptr;
}

void JsonObject::constant(std::string_view field, std::string_view expected) {
  const json* value = take(field, Need::required, in_ticks(expected));
  if (value == nullptr) return;
  if (!value->is_string() || value->get_ref<const std::string&>() != expected) {
    wrong_type(pointer_to(where_, field), in_ticks(expected), *value);
  }
}

void JsonObject::text(std::string_view field, std::string& target, Need need) {
  const json* value = take(field, need, "a string");
  if (value == nullptr) return;
  if (value->is_string()) {
    target = value->get<std::string>();
  } else {
    wrong_type(pointer_to(where_, field), "a string", *value);
  }
}

void JsonObject::flag(std::string_view field, bool& target, Need need) {
  const json* value = take(field, need, "true or false");
  if (value == nullptr) return;
  if (value->is_boolean()) {
    target = value->get<bool>();
  } else {
    wrong_type(pointer_to(where_, field), "true or false", *value);
  }
}

const json* JsonObject::whole_number(std::string_view field, std::int64_t lowest,
                                     std::uint64_t highest, Need need) {
  const std::string expected = fmt::format("a whole number from {} to {}", lowest, highest);
  const json* value = take(field, need, expected);
  if (value == nullptr) return nullptr;
  const auto signed_fits = [&](std::int64_t number) {
    return number >= lowest && (number < 0 || static_cast<std::uint64_t>(number) <= highest);
  };
  const bool fits = value->is_number_unsigned()
                        ? value->get<std::uint64_t>() <= highest
                        : value->is_number_integer() && signed_fits(value->get<std::int64_t>());
  if (fits) return value;
  wrong_type(pointer_to(where_, field), expected, *value);
  return nullptr;
}

bool JsonObject::read_texts(const json& value, const std::string& where,
                            std::vector<std::string>& target) {
  if (!value.is_array()) {
    wrong_type(where, "a list of strings", value);
    return false;
  }
  std::vector<std::string> found;
  bool sound = true;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i].is_string()) {
      found.push_back(value[i].get<std::string>());
    } else {
      wrong_type(pointer_to(where, i), "a string", value[i]);
      sound = false;
    }
  }
  if (sound) target = std::move(found);
  return sound;
}

void JsonObject::texts(std::string_view field, std::vector<std::string>& target, Need need) {
  const json* value = take(field, need, "a list of strings");
  if (value != nullptr) static_cast<void>(read_texts(*value, pointer_to(where_, field), target));
}

void JsonObject::numbers(std::string_view field, std::vector<std::uint64_t>& target, Need need) {
  const json* value = take(field, need, "a list of whole numbers");
  if (value == nullptr) return;
  const bool is_sound =
      value->is_array() && std::all_of(value->begin(), value->end(), [](const json& element) {
        return element.is_number_unsigned();
      });
  if (!is_sound) return problem(field, "expected a list of whole numbers");
  target = value->get<std::vector<std::uint64_t>>();
}

void JsonObject::text_map(std::string_view field, std::map<std::string, std::string>& target,
                          Need need) {
  object(
      field,
      [&](JsonObject& map) {
        target.clear();
        for (const std::string& key : map.fields()) map.text(key, target[key]);
      },
      need);
}

void JsonObject::text_list_map(std::string_view field,
                               std::map<std::string, std::vector<std::string>>& target, Need need) {
  object(
      field,
      [&](JsonObject& map) {
        target.clear();
        for (const std::string& key : map.fields()) map.texts(key, target[key]);
      },
      need);
}

std::vector<std::string> JsonObject::fields() const {
  std::vector<std::string> names;
  if (value_ == nullptr) return names;
  for (const auto& entry : value_->items()) names.push_back(entry.key());
  return names;
}

bool JsonObject::has(std::string_view field) const {
  return value_ != nullptr && value_->contains(std::string(field));
}

void JsonObject::problem(std::string_view field, std::string message) {
  problems_->push_back({pointer_to(where_, field), std::move(message)});
}

void JsonObject::wrong_type(const std::string& where, std::string_view expected,
                            const json& found) {
  problems_->push_back({where, fmt::format("expected {}, found {}", expected, describe(found))});
}

void JsonObject::close() {
  if (unknown_ == UnknownFields::ignored) return;
  for (const std::string& field : fields()) {
    if (known_.count(field) == 0) {
      problem(field, fmt::format("unknown field, expected one of {}",
                                 fmt::join(known_.begin(), known_.end(), ", ")));
    }
  }
}

}  // namespace muster
