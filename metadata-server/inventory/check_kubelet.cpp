#include "inventory/check_kubelet.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "document/problem.hpp"
#include "inventory/component_options.hpp"
#include "inventory/field_types.hpp"
#include "inventory/go_values.hpp"
#include "inventory/kept_settings.hpp"
#include "inventory/suggest.hpp"
#include "inventory/text_rules.hpp"
#include "inventory/url_credentials.hpp"
#include "inventory/validate_fields.hpp"

namespace muster {

namespace {

using Shape = nlohmann::json;

class KubeletChecker {
 public:
  explicit KubeletChecker(std::vector<InventoryProblem>& problems) : problems_(problems) {}

  // Kubelet's own rule (pkg/kubelet/eviction/helpers.go, parseThresholdStatement).
  void check_thresholds(const Value& thresholds, const std::string& path) {
    for (const auto& [signal, threshold] : thresholds.fields) {
      if (threshold.kind != Value::Kind::scalar) continue;
      const std::string field = fmt::format("{}[{}]", path, escaped(signal));
      if (check_signal(signal, threshold, path) && !is_sound_threshold(threshold.scalar))
        report(threshold, field,
               "a quantity above 0 such as 100Mi, or a percentage from 0% to 100%",
               in_ticks(threshold.scalar),
               "kubelet does not start with it; '0%' is for no eviction by this signal");
    }
  }

  void check_extra(const Value& extra, const std::string& path, const KubeletOptions& options) {
    check_fields(extra, path, "", options.fields);
    const Value* gates = extra.find("featureGates");
    if (gates != nullptr && options.gates != nullptr)
      check_gates(*gates, path + ".featureGates", *options.gates);
    if (const Value* soft = extra.find("evictionSoft")) {
      check_thresholds(*soft, path + ".evictionSoft");
      check_grace(extra, *soft, path);
    }
    if (const Value* periods = extra.find("evictionSoftGracePeriod"))
      check_periods(*periods, path + ".evictionSoftGracePeriod");
    if (const Value* reclaim = extra.find("evictionMinimumReclaim"))
      check_reclaim(*reclaim, path + ".evictionMinimumReclaim");
    for (const char* name : {"systemReserved", "kubeReserved"}) {
      if (const Value* reserved = extra.find(name)) check_reserved(*reserved, path + "." + name);
    }
  }

 private:
  void report(const Value& value, std::string field, std::string expected, std::string found,
              std::string hint = {}) {
    problems_.push_back(problem_at(value.place, std::move(field), std::move(expected),
                                   std::move(found), std::move(hint)));
  }

  static bool is_sound_threshold(const std::string& text) {
    if (text.ends_with('%')) {
      const auto part = percentage(text);
      return part && *part >= 0 && *part <= 100;
    }
    const auto sign = sign_of_quantity(text);
    return sign && *sign > 0;
  }

  // Read by kubelet whether or not a threshold is there for them (ParseThresholdConfig).
  void check_periods(const Value& periods, const std::string& path) {
    for (const auto& [signal, period] : periods.fields) {
      if (!check_signal(signal, period, path)) continue;
      if (!is_go_duration(period.scalar) || period.scalar.starts_with('-'))
        report(period, fmt::format("{}[{}]", path, escaped(signal)),
               std::string(expected_of_type("duration")), found_text(period));
    }
  }

  // Other bounds than a threshold's: nothing is a quantity, and a percentage has no upper end.
  void check_reclaim(const Value& reclaim, const std::string& path) {
    for (const auto& [signal, amount] : reclaim.fields) {
      if (!check_signal(signal, amount, path) || amount.kind != Value::Kind::scalar ||
          !to_json(amount).is_string())
        continue;
      const auto part = percentage(amount.scalar);
      const auto sign = sign_of_quantity(amount.scalar);
      if (amount.scalar.ends_with('%') ? !part || *part <= 0 : !sign || *sign < 0)
        report(amount, fmt::format("{}[{}]", path, escaped(signal)),
               "a quantity of 0 or more such as 500Mi, or a percentage above 0%",
               in_ticks(amount.scalar), "kubelet does not start with it");
    }
  }

  bool check_signal(const std::string& signal, const Value& value, const std::string& path) {
    if (rules::is_eviction_signal(signal)) return true;
    report(value, path, "an eviction signal such as memory.available", in_ticks(signal));
    return false;
  }

  void check_grace(const Value& extra, const Value& soft, const std::string& path) {
    const Value* grace = extra.find("evictionSoftGracePeriod");
    for (const auto& [signal, threshold] : soft.fields) {
      const Value* period = grace == nullptr ? nullptr : grace->find(signal);
      if (period == nullptr)
        report(threshold, fmt::format("{}.evictionSoft[{}]", path, escaped(signal)),
               "its time in evictionSoftGracePeriod", "none", "kubelet does not start without it");
    }
  }

  void check_gates(const Value& gates, const std::string& path, const FlagType& known) {
    for (const auto& [name, value] : gates.fields) {
      const auto mismatch = mismatch_of_gate(name, value.scalar == "true", known);
      if (!mismatch) continue;
      report(value, fmt::format("{}[{}]", path, escaped(name)), mismatch->expected,
             in_ticks(mismatch->found),
             mismatch->cure.empty() ? "kubelet does not start with it" : mismatch->cure);
    }
  }

  void check_reserved(const Value& reserved, const std::string& path) {
    for (const auto& [name, amount] : reserved.fields) {
      const std::string field = fmt::format("{}[{}]", path, escaped(name));
      if (name != "cpu" && name != "memory" && name != "ephemeral-storage" && name != "pid") {
        report(amount, path, "cpu, memory, ephemeral-storage or pid", in_ticks(name),
               did_you_mean(name, {"cpu", "memory", "ephemeral-storage", "pid"}));
        continue;
      }
      if (amount.kind != Value::Kind::scalar || !to_json(amount).is_string()) continue;
      const auto sign = sign_of_quantity(amount.scalar);
      if (!sign || *sign < 0)
        report(amount, field, "a quantity of 0 or more such as 100m or 512Mi",
               in_ticks(amount.scalar));
    }
  }

  // `shape`: the fields that there are, or nullptr where that is not known.
  void check_fields(const Value& map, const std::string& path, const std::string& below,
                    const Shape* shape) {
    for (const auto& [name, value] : map.fields) {
      const std::string field = fmt::format("{}.{}", path, escaped(name));
      const std::string inner = below.empty() ? name : below + "." + name;
      if (const auto owner = kept_kubelet_field(inner, value.scalar); !owner.empty()) {
        report(value, field, "a field that is the operator's", in_ticks(name), std::string(owner));
      } else if (shape != nullptr && !shape->contains(name)) {
        std::vector<std::string_view> names;
        for (const auto& [known, type] : shape->items()) names.push_back(known);
        const std::string near = did_you_mean(name, names);
        report(value, field, "a field of KubeletConfiguration", in_ticks(name),
               near.empty() ? "kubelet does not know it; leave it out" : near);
      } else {
        check_value(value, field, inner, shape == nullptr ? nullptr : &shape->at(name));
      }
    }
  }

  void check_value(const Value& value, const std::string& field, const std::string& inner,
                   const Shape* shape) {
    if (value.kind == Value::Kind::null) return;
    if (value.kind == Value::Kind::scalar && holds_url_password(value.scalar))
      return report(value, field, "a URL without a user and a password", in_ticks(value.scalar),
                    "documents are kept and shown");
    if (shape == nullptr) {
      if (value.kind == Value::Kind::map) check_fields(value, field, inner, nullptr);
      return;
    }
    if (shape->is_string()) return check_scalar(value, field, shape->get<std::string>());
    if (shape->is_array()) return check_list(value, field, inner, shape->front());
    if (value.kind != Value::Kind::map) return report(value, field, "a map", found_text(value));
    if (!shape->contains("*")) return check_fields(value, field, inner, shape);
    for (const auto& [key, entry] : value.fields)
      check_value(entry, fmt::format("{}[{}]", field, escaped(key)), inner, &shape->at("*"));
  }

  void check_list(const Value& value, const std::string& field, const std::string& inner,
                  const Shape& item) {
    if (value.kind != Value::Kind::list) return report(value, field, "a list", found_text(value));
    for (std::size_t index = 0; index < value.items.size(); ++index)
      check_value(value.items[index], fmt::format("{}[{}]", field, index), inner, &item);
  }

  // JSON's types, as kubelet's decoder takes them: only free text counts them.
  void check_scalar(const Value& value, const std::string& field, const std::string& type) {
    if (type == "any") return;
    if (value.kind != Value::Kind::scalar)
      return report(value, field, std::string(expected_of_type(type)), found_text(value));
    const auto json = to_json(value);
    const bool is_text = json.is_string();
    const bool wants_text = type == "text" || type == "duration";
    if (wants_text && !is_text)
      report(value, field, type == "text" ? "text" : std::string(expected_of_type(type)),
             in_ticks(value.scalar),
             type == "text" ? fmt::format("write it in quotes: '{}'", value.scalar)
                            : "a number alone has no unit");
    else if (type == "duration" && !is_go_duration(value.scalar))
      report(value, field, std::string(expected_of_type(type)), in_ticks(value.scalar));
    else if ((type == "bool" && !json.is_boolean()) ||
             (type == "int" && !json.is_number_integer()) || (type == "float" && !json.is_number()))
      report(value, field, std::string(expected_of_type(type)), in_ticks(value.scalar),
             value.quoted ? "write it without quotes" : "");
  }

  std::vector<InventoryProblem>& problems_;
};

}  // namespace

void check_kubelet(const Value& kubelet, const std::string& path, const KubeletOptions& options,
                   std::vector<InventoryProblem>& problems) {
  KubeletChecker checker(problems);
  if (const Value* hard = kubelet.find("evictionHard"))
    checker.check_thresholds(*hard, path + ".evictionHard");
  if (const Value* extra = kubelet.find("extraConfiguration"))
    checker.check_extra(*extra, path + ".extraConfiguration", options);
}

}  // namespace muster
