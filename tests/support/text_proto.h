// Configurations in tests, as text.
//
//   const auto config = ParseText<proto::Tower>("mlp { hidden: 8 }");
#ifndef TANDEM_TESTS_SUPPORT_TEXT_PROTO_H_
#define TANDEM_TESTS_SUPPORT_TEXT_PROTO_H_

#include <glog/logging.h>
#include <google/protobuf/text_format.h>

#include <string>

namespace tandem {

template <typename Message>
Message ParseText(const std::string& text) {
  Message message;
  CHECK(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

}  // namespace tandem

#endif  // TANDEM_TESTS_SUPPORT_TEXT_PROTO_H_
