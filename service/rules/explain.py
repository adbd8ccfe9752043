"""Why a decision came out as it did: reasons that add up, and a summary, from the trace."""
