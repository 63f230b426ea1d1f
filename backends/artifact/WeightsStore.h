// Constant tensors of an artifact: which bytes are stored, where, and how they get into the file.
//
// First all plan.weights are added: they are read once for a digest, equal ones get one place, and all offsets are known.
// Then `write` packs one constant at a time straight from the model's (mapped) memory into the file.
#pragma once

#include "backends/Backend.h"
#include "manifest_generated.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"
#include <map>

namespace lathe {

class WeightsStore {
public:
  /// `keepsConstants`: resources of constants are not given up by `write`.
  WeightsStore(Backend &backend, bool keepsConstants) : backend(backend), keepsConstants(keepsConstants) {}

  /// Registers the constants of program number `programIndex`. Failure: a diagnostic at a constant that has no bytes.
  mlir::LogicalResult add(plan::ProgramOp program, unsigned programIndex);
  /// Fixes all places. Call once, after the last `add`.
  void layout();

  struct Location {
    uint32_t segment = 0;
    uint64_t offset = 0; // in the segment
  };
  Location locationOf(plan::WeightsOp weights) const;
  /// Segments with their digests, after `write`; the region starts at `regionOffset` in the file.
  std::vector<std::unique_ptr<artifact::WeightsSegmentT>> segments(uint64_t regionOffset) const;
  uint64_t sizeBytes() const;

  /// Writes the region and computes the digests. The constants' resources are given up, unless they are kept: the programs have
  /// none afterwards.
  void write(llvm::raw_ostream &out);

private:
  struct Item {
    plan::WeightsOp first; // the first of those that share the bytes
    uint64_t sizeBytes = 0;
    uint64_t programs = 0; // bit set
    Location location;
  };
  struct Segment {
    std::vector<unsigned> items;
    uint64_t offset = 0, sizeBytes = 0; // offset in the region
    std::vector<uint64_t> digests;      // by `write`
  };

  void writeSegment(Segment &segment, llvm::raw_ostream &out);
  void release(plan::WeightsOp weights);

  Backend &backend;
  bool keepsConstants;
  std::vector<Item> items;
  std::vector<Segment> parts;
  llvm::DenseMap<mlir::Operation *, unsigned> itemOf;
  std::map<std::string, unsigned> byKey;
  llvm::StringMap<unsigned> itemsOfResource; // how many items are still to be written from it
};

} // namespace lathe
