// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "parsers/api/registry.hpp"

namespace vmstate {

enum class IoMode : std::uint8_t { automatic, mmap, pread };

/// Opens a regular file read-only, or a pipe for "-" and other files that cannot be mapped or sought.
/// `standard_input` is the descriptor that "-" means.
[[nodiscard]] Result<std::unique_ptr<ByteSource>> open_path(const std::string& path, IoMode mode,
                                                            int standard_input = 0);

/// A file with all its layers peeled, outermost first, down to where a stream parser recognises what is inside.
class OpenChain {
 public:
  /// `registry`, `findings` and `limits` must outlive the chain. Only the medium makes a Fault: what cannot be
  /// recognised is a chain without a stream, and findings say why.
  static Result<std::unique_ptr<OpenChain>> open(std::unique_ptr<ByteSource> file, const Registry& registry,
                                                 Findings& findings, const Limits& limits);

  /// Layers in order, the last one being the stream itself where one was found.
  const std::vector<Layer>& layers() const { return layers_; }
  ByteSource& innermost() { return *levels_.back().content; }
  const std::shared_ptr<const Origin>& origin() const { return levels_.back().origin; }
  /// Where the stream begins in innermost(). Bytes in front of it are a layer of their own, so this is 0.
  Offset stream_offset() const { return 0; }
  /// The parser that recognised the stream, or null: then findings say what the bytes look like.
  const StreamParser* stream() const { return stream_; }
  ByteSource& file() { return *levels_.front().content; }
  /// Reports how the layers ended. Call when nobody reads the content any more. `stream_end` is the end of what the
  /// stream parser used, in innermost().
  void conclude(Offset stream_end);

 private:
  /// One address space: the file, or what an opener made of the one before.
  struct Level {
    std::unique_ptr<ByteSource> content;
    std::shared_ptr<const Origin> origin;
    const Opener* opener = nullptr;  ///< null: nothing to conclude
    std::size_t layer = 0;           ///< number in layers_, where there is an opener
  };

  class Peeler;

  OpenChain(const Registry& registry, Findings& findings, const Limits& limits)
      : registry_(registry), findings_(findings), limits_(limits), budget_(limits) {}
  void conclude_level(std::size_t number);

  const Registry& registry_;
  Findings& findings_;
  const Limits& limits_;
  DecodingBudget budget_;
  std::vector<Level> levels_;
  std::vector<Layer> layers_;
  const StreamParser* stream_ = nullptr;
};

}  // namespace vmstate
