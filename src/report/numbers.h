#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace cupel::report {

/// What stands for a number that is absent or not finite on a terminal.
inline constexpr const char* kNoNumber = "-";
/// The same on a page.
inline constexpr const char* kPageNoNumber = "\u2013";

/// "0.614"; never "-0.000". Not finite: "-".
std::string fixed_text(double value, int decimals);
/// As fixed_text with trailing zeros cut: "12.5", "3". For coordinates; not finite is a bug.
std::string short_text(double value, int max_decimals = 2);
/// As fixed_text with a typographic minus, and a plus sign when asked; not finite: "–". For pages.
std::string signed_text(double value, int decimals, bool plus = false);
/// A number, or a text with numbers, as pages write it: minus signs instead of hyphens before
/// digits, and a dash for what is absent. A hyphen within a word ("gpt-4") stays.
std::string typographic_text(std::string_view text);
/// Four digits that count: "0.6931", "-42.5"; whole where more stand before the point: "67014".
/// With an exponent below 1e-4 ("2.5e-06") and from 1e15 on. Not finite: "-".
std::string brief_text(double value);
/// "12,345"
std::string count_text(int64_t count);
/// "12,345 rows", "1 row"
std::string count_text(int64_t count, std::string_view singular);
/// A share in [0, 1] as "0%", "<0.1%", "3.4%", "97%", "100%"; 100% only when it is exactly that.
std::string percent_text(double share);
/// An amount of money with three significant digits or more and at least two decimals: "12.35",
/// "0.0123", "0.0000212"; what costs something is never shown as nothing.
std::string money_text(double amount);
/// "0.42 s", "12.3 s", "3 min 05 s", "2 h 07 min".
std::string duration_text(double seconds);
/// part / whole, or nothing when the whole is empty.
std::optional<double> share_of(int64_t part, int64_t whole);

}  // namespace cupel::report
