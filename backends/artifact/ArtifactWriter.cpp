// Offsets come first: equal constants are found by digest, so the places of all weights are known before one is packed. The
// manifest is built once with empty digests to know its size, weights are streamed to their place, and the manifest is
// built again with the digests (same size) and put in front.
#include "backends/artifact/ArtifactWriter.h"
#include "backends/artifact/ProgramManifest.h"
#include "backends/artifact/WeightsStore.h"
#include "lathe/artifact.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"
#include <cstring>
#include <xxhash.h>

using namespace mlir;

namespace lathe {

namespace {

uint64_t pageEnd(uint64_t offset) { return llvm::alignTo(offset, LATHE_ARTIFACT_PAGE_BYTES); }

class ArtifactWriter {
public:
  ArtifactWriter(ArrayRef<CompiledProgram> programs, const ArtifactText &text, Backend &backend, bool keepsConstants)
      : programs(programs), weights(backend, keepsConstants) {
    describeText(text);
  }

  LogicalResult prepare();
  ArtifactSizes write(llvm::raw_fd_ostream &out);

private:
  void describeText(const ArtifactText &text);
  std::vector<char> packManifest();
  std::vector<char> codeRegion() const;
  lathe_artifact_header header(ArrayRef<char> manifestBytes, ArrayRef<char> code) const;

  ArrayRef<CompiledProgram> programs;
  WeightsStore weights;
  artifact::ManifestT manifest;
  // Before offsets are known some take their place: zeros would be left out of the manifest, whose size is wanted then.
  static constexpr uint64_t kSomeOffset = LATHE_ARTIFACT_PAGE_BYTES;
  uint64_t manifestSize = 0, codeOffset = kSomeOffset, weightsOffset = kSomeOffset;
};

void ArtifactWriter::describeText(const ArtifactText &text) {
  manifest.producer = text.producer;
  manifest.model = text.model;
  manifest.flags = text.flags;
  for (const Decision &decision : text.decisions) {
    auto entry = std::make_unique<artifact::DecisionT>();
    entry->node = decision.node;
    entry->what = decision.what;
    entry->taken = decision.taken;
    entry->reason = decision.reason;
    manifest.decisions.push_back(std::move(entry));
  }
  for (const GraphNode &node : text.graph) {
    auto entry = std::make_unique<artifact::GraphNodeT>();
    entry->name = node.name;
    entry->op = node.op;
    entry->producers = node.producers;
    manifest.graph.push_back(std::move(entry));
  }
}

std::vector<char> ArtifactWriter::packManifest() {
  manifest.weights = weights.segments(weightsOffset);
  flatbuffers::FlatBufferBuilder builder(1 << 20);
  builder.Finish(artifact::Manifest::Pack(builder, &manifest), artifact::ManifestIdentifier());
  auto *begin = reinterpret_cast<const char *>(builder.GetBufferPointer());
  return {begin, begin + builder.GetSize()};
}

std::vector<char> ArtifactWriter::codeRegion() const {
  std::vector<char> region;
  for (const CompiledProgram &program : programs) {
    region.resize(pageEnd(region.size()));
    llvm::append_range(region, program.code.bytes);
  }
  return region;
}

LogicalResult ArtifactWriter::prepare() {
  for (auto [index, program] : llvm::enumerate(programs))
    if (failed(weights.add(program.program, index)))
      return failure();
  weights.layout();
  for (const CompiledProgram &program : programs) {
    auto entry = describeProgram(program.program, program.code, weights);
    if (failed(entry))
      return failure();
    (*entry)->code_offset = codeOffset;
    manifest.programs.push_back(std::move(*entry));
  }
  manifestSize = packManifest().size();
  codeOffset = pageEnd(LATHE_ARTIFACT_PAGE_BYTES + manifestSize);
  uint64_t offset = codeOffset;
  for (auto &entry : manifest.programs) {
    entry->code_offset = pageEnd(offset);
    offset = entry->code_offset + entry->code_size;
  }
  weightsOffset = pageEnd(offset);
  return success();
}

lathe_artifact_header ArtifactWriter::header(ArrayRef<char> manifestBytes, ArrayRef<char> code) const {
  lathe_artifact_header header = {};
  std::memcpy(header.magic, LATHE_ARTIFACT_MAGIC, LATHE_ARTIFACT_MAGIC_BYTES);
  header.version = LATHE_ARTIFACT_VERSION;
  header.header_bytes = sizeof(header);
  header.page_bytes = LATHE_ARTIFACT_PAGE_BYTES;
  header.kernel_abi = LATHE_KERNEL_ABI_VERSION;
  header.manifest_offset = LATHE_ARTIFACT_PAGE_BYTES;
  header.manifest_bytes = manifestBytes.size();
  header.code_offset = codeOffset;
  header.code_bytes = code.size();
  header.weights_offset = weightsOffset;
  header.weights_bytes = weights.sizeBytes();
  header.file_bytes = weightsOffset + weights.sizeBytes();
  XXH3_state_t state;
  XXH3_128bits_reset(&state);
  XXH3_128bits_update(&state, &header, sizeof(header));
  XXH3_128bits_update(&state, manifestBytes.data(), manifestBytes.size());
  XXH3_128bits_update(&state, code.data(), code.size());
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(&state));
  std::memcpy(header.digest, digest.digest, sizeof(header.digest));
  return header;
}

/// Written from the start in whole huge pages, so that the page cache keeps the file in such (ext4 since Linux 6.16, XFS, tmpfs):
/// 600 MB are then mapped in half a millisecond instead of 40, and read faster. Digests are known last, so what comes first in the
/// file is written over.
ArtifactSizes ArtifactWriter::write(llvm::raw_fd_ostream &out) {
  constexpr size_t hugePageBytes = 2 << 20;
  out.SetBufferSize(hugePageBytes);
  out.write_zeros(weightsOffset);
  weights.write(out);
  std::vector<char> manifestBytes = packManifest(), code = codeRegion();
  assert(manifestBytes.size() == manifestSize && "digests must not change the manifest's size");
  lathe_artifact_header head = header(manifestBytes, code);
  out.seek(0);
  out.write(reinterpret_cast<const char *>(&head), sizeof(head));
  out.write_zeros(LATHE_ARTIFACT_PAGE_BYTES - sizeof(head));
  out.write(manifestBytes.data(), manifestBytes.size());
  out.write_zeros(codeOffset - LATHE_ARTIFACT_PAGE_BYTES - manifestBytes.size());
  out.write(code.data(), code.size());
  out.write_zeros(weightsOffset - codeOffset - code.size());
  return {head.file_bytes, manifestBytes.size(), code.size(), weights.sizeBytes()};
}

llvm::Error writeError(StringRef path, std::error_code error) {
  return llvm::createStringError(error, "can't write '" + path.str() + "': " + error.message());
}

/// Renaming over a device or a folder would take its place.
llvm::Error checkReplaceable(StringRef path) {
  llvm::sys::fs::file_status status;
  if (llvm::sys::fs::status(path, status) || llvm::sys::fs::is_regular_file(status))
    return llvm::Error::success();
  return llvm::createStringError("can't write '" + path.str() + "': not a regular file");
}
} // namespace

llvm::Expected<ArtifactSizes> writeArtifact(StringRef path, ArrayRef<CompiledProgram> programs,
                                            const ArtifactText &text, Backend &backend, bool keepsConstants) {
  if (llvm::Error error = checkReplaceable(path))
    return error;
  ArtifactWriter writer(programs, text, backend, keepsConstants);
  if (failed(writer.prepare()))
    return llvm::createStringError("a program can't be put into an artifact");
  auto file =
      llvm::sys::fs::TempFile::create(path + ".%%%%%%.tmp", llvm::sys::fs::all_read | llvm::sys::fs::owner_write);
  if (!file)
    return writeError(path, llvm::errorToErrorCode(file.takeError()));
  ArtifactSizes sizes;
  std::error_code error;
  {
    llvm::raw_fd_ostream out(file->FD, /*shouldClose=*/false);
    sizes = writer.write(out);
    out.flush();
    error = out.error();
    out.clear_error();
  }
  if (error) {
    llvm::consumeError(file->discard());
    return writeError(path, error);
  }
  if (llvm::Error failure = file->keep(path))
    return writeError(path, llvm::errorToErrorCode(std::move(failure)));
  return sizes;
}

} // namespace lathe
