// The few messages of onnx.proto (IR version 8, operator set 13) that an MLP needs, written field by field.
#include <cstdint>
#include <cstring>

#include "absl/strings/str_cat.h"
#include "bench/onnx_runtime.h"

namespace tandem::bench {
namespace {

constexpr int kFloat = 1;  // TensorProto.DataType

// A message of the protobuf wire format.
class Message {
 public:
  Message& Int(int field, uint64_t value) {
    Varint(static_cast<uint64_t>(field) << 3);
    Varint(value);
    return *this;
  }
  Message& Bytes(int field, const std::string& value) {
    Varint(static_cast<uint64_t>(field) << 3 | 2);
    Varint(value.size());
    text_ += value;
    return *this;
  }
  const std::string& text() const { return text_; }

 private:
  void Varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7) text_ += static_cast<char>(value | 0x80);
    text_ += static_cast<char>(value);
  }
  std::string text_;
};

std::string Tensor(const std::string& name, const std::vector<int>& shape, const std::vector<float>& values) {
  Message tensor;
  for (int extent : shape) tensor.Int(1, extent);  // dims
  tensor.Int(2, kFloat).Bytes(8, name);
  std::string raw(values.size() * sizeof(float), '\0');
  std::memcpy(raw.data(), values.data(), raw.size());
  return tensor.Bytes(9, raw).text();  // raw_data
}

// ValueInfoProto { name, type { tensor_type { elem_type, shape { dim { dim_value } } } } }
std::string Value(const std::string& name, const std::vector<int>& shape) {
  Message dims, tensor, type;
  for (int extent : shape) dims.Bytes(1, Message().Int(1, extent).text());
  tensor.Int(1, kFloat).Bytes(2, dims.text());
  type.Bytes(1, tensor.text());
  return Message().Bytes(1, name).Bytes(2, type.text()).text();
}

std::string Node(const std::string& operation, const std::vector<std::string>& inputs,
                 const std::string& output) {
  Message node;
  for (const std::string& input : inputs) node.Bytes(1, input);
  return node.Bytes(2, output).Bytes(4, operation).text();
}

}  // namespace

std::string OnnxMlp(const std::vector<DenseLayer>& layers, int batch) {
  Message graph;
  std::string input = "x";
  for (size_t l = 0; l < layers.size(); ++l) {
    const std::string weight = absl::StrCat("w", l), bias = absl::StrCat("b", l);
    const bool last = l + 1 == layers.size();
    const std::string sum = last ? "y" : absl::StrCat("s", l);
    graph.Bytes(1, Node("Gemm", {input, weight, bias}, sum));
    if (!last) graph.Bytes(1, Node("Relu", {sum}, input = absl::StrCat("h", l)));
  }
  graph.Bytes(2, "mlp");
  for (size_t l = 0; l < layers.size(); ++l) {
    graph.Bytes(5, Tensor(absl::StrCat("w", l), {layers[l].inputs, layers[l].outputs}, layers[l].weight));
    graph.Bytes(5, Tensor(absl::StrCat("b", l), {layers[l].outputs}, layers[l].bias));
  }
  graph.Bytes(11, Value("x", {batch, layers.front().inputs}));
  graph.Bytes(12, Value("y", {batch, layers.back().outputs}));
  const Message operators = Message().Bytes(1, "").Int(2, 13);
  return Message().Int(1, 8).Bytes(7, graph.text()).Bytes(8, operators.text()).text();
}

}  // namespace tandem::bench
