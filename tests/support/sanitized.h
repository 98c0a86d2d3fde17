// Whether the tests are built with a sanitizer, which makes all of them many times as dear: then there are
// fewer cases of the same.
#ifndef TANDEM_TESTS_SUPPORT_SANITIZED_H_
#define TANDEM_TESTS_SUPPORT_SANITIZED_H_

namespace tandem {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_SANITIZED_H_
