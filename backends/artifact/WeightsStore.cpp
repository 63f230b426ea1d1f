#include "backends/artifact/WeightsStore.h"
#include "dialects/reference/Evaluate.h"
#include "dialects/support/MappedMemory.h"
#include "lathe/artifact.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"
#include <xxhash.h>

using namespace mlir;

namespace lathe {

namespace {
/// Equal keys: equal stored bytes. The packed form follows from the source bytes, the type and the packing.
std::string keyOf(plan::WeightsOp weights, ArrayRef<char> bytes) {
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  std::string key(reinterpret_cast<const char *>(&hash), sizeof(hash));
  llvm::raw_string_ostream text(key);
  text << weights.getSizeBytes();
  if (!isa<UnitAttr>(weights.getPacking()))
    text << weights.getPacking() << weights.getValue().getType();
  return key;
}

/// Passes bytes on to the file and digests them chunk by chunk.
class DigestStream {
public:
  explicit DigestStream(llvm::raw_ostream &out) : out(out) { XXH3_64bits_reset(&state); }

  void write(ArrayRef<char> bytes) {
    while (!bytes.empty()) {
      size_t count = std::min<uint64_t>(bytes.size(), LATHE_WEIGHTS_CHUNK_BYTES - filled);
      out.write(bytes.data(), count);
      XXH3_64bits_update(&state, bytes.data(), count);
      filled += count;
      written += count;
      bytes = bytes.drop_front(count);
      if (filled == LATHE_WEIGHTS_CHUNK_BYTES)
        endChunk();
    }
  }
  void padTo(uint64_t position) {
    static const char zeros[LATHE_BUFFER_ALIGNMENT] = {};
    while (written < position)
      write(ArrayRef(zeros, std::min<uint64_t>(position - written, sizeof(zeros))));
  }
  std::vector<uint64_t> finish() {
    if (filled)
      endChunk();
    return std::move(digests);
  }

private:
  void endChunk() {
    digests.push_back(XXH3_64bits_digest(&state));
    XXH3_64bits_reset(&state);
    filled = 0;
  }

  llvm::raw_ostream &out;
  XXH3_state_t state;
  uint64_t filled = 0, written = 0;
  std::vector<uint64_t> digests;
};
} // namespace

LogicalResult WeightsStore::add(plan::ProgramOp program, unsigned programIndex) {
  for (auto weights : program.getBody().getOps<plan::WeightsOp>()) {
    auto tensor = reference::Tensor::fromAttribute(weights.getValue());
    if (!tensor)
      return weights.emitError("constant can't be stored: ") << llvm::toString(tensor.takeError());
    auto [it, isNew] = byKey.try_emplace(keyOf(weights, tensor->rawBytes()), items.size());
    forgetPages(program.getContext(), tensor->rawBytes());
    if (isNew) {
      items.push_back({weights, uint64_t(weights.getSizeBytes()), 0, {}});
      if (auto resource = dyn_cast<DenseResourceElementsAttr>(weights.getValue()))
        ++itemsOfResource[resource.getRawHandle().getKey()];
    }
    items[it->second].programs |= uint64_t(1) << programIndex;
    itemOf[weights] = it->second;
  }
  return success();
}

/// One segment per set of programs that use the same constants: a program maps and checks what it uses.
void WeightsStore::layout() {
  std::map<uint64_t, unsigned> segmentOf;
  for (auto [index, item] : llvm::enumerate(items)) {
    unsigned segment = segmentOf.try_emplace(item.programs, parts.size()).first->second;
    if (segment == parts.size())
      parts.emplace_back();
    Segment &part = parts[segment];
    item.location = {segment, llvm::alignTo(part.sizeBytes, LATHE_BUFFER_ALIGNMENT)};
    part.items.push_back(index);
    part.sizeBytes = item.location.offset + item.sizeBytes;
  }
  uint64_t offset = 0;
  for (Segment &part : parts) {
    part.offset = offset;
    offset = llvm::alignTo(offset + part.sizeBytes, LATHE_BUFFER_ALIGNMENT);
  }
}

WeightsStore::Location WeightsStore::locationOf(plan::WeightsOp weights) const {
  return items[itemOf.lookup(weights)].location;
}

std::vector<std::unique_ptr<artifact::WeightsSegmentT>> WeightsStore::segments(uint64_t regionOffset) const {
  std::vector<std::unique_ptr<artifact::WeightsSegmentT>> result;
  for (const Segment &part : parts) {
    auto segment = std::make_unique<artifact::WeightsSegmentT>();
    segment->offset = regionOffset + part.offset;
    segment->size = part.sizeBytes;
    segment->chunk_digests = part.digests;
    result.push_back(std::move(segment));
  }
  return result;
}

uint64_t WeightsStore::sizeBytes() const { return parts.empty() ? 0 : parts.back().offset + parts.back().sizeBytes; }

/// Gives back memory of a constant that was stored: all of it when no other item needs it, else its pages in the model file.
void WeightsStore::release(plan::WeightsOp weights) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(weights.getValue());
  if (!resource)
    return;
  if (AsmResourceBlob *blob = resource.getRawHandle().getBlob())
    forgetPages(weights.getContext(), blob->getData());
  if (--itemsOfResource[resource.getRawHandle().getKey()] == 0 && !keepsConstants)
    reference::releaseResource(resource);
}

void WeightsStore::writeSegment(Segment &segment, llvm::raw_ostream &out) {
  DigestStream stream(out);
  for (unsigned index : segment.items) {
    plan::WeightsOp weights = items[index].first;
    // Checked by `add`. The packed bytes are given back before the next constant is looked at.
    reference::Tensor tensor = llvm::cantFail(reference::Tensor::fromAttribute(weights.getValue()));
    stream.padTo(items[index].location.offset);
    if (isa<UnitAttr>(weights.getPacking())) {
      stream.write(tensor.rawBytes());
    } else {
      std::vector<char> packed(weights.getSizeBytes());
      backend.pack(tensor, weights.getPacking(), packed.data());
      stream.write(packed);
    }
    release(weights);
  }
  segment.digests = stream.finish();
}

void WeightsStore::write(llvm::raw_ostream &out) {
  uint64_t written = 0;
  for (Segment &segment : parts) {
    out.write_zeros(segment.offset - written);
    writeSegment(segment, out);
    written = segment.offset + segment.sizeBytes;
  }
}

} // namespace lathe
