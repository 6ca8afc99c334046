#include "include/CLlama.h"

// A C++ exception that unwinds through Swift ends the process, so each call that can throw stops it here.

struct llama_sampler * focus_grammar_init(const struct llama_vocab * vocab, const char * grammar, const char * root) {
    try {
        return llama_sampler_init_grammar(vocab, grammar, root);
    } catch (...) {
        return nullptr;
    }
}

bool focus_sampler_apply(struct llama_sampler * sampler, llama_token_data_array * candidates) {
    try {
        llama_sampler_apply(sampler, candidates);
        return true;
    } catch (...) {
        return false;
    }
}

bool focus_sampler_accept(struct llama_sampler * sampler, llama_token token) {
    try {
        llama_sampler_accept(sampler, token);
        return true;
    } catch (...) {
        return false;
    }
}
