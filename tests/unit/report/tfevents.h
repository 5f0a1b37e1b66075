// Reads TensorBoard's event files for tests, with nothing of the code that writes them: the formats' own descriptions
// only (TFRecord; protocol buffers' wire format; event.proto, summary.proto).
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace eexit::test {

struct DecodedEvent {
  double wall_time = 0;
  long step = 0;
  std::string file_version{};
  int session_status = 0;
  std::map<std::string, float> values{};
};

// Bit by bit, the polynomial not reflected: another way than a table.
inline std::uint32_t crc32c_by_bits(std::string_view bytes) {
  auto const reflected = [](std::uint32_t value, int bits) {
    std::uint32_t mirror = 0;
    for (int i = 0; i < bits; ++i) mirror |= (value >> i & 1) << (bits - 1 - i);
    return mirror;
  };
  std::uint32_t crc = 0xFFFFFFFF;
  for (char const c : bytes) {
    crc ^= reflected(static_cast<unsigned char>(c), 8) << 24;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 0x80000000) != 0 ? (crc << 1) ^ 0x1EDC6F41 : crc << 1;
  }
  return ~reflected(crc, 32);
}

inline std::uint32_t mask(std::uint32_t crc) { return ((crc >> 15) | (crc << 17)) + 0xA282EAD8; }

template <class Number>
Number take_number(std::string_view& bytes) {
  if (bytes.size() < sizeof(Number)) throw std::runtime_error("cut");
  Number number;
  std::memcpy(&number, bytes.data(), sizeof number);  // little-endian machines only, as these tests run on
  bytes.remove_prefix(sizeof number);
  return number;
}

inline std::string_view take(std::string_view& bytes, std::size_t size) {
  if (bytes.size() < size) throw std::runtime_error("cut");
  auto const taken = bytes.substr(0, size);
  bytes.remove_prefix(size);
  return taken;
}

struct WireField {
  int number = 0, wire = 0;
  std::uint64_t varint = 0;
  std::string_view bytes{};
};

inline std::uint64_t take_varint(std::string_view& bytes) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    auto const byte = take_number<unsigned char>(bytes);
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
    if (shift > 56) throw std::runtime_error("a varint of more than ten bytes");
  }
}

inline std::vector<WireField> fields_of(std::string_view bytes) {
  std::vector<WireField> all;
  while (!bytes.empty()) {
    auto const key = take_varint(bytes);
    WireField field{.number = static_cast<int>(key >> 3), .wire = static_cast<int>(key & 7)};
    if (field.wire == 0) field.varint = take_varint(bytes);
    if (field.wire == 1) field.bytes = take(bytes, 8);
    if (field.wire == 2) field.bytes = take(bytes, take_varint(bytes));
    if (field.wire == 5) field.bytes = take(bytes, 4);
    if (field.wire == 3 || field.wire == 4 || field.wire > 5) throw std::runtime_error("unknown wire type");
    all.push_back(field);
  }
  return all;
}

inline DecodedEvent decode_event(std::string_view data) {
  DecodedEvent event;
  for (auto field : fields_of(data)) {
    if (field.number == 1) event.wall_time = take_number<double>(field.bytes);
    if (field.number == 2) event.step = static_cast<long>(field.varint);
    if (field.number == 3) event.file_version = field.bytes;
    if (field.number == 7) event.session_status = static_cast<int>(fields_of(field.bytes).at(0).varint);
    if (field.number != 5) continue;
    for (auto const& value : fields_of(field.bytes)) {
      std::string tag;
      float number = 0;
      for (auto part : fields_of(value.bytes)) {
        if (part.number == 1 && part.wire == 2) tag = part.bytes;
        if (part.number == 2 && part.wire == 5) number = take_number<float>(part.bytes);
      }
      event.values[tag] = number;
    }
  }
  return event;
}

// All events of a file. Throws std::runtime_error on a checksum that does not fit and on a cut record.
inline std::vector<DecodedEvent> decode_tfevents(std::string_view bytes) {
  std::vector<DecodedEvent> events;
  while (!bytes.empty()) {
    auto const prefix = bytes.substr(0, 8);
    auto const length = take_number<std::uint64_t>(bytes);
    if (take_number<std::uint32_t>(bytes) != mask(crc32c_by_bits(prefix))) throw std::runtime_error("length CRC");
    auto const data = take(bytes, length);
    if (take_number<std::uint32_t>(bytes) != mask(crc32c_by_bits(data))) throw std::runtime_error("data CRC");
    events.push_back(decode_event(data));
  }
  return events;
}

}  // namespace eexit::test
