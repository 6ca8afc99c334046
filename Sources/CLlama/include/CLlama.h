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

/// A grammar sampler, or NULL where the grammar does not parse (also where the parser throws).
struct llama_sampler * focus_grammar_init(const struct llama_vocab * vocab, const char * grammar, const char * root);

/// Applies `sampler` to `candidates`; false where it threw.
bool focus_sampler_apply(struct llama_sampler * sampler, llama_token_data_array * candidates);

/// Tells `sampler` that `token` was chosen; false where it threw (a token the grammar forbids).
bool focus_sampler_accept(struct llama_sampler * sampler, llama_token token);

#ifdef __cplusplus
}
#endif
#endif
