/*
 * Purpose:    Count candidates by network.
 * Parameters: none
 * Result:     network, candidates
 * Caller:     CandidateStore::candidate_counts
 * Index:      candidate_by_attempt, read whole
 */
SELECT network, count(*) AS candidates FROM candidate GROUP BY network
