// Why an attempt, or a document, failed on a machine, as a report carries it and the machine's
// checkpoint keeps it: one home of the fields. Pure.
#pragma once

#include <string>
#include <vector>

#include "document/json_object.hpp"

namespace muster {

// A document that failed here by its own doing: not tried again until another comes, or an operator
// orders it (`muster node converge`).
struct RefusedDocument {
  std::string digest, reason;
};

// What an attempt failed on, beside its class and message.
struct FailureDetail {
  std::string unit;              // that failed; empty where none did
  std::vector<std::string> log;  // its last lines, without secrets
  std::string cure;              // what a person can do; empty where nobody need
};

// Their fields, into an object that may have others, and out of it.
void write_fields(const RefusedDocument& refused, nlohmann::json& object);
void read_fields(JsonObject& object, RefusedDocument& refused);
void write_fields(const FailureDetail& detail, nlohmann::json& object);
void read_fields(JsonObject& object, FailureDetail& detail);

}  // namespace muster
