// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "formats/base/byte_source.hpp"
#include "formats/base/finding.hpp"
#include "formats/base/limits.hpp"
#include "formats/base/origin.hpp"
#include "parsers/api/decoding_budget.hpp"

namespace vmstate {

/// One thing an opener learned of its layer, in the order it is shown. JSON key and value.
struct LayerDetail {
  std::string key;  ///< snake_case
  std::variant<std::string, std::uint64_t, bool> value;
};

/// A labelled piece of the layer's own bytes (header, XML, padding, trailing garbage), offsets in the layer below.
struct LayerPart {
  ByteRange range;
  std::string label;  ///< "libvirt header", "domain XML", "gzip data", …
};

/// One container layer, or the stream inside all of them.
struct Layer {
  std::string kind;                    ///< "libvirt-save", "zstd", …
  Offset offset = 0;                   ///< where it begins: in the file, or in the content of the decompressing layer around it
  std::optional<std::uint64_t> size;   ///< bytes it occupies there, if known
  std::vector<LayerDetail> details;
  std::vector<LayerPart> parts;        ///< bytes that are the layer's own, not its content's
  std::vector<std::uint8_t> head;      ///< bytes in front of the content, as they are, where a rewrite must repeat them
  std::vector<std::pair<std::string, std::string>> texts;  ///< extractable texts: {"xml", …}, {"cookie", …}
};

/// What an opener made of the bytes: the content and where its offset 0 lies.
struct Opened {
  std::unique_ptr<ByteSource> content;
  std::shared_ptr<const Origin> origin;  ///< of `content`
  Layer layer;
};

/// Everything an opener may use. `lower` and `budget` outlive the content that is made from it.
struct OpenContext {
  ByteSource& lower;
  std::shared_ptr<const Origin> origin;  ///< of `lower`
  Findings& findings;
  const Limits& limits;
  DecodingBudget& budget;  ///< of the whole chain of layers
};

/// Peels one layer. Stateless.
class Opener {
 public:
  virtual ~Opener() = default;
  virtual std::string_view name() const = 0;         ///< as in Layer::kind
  virtual std::string_view description() const = 0;  ///< one line for `vmstate-dump formats`
  /// Whether this build can open it, not only recognise it.
  virtual bool available() const { return true; }
  /// `head`: the first bytes of the source, at least 512 unless it is shorter.
  virtual bool recognises(Bytes head) const = 0;
  [[nodiscard]] virtual Result<Opened> open(const OpenContext& context) const = 0;
  /// Findings, details and parts known only after the content was read: how it ended, what follows it.
  /// Called once when nobody reads the content any more.
  virtual void conclude(Opened&, const OpenContext&) const {}
};

}  // namespace vmstate
