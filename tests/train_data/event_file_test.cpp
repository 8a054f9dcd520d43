// The reader here is written from the formats' descriptions alone and shares nothing with the
// writer; its checksum goes bit by bit. TensorBoard itself reads the files of
// `CUPEL_EVENT_FOLDER=DIR train_data_test --gtest_filter=EventFile.*` as the same tags, steps and
// values, the resumed run's in place of the first one's (tensorboard 2.21, EventAccumulator).
#include "train/metrics/event_file.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>

#include <gtest/gtest.h>

#include "base/io.h"
#include "support/test_paths.h"

namespace cupel::train {
namespace {

uint32_t slow_masked_crc(std::string_view bytes) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 1U) != 0 ? (crc >> 1U) ^ 0x82F63B78U : crc >> 1U;
    }
  }
  crc = ~crc;
  return ((crc >> 15U) | (crc << 17U)) + 0xA282EAD8U;
}

uint64_t little_endian(std::string_view bytes) {
  uint64_t value = 0;
  for (size_t i = bytes.size(); i > 0; --i) {
    value = value << 8U | static_cast<unsigned char>(bytes[i - 1]);
  }
  return value;
}

struct Event {
  double wall_time = 0;
  uint64_t step = 0;
  std::string version;
  std::map<std::string, float> scalars;
  bool session_start = false;
};

/// Takes one field off a protocol buffer: its number, and its bytes or value.
struct Field {
  uint64_t number = 0;
  uint64_t value = 0;
  std::string_view bytes;
};
uint64_t take_varint(std::string_view& text) {
  uint64_t value = 0;
  for (unsigned shift = 0; !text.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text[0]);
    text.remove_prefix(1);
    value |= static_cast<uint64_t>(byte & 0x7FU) << shift;
    if (byte < 0x80) {
      break;
    }
  }
  return value;
}
Field take_field(std::string_view& text) {
  const uint64_t key = take_varint(text);
  Field field{.number = key >> 3U};
  size_t size = 0;
  switch (key & 7U) {
    case 0:
      field.value = take_varint(text);
      break;
    case 1:
      size = 8;
      break;
    case 2:
      size = take_varint(text);
      break;
    case 5:
      size = 4;
      break;
    default:
      ADD_FAILURE() << "wire type " << (key & 7U);
  }
  field.bytes = text.substr(0, size);
  text.remove_prefix(std::min(size, text.size()));
  return field;
}

Event parse_event(std::string_view text) {
  Event event;
  while (!text.empty()) {
    const Field field = take_field(text);
    if (field.number == 1) {
      const uint64_t bits = little_endian(field.bytes);
      std::memcpy(&event.wall_time, &bits, sizeof bits);
    } else if (field.number == 2) {
      event.step = field.value;
    } else if (field.number == 3) {
      event.version = field.bytes;
    } else if (field.number == 7) {
      event.session_start = field.bytes == std::string_view("\x08\x01");
    } else if (field.number == 5) {
      for (std::string_view summary = field.bytes; !summary.empty();) {
        std::string_view value = take_field(summary).bytes;
        const Field tag = take_field(value);
        const auto bits = static_cast<uint32_t>(little_endian(take_field(value).bytes));
        float number = 0;
        std::memcpy(&number, &bits, sizeof bits);
        event.scalars[std::string(tag.bytes)] = number;
      }
    }
  }
  return event;
}

/// Nothing when a checksum is wrong or a record is cut.
std::optional<std::vector<Event>> parse_file(std::string_view text) {
  std::vector<Event> events;
  while (!text.empty()) {
    if (text.size() < 12 ||
        slow_masked_crc(text.substr(0, 8)) != little_endian(text.substr(8, 4))) {
      return std::nullopt;
    }
    const uint64_t size = little_endian(text.substr(0, 8));
    text.remove_prefix(12);
    if (text.size() < size + 4 ||
        slow_masked_crc(text.substr(0, size)) != little_endian(text.substr(size, 4))) {
      return std::nullopt;
    }
    events.push_back(parse_event(text.substr(0, size)));
    text.remove_prefix(size + 4);
  }
  return events;
}

std::string write_sample(const std::string& folder) {
  auto file = EventFile::create(
      {.folder = folder, .wall_time_s = 1700000000.25, .host = "host", .process_id = 42});
  EXPECT_TRUE(file.has_value()) << (file ? "" : file.error().message);
  for (int64_t step = 0; step < 3; ++step) {
    const std::vector<Scalar> scalars = {{"train/loss", 2.5 / static_cast<double>(step + 1)},
                                         {"train/lr", 1e-5 * static_cast<double>(step)}};
    EXPECT_TRUE(file->write(step * 1000, 1700000001.5, scalars).has_value());
  }
  return file->path();
}

TEST(EventFile, AnIndependentReaderFindsTagsStepsAndValues) {
  const test::TemporaryFolder folder;
  const std::string path = write_sample(folder.file("runs/a"));
  EXPECT_TRUE(path.ends_with("/runs/a/events.out.tfevents.1700000000.host.42")) << path;
  const auto events = parse_file(*read_file(path));
  ASSERT_TRUE(events.has_value());
  ASSERT_EQ(events->size(), 4U);
  EXPECT_EQ((*events)[0].version, "brain.Event:2");
  EXPECT_EQ((*events)[0].wall_time, 1700000000.25);
  for (uint64_t i = 0; i < 3; ++i) {
    const Event& event = (*events)[i + 1];
    EXPECT_EQ(event.step, i * 1000);
    EXPECT_EQ(event.wall_time, 1700000001.5);
    EXPECT_EQ(event.scalars.at("train/loss"), static_cast<float>(2.5 / static_cast<double>(i + 1)));
    EXPECT_EQ(event.scalars.at("train/lr"), static_cast<float>(1e-5 * static_cast<double>(i)));
  }
  if (const char* kept = std::getenv("CUPEL_EVENT_FOLDER")) {
    write_sample(std::string(kept) + "/whole");
  }
}

TEST(EventFile, AFlippedByteIsDetected) {
  const test::TemporaryFolder folder;
  std::string text = *read_file(write_sample(folder.path()));
  for (size_t i = 0; i < text.size(); ++i) {
    text[i] = static_cast<char>(text[i] ^ 0x10);
    EXPECT_FALSE(parse_file(text).has_value()) << "byte " << i;
    text[i] = static_cast<char>(text[i] ^ 0x10);
  }
}

TEST(EventFile, AResumedRunGetsAFileOfItsOwn) {
  const test::TemporaryFolder folder;
  const EventFile::Options options{
      .folder = folder.path(), .wall_time_s = 5, .host = "h", .process_id = 1, .first_step = 300};
  const auto first = EventFile::create(options);
  const auto second = EventFile::create(options);
  ASSERT_TRUE(first.has_value() && second.has_value());
  EXPECT_NE(first->path(), second->path());
  const auto events = parse_file(*read_file(second->path()));
  ASSERT_TRUE(events.has_value());
  ASSERT_EQ(events->size(), 2U);
  EXPECT_TRUE((*events)[1].session_start);
  EXPECT_EQ((*events)[1].step, 300U);
  if (const char* kept = std::getenv("CUPEL_EVENT_FOLDER")) {
    const std::string resumed = std::string(kept) + "/resumed";
    write_sample(resumed);  // steps 0, 1000, 2000
    auto file = EventFile::create(
        {.folder = resumed, .wall_time_s = 1700000100, .host = "host", .first_step = 1000});
    ASSERT_TRUE(file.has_value());
    const std::vector<Scalar> scalars = {{"train/loss", 7}};
    ASSERT_TRUE(file->write(1000, 1700000101, scalars).has_value());
  }
}

TEST(EventFile, SaysWhereItCannotWrite) {
  const auto file = EventFile::create({.folder = "/proc/none"});
  ASSERT_FALSE(file.has_value());
  EXPECT_NE(file.error().message.find("/proc/none"), std::string::npos);
}

}  // namespace
}  // namespace cupel::train
