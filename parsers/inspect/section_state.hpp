// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "formats/base/events.hpp"
#include "formats/wire/qevm.hpp"

namespace vmstate {

/// The state in one section, without what depends on stream version and place: section id, offsets, sentinels.
struct SectionState {
  /// A stretch of a body that was not kept, or not decoded.
  struct Piece {
    std::uint64_t offset = 0;  ///< in the body, framing of its records included
    std::uint64_t size = 0;
    std::uint64_t hash = 0;
    std::string text;          ///< of items, as far as kept: what it is
  };
  std::string name;
  std::uint32_t instance = 0;
  std::uint32_t version = 0;
  std::size_t position = 0;        ///< among the sections of its stream
  bool sentinels = false;          ///< its stream has version 4: bytes that nobody described may hold sentinels
  bool cut = false;                ///< the stream ended inside it
  Boundary end = Boundary::self;   ///< how its end was found
  bool kept = false;               ///< body and tree are here; otherwise only pieces are
  std::vector<std::uint8_t> body;  ///< without the sentinels that the tree tells of
  FieldTree tree;                  ///< ranges count from the start of `body`
  std::uint64_t size = 0;          ///< of the body without sentinels
  std::vector<Piece> pieces;
  bool undescribed = false;        ///< pieces may be of bytes that nobody described

  /// The bytes of one node of the tree.
  Bytes bytes_of(const Field& field) const;
  /// Whether something in it is not described.
  bool undecoded() const;
  /// Gives up body and tree for pieces.
  void reduce();
  /// Bytes of memory it takes.
  std::size_t memory() const;
};

/// Makes a SectionState of each section. Several records of one section (START, PART, END) are one: it is complete with its
/// END, or with the stream. Pages of guest memory are not in it.
class SectionStates final : public EventSink {
 public:
  explicit SectionStates(std::function<void(SectionState&&)> take) : take_(std::move(take)) {}

  void on(const StreamBegin& e) override { sentinels_ = e.version == wire::qevm::sentinel_version; }
  void on(const SectionBegin& e) override;
  void on(const DeviceState& e) override;
  void on(const Payload& e) override;
  void on(const BodyItem& e) override;
  void on(const SectionEnd& e) override;
  void on(const StreamEnd& e) override;

 private:
  struct Open {
    SectionState state;
    std::uint64_t pending_size = 0;  ///< of a piece that is being added to
    std::uint64_t pending_hash = 0;
    std::size_t merged = 1;          ///< pieces that one piece stands for
    std::size_t waiting = 0;         ///< pieces in the last one
  };
  void feed(Bytes bytes);
  void close_piece(std::string text);
  static void add_piece(Open& open, std::uint64_t size, std::uint64_t hash, std::string text);
  void finish(Open& open);

  std::function<void(SectionState&&)> take_;
  std::map<std::uint32_t, Open> open_;  ///< iterable sections by id
  Open full_;
  Open* current_ = nullptr;
  std::size_t sections_ = 0;
  bool sentinels_ = false;
};

}  // namespace vmstate
