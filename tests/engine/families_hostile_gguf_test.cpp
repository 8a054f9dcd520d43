// The GGUF files of every family, broken in every way that a file can be: each ends with one clear
// line, or is a model that runs.
#include "base/format.h"
#include "base/io.h"
#include "base/rng.h"
#include "engine/convert/to_gguf.h"
#include "engine/families_hostile_support.h"
#include "engine/gguf_sample.h"
#include "engine/model/hf/open_folder.h"
#include "support/family_fixtures.h"
#include "support/seeded_checkpoint.h"
#include "support/test_paths.h"

namespace cupel::engine::test {
namespace {

/// A value that may stand in place of another one.
using Put = void (*)(GgufHeader&, std::string_view);

constexpr Put kValues[] = {
    [](GgufHeader& h, std::string_view key) { h.set<uint32_t>(key, 0); },
    [](GgufHeader& h, std::string_view key) { h.set<uint32_t>(key, 1); },
    [](GgufHeader& h, std::string_view key) { h.set<uint32_t>(key, 3); },
    [](GgufHeader& h, std::string_view key) { h.set<int32_t>(key, -1); },
    [](GgufHeader& h, std::string_view key) { h.set<uint32_t>(key, UINT32_MAX); },
    [](GgufHeader& h, std::string_view key) { h.set<uint32_t>(key, 1U << 28U); },
    [](GgufHeader& h, std::string_view key) { h.set<uint64_t>(key, UINT64_MAX); },
    [](GgufHeader& h, std::string_view key) { h.set<float>(key, 1e38F); },
    [](GgufHeader& h, std::string_view key) {
      h.set<float>(key, std::numeric_limits<float>::quiet_NaN());
    },
    [](GgufHeader& h, std::string_view key) { h.set<double>(key, 1e-320); },
    [](GgufHeader& h, std::string_view key) { h.set<bool>(key, true); },
    [](GgufHeader& h, std::string_view key) { h.set_string(key, "x"); },
    [](GgufHeader& h, std::string_view key) {
      h.set_array<int32_t>(key, std::vector<int32_t>{1, -1});
    },
    [](GgufHeader& h, std::string_view key) { h.set_string_array(key, {}); }};

class HostileGguf : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    const Json fixture = cupel::test::family_fixture(GetParam());
    ASSERT_TRUE(cupel::test::write_seeded_checkpoint(fixture, folder_.path()).has_value());
    const auto folder = hf::open_folder(folder_.path());
    ASSERT_TRUE(folder.has_value()) << folder.error().message;
    const std::string path = folder_.file("whole.gguf");
    ASSERT_TRUE(write_gguf(*folder, GgufHeader(), path).has_value());
    bytes_ = read_file(path).value();
    auto file = Checkpoint::from_bytes(bytes_of(bytes_), "m.gguf");
    ASSERT_TRUE(file.has_value()) << file.error().message;
    whole_ = std::make_unique<Checkpoint>(std::move(*file));
    ASSERT_TRUE(runs_from(bytes_, "unbroken"));
  }

  static bool runs_from(const std::string& bytes, const std::string& what) {
    return runs(Checkpoint::from_bytes(bytes_of(bytes), "m.gguf"), what);
  }

  /// The file with its metadata, but for one key, and its tensors as `plan` makes them; without a
  /// plan a tensor is left out.
  template <typename Plan>
  std::string rebuilt(std::string_view without, Put put, const Plan& plan) const {
    GgufHeader header;
    for (const GgufEntry& entry : whole_->metadata()) {
      if (entry.key != without) {
        header.set_value(entry.key, entry.value);
      } else if (put != nullptr) {
        put(header, entry.key);
      }
    }
    std::string data;
    for (const CheckpointTensor& tensor : whole_->tensors()) {
      std::optional<GgufTensorPlan> planned = plan(tensor);
      if (!planned) {
        continue;
      }
      std::string bytes(reinterpret_cast<const char*>(tensor.data.data()), tensor.data.size());
      bytes.resize(planned->size_bytes());
      data += bytes;
      data.resize(header.padded(data.size()));
      header.add_tensor(std::move(*planned));
    }
    return header.encode() + data;
  }
  static std::optional<GgufTensorPlan> as_it_is(const CheckpointTensor& tensor) {
    return GgufTensorPlan{.name = std::string(tensor.name),
                          .type = tensor.type,
                          .dims = {tensor.dims.begin(), tensor.dims.begin() + tensor.num_dims}};
  }

  cupel::test::TemporaryFolder folder_;
  std::string bytes_;
  std::unique_ptr<Checkpoint> whole_;
};

TEST_P(HostileGguf, EveryKeyMayBeWrong) {
  EXPECT_TRUE(runs_from(rebuilt("", nullptr, as_it_is), "rebuilt"));
  for (const GgufEntry& entry : whole_->metadata()) {
    runs_from(rebuilt(entry.key, nullptr, as_it_is), std::string(entry.key) + " removed");
    for (size_t i = 0; i < std::size(kValues); ++i) {
      runs_from(rebuilt(entry.key, kValues[i], as_it_is), format("{} = value {}", entry.key, i));
    }
  }
  EXPECT_FALSE(runs_from(rebuilt("general.architecture", nullptr, as_it_is), "no architecture"));
}

TEST_P(HostileGguf, EveryTensorIsNeededInItsShape) {
  for (const CheckpointTensor& tensor : whole_->tensors()) {
    const std::string name(tensor.name);
    const auto with = [&](auto change) {
      return rebuilt("", nullptr, [&](const CheckpointTensor& each) {
        auto planned = as_it_is(each);
        if (each.name == name) {
          change(planned);
        }
        return planned;
      });
    };
    const bool optional =
        name.ends_with(".bias") || name == "output.weight" || name.starts_with("rope_f");
    EXPECT_TRUE(!runs_from(with([](auto& plan) { plan.reset(); }), name + " left out") || optional)
        << name;
    EXPECT_FALSE(runs_from(with([](auto& plan) { plan->dims[0] += 32; }), name + " longer"))
        << name;
    // Of a tied embedding the rows say how large the vocabulary is.
    const bool free_rows =
        name == "token_embd.weight" && whole_->find_tensor("output.weight") == nullptr;
    EXPECT_TRUE(!runs_from(with([](auto& plan) { plan->dims.back() *= 2; }), name + " doubled") ||
                free_rows)
        << name;
    EXPECT_FALSE(runs_from(with([](auto& plan) { plan->dims[0] /= 2; }), name + " halved")) << name;
    EXPECT_FALSE(
        runs_from(with([](auto& plan) { plan->type = TensorType::kI32; }), name + " of integers"))
        << name;
    if (tensor.num_dims == 1) {
      runs_from(with([](auto& plan) { plan->type = TensorType::kQ8_0; }), name + " in blocks");
    } else {
      runs_from(with([](auto& plan) { plan->type = TensorType::kQ4_0; }), name + " in blocks");
      runs_from(with([](auto& plan) { std::swap(plan->dims[0], plan->dims[1]); }),
                name + " turned");
    }
  }
}

// The offsets of the table, one after another: in the middle of another tensor, beyond the end.
TEST_P(HostileGguf, NoTensorLiesWhereAnotherDoesOrOutside) {
  for (const CheckpointTensor& tensor : whole_->tensors()) {
    const std::string name(tensor.name);
    const auto at = static_cast<size_t>(tensor.name.data() - bytes_.data()) + name.size() + 4 +
                    8 * tensor.num_dims + 4;
    uint64_t offset = 0;
    std::memcpy(&offset, bytes_.data() + at, sizeof offset);
    ASSERT_EQ(offset, tensor.offset - whole_->data_offset()) << name;
    for (const uint64_t other : {offset + 32, offset - 32, offset + 1, uint64_t{1} << 62U,
                                 UINT64_MAX - 31, uint64_t{bytes_.size()} / 32 * 32}) {
      std::string bytes = bytes_;
      std::memcpy(bytes.data() + at, &other, sizeof other);
      EXPECT_FALSE(runs_from(bytes, format("{} at {}", name, other))) << name << " " << other;
    }
  }
}

TEST_P(HostileGguf, FilesCutAnywhereAreAnError) {
  std::vector<uint64_t> places = {0, 3, 4, 8, 16, 24};
  for (uint64_t at = 25; at < whole_->data_offset(); at += 37) {
    places.push_back(at);
  }
  for (const CheckpointTensor& tensor : whole_->tensors()) {
    places.push_back(tensor.offset);
    places.push_back(tensor.offset + tensor.data.size() - 1);
  }
  for (const uint64_t place : places) {
    const std::string cut = bytes_.substr(0, place);
    EXPECT_FALSE(runs_from(cut, format("cut at {}", place))) << place;
  }
}

TEST_P(HostileGguf, ChangedHeadersEndCleanly) {
  Rng rng(8);
  for (int round = 0; round < 250; ++round) {
    std::string bytes = bytes_;
    for (uint64_t n = 1 + rng.below(3); n > 0; --n) {
      bytes[rng.below(whole_->data_offset())] = static_cast<char>(
          rng.below(2) == 0 ? rng.below(256)
                            : std::string_view("\0\1\x20\x7F\xFF", 5)[rng.below(5)]);
    }
    runs_from(bytes, format("round {}", round));
  }
}

INSTANTIATE_TEST_SUITE_P(All,
                         HostileGguf,
                         testing::ValuesIn(cupel::test::family_fixtures()),
                         [](const auto& name) { return name.param; });

}  // namespace
}  // namespace cupel::engine::test
