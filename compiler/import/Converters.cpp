#include "compiler/import/Node.h"

namespace lathe::importer {

const ConverterEntry *findConverter(llvm::StringRef domain, llvm::StringRef op, int64_t version) {
  static const auto groups = {
      elementwiseConverters(), activationConverters(),  reduceConverters(),          contractionConverters(),
      windowConverters(),      shapeConverters(),       sliceConverters(),           generateConverters(),
      indexConverters(),       normConverters(),        recurrentConverters(),       resizeConverters(),
      quantizeConverters(),    quantizedMsConverters(), quantizedWeightConverters(), controlConverters(),
      sequenceConverters(),    einsumConverters(),      sampleConverters(),          signalConverters(),
      attentionMsConverters(), embedMsConverters(),     fusedMsConverters()};
  for (llvm::ArrayRef<ConverterEntry> group : groups)
    for (const ConverterEntry &entry : group)
      if (entry.op == op && entry.domain == domain && version >= entry.since && version <= entry.until)
        return &entry;
  return nullptr;
}

} // namespace lathe::importer
