#include "base/curl_api.h"

#include <type_traits>

#include <dlfcn.h>

#include "base/error.h"

namespace cupel {
namespace {

Result<CurlApi> load_curl() {
  // Both builds of the library have the same interface; they differ in their TLS library.
  void* library = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  library = library != nullptr ? library : ::dlopen("libcurl-gnutls.so.4", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return failed_precondition(
        "libcurl.so.4 is not installed, so endpoints cannot be asked; install the package "
        "libcurl4");
  }
  CurlApi api;
  bool complete = true;
  const auto find = [&](auto& function, const char* name) {
    function =
        reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    complete = complete && function != nullptr;
  };
  find(api.global_init, "curl_global_init");
  find(api.easy_init, "curl_easy_init");
  find(api.easy_cleanup, "curl_easy_cleanup");
  find(api.easy_setopt, "curl_easy_setopt");
  find(api.easy_getinfo, "curl_easy_getinfo");
  find(api.easy_strerror, "curl_easy_strerror");
  find(api.slist_append, "curl_slist_append");
  find(api.slist_free_all, "curl_slist_free_all");
  find(api.multi_init, "curl_multi_init");
  find(api.multi_cleanup, "curl_multi_cleanup");
  find(api.multi_setopt, "curl_multi_setopt");
  find(api.multi_add_handle, "curl_multi_add_handle");
  find(api.multi_remove_handle, "curl_multi_remove_handle");
  find(api.multi_perform, "curl_multi_perform");
  find(api.multi_poll, "curl_multi_poll");
  find(api.multi_wakeup, "curl_multi_wakeup");
  find(api.multi_info_read, "curl_multi_info_read");
  if (!complete || api.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return failed_precondition("libcurl.so.4 is too old or broken; expected version 7.85 or newer");
  }
  return api;
}

}  // namespace

const Result<CurlApi>& curl_api() {
  static const Result<CurlApi> api = load_curl();
  return api;
}

}  // namespace cupel
