#include "agent/session/waiting.hpp"

#include "agent/host/notify.hpp"
#include "agent/paths.hpp"

namespace muster {
namespace {

constexpr std::string_view frame = "muster: ";

// agetty looks at its prompt again when this file changes (agetty --reload).
void refresh_prompts(Filesystem& files) {
  static_cast<void>(files.append("/run/agetty.reload", "\n"));
}

}  // namespace

Waiting::~Waiting() {
  if (told_.empty() && !run_.host.files.status(paths::waiting)) return;
  static_cast<void>(run_.host.files.remove(paths::waiting));
  refresh_prompts(run_.host.files);
}

void Waiting::tell(const std::string& what_for) {
  if (run_.is_service) run_.deadline = Deadline(run_.host.clock, boot_deadline);
  const auto now = run_.host.clock.since_boot();
  if (told_ == what_for && now < tell_again_) return;
  tell_again_ = now + std::chrono::hours(1);
  run_.reporter.note(what_for);
  notify_ready();
  if (told_ == what_for) return;
  told_ = what_for;
  auto& files = run_.host.files;
  const std::string folder(paths::waiting, std::string_view(paths::waiting).rfind('/'));
  if (!files.make_directory(folder, 0755)) return;
  static_cast<void>(files.write(paths::waiting, fmt::format("{}{}\n\n", frame, what_for), 0644));
  refresh_prompts(files);
}

std::string waiting_for(const Filesystem& files) {
  const auto text = files.read(paths::waiting, 4096);
  if (!text || text->rfind(frame, 0) != 0) return {};
  return text->substr(frame.size(), text->find('\n') - frame.size());
}

}  // namespace muster
