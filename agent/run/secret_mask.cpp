#include "agent/run/secret_mask.hpp"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "pki/signature.hpp"

namespace muster {
namespace {

constexpr std::string_view pem_begin = "-----BEGIN ", pem_end = "-----END ", dashes = "-----";
constexpr std::string_view blanks = " \t\r\n\"',";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

template <class Use>
void each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    use(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

template <class Use>
void each_json_text(const nlohmann::json& value, Use use) {
  if (value.is_string()) use(value.get_ref<const std::string&>());
  if (!value.is_structured()) return;
  for (const auto& part : value) each_json_text(part, use);
}

void replace_all(std::string& text, std::string_view value) {
  for (std::size_t at = text.find(value); at != std::string::npos; at = text.find(value, at)) {
    text.replace(at, value.size(), masked);
    at += masked.size();
  }
}

// Everything from a block's first dashes to its last, or to an end of `text`.
void mask_pem(std::string& text) {
  for (std::size_t begin = text.find(pem_begin); begin != std::string::npos;
       begin = text.find(pem_begin, begin + masked.size())) {
    const std::size_t end = text.find(pem_end, begin);
    const std::size_t last =
        end == std::string::npos ? end : text.find(dashes, end + pem_end.size());
    text.replace(begin, last == std::string::npos ? last : last + dashes.size() - begin, masked);
  }
  // A line that begins within one.
  if (const std::size_t end = text.find(pem_end); end != std::string::npos) {
    const std::size_t last = text.find(dashes, end + pem_end.size());
    text.replace(0, last == std::string::npos ? last : last + dashes.size(), masked);
  }
}

// A line of base64, as in a PEM block: indented too, or behind a log's own words, of which it is
// none by its length.
bool looks_coded(std::string_view line) {
  constexpr std::size_t longest_word = 15;
  line = trimmed(line);
  const auto before = line.find_last_of(" \t");
  if (before != std::string_view::npos) {
    line = line.substr(before + 1);
    if (line.size() <= longest_word && line.back() != '=') return false;
  }
  return !line.empty() && std::all_of(line.begin(), line.end(), [](unsigned char letter) {
    return std::isalnum(letter) != 0 || letter == '+' || letter == '/' || letter == '=';
  });
}

bool is_of_token(char letter) {
  return letter > ' ' && letter != '"' && letter != '\'' && letter != ',' && letter != ';';
}

// `Bearer eyJ...`, in any case of letters, and JSON web tokens wherever they stand: what begins
// right at the mark, or after it and blanks, where it has at least `shortest` letters.
void mask_tokens(std::string& text, std::string_view mark, bool is_after, std::size_t shortest) {
  const auto same = [](char a, char b) { return (a | 0x20) == (b | 0x20); };
  for (auto at = text.begin();;) {
    const auto found = std::search(at, text.end(), mark.begin(), mark.end(), same);
    if (found == text.end()) return;
    auto begin = found;
    if (is_after) {
      const auto word_end = found + static_cast<std::ptrdiff_t>(mark.size());
      begin = std::find_if_not(word_end, text.end(),
                               [](char letter) { return letter == ' ' || letter == '\t'; });
      if (begin == word_end) {
        at = word_end;
        continue;
      }
    }
    const auto end = std::find_if_not(begin, text.end(), is_of_token);
    const auto where = begin - text.begin();
    if (std::string_view(begin, end).size() >= shortest) {
      text.replace(begin, end, masked);
      at = text.begin() + where + static_cast<std::ptrdiff_t>(masked.size());
    } else {
      at = end;
    }
  }
}

}  // namespace

void SecretMask::add_value(std::string_view value, std::size_t shortest) {
  value = trimmed(value);
  if (value.size() < shortest) return;
  for (const std::string& text :
       {std::string(value), base64_encode(value), base64_encode(std::string(value) + "\n")}) {
    const auto place =
        std::lower_bound(values_.begin(), values_.end(), text, [](const auto& a, const auto& b) {
          return a.size() != b.size() ? a.size() > b.size() : a < b;
        });
    if (place == values_.end() || *place != text) values_.insert(place, text);
  }
}

void SecretMask::add(std::string_view content) {
  constexpr std::size_t whole = 4, of_field = 6;
  add_value(content, whole);
  const auto json = nlohmann::json::parse(content, nullptr, false);
  if (json.is_structured()) {
    return each_json_text(json, [&](const std::string& text) { add_value(text, of_field); });
  }
  if (content.find(pem_begin) != std::string_view::npos) {
    // A line of a key that is cut out of its block is still a secret; its frame is none.
    return each_line(content, [&](std::string_view line) {
      if (line.substr(0, dashes.size()) != dashes) add_value(line, 16);
    });
  }
  each_line(content, [&](std::string_view line) {
    add_value(line, of_field);
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos) add_value(line.substr(colon + 1), of_field);
  });
}

void SecretMask::add_files(const Filesystem& files, const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    if (const auto content = files.read(path, 1u << 20)) add(*content);
  }
}

std::string SecretMask::apply(std::string text) const {
  mask_pem(text);
  for (const auto& value : values_) replace_all(text, value);
  mask_tokens(text, "bearer", true, 4);
  mask_tokens(text, "eyJ", false, 16);
  return text;
}

std::vector<std::string> SecretMask::apply(const std::vector<std::string>& lines) const {
  std::vector<std::string> kept;
  bool is_in_block = false;
  for (const auto& line : lines) {
    const bool begins = line.find(pem_begin) != std::string::npos;
    const bool ends = line.find(pem_end) != std::string::npos;
    if (ends && !begins) {
      // What stands right before is of it, also where its beginning was not among the lines.
      for (auto at = kept.rbegin(); at != kept.rend() && looks_coded(*at); ++at) *at = masked;
    }
    const bool is_inside = is_in_block && looks_coded(line);
    kept.push_back(is_inside ? std::string(masked) : apply(line));
    is_in_block = (begins && !ends) || is_inside;
  }
  return kept;
}

}  // namespace muster
