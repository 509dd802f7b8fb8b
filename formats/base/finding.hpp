// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "formats/base/bytes.hpp"
#include "formats/base/limits.hpp"
#include "formats/base/origin.hpp"

namespace vmstate {

enum class Severity : std::uint8_t { note, warning, error };
std::string_view to_string(Severity severity);
std::optional<Severity> severity_from(std::string_view text);

/// Stable codes; the number is printed as VMS0101. The list is formats/base/finding_codes.def.
enum class Code : std::uint16_t {
#define VMS_FINDING(number, identifier, severity, title, explanation) identifier = number,
#include "formats/base/finding_codes.def"
#undef VMS_FINDING
};

/// What the list says of a code. `explanation` is for people and ends in what to do where that is known.
struct CodeInfo {
  Code code;
  std::string_view identifier;
  Severity severity;
  std::string_view title;
  std::string_view explanation;
};
const CodeInfo& info(Code code);
std::vector<CodeInfo> all_codes();
/// "VMS0101"
std::string code_text(Code code);

/// Something true about the evidence. It stops nothing.
struct Finding {
  Code code{};
  Severity severity{};
  ByteRange range{};                   ///< in the innermost address space that `origin` names
  std::shared_ptr<const Origin> origin;  ///< whose offsets `range` counts; null: the file itself
  std::string section;                 ///< name and instance of the section it lies in, or empty
  std::string field;                   ///< path of the field it lies in, or empty
  std::vector<std::uint8_t> evidence;  ///< at most 64 bytes of the input
  std::string message;                 ///< one plain sentence about this very place
  std::string hint;                    ///< what to do, or empty

  /// Offset in the outermost file, where the byte exists there as such.
  std::optional<Offset> file_offset() const;
};

/// Collects findings in the order they are made. Not thread-safe.
class Findings {
 public:
  explicit Findings(const Limits& limits) : per_code_(limits.findings_per_code) {}

  /// Adds a finding with the code's own severity. The returned reference is valid until the next call.
  Finding& add(Code code, ByteRange range, std::string message);
  Finding& add(Finding finding);

  /// Address space and section of findings added from now on.
  void set_origin(std::shared_ptr<const Origin> origin) { origin_ = std::move(origin); }
  void set_section(std::string section) { section_ = std::move(section); }
  const std::string& section() const { return section_; }

  const std::vector<Finding>& all() const { return all_; }
  /// How many findings of each code were dropped because there were too many.
  const std::map<Code, std::uint64_t>& suppressed() const { return suppressed_; }
  bool any_at_least(Severity severity) const;
  bool has(Code code) const { return count_.contains(code); }
  /// Orders by offset (stable; what follows from findings stands behind them) and adds one note for each code of which findings were dropped.
  void finish();

 private:
  std::size_t per_code_;
  std::vector<Finding> all_;
  std::map<Code, std::uint64_t> count_;
  std::map<Code, std::uint64_t> suppressed_;
  std::optional<Severity> highest_suppressed_;
  Finding scratch_;
  std::shared_ptr<const Origin> origin_;
  std::string section_;
};

}  // namespace vmstate
