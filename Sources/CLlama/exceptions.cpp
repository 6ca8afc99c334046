#include "include/CLlama.h"

// A C++ exception that unwinds through Swift ends the process, so each call that can throw stops it here.

bool focus_sampler_apply(struct llama_sampler * sampler, llama_token_data_array * candidates) {
    try {
        llama_sampler_apply(sampler, candidates);
        return true;
    } catch (...) {
        return false;
    }
}
