// A library needs a source; what counts is the precompiled header made with it.
