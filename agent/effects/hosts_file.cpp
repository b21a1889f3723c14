#include "agent/effects/hosts_file.hpp"

#include <algorithm>
#include <set>
#include <sstream>
#include <vector>

#include "agent/paths.hpp"

namespace muster {
namespace {

constexpr std::string_view line_mark = " # muster";
constexpr std::string_view old_begin = "# muster begin", old_end = "# muster end";

// Lines with their ends, of which the last may lack one.
std::vector<std::string> lines_with_ends(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size() - 1) + 1;
    lines.push_back(text.substr(at, end - at));
    at = end;
  }
  return lines;
}

std::string_view without_end(std::string_view line) {
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return line;
}

// "ADDRESS NAME", as peers are written: a line to which somebody added a name is no longer ours.
bool is_peer_line(std::string_view line) {
  const auto space = line.find(' ');
  const auto is_one_of = [](std::string_view word, std::string_view letters) {
    return !word.empty() && word.find_first_not_of(letters) == std::string_view::npos;
  };
  return space != std::string_view::npos &&
         is_one_of(line.substr(0, space), "0123456789abcdefABCDEF.:") &&
         is_one_of(line.substr(space + 1), "abcdefghijklmnopqrstuvwxyz0123456789-.");
}

bool is_marked(std::string_view line) {
  return line.size() > line_mark.size() &&
         line.substr(line.size() - line_mark.size()) == line_mark &&
         is_peer_line(line.substr(0, line.size() - line_mark.size()));
}

std::string marked(const std::string& peers) {
  std::istringstream rows(peers);
  std::string text;
  for (std::string row; std::getline(rows, row);) text += row + std::string(line_mark) + "\n";
  return text;
}

// Everybody else's lines.
class Others {
 public:
  explicit Others(const std::string& peers) {
    std::istringstream rows(peers);
    for (std::string row; std::getline(rows, row);) peers_.insert(row);
  }

  std::string of(const std::vector<std::string>& lines) {
    for (const auto& line : lines) take(line, without_end(line));
    keep_if([this](std::string_view one) { return !is_in_block_ || peers_.count(one) == 0; });
    return std::move(text_);
  }

 private:
  void take(const std::string& line, std::string_view words) {
    if (is_marked(words)) return;
    if (words == old_begin) {
      // The one before it, if any, has no end.
      keep_if([this](std::string_view one) { return !is_in_block_ || peers_.count(one) == 0; });
      is_in_block_ = true;
    } else if (words == old_end) {
      if (is_in_block_) {
        keep_if([](std::string_view one) { return !is_peer_line(one); });
      } else {
        drop_peers_before_end();
        keep_if([](std::string_view) { return true; });
      }
      is_in_block_ = false;
    } else {
      open_.push_back(line);
    }
  }

  // The begin is missing: what stands right before the end is the rest of the block.
  void drop_peers_before_end() {
    while (!open_.empty() && peers_.count(without_end(open_.back())) > 0) open_.pop_back();
  }

  template <class Keeps>
  void keep_if(Keeps keeps) {
    for (const auto& line : open_) {
      if (keeps(without_end(line))) text_ += line;
    }
    open_.clear();
  }

  std::set<std::string, std::less<>> peers_;
  std::string text_;
  std::vector<std::string> open_;  // not decided on yet
  bool is_in_block_ = false;
};

}  // namespace

std::string hosts_with(const std::string& text, const std::string& peers) {
  const auto lines = lines_with_ends(text);
  std::string ours, others = Others(peers).of(lines);
  std::size_t kept = others.size();
  for (const auto& line : lines) {
    if (!is_marked(without_end(line))) continue;
    ours += line;
    kept += line.size();
  }
  const std::string wanted = marked(peers);
  if (ours == wanted && kept == text.size()) return text;
  if (!others.empty() && others.back() != '\n' && !wanted.empty()) others += '\n';
  return others + wanted;
}

Result<void> write_hosts(Filesystem& files) {
  const auto peers = files.read(paths::hosts, hosts_limit);
  if (!peers && peers.error().kind != ErrorKind::not_found) return pass(peers.error());
  const auto text = files.read(hosts_path, hosts_limit);
  if (!text && text.error().kind != ErrorKind::not_found) return pass(text.error());
  const std::string wanted = hosts_with(text ? *text : "", peers ? *peers : "");
  if (text && wanted == *text) return {};
  const auto status = files.status(hosts_path);
  const bool is_file = status && status->type == FileStatus::Type::file;
  return files.write(hosts_path, wanted, is_file ? status->mode : 0644);
}

}  // namespace muster
