#include "document/failure_report.hpp"

namespace muster {

void write_fields(const RefusedDocument& refused, nlohmann::json& object) {
  object["digest"] = refused.digest;
  object["reason"] = refused.reason;
}

void read_fields(JsonObject& object, RefusedDocument& refused) {
  object.text("digest", refused.digest);
  object.text("reason", refused.reason);
}

void write_fields(const FailureDetail& detail, nlohmann::json& object) {
  object["unit"] = detail.unit;
  object["log"] = detail.log;
  object["cure"] = detail.cure;
}

void read_fields(JsonObject& object, FailureDetail& detail) {
  object.text("unit", detail.unit);
  object.texts("log", detail.log);
  object.text("cure", detail.cure);
}

}  // namespace muster
