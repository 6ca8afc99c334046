// libllama and ggml for Swift, with the calls that may throw C++ exceptions caught on this side.
#ifndef FOCUS_CLLAMA_H
#define FOCUS_CLLAMA_H

#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml-cpu.h>
#include <ggml.h>
#include <gguf.h>
#include <llama.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Applies `sampler` to `candidates`; false where it threw.
bool focus_sampler_apply(struct llama_sampler * sampler, llama_token_data_array * candidates);

#ifdef __cplusplus
}
#endif
#endif
