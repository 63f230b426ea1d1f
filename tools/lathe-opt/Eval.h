#pragma once

namespace lathe {

/// Makes --lathe-eval known: it runs functions without arguments by the interpreter and puts the constants
/// they return in the place of their bodies, so that tests can check values.
void registerEvalPass();

} // namespace lathe
