// lowerToPlan as a pass, for lathe-opt.
#pragma once

namespace lathe {

/// Makes `--lathe-lower-to-plan="cpu=NAME"` known: replaces the functions of a module by plans for the x86 backend.
void registerLowerToPlanPass();

} // namespace lathe
