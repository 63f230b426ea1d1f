// The wire format: a message is a sequence of (key, value); key = field number * 8 + wire type; wire types are varint (0),
// 8 bytes (1), length-delimited (2), 4 bytes (5), and the groups (3, 4) that proto2 left behind, which ONNX does not use.
#include "compiler/import/StripWeights.h"
#include <optional>

namespace lathe::importer {

namespace {

constexpr uint64_t kModelGraph = 7, kGraphInitializer = 5, kTensorRawData = 9; // field numbers of onnx.proto

/// One field of a message: all its bytes, and the payload if it is length-delimited.
struct Field {
  uint64_t number = 0;
  bool isDelimited = false;
  llvm::ArrayRef<char> whole, payload;
};

class Reader {
public:
  explicit Reader(llvm::ArrayRef<char> bytes) : rest(bytes) {}
  bool atEnd() const { return rest.empty(); }

  /// Takes the next field; nothing if the bytes are no message.
  std::optional<Field> next() {
    llvm::ArrayRef<char> start = rest;
    auto key = varint();
    if (!key || *key >> 3 == 0)
      return std::nullopt;
    Field field;
    field.number = *key >> 3;
    field.isDelimited = (*key & 7) == 2;
    if (!skipValue(*key & 7, field))
      return std::nullopt;
    field.whole = start.drop_back(rest.size());
    return field;
  }

private:
  std::optional<uint64_t> varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
      auto byte = static_cast<unsigned char>(rest.front());
      rest = rest.drop_front();
      value |= uint64_t(byte & 127) << shift;
      if (byte < 128)
        return value;
    }
    return std::nullopt;
  }

  bool skipValue(unsigned wireType, Field &field) {
    if (wireType == 0)
      return varint().has_value();
    std::optional<uint64_t> size = wireType == 1 ? 8 : wireType == 5 ? 4 : wireType == 2 ? varint() : std::nullopt;
    if (!size || *size > rest.size())
      return false;
    field.payload = rest.take_front(*size);
    rest = rest.drop_front(*size);
    return true;
  }

  llvm::ArrayRef<char> rest;
};

void append(std::string &out, llvm::ArrayRef<char> bytes) { out.append(bytes.data(), bytes.size()); }

void appendDelimited(std::string &out, uint64_t number, llvm::StringRef payload) {
  auto varint = [&](uint64_t value) {
    for (; value > 127; value >>= 7)
      out.push_back(char(value & 127) | char(-128));
    out.push_back(char(value));
  };
  varint(number * 8 + 2);
  varint(payload.size());
  out.append(payload.data(), payload.size());
}

class Stripper {
public:
  Stripper(llvm::ArrayRef<char> model, size_t threshold) : model(model), threshold(threshold) {}

  bool run() {
    for (Reader reader(model); !reader.atEnd();) {
      auto field = take(reader);
      if (!field)
        return false;
      if (field->number == kModelGraph && field->isDelimited) {
        std::string graph;
        if (!stripGraph(field->payload, graph))
          return false;
        appendDelimited(result.bytes, kModelGraph, graph);
      } else {
        append(result.bytes, field->whole);
      }
    }
    return true;
  }

  StrippedModel result;
  const char *position = nullptr;

private:
  /// Remembers where reading got to, for the error message.
  std::optional<Field> take(Reader &reader) {
    auto field = reader.next();
    if (field)
      position = field->whole.data() + field->whole.size();
    return field;
  }

  bool stripGraph(llvm::ArrayRef<char> bytes, std::string &out) {
    for (Reader reader(bytes); !reader.atEnd();) {
      auto field = take(reader);
      if (!field)
        return false;
      if (field->number != kGraphInitializer || !field->isDelimited) {
        append(out, field->whole);
        continue;
      }
      std::string tensor;
      if (!stripTensor(field->payload, tensor))
        return false;
      appendDelimited(out, kGraphInitializer, tensor);
    }
    return true;
  }

  bool stripTensor(llvm::ArrayRef<char> bytes, std::string &out) {
    llvm::ArrayRef<char> weights;
    for (Reader reader(bytes); !reader.atEnd();) {
      auto field = take(reader);
      if (!field)
        return false;
      if (field->number == kTensorRawData && field->isDelimited && field->payload.size() > threshold)
        weights = field->payload;
      else
        append(out, field->whole);
    }
    result.weights.push_back(weights);
    return true;
  }

  llvm::ArrayRef<char> model;
  size_t threshold;
};

} // namespace

llvm::Expected<StrippedModel> stripWeights(llvm::ArrayRef<char> model, size_t thresholdBytes) {
  Stripper stripper(model, thresholdBytes);
  if (stripper.run())
    return std::move(stripper.result);
  size_t offset = stripper.position ? stripper.position - model.data() : 0;
  return llvm::createStringError("not an ONNX model: truncated or damaged after byte %zu of %zu", offset, model.size());
}

} // namespace lathe::importer
