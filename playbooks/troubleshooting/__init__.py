"""Why a workload gets no token, or can do nothing with it: facts, one pure check each, and a verdict."""
