// A backend that has oneDNN beside its own kernels.
#pragma once

#include "backends/Backend.h"

namespace lathe {

enum class Provider {
  lathe,  // own kernels only
  onednn, // oneDNN wherever it can be
  either  // own kernels, with oneDNN's plans beside them to choose from
};

/// `own` with oneDNN's plans, as `provider` says.
std::unique_ptr<Backend> withProvider(std::unique_ptr<Backend> own, Provider provider);

} // namespace lathe
