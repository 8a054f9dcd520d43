#pragma once

#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/format.h"
#include "base/hash.h"
#include "base/json.h"
#include "store/hub/hub.h"
#include "support/loopback_server.h"

namespace cupel::store {

/// A hub of one repository, org/model, that answers as the real one does: listings as JSON, files
/// with ETag, byte ranges and If-Range. `intercept` may answer a request in its place.
class FakeHub {
 public:
  struct File {
    std::string content;
    bool large = true;  ///< listed with a SHA-256; else with the name that git gives it
  };
  using Intercept =
      std::function<std::optional<test::ScriptedReply>(const test::SeenRequest&, size_t index)>;

  using Files = std::map<std::string, File>;
  explicit FakeHub(Files listed, Intercept intercept = {})
      : files(std::move(listed)),
        intercept_(std::move(intercept)),
        server([this](const test::SeenRequest& request, size_t index) {
          if (intercept_) {
            if (auto reply = intercept_(request, index)) {
              return *reply;
            }
          }
          return answer(request);
        }) {}

  [[nodiscard]] HubOptions options() const {
    HubOptions options;
    options.url = server.url();
    options.retry_delay_s = 0.001;
    options.attempts = 3;
    options.timeout_s = 5;
    return options;
  }

  static std::string git_sha1(const std::string& content) {
    Digest digest(Digest::Kind::kSha1);
    digest.add(format("blob {}", content.size()) + std::string(1, '\0') + content);
    return digest.hex();
  }

  [[nodiscard]] Json revision() const {
    Json siblings = Json::array();
    for (const auto& [path, file] : files) {
      Json entry = Json::object();
      entry.set("rfilename", path).set("size", file.content.size());
      if (file.large) {
        entry.set("blobId", std::string(40, '0'))
            .set("lfs", Json::object()
                            .set("sha256", sha256(file.content))
                            .set("size", file.content.size())
                            .set("pointerSize", 130));
      } else {
        entry.set("blobId", git_sha1(file.content));
      }
      siblings.push_back(std::move(entry));
    }
    return Json::object().set("sha", commit).set("siblings", std::move(siblings));
  }

  /// How many requests for file contents there were.
  [[nodiscard]] size_t file_requests() const {
    size_t count = 0;
    for (const auto& request : server.requests()) {
      count += request.path.find("/resolve/") != std::string::npos ? 1 : 0;
    }
    return count;
  }

  std::string commit = std::string(39, 'a') + "1";
  Files files;

  /// The whole file, or the range that is asked for.
  [[nodiscard]] static test::ScriptedReply file_reply(const std::string& content,
                                                      const test::SeenRequest& request) {
    test::ScriptedReply reply;
    const std::string etag = "\"" + sha256(content).substr(0, 16) + "\"";
    reply.headers = {{"ETag", etag}, {"Content-Type", "application/octet-stream"}};
    reply.body = content;
    const std::string range = request.header("range");
    const std::string condition = request.header("if-range");
    if (range.starts_with("bytes=") && (condition.empty() || condition == etag)) {
      const size_t first = std::strtoull(range.c_str() + 6, nullptr, 10);
      reply.status = first < content.size() ? 206 : 416;
      reply.body = first < content.size() ? content.substr(first) : "";
      reply.headers.emplace_back(
          "Content-Range", format("bytes {}-{}/{}", first, content.size() - 1, content.size()));
    }
    return reply;
  }

 private:
  [[nodiscard]] test::ScriptedReply answer(const test::SeenRequest& request) const {
    const std::string resolve = "/org/model/resolve/" + commit + "/";
    if (request.path == "/api/models/org/model/revision/main?blobs=true" ||
        request.path == "/api/models/org/model/revision/" + commit + "?blobs=true") {
      return test::json_reply(dump_json(revision()));
    }
    if (request.path.starts_with(resolve)) {
      const auto found = files.find(request.path.substr(resolve.size()));
      if (found != files.end()) {
        return file_reply(found->second.content, request);
      }
    }
    return test::json_reply(R"({"error": "Repository not found"})", 404);
  }

  Intercept intercept_;

 public:
  test::LoopbackServer server;  // goes first: its threads use the rest
};

}  // namespace cupel::store
