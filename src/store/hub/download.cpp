#include "store/hub/download.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/partial_file.h"
#include "base/text.h"

namespace cupel::store {
namespace {

Digest new_digest(const HubFile& file) {
  const bool git = file.sha256.empty() && !file.git_sha1.empty();
  Digest digest(git ? Digest::Kind::kSha1 : Digest::Kind::kSha256);
  if (git) {
    digest.add(format("blob {}", file.size) + std::string(1, '\0'));
  }
  return digest;
}

const std::string& expected_digest(const HubFile& file) {
  return file.sha256.empty() ? file.git_sha1 : file.sha256;
}

std::optional<int64_t> read_number(std::string_view text) {
  int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc() && rest == text.data() + text.size() && number >= 0;
  return whole ? std::optional<int64_t>(number) : std::nullopt;
}

// "bytes 5-9/10": the first byte and the size of the whole (RFC 9110 §14.4).
std::optional<std::pair<int64_t, int64_t>> read_content_range(std::string_view text) {
  const size_t dash = text.find('-');
  const size_t slash = text.find('/');
  if (!text.starts_with("bytes ") || dash == text.npos || slash == text.npos) {
    return std::nullopt;
  }
  const auto first = read_number(text.substr(6, dash - 6));
  const auto whole = read_number(text.substr(slash + 1));
  return first && whole ? std::optional(std::pair(*first, *whole)) : std::nullopt;
}

// An entity tag that stands for these very bytes (RFC 9110 §8.8.3), not too long to be sent back.
bool is_strong_tag(std::string_view tag) {
  constexpr size_t kMostBytes = 512;
  return tag.size() >= 2 && tag.size() <= kMostBytes && tag.front() == '"' && tag.back() == '"' &&
         std::all_of(tag.begin(), tag.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

class FileDownload {
 public:
  FileDownload(Hub& hub,
               const Download& download,
               const std::function<void(int64_t)>& on_bytes,
               PartialFile partial)
      : hub_(hub),
        download_(download),
        file_(download.file),
        on_bytes_(on_bytes),
        partial_(std::move(partial)),
        digest_(new_digest(file_)) {}

  Result<Checked> run();

 private:
  Result<Ok> take_up();
  Result<Ok> fetch_rest();
  Result<Ok> attempt(double delay_s);
  HttpRequest request() const;
  Result<Ok> accept_head(const HttpResponse& head);
  Result<Ok> accept_range(const HttpResponse& head);
  Result<Ok> accept_piece(std::string_view piece);
  Result<Ok> restart(std::string_view tag);
  [[nodiscard]] bool is_right() const;

  bool keep(Result<Ok> done) {
    if (!done) {
      failure_ = std::move(done).error();
    }
    return !failure_;
  }

  Hub& hub_;
  const Download& download_;
  const HubFile& file_;
  const std::function<void(int64_t)>& on_bytes_;
  PartialFile partial_;
  Digest digest_;
  std::string linked_sha256_;  // as the hub's redirect says it, where the listing does not
  bool pieced_ = false;        // bytes of more than one exchange
  std::optional<HttpResponse> refused_;
  std::optional<Error> failure_;  // why a handler ended the exchange
};

// What an earlier run left enters the digest; what cannot be gone on from is dropped.
Result<Ok> FileDownload::take_up() {
  if (partial_.size() > file_.size ||
      (!is_strong_tag(partial_.tag()) && expected_digest(file_).empty())) {
    return partial_.restart("");
  }
  pieced_ = partial_.size() > 0;
  on_bytes_(partial_.size());
  return partial_.read([&](std::string_view piece) { digest_.add(piece); });
}

Result<Ok> FileDownload::restart(std::string_view tag) {
  if (pieced_ || partial_.size() > 0) {
    on_bytes_(-std::min(partial_.size(), file_.size));
  }
  CUPEL_TRY_VOID(partial_.restart(tag));
  digest_ = new_digest(file_);
  pieced_ = false;
  return Ok{};
}

HttpRequest FileDownload::request() const {
  HttpRequest request = hub_.file_request(download_.reference, download_.commit, file_.path);
  request.max_body_bytes = SIZE_MAX;  // accept_piece knows how much may come, and says so
  if (partial_.size() > 0) {
    request.headers.emplace_back("Range", format("bytes={}-", partial_.size()));
    if (is_strong_tag(partial_.tag())) {
      request.headers.emplace_back("If-Range", partial_.tag());
    }
  }
  return request;
}

Result<Ok> FileDownload::accept_range(const HttpResponse& head) {
  const auto range = read_content_range(head.header("content-range"));
  if (!range || range->first != partial_.size() || range->second != file_.size) {
    return corrupt_data("the hub sends \"{}\"; expected bytes from {} on of {}",
                        printable(head.header("content-range"), 60), partial_.size(), file_.size);
  }
  return Ok{};
}

Result<Ok> FileDownload::accept_head(const HttpResponse& head) {
  // The hub names size and checksum in its redirect to the store.
  std::string_view linked = head.header("x-linked-etag");
  if (linked.size() == 66) {
    linked = linked.substr(1, 64);
  }
  if (is_hex(linked, 64) && expected_digest(file_).empty()) {
    linked_sha256_ = std::string(linked);
  }
  if (head.status / 100 != 2) {
    return Ok{};
  }
  const std::string_view encoding = head.header("content-encoding");
  if (!encoding.empty() && encoding != "identity") {
    return corrupt_data("the hub sends it as {}, which was not asked for", printable(encoding, 24));
  }
  if (head.status == 206) {
    return accept_range(head);
  }
  const std::string_view length = head.header("content-length");
  if (!length.empty() && read_number(length) != file_.size) {
    return corrupt_data("the hub announces {} bytes ({}); its listing says {}",
                        printable(length, 24), printable(head.header("content-type"), 40),
                        file_.size);
  }
  // The whole file, from its start: whatever was there is of no use.
  const std::string_view tag = head.header("etag");
  return restart(is_strong_tag(tag) ? tag : std::string_view());
}

Result<Ok> FileDownload::accept_piece(std::string_view piece) {
  if (static_cast<int64_t>(piece.size()) > file_.size - partial_.size()) {
    return corrupt_data("the hub sends more than the {} bytes that its listing says", file_.size);
  }
  CUPEL_TRY_VOID(partial_.append(piece));
  digest_.add(piece);
  on_bytes_(static_cast<int64_t>(piece.size()));
  return Ok{};
}

// One exchange; done when every byte is there.
Result<Ok> FileDownload::attempt(double delay_s) {
  failure_.reset();
  refused_.reset();
  pieced_ = partial_.size() > 0;
  HttpRequest get = request();
  get.delay_s = delay_s;
  auto response = hub_.exchange(
      std::move(get), {.on_head = [&](const HttpResponse& head) { return keep(accept_head(head)); },
                       .on_body = [&](std::string_view piece) { return keep(accept_piece(piece)); },
                       .on_done = {}});
  if (failure_) {
    return *failure_;
  }
  CUPEL_TRY(HttpResponse answer, std::move(response));
  if (answer.status == 416 && partial_.size() > 0) {
    CUPEL_TRY_VOID(restart(""));
    return unavailable("the hub does not have the rest of it any more");
  }
  if (answer.status != 200 && answer.status != 206) {
    refused_ = std::move(answer);
    return hub_.refusal(*refused_);
  }
  if (partial_.size() < file_.size) {
    return unavailable("the answer ended after {} of {} bytes", partial_.size(), file_.size);
  }
  return Ok{};
}

Result<Ok> FileDownload::fetch_rest() {
  double delay_s = 0;
  int failures = 0;
  while (partial_.size() < file_.size || file_.size == 0) {
    const int64_t before = partial_.size();
    auto done = attempt(delay_s);
    if (done) {
      break;
    }
    if (!is_worth_retrying(done.error().code)) {
      return done;
    }
    failures = partial_.size() > before ? 1 : failures + 1;
    if (failures >= hub_.options().attempts) {
      return Error{done.error().code,
                   format("{}; {} of {} bytes are kept, the same command goes on from there",
                          done.error().message, partial_.size(), file_.size)};
    }
    delay_s = hub_.retry_delay_s(failures, refused_ ? &*refused_ : nullptr);
  }
  return Ok{};
}

bool FileDownload::is_right() const {
  const std::string& wanted =
      expected_digest(file_).empty() ? linked_sha256_ : expected_digest(file_);
  return wanted.empty() || digest_.hex() == wanted;
}

Result<Checked> FileDownload::run() {
  CUPEL_TRY_VOID(take_up());
  CUPEL_TRY_VOID(fetch_rest());
  if (!is_right() && pieced_) {  // the pieces may be of two versions, or a crash has damaged one
    CUPEL_TRY_VOID(restart(""));
    CUPEL_TRY_VOID(fetch_rest());
  }
  if (!is_right()) {
    on_bytes_(-partial_.size());
    partial_.discard();
    return corrupt_data(
        "the checksum of what the hub sends differs from its listing; nothing was kept, try again "
        "or tell the model's owner");
  }
  CUPEL_TRY_VOID(partial_.publish(download_.path));
  return !file_.sha256.empty() || (file_.git_sha1.empty() && !linked_sha256_.empty())
             ? Checked::kSha256
         : !file_.git_sha1.empty() ? Checked::kGitSha1
                                   : Checked::kSize;
}

}  // namespace

std::string_view checked_name(Checked checked) {
  switch (checked) {
    case Checked::kSha256:
      return "sha256";
    case Checked::kGitSha1:
      return "git-sha1";
    case Checked::kSize:
      break;
  }
  return "size";
}

Result<Checked> parse_checked(std::string_view name) {
  for (const Checked checked : {Checked::kSha256, Checked::kGitSha1, Checked::kSize}) {
    if (name == checked_name(checked)) {
      return checked;
    }
  }
  return corrupt_data("checked is \"{}\"; expected sha256, git-sha1 or size", printable(name, 24));
}

Result<Checked> fetch_file(Hub& hub,
                           const Download& download,
                           const std::function<void(int64_t)>& on_bytes) {
  CUPEL_TRY(PartialFile partial, PartialFile::open(download.partial_path));
  auto checked = FileDownload(hub, download, on_bytes, std::move(partial)).run();
  if (!checked) {
    return in_context(std::move(checked).error(), download.file.path);
  }
  return checked;
}

Result<bool> is_intact(const std::string& path, const HubFile& file) {
  constexpr size_t kPiece = 1U << 20U;
  CUPEL_TRY(const MappedFile there, MappedFile::open(path));
  std::string_view rest(reinterpret_cast<const char*>(there.bytes().data()), there.bytes().size());
  if (static_cast<int64_t>(rest.size()) != file.size || expected_digest(file).empty()) {
    return false;
  }
  Digest digest = new_digest(file);
  while (!rest.empty()) {
    const std::string_view piece = rest.substr(0, kPiece);
    digest.add(piece);
    there.release(std::as_bytes(std::span(piece)));
    rest.remove_prefix(piece.size());
  }
  return digest.hex() == expected_digest(file);
}

}  // namespace cupel::store
