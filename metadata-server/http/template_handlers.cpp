// What clusters are made from on demand.
#include "publish/templates.hpp"

#include <spdlog/spdlog.h>

#include "enrolment/quota.hpp"
#include "http/handlers.hpp"
#include "http/json_body.hpp"
#include "http/publication.hpp"
#include "http/rooms.hpp"

namespace muster::handlers {

Result<Response> put_template(const Rooms& rooms, const Caller& caller, const Request& request) {
  Template made;
  made.name = request.parameters.at("name");
  made.set_by = caller.text();
  made.set_at = unix_seconds(rooms.enrolment.now());
  auto read = read_json_body("template", request,
                             [&](JsonObject& root) { root.text_map("files", made.files); });
  if (!read) return pass(read.error());
  const auto set = set_template(rooms.store, made, rooms.enrolment.now());
  if (!set) return refused_response(set.error(), request);
  spdlog::info("{}: set template {}", caller.text(), made.name);
  return json_response({{"name", made.name}});
}

Result<Response> get_templates(const Rooms& rooms, const Caller& caller, const Request&) {
  const auto templates = list_templates(rooms.store);
  if (!templates) return pass(templates.error());
  const auto may_use = usable_templates(rooms.store, caller);
  if (!may_use) return pass(may_use.error());
  nlohmann::json rows = nlohmann::json::array();
  for (const auto& made : *templates) {
    if (*may_use && !(*may_use)->contains(made.name)) continue;
    rows.push_back({{"name", made.name},
                    {"files", made.files.size()},
                    {"setBy", made.set_by},
                    {"setAt", made.set_at}});
  }
  return json_response({{"templates", rows}});
}

Result<Response> delete_template(const Rooms& rooms, const Caller& caller, const Request& request) {
  const std::string& template_name = request.parameters.at("name");
  auto removed = remove_template(rooms.store, template_name, rooms.enrolment.now(), caller.text());
  if (!removed) return pass(removed.error());
  return json_response({{"name", template_name}});
}

}  // namespace muster::handlers
