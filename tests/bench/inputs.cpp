// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/inputs.hpp"

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <stdexcept>
#include <vector>

#include <zlib.h>
#include <zstd.h>

#include "tests/support/stream_builder.hpp"

namespace vmstate::bench {
namespace {

namespace fs = std::filesystem;
using test::ByteVector;
using test::StreamBuilder;

constexpr std::size_t page_size = 4096;
constexpr std::size_t piece = 1 << 20;

void write(std::ofstream& out, const ByteVector& bytes) {
  out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
}

// Complete or absent: a run that was interrupted leaves nothing behind that a later one would take.
template <class Make>
std::string made_once(const std::string& name, Make&& make) {
  const fs::path path = fs::path(VMSTATE_BENCH_DIR) / name;
  if (fs::exists(path)) return path.string();
  const fs::path part = path.string() + ".part";
  make(part);
  fs::rename(part, path);
  return path.string();
}

// Content between text and noise, as memory is: words of few values, every page another.
ByteVector page_content(std::mt19937_64& random) {
  ByteVector page(page_size);
  const std::array<std::uint64_t, 4> words{random(), random() & 0xffff, 0, random() & 0xffffffffff};
  for (std::size_t at = 0; at < page.size(); at += 8) {
    const std::uint64_t word = at % 64 == 0 ? random() : words[random() % words.size()];
    for (unsigned i = 0; i < 8; ++i) page[at + i] = static_cast<std::uint8_t>(word >> (8 * i));
  }
  return page;
}

void write_guest(std::ofstream& out, const Guest& guest) {
  constexpr std::uint64_t pages_in_part = 2048;
  std::mt19937_64 random(1);
  StreamBuilder b;
  b.header().configuration("pc-i440fx-7.2").start(2, "ram", 4).mem_size({{"pc.ram", guest.pages * page_size}}).eos().footer(2);
  write(out, b.bytes());
  for (std::uint64_t page = 0; page < guest.pages;) {
    StreamBuilder part;
    part.part(2);
    for (const std::uint64_t end = std::min(page + pages_in_part, guest.pages); page < end; ++page) {
      const std::string_view name = page == 0 ? "pc.ram" : "";
      if (random() % 100 < guest.zero_percent)
        part.zero(page * page_size, name);
      else
        part.page_word(page * page_size, 0x08, name).raw(page_content(random));
    }
    write(out, part.eos().footer(2).bytes());
  }
  StreamBuilder tail;
  tail.end(2).eos().footer(2);
  for (std::uint32_t i = 0; i < 60; ++i)
    tail.device(3 + i, "device-" + std::to_string(i), 1, {{"word", "uint32", ByteVector(4, 1)}, {"buffer", "buffer", ByteVector(400, 2)}});
  write(out, tail.eof().description().bytes());
}

// Calls `take(bytes, last)` for each piece of a file.
template <class Take>
void each_piece(const std::string& path, Take&& take) {
  std::ifstream in(path, std::ios::binary);
  ByteVector buffer(piece);
  for (;;) {
    in.read(reinterpret_cast<char*>(buffer.data()), static_cast<std::streamsize>(buffer.size()));
    const auto size = static_cast<std::size_t>(in.gcount());
    const bool last = size < buffer.size();
    take(Bytes(buffer).first(size), last);
    if (last) return;
  }
}

}  // namespace

std::string stream_file(const std::string& name, const Guest& guest) {
  return made_once(name, [&](const fs::path& path) {
    std::ofstream out(path, std::ios::binary);
    write_guest(out, guest);
  });
}

std::string gzip_file(const std::string& name, const std::string& stream) {
  return made_once(name, [&](const fs::path& path) {
    const gzFile out = ::gzopen(path.c_str(), "wb6");
    if (out == nullptr) throw std::runtime_error("cannot write " + path.string());
    each_piece(stream, [&](Bytes bytes, bool) { ::gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size())); });
    ::gzclose(out);
  });
}

std::string zstd_file(const std::string& name, const std::string& stream) {
  return made_once(name, [&](const fs::path& path) {
    std::ofstream out(path, std::ios::binary);
    const std::unique_ptr<ZSTD_CCtx, decltype(&::ZSTD_freeCCtx)> context(::ZSTD_createCCtx(), ::ZSTD_freeCCtx);
    ByteVector room(::ZSTD_CStreamOutSize());
    each_piece(stream, [&](Bytes bytes, bool last) {
      ZSTD_inBuffer from{bytes.data(), bytes.size(), 0};
      std::size_t left = 1;
      while (left != 0) {
        ZSTD_outBuffer to{room.data(), room.size(), 0};
        left = ::ZSTD_compressStream2(context.get(), &to, &from, last ? ZSTD_e_end : ZSTD_e_continue);
        out.write(reinterpret_cast<const char*>(room.data()), static_cast<std::streamsize>(to.pos));
        if (!last && from.pos == from.size) return;
      }
    });
  });
}

std::uint64_t size_of_file(const std::string& path) { return fs::file_size(path); }

}  // namespace vmstate::bench
