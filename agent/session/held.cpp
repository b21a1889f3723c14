#include "agent/session/held.hpp"

#include "agent/paths.hpp"

namespace muster {

namespace {
constexpr std::int64_t shown_for = 300;  // seconds
}  // namespace

void show_held(Run& run, Server& server) {
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(run.host.clock.since_boot()).count();
  std::int64_t& shown = run.memory.held_shown;
  if (shown != 0 && now - shown < shown_for) return;
  std::string json = "{";
  const auto add = [&](const char* field, const char* path) {
    const auto text = run.host.files.read(path, maximum_envelope_size);
    if (text && !text->empty())
      json += fmt::format("{}\"{}\":{}", json.size() > 1 ? "," : "", field, *text);
  };
  add("trust", paths::trust_cache);
  add("document", paths::document_cache);
  add("peers", paths::peers_cache);
  const auto taken = server.show_held(json + "}");
  if (!taken) return run.reporter.note("what this machine holds: " + taken.error().message);
  shown = std::max<std::int64_t>(now, 1);
}

}  // namespace muster
