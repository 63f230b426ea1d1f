#include "compiler/calibrate/ArrayReader.h"
#include "compiler/calibrate/Sources.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <functional>

using namespace llvm;

namespace lathe::samples {
namespace {

/// An array that was found, by its name, not opened yet.
struct NamedArray {
  std::string name;
  std::function<Expected<std::unique_ptr<Bytes>>()> open;
};
using NamedArrays = Expected<std::vector<NamedArray>>;

NamedArray arrayFile(StringRef path) {
  return {sys::path::stem(path).str(), [path = path.str()] { return openFile(path); }};
}

NamedArrays findInZip(StringRef path) {
  auto archive = ZipArchive::open(path);
  if (!archive)
    return archive.takeError();
  std::vector<NamedArray> arrays;
  for (const auto &[number, member] : (*archive)->members()) {
    StringRef name = member;
    name.consume_back(".npy");
    arrays.push_back({name.str(), [archive = *archive, number = number] { return archive->openMember(number); }});
  }
  return arrays;
}

NamedArrays findInFolder(StringRef path) {
  std::error_code code;
  std::vector<NamedArray> arrays;
  for (sys::fs::directory_iterator i(path, code), end; !code && i != end; i.increment(code))
    if (StringRef(i->path()).ends_with(".npy"))
      arrays.push_back(arrayFile(i->path()));
  if (code)
    return createStringError("cannot read '" + path + "': " + code.message());
  sort(arrays, [](const NamedArray &a, const NamedArray &b) { return a.name < b.name; });
  return arrays;
}

NamedArrays find(const ArrayPlace &place) {
  switch (place.kind) {
  case ArrayPlace::npz:
    return findInZip(place.path);
  case ArrayPlace::npy:
    return std::vector<NamedArray>{arrayFile(place.path)};
  case ArrayPlace::folderOfNpy:
    return findInFolder(place.path);
  }
  llvm_unreachable("a kind of place");
}

/// The arrays of one place, one per input.
class ArrayGroup {
public:
  static Expected<ArrayGroup> open(const ArrayPlace &place, ArrayRef<InputSpec> inputs) {
    ArrayGroup group;
    if (Error error = group.match(place, inputs))
      return at(place.path, std::move(error));
    return group;
  }

  int64_t count() const { return readers.front().count(); }

  Expected<reference::Tensors> load(int64_t index, ArrayRef<InputSpec> inputs) {
    reference::Tensors tensors;
    for (auto [reader, input] : zip_equal(readers, inputs)) {
      auto tensor = reader.load(index, input);
      if (!tensor)
        return at("input '" + input.name + "'", tensor.takeError());
      tensors.push_back(std::move(*tensor));
    }
    return tensors;
  }

private:
  Error match(const ArrayPlace &place, ArrayRef<InputSpec> inputs) {
    auto found = find(place);
    if (!found)
      return found.takeError();
    if (inputs.size() == 1 && found->size() == 1)
      return add(found->front(), inputs.front());
    StringMap<const NamedArray *> byName;
    std::vector<std::string> names, wanted;
    for (const NamedArray &array : *found) {
      names.push_back(array.name);
      if (!byName.try_emplace(array.name, &array).second)
        return createStringError("array '" + array.name + "' is there twice");
    }
    for (const InputSpec &input : inputs)
      wanted.push_back(input.name);
    bool allFound = all_of(wanted, [&](const std::string &name) { return byName.contains(name); });
    if (!allFound || names.size() != wanted.size())
      return createStringError("expects arrays " + namesText(wanted) + ", got " + namesText(names));
    for (const InputSpec &input : inputs)
      if (Error error = add(*byName.lookup(input.name), input))
        return error;
    return checkTogether(inputs);
  }

  Error add(const NamedArray &array, const InputSpec &input) {
    auto bytes = array.open();
    if (!bytes)
      return at("array '" + array.name + "'", bytes.takeError());
    auto reader = ArrayReader::open(std::move(*bytes), input);
    if (!reader)
      return at("array '" + array.name + "'", reader.takeError());
    readers.push_back(std::move(*reader));
    return Error::success();
  }

  Error checkTogether(ArrayRef<InputSpec> inputs) const {
    std::vector<SmallVector<int64_t>> shapes;
    for (auto [reader, input] : zip_equal(readers, inputs)) {
      if (reader.count() != count())
        return createStringError("array '" + input.name + "': expects " + Twine(count()) + " samples as in '" +
                                 inputs.front().name + "', got " + Twine(reader.count()));
      shapes.emplace_back(reader.sampleShape());
    }
    return checkSymbols(shapes, inputs);
  }

  std::vector<ArrayReader> readers;
};

class ArraySamples : public SampleSource {
public:
  static Source open(std::vector<ArrayPlace> places, ArrayRef<InputSpec> inputs) {
    std::unique_ptr<ArraySamples> samples(new ArraySamples);
    samples->inputs = inputs.vec();
    samples->places = std::move(places);
    for (const ArrayPlace &place : samples->places) {
      auto group = ArrayGroup::open(place, inputs);
      if (!group)
        return group.takeError();
      samples->ends.push_back(samples->count() + size_t(group->count()));
    }
    return samples;
  }

  size_t count() const override { return ends.empty() ? 0 : ends.back(); }

  Expected<reference::Tensors> load(size_t index) override {
    size_t number = size_t(upper_bound(ends, index) - ends.begin());
    if (number != openNumber) {
      group.reset(); // one file open at a time
      auto opened = ArrayGroup::open(places[number], inputs);
      if (!opened)
        return opened.takeError();
      group = std::move(*opened);
      openNumber = number;
    }
    int64_t inside = int64_t(index - (number ? ends[number - 1] : 0));
    if (inside >= group->count())
      return createStringError(places[number].path + ": has fewer samples than when it was opened");
    auto tensors = group->load(inside, inputs);
    if (!tensors)
      return at(places[number].path + ": sample " + Twine(inside), tensors.takeError());
    return tensors;
  }

private:
  ArraySamples() = default;

  std::vector<InputSpec> inputs;
  std::vector<ArrayPlace> places;
  std::vector<size_t> ends; // samples up to the end of each place
  std::optional<ArrayGroup> group;
  size_t openNumber = SIZE_MAX;
};

} // namespace

Source openArrays(std::vector<ArrayPlace> places, ArrayRef<InputSpec> inputs) {
  return ArraySamples::open(std::move(places), inputs);
}

} // namespace lathe::samples
