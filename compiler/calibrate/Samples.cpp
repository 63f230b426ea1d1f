#include "compiler/calibrate/Samples.h"
#include "compiler/calibrate/Fit.h"
#include "compiler/calibrate/Sources.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <set>

using namespace llvm;

namespace lathe {

SampleSource::~SampleSource() = default;

namespace samples {
namespace {

/// What a folder holds.
struct Found {
  std::vector<ArrayPlace> arrays;
  std::vector<std::string> tensorFolders, pictures;
  std::set<std::string> kinds; // in words, to tell when they are mixed
};

struct Entry {
  std::string path;
  bool isFolder;
};

Expected<std::vector<Entry>> listFolder(StringRef path) {
  std::vector<Entry> entries;
  std::error_code code;
  for (sys::fs::directory_iterator i(path, code), end; !code && i != end; i.increment(code)) {
    if (sys::path::filename(i->path()).starts_with("."))
      continue;
    entries.push_back({i->path(), sys::fs::is_directory(i->path())});
  }
  if (code)
    return createStringError("cannot read '" + path + "': " + code.message());
  sort(entries, [](const Entry &a, const Entry &b) {
    int order = StringRef(a.path).compare_numeric(b.path);
    return order ? order < 0 : a.path < b.path;
  });
  return entries;
}

bool isTensorFile(StringRef path) {
  return sys::path::extension(path) == ".pb" && sys::path::filename(path).starts_with("input_");
}

bool isPicture(StringRef path) {
  return is_contained({".png", ".jpg", ".jpeg", ".bmp"}, sys::path::extension(path).lower());
}

/// Adds what the files of one folder are, not those of its subfolders.
void addFiles(StringRef folder, ArrayRef<Entry> entries, bool hasOneInput, Found &found) {
  bool isTensorFolder = false, hasArrays = false;
  for (const Entry &entry : entries) {
    StringRef path = entry.path, extension = sys::path::extension(path);
    if (entry.isFolder)
      continue;
    isTensorFolder |= isTensorFile(path);
    hasArrays |= extension == ".npy";
    if (extension == ".npz")
      found.arrays.push_back({ArrayPlace::npz, entry.path});
    if (extension == ".npy" && hasOneInput)
      found.arrays.push_back({ArrayPlace::npy, entry.path});
    if (isPicture(path))
      found.pictures.push_back(entry.path);
  }
  if (hasArrays && !hasOneInput)
    found.arrays.push_back({ArrayPlace::folderOfNpy, folder.str()});
  if (isTensorFolder)
    found.tensorFolders.push_back(folder.str());
}

Expected<Found> search(StringRef folder, bool hasOneInput) {
  Found found;
  auto entries = listFolder(folder);
  if (!entries)
    return entries.takeError();
  addFiles(folder, *entries, hasOneInput, found);
  for (const Entry &entry : *entries) {
    if (!entry.isFolder)
      continue;
    auto inside = listFolder(entry.path);
    if (!inside)
      return inside.takeError();
    addFiles(entry.path, *inside, hasOneInput, found);
  }
  for (const ArrayPlace &place : found.arrays)
    found.kinds.insert(place.kind == ArrayPlace::npz ? ".npz files" : ".npy files");
  if (!found.tensorFolders.empty())
    found.kinds.insert("ONNX tensors (input_0.pb)");
  if (!found.pictures.empty())
    found.kinds.insert("pictures");
  return found;
}

Source openFolder(StringRef path, ArrayRef<InputSpec> inputs, const ImageOptions &images) {
  auto found = search(path, inputs.size() == 1);
  if (!found)
    return found.takeError();
  if (found->kinds.empty())
    return createStringError(
        path + ": expects .npz or .npy files, test_data_set folders, or pictures (.png, .jpg, .bmp), got none");
  if (found->kinds.size() > 1)
    return createStringError(path + ": expects samples of one kind, got " + join(found->kinds, " and "));
  if (!found->pictures.empty())
    return openPictures(std::move(found->pictures), inputs, images);
  if (!images.isEmpty())
    return createStringError(path + ": options for pictures are given, but there are " + *found->kinds.begin());
  if (!found->tensorFolders.empty())
    return openTensorFolders(std::move(found->tensorFolders), inputs);
  return openArrays(std::move(found->arrays), inputs);
}

Source openOneFile(StringRef path, ArrayRef<InputSpec> inputs, const ImageOptions &images) {
  StringRef extension = sys::path::extension(path);
  if (extension != ".npz" && extension != ".npy")
    return createStringError(path + ": expects an .npz or .npy file, or a folder of samples");
  if (extension == ".npy" && inputs.size() != 1)
    return createStringError(path + ": expects an .npz file or a folder, since the model has " + Twine(inputs.size()) +
                             " inputs");
  if (!images.isEmpty())
    return createStringError(path + ": options for pictures are given, but it is no folder of pictures");
  return openArrays({{extension == ".npz" ? ArrayPlace::npz : ArrayPlace::npy, path.str()}}, inputs);
}

} // namespace
} // namespace samples

Expected<std::unique_ptr<SampleSource>> openSamples(StringRef path, ArrayRef<InputSpec> inputs,
                                                    const ImageOptions &images) {
  if (inputs.empty())
    return createStringError(path + ": the model has no inputs to calibrate with");
  sys::fs::file_status status;
  if (std::error_code code = sys::fs::status(path, status))
    return createStringError("cannot open '" + path + "': " + code.message());
  return status.type() == sys::fs::file_type::directory_file ? samples::openFolder(path, inputs, images)
                                                             : samples::openOneFile(path, inputs, images);
}

} // namespace lathe
