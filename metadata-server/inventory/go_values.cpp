#include "inventory/go_values.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

namespace muster {

namespace {

bool is_digit_of(char letter) {
  return letter >= '0' && letter <= '9';
}

bool take_sign(std::string_view& text) {
  if (text.empty() || (text.front() != '-' && text.front() != '+')) return false;
  const bool is_negative = text.front() == '-';
  text.remove_prefix(1);
  return is_negative;
}

std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit_of);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

struct Decimal {
  bool is_there = false;  // one digit at least
  bool is_zero = true;
};

// "1.5", "2.", ".5"
Decimal take_decimal(std::string_view& text) {
  std::string digits(take_digits(text));
  if (!text.empty() && text.front() == '.') {
    text.remove_prefix(1);
    digits += take_digits(text);
  }
  return {!digits.empty(), digits.find_first_not_of('0') == std::string::npos};
}

bool is_exponent(std::string_view text) {
  if (text.size() < 2 || (text.front() != 'e' && text.front() != 'E')) return false;
  text.remove_prefix(1);
  take_sign(text);
  const std::string_view digits = take_digits(text);
  return !digits.empty() && digits.size() <= 9 && text.empty();
}

template <std::size_t size>
bool is_one_of(std::string_view text, const std::string_view (&known)[size]) {
  return std::find(std::begin(known), std::end(known), text) != std::end(known);
}

}  // namespace

bool is_go_bool(std::string_view text) {
  constexpr std::string_view known[] = {"1", "t", "T", "TRUE",  "true",  "True",
                                        "0", "f", "F", "FALSE", "false", "False"};
  return is_one_of(text, known);
}

bool is_go_integer(std::string_view text, bool may_be_negative) {
  if (!may_be_negative && !text.empty() && !is_digit_of(text.front())) return false;
  const bool is_negative = take_sign(text);
  int base = 10;
  if (text.size() > 1 && text.front() == '0') {
    const char mark = text[1];
    base = mark == 'x' || mark == 'X' ? 16 : mark == 'b' || mark == 'B' ? 2 : 8;
    const bool is_marked = base != 8 || mark == 'o' || mark == 'O';
    text.remove_prefix(is_marked ? 2 : 1);
  }
  std::string digits(text);
  std::erase(digits, '_');
  std::uint64_t number = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), number, base);
  constexpr std::uint64_t largest = INT64_MAX;
  return read.ec == std::errc() && read.ptr == digits.data() + digits.size() &&
         (!may_be_negative || number <= largest + (is_negative ? 1 : 0));
}

bool is_go_number(std::string_view text) {
  take_sign(text);
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
  });
  if (lower == "nan" || lower == "inf" || lower == "infinity") return true;
  return take_decimal(text).is_there && (text.empty() || is_exponent(text));
}

bool is_go_duration(std::string_view text) {
  take_sign(text);
  if (text == "0") return true;
  if (text.empty()) return false;
  constexpr std::string_view units[] = {"ns", "us", "\xC2\xB5s", "\xCE\xBCs", "ms", "s", "m", "h"};
  constexpr double nanoseconds[] = {1, 1e3, 1e3, 1e3, 1e6, 1e9, 6e10, 3.6e12};
  constexpr double most = 9223372036854775807.0;  // 292 years
  double sum = 0;
  while (!text.empty()) {
    const std::string_view number = text;
    if (!take_decimal(text).is_there) return false;
    const auto end = std::find_if(text.begin(), text.end(),
                                  [](char letter) { return letter == '.' || is_digit_of(letter); });
    const auto length = static_cast<std::size_t>(end - text.begin());
    const auto* unit = std::find(std::begin(units), std::end(units), text.substr(0, length));
    if (unit == std::end(units)) return false;
    double count = 0;
    const auto read =
        std::from_chars(number.data(), number.data() + (number.size() - text.size()), count);
    sum += read.ec == std::errc() ? count * nanoseconds[unit - std::begin(units)] : most;
    text.remove_prefix(length);
  }
  return sum < most;
}

bool is_port_range(std::string_view text) {
  const auto take_port = [&]() -> long {
    const std::string_view digits = take_digits(text);
    long port = -1;
    std::from_chars(digits.data(), digits.data() + digits.size(), port);
    return digits.empty() || port > 65535 ? -1 : port;
  };
  const long first = take_port();
  if (first < 0 || text.empty()) return first >= 0;
  const char mark = text.front();
  text.remove_prefix(1);
  const long second = take_port();
  if (second < 0 || !text.empty()) return false;
  return mark == '-' ? second >= first : mark == '+' && first + second <= 65535;
}

std::optional<int> sign_of_quantity(std::string_view text) {
  const bool is_negative = take_sign(text);
  const Decimal number = take_decimal(text);
  constexpr std::string_view units[] = {"",  "n", "u",  "m",  "k",  "M",  "G",  "T",
                                        "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
  if (!number.is_there || (!is_one_of(text, units) && !is_exponent(text))) return std::nullopt;
  return number.is_zero ? 0 : is_negative ? -1 : 1;
}

std::optional<double> percentage(std::string_view text) {
  if (text.empty() || text.back() != '%') return std::nullopt;
  text.remove_suffix(1);
  if (!is_go_number(text)) return std::nullopt;
  if (text.front() == '+') text.remove_prefix(1);
  double number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc::result_out_of_range) return text.front() == '-' ? -1e9 : 1e9;
  return number;
}

}  // namespace muster
