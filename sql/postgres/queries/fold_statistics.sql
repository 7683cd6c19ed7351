/*
 * Purpose:    Fold what commits changed into the counters.
 * Parameters: $1 how many commits at most
 * Result:     how many
 * Caller:     FigureStore::fold_statistics
 * Index:      primary key of event_change
 */
SELECT statistics_fold($1)
