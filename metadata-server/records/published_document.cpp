#include "records/published_document.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "document/signed_document.hpp"
#include "records/record_fields.hpp"

namespace muster {
namespace {

constexpr auto published_document_fields = [](auto& fields, auto& document) {
  fields.text("content", document.content);
  fields.text("digest", document.digest);
  fields.text("envelope", document.envelope);
  fields.number("generation", document.generation);
  fields.number("format", document.format, Presence::if_set, 1);
};

// Takes a text apart that canonical_text wrote; what it does not know is nothing.
class Written {
 public:
  explicit Written(std::string_view text) : text_(text) {}

  bool take(std::string_view expected) {
    if (!text_.starts_with(expected)) return false;
    text_.remove_prefix(expected.size());
    return true;
  }
  // Up to its closing quote; `value` is without escapes.
  bool take_text(std::string& value) {
    for (value.clear();;) {
      const auto quote = text_.find('"');
      if (quote == std::string_view::npos) return false;
      const auto escape = text_.substr(0, quote).find('\\');
      value.append(text_.substr(0, std::min(escape, quote)));
      if (escape == std::string_view::npos) {
        text_.remove_prefix(quote + 1);
        return true;
      }
      const char escaped = text_.size() > escape + 1 ? text_[escape + 1] : ' ';
      if (escaped != '"' && escaped != '\\') return false;
      value += escaped;
      text_.remove_prefix(escape + 2);
    }
  }
  template <class Number>
  bool take_number(Number& value) {
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc()) return false;
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return true;
  }

 private:
  std::string_view text_;
};

// What to_json wrote, and only that: as JSON each takes a quarter of a millisecond, and a change of
// all has ten thousand.
std::optional<PublishedDocument> read_as_written(std::string_view json) {
  PublishedDocument document;
  Written text(json);
  const bool has_texts = text.take("{\"content\":\"") && text.take_text(document.content) &&
                         text.take(",\"digest\":\"") && text.take_text(document.digest) &&
                         text.take(",\"envelope\":\"") && text.take_text(document.envelope);
  if (!has_texts || (text.take(",\"format\":") && !text.take_number(document.format)) ||
      !text.take(",\"generation\":") || !text.take_number(document.generation)) {
    return std::nullopt;
  }
  if (json.size() > 2 * maximum_envelope_size || to_json(document) != json) return std::nullopt;
  return document;
}

}  // namespace

std::string to_json(const PublishedDocument& document) {
  return record_text(document, published_document_fields);
}

Result<PublishedDocument> parse_published_document(std::string_view json) {
  if (auto document = read_as_written(json)) return std::move(*document);
  // The envelope is a text inside: escaping its quotes makes it a little larger.
  return parse_record<PublishedDocument>("published document", json, published_document_fields,
                                         {2 * maximum_envelope_size, 2});
}

}  // namespace muster
