//===- Model.cpp - a model and its inputs, for the command line -----------===//
//
// Part of Lathe, under the Apache License v2.0. See LICENSE.
//
//===----------------------------------------------------------------------===//
#include "tools/lathe/Model.h"

#include "runtime/src/artifact/Schedule.h"
#include "tools/lathe/Error.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <random>

namespace lathe::cli {

using artifact::SymbolKind;

Model::Model(const std::string &path, uint64_t flags) : opened(path, flags) {
  const void *data = nullptr;
  check(lathe_artifact_manifest(opened.get(), &data, nullptr, &programNumber));
  root = artifact::GetManifest(data);
}

std::pair<std::string, std::string> splitAssignment(const std::string &text, const char *option) {
  size_t cut = text.rfind('=');
  if (cut == std::string::npos || cut == 0)
    fail(Exit::Usage, "{} expects NAME=VALUE, got '{}'", option, text);
  return {text.substr(0, cut), text.substr(cut + 1)};
}

//===----------------------------------------------------------------------===//
// Sizes
//===----------------------------------------------------------------------===//

namespace {

std::vector<int64_t> parseSizes(const std::string &text, const char *option) {
  std::vector<int64_t> sizes;
  const char *next = text.data(), *end = text.data() + text.size();
  while (next < end) {
    int64_t size;
    auto [stop, error] = std::from_chars(next, end, size);
    if (error != std::errc() || size < 0 || (stop < end && (*stop != 'x' || stop + 1 == end)))
      fail(Exit::Usage, "{} expects sizes like 1x128, got '{}'", option, text);
    sizes.push_back(size);
    next = stop + (stop < end);
  }
  return sizes;
}

/// Finds the values of the symbols that inputs decide about.
class SizeChooser {
public:
  explicit SizeChooser(const Model &model)
      : model(model), program(model.program()), symbolCount(program.symbols() ? program.symbols()->size() : 0) {}

  void setShape(size_t input, const std::vector<int64_t> &shape) {
    const artifact::TensorInfo &info = *program.inputs()->Get(static_cast<uint32_t>(input));
    uint32_t rank = info.shape() ? info.shape()->size() : 0;
    if (shape.size() != rank)
      fail(Exit::Usage, "input '{}' expects rank {}, got {}", info.name()->c_str(), rank, shape.size());
    shapes[input] = shape;
  }

  void setDim(const std::string &name, int64_t value) {
    auto isNamed = [&](uint32_t number) { return program.symbols()->Get(number)->name()->str() == name; };
    std::string known;
    bool found = false;
    for (uint32_t i = 0; i < symbolCount; ++i) {
      if (isNamed(i))
        dims[i] = value;
      found |= isNamed(i);
      known += (known.empty() ? "" : ", ") + program.symbols()->Get(i)->name()->str();
    }
    if (!found)
      fail(Exit::Usage, "no size '{}'; the model has {}", name, known.empty() ? "none" : known);
  }

  void setElements(size_t input, const HostTensor &tensor) { elements[input] = &tensor; }

  Sizes run() {
    runtime::Schedule schedule = runtime::makeSchedule(program);
    Sizes sizes{std::vector<runtime::Value>(symbolCount), std::vector<runtime::Value>(program.exprs()->size())};
    for (runtime::Step step : schedule.stages[0].steps) {
      if (step.isSymbol)
        sizes.symbols[step.number] = valueOf(step.number, sizes);
      else
        sizes.exprs[step.number] = runtime::evaluate(*program.exprs()->Get(step.number), sizes.symbols, sizes.exprs);
    }
    checkShapes(sizes);
    return sizes;
  }

private:
  runtime::Value valueOf(uint32_t number, const Sizes &sizes) const {
    const artifact::Symbol &symbol = *program.symbols()->Get(number);
    if (symbol.kind() == SymbolKind::Derived)
      return sizes.exprs[symbol.expr()];
    if (auto it = dims.find(number); it != dims.end())
      return it->second;
    if (auto it = shapes.find(symbol.index()); symbol.kind() == SymbolKind::InputDim && it != shapes.end())
      return it->second[symbol.element()];
    if (auto it = elements.find(symbol.index()); symbol.kind() == SymbolKind::InputValue && it != elements.end())
      return readElement(*it->second, symbol.element());
    return std::max<int64_t>(symbol.min(), std::min<int64_t>(symbol.max(), 1));
  }

  static runtime::Value readElement(const HostTensor &tensor, uint32_t element) {
    size_t bytes = lathe_dtype_bytes(tensor.dtype);
    if ((uint64_t(element) + 1) * bytes > tensor.bytes.size())
      return std::nullopt;
    int64_t wide = 0;
    int32_t narrow = 0;
    if (bytes == sizeof(wide))
      std::memcpy(&wide, tensor.bytes.data() + element * bytes, bytes);
    else if (bytes == sizeof(narrow))
      std::memcpy(&narrow, tensor.bytes.data() + element * bytes, bytes);
    return bytes == sizeof(wide) ? wide : narrow;
  }

  /// Shapes that were given must be what the symbols make of them; wrong inputs
  /// from files are left to the runtime, which says the same.
  void checkShapes(const Sizes &sizes) const {
    for (const auto &[input, shape] : shapes) {
      const artifact::TensorInfo &info = *program.inputs()->Get(static_cast<uint32_t>(input));
      std::vector<int64_t> expected = cli::shapeOf(info, sizes);
      for (size_t axis = 0; axis < shape.size(); ++axis)
        if (expected[axis] != shape[axis])
          fail(Exit::BadData, "input '{}' axis {} ({}) expects {}, got {}", info.name()->c_str(), axis,
               info.dim_names()->Get(static_cast<uint32_t>(axis))->c_str(), expected[axis], shape[axis]);
    }
  }

  const Model &model;
  const artifact::Program &program;
  const uint32_t symbolCount;
  std::map<size_t, std::vector<int64_t>> shapes;
  std::map<uint32_t, int64_t> dims;
  std::map<size_t, const HostTensor *> elements;
};

} // namespace

std::vector<int64_t> shapeOf(const artifact::TensorInfo &tensor, const Sizes &sizes) {
  std::vector<int64_t> shape;
  if (tensor.shape())
    for (uint32_t expr : *tensor.shape())
      shape.push_back(sizes[expr].value_or(-1));
  return shape;
}

Sizes chooseSizes(const Model &model, const SizeOptions &options, const std::map<size_t, HostTensor> &given) {
  SizeChooser chooser(model);
  for (const std::string &text : options.shapes) {
    auto [name, sizes] = splitAssignment(text, "--shape");
    chooser.setShape(model.artifact().findInput(name), parseSizes(sizes, "--shape"));
  }
  for (const std::string &text : options.dims) {
    auto [name, size] = splitAssignment(text, "--dim");
    std::vector<int64_t> sizes = parseSizes(size, "--dim");
    if (sizes.size() != 1)
      fail(Exit::Usage, "--dim expects one size, got '{}'", size);
    chooser.setDim(name, sizes[0]);
  }
  for (const auto &[input, tensor] : given) {
    chooser.setShape(input, tensor.shape);
    chooser.setElements(input, tensor);
  }
  return chooser.run();
}

//===----------------------------------------------------------------------===//
// Random data
//===----------------------------------------------------------------------===//

namespace {

/// The upper half of an f32 is a bf16; f16 takes a conversion of the exponent.
uint16_t toF16(float value) {
  uint32_t bits = std::bit_cast<uint32_t>(value);
  uint32_t sign = bits >> 16 & 0x8000, exponent = bits >> 23 & 0xff, fraction = bits & 0x7fffff;
  if (exponent < 113) // below 2^-14: zero is close enough for made-up data
    return static_cast<uint16_t>(sign);
  return static_cast<uint16_t>(sign | ((exponent - 112) << 10 | fraction >> 13));
}

template <typename T> void put(HostTensor &tensor, size_t index, T value) {
  std::memcpy(tensor.bytes.data() + index * sizeof(T), &value, sizeof(T));
}

void putRandom(HostTensor &tensor, size_t index, std::mt19937_64 &random) {
  uint64_t bits = random();
  // 24 random bits to [-1, 1).
  float value = static_cast<float>(static_cast<int64_t>(bits >> 40) - (1 << 23)) / (1 << 23);
  switch (tensor.dtype) {
  case LATHE_F32:
    return put(tensor, index, value);
  case LATHE_F64:
    return put(tensor, index, static_cast<double>(value));
  case LATHE_F16:
    return put(tensor, index, toF16(value));
  case LATHE_BF16:
    return put(tensor, index, static_cast<uint16_t>(std::bit_cast<uint32_t>(value) >> 16));
  default: // little-endian: the first byte decides
    tensor.bytes[index * lathe_dtype_bytes(tensor.dtype)] = static_cast<char>(bits >> 63);
  }
}

HostTensor makeInput(const artifact::TensorInfo &info, const std::vector<int64_t> &shape, std::mt19937_64 &random) {
  HostTensor tensor{static_cast<lathe_dtype_t>(info.dtype()), shape, {}};
  size_t count = 1, bytes = lathe_dtype_bytes(tensor.dtype);
  for (int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(count, static_cast<size_t>(size), &count) || count > SIZE_MAX / 16)
      fail(Exit::BadData, "input '{}' has a negative or too large size", info.name()->c_str());
  }
  tensor.bytes.resize(count * bytes);
  for (size_t i = 0; i < count; ++i)
    putRandom(tensor, i, random);
  return tensor;
}

} // namespace

std::vector<HostTensor> makeInputs(const Model &model, const Sizes &sizes, uint64_t seed) {
  const artifact::Program &program = model.program();
  std::mt19937_64 random(seed);
  std::vector<HostTensor> inputs;
  for (const artifact::TensorInfo *info : *program.inputs())
    inputs.push_back(makeInput(*info, shapeOf(*info, sizes), random));
  for (uint32_t i = 0; program.symbols() && i < program.symbols()->size(); ++i) {
    const artifact::Symbol &symbol = *program.symbols()->Get(i);
    if (symbol.kind() != SymbolKind::InputValue)
      continue;
    HostTensor &input = inputs[symbol.index()];
    size_t bytes = lathe_dtype_bytes(input.dtype);
    if ((uint64_t(symbol.element()) + 1) * bytes <= input.bytes.size())
      std::memcpy(input.bytes.data() + symbol.element() * bytes, &*sizes.symbols[i], bytes);
  }
  return inputs;
}

} // namespace lathe::cli
